/* What several runs came to, check by check: the table at the end of `fanbench run` on many.
 *
 * Order of calls: totals_add() once a run that was judged, totals_again() for each further try,
 * totals_print() or totals_json(), totals_free(). A zeroed struct is empty.
 *
 * A run that is inconclusive proves nothing: its checks count nowhere, it is only named. */
#ifndef FANBENCH_RUN_TOTALS_H
#define FANBENCH_RUN_TOTALS_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "bench/report/outcome.h"

/* In how many runs; examined: items in those that were not skipped. */
struct totals_check {
  const char *name; /* the catalogue's */
  uint64_t passed, convicted, skipped, failed, examined;
};

struct totals {
  struct totals_check *checks; /* [n_checks], in order of the catalogue */
  size_t n_checks;
  uint64_t runs, inconclusive, again;
};

/* A check that failed is `convicted` where the scenario lets it fail. */
void totals_add(struct totals *totals, const struct judge_report *judged,
                const struct report_outcome *outcome);

/* A run was inconclusive and is tried again. */
void totals_again(struct totals *totals);

/* Nothing if no run was judged. */
void totals_print(FILE *to, const struct totals *totals);

/* {"runs","inconclusive","tried_again","checks":[{"name","passed",...}]}; the caller's. */
json_t *totals_json(const struct totals *totals);

void totals_free(struct totals *totals);

#endif
