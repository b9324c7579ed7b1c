/* `fanbench shrink`: of a run directory or a scenario that fails, the smallest scenario that still
 * fails by the same check (bench/shrink/reduce.h), as a file that a person can read. All runs are
 * on virtual time.
 *
 * Which failure: the check that is asked for; else one that the scenario or its defect names and that
 * fails; else the end of a run that died; else the first check that is not as expected. */
#ifndef FANBENCH_RUN_SHRINK_H
#define FANBENCH_RUN_SHRINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/scenario/plan.h"

struct shrink_request {
  const char *path;  /* run directory or scenario file */
  const char *out;   /* NULL: shrunk.yaml in that directory, or here */
  const char *check; /* NULL: see above */
  bool same_field;   /* a finding must have layer and field of the first one */
  bool has_seed;
  uint64_t seed;
  const struct plan_defect *defects; /* put back, besides those of the scenario */
  size_t n_defects;
  uint64_t for_ns;    /* no run goes on after so long; 0: no bound */
  uint64_t most_runs; /* 0: no bound */
  uint32_t at_a_time; /* 1 at least */
  const char *bindir;
  bool json; /* results: one JSON object */
  FILE *results;
};

/* Returns the exit code: 0 it is written, 1 the input does not fail, 2 it is none, 3 the machine
 * lacks something, 4 it does not fail every time, 130 interrupted. Talk goes to stderr. */
int shrink_play(const struct shrink_request *request);

#endif
