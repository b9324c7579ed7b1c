/* Takes one key's value out of a mapping of the tree, checks it and converts
 * it. An absent key leaves the result as it is, so callers put defaults there
 * first. True, or false after a refusal at the value. */
#ifndef FANBENCH_SCENARIO_TAKE_H
#define FANBENCH_SCENARIO_TAKE_H

#include "bench/scenario/tree.h"

/* Where values come from and refusals go. */
struct plan_take {
  struct plan_error *err;
  const struct plan_tree *map;
};

/* Bounds are inclusive. */
bool plan_take_time(struct plan_take from, const char *key, uint64_t min, uint64_t max,
                    uint64_t *ns);
bool plan_take_rate(struct plan_take from, const char *key, uint64_t *bps);
bool plan_take_size(struct plan_take from, const char *key, uint64_t min, uint64_t max,
                    uint64_t *bytes);
bool plan_take_share(struct plan_take from, const char *key, uint32_t *ppm);
bool plan_take_count(struct plan_take from, const char *key, uint64_t min, uint64_t max,
                     uint64_t *count);
bool plan_take_count32(struct plan_take from, const char *key, uint32_t min, uint32_t max,
                       uint32_t *count);
/* The index of one of the words. */
bool plan_take_word(struct plan_take from, const char *key, const char *const *words, int *index);

/* The same for a scalar at hand. */
bool plan_word_of(struct plan_error *err, const struct plan_tree *scalar, const char *const *words,
                  int *index);
bool plan_count_of(struct plan_error *err, const struct plan_tree *scalar, uint64_t min,
                   uint64_t max, uint64_t *count);

/* Refuses, at the mapping, a key that is missing; says what it is for. */
bool plan_take_must(struct plan_take from, const char *key, const char *what);
/* Refuses, at the key, one that must not be there; says why. */
bool plan_take_not(struct plan_take from, const char *key, const char *why);

#endif
