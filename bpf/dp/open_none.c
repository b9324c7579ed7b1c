#include "bpf/dp/open.h"

#include "bpf/wire/short_header.h"

PORT_GLOBAL int dp_open_none(port_t *p, struct dp_scratch *s) {
  if (!s)
    return FB_PKT_LENGTH;
  __u32 len = s->len;
  __u8 first = s->raw[DP_PAYLOAD];
  __u8 pn_len = wire_short_pn_len(first);
  __u32 pn_at = DP_PAYLOAD + 1 + s->cid_len, head_end = pn_at + pn_len;
  __u32 tag_at = DP_PAYLOAD + len - FB_TAG_LEN;
  /* Sampling for header protection needs 4 bytes of number and payload at least
   * (RFC 9001 5.4.2); a payload without a frame is no packet (RFC 9000 12.4). */
  if (len < FB_TAG_LEN || head_end >= tag_at)
    return FB_PKT_LENGTH;
  __u32 truncated = (__u32)wire_load_be(s->raw + wire_mask(pn_at), pn_len);
  int reason = dp_open_header(p, s, first, truncated);
  if (reason != FB_PKT_FANNED)
    return reason;
  const __u8 *tag = s->raw + wire_mask(tag_at);
  __u64 told = wire_load_be(tag + 8, 8);
  if (wire_load_be(tag, 8) || (told && (pn_len == 4 || told != s->pn)))
    return FB_PKT_BAD_TAG;
  if (port_load_payload(p, s->clear, s->path.family, len))
    return FB_PKT_LOAD_FAILED;
  port_zero(s->clear, DP_PAYLOAD, head_end);
  port_zero(s->clear, tag_at, tag_at + FB_TAG_LEN);
  s->head_end = (__u16)head_end;
  s->frames_end = tag_at;
  return FB_PKT_FANNED;
}
