/* A set of 62-bit numbers as sorted ranges. Packet numbers come nearly in
 * order, so that most additions only lengthen the last range.
 *
 * Zero-initialised = empty. Both ends of a range are included. */
#ifndef FANBENCH_PCAP_TRACK_RANGES_H
#define FANBENCH_PCAP_TRACK_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qp_ranges {
  struct qp_span {
    uint64_t lo, hi;
  } * spans;
  size_t n, room;
};

/* Adds lo..hi; returns how many of them were not in the set. */
uint64_t qp_ranges_add(struct qp_ranges *r, uint64_t lo, uint64_t hi);
bool qp_ranges_has(const struct qp_ranges *r, uint64_t value);
/* True if all of lo..hi is in the set; else *missing is the lowest that is not. */
bool qp_ranges_cover(const struct qp_ranges *r, uint64_t lo, uint64_t hi, uint64_t *missing);
/* Index of the first span that reaches to `value` or beyond; n if there is none. */
size_t qp_ranges_at(const struct qp_ranges *r, uint64_t value);
uint64_t qp_ranges_count(const struct qp_ranges *r);
void qp_ranges_clear(struct qp_ranges *r);

#endif
