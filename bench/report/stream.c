/* Several scenarios in one TAP stream and one JUnit file; see report.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bench/report/files.h"
#include "bench/report/text.h"

/* Findings in one point of the stream: the run's own report.tap has all. */
enum { FINDINGS_A_POINT = 3 };

struct report_stream {
  FILE *tap; /* not owned; NULL: none */
  bool has_junit;
  struct report_file junit;
  size_t points, passed, failed, inconclusive, skipped;
  bool bad_input, lacks_something;
};

int report_stream_open(struct report_stream **stream, FILE *tap, const char *junit_path) {
  struct report_stream *made = calloc(1, sizeof *made);
  *stream = NULL;
  if (!made)
    return -1;
  made->tap = tap;
  if (junit_path && report_file_open(&made->junit, junit_path)) {
    int why = errno;
    free(made);
    errno = why;
    return -1;
  }
  made->has_junit = junit_path;
  if (tap)
    fputs("TAP version 14\n", tap);
  if (made->has_junit)
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fanbench\">\n",
          made->junit.to);
  *stream = made;
  return 0;
}

static void open_point(struct report_stream *stream, bool ok, const char *name) {
  stream->points++;
  if (!stream->tap)
    return;
  fprintf(stream->tap, "%s %zu - ", ok ? "ok" : "not ok", stream->points);
  report_text_tap(stream->tap, name);
}

/* Reaches the reader of a pipe before the next scenario starts. */
static void close_point(const struct report_stream *stream) {
  if (!stream->tap)
    return;
  fputc('\n', stream->tap);
  fflush(stream->tap);
}

static void put_diagnostics(FILE *to, const struct report_view *view) {
  const struct report_outcome *outcome = view->outcome;
  fprintf(to, "\n  ---\n  verdict: %s\n  seed: %" PRIu64 "\n",
          report_verdict_name(outcome->verdict), report_view_seed(view));
  report_tap_notes(to, outcome);
  if (outcome->n_checks)
    fputs("  checks:\n", to);
  for (size_t i = 0; i < outcome->n_checks; i++) {
    if (outcome->checks[i].as_expected)
      continue;
    fputs("    - name: ", to);
    report_text_json(to, view->judged->checks[i].name);
    fputs("\n      message: ", to);
    report_text_json(to, outcome->checks[i].why_not);
    fputc('\n', to);
    report_tap_findings(to, 6, view, i, FINDINGS_A_POINT);
  }
  if (view->run->out_dir) {
    fputs("  report: ", to);
    report_text_json(to, view->run->out_dir);
    fputc('\n', to);
  }
  if (view->run->replay) {
    fputs("  replay: ", to);
    report_text_json(to, view->run->replay);
    fputc('\n', to);
  }
  fputs("  ...", to);
}

void report_stream_run(struct report_stream *stream, const char *name, const struct plan *plan,
                       const struct judge_report *judged, const struct report_run *run,
                       const struct report_outcome *outcome) {
  /* the file of all lies beside the run directories, which are called as the runs */
  char *kept = run->kept ? report_replay_outside(run->kept, name) : NULL;
  struct report_run told = *run;
  told.kept = kept;
  struct report_view view = report_view_make(plan, judged, &told, outcome);
  stream->passed += outcome->verdict == REPORT_PASS;
  stream->failed += outcome->verdict == REPORT_FAIL;
  stream->inconclusive += outcome->verdict == REPORT_INCONCLUSIVE;
  open_point(stream, outcome->verdict == REPORT_PASS, name);
  if (stream->tap && outcome->verdict != REPORT_PASS)
    put_diagnostics(stream->tap, &view);
  close_point(stream);
  if (stream->has_junit)
    report_junit_suite(stream->junit.to, name, &view);
  free(kept);
}

/* A suite of one case that has no checks to show. */
static void put_lone_case(struct report_stream *stream, const char *name, const char *tag,
                          const char *reason) {
  bool skipped = tag[0] == 's';
  FILE *to = stream->junit.to;
  if (!stream->has_junit)
    return;
  fputs("  <testsuite name=\"", to);
  report_text_xml(to, name);
  fprintf(to, "\" tests=\"1\" failures=\"0\" errors=\"%d\" skipped=\"%d\">\n", !skipped, skipped);
  fputs("    <testcase classname=\"", to);
  report_text_xml(to, name);
  fprintf(to, "\" name=\"run\">\n      <%s message=\"", tag);
  report_text_xml(to, reason);
  fputs("\"/>\n    </testcase>\n  </testsuite>\n", to);
}

void report_stream_skip(struct report_stream *stream, const char *name, const char *reason) {
  stream->skipped++;
  open_point(stream, true, name);
  if (stream->tap) {
    fputs(" # SKIP ", stream->tap);
    report_text_tap(stream->tap, reason);
  }
  close_point(stream);
  put_lone_case(stream, name, "skipped", reason);
}

void report_stream_refused(struct report_stream *stream, const char *name, int code,
                           const char *reason) {
  stream->bad_input = stream->bad_input || code != 3;
  stream->lacks_something = stream->lacks_something || code == 3;
  open_point(stream, false, name);
  if (stream->tap) {
    fprintf(stream->tap, "\n  ---\n  exit: %d\n  message: ", code);
    report_text_json(stream->tap, reason);
    fputs("\n  ...", stream->tap);
  }
  close_point(stream);
  put_lone_case(stream, name, "error", reason);
}

static int exit_code(const struct report_stream *stream) {
  if (stream->bad_input)
    return 2;
  if (stream->lacks_something)
    return 3;
  return stream->failed ? 1 : stream->inconclusive ? 4 : 0;
}

int report_stream_close(struct report_stream *stream, FILE *say, int *code) {
  int why = 0;
  *code = exit_code(stream);
  if (stream->tap) {
    fprintf(stream->tap, "1..%zu%s\n", stream->points,
            stream->points ? "" : " # SKIP no scenario was run");
    if (fflush(stream->tap) || ferror(stream->tap))
      why = errno ? errno : EIO;
  }
  if (stream->has_junit) {
    fputs("</testsuites>\n", stream->junit.to);
    if (report_file_commit(&stream->junit) && !why)
      why = errno;
  }
  if (say) {
    size_t told = stream->passed + stream->failed + stream->inconclusive + stream->skipped;
    fprintf(say, "%zu passed, %zu failed, %zu inconclusive, %zu skipped", stream->passed,
            stream->failed, stream->inconclusive, stream->skipped);
    if (stream->points > told)
      fprintf(say, ", %zu could not be run", stream->points - told);
    fputc('\n', say);
  }
  free(stream);
  errno = why;
  return why ? -1 : 0;
}
