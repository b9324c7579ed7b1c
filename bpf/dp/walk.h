/* walk: all frames of an opened packet.
 *
 * Fan-out material are STREAM frames on unidirectional streams of the publisher and
 * DATAGRAM frames, unless their first bytes show something else than MoQT objects
 * (control stream, fetch, padding) or nothing valid. Everything else belongs to this
 * hop. */
#ifndef FANBENCH_BPF_DP_WALK_H
#define FANBENCH_BPF_DP_WALK_H

#include "bpf/dp/dp.h"

/* Fills record.frames, record.n_frames and places; zeroes the frames of this hop in
 * s->clear. Returns enum fb_packet_reason: FB_PKT_NO_FANOUT, FB_PKT_BAD_FRAME (malformed,
 * or not allowed from this peer), FB_PKT_TOO_MANY_FRAMES. */
PORT_GLOBAL int dp_walk(port_t *p, struct dp_scratch *s);

/* One frame at s->walk_at; 0, enum dp_walk_end, or -reason. Used by dp_walk() alone. */
PORT_GLOBAL int dp_walk_one(port_t *p, struct dp_scratch *s);
#define DP_WALK_END 1

#endif
