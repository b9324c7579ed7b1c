/* Impairments and faults of a link: file -> plan. Lists are owned by the
 * caller; plan_faults_free() gives them back. */
#ifndef FANBENCH_SCENARIO_IMPAIRS_H
#define FANBENCH_SCENARIO_IMPAIRS_H

#include "bench/scenario/tree.h"

/* Applies keys for both directions (absent ones change nothing), then those under `forward` and `backward`,
 * and checks the result. swap: the file names the link the other way around,
 * so its `forward` is *backward here. */
bool plan_impairs_read(struct plan_error *err, const struct plan_tree *map, bool swap,
                       struct plan_impair *forward, struct plan_impair *backward);

bool plan_impair_is_plain(const struct plan_impair *impair);
bool plan_impair_equal(const struct plan_impair *a, const struct plan_impair *b);

/* Appends a list of faults. */
bool plan_faults_read(struct plan_error *err, const struct plan_tree *list,
                      struct plan_fault **faults, size_t *n);
struct plan_fault *plan_faults_copy(const struct plan_fault *faults, size_t n);
bool plan_faults_equal(const struct plan_fault *a, size_t n_a, const struct plan_fault *b,
                       size_t n_b);
void plan_faults_free(struct plan_fault *faults, size_t n);

#endif
