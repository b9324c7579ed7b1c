#include "bench/run/cage.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include "bench/run/channel.h"

#define BPFFS "/sys/fs/bpf"

static int close_all_but(int keep) {
  if (keep > 3 && close_range(3, (unsigned)keep - 1, 0) != 0)
    return -1;
  return close_range((unsigned)keep + 1, ~0u, 0);
}

static int furnish(char *err, size_t err_len) {
  struct stat st;
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
    snprintf(err, err_len, "cannot make the mounts private: %s", strerror(errno));
    return -1;
  }
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
    snprintf(err, err_len, "cannot mount /proc: %s", strerror(errno));
    return -1;
  }
  if (stat(BPFFS, &st) == 0 &&
      mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
    snprintf(err, err_len, "cannot mount bpffs on " BPFFS ": %s", strerror(errno));
    return -1;
  }
  return 0;
}

/* The parent may die before PDEATHSIG is set, and getppid() is 0 in here in
 * any case: so wait for its word, whose absence means that it is gone. */
static void settle(int fd) {
  char go;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || recv(fd, &go, 1, 0) != 1)
    _exit(1);
}

static _Noreturn void child(int fd, bool closed, int (*inside)(void *, int), void *arg) {
  char err[256];
  if (close_all_but(fd) != 0)
    _exit(1);
  settle(fd);
  setsid();
  umask(022);
  if (closed && furnish(err, sizeof err) != 0) {
    channel_send(fd, json_pack("{s:s, s:i, s:s}", "ev", "end", "code", 3, "text", err));
    _exit(3);
  }
  _exit(inside(arg, fd));
}

/* namespaces: CLONE_NEW... flags; 0 = an open cage. */
static int start(struct cage *cage, uint64_t namespaces, int (*inside)(void *arg, int fd),
                 void *arg) {
  int fds[2];
  if (channel_pair(fds) != 0)
    return -1;
  fflush(NULL); /* what is buffered now would be written twice */
  struct clone_args args = {.flags = namespaces, .exit_signal = SIGCHLD};
  long pid = namespaces != 0 ? syscall(SYS_clone3, &args, sizeof args) : fork();
  if (pid == 0)
    child(fds[1], namespaces != 0, inside, arg);
  int saved = errno;
  close(fds[1]);
  if (pid < 0 || send(fds[0], "", 1, MSG_NOSIGNAL) != 1) {
    saved = pid < 0 ? saved : errno;
    close(fds[0]);
    if (pid > 0) {
      kill((pid_t)pid, SIGKILL);
      waitpid((pid_t)pid, NULL, 0);
    }
    errno = saved;
    return -1;
  }
  *cage = (struct cage){.pid = (pid_t)pid, .fd = fds[0]};
  return 0;
}

int cage_start(struct cage *cage, int (*inside)(void *arg, int fd), void *arg, char *err,
               size_t err_len) {
  int rc = start(cage, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, inside, arg);
  if (rc != 0)
    snprintf(err, err_len,
             "cannot start a process in new PID, mount and network namespaces: %s; it needs root "
             "(CAP_SYS_ADMIN)",
             strerror(errno));
  return rc;
}

int cage_start_open(struct cage *cage, int (*inside)(void *arg, int fd), void *arg, char *err,
                    size_t err_len) {
  int rc = start(cage, 0, inside, arg);
  if (rc != 0)
    snprintf(err, err_len, "cannot start a process: %s", strerror(errno));
  return rc;
}

int cage_wait(struct cage *cage) {
  int status = 0;
  while (waitpid(cage->pid, &status, 0) < 0 && errno == EINTR)
    ;
  close(cage->fd);
  cage->fd = -1;
  return status;
}

void cage_kill(const struct cage *cage) {
  kill(cage->pid, SIGKILL);
}
