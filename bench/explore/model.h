/* A scenario as a thing that can be taken apart: a plan, and of each of its parts whether it is
 * left out. `fanbench explore` fills one by chance; whoever looks for the smallest scenario that
 * still fails takes the plan of the one at hand, leaves parts out and changes numbers in the plan
 * itself (times, sizes, shares; never indexes).
 *
 *   struct model *m = model_of(plan_load(...))      or generate(...)
 *   m->no_event[3] = true; m->plan->duration_ns /= 2;
 *   text = model_text(m, "smaller", "about", &len)   a scenario file that a person can read
 *   model_free(m)
 *
 * What hangs on a part that is left out goes with it: the links, tracks, subscriptions and
 * events of a node, the nodes that dial a relay, what is left of lists that get empty. So every
 * choice of parts is a file without dangling names; whether it is a scenario (a publisher at all, a
 * way to the relay) plan_parse() says.
 *
 * Every node is an entry of its own here: sub[1] is written as sub-1, with a host of its own; so
 * a file holds PLAN_MAX_KEYS nodes at most (bench/scenario/limits.h).
 * Only what differs from the defaults is written. `expect` and `modes` are not. */
#ifndef FANBENCH_EXPLORE_MODEL_H
#define FANBENCH_EXPLORE_MODEL_H

#include "bench/scenario/plan.h"

struct model {
  struct plan *plan; /* owned */
  /* by index in the plan; true: left out */
  bool *no_node, *no_link, *no_track, *no_subscription, *no_event;
};

/* Takes the plan over; nothing is left out. */
struct model *model_of(struct plan *plan);
void model_free(struct model *model);

/* Whether a part is written: neither left out nor hanging on one that is. */
bool model_has_node(const struct model *model, int node);
bool model_has_link(const struct model *model, size_t link);
bool model_has_track(const struct model *model, int track);
bool model_has_subscription(const struct model *model, size_t subscription);
bool model_has_event(const struct model *model, size_t event);

/* The scenario file, called `name`, of *len bytes and a NUL; free() it. Traces and files are
 * named as in the plan. NULL: no memory. */
char *model_text(const struct model *model, const char *name, const char *about, size_t *len);

#endif
