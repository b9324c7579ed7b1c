#include "bench/run/ready.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/run/probe.h"

int ready_machine(const char *bindir) {
  struct probe probes[PROBE_MAX];
  size_t n = probe_all(bindir, probes);
  const struct probe *missing = probe_missing(probes, n);
  if (missing != NULL) {
    fprintf(stderr, "fanbench: this machine lacks %s: %s\n  what to do: %s\n", missing->name,
            missing->found, missing->todo);
    return 3;
  }
  long was;
  int raised = probe_raise_backlog(&was);
  if (raised > 0)
    fprintf(stderr,
            "fanbench: net.core.netdev_max_backlog raised from %ld to %d, so that bursts "
            "of copies are not lost; it stays raised\n",
            was, PROBE_BACKLOG);
  else if (raised < 0)
    fprintf(stderr,
            "fanbench: net.core.netdev_max_backlog is %ld and cannot be raised (%s); bursts "
            "of copies may be lost\n",
            was, strerror(errno));
  return 0;
}
