/* Everything one `fanbench sweep` does: each setting with each seed, run, judged, measured.
 *
 * In the folder `out`: journal.jsonl (sweep_journal.h), and at the end sweep.csv, differences.csv
 * and sweep.html. Run directories lie in runs/ below it and are removed when they are
 * measured, but those of runs that did not pass; with `keep` all stay.
 *
 * Ended at any time, the same request goes on where it was. On virtual time the files at the
 * end are the same bytes however often that happened. */
#ifndef FANBENCH_RUN_SWEEP_H
#define FANBENCH_RUN_SWEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/scenario/sweep.h"

struct sweep_request {
  const struct plan_sweep *plan;
  const char *mode; /* "live" "sim" */
  const char *out;
  const char *bindir;
  uint32_t at_a_time; /* at least 1 */
  bool keep;
  bool json;     /* the table as JSON lines */
  FILE *results; /* the table */
};

/* Returns the exit code: 0 all runs passed, 1 one did not, 3 the machine lacks something, 4 one
 * was inconclusive, 130 interrupted. Talk goes to stderr. */
int sweep_play(const struct sweep_request *request);

#endif
