/* A sweep file: one scenario, many seeds, and what is varied.
 *
 *   scenario: FILE            beside the sweep file
 *   seeds: A..B               both included
 *   vary: { PATH: [values] }  as --set takes them; up to three paths
 *   on_time: TIME             how old an object may be to be of use
 *                             [the delivery_timeout of its subscription]
 *   who: [NAME]               the subscribers to look at [all]
 *
 * A setting is one choice of values, a run is a setting and a seed. Settings are numbered
 * with the last path fastest. Everything is read and checked before anything runs. */
#ifndef FANBENCH_SCENARIO_SWEEP_H
#define FANBENCH_SCENARIO_SWEEP_H

#include "bench/scenario/plan.h"

struct plan_sweep_path {
  char *path;
  char **values;
  size_t n; /* at least 1 */
};

struct plan_sweep {
  char *name;     /* of the file, without .yaml */
  char *scenario; /* path as a person may type it, from where the sweep's was given */
  uint64_t seed_first, seed_last;
  struct plan_sweep_path *paths;
  size_t n_paths;
  uint64_t on_time_ns; /* 0: each subscription's delivery timeout */
  char **who;          /* names or groups of nodes */
  size_t n_who;        /* 0: all subscribers */
  struct plan **settings;
  size_t n_settings;
};

/* NULL with *err filled in: places in the sweep file, or in the scenario if it is wrong by
 * itself. */
struct plan_sweep *plan_sweep_load(const char *path, struct plan_error *err);
void plan_sweep_free(struct plan_sweep *sweep);

/* Index of the value that path p has in a setting. */
size_t plan_sweep_value(const struct plan_sweep *sweep, size_t setting, size_t p);
/* Is this subscriber looked at? */
bool plan_sweep_watches(const struct plan_sweep *sweep, size_t setting, int node);

#endif
