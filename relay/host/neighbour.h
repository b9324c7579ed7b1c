/* Which interface and Ethernet addresses a path uses: route, then neighbour
 * table, asked of the kernel by rtnetlink. */
#ifndef FANBENCH_RELAY_HOST_NEIGHBOUR_H
#define FANBENCH_RELAY_HOST_NEIGHBOUR_H

#include <stdint.h>

#include "relay/quic/conn.h"

/* Fills in the interface, its address and the next hop's. Returns 0, or -1 if
 * there is no route or no neighbour entry yet. */
int neighbour_resolve(const struct qc_path *path, uint32_t *ifindex, uint8_t src_mac[6],
                      uint8_t dst_mac[6]);

/* Largest IP packet of the path: the route's MTU, where it has one, else that of its
 * interface; 0 = not known. */
uint32_t neighbour_mtu(const struct qc_path *path);

#endif
