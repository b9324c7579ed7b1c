/* The TLS contexts of a simulated relay: of the server that it is, and, if the plan gives it an
 * upstream, of the client that dials there. Their secrets go to the run's keys.log. */
#ifndef FANBENCH_SIM_RELAY_TLS_H
#define FANBENCH_SIM_RELAY_TLS_H

#include "bench/sim/world.h"
#include "relay/fanout/relay.h"

/* Zero-initialised = closed. Stays where it is while open: a relay refers to it. */
struct relay_tls {
  struct qc_tls *server, *client; /* client: NULL without an upstream */
  char authority[80];             /* of the upstream */
};

/* Fills in *upstream as well, which stays empty if the plan has none. 0, or -1 without memory or
 * without a way there; relay_tls_close() then frees what there is. */
int relay_tls_open(struct relay_tls *tls, struct node *node, struct relay_upstream *upstream);
void relay_tls_close(struct relay_tls *tls);

#endif
