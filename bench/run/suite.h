/* Everything one `fanbench run` does: scenarios times seeds times twins, each run
 * live, judged and reported.
 *
 * Jobs are made first, so that a wrong file is said before anything runs:
 *
 *   suite_prepare(&suite, &request)
 *   suite_play(&suite)     runs up to request.at_a_time of them at a time
 *   suite_free(&suite)
 *
 * Where runs go: --out DIR of one scenario is the run directory itself, of several
 * DIR/NAME, of several seeds DIR/NAME/seed-N, of a scenario with defects .../on and
 * .../off. Without --out, DIR is runs/NAME for one and runs for several.
 *
 * Results on request.results: TAP 14, or with one run on a terminal its table, or with
 * json one object a run and, of several, one more with the totals. Talk and other tables on
 * stderr, last of all what each check examined in all runs. */
#ifndef FANBENCH_RUN_SUITE_H
#define FANBENCH_RUN_SUITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/report/report.h"
#include "bench/run/live.h"
#include "bench/run/totals.h"
#include "bench/scenario/plan.h"
#include "bench/sim/nest.h"

struct suite_request {
  const char *const *paths; /* files and directories */
  size_t n_paths;
  const char *mode; /* "live" "sim" */
  bool has_seeds;
  uint64_t seed_first, seed_last; /* both included */
  const char *out;                /* NULL: runs/... */
  const struct plan_override *sets;
  size_t n_sets;
  const struct plan_defect *defects; /* of the command line */
  size_t n_defects;
  uint32_t at_a_time; /* >= 1 */
  bool hold, json;
  bool keep_failing;      /* directories of runs that are as expected go */
  const char *interleave; /* a list of interleavings to replay, in mode sim and of one run; NULL */
  bool journal;           /* relays keep one of what reaches their datapath */
  uint64_t journal_size;  /* bytes of it at most; 0 = as usual */
  const char *bindir;
  FILE *results;
};

struct suite_job {
  char *name; /* "chat-with-loss/seed-7/on" */
  char *dir;
  const char *file;            /* as the person typed it; belongs to the suite */
  struct plan view;            /* a shallow copy with this job's seed and defects */
  const struct plan *plan;     /* NULL: refused */
  struct plan_defect *defects; /* of view, if the command line adds some */
  enum report_twin twin;
  char *skip;    /* why it is not run, a skip */
  char *refused; /* why it cannot be run at all */
  int refused_code;
  char *replay; /* as the person typed it; for them */
  char *kept;   /* the same run from inside its directory; for the files there */
  uint32_t tries;
  char *unmet;                        /* of a failed one, as report_unmet() says */
  bool done, running, passed, failed; /* neither of the last two: skipped, refused, gone */
  struct live_run run;
};

struct suite {
  const struct suite_request *request;
  char **files;
  size_t n_files;
  struct plan **plans; /* [n_files], NULL: refused */
  struct suite_job *jobs;
  size_t n_jobs, room;
  struct nest_list interleavings;
  size_t shown; /* tables on stderr */
  size_t first; /* jobs before it are done */
  size_t begun; /* jobs from it on were not started yet */
  size_t n_done, n_failed;
  struct totals totals;
  struct report_stream *stream;
};

/* 0, or an exit code (2) with a sentence in err. A scenario that is wrong is no failure
 * of this call: it becomes a refused job. */
int suite_prepare(struct suite *suite, const struct suite_request *request, char *err,
                  size_t err_len);

/* Returns the exit code of the command. */
int suite_play(struct suite *suite);

void suite_free(struct suite *suite);

#endif
