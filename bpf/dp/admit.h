/* admit: each fan-out frame of the packet. Is it new, whose track is it, which group,
 * subgroup and priority? */
#ifndef FANBENCH_BPF_DP_ADMIT_H
#define FANBENCH_BPF_DP_ADMIT_H

#include "bpf/dp/dp.h"

/* Fills in record.frames[f] for all f: admit, header, track, claim, group, subgroup,
 * priority; raises the frontiers of the streams; writes the relay's alias into s->clear.
 * There must be room for the records: what is admitted here is not offered again. */
PORT_GLOBAL int dp_admit(port_t *p, struct dp_scratch *s);

/* One frame each; used by dp_admit() alone. */
PORT_GLOBAL int dp_admit_stream(port_t *p, struct dp_scratch *s, __u32 f);
PORT_GLOBAL int dp_admit_datagram(port_t *p, struct dp_scratch *s, __u32 f);

#endif
