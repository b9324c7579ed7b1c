#include "bpf/dp/policy/policy.h"

/* What is as old as the delivery timeout is worth nothing any more. This is what
 * MoQT (draft-ietf-moq-transport-20, OBJECT_DELIVERY_TIMEOUT) asks of every sender: the age
 * of the object, looked at before it is passed to QUIC. Priority and group do not matter. */
PORT_GLOBAL int dp_policy_deadline(const struct dp_policy_input *in) {
  return in && in->age_ms >= in->delivery_timeout_ms;
}
