#include "bench/run/cast.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/run/channel.h"
#include "bench/run/clock.h"

/* How long the kernel may take to end a process that got SIGKILL. */
#define KILL_BOUND_NS (5 * CLOCK_S)

void cast_end(struct cast *cast, const char *fmt, ...) {
  if (cast->ended[0] != '\0')
    return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(cast->ended, sizeof cast->ended, fmt, ap);
  va_end(ap);
}

/* Publishers keep time on a busy machine; they sleep most of it. The relay is in front of its
 * subscribers, which on a real network do not take its CPU: among sixteen of them at one
 * priority a relay that needs a quarter of a CPU got less, read its ACKs 100 ms late for
 * seconds, and its windows were used up by what had long arrived. Every datapath alike. */
#define RELAY_PRIORITY     1
#define PUBLISHER_PRIORITY 2
/* In front of everybody: a late wire hurts what nobody asked to be hurt. */
#define WIRE_PRIORITY 3

static struct process *add(struct cast *cast, const struct process_spec *spec, char *err,
                           size_t err_len) {
  if (cast->n == cast->room) {
    size_t room = cast->room * 2 + 16;
    struct process **bigger = realloc(cast->all, room * sizeof *bigger);
    if (bigger == NULL) {
      snprintf(err, err_len, "no memory for process %s", spec->name);
      return NULL;
    }
    cast->all = bigger;
    cast->room = room;
  }
  struct process *p = malloc(sizeof *p);
  if (p == NULL) {
    snprintf(err, err_len, "no memory for process %s", spec->name);
    return NULL;
  }
  if (process_start(p, spec, err, err_len) != 0) {
    free(p);
    return NULL;
  }
  cast->all[cast->n++] = p;
  return p;
}

static int priority_of(const struct plan_node *who) {
  switch (who->role) {
  case PLAN_PUBLISHER:
    return PUBLISHER_PRIORITY;
  case PLAN_RELAY:
    return RELAY_PRIORITY;
  default:
    return 0;
  }
}

/* Of a process that is about to begin, from 1. */
static unsigned life_of(const struct cast *cast, int node) {
  unsigned life = 1;
  for (size_t i = 0; i < cast->n; i++)
    life += cast->all[i]->node == node;
  return life;
}

struct process *cast_start_node(struct cast *cast, int node, char *err, size_t err_len) {
  const struct plan_node *who = &cast->plan->nodes[node];
  struct command cmd;
  int rc = who->role == PLAN_RELAY
               ? command_relay(&cmd, cast->plan, cast->net, node, life_of(cast, node), &cast->at,
                               err, err_len)
               : command_peer(&cmd, cast->plan, cast->net, node, &cast->at, err, err_len);
  if (rc != 0)
    return NULL;
  char *log = NULL;
  struct process *p = NULL;
  if (asprintf(&log, "%s/log/%s.txt", cast->at.dir, who->file_name) < 0)
    snprintf(err, err_len, "no memory for a path");
  else
    p = add(cast,
            &(struct process_spec){.name = who->name,
                                   .node = node,
                                   .netns_fd = cast->net->hosts[who->host].fd,
                                   .realtime = priority_of(who),
                                   .log_path = log,
                                   .argv = cmd.argv},
            err, err_len);
  free(log);
  command_free(&cmd);
  return p;
}

struct process *cast_start_wire(struct cast *cast, char *err, size_t err_len) {
  struct command cmd;
  char *log = NULL;
  if (command_wire(&cmd, &cast->at, err, err_len) != 0)
    return NULL;
  if (asprintf(&log, "%s/log/wire.txt", cast->at.dir) < 0) {
    log = NULL;
    snprintf(err, err_len, "no memory for a path");
  } else
    cast->wire = add(cast,
                     &(struct process_spec){.name = "wire",
                                            .node = -1,
                                            .netns_fd = cast->net->wire->fd,
                                            .realtime = WIRE_PRIORITY,
                                            .log_path = log,
                                            .argv = cmd.argv},
                     err, err_len);
  free(log);
  command_free(&cmd);
  return cast->wire;
}

struct process *cast_start_capture(struct cast *cast, const char *name, int netns_fd,
                                   int (*inside)(void *, int), void *arg, char *err,
                                   size_t err_len) {
  return add(cast,
             &(struct process_spec){
                 .name = name, .node = -1, .netns_fd = netns_fd, .inside = inside, .arg = arg},
             err, err_len);
}

struct process *cast_of(const struct cast *cast, int node) {
  for (size_t i = cast->n; i > 0; i--)
    if (cast->all[i - 1]->node == node)
      return cast->all[i - 1];
  return NULL;
}

bool cast_lost_relay(const struct cast *cast, const struct process *p) {
  const int relay = p->node >= 0 ? cast->plan->nodes[p->node].relay : -1;
  const struct process *its = relay >= 0 ? cast_of(cast, relay) : NULL;
  return its != NULL && its->doomed;
}

void cast_tell(struct cast *cast, struct process *p, json_t *message) {
  if (p->exited || p->control < 0)
    json_decref(message);
  else if (channel_send(p->control, message) != 0 && !p->doomed && !p->stopping && errno != EPIPE &&
           errno != ECONNRESET)
    cast_end(cast, "cannot write to the control channel of %s: %s", p->name, strerror(errno));
}

