/* What the ciphers of QUIC's packet protection have in common when a packet is opened
 * (RFC 9001 sections 5.3 to 5.5 and 6.3). */
#ifndef FANBENCH_BPF_DP_OPEN_AEAD_H
#define FANBENCH_BPF_DP_OPEN_AEAD_H

#include "bpf/dp/open.h"
#include "bpf/dp/protect.h"
#include "bpf/wire/packet_number.h"
#include "bpf/wire/short_header.h"

/* Puts the header into s->clear, header protection removed by s->crypt.mask. Sets pn_len and
 * head_end; returns the number as it stands there. */
PORT_INLINE __u32 dp_show_head(struct dp_scratch *s, __u32 pn_at) {
  __u64 mask = s->crypt.mask;
  PORT_NO_UNROLL
  for (__u32 i = 0; i < 32; i += 8)
    port_put64(s->clear + DP_PAYLOAD + i, port_get64(s->raw + DP_PAYLOAD + i));
  __u8 first = s->raw[DP_PAYLOAD] ^ (__u8)(mask & DP_SHORT_MASK);
  s->clear[DP_PAYLOAD] = first;
  s->pn_len = wire_short_pn_len(first);
  s->head_end = (__u16)(pn_at + s->pn_len);
  __u32 truncated = 0;
  PORT_NO_UNROLL
  for (__u32 i = 0; i < 4; i++) {
    mask >>= 8;
    if (i >= s->pn_len)
      break;
    __u8 byte = s->raw[wire_mask(pn_at + i)] ^ (__u8)mask;
    s->clear[wire_mask(pn_at + i)] = byte;
    truncated = truncated << 8 | byte;
  }
  return truncated;
}

/* Opens the text of s->raw into s->clear, where the header stands. Returns how (enum
 * dp_keystream), or -1: not authentic. */
PORT_INLINE int dp_open_text(port_t *p, struct dp_scratch *s, const struct fb_key *key,
                             __u32 key_slot, __u64 tag, __u64 span, __u32 cipher) {
  if (port_own_aead(p))
    return port_own_open(p, key_slot, s->pn, s->clear, s->raw, CRYPT_SPAN_AT(span),
                         CRYPT_SPAN_LEN(span))
               ? -1
               : DP_COMPUTED;
  const struct fb_keystream *ks = 0;
  __u32 up = port_keystreams_up(p);
  if (up)
    ks = port_keystream(p, fb_keystream_up(port_max_subscribers(p), port_keystreams_down(p), up,
                                           s->upstream, s->pn));
  int how = DP_COMPUTED;
  if (ks && tag && port_load(p, &ks->tag) == tag) {
    int bad = dp_aead_open(p, s, ks, key_slot, span, cipher);
    if (port_load(p, &ks->tag) == tag)
      return bad ? -1 : DP_READY;
    how = DP_RACED;
  }
  dp_aead_keystream(s, key, s->pn, CRYPT_SPAN_LEN(span), cipher);
  return dp_aead_open(p, s, &s->crypt.keystream, key_slot, span, cipher) ? -1 : how;
}

/* With the key that the packet asked for. Returns enum fb_packet_reason. */
PORT_INLINE int dp_open_payload(port_t *p, struct dp_scratch *s, const struct fb_key *key,
                                __u32 key_slot, __u64 generation, __u32 cipher) {
  struct fb_upstream_state *state = port_upstream_state(p, s->upstream);
  if (!state)
    return FB_PKT_UNKNOWN_CID;
  int how = dp_open_text(p, s, key, key_slot, fb_keystream_tag(generation, s->pn),
                         CRYPT_SPAN(s->head_end, s->frames_end - s->head_end), cipher);
  if (how < 0 || port_load(p, &key->generation) != generation)
    return FB_PKT_BAD_TAG;
  DP_COUNT_KEYSTREAM(p, state, how);
  return FB_PKT_FANNED;
}

/* Everything in the header is a claim until the tag proves it. A phase without key, and a
 * number that the phase's key does not cover, are told without trying; reserved bits only of an
 * authentic packet. */
PORT_INLINE int dp_open_aead(port_t *p, struct dp_scratch *s, __u32 cipher) {
  struct fb_upstream_state *state = port_upstream_state(p, s->upstream);
  __u32 pn_at = DP_PAYLOAD + 1 + s->cid_len, first_key;
  first_key = fb_key_up(port_max_subscribers(p), s->upstream, 0);
  const struct fb_key *hp = port_key(p, first_key + (s->up.phase & 1));
  if (!state || !hp || !dp_key_good(hp, port_load(p, &hp->generation), cipher))
    return FB_PKT_BAD_TAG;
  /* The sample begins where the payload of a 4-byte number would (RFC 9001 5.4.2). */
  if (s->len < FB_TAG_LEN || pn_at + 4 + 16 > DP_PAYLOAD + s->len)
    return FB_PKT_LENGTH;
  dp_aead_mask(p, s, hp, first_key + (s->up.phase & 1), s->raw, pn_at + 4, cipher);
  __u32 truncated = dp_show_head(s, pn_at);
  __u8 first = s->clear[DP_PAYLOAD];
  s->frames_end = DP_PAYLOAD + s->len - FB_TAG_LEN;
  if (s->head_end >= s->frames_end)
    return FB_PKT_LENGTH;
  s->pn = wire_pn_expand(port_load(p, &state->expected), truncated, s->pn_len);
  __u32 key_slot = first_key + wire_short_phase(first);
  const struct fb_key *key = port_key(p, key_slot);
  if (!key)
    return FB_PKT_KEY_PHASE;
  __u64 generation = port_load(p, &key->generation);
  if (!dp_key_good(key, generation, cipher) || s->pn < key->from || s->pn >= key->until)
    return FB_PKT_KEY_PHASE;
  int reason = dp_open_payload(p, s, key, key_slot, generation, cipher);
  if (reason != FB_PKT_FANNED)
    return reason;
  if (first & WIRE_RESERVED_BITS)
    return FB_PKT_RESERVED_BITS;
  port_zero(s->clear, DP_PAYLOAD, s->head_end);
  port_zero(s->clear, s->frames_end, s->frames_end + FB_TAG_LEN);
  return FB_PKT_FANNED;
}

#endif
