/* report.tap: TAP 14, a point a check, each with its subtest. A check that
 * fails as expected is ok: its findings stand in the diagnostics all the same. */
#include <inttypes.h>

#include "bench/report/files.h"
#include "bench/report/text.h"

static void put_pair(FILE *to, int indent, const char *key, const char *text) {
  fprintf(to, "%*s%s: ", indent, "", key);
  report_text_json(to, text);
  fputc('\n', to);
}

void report_tap_findings(FILE *to, int indent, const struct report_view *view, size_t i,
                         size_t most) {
  size_t n = report_view_findings(view, i);
  if (n > most)
    n = most;
  if (!n)
    return;
  fprintf(to, "%*sfindings_total: %" PRIu64 "\n%*sfindings:\n", indent, "",
          view->judged->checks[i].findings_total, indent, "");
  for (size_t f = 0; f < n; f++) {
    const struct judge_finding *finding = &view->judged->checks[i].findings[f];
    fprintf(to, "%*s- file: ", indent + 2, "");
    report_text_json(to, finding->file);
    fprintf(to, "\n%*sframe: %" PRIu64 "\n%*stime_ns: %" PRIu64 "\n", indent + 4, "",
            finding->frame, indent + 4, "", finding->time_ns);
    put_pair(to, indent + 4, "layer", finding->layer);
    put_pair(to, indent + 4, "field", finding->field);
    put_pair(to, indent + 4, "expected", finding->expected);
    put_pair(to, indent + 4, "actual", finding->actual);
    put_pair(to, indent + 4, "explain", finding->explain);
  }
}

static const char *ok(bool yes) {
  return yes ? "ok" : "not ok";
}

/* The result against `expect`, then the demand of `examined`, if there is one. */
static void put_subtest(FILE *to, const struct report_view *view, size_t i) {
  const struct judge_check *from = &view->judged->checks[i];
  const struct report_check *check = &view->outcome->checks[i];
  bool enough = check->result != JUDGE_SKIP && from->examined >= check->examined_at_least;
  bool result_ok = check->expected == REPORT_EXPECT_FAIL   ? check->result == JUDGE_FAIL
                   : check->expected == REPORT_EXPECT_PASS ? check->result != JUDGE_FAIL
                                                           : true;
  fputs("# Subtest: ", to);
  report_text_tap(to, from->name);
  fprintf(to, "\n    1..%d\n", check->examined_at_least ? 2 : 1);
  fprintf(to, "    %s 1 - expected %s, found %s, %" PRIu64 " examined", ok(result_ok),
          report_expected_name(check->expected), report_result_name(check->result), from->examined);
  if (result_ok && check->result == JUDGE_SKIP) {
    fputs(" # SKIP ", to);
    report_text_tap(to, check->reason);
  }
  fputc('\n', to);
  if (check->result == JUDGE_FAIL || !result_ok) {
    fputs("      ---\n", to);
    put_pair(to, 6, "message", check->why_not ? check->why_not : "fails, as expected");
    report_tap_findings(to, 6, view, i, JUDGE_MAX_FINDINGS);
    fputs("      ...\n", to);
  }
  if (check->examined_at_least)
    fprintf(to, "    %s 2 - at least %" PRIu64 " examined, found %" PRIu64 "\n", ok(enough),
            check->examined_at_least, from->examined);
}

void report_tap_notes(FILE *to, const struct report_outcome *outcome) {
  if (outcome->n_notes)
    fputs("  notes:\n", to);
  for (size_t i = 0; i < outcome->n_notes; i++) {
    fputs("    - ", to);
    report_text_json(to, outcome->notes[i].text);
    fputc('\n', to);
  }
}

static void put_check(FILE *to, const struct report_view *view, size_t i) {
  const struct report_check *check = &view->outcome->checks[i];
  put_subtest(to, view, i);
  fprintf(to, "%s %zu - ", ok(check->as_expected), i + 1);
  report_text_tap(to, view->judged->checks[i].name);
  if (check->as_expected && check->result == JUDGE_SKIP) {
    fputs(" # SKIP ", to);
    report_text_tap(to, check->reason);
  }
  fputc('\n', to);
}

void report_file_tap(FILE *to, const struct report_view *view) {
  const struct report_outcome *outcome = view->outcome;
  size_t point = outcome->n_checks + 1;
  fprintf(to, "TAP version 14\n1..%zu\n", point);
  for (size_t i = 0; i < outcome->n_checks; i++)
    put_check(to, view, i);
  /* The last point is the verdict: it alone says "inconclusive", "died" and all
   * else that no check says. */
  fprintf(to, "%s %zu - verdict %s\n", ok(outcome->verdict == REPORT_PASS), point,
          report_verdict_name(outcome->verdict));
  fputs("  ---\n", to);
  put_pair(to, 2, "scenario", view->plan->name);
  put_pair(to, 2, "mode", report_view_mode(view));
  fprintf(to, "  seed: %" PRIu64 "\n", report_view_seed(view));
  put_pair(to, 2, "commit", report_view_commit(view));
  report_tap_notes(to, outcome);
  if (view->run->kept)
    put_pair(to, 2, "replay", view->run->kept);
  fputs("  ...\n", to);
}
