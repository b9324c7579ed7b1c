#include "bench/peer/path_mtu.h"

#include <stdlib.h>

#define LEAST_MTU 1280

static bool is_router(const struct plan *plan, uint32_t host) {
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (plan->nodes[i].host == host)
      return plan->nodes[i].role == PLAN_ROUTER;
  return false;
}

/* One round over all links: what can be reached, and with which MTU (0: not
 * yet). Only routers pass packets on. */
static bool widen(const struct plan *plan, uint32_t from, uint32_t *mtu) {
  bool changed = false;
  for (size_t i = 0; i < plan->n_links; i++) {
    const uint32_t a = plan->nodes[plan->links[i].a].host, b = plan->nodes[plan->links[i].b].host;
    const uint32_t ends[2][2] = {{a, b}, {b, a}};
    for (int way = 0; way < 2; way++) {
      const uint32_t here = ends[way][0], there = ends[way][1];
      if (mtu[here] == 0 || mtu[there] != 0 || (here != from && !is_router(plan, here)))
        continue;
      mtu[there] = plan->links[i].mtu < mtu[here] ? plan->links[i].mtu : mtu[here];
      changed = true;
    }
  }
  return changed;
}

uint32_t path_mtu(const struct plan *plan, int node) {
  const struct plan_node *from = &plan->nodes[node];
  uint32_t *mtu = calloc(plan->n_hosts + 1, sizeof *mtu);
  uint32_t found = 0;
  if (!mtu)
    return LEAST_MTU;
  mtu[from->host] = UINT32_MAX;
  while (widen(plan, from->host, mtu))
    ;
  if (from->relay >= 0)
    found = mtu[plan->nodes[from->relay].host];
  free(mtu);
  if (found == UINT32_MAX) /* on the relay's own host */
    return 65535;
  return found ? found : LEAST_MTU;
}
