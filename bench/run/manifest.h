/* manifest.json: what was run, where, and how it went (README "Run directory").
 * Written at the start with what is known then, and again at the end. */
#ifndef FANBENCH_RUN_MANIFEST_H
#define FANBENCH_RUN_MANIFEST_H

#include <jansson.h>

#include "bench/net/topology.h"
#include "bench/run/capture.h"
#include "bench/run/cast.h"
#include "bench/scenario/plan.h"
#include "bench/sim/parts.h"

/* What the runner did, from when on; until the next one begins. */
struct phase {
  const char *what;
  uint64_t from_ns;
};

/* What it is made of; nothing is owned. NULL and 0 where it is not known yet. */
struct manifest {
  const struct plan *plan;
  const char *mode;
  const struct topology *net;
  const struct capture_set *captures;
  const struct cast *cast;
  uint64_t start_ns, end_ns;
  json_t *residue;
  int64_t realtime_minus_monotonic_ns;
  uint64_t wall_ns;           /* since 1970 */
  const struct phase *phases; /* [n_phases] in order of time, live only */
  size_t n_phases;
  /* mode sim: what the simulation itself took, without captures' assembly and judging */
  uint64_t sim_wall_ns, sim_cpu_ns, sim_peak_bytes;
  struct sim_parts sim_parts;
};

/* 0, or -1 with a sentence in err. The file appears whole or not at all. */
int manifest_write(const char *dir, const struct manifest *m, char *err, size_t err_len);

/* For what is known only after the writer has ended: reads, hands the object
 * to change(), writes. */
int manifest_change(const char *dir, void (*change)(json_t *manifest, void *arg), void *arg,
                    char *err, size_t err_len);

/* Objects a track offers within the plan's duration; -1: only its publisher knows. */
int64_t manifest_objects_planned(const struct plan *plan, const struct plan_track *track);

#endif
