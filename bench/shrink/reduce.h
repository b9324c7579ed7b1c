/* The smallest scenario that still fails: parts of a model are left out and its values made plainer
 * as long as somebody says that what is left fails in the same way.
 *
 *   struct reduction *r = reduce_new(model, &asker, 0)
 *   reduce_run(r)                       asks and asks
 *   text = reduce_text(r, about, &len)  the smallest found
 *   reduce_free(r)                      the model is again what it was
 *
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE
 * TSE 28(2), 2002): of nodes, tracks, subscriptions, events, faults and keys all, then halves, then
 * quarters, ... are taken away; times, sizes and shares come down, numbers lose digits. All of it again
 * until a whole round changes nothing: the result is minimal, no single step makes it smaller.
 *
 * Only scenarios that the parser takes are asked about, and none twice. What is asked, and in which
 * order, depends on the model and on the answers alone; not on how many are asked at once. */
#ifndef FANBENCH_SHRINK_REDUCE_H
#define FANBENCH_SHRINK_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/explore/model.h"

#define REDUCE_STOP SIZE_MAX

/* How big a scenario is. */
struct reduce_size {
  size_t nodes, links, tracks, subscriptions, events, faults;
  uint64_t duration_ns;
  size_t lines; /* of its text */
};

/* Who knows whether a scenario fails. */
struct reduce_asker {
  void *arg;
  size_t at_once; /* so many texts at most are asked about together, 1 at least */
  /* Index of the first of n texts that fails in the same way, n if none does, REDUCE_STOP to end the
   * search. Those behind the first one need no answer. */
  size_t (*first)(void *arg, char *const *texts, size_t n);
  /* A smaller one was found; may be NULL. */
  void (*smaller)(void *arg, const struct reduce_size *size, uint64_t asked);
  const char *path; /* where the texts would lie: names the scenario, relative paths start there */
  const char *tail; /* stands at the end of each text, as its `expect`; may be "" */
};

enum reduce_result {
  REDUCE_MINIMAL, /* nothing more can go */
  REDUCE_BOUNDED, /* most_runs or REDUCE_STOP ended it; what was found so far counts */
  REDUCE_PASSES,  /* the whole model does not fail: nothing was done */
  REDUCE_FLAKY,   /* it failed, and then it did not: nothing was done */
};

struct reduction;

/* Nothing is taken over. most_runs: scenarios asked about; 0: no bound. */
struct reduction *reduce_new(struct model *model, const struct reduce_asker *asker,
                             uint64_t most_runs);
enum reduce_result reduce_run(struct reduction *r);

/* The scenario as it is now, its tail included; free() it. NULL: no memory. */
char *reduce_text(const struct reduction *r, const char *about, size_t *len);
struct reduce_size reduce_size(const struct reduction *r);
uint64_t reduce_asked(const struct reduction *r);
void reduce_free(struct reduction *r);

#endif
