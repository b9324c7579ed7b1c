/* Makes keystreams ahead of their packets (bpf/abi/keys.h), so that the datapath need not: the
 * next numbers of each subscriber for sealing, those to come of each upstream for opening.
 * It follows what the datapath takes: `next_pn` and `expected` say what is needed next.
 *
 * What is used is zeroed: overwritten by what comes a ring later, or, where nothing comes, in
 * the step after the one that saw it used. A feeder that is late costs the datapath time and
 * nothing else.
 *
 * One writer: the feeder is the only one that touches `keystreams`. It may be stepped by a
 * thread of its own while another one starts and stops lines: a lock keeps them apart, for at
 * most one step. Memory: the plane's arrays, and some 400 bytes a line. */
#ifndef FANBENCH_RELAY_FANOUT_FEEDER_H
#define FANBENCH_RELAY_FANOUT_FEEDER_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/fanout/plane.h"
#include "relay/quic/protect.h"

struct feeder;

/* A ring of keystreams: that of a subscriber (sealing), or of an upstream (opening). */
struct feeder_line {
  bool up;
  uint32_t slot;
};

struct feeder_sums {
  uint64_t made;
  uint32_t lines; /* at work now */
};

/* plane: outlives it. NULL: no memory. */
struct feeder *feeder_new(const struct plane *plane);
void feeder_free(struct feeder *feeder); /* stops every line; NULL is fine */

/* From now on for numbers [from, until) of this key, whose generation stands in the plane's
 * `keys`; what the line did before is over and zeroed. False: no memory, the line is stopped. */
bool feeder_start(struct feeder *feeder, struct feeder_line line, const struct protect_keys *keys,
                  uint64_t generation, uint64_t from, uint64_t until);
/* Returns when the line's keystreams are zero and nobody will write them. */
void feeder_stop(struct feeder *feeder, struct feeder_line line);

/* Makes at most `most`, in turn for all lines. Returns how many; 0: nothing is due now. */
uint32_t feeder_step(struct feeder *feeder, uint32_t most);

/* Waits until a line is there, at most `wait_ns`; for the thread that steps. */
void feeder_wait(struct feeder *feeder, uint64_t wait_ns);

struct feeder_sums feeder_sums(struct feeder *feeder);

#endif
