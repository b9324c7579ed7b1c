#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/t/report_fixture.h"

/* The table of one run, and the stream of several. */

static char *table_of(struct report_fixture *f, bool colour) {
  struct report_outcome outcome;
  char *text = NULL;
  size_t len = 0;
  assert_int_equal(report_outcome_make(&f->plan, &f->judged, f->run.twin, f->run.died, &outcome),
                   0);
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  report_print_table(to, &f->plan, &f->judged, &f->run, &outcome, colour);
  fclose(to);
  report_outcome_free(&outcome);
  return text;
}

static void a_pass_reads_well(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  char *text = table_of(&f, false);
  assert_string_equal(text,
                      "PASS  chat  (live, seed 7, commit abc1234)\n"
                      "      Three people talk.\n"
                      "\n"
                      "subscriber    objects          bytes  fast path  latency p50        p99\n"
                      "sub[0]            150        432,100    98.12 %      45.1 us     151 us\n"
                      "sub[1]              0              0          -            -          -\n"
                      "all                                     97.65 %\n"
                      "\n"
                      "checks: 4 passed, 0 failed, 1 skipped; 38 items examined\n"
                      "  passed    pn-unique 10  copy-count 20  isolated 5  load-honest 3\n"
                      "  skipped   not built:  close-clean\n"
                      "\n" REPORT_VIEW_CAVEAT_1 "\n" REPORT_VIEW_CAVEAT_2
                      "\n"
                      "report: runs/chat/report.html\n");
  free(text);
}

static void a_failure_names_packet_field_and_replay(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_fail(&f, "pn-unique");
  char *text = table_of(&f, false);
  assert_non_null(strstr(text, "FAIL  chat"));
  assert_non_null(strstr(text,
                         "  FAILED    pn-unique: expected pass, found fail: 30 findings\n"
                         "      capture/relay-sub.0.pcapng:482  quic packet_number\n"
                         "        expected  a number never sent before\n"
                         "        actual    17, sent in frame 401\n"
                         "        because   Fast and slow path took the same number.\n"));
  assert_non_null(strstr(text, "      and 28 more\n"));
  assert_non_null(strstr(text, "replay: fanbench run scenarios/chat.yaml --mode live --seed 7\n"));
  assert_null(strchr(text, '\033'));
  free(text);
  text = table_of(&f, true);
  assert_non_null(strstr(text, "\033[1;31mFAIL\033[0m"));
  free(text);
}

static void nasty_text_moves_no_cursor(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_make_nasty(&f);
  char *text = table_of(&f, false);
  for (const char *c = text; *c; c++)
    assert_true((unsigned char)*c >= 0x20 || *c == '\n');
  assert_null(strstr(text, "\xe2\x80\xae"));
  assert_null(strchr(text, 0xff));
  free(text);
}

static void an_empty_report_is_told(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  f.judged = (struct judge_report){0};
  f.run = (struct report_run){0};
  char *text = table_of(&f, false);
  assert_non_null(strstr(text, "  ! no check was judged: the judge's report is empty\n"));
  assert_null(strstr(text, "report:"));
  free(text);
}

static void no_colour_into_a_file(void **state) {
  (void)state;
  FILE *to = tmpfile();
  assert_non_null(to);
  assert_false(report_wants_colour(to));
  fclose(to);
}

/* --- stream ------------------------------------------------------------------- */

struct streamed {
  char *tap, *said, *junit;
  int code;
};

enum { PASS = 1, FAIL = 2, UNSURE = 4, SKIP = 8, BAD_FILE = 16, NO_KERNEL = 32 };

static void add_run(struct report_stream *stream, const char *name, const char *failing) {
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  if (failing)
    report_fixture_fail(&f, failing);
  assert_int_equal(report_outcome_make(&f.plan, &f.judged, f.run.twin, NULL, &outcome), 0);
  report_stream_run(stream, name, &f.plan, &f.judged, &f.run, &outcome);
  report_outcome_free(&outcome);
}

static char *read_all(const char *path) {
  char *text = NULL;
  size_t room = 0;
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  assert_true(getdelim(&text, &room, '\0', from) > 0);
  fclose(from);
  return text;
}

