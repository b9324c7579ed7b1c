#include "bpf/dp/open.h"

#include "bpf/wire/packet_number.h"
#include "bpf/wire/short_header.h"

PORT_GLOBAL int dp_open_header(port_t *p, struct dp_scratch *s, __u32 first, __u32 truncated) {
  if (!s)
    return FB_PKT_LENGTH;
  if (first & WIRE_RESERVED_BITS)
    return FB_PKT_RESERVED_BITS;
  if (wire_short_phase((__u8)first) != s->up.phase)
    return FB_PKT_KEY_PHASE;
  struct fb_upstream_state *state = port_upstream_state(p, s->upstream);
  if (!state)
    return FB_PKT_UNKNOWN_CID;
  s->pn_len = wire_short_pn_len((__u8)first);
  s->pn = wire_pn_expand(port_load(p, &state->expected), truncated, s->pn_len);
  return FB_PKT_FANNED;
}

PORT_GLOBAL int dp_open(port_t *p, struct dp_scratch *s) {
  if (!s)
    return FB_PKT_LENGTH;
  switch (s->up.protection) {
  case FB_PROTECT_NONE:
    return dp_open_none(p, s);
  case FB_PROTECT_CHACHA20:
    return port_protects(p, FB_PROTECT_CHACHA20) ? dp_open_chacha20(p, s) : FB_PKT_BAD_TAG;
  case FB_PROTECT_AES128GCM:
    return port_protects(p, FB_PROTECT_AES128GCM) ? dp_open_aes128gcm(p, s) : FB_PKT_BAD_TAG;
  default:
    return FB_PKT_BAD_TAG; /* no way here to tell whether it is authentic */
  }
}
