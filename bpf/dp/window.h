/* window: numbers of authentic packets of an upstream, so that none is copied twice.
 *
 * A word of struct fb_upstream_state.window covers 32 numbers and carries the number of
 * its block, so that a word is never mistaken for that of another time. */
#ifndef FANBENCH_BPF_DP_WINDOW_H
#define FANBENCH_BPF_DP_WINDOW_H

#include "bpf/dp/dp.h"

/* Takes s->pn, which must be authentic: FB_PKT_FANNED exactly once for each number.
 * FB_PKT_DUPLICATE if it was taken before, is too old to tell, or if other CPUs won
 * FB_CAS_TRIES times: such a packet goes the slow way, where nothing is copied twice.
 * Raises `expected`. */
PORT_GLOBAL int dp_window_take(port_t *p, struct dp_scratch *s);

#endif
