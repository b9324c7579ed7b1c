/* The table of one run for a terminal; see report_print_table() in report.h. */
#include <inttypes.h>
#include <string.h>

#include "bench/report/text.h"
#include "bench/report/view.h"

/* Findings shown of one check, and of all. The report has the rest. */
enum { OF_ONE_CHECK = 3, OF_ALL = 9, LINE = 88, ABOUT_INDENT = 6 };

struct table {
  FILE *to;
  const struct report_view *view;
  bool colour;
};

static const char *colour_of(enum report_verdict verdict) {
  return verdict == REPORT_PASS ? "32" : verdict == REPORT_FAIL ? "31" : "33";
}

static void put_coloured(const struct table *t, const char *colour, const char *text) {
  if (t->colour)
    fprintf(t->to, "\033[1;%sm%s\033[0m", colour, text);
  else
    fputs(text, t->to);
}

/* What the scenario is about, a few words a line. */
static void put_about(const struct table *t) {
  const char *at = t->view->plan->about;
  while (at && *at) {
    size_t len = strlen(at);
    if (len > LINE - ABOUT_INDENT) {
      len = LINE - ABOUT_INDENT;
      while (len > 0 && at[len] != ' ')
        len--;
      if (len == 0)
        len = strcspn(at, " ");
    }
    char line[LINE * 8];
    snprintf(line, sizeof line, "%.*s", (int)len, at);
    fprintf(t->to, "%*s", ABOUT_INDENT, "");
    report_text_terminal(t->to, line);
    fputc('\n', t->to);
    at += len;
    at += strspn(at, " ");
  }
}

static void put_verdict(const struct table *t) {
  static const char *const words[] = {"PASS", "FAIL", "INCONCLUSIVE"};
  const struct report_view *view = t->view;
  put_coloured(t, colour_of(view->outcome->verdict), words[view->outcome->verdict]);
  fputs("  ", t->to);
  report_text_terminal(t->to, view->plan->name);
  fputs("  (", t->to);
  report_text_terminal(t->to, report_view_mode(view));
  fprintf(t->to, ", seed %" PRIu64 ", commit ", report_view_seed(view));
  report_text_terminal(t->to, report_view_commit(view));
  if (view->run->twin != REPORT_SINGLE)
    fprintf(t->to, ", defects %s", report_twin_name(view->run->twin));
  if (view->run->tries > 1)
    fprintf(t->to, ", %" PRIu32 " tries", view->run->tries);
  fputs(")\n", t->to);
  put_about(t);
  for (size_t i = 0; i < view->outcome->n_notes; i++) {
    fputs(view->outcome->notes[i].fails ? "  ! " : "  - ", t->to);
    report_text_terminal(t->to, view->outcome->notes[i].text);
    fputc('\n', t->to);
  }
}

static void put_subscriber(const struct table *t, const struct judge_subscriber *sub, int width) {
  char objects[REPORT_TEXT_NUMBER], bytes[REPORT_TEXT_NUMBER], share[REPORT_TEXT_NUMBER];
  char p50[REPORT_TEXT_NUMBER], p99[REPORT_TEXT_NUMBER];
  int used = report_text_terminal(t->to, sub->node);
  fprintf(t->to, "%*s  %9s  %13s  %9s  %11s  %9s\n", width - used, "",
          report_text_count(objects, sub->objects), report_text_count(bytes, sub->bytes),
          sub->first_bytes_all ? report_text_percent(share, sub->fast_path_ppm) : "-",
          sub->has_latency ? report_text_duration(p50, sub->latency_p50_ns) : "-",
          sub->has_latency ? report_text_duration(p99, sub->latency_p99_ns) : "-");
}

static void put_subscribers(const struct table *t) {
  const struct judge_report *judged = t->view->judged;
  int width = (int)strlen("subscriber");
  if (!judged->n_subscribers)
    return;
  for (size_t i = 0; i < judged->n_subscribers; i++) {
    int columns = report_text_terminal(NULL, judged->subscribers[i].node);
    if (columns > width)
      width = columns;
  }
  fprintf(t->to, "\n%-*s  %9s  %13s  %9s  %11s  %9s\n", width, "subscriber", "objects", "bytes",
          "fast path", "latency p50", "p99");
  for (size_t i = 0; i < judged->n_subscribers; i++)
    put_subscriber(t, &judged->subscribers[i], width);
  uint32_t ppm = 0;
  char share[REPORT_TEXT_NUMBER];
  if (judged->n_subscribers > 1 && report_view_share(t->view, &ppm))
    fprintf(t->to, "%-*s  %9s  %13s  %9s\n", width, "all", "", "", report_text_percent(share, ppm));
}

/* One item of a list that breaks at LINE columns. */
static void put_item(const struct table *t, int *column, const char *name, const char *tail) {
  int width = report_text_terminal(NULL, name) + (int)strlen(tail) + 2;
  if (*column + width > LINE) {
    fputs("\n          ", t->to);
    *column = 10;
  }
  fputs("  ", t->to);
  report_text_terminal(t->to, name);
  fputs(tail, t->to);
  *column += width;
}

