#include "bench/report/view.h"

struct report_view report_view_make(const struct plan *plan, const struct judge_report *judged,
                                    const struct report_run *run,
                                    const struct report_outcome *outcome) {
  static const struct judge_report nothing;
  return (struct report_view){
      .plan = plan, .judged = judged ? judged : &nothing, .run = run, .outcome = outcome};
}

const char *report_view_mode(const struct report_view *view) {
  if (view->run->mode)
    return view->run->mode;
  return view->judged->mode ? view->judged->mode : "";
}

const char *report_view_commit(const struct report_view *view) {
  return view->judged->commit && *view->judged->commit ? view->judged->commit : "unknown";
}

uint64_t report_view_seed(const struct report_view *view) {
  return view->judged->n_checks ? view->judged->seed : view->plan->seed;
}

size_t report_view_findings(const struct report_view *view, size_t i) {
  return view->outcome->checks[i].result == JUDGE_SKIP ? 0 : view->judged->checks[i].n_findings;
}

bool report_view_share(const struct report_view *view, uint32_t *ppm) {
  uint64_t all = view->judged->first_bytes_all;
  if (!all)
    return false;
  *ppm = (uint32_t)((unsigned __int128)view->judged->first_bytes_fast * 1000000 / all);
  return true;
}

uint64_t report_view_dropped(const struct judge_subscriber *sub) {
  uint64_t sum = 0;
  for (size_t i = 0; i < sub->n_drops; i++)
    sum += sub->drops[i].count;
  return sum;
}
