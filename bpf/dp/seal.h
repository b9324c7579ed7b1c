/* seal: packet protection of one copy. One file each kind of protection; this one only
 * chooses. The twin for arriving packets is open.h. */
#ifndef FANBENCH_BPF_DP_SEAL_H
#define FANBENCH_BPF_DP_SEAL_H

#include "bpf/dp/dp.h"

/* May copies to this subscriber be sealed with its key, as far as can be told before a
 * number is taken? `next` = the number that would be. */
PORT_GLOBAL int dp_has_key(port_t *p, __u32 key_slot, __u32 protection, __u64 next);

/* The null AEAD of `protection: none`. */
PORT_GLOBAL int dp_seal_none(port_t *p, struct dp_scratch *s, __u32 n);

PORT_GLOBAL int dp_seal_chacha20(port_t *p, struct dp_scratch *s, __u32 n);
PORT_GLOBAL int dp_seal_aes128gcm(port_t *p, struct dp_scratch *s, __u32 n);

/* Seals the plaintext in s->copy for record.subs[n]: as it is to leave it then stands in
 * s->sealed, or still in s->copy where there is no protection. 0, or a negative error: the
 * copy is lost. */
PORT_INLINE int dp_seal(port_t *p, struct dp_scratch *s, __u32 n) {
  switch (s->subs[port_index(n, FB_BATCH)].protection) {
  case FB_PROTECT_NONE:
    return dp_seal_none(p, s, n);
  case FB_PROTECT_CHACHA20:
    return port_protects(p, FB_PROTECT_CHACHA20) ? dp_seal_chacha20(p, s, n) : -1;
  case FB_PROTECT_AES128GCM:
    return port_protects(p, FB_PROTECT_AES128GCM) ? dp_seal_aes128gcm(p, s, n) : -1;
  default:
    return -1; /* choose refuses such a subscriber: no-key */
  }
}

#endif
