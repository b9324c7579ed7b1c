#include "bpf/dp/policy/policy.h"

PORT_GLOBAL int dp_policy_drops(__u32 policy, const struct dp_policy_input *in) {
  if (!in)
    return 0;
  switch (policy) {
  case DP_POLICY_PRIORITY_LIMIT:
    return dp_policy_priority_limit(in);
  case DP_POLICY_DEADLINE:
    return dp_policy_deadline(in);
  case DP_POLICY_SKIP_TO_GROUP:
    return dp_policy_skip_to_group(in);
  default:
    return dp_policy_none(in);
  }
}
