/* What a sweep has done so far, so that it goes on where it was ended: OUT/journal.jsonl, a line a
 * run, written and synced when its figures are known.
 *
 * A run is known by the digest of all that makes it: commit, mode, scenario, values, seed,
 * traces and files, and what is measured. So a sweep with more seeds or values takes what is
 * there, and a changed scenario takes nothing that is stale. An unfinished last line (a
 * kill) counts as not there. Inconclusive runs are not written: they are run again. */
#ifndef FANBENCH_RUN_SWEEP_JOURNAL_H
#define FANBENCH_RUN_SWEEP_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/report/sweep.h"

struct sweep_journal {
  char *path;
  FILE *to;
  uint64_t *digests; /* by row of the sweep */
};

/* Reads what is there into the sweep's rows (done = true) and opens the file for more.
 * *known gets how many rows that were. 0, or -1 with a sentence in err. */
int sweep_journal_open(struct sweep_journal *journal, const char *dir, struct report_sweep *sweep,
                       size_t *known, char *err, size_t err_len);
/* 0, or -1 with errno. */
int sweep_journal_add(struct sweep_journal *journal, const struct report_sweep *sweep, size_t row);
/* All rows in their order, and nothing else: the same sweep ends with the same bytes, however
 * often it was ended. 0, or -1 with errno. */
int sweep_journal_settle(struct sweep_journal *journal, const struct report_sweep *sweep);
void sweep_journal_close(struct sweep_journal *journal);

#endif
