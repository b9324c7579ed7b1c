#include "bench/peer/lateness.h"

/* Powers of two, each cut into LATENESS_FINE equal parts. */
static uint32_t bucket_of(uint64_t ns) {
  if (ns < LATENESS_FINE)
    return (uint32_t)ns;
  const uint32_t shift = 63 - (uint32_t)__builtin_clzll(ns) - LATENESS_FINE_BITS;
  return (shift + 1) * LATENESS_FINE + (uint32_t)((ns >> shift) - LATENESS_FINE);
}

static uint64_t upper_end(uint32_t bucket) {
  if (bucket < LATENESS_FINE)
    return bucket;
  const uint32_t shift = bucket / LATENESS_FINE - 1;
  const uint64_t first = (uint64_t)(LATENESS_FINE + bucket % LATENESS_FINE) << shift;
  return first + ((UINT64_C(1) << shift) - 1);
}

void lateness_add(struct lateness *l, uint64_t ns) {
  l->count++;
  l->bucket[bucket_of(ns)]++;
  if (ns > l->max_ns)
    l->max_ns = ns;
}

uint64_t lateness_quantile(const struct lateness *l, uint32_t permille) {
  const uint64_t want = (l->count * permille + 999) / 1000;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < LATENESS_BUCKETS; i++) {
    sum += l->bucket[i];
    if (sum >= want && sum > 0)
      return upper_end(i) < l->max_ns ? upper_end(i) : l->max_ns;
  }
  return 0;
}
