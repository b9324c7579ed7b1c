/* choose: one decision for each (frame, subscriber). */
#ifndef FANBENCH_BPF_DP_CHOOSE_H
#define FANBENCH_BPF_DP_CHOOSE_H

#include "bpf/dp/dp.h"

/* Decides all frames for the subscriber in `slot`, takes its joint number if something
 * is sent, and appends it to the record. A slot without subscriber leaves no trace. */
PORT_GLOBAL int dp_choose(port_t *p, struct dp_scratch *s, __u32 slot);

/* Decides frame f for record.subs[n]; returns the decision. Used by dp_choose() alone. */
PORT_GLOBAL int dp_choose_frame(port_t *p, struct dp_scratch *s, __u32 n, __u32 f);

/* Where frame f's stream stands at record.subs[n]: takes a downstream ordinal if the
 * stream begins here and `wanted` is SEND, remembers that it is skipped if not, and that
 * its tail is from now on if `wanted` is POLICY. Returns SEND, or POLICY for an open stream, with
 * record.subs[n].down[f] set, or why there is no stream. */
PORT_GLOBAL int dp_choose_stream(port_t *p, struct dp_scratch *s, __u32 n, __u32 f, __u32 wanted);

#endif