static void put_passed(const struct table *t) {
  const struct report_view *view = t->view;
  int column = 10;
  if (!view->outcome->passed)
    return;
  fputs("  passed  ", t->to);
  for (size_t i = 0; i < view->outcome->n_checks; i++) {
    char count[REPORT_TEXT_NUMBER], tail[REPORT_TEXT_NUMBER + 1];
    if (view->outcome->checks[i].result != JUDGE_PASS)
      continue;
    snprintf(tail, sizeof tail, " %s", report_text_count(count, view->judged->checks[i].examined));
    put_item(t, &column, view->judged->checks[i].name, tail);
  }
  fputc('\n', t->to);
}

static bool skipped_before(const struct report_outcome *outcome, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (outcome->checks[k].result == JUDGE_SKIP &&
        !strcmp(outcome->checks[k].reason, outcome->checks[i].reason))
      return true;
  return false;
}

/* A line a reason. */
static void put_skipped(const struct table *t) {
  const struct report_outcome *outcome = t->view->outcome;
  for (size_t i = 0; i < outcome->n_checks; i++) {
    if (outcome->checks[i].result != JUDGE_SKIP || skipped_before(outcome, i))
      continue;
    fputs("  skipped   ", t->to);
    int column = 13 + report_text_terminal(t->to, outcome->checks[i].reason);
    fputc(':', t->to);
    for (size_t k = i; k < outcome->n_checks; k++)
      if (outcome->checks[k].result == JUDGE_SKIP &&
          !strcmp(outcome->checks[k].reason, outcome->checks[i].reason))
        put_item(t, &column, t->view->judged->checks[k].name, "");
    fputc('\n', t->to);
  }
}

static void put_finding(const struct table *t, const struct judge_finding *finding) {
  const char *const rows[][2] = {
      {"expected", finding->expected}, {"actual", finding->actual}, {"because", finding->explain}};
  fputs("      ", t->to);
  report_text_terminal(t->to, finding->file);
  fprintf(t->to, ":%" PRIu64 "  ", finding->frame);
  report_text_terminal(t->to, finding->layer);
  fputc(' ', t->to);
  report_text_terminal(t->to, finding->field);
  fputc('\n', t->to);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fprintf(t->to, "        %-9s ", rows[i][0]);
    report_text_terminal(t->to, rows[i][1]);
    fputc('\n', t->to);
  }
}

/* Not as expected: what and where. As expected, but failing: one finding. */
static size_t put_failed(const struct table *t, size_t i, size_t room) {
  const struct judge_check *from = &t->view->judged->checks[i];
  const struct report_check *check = &t->view->outcome->checks[i];
  size_t n = report_view_findings(t->view, i), most = check->as_expected ? 1 : OF_ONE_CHECK;
  if (check->as_expected && check->result != JUDGE_FAIL)
    return 0;
  fputs("  ", t->to);
  put_coloured(t, check->as_expected ? "32" : "31", check->as_expected ? "caught" : "FAILED");
  fputs("    ", t->to);
  report_text_terminal(t->to, from->name);
  fputs(": ", t->to);
  report_text_terminal(t->to, check->why_not ? check->why_not : "fails, as expected");
  fputc('\n', t->to);
  if (n > most)
    n = most;
  if (n > room)
    n = room;
  for (size_t f = 0; f < n; f++)
    put_finding(t, &from->findings[f]);
  if (from->findings_total > n && check->result == JUDGE_FAIL)
    fprintf(t->to, "      and %" PRIu64 " more\n", from->findings_total - n);
  return n;
}

void report_print_table(FILE *to, const struct plan *plan, const struct judge_report *judged,
                        const struct report_run *run, const struct report_outcome *outcome,
                        bool colour) {
  struct report_view view = report_view_make(plan, judged, run, outcome);
  struct table t = {.to = to, .view = &view, .colour = colour};
  char examined[REPORT_TEXT_NUMBER];
  size_t room = OF_ALL;
  put_verdict(&t);
  put_subscribers(&t);
  fprintf(to, "\nchecks: %zu passed, %zu failed, %zu skipped; %s items examined\n", outcome->passed,
          outcome->failed, outcome->skipped, report_text_count(examined, outcome->examined));
  put_passed(&t);
  put_skipped(&t);
  for (size_t i = 0; i < outcome->n_checks; i++)
    room -= put_failed(&t, i, room);
  fputs("\n" REPORT_VIEW_CAVEAT_1 "\n" REPORT_VIEW_CAVEAT_2 "\n", to);
  if (run->out_dir) {
    fputs("report: ", to);
    report_text_terminal(to, run->out_dir);
    fputs("/report.html\n", to);
  }
  if (outcome->verdict != REPORT_PASS && run->replay) {
    fputs("replay: ", to);
    report_text_terminal(to, run->replay);
    fputc('\n', to);
  }
}
