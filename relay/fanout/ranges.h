/* A set of 64-bit values kept as sorted, disjoint, non-touching spans [lo, hi).
 * Used for what of a stream is sent, acknowledged or cached.
 *
 * Ownership: a zero-initialised struct is the empty set. Two spans live inside
 * the struct, more on the heap: ranges_clear() gives that back. The struct may
 * be moved with memcpy (not duplicated). Adding at the end costs O(1), elsewhere
 * O(log n) to find and O(n) to shift. */
#ifndef FANBENCH_RELAY_FANOUT_RANGES_H
#define FANBENCH_RELAY_FANOUT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ranges_span {
  uint64_t lo, hi; /* hi not included */
};

#define RANGES_INLINE 2

struct ranges {
  struct ranges_span inside[RANGES_INLINE];
  struct ranges_span *heap; /* NULL: the spans are in `inside` */
  size_t n, room;           /* room: of heap */
};

/* Adds [lo, hi). Returns how many values are new (0 if lo >= hi), or
 * UINT64_MAX: no memory, the set is unchanged. */
uint64_t ranges_add(struct ranges *set, uint64_t lo, uint64_t hi);

/* Takes [lo, hi) out. False: no memory (a span would have to be split), the set
 * is unchanged. */
bool ranges_remove(struct ranges *set, uint64_t lo, uint64_t hi);

/* All of [lo, hi) is in the set (true if lo >= hi). */
bool ranges_contains(const struct ranges *set, uint64_t lo, uint64_t hi);

/* First part of [lo, hi) that is not in the set. False: there is none. To walk
 * all gaps call again with lo = *gap_hi. */
bool ranges_next_gap(const struct ranges *set, uint64_t lo, uint64_t hi, uint64_t *gap_lo,
                     uint64_t *gap_hi);

/* One past the largest value, 0 if empty. */
uint64_t ranges_end(const struct ranges *set);

size_t ranges_count(const struct ranges *set);                 /* spans */
const struct ranges_span *ranges_at(const struct ranges *set); /* the spans, ascending */

void ranges_clear(struct ranges *set); /* back to the empty set */

#endif
