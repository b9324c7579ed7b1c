/* open: removal of packet protection, upstream side. One file each kind of protection;
 * this one only chooses. The twin for copies is seal.h. */
#ifndef FANBENCH_BPF_DP_OPEN_H
#define FANBENCH_BPF_DP_OPEN_H

#include "bpf/dp/dp.h"

/* Opens s->raw into s->clear. Sets pn (expanded), pn_len, head_end, frames_end; the
 * header and the tag are zero in s->clear. Anything but FB_PKT_FANNED: not authentic, or
 * not for the fast path; no state outside the scratch has changed. */
PORT_GLOBAL int dp_open(port_t *p, struct dp_scratch *s);

/* The null AEAD of `protection: none`: clear text and a tag of 16 zero bytes; if the header has less than
 * four bytes of the number, the last eight may tell it, and it has to be the one made out (RFC 9000 A.3). */
PORT_GLOBAL int dp_open_none(port_t *p, struct dp_scratch *s);

/* Real packet protection (RFC 9001 section 5), whichever of the upstream's two keys the
 * packet's phase bit asks for. */
PORT_GLOBAL int dp_open_chacha20(port_t *p, struct dp_scratch *s);
PORT_GLOBAL int dp_open_aes128gcm(port_t *p, struct dp_scratch *s);

/* Of dp_open_none() alone. Checks the first byte, header protection removed, and expands the number whose
 * truncated form is `truncated`. Sets pn and pn_len. */
PORT_GLOBAL int dp_open_header(port_t *p, struct dp_scratch *s, __u32 first, __u32 truncated);

#endif
