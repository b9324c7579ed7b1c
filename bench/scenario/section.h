/* What the readers of a scenario's sections share while a plan is built.
 *
 * Order of calls: nodes, links, tracks, subscriptions, events, expects; each
 * needs what those before it found. Each returns false after a refusal. */
#ifndef FANBENCH_SCENARIO_SECTION_H
#define FANBENCH_SCENARIO_SECTION_H

#include "bench/scenario/take.h"
#include "bench/scenario/tree.h"

struct plan_pairs;

struct plan_build {
  struct plan *plan;
  struct plan_error *err;
  const struct plan_tree *root; /* a mapping that fits plan_schema_scenario */
  char *dir;                    /* of the scenario file, for relative paths */
  struct plan_pairs *pairs;     /* links by their two hosts */
  size_t n_subscribed;          /* (subscriber, track) pairs made so far */
};

bool plan_read_nodes(struct plan_build *b);
bool plan_read_links(struct plan_build *b);
bool plan_read_tracks(struct plan_build *b);
bool plan_read_subscriptions(struct plan_build *b);
bool plan_read_events(struct plan_build *b);
bool plan_read_expects(struct plan_build *b);

/* A name of the file -> node indexes [*first, *first + *n): NAME is all of
 * NAME[i], NAME[i] is one. Refused at the scalar if there is no such node. */
bool plan_resolve(struct plan_build *b, const struct plan_tree *name, int *first, int *n);
/* The same for a name that must mean one node. */
bool plan_resolve_one(struct plan_build *b, const struct plan_tree *name, int *node);

/* Index of the link between the hosts of two nodes, or -1. */
int plan_link_between(const struct plan_build *b, int node_a, int node_b);
void plan_pairs_free(struct plan_pairs *pairs);
/* Refuses a node that has no way to the relay it dials. */
bool plan_check_reach(struct plan_build *b);

/* A list of track names -> new array in *tracks; every node of [first,
 * first + n) must be able to get them. */
bool plan_read_track_list(struct plan_build *b, const struct plan_tree *list, int first, int n,
                          int **tracks, size_t *n_tracks);

/* A priority limit: 0 to 255, or none (-1). */
bool plan_read_priority_limit(struct plan_error *err, const struct plan_tree *at, int *limit);

/* Letters, digits, '-' and '_', a letter first (or a digit, if `digit_first`): safe in file
 * names and paths. */
bool plan_read_name(struct plan_build *b, const struct plan_tree *key, const char *of,
                    bool digit_first);

#endif
