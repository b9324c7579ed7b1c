#include "bench/run/ability.h"

#include <stdio.h>

static bool node_ability(const struct plan_node *node, char *why, size_t len) {
  const char *need = NULL;
  if (node->role == PLAN_RELAY && node->datapath != PLAN_DP_STOCK &&
      node->protection == PLAN_PROT_TLS)
    need =
        "has protection tls on datapath kernel or user, not built yet: the datapath cannot "
        "open and seal packets; use datapath stock, or protection none";
  if (need != NULL)
    snprintf(why, len, "node %s %s", node->name, need);
  return need == NULL;
}

bool ability_run(const struct plan *plan, char *why, size_t why_len) {
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (!node_ability(&plan->nodes[i], why, why_len))
      return false;
  return true;
}
