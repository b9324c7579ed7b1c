/* How many streams of one subscription came, of those its PUBLISH_DONE tells of, and how long
 * the rest is waited for: a stream reset before its header arrived never counts, so that
 * the sum alone may be short for ever.
 *
 * All numbers of streams; times in ns of one monotonic clock. No allocation, cannot fail.
 * Order: tally_begin() with SUBSCRIBE; tally_saw() for each stream; tally_told() once, then
 * tally_waits() until it says false. A stream that comes begins the wait anew.
 *
 * Source: MoQT draft, PUBLISH_DONE (Stream Count, and the timer of who receives it). */
#ifndef FANBENCH_RELAY_FANOUT_TALLY_H
#define FANBENCH_RELAY_FANOUT_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define TALLY_UNTOLD UINT64_MAX /* of streams: PUBLISH_DONE did not come, or knows not */

/* What brings a stream that was lost: a probe time-out of 160 ms doubled five times. */
#define TALLY_PATIENCE_NS UINT64_C(5000000000)

struct tally {
  uint64_t seen, told; /* TALLY_UNTOLD = not told */
  uint64_t patience_ns, until_ns;
};

void tally_begin(struct tally *tally);
/* Nobody is left who could send the rest. */
void tally_forget(struct tally *tally);
void tally_saw(struct tally *tally, uint64_t now_ns);
/* delivery_ns: the larger delivery timeout of what is subscribed, 0 = none. */
void tally_told(struct tally *tally, uint64_t streams, uint64_t delivery_ns, uint64_t now_ns);
/* May some of the told streams still come? */
bool tally_waits(const struct tally *tally, uint64_t now_ns);
/* When it stops waiting; UINT64_MAX = it does not wait for a time. */
uint64_t tally_deadline(const struct tally *tally);

#endif
