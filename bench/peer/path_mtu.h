/* The largest IP packet between a node and the relay it dials: the smallest MTU
 * of the links between their hosts, routers included. */
#ifndef FANBENCH_PEER_PATH_MTU_H
#define FANBENCH_PEER_PATH_MTU_H

#include "bench/scenario/plan.h"

/* A plan has a way from every endpoint to its relay; 1,280 (RFC 8200) if not. */
uint32_t path_mtu(const struct plan *plan, int node);

#endif
