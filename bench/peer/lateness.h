/* How late objects left: a histogram of durations in constant memory.
 *
 * Values below 64 ns are exact, above that the answer is at most 1/64 (1.6%)
 * too large, never too small; the maximum is exact. */
#ifndef FANBENCH_PEER_LATENESS_H
#define FANBENCH_PEER_LATENESS_H

#include <stdint.h>

#define LATENESS_FINE_BITS 6
#define LATENESS_FINE      (1u << LATENESS_FINE_BITS)
#define LATENESS_BUCKETS   ((64 - LATENESS_FINE_BITS + 1) * LATENESS_FINE)

struct lateness {
  uint64_t count, max_ns;
  uint64_t bucket[LATENESS_BUCKETS];
};

void lateness_add(struct lateness *l, uint64_t ns);
/* The smallest value that at least `share` of 1,000 are not above; 0 if none
 * was added. */
uint64_t lateness_quantile(const struct lateness *l, uint32_t permille);

#endif
