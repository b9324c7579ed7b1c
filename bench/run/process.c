#include "bench/run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/run/channel.h"

#define MAX_ARGS 512

/* In the new process: streams, death with the parent, namespace. */
static int settle(const struct process_spec *spec, pid_t parent, int log_fd) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
    return -1;
  int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0 || dup2(null_fd, 0) < 0)
    return -1;
  if (log_fd >= 0 && (dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0))
    return -1;
  if (setns(spec->netns_fd, CLONE_NEWNET) != 0) {
    fprintf(stderr, "cannot enter the host's network namespace: %s\n", strerror(errno));
    return -1;
  }
  /* A load that comes late proves nothing. Without the privilege it runs as it can, and
   * load-honest tells. */
  struct sched_param param = {.sched_priority = spec->realtime};
  if (spec->realtime > 0)
    sched_setscheduler(0, SCHED_RR, &param);
  return 0;
}

static _Noreturn void execute(char *const *argv, int control) {
  char number[16];
  char *args[MAX_ARGS + 1];
  size_t n = 0;
  snprintf(number, sizeof number, "%d", control);
  for (; n < MAX_ARGS && argv[n] != NULL; n++)
    args[n] = strcmp(argv[n], PROCESS_CONTROL_ARG) == 0 ? number : argv[n];
  args[n] = NULL;
  if (n == 0 || n == MAX_ARGS)
    fprintf(stderr, "expected 1 to %d arguments of a process, found %zu\n", MAX_ARGS - 1, n);
  else if (fcntl(control, F_SETFD, 0) == 0) {
    execv(argv[0], args);
    fprintf(stderr, "cannot execute %s: %s\n", argv[0], strerror(errno));
  }
  _exit(127);
}

static _Noreturn void child(const struct process_spec *spec, pid_t parent, int control,
                            int log_fd) {
  if (settle(spec, parent, log_fd) != 0)
    _exit(126);
  if (spec->argv != NULL)
    execute(spec->argv, control);
  _exit(spec->inside(spec->arg, control));
}

static int open_log(struct process *p, const char *path, int *write_end) {
  int fds[2];
  p->log_out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (p->log_out < 0 || pipe2(fds, O_CLOEXEC) != 0)
    return -1;
  p->log_in = fds[0];
  *write_end = fds[1];
  return fcntl(p->log_in, F_SETFL, O_NONBLOCK);
}

int process_start(struct process *p, const struct process_spec *spec, char *err, size_t err_len) {
  int fds[2] = {-1, -1}, log_fd = -1;
  *p = (struct process){.node = spec->node,
                        .pidfd = -1,
                        .control = -1,
                        .log_in = -1,
                        .log_out = -1,
                        .log_room = PROCESS_LOG_MAX};
  p->name = strdup(spec->name);
  if (p->name == NULL || channel_pair(fds) != 0 ||
      (spec->log_path != NULL && open_log(p, spec->log_path, &log_fd) != 0))
    goto failed;
  fflush(NULL);
  pid_t parent = getpid();
  p->pid = fork();
  if (p->pid == 0)
    child(spec, parent, fds[1], log_fd);
  if (p->pid < 0 || (p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0)) < 0)
    goto failed;
  p->control = fds[0];
  close(fds[1]);
  if (log_fd >= 0)
    close(log_fd);
  return 0;
failed:
  snprintf(err, err_len, "cannot start %s: %s", spec->name, strerror(errno));
  if (p->pid > 0)
    kill(p->pid, SIGKILL);
  for (int i = 0; i < 2; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  if (log_fd >= 0)
    close(log_fd);
  process_close(p);
  return -1;
}

static uint64_t count_of(const json_t *message, const char *key) {
  json_int_t n = channel_int(message, key, 0);
  return n > 0 ? (uint64_t)n : 0;
}

