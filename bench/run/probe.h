/* What a live run needs of this machine, tried rather than guessed. `fanbench
 * doctor` shows all of it, `fanbench run` refuses with the first that is missing. */
#ifndef FANBENCH_RUN_PROBE_H
#define FANBENCH_RUN_PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct probe {
  const char *name; /* static: "tcx" */
  bool ok;
  bool needed;     /* a live run is impossible without it */
  char found[256]; /* what was found */
  char todo[256];  /* what to do about it; "" if ok */
};
#define PROBE_MAX 16

/* Tries everything. Returns how many were filled in, at most PROBE_MAX. */
size_t probe_all(const char *bindir, struct probe probes[PROBE_MAX]);

/* The first needed one that is missing, or NULL. */
const struct probe *probe_missing(const struct probe *probes, size_t n);

/* Copies between veth ends go through the per-CPU backlog, whose default of 1,000
 * packets loses bursts. Raises net.core.netdev_max_backlog of this machine if it is
 * lower; it stays raised. Returns 1 if it was raised (from *was), 0 if it was high
 * enough, -1 with errno if it could not be. */
int probe_raise_backlog(long *was);
#define PROBE_BACKLOG 20000

#endif
