/* junit.xml in the form that Jenkins and GitLab read: a testsuite a scenario, a
 * testcase a check, and one more, "run", for what no check says. Times are left
 * out: in sim nothing may hold wall time. */
#include <inttypes.h>

#include "bench/report/files.h"
#include "bench/report/text.h"

static void put_attribute(FILE *to, const char *name, const char *text) {
  fprintf(to, " %s=\"", name);
  report_text_xml(to, text);
  fputc('"', to);
}

static void put_findings(FILE *to, const struct report_view *view, size_t i) {
  size_t n = report_view_findings(view, i);
  for (size_t f = 0; f < n; f++) {
    const struct judge_finding *finding = &view->judged->checks[i].findings[f];
    report_text_xml(to, finding->file);
    fprintf(to, ":%" PRIu64 ": ", finding->frame);
    report_text_xml(to, finding->layer);
    fputc(' ', to);
    report_text_xml(to, finding->field);
    fputs(": expected ", to);
    report_text_xml(to, finding->expected);
    fputs(", found ", to);
    report_text_xml(to, finding->actual);
    fputs(". ", to);
    report_text_xml(to, finding->explain);
    fputc('\n', to);
  }
  if (n && view->judged->checks[i].findings_total > n)
    fprintf(to, "and %" PRIu64 " more\n", view->judged->checks[i].findings_total - n);
}

static bool is_error(const struct report_view *view, size_t i) {
  return view->outcome->verdict == REPORT_INCONCLUSIVE &&
         view->outcome->checks[i].result == JUDGE_FAIL && !view->outcome->checks[i].as_expected;
}

static void put_bad_check(FILE *to, const struct report_view *view, size_t i) {
  const char *tag = is_error(view, i) ? "error" : "failure";
  fprintf(to, "      <%s", tag);
  put_attribute(to, "type", is_error(view, i) ? "inconclusive" : "not-as-expected");
  put_attribute(to, "message", view->outcome->checks[i].why_not);
  fputc('>', to);
  put_findings(to, view, i);
  if (view->run->kept) {
    fputs("replay: ", to);
    report_text_xml(to, view->run->kept);
    fputc('\n', to);
  }
  fprintf(to, "</%s>\n", tag);
}

static void put_check(FILE *to, const char *suite, const struct report_view *view, size_t i) {
  const struct report_check *check = &view->outcome->checks[i];
  fputs("    <testcase", to);
  put_attribute(to, "classname", suite);
  put_attribute(to, "name", view->judged->checks[i].name);
  fputs(">\n", to);
  if (!check->as_expected) {
    put_bad_check(to, view, i);
  } else if (check->result == JUDGE_SKIP) {
    fputs("      <skipped", to);
    put_attribute(to, "message", check->reason);
    fputs("/>\n", to);
  } else {
    fprintf(to, "      <system-out>%s, as expected; %" PRIu64 " examined\n",
            report_result_name(check->result), view->judged->checks[i].examined);
    put_findings(to, view, i);
    fputs("</system-out>\n", to);
  }
  fputs("    </testcase>\n", to);
}

/* What no check says: died, an empty report, a wrong name in `expect`. */
static void put_run(FILE *to, const char *suite, const struct report_view *view) {
  const struct report_outcome *outcome = view->outcome;
  fputs("    <testcase", to);
  put_attribute(to, "classname", suite);
  fputs(" name=\"run\">\n", to);
  for (size_t i = 0; i < outcome->n_notes; i++) {
    if (!outcome->notes[i].fails)
      continue;
    fputs("      <error type=\"run\"", to);
    put_attribute(to, "message", outcome->notes[i].text);
    fputs("/>\n", to);
    break; /* one error a testcase; the rest stands below */
  }
  fprintf(to, "      <system-out>verdict %s\n", report_verdict_name(outcome->verdict));
  for (size_t i = 0; i < outcome->n_notes; i++) {
    report_text_xml(to, outcome->notes[i].text);
    fputc('\n', to);
  }
  fputs("</system-out>\n    </testcase>\n", to);
}

void report_junit_suite(FILE *to, const char *name, const struct report_view *view) {
  const struct report_outcome *outcome = view->outcome;
  size_t failures = 0, errors = 0, skipped = 0;
  for (size_t i = 0; i < outcome->n_checks; i++) {
    bool bad = !outcome->checks[i].as_expected;
    errors += bad && is_error(view, i);
    failures += bad && !is_error(view, i);
    skipped += !bad && outcome->checks[i].result == JUDGE_SKIP;
  }
  for (size_t i = 0; i < outcome->n_notes; i++) {
    if (outcome->notes[i].fails) {
      errors++;
      break;
    }
  }
  fputs("  <testsuite", to);
  put_attribute(to, "name", name);
  fprintf(to, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
          outcome->n_checks + 1, failures, errors, skipped);
  fputs("    <properties>\n", to);
  fprintf(to, "      <property name=\"seed\" value=\"%" PRIu64 "\"/>\n", report_view_seed(view));
  const char *const pairs[][2] = {{"mode", report_view_mode(view)},
                                  {"commit", report_view_commit(view)},
                                  {"verdict", report_verdict_name(outcome->verdict)},
                                  {"replay", view->run->kept}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    fprintf(to, "      <property name=\"%s\"", pairs[i][0]);
    put_attribute(to, "value", pairs[i][1]);
    fputs("/>\n", to);
  }
  fputs("    </properties>\n", to);
  for (size_t i = 0; i < outcome->n_checks; i++)
    put_check(to, name, view, i);
  put_run(to, name, view);
  fputs("  </testsuite>\n", to);
}

void report_file_junit(FILE *to, const struct report_view *view) {
  fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fanbench\">\n", to);
  report_junit_suite(to, view->plan->name, view);
  fputs("</testsuites>\n", to);
}
