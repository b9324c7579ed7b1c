/* What the judge found, held against what the scenario expects.
 *
 * Rules (README "Verdict"):
 *   - a check is expected to pass, unless the scenario's `expect` says more;
 *   - `convict: [X]` X must fail; `also: [X]` X may fail as well;
 *   - `skip: reason` the check is not judged: its result is a skip;
 *   - `examined: {X: N}` X must have looked at N items at least;
 *   - `subscribers: {X: {fast_path: A..B, sendings: N}}` figures of X; not in the `on` run;
 *   - a skip meets every expectation but `convict` and `examined`;
 *   - a failing load-honest makes the verdict inconclusive, whatever else
 *     failed; a run that died is a fail, whatever its captures say;
 *   - in the `off` run of a scenario with defects convict and also do not
 *     count: everything must pass.
 *
 * Ownership: an outcome owns its arrays and texts and points to nothing else;
 * report_outcome_free() gives them back. checks[i] belongs to
 * judge_report.checks[i]. */
#ifndef FANBENCH_REPORT_OUTCOME_H
#define FANBENCH_REPORT_OUTCOME_H

#include "bench/scenario/plan.h"
#include "pcap-tools/judge.h"

enum report_verdict { REPORT_PASS, REPORT_FAIL, REPORT_INCONCLUSIVE };

/* Which run of a scenario this is. A scenario with defects runs twice. */
enum report_twin {
  REPORT_SINGLE, /* no defects, or chosen on the command line */
  REPORT_ON,     /* defects on: convict and also count */
  REPORT_OFF,    /* defects off: must pass plain */
};

enum report_expected {
  REPORT_EXPECT_PASS,
  REPORT_EXPECT_FAIL,   /* convict */
  REPORT_EXPECT_EITHER, /* also */
  REPORT_EXPECT_SKIP,   /* skip: reason */
};

struct report_check {
  enum report_expected expected;
  enum judge_result result;   /* after `skip: reason` */
  char *reason;               /* why skipped; NULL otherwise */
  uint64_t examined_at_least; /* 0 = no demand */
  bool as_expected;
  char *why_not; /* one sentence if not as expected; NULL otherwise */
};

/* Something no check says, as a figure that is not what `subscribers` of `expect` asks for. */
struct report_note {
  char *text;
  bool fails; /* it alone makes the verdict a fail */
};

struct report_outcome {
  enum report_verdict verdict;
  struct report_check *checks;
  size_t n_checks;
  struct report_note *notes;
  size_t n_notes;
  size_t passed, failed, skipped; /* by result */
  size_t unexpected;              /* checks not as expected, failing notes */
  uint64_t examined;              /* items, over all checks that were not skipped */
};

/* report may be NULL (the judge could not read the run): a failing note, as is
 * a report without checks. died: why the run ended early, or NULL.
 * Returns 0, or -1 with errno ENOMEM and *out empty. */
int report_outcome_make(const struct plan *plan, const struct judge_report *report,
                        enum report_twin twin, const char *died, struct report_outcome *out);
void report_outcome_free(struct report_outcome *outcome);

const char *report_verdict_name(enum report_verdict verdict);    /* "pass" */
const char *report_expected_name(enum report_expected expected); /* "pass or fail" */
const char *report_result_name(enum judge_result result);        /* "skip" */
const char *report_twin_name(enum report_twin twin);             /* "single" "on" "off" */

#endif