static void hear(struct cast *cast, struct process *p) {
  json_t *message;
  while (p->control >= 0) {
    enum channel_result got = channel_recv(p->control, &message);
    if (got == CHANNEL_NOTHING)
      return;
    if (got == CHANNEL_MESSAGE) {
      process_heard(p, message);
      json_decref(message);
    } else if (got == CHANNEL_GARBAGE)
      cast_end(cast, "%s sent something that is no JSON object on its control channel", p->name);
    else {
      close(p->control);
      p->control = -1;
    }
  }
}

static void reap(struct cast *cast) {
  int status;
  pid_t pid;
  /* -1: as init of the PID namespace also orphans that were never ours */
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (size_t i = 0; i < cast->n; i++) {
      struct process *p = cast->all[i];
      if (p->pid != pid || p->exited)
        continue;
      hear(cast, p); /* its last words came before its end */
      process_reaped(p, status);
      char how[320];
      if (!process_end_expected(p))
        cast_end(cast, "%s ended during \"%s\": %s; see log/ in the run directory", p->name,
                 cast->doing != NULL ? cast->doing : "start", process_end_text(p, how, sizeof how));
    }
  }
}

static void hear_outside(struct cast *cast) {
  json_t *message;
  enum channel_result got = channel_recv(cast->up, &message);
  if (got == CHANNEL_CLOSED)
    _exit(1); /* the runner is gone, and with this process goes the run */
  if (got == CHANNEL_MESSAGE && strcmp(channel_text(message, "do"), "release") == 0)
    cast->released = true;
  json_decref(message);
}

static int ms_until(uint64_t until_ns) {
  uint64_t now = clock_now();
  if (until_ns <= now)
    return 0;
  uint64_t ms = (until_ns - now + CLOCK_MS - 1) / CLOCK_MS;
  return ms > 1000 ? 1000 : (int)ms;
}

void cast_turn(struct cast *cast, uint64_t until_ns) {
  struct pollfd *fds = calloc(3 * cast->n + 1, sizeof *fds);
  if (fds == NULL) {
    cast_end(cast, "no memory to wait for %zu processes", cast->n);
    return;
  }
  nfds_t n = 0;
  fds[n++] = (struct pollfd){.fd = cast->up, .events = POLLIN};
  for (size_t i = 0; i < cast->n; i++) {
    const struct process *p = cast->all[i];
    /* poll() passes over what is -1 */
    fds[n++] = (struct pollfd){.fd = p->control, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = p->log_in, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = p->exited ? -1 : p->pidfd, .events = POLLIN};
  }
  if (poll(fds, n, ms_until(until_ns)) > 0) {
    if (fds[0].revents != 0)
      hear_outside(cast);
    for (size_t i = 0; i < cast->n; i++) {
      if (fds[3 * i + 1].revents != 0)
        hear(cast, cast->all[i]);
      if (fds[3 * i + 2].revents != 0)
        process_log(cast->all[i]);
    }
  }
  free(fds);
  reap(cast);
}

static const struct process *first_lagging(const struct cast *cast, cast_test *test) {
  for (size_t i = 0; i < cast->n; i++)
    if (!cast->all[i]->exited && !test(cast, cast->all[i]))
      return cast->all[i];
  return NULL;
}

int cast_wait(struct cast *cast, cast_test *test, uint64_t bound_ns, const char *what) {
  uint64_t until = clock_now() + bound_ns;
  const struct process *lagging;
  cast->doing = what;
  while (cast->ended[0] == '\0' && (lagging = first_lagging(cast, test)) != NULL) {
    if (clock_now() >= until) {
      cast->timed_out = true;
      cast_end(cast, "waited %llu s for %s, and %s is not there yet",
               (unsigned long long)(bound_ns / CLOCK_S), what, lagging->name);
      break;
    }
    cast_turn(cast, until);
  }
  return cast->ended[0] == '\0' ? 0 : -1;
}

static bool any_left(const struct cast *cast, cast_test *which) {
  for (size_t i = 0; i < cast->n; i++)
    if (!cast->all[i]->exited && which(cast, cast->all[i]))
      return true;
  return false;
}

static void kill_the_rest(struct cast *cast, cast_test *which) {
  for (size_t i = 0; i < cast->n; i++) {
    struct process *p = cast->all[i];
    if (p->exited || !which(cast, p))
      continue;
    p->overdue = true;
    cast->timed_out = true;
    cast_end(cast, "%s did not stop when told to, and was killed", p->name);
    kill(p->pid, SIGKILL);
  }
}

void cast_stop(struct cast *cast, cast_test *which, uint64_t bound_ns) {
  cast->doing = "stop";
  for (size_t i = 0; i < cast->n; i++) {
    struct process *p = cast->all[i];
    if (p->exited || !which(cast, p))
      continue;
    p->stopping = true;
    cast_tell(cast, p, json_pack("{s:s}", "do", "stop"));
  }
  uint64_t until = clock_now() + bound_ns;
  while (any_left(cast, which) && clock_now() < until)
    cast_turn(cast, until);
  kill_the_rest(cast, which);
  until = clock_now() + KILL_BOUND_NS;
  while (any_left(cast, which) && clock_now() < until)
    cast_turn(cast, until);
}

void cast_free(struct cast *cast) {
  for (size_t i = 0; i < cast->n; i++) {
    process_close(cast->all[i]);
    free(cast->all[i]);
  }
  free(cast->all);
  cast->all = NULL;
  cast->n = cast->room = 0;
}
