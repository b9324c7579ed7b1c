/* The ciphers behind one face, for open and seal: `cipher` is a constant wherever these are
 * used, so nothing is chosen at run time. */
#ifndef FANBENCH_BPF_DP_PROTECT_H
#define FANBENCH_BPF_DP_PROTECT_H

#include "bpf/abi/keys.h"
#include "bpf/crypt/aes.h"
#include "bpf/crypt/chacha20.h"
#include "bpf/crypt/gcm.h"
#include "bpf/crypt/poly1305.h"
#include "bpf/dp/dp.h"

/* Bits of a short header's first byte that are hidden (RFC 9001 5.4.1). */
#define DP_SHORT_MASK 0x1f

/* How a packet came by its keystream. Made ahead, there before and after its use; worked out
 * for it; that, after one made ahead had changed during its use. */
enum dp_keystream { DP_READY, DP_COMPUTED, DP_RACED };

#define DP_COUNT_KEYSTREAM(p, c, how)                                                              \
  do {                                                                                             \
    port_count(p, (how) == DP_READY ? &(c)->ks_ready : &(c)->ks_computed, 1);                      \
    if ((how) == DP_RACED)                                                                         \
      port_count(p, &(c)->ks_raced, 1);                                                            \
  } while (0)

/* Is there a key, and of this cipher? `generation` as loaded before. */
PORT_INLINE int dp_key_good(const struct fb_key *key, __u64 generation, __u32 cipher) {
  return generation != 0 && key->cipher == cipher;
}

PORT_INLINE int dp_aead_seal(port_t *p, struct dp_scratch *s, const struct fb_keystream *ks,
                             __u32 key_slot, __u64 span, __u32 cipher) {
  struct crypt_buf *to = (struct crypt_buf *)s->sealed;
  const struct crypt_buf *from = (const struct crypt_buf *)s->copy;
  if (cipher == FB_PROTECT_CHACHA20)
    return crypt_chacha20_seal(to, from, ks, span);
  const struct fb_ghash *table = port_ghash(p, key_slot);
  return table ? crypt_gcm_seal(to, from, ks, table, span) : -1;
}

/* 0 = authentic. */
PORT_INLINE int dp_aead_open(port_t *p, struct dp_scratch *s, const struct fb_keystream *ks,
                             __u32 key_slot, __u64 span, __u32 cipher) {
  struct crypt_buf *to = (struct crypt_buf *)s->clear;
  const struct crypt_buf *from = (const struct crypt_buf *)s->raw;
  if (cipher == FB_PROTECT_CHACHA20)
    return crypt_chacha20_open(to, from, ks, span);
  const struct fb_ghash *table = port_ghash(p, key_slot);
  return table ? crypt_gcm_open(to, from, ks, table, span) : -1;
}

/* Into s->crypt.keystream. */
PORT_INLINE int dp_aead_keystream(struct dp_scratch *s, const struct fb_key *key, __u64 pn,
                                  __u32 len, __u32 cipher) {
  return cipher == FB_PROTECT_CHACHA20 ? crypt_chacha20_keystream(key, pn, len, &s->crypt)
                                       : crypt_aes_keystream(key, pn, len, &s->crypt);
}

/* Into s->crypt.mask; the sample begins at `at` of `buf`. */
PORT_INLINE int dp_aead_mask(port_t *p, struct dp_scratch *s, const struct fb_key *key,
                             __u32 key_slot, const __u8 *buf, __u32 at, __u32 cipher) {
  const struct crypt_buf *b = (const struct crypt_buf *)buf;
  port_unused(key_slot);
  if (port_own_aead(p)) {
    s->crypt.mask = port_own_mask(p, key_slot, buf + wire_mask(at));
    return 0;
  }
  return cipher == FB_PROTECT_CHACHA20 ? crypt_chacha20_mask(key, b, at, &s->crypt)
                                       : crypt_aes_mask(key, b, at, &s->crypt);
}

#endif
