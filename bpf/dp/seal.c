#include "bpf/dp/seal.h"

PORT_GLOBAL int dp_seal(port_t *p, struct dp_scratch *s, __u32 n) {
  if (!s)
    return -1;
  switch (s->subs[port_index(n, FB_BATCH)].protection) {
  case FB_PROTECT_NONE:
    return dp_seal_none(p, s, n);
  default:
    return -1; /* choose refuses such a subscriber: no-key */
  }
}
