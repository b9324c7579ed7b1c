#include "bpf/dp/policy/policy.h"

/* The strategy that drops nothing: what does not fit now is sent later. */
PORT_GLOBAL int dp_policy_none(const struct dp_policy_input *in) {
  port_unused(in);
  return 0;
}
