#include "bpf/dp/policy/policy.h"

PORT_GLOBAL int dp_policy_drops(__u32 policy, const struct dp_policy_input *in) {
  if (!in)
    return 0;
  switch (policy) {
  default:
    return dp_policy_none(in);
  }
}
