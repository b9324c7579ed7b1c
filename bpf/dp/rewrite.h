/* rewrite: the plaintext of one copy, as long as the packet it is made from.
 *
 *   short header with the subscriber's ID and a 4-byte number | PADDING for what that
 *   leaves over | the frames that are sent, where they were, all others as PADDING | tag */
#ifndef FANBENCH_BPF_DP_REWRITE_H
#define FANBENCH_BPF_DP_REWRITE_H

#include "bpf/dp/dp.h"

/* Makes s->copy the plaintext for record.subs[n]; sets copy_head, copy_pn_len. Copies differ little, so what is
 * already in s->copy is used again while s->copy_ready is set. */
PORT_GLOBAL int dp_rewrite(port_t *p, struct dp_scratch *s, __u32 n);

#endif
