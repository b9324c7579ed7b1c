#include "bpf/dp/policy/policy.h"

/* Better the newest picture than the next one: a subscriber that lags behind by half of the
 * delivery timeout loses all that is left of older groups, and goes on with the newest one
 * from its beginning. Within the newest group nothing is dropped: it could not be decoded
 * without what is missing. Half, so that the new group has time to arrive before it is too
 * old itself. */
PORT_GLOBAL int dp_policy_skip_to_group(const struct dp_policy_input *in) {
  if (!in || !in->held || in->group >= in->newest_group)
    return 0;
  return (__u64)in->lag_ms * 2 >= in->delivery_timeout_ms;
}
