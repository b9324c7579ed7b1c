#include "bpf/dp/policy/policy.h"

/* Under pressure only what matters is let through. A subscriber that keeps up gets all 256
 * priorities; each eighth of the delivery timeout that it lags behind halves the largest
 * number let through: 127 from 1/8 on, 63 from 2/8, ... 1 from 7/8, and 0 from the timeout
 * on. By halves, because people number layers 0, 1, 2, 3 and leave the rest at 128: a
 * linear limit would not tell the layers apart until the very end. Priority 0 is never
 * dropped. Dropping lowers the lag, and that raises the limit again. */
PORT_GLOBAL int dp_policy_priority_limit(const struct dp_policy_input *in) {
  if (!in || !in->held)
    return 0;
  __u64 lag = (__u64)in->lag_ms * 8, timeout = in->delivery_timeout_ms;
  __u32 limit = 255;
  PORT_NO_UNROLL
  for (__u32 eighth = 1; eighth <= 8; eighth++)
    if (lag >= timeout * eighth)
      limit = 255u >> eighth;
  return in->priority > limit;
}
