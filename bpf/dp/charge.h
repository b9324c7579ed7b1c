/* charge: flow control of one stream frame towards one subscriber.
 *
 * MAX_DATA limits the sum of the largest offsets of all streams (RFC 9000 4.1), so a
 * frame is charged what it adds to its stream's largest offset, holes included. */
#ifndef FANBENCH_BPF_DP_CHARGE_H
#define FANBENCH_BPF_DP_CHARGE_H

#include "bpf/dp/dp.h"

/* Charges frame f of the packet to record.subs[n]; its stream is open there. Returns
 * SEND, or FLOW_CONTROL or CONTENDED: then nothing is charged. */
PORT_GLOBAL int dp_charge(port_t *p, struct dp_scratch *s, __u32 n, __u32 f);

/* The low bits of a word of struct fb_down if it belongs to this claim, else 0. */
PORT_INLINE __u64 dp_claimed(__u64 word, __u32 claim) {
  return word >> FB_CLAIM_SHIFT == claim ? word & FB_DOWN_MASK : 0;
}

#endif
