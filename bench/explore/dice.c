#include "bench/explore/dice.h"

#include "bench/fate/generator.h"

struct dice dice_of(uint64_t seed) {
  return (struct dice){.key = fate_generator_key(seed, "explore", "", 0)};
}

uint64_t dice_below(struct dice *dice, uint64_t below) {
  return fate_generator_below(fate_generator_at(dice->key, dice->next++), below);
}

uint64_t dice_between(struct dice *dice, uint64_t lo, uint64_t hi, uint64_t step) {
  return lo + step * dice_below(dice, (hi - lo) / step + 1);
}

bool dice_says(struct dice *dice, unsigned percent) {
  return dice_below(dice, 100) < percent;
}

uint64_t dice_pick(struct dice *dice, const uint64_t *of, size_t n) {
  return of[dice_below(dice, n)];
}
