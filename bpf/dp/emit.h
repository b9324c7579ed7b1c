/* emit: one copy, from its record entry to the network. */
#ifndef FANBENCH_BPF_DP_EMIT_H
#define FANBENCH_BPF_DP_EMIT_H

#include "bpf/dp/dp.h"

/* Rewrites, seals and sends the copy for record.subs[n], if it has a number. A copy
 * that fails is told by a record of its own. */
PORT_GLOBAL int dp_emit(port_t *p, struct dp_scratch *s, __u32 n);

/* The last step of dp_emit(), which alone uses it: the stack of the steps before is free
 * again. 0, or an error. */
PORT_GLOBAL int dp_send(port_t *p, struct dp_scratch *s, __u32 n);

#endif
