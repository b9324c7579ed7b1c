/* One run as all writers of this folder see it. Nothing is owned.
 *
 * judged is never NULL here: a run that could not be judged has an empty
 * report. outcome->checks[i] belongs to judged->checks[i]. */
#ifndef FANBENCH_REPORT_VIEW_H
#define FANBENCH_REPORT_VIEW_H

#include "bench/report/report.h"
#include "bench/report/samples.h"

struct report_view {
  const struct plan *plan;
  const struct judge_report *judged;
  const struct report_run *run;
  const struct report_outcome *outcome;
  const struct report_samples *samples; /* NULL where no samples are wanted */
};

struct report_view report_view_make(const struct plan *plan, const struct judge_report *judged,
                                    const struct report_run *run,
                                    const struct report_outcome *outcome);

/* "live" "sim", or "" if nobody knows. */
const char *report_view_mode(const struct report_view *view);
/* Never NULL: "unknown" if the run did not get so far. */
const char *report_view_commit(const struct report_view *view);
uint64_t report_view_seed(const struct report_view *view);
/* Findings of check i that count: none of a skipped one. */
size_t report_view_findings(const struct report_view *view, size_t i);
/* Bytes first sent by the datapath in all bytes first sent. false: none were. */
bool report_view_share(const struct report_view *view, uint32_t *ppm);
/* Dropped for this subscriber, all reasons. */
uint64_t report_view_dropped(const struct judge_subscriber *sub);

/* The sentence every report carries (FACTS, section 3); on a terminal two lines. */
#define REPORT_VIEW_CAVEAT_1 "The kernel path's case is latency and isolation, not bulk throughput:"
#define REPORT_VIEW_CAVEAT_2 "user space that sends GSO bursts to one receiver costs less a copy."
#define REPORT_VIEW_CAVEAT   REPORT_VIEW_CAVEAT_1 " " REPORT_VIEW_CAVEAT_2

#endif
