#include "bench/peer/path_mtu.h"

#include "bench/scenario/ways.h"

#define LEAST_MTU 1280

uint32_t path_mtu(const struct plan *plan, int node) {
  const struct plan_node *from = &plan->nodes[node];
  if (from->relay < 0)
    return LEAST_MTU;
  const uint32_t relay = plan->nodes[from->relay].host;
  if (relay == from->host) /* no link is in the way */
    return 65535;
  struct plan_ways *ways = plan_ways_new(plan);
  const int ip = plan_ways_ip(ways, from->host, relay);
  const uint32_t mtu = ip ? plan_ways_mtu(ways, from->host, relay, ip) : 0;
  plan_ways_free(ways);
  return mtu ? mtu : LEAST_MTU;
}
