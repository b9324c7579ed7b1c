#include "bpf/dp/parse.h"

#include "bpf/dp/open.h"
#include "bpf/dp/window.h"
#include "bpf/wire/short_header.h"

/* The connection IDs that the relay gives out say their length: the top bit of the
 * first byte is set in those of dialled connections. */
PORT_INLINE __u8 dp_cid_len(__u8 first) {
  return first & 0x80 ? FB_UPSTREAM_CID_DIAL : FB_UPSTREAM_CID;
}

PORT_INLINE int dp_same_path(const struct fb_path *a, const struct fb_path *b) {
  __u32 differ = (__u32)(a->family ^ b->family) | (__u32)(a->local_port ^ b->local_port) |
                 (__u32)(a->remote_port ^ b->remote_port);
  PORT_NO_UNROLL
  for (int i = 0; i < 16; i++)
    differ |= (__u32)(a->local_addr[i] ^ b->local_addr[i]) |
              (__u32)(a->remote_addr[i] ^ b->remote_addr[i]);
  return differ == 0;
}

/* Which upstream the packet belongs to: s->upstream, s->up, s->cid_len. */
PORT_INLINE enum fb_packet_reason dp_find_upstream(port_t *p, struct dp_scratch *s) {
  const __u8 *payload = s->raw + DP_PAYLOAD;
  if (s->len < 2 || s->len > FB_MAX_PAYLOAD)
    return FB_PKT_LENGTH;
  if (wire_is_long_header(payload[0]))
    return FB_PKT_LONG_HEADER;
  s->cid_len = dp_cid_len(payload[1]);
  if (s->len < wire_short_header_len(s->cid_len, 1) + FB_TAG_LEN)
    return FB_PKT_LENGTH;
  struct fb_cid_key key = {.len = s->cid_len};
  __builtin_memcpy(key.data, payload + 1, FB_UPSTREAM_CID_DIAL);
  if (s->cid_len == FB_UPSTREAM_CID)
    __builtin_memcpy(key.data + FB_UPSTREAM_CID_DIAL, payload + 1 + FB_UPSTREAM_CID_DIAL,
                     FB_UPSTREAM_CID - FB_UPSTREAM_CID_DIAL);
  const struct fb_cid_value *owner = port_cid(p, &key);
  if (!owner)
    return FB_PKT_UNKNOWN_CID;
  s->upstream = owner->upstream;
  s->upstream_gen = owner->gen;
  if (!port_get_upstream(p, s->upstream, &s->up))
    return FB_PKT_UNKNOWN_CID;
  if (s->up.gen == 0 || s->up.gen != s->upstream_gen || !s->up.active)
    return FB_PKT_UNKNOWN_CID;
  if (!wire_is_short_header(payload[0]))
    return FB_PKT_RESERVED_BITS;
  return FB_PKT_FANNED;
}

PORT_GLOBAL int dp_parse(port_t *p, struct dp_scratch *s) {
  if (!s)
    return FB_PKT_LENGTH;
  enum fb_packet_reason reason = dp_find_upstream(p, s);
  if (reason != FB_PKT_FANNED)
    return (int)reason;
  /* Without an AEAD the 4-tuple is all that tells the publisher from a forger. */
  if (s->up.protection == FB_PROTECT_NONE && !dp_same_path(&s->path, &s->up.path))
    return FB_PKT_WRONG_PATH;
  int opened = dp_open(p, s);
  if (opened != FB_PKT_FANNED)
    return opened;
  return dp_window_take(p, s);
}
