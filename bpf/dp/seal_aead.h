/* What the ciphers of QUIC's packet protection have in common when a copy is sealed
 * (RFC 9001 sections 5.3 and 5.4). */
#ifndef FANBENCH_BPF_DP_SEAL_AEAD_H
#define FANBENCH_BPF_DP_SEAL_AEAD_H

#include "bpf/dp/protect.h"
#include "bpf/dp/seal.h"

/* The key has gone, or its numbers have: -ENOKEY. */
#define DP_ERR_NO_KEY (-126)

/* The header as it stands in s->copy; what lies behind is overwritten. */
PORT_INLINE void dp_copy_head(struct dp_scratch *s) {
  PORT_NO_UNROLL
  for (__u32 i = 0; i < 32; i += 8)
    port_put64(s->sealed + DP_PAYLOAD + i, port_get64(s->copy + DP_PAYLOAD + i));
}

/* Hides the first byte and the number of s->sealed with s->crypt.mask. */
PORT_INLINE void dp_hide_head(struct dp_scratch *s, __u32 pn_at, __u32 at) {
  __u64 mask = s->crypt.mask;
  s->sealed[DP_PAYLOAD] ^= (__u8)(mask & DP_SHORT_MASK);
  PORT_NO_UNROLL
  for (__u32 i = 0; i < 4; i++) {
    mask >>= 8;
    if (pn_at + i < at)
      s->sealed[wire_mask(pn_at + i)] ^= (__u8)mask;
  }
}

/* Seals the text of s->copy into s->sealed, where the header stands. Returns how (enum
 * dp_keystream), or a negative error. */
PORT_INLINE int dp_seal_text(port_t *p, struct dp_scratch *s, const struct fb_key *key,
                             __u32 key_slot, __u64 tag, const struct fb_record_sub *r, __u64 span,
                             __u32 cipher) {
  if (port_own_aead(p))
    return port_own_seal(p, key_slot, r->pn, s->sealed, s->copy, CRYPT_SPAN_AT(span),
                         CRYPT_SPAN_LEN(span))
               ? -1
               : DP_COMPUTED;
  __u32 down = port_keystreams_down(p);
  const struct fb_keystream *ks =
      down ? port_keystream(p, fb_keystream_down(down, r->slot, r->pn)) : 0;
  int how = DP_COMPUTED;
  if (ks && tag && port_load(p, &ks->tag) == tag) {
    if (dp_aead_seal(p, s, ks, key_slot, span, cipher))
      return -1;
    if (port_load(p, &ks->tag) == tag)
      return DP_READY;
    how = DP_RACED;
  }
  dp_aead_keystream(s, key, r->pn, CRYPT_SPAN_LEN(span), cipher);
  return dp_aead_seal(p, s, &s->crypt.keystream, key_slot, span, cipher) ? -1 : how;
}

/* Seals s->copy into s->sealed. `cipher` is a constant. */
PORT_INLINE int dp_seal_aead(port_t *p, struct dp_scratch *s, __u32 n, __u32 cipher) {
  const struct fb_record_sub *r = &s->record.subs[port_index(n, FB_BATCH)];
  __u32 key_slot = s->subs[port_index(n, FB_BATCH)].key_slot;
  struct fb_counters *c = port_counters(p, r->slot);
  const struct fb_key *key = port_key(p, key_slot);
  if (!c || !key)
    return DP_ERR_NO_KEY;
  __u64 generation = port_load(p, &key->generation);
  if (!dp_key_good(key, generation, cipher) || r->pn < key->from || r->pn >= key->until)
    return DP_ERR_NO_KEY;
  __u32 at = s->copy_head, end = DP_PAYLOAD + s->len - FB_TAG_LEN;
  if (s->len < FB_TAG_LEN || at >= end)
    return -1;
  dp_copy_head(s);
  int how = dp_seal_text(p, s, key, key_slot, fb_keystream_tag(generation, r->pn), r,
                         CRYPT_SPAN(at, end - at), cipher);
  if (how < 0)
    return how;
  dp_aead_mask(p, s, key, key_slot, s->sealed, at - s->copy_pn_len + 4, cipher);
  if (port_load(p, &key->generation) != generation)
    return DP_ERR_NO_KEY; /* taken away meanwhile: what stands there is nothing */
  dp_hide_head(s, at - s->copy_pn_len, at);
  DP_COUNT_KEYSTREAM(p, c, how);
  return 0;
}

#endif
