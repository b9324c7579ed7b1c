/* fanbench enter: a command inside the namespaces of a held run. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/run/channel.h"
#include "bench/run/held.h"

const char cmd_enter_help[] =
    "usage: fanbench enter NODE [--run DIR] [-- COMMAND [ARGUMENT]...]\n"
    "Runs a command (a shell without one) in the network, PID and mount namespace of a\n"
    "node of a run that `fanbench run --hold` keeps open.\n"
    "\n"
    "  --run DIR   the run directory, if several runs are held\n"
    "\n"
    "examples:\n"
    "  sudo fanbench enter relay -- ss -uanp\n"
    "  sudo fanbench enter 'sub[0]' -- tcpdump -ni relay\n";

enum { OPT_RUN = 1000 };
static const struct option options[] = {{"run", required_argument, NULL, OPT_RUN},
                                        {NULL, 0, NULL, 0}};

/* The one held run that is meant, or NULL after saying why there is none. */
static const struct held *choose(const struct held *all, size_t n, const char *dir) {
  char *wanted = dir != NULL ? realpath(dir, NULL) : NULL;
  const struct held *found = NULL;
  size_t matches = 0;
  for (size_t i = 0; i < n; i++) {
    if (all[i].stale || (dir != NULL && (wanted == NULL || strcmp(wanted, all[i].dir) != 0)))
      continue;
    found = &all[i];
    matches++;
  }
  free(wanted);
  if (matches == 1)
    return found;
  if (matches == 0)
    fprintf(stderr, "fanbench: no run is held%s%s; start one with fanbench run FILE --hold\n",
            dir != NULL ? " in " : "", dir != NULL ? dir : "");
  else
    fprintf(stderr, "fanbench: %zu runs are held; choose one with --run DIR\n", matches);
  return NULL;
}

static int open_namespaces(const struct held *run, int node_fd, int *pidfd, int *net) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)run->pid, node_fd);
  *net = open(path, O_RDONLY | O_CLOEXEC);
  *pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
  if (*net >= 0 && *pidfd >= 0)
    return 0;
  fprintf(stderr, "fanbench: cannot open the namespaces of process %d: %s; it needs root\n",
          (int)run->pid, strerror(errno));
  return -1;
}

/* In the child, which is in the run's PID namespace by its birth. Its /sys shows the
 * node's interfaces; the run's own mounts stay as they are. */
static _Noreturn void execute(char **command) {
  if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    fprintf(stderr, "fanbench: /sys shows another namespace: %s\n", strerror(errno));
  char *shell[] = {getenv("SHELL"), NULL}, standard[] = "/bin/sh";
  if (shell[0] == NULL)
    shell[0] = standard;
  char *program = command[0] != NULL ? command[0] : shell[0];
  execvp(program, command[0] != NULL ? command : shell);
  fprintf(stderr, "fanbench: cannot execute %s: %s\n", program, strerror(errno));
  _exit(127);
}

static int enter(const struct held *run, int node_fd, char **command) {
  int pidfd, net;
  if (open_namespaces(run, node_fd, &pidfd, &net) != 0)
    return CMD_LACKING;
  char *cwd = getcwd(NULL, 0);
  if (setns(pidfd, CLONE_NEWNS | CLONE_NEWPID) != 0 || setns(net, CLONE_NEWNET) != 0) {
    fprintf(stderr, "fanbench: cannot enter the run's namespaces: %s; it needs root\n",
            strerror(errno));
    free(cwd);
    return CMD_LACKING;
  }
  if (cwd == NULL || chdir(cwd) != 0)
    fputs("fanbench: the working directory is not visible inside; standing in /\n", stderr);
  free(cwd);
  pid_t child = fork();
  if (child == 0)
    execute(command);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  if (child < 0) {
    fprintf(stderr, "fanbench: cannot start a process: %s\n", strerror(errno));
    return CMD_LACKING;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Node and command: "NODE -- CMD..."; getopt stops at "--". */
static int parse(int argc, char **argv, const char **dir, const char **node, char ***command) {
  int own = 1;
  while (own < argc && strcmp(argv[own], "--") != 0)
    own++;
  *command = argv + (own < argc ? own + 1 : own);
  int opt;
  while ((opt = cmd_getopt(own, argv, ":", options)) != -1) {
    if (opt != OPT_RUN)
      return CMD_BAD_INPUT;
    *dir = optarg;
  }
  if (own - optind != 1)
    return cmd_usage("enter", "expected one node, then -- and a command");
  *node = argv[optind];
  return 0;
}

int cmd_enter(int argc, char **argv) {
  const char *dir = NULL, *node = NULL;
  char **command, err[512];
  struct held *all;
  size_t n;
  int rc = parse(argc, argv, &dir, &node, &command);
  if (rc != 0)
    return rc;
  if (held_list(&all, &n, err, sizeof err) != 0) {
    fprintf(stderr, "fanbench: %s\n", err);
    return CMD_LACKING;
  }
  const struct held *run = choose(all, n, dir);
  int node_fd = run != NULL ? held_node(run, node) : -1;
  if (run == NULL)
    rc = CMD_BAD_INPUT;
  else if (node_fd < 0) {
    fprintf(stderr, "fanbench: the run in %s has no node \"%s\"; it has:", run->dir, node);
    for (size_t i = 0; i < json_array_size(run->nodes); i++)
      fprintf(stderr, " %s", channel_text(json_array_get(run->nodes, i), "name"));
    fputc('\n', stderr);
    rc = CMD_BAD_INPUT;
  } else
    rc = enter(run, node_fd, command);
  held_free(all, n);
  return rc;
}
