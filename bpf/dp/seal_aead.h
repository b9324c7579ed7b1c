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

/* Seals s->copy into s->sealed: with the keystream made ahead if it is there before and
 * after, else with one that is worked out here. `cipher` is a constant. */
PORT_INLINE int dp_seal_aead(port_t *p, struct dp_scratch *s, __u32 n, __u32 cipher) {
  const struct fb_record_sub *r = &s->record.subs[port_index(n, FB_BATCH)];
  const struct fb_subscriber_copy *sub = &s->subs[port_index(n, FB_BATCH)];
  struct fb_counters *c = port_counters(p, r->slot);
  const struct fb_key *key = port_key(p, sub->key_slot);
  if (!c || !key)
    return DP_ERR_NO_KEY;
  __u64 generation = port_load(p, &key->generation), pn = r->pn;
  if (!dp_key_good(key, generation, cipher) || pn < key->from || pn >= key->until)
    return DP_ERR_NO_KEY;
  __u32 at = s->copy_head, end = DP_PAYLOAD + s->len - FB_TAG_LEN;
  if (s->len < FB_TAG_LEN || at >= end)
    return -1;
  __u64 span = CRYPT_SPAN(at, end - at);
  dp_copy_head(s);
  __u32 down = port_keystreams_down(p);
  const struct fb_keystream *ks =
      down ? port_keystream(p, fb_keystream_down(down, r->slot, pn)) : 0;
  __u64 tag = fb_keystream_tag(generation, pn);
  int ready = 0, raced = 0;
  if (ks && tag && port_load(p, &ks->tag) == tag) {
    if (dp_aead_seal(p, s, ks, sub->key_slot, span, cipher))
      return -1;
    ready = port_load(p, &ks->tag) == tag;
    raced = !ready;
  }
  if (!ready) {
    dp_aead_keystream(s, key, pn, end - at, cipher);
    if (dp_aead_seal(p, s, &s->crypt.keystream, sub->key_slot, span, cipher))
      return -1;
  }
  dp_aead_mask(s, key, s->sealed, at - s->copy_pn_len + 4, cipher);
  if (port_load(p, &key->generation) != generation)
    return DP_ERR_NO_KEY; /* taken away meanwhile: what stands there is nothing */
  dp_hide_head(s, at - s->copy_pn_len, at);
  port_count(p, ready ? &c->ks_ready : &c->ks_computed, 1);
  if (raced)
    port_count(p, &c->ks_raced, 1);
  return 0;
}

#endif
