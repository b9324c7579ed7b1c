/* number: joint numbers, and the record that tells user space of them before a copy
 * leaves. */
#ifndef FANBENCH_BPF_DP_NUMBER_H
#define FANBENCH_BPF_DP_NUMBER_H

#include "bpf/dp/dp.h"

/* Takes a joint number for record.subs[n]. It is used up from here on, whatever
 * happens to the copy. */
PORT_GLOBAL int dp_number(port_t *p, struct dp_scratch *s, __u32 n);

/* 1 = this CPU's ring takes all that a packet to `subscribers` slots can need: a full
 * record for each batch, and a failure of each copy. */
PORT_GLOBAL int dp_record_room(port_t *p, __u32 subscribers);

/* Begins the record of a batch; the frames stay. */
PORT_GLOBAL int dp_record_begin(port_t *p, struct dp_scratch *s, __u32 batch, __u64 time_ns);

/* Writes it; 0, or a negative error: then nothing of the batch may be sent. */
PORT_GLOBAL int dp_record_write(port_t *p, struct dp_scratch *s);

#endif
