#include "bpf/dp/rewrite.h"

#include "bpf/wire/short_header.h"
#include "bpf/wire/varint.h"

#define DP_PN_LEN 4 /* always, downstream: DESIGN section 5 */

/* Puts exactly the frames of `sent` into s->copy. */
PORT_INLINE void dp_select_frames(struct dp_scratch *s, __u8 sent) {
  if (!s->copy_ready) {
    port_copy(s->copy, s->clear, DP_PAYLOAD, DP_PAYLOAD + s->len);
    s->copy_frames = 0xff;
    s->copy_ready = 1;
  }
  __u8 differ = s->copy_frames ^ sent;
  if (!differ)
    return;
  PORT_NO_UNROLL
  for (__u32 f = 0; f < FB_MAX_FRAMES; f++) {
    if (f >= s->record.n_frames)
      break;
    if (!(differ >> f & 1))
      continue;
    if (sent >> f & 1)
      port_copy(s->copy, s->clear, s->places[f].at, s->places[f].end);
    else
      port_zero(s->copy, s->places[f].at, s->places[f].end);
  }
  s->copy_frames = sent;
}

/* Bytes of the joint number in a copy's header. */
PORT_INLINE __u32 dp_pn_len(port_t *p, const struct dp_scratch *s) {
  if (port_defect(p, short_pn))
    return s->pn_len;
  if (port_defect(p, pn_shrunk))
    return 1;
  return DP_PN_LEN;
}

PORT_INLINE void dp_write_header(port_t *p, struct dp_scratch *s,
                                 const struct fb_subscriber_copy *sub, __u32 pn) {
  __u8 *head = s->copy + DP_PAYLOAD;
  __u64 pn_len = dp_pn_len(p, s);
  if (port_defect(p, shared_cid))
    sub = &s->subs[0];
  head[0] = wire_short_first(sub->spin, sub->phase, (__u8)pn_len);
  /* Byte by byte: a word might cover a frame that lies behind. */
  PORT_NO_UNROLL
  for (__u32 i = 0; i < FB_MAX_CID; i++) {
    if (i >= sub->dcid_len)
      break;
    head[1 + i] = sub->dcid[i];
  }
  __u64 at = DP_PAYLOAD + 1 + port_index(sub->dcid_len, 32);
  wire_store_be(s->copy + at, (unsigned)pn_len, pn);
  port_zero(s->copy, (__u32)(at + pn_len), s->head_end);
  s->copy_head = (__u32)(at + pn_len);
  s->copy_pn_len = (__u32)pn_len;
}

PORT_GLOBAL int dp_rewrite(port_t *p, struct dp_scratch *s, __u32 n) {
  if (!s)
    return 0;
  const struct fb_record_sub *r = &s->record.subs[port_index(n, FB_BATCH)];
  const struct fb_subscriber_copy *sub = &s->subs[port_index(n, FB_BATCH)];
  __u8 sent = s->sends[port_index(n, FB_BATCH)];
  dp_select_frames(s, sent);
  dp_write_header(p, s, sub, (__u32)r->pn);
  PORT_NO_UNROLL
  for (__u32 f = 0; f < FB_MAX_FRAMES; f++) {
    if (!(sent >> f & 1) || s->record.frames[f].kind != FB_FRAME_STREAM)
      continue;
    __u64 id = ((__u64)r->down[f] - 1) * 4 + (WIRE_STREAM_UNI | WIRE_STREAM_SERVER);
    wire_varint_put_width(s->copy + wire_mask(s->places[f].id_at), s->places[f].id_len, id);
  }
  return 0;
}
