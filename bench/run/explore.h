/* `fanbench explore`: scenarios by chance (bench/explore/generate.h), each run on virtual time, judged
 * and forgotten unless it failed.
 *
 * Scenario N comes from seed N and runs with it: which ones a range of seeds holds, and what they
 * find, does not depend on how many run at a time.
 *
 * A failure stays as OUT/seed-N: its run directory, whose scenario.yaml is the one a person can
 * read, and replay.txt with the command that runs it again. Directories of runs that passed go. */
#ifndef FANBENCH_RUN_EXPLORE_H
#define FANBENCH_RUN_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/scenario/plan.h"

struct explore_request {
  uint64_t first, last;   /* seeds, both included */
  uint64_t for_ns;        /* no new run after so long; 0: until last */
  uint64_t most_failures; /* no new run after so many; 0: go on */
  const char *out;
  const char *bindir;
  const struct plan_defect *defects; /* put back in each run */
  size_t n_defects;
  uint32_t at_a_time; /* 1 at least */
  bool json;          /* results: an object a run instead of the table */
  FILE *results;
};

/* Returns the exit code: 0 all passed, 1 one failed, 3 the machine lacks something, 130
 * interrupted. Talk goes to stderr. */
int explore_play(const struct explore_request *request);

#endif
