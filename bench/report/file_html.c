/* report.html: one self-contained page. The template holds the shape and the
 * style; each mark in it (template.h) stands for one function below. */
#include <inttypes.h>
#include <string.h>

#include "bench/report/chart.h"
#include "bench/report/files.h"
#include "bench/report/page.h"
#include "bench/report/template.h"
#include "bench/report/text.h"
#include "embed/report_html.h"
#include "embed/style_css.h"

static void put_title(FILE *to, const struct report_view *view) {
  report_text_xml(to, view->plan->name);
  fprintf(to, ": %s", report_verdict_name(view->outcome->verdict));
}

static void put_verdict(FILE *to, const struct report_view *view) {
  const struct report_outcome *outcome = view->outcome;
  const char *verdict = report_verdict_name(outcome->verdict);
  char items[REPORT_TEXT_NUMBER];
  fprintf(to, "<p class=\"verdict %s\">%s</p>\n<h1>", verdict, verdict);
  report_text_xml(to, view->plan->name);
  fputs("</h1>\n", to);
  if (view->plan->about && *view->plan->about) {
    fputs("<p>", to);
    report_text_xml(to, view->plan->about);
    fputs("</p>\n", to);
  }
  fprintf(to,
          "<p class=\"soft\">%zu checks passed, %zu failed, %zu skipped; %s items examined.</p>\n",
          outcome->passed, outcome->failed, outcome->skipped,
          report_text_count(items, outcome->examined));
}

static void put_notes(FILE *to, const struct report_view *view) {
  for (size_t i = 0; i < view->outcome->n_notes; i++) {
    fprintf(to, "<p class=\"%s\">", view->outcome->notes[i].fails ? "fail" : "soft");
    report_text_xml(to, view->outcome->notes[i].text);
    fputs("</p>\n", to);
  }
}

static void put_caveat(FILE *to, const struct report_view *view) {
  (void)view;
  report_text_xml(to, REPORT_VIEW_CAVEAT);
}

static void put_chart(FILE *to, const struct report_view *view) {
  report_chart_latency(to, view->judged);
}

static void put_finding_row(FILE *to, const char *name, const char *text) {
  fprintf(to, "<dt>%s</dt><dd>", name);
  report_text_xml(to, text);
  fputs("</dd>", to);
}

static void put_finding(FILE *to, const char *check, const struct judge_finding *finding,
                        bool foreseen) {
  fprintf(to, "<div class=\"finding%s\"><b>", foreseen ? " foreseen" : "");
  report_text_xml(to, check);
  fputs("</b> <code>", to);
  report_text_xml(to, finding->file);
  fprintf(to, ":%" PRIu64 "</code> <span class=\"soft\">", finding->frame);
  if (finding->time_ns)
    fprintf(to, "at %" PRIu64 " ns, ", finding->time_ns);
  report_text_xml(to, finding->layer);
  fputs(" ", to);
  report_text_xml(to, finding->field);
  fputs("</span><dl>", to);
  put_finding_row(to, "expected", finding->expected);
  put_finding_row(to, "actual", finding->actual);
  fputs("</dl><p>", to);
  report_text_xml(to, finding->explain);
  fputs("</p></div>\n", to);
}

static void put_findings(FILE *to, const struct report_view *view) {
  bool any = false;
  for (size_t i = 0; i < view->outcome->n_checks; i++) {
    const struct judge_check *from = &view->judged->checks[i];
    size_t n = report_view_findings(view, i);
    if (n && !any)
      fputs(
          "<h2>Findings</h2>\n<p class=\"soft\">Each names the file in the run directory and "
          "the packet (or line) in it.</p>\n",
          to);
    any = any || n;
    for (size_t f = 0; f < n; f++)
      put_finding(to, from->name, &from->findings[f], view->outcome->checks[i].as_expected);
    if (from->findings_total > n && n)
      fprintf(to, "<p class=\"soft\">and %" PRIu64 " more of this check</p>\n",
              from->findings_total - n);
  }
}

static void put_check(FILE *to, const struct report_view *view, size_t i) {
  const struct report_check *check = &view->outcome->checks[i];
  const char *result = report_result_name(check->result), *tail = "";
  const char *class = !check->as_expected ? "fail" : check->result == JUDGE_PASS ? "pass" : "soft";
  char examined[REPORT_TEXT_NUMBER];
  if (check->as_expected && check->result == JUDGE_FAIL)
    tail = ", as expected";
  fputs("<tr><td>", to);
  report_text_xml(to, view->judged->checks[i].name);
  fprintf(to, "</td><td class=\"%s\">%s%s</td><td>%s</td><td class=\"n\">%s</td><td>", class,
          result, tail, report_expected_name(check->expected),
          report_text_count(examined, view->judged->checks[i].examined));
  report_text_xml(to, check->why_not ? check->why_not : check->reason);
  fputs("</td></tr>\n", to);
}

/* What was judged, then what was skipped as expected. */
static void put_checks(FILE *to, const struct report_view *view) {
  const struct report_outcome *outcome = view->outcome;
  if (!outcome->n_checks) {
    fputs("<p class=\"soft\">No check was judged.</p>\n", to);
    return;
  }
  fputs(
      "<div class=\"wide\"><table><thead><tr><th>check</th><th>result</th><th>expected</th>"
      "<th class=\"n\">examined</th><th>why</th></tr></thead>\n",
      to);
  for (int quiet = 0; quiet < 2; quiet++) {
    fputs(quiet ? "<tbody class=\"quiet\">\n" : "<tbody>\n", to);
    for (size_t i = 0; i < outcome->n_checks; i++) {
      const struct report_check *check = &outcome->checks[i];
      if ((check->as_expected && check->result == JUDGE_SKIP) == quiet)
        put_check(to, view, i);
    }
    fputs("</tbody>\n", to);
  }
  fputs("</table></div>\n", to);
}

static void put_replay(FILE *to, const struct report_view *view) {
  if (view->run->kept) {
    fputs("<p>The same run again, from inside this directory:</p>\n<pre>", to);
    report_text_xml(to, view->run->kept);
    fputs("</pre>\n", to);
  }
  fputs(
      "<p>Judge this directory again: <code>fanbench verify DIR</code>. Look into a packet of a "
      "finding: <code>quicpcap packets DIR/FILE</code>.</p>\n",
      to);
}

static void put_style(FILE *to, const struct report_view *view) {
  (void)view;
  fputs((const char *)embed_style_css, to);
}

static const struct {
  const char *name;
  report_file_fn *put;
} parts[] = {
    {"title", put_title},
    {"style", put_style},
    {"verdict", put_verdict},
    {"notes", put_notes},
    {"facts", report_page_facts},
    {"chart", put_chart},
    {"subscribers", report_page_subscribers},
    {"caveat", put_caveat},
    {"findings", put_findings},
    {"checks", put_checks},
    {"drops", report_page_drops},
    {"replay", put_replay},
};

static void put_part(void *arg, FILE *to, const char *name, size_t len) {
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (strlen(parts[i].name) == len && !strncmp(parts[i].name, name, len))
      parts[i].put(to, arg);
}

void report_file_html(FILE *to, const struct report_view *view) {
  struct report_view all = *view;
  report_template(to, (const char *)embed_report_html, put_part, &all);
}