static struct streamed stream_of(int what) {
  struct streamed s = {0};
  struct report_stream *stream = NULL;
  char path[] = "/tmp/report-stream-XXXXXX";
  size_t tap_len = 0, said_len = 0;
  int fd = mkstemp(path);
  FILE *tap = open_memstream(&s.tap, &tap_len), *say = open_memstream(&s.said, &said_len);
  assert_true(fd >= 0);
  close(fd);
  assert_non_null(tap);
  assert_non_null(say);
  assert_int_equal(report_stream_open(&stream, tap, path), 0);
  if (what & PASS)
    add_run(stream, "good", NULL);
  if (what & FAIL)
    add_run(stream, "bad <" REPORT_NASTY ">", "isolated");
  if (what & UNSURE)
    add_run(stream, "unsure", "load-honest");
  if (what & SKIP)
    report_stream_skip(stream, "later", "modes: live # only");
  if (what & BAD_FILE)
    report_stream_refused(stream, "typo", 2, "typo.yaml:3:1: error: unknown key \"nodez\"");
  if (what & NO_KERNEL)
    report_stream_refused(stream, "needs-root", 3, "no root");
  assert_int_equal(report_stream_close(stream, say, &s.code), 0);
  fclose(tap);
  fclose(say);
  s.junit = read_all(path);
  unlink(path);
  return s;
}

static void free_streamed(struct streamed *s) {
  free(s->tap);
  free(s->said);
  free(s->junit);
}

static void a_stream_tells_every_scenario(void **state) {
  (void)state;
  int not_ok = 0;
  struct streamed s = stream_of(PASS | FAIL | UNSURE | SKIP | BAD_FILE | NO_KERNEL);
  assert_int_equal(report_fixture_read_tap(s.tap, &not_ok), 6);
  assert_int_equal(not_ok, 4);
  assert_non_null(strstr(s.tap, "ok 4 - later # SKIP modes: live \\# only\n"));
  assert_non_null(strstr(s.tap, "  replay: \"fanbench run scenarios/chat.yaml"));
  assert_non_null(strstr(s.junit, "fanbench run unsure/scenario.yaml --mode live --seed 7"));
  assert_int_equal(report_fixture_read_xml(s.junit, "testsuite"), 6);
  assert_int_equal(report_fixture_read_xml(s.junit, "failure"), 1);
  assert_int_equal(report_fixture_read_xml(s.junit, "error"), 3);
  assert_string_equal(s.said,
                      "1 passed, 1 failed, 1 inconclusive, 1 skipped, 2 could not be run\n");
  free_streamed(&s);
}

static void assert_code(int what, int code) {
  struct streamed s = stream_of(what);
  assert_int_equal(s.code, code);
  free_streamed(&s);
}

static void the_first_code_that_applies(void **state) {
  (void)state;
  assert_code(PASS | SKIP, 0);
  assert_code(PASS | UNSURE, 4);
  assert_code(FAIL | UNSURE, 1);
  assert_code(FAIL | UNSURE | NO_KERNEL, 3);
  assert_code(FAIL | UNSURE | NO_KERNEL | BAD_FILE, 2);
}

static void an_empty_stream_is_tap(void **state) {
  (void)state;
  int not_ok = 0;
  struct streamed s = stream_of(0);
  assert_int_equal(report_fixture_read_tap(s.tap, &not_ok), 0);
  assert_string_equal(s.tap, "TAP version 14\n1..0 # SKIP no scenario was run\n");
  assert_int_equal(s.code, 0);
  free_streamed(&s);
}

static void a_stream_that_cannot_write_says_so(void **state) {
  (void)state;
  struct report_stream *stream = NULL;
  int code = 0;
  assert_int_equal(report_stream_open(&stream, NULL, "/nowhere/at/all.xml"), -1);
  assert_null(stream);
  FILE *full = fopen("/dev/full", "w");
  if (!full)
    skip();
  assert_int_equal(report_stream_open(&stream, full, NULL), 0);
  report_stream_skip(stream, "later", "not for live");
  assert_int_equal(report_stream_close(stream, NULL, &code), -1);
  fclose(full);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pass_reads_well),
      cmocka_unit_test(a_failure_names_packet_field_and_replay),
      cmocka_unit_test(nasty_text_moves_no_cursor),
      cmocka_unit_test(an_empty_report_is_told),
      cmocka_unit_test(no_colour_into_a_file),
      cmocka_unit_test(a_stream_tells_every_scenario),
      cmocka_unit_test(the_first_code_that_applies),
      cmocka_unit_test(an_empty_stream_is_tap),
      cmocka_unit_test(a_stream_that_cannot_write_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
