/* The network of a plan as a simulation wants it: addresses and ports of a live run. */
#ifndef FANBENCH_RUN_VIRTUAL_NET_H
#define FANBENCH_RUN_VIRTUAL_NET_H

#include "bench/net/topology.h"
#include "bench/sim/sim.h"

struct virtual_net {
  struct sim_wire *wires; /* [n_links] */
  uint16_t *ports;        /* [n_nodes] */
  uint32_t first_ifindex;
};

/* net: planned, not built. 0, or -1: no memory, nothing to be freed. */
int virtual_net_open(struct virtual_net *v, const struct plan *plan, const struct topology *net);
void virtual_net_free(struct virtual_net *v);

#endif
