/* Runs in a plan: neighbours that one entry of a file, by NAME for all of
 * NAME[i], expands to. Writing them as one keeps the files of large networks
 * short; every process of a run reads one. */
#ifndef FANBENCH_SCENARIO_RUNS_H
#define FANBENCH_SCENARIO_RUNS_H

#include "bench/scenario/plan.h"

/* How many neighbours from `first` on are one entry, at least 1. *name_a and
 * *name_b (or *name) get the names to write, which live as long as the plan. */
size_t plan_run_of_links(const struct plan *plan, size_t first, const char **name_a,
                         const char **name_b);
size_t plan_run_of_subscriptions(const struct plan *plan, size_t first, const char **name);
/* Events of nodes have *name_b NULL; those of links are named as a file that
 * means them does: their `forward` is from *name_a to *name_b. */
size_t plan_run_of_events(const struct plan *plan, size_t first, const char **name_a,
                          const char **name_b);

#endif
