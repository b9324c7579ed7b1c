/* Whoever dials a relay needs a way to it. */
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"
#include "bench/scenario/ways.h"

/* The first node that dials `relay` and has no way to it, or -1. */
static int find_cut_off(const struct plan *plan, struct plan_ways *ways, int relay) {
  const uint32_t to = plan->nodes[relay].host;
  int cut_off = -1;
  for (size_t i = 0; i < plan->n_nodes && cut_off < 0; i++)
    if (plan->nodes[i].relay == relay && plan_ways_ip(ways, plan->nodes[i].host, to) == 0)
      cut_off = (int)i;
  plan_ways_forget(ways, to);
  return cut_off;
}

bool plan_check_reach(struct plan_build *b) {
  const struct plan *plan = b->plan;
  struct plan_ways *ways = plan_ways_new(plan);
  int cut_off = -1;
  for (size_t i = 0; i < plan->n_nodes && cut_off < 0; i++) {
    if (plan->nodes[i].role == PLAN_RELAY)
      cut_off = find_cut_off(plan, ways, (int)i);
  }
  plan_ways_free(ways);
  if (cut_off < 0)
    return true;
  const struct plan_node *node = &plan->nodes[cut_off];
  const struct plan_tree *links = plan_tree_key(b->root, "links");
  return plan_refuse(b->err, links ? links : b->root,
                     "expected a link between '%s' and '%s', whom it dials, or a way through "
                     "routers of one IP version, found none",
                     node->name, plan->nodes[node->relay].name);
}
