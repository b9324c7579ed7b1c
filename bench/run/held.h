/* Runs held open by `run --hold`: a small file each, so that `enter` finds their
 * namespaces. The namespaces themselves are kept by the run's process alone;
 * a file whose process is gone is stale and means nothing.
 *
 * The folder is /run/fanbench for root, else $XDG_RUNTIME_DIR/fanbench, else
 * /tmp/fanbench-UID. */
#ifndef FANBENCH_RUN_HELD_H
#define FANBENCH_RUN_HELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct held {
  char *path;    /* of the file */
  pid_t pid;     /* init of the run, as seen from outside */
  char *dir;     /* run directory */
  json_t *nodes; /* [{"name","fd"}]: /proc/PID/fd/FD is the namespace */
  bool stale;
};

/* Writes the file. *path is the caller's to unlink and free. 0 or -1 with a sentence. */
int held_write(pid_t pid, const char *dir, const json_t *nodes, char **path, char *err,
               size_t err_len);

/* All files of this user. *list is given back by held_free(). 0 or -1 with a sentence. */
int held_list(struct held **list, size_t *n, char *err, size_t err_len);
void held_free(struct held *list, size_t n);

/* The fd number of a node's namespace in the run's process, or -1. */
int held_node(const struct held *run, const char *node);

#endif
