#include "bpf/dp/seal_aead.h"

PORT_GLOBAL int dp_seal_chacha20(port_t *p, struct dp_scratch *s, __u32 n) {
  return s ? dp_seal_aead(p, s, n, FB_PROTECT_CHACHA20) : -1;
}
