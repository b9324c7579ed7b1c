/* Chance for a scenario: a stream of numbers that is a pure function of the seed, used in order.
 * The generator is that of the links (bench/fate/generator.h). */
#ifndef FANBENCH_EXPLORE_DICE_H
#define FANBENCH_EXPLORE_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
  uint64_t key, next;
};

struct dice dice_of(uint64_t seed);
/* 0 .. below - 1; below > 0. */
uint64_t dice_below(struct dice *dice, uint64_t below);
/* lo .. hi, both included, in steps of `step` from lo; step > 0. */
uint64_t dice_between(struct dice *dice, uint64_t lo, uint64_t hi, uint64_t step);
/* True `percent` times in a hundred. */
bool dice_says(struct dice *dice, unsigned percent);
/* One of n numbers; n > 0. */
uint64_t dice_pick(struct dice *dice, const uint64_t *of, size_t n);
#define DICE_PICK(dice, ...)                                                                       \
  dice_pick(dice, (const uint64_t[]){__VA_ARGS__},                                                 \
            sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

#endif