static void heard_published(struct process *p, const json_t *message) {
  p->published = true;
  p->objects_published = count_of(message, "objects");
  p->late_p99_ns = count_of(message, "late_p99_ns");
  p->late_max_ns = count_of(message, "late_max_ns");
  p->knows_planned = json_is_integer(json_object_get(message, "planned"));
  p->objects_planned = count_of(message, "planned");
}

static void heard_state(struct process *p, const json_t *message) {
  p->states++;
  p->connections = count_of(message, "connections");
  p->backlog = count_of(message, "backlog");
  p->inflight = count_of(message, "inflight");
  p->objects = count_of(message, "objects");
  p->last_rx_ns = count_of(message, "last_rx_ns");
}

static void heard_wire(struct process *p, const json_t *message) {
  json_t *way = json_deep_copy(message);
  json_object_del(way, "ev");
  if (p->wires == NULL)
    p->wires = json_array();
  json_array_append_new(p->wires, way);
}

void process_heard(struct process *p, const json_t *message) {
  const char *ev = channel_text(message, "ev");
  if (strcmp(ev, "ready") == 0)
    p->ready = true;
  else if (strcmp(ev, "announced") == 0)
    p->announced = true;
  else if (strcmp(ev, "answered") == 0) {
    p->answered = true;
    p->answered_ok = count_of(message, "ok");
    p->answered_refused = count_of(message, "refused");
  } else if (strcmp(ev, "published") == 0)
    heard_published(p, message);
  else if (strcmp(ev, "state") == 0)
    heard_state(p, message);
  else if (strcmp(ev, "did") == 0)
    p->did_ok[p->did++ % PROCESS_EVENTS] = json_is_true(json_object_get(message, "ok"));
  else if (strcmp(ev, "captured") == 0) {
    json_decref(p->captured);
    p->captured = json_deep_copy(message);
  } else if (strcmp(ev, "wire") == 0)
    heard_wire(p, message);
  else if (strcmp(ev, "error") == 0)
    snprintf(p->error, sizeof p->error, "%s", channel_text(message, "text"));
}

static void keep(struct process *p, const char *text, size_t len) {
  size_t room = len < p->log_room ? len : p->log_room;
  if (room > 0 && write(p->log_out, text, room) != (ssize_t)room)
    p->log_room = room; /* the disk is full: nothing more fits */
  p->log_room -= room;
  p->log_cut += len - room;
}

void process_log(struct process *p) {
  char buf[4096];
  while (p->log_in >= 0) {
    ssize_t n = read(p->log_in, buf, sizeof buf);
    if (n > 0) {
      keep(p, buf, (size_t)n);
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    close(p->log_in);
    p->log_in = -1;
    if (p->log_cut > 0)
      dprintf(p->log_out, "\n[cut here: %llu bytes more]\n", (unsigned long long)p->log_cut);
  }
}

void process_reaped(struct process *p, int status) {
  p->exited = true;
  p->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  process_log(p);
}

bool process_end_expected(const struct process *p) {
  if (p->overdue)
    return false;
  return p->doomed || (p->stopping && p->signal == 0 && p->exit_code == 0);
}

void process_close(struct process *p) {
  int *fds[] = {&p->pidfd, &p->control, &p->log_in, &p->log_out};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
    if (*fds[i] >= 0)
      close(*fds[i]);
    *fds[i] = -1;
  }
  json_decref(p->captured);
  p->captured = NULL;
  json_decref(p->wires);
  p->wires = NULL;
  free(p->name);
  p->name = NULL;
}

const char *process_end_text(const struct process *p, char *buf, size_t len) {
  int n = p->signal != 0 ? snprintf(buf, len, "signal %d (%s)", p->signal, strsignal(p->signal))
                         : snprintf(buf, len, "exit code %d", p->exit_code);
  if (p->error[0] != '\0' && n > 0 && (size_t)n < len)
    snprintf(buf + n, len - (size_t)n, ": %s", p->error);
  return buf;
}
