#include "bench/sim/relay_plan.h"

#include "bpf/abi/limits.h"
#include "bpf/dp/policy/policy.h"
#include "relay/fanout/defects.h"

uint32_t relay_plan_clients(const struct plan *plan) {
  const size_t n = 2 * plan->n_nodes + 16; /* who reconnects overlaps with itself */
  return n < FB_MAX_SUBSCRIBERS ? (uint32_t)n : FB_MAX_SUBSCRIBERS;
}

struct fb_defects relay_plan_defects(const struct plan *plan) {
  struct fb_defects defects = {0};
  for (size_t i = 0; i < plan->n_defects; i++)
    defects_set(&defects, plan->defects[i].name, plan_defect_number(&plan->defects[i]));
  return defects;
}

/* The plan knows the names of strategies, no other one gets here. */
uint32_t relay_plan_policy(const struct plan_node *node) {
  return dp_policy_find(node->policy);
}

enum qc_protection relay_plan_protection(const struct plan_node *node) {
  return node->protection == PLAN_PROT_NONE ? QC_PROTECT_NONE : QC_PROTECT_TLS;
}

enum qc_cipher relay_plan_cipher(const struct plan_node *node) {
  return node->cipher == PLAN_AES128GCM ? QC_AES_128_GCM : QC_CHACHA20_POLY1305;
}
