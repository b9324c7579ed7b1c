/* The process around an endpoint's core: sockets, clock, randomness, files and
 * the control channel. */
#ifndef FANBENCH_PEER_HOST_H
#define FANBENCH_PEER_HOST_H

#include "bench/scenario/plan.h"
#include "relay/quic/conn.h"

struct peer_host_config {
  const struct plan *plan;
  int node;
  struct qc_addr local, remote;
  const char *authority; /* the remote address as text */
  const char *out;       /* run directory */
  int control;           /* -1 = none: runs until SIGTERM or SIGINT */
};

/* Runs the endpoint to its end. Returns the exit code: 0, or 1 after a fatal
 * problem, which is told on the control channel and on stderr. */
int peer_host_run(const struct peer_host_config *config);

#endif
