/* Repeatable random numbers for tests (SplitMix64). The seed stands in the test. */
#ifndef FANBENCH_RELAY_T_SEEDED_H
#define FANBENCH_RELAY_T_SEEDED_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t seeded_next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint64_t seeded_below(uint64_t *state, uint64_t n) {
  return seeded_next(state) % n;
}

static inline bool seeded_chance(uint64_t *state, unsigned percent) {
  return seeded_below(state, 100) < percent;
}

#endif
