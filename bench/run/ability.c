#include "bench/run/ability.h"

#include <stdio.h>

bool ability_event(enum plan_event_kind kind) {
  switch (kind) {
  case PLAN_EV_PRIORITY_LIMIT:
  case PLAN_EV_RECONNECT:
  case PLAN_EV_DIE:
  case PLAN_EV_VANISH:
  case PLAN_EV_KILL:
  case PLAN_EV_RESTART:
  case PLAN_EV_SUBSCRIBE:
  case PLAN_EV_UNSUBSCRIBE:
  case PLAN_EV_LINK_SET:
  case PLAN_EV_LINK_DOWN:
  case PLAN_EV_LINK_UP:
    return true;
  case PLAN_EV_STALL:
  case PLAN_EV_ROTATE_CID:
  case PLAN_EV_UPDATE_KEY:
  case PLAN_EV_REBIND:
  case PLAN_EV_MIGRATE:
    return false;
  }
  return false;
}

static bool node_ability(const struct plan_node *node, char *why, size_t len) {
  const char *need = NULL;
  if (node->role == PLAN_ROGUE)
    need = "needs the rogue endpoint, not built yet";
  else if (node->role == PLAN_RELAY && node->datapath != PLAN_DP_STOCK &&
           node->protection == PLAN_PROT_TLS)
    need = "has protection tls on datapath kernel or user, not built yet: the datapath cannot "
           "open and seal packets; use datapath stock, or protection none";
  else if (node->role == PLAN_RELAY && node->relay >= 0)
    need = "has an upstream: relay chains are not built yet";
  if (need != NULL)
    snprintf(why, len, "node %s %s", node->name, need);
  return need == NULL;
}

bool ability_run(const struct plan *plan, char *why, size_t why_len) {
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (!node_ability(&plan->nodes[i], why, why_len))
      return false;
  for (size_t i = 0; i < plan->n_events; i++) {
    const struct plan_event *event = &plan->events[i];
    if (ability_event(event->kind))
      continue;
    snprintf(why, why_len, "line %u of the timeline: event %s, not built yet", event->line,
             plan_event_name(event->kind));
    return false;
  }
  return true;
}
