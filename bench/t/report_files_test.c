#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/report/chart.h"
#include "bench/report/text.h"
#include "bench/t/report_fixture.h"

/* --- the readers refuse what they must ------------------------------------ */

static void the_tap_reader_refuses(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "1..1\nok 1 - a\n",                                         /* no version */
      "TAP version 14\n1..2\nok 1 - a\n",                         /* a point is missing */
      "TAP version 14\n1..1\nok 1 - a\nok 2 - b\n",               /* one too many */
      "TAP version 14\n1..1\nok 2 - a\n",                         /* wrong number */
      "TAP version 14\n1..1\nok 1 - a\n  ---\n  x: 1\n",          /* open YAML */
      "TAP version 14\n1..1\n# Subtest: a\n    1..1\nok 1 - a\n", /* subtest short of a point */
      "TAP version 14\n1..1\n# Subtest: a\n    1..1\n    not ok 1 - b\nok 1 - a\n", /* a lie */
      "TAP version 14\n1..1\nok 1 - a\nstray\n",
  };
  int not_ok = 0;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(report_fixture_read_tap(bad[i], &not_ok), -1);
  assert_int_equal(report_fixture_read_tap(
                       "TAP version 14\n1..1\nnot ok 1 - a\n  ---\n  x: 1\n  ...\n", &not_ok),
                   1);
  assert_int_equal(not_ok, 1);
}

static void the_xml_reader_refuses(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "<a>",
      "<a></b>",
      "<a/><a/>",
      "<a>&nbsp;</a>",
      "<a b=\"<\"/>",
      "<a>\x01</a>",
      "<a>\xff</a>",
      "<a b=\"\" b=\"\"/>",
      "text<a/>",
      "<a b=c/>",
      "<a>&</a>",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(report_fixture_read_xml(bad[i], "a"), -1);
  assert_int_equal(report_fixture_read_xml("<a b=\"&lt;\"><c/>x &amp; y<c/></a>\n", "c"), 2);
}

/* --- report.json ------------------------------------------------------------ */

static json_t *written_json(struct report_fixture *f) {
  char *text = report_fixture_write(f, report_file_json);
  json_error_t where;
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
  if (!root)
    fail_msg("line %d: %s\n%s", where.line, where.text, text);
  free(text);
  return root;
}

static const char *text_at(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  assert_non_null(text);
  return text;
}

static json_int_t count_at(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  assert_true(json_is_integer(value));
  return json_integer_value(value);
}

/* Members of the contract come first, in its order. */
static void assert_members(json_t *object, const char *const *names, size_t n) {
  void *at = json_object_iter(object);
  for (size_t i = 0; i < n; i++, at = json_object_iter_next(object, at)) {
    assert_non_null(at);
    assert_string_equal(json_object_iter_key(at), names[i]);
  }
}

static void json_has_the_contract_in_its_order(void **state) {
  (void)state;
  static const char *const top[] = {"scenario", "mode",   "seed",   "commit",
                                    "verdict",  "checks", "metrics"};
  static const char *const finding[] = {"file",  "frame",    "time_ns", "layer",
                                        "field", "expected", "actual",  "explain"};
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_fail(&f, "pn-unique");
  json_t *root = written_json(&f);
  assert_members(root, top, 7);
  assert_string_equal(text_at(root, "scenario"), "chat");
  assert_int_equal(count_at(root, "seed"), 7);
  assert_string_equal(text_at(root, "verdict"), "fail");
  assert_string_equal(text_at(root, "replay"), f.run.kept);
  json_t *checks = json_object_get(root, "checks");
  assert_int_equal(json_array_size(checks), FIXTURE_CHECKS);
  json_t *check = json_array_get(checks, 0);
  assert_string_equal(text_at(check, "name"), "pn-unique");
  assert_string_equal(text_at(check, "result"), "fail");
  assert_string_equal(text_at(check, "expected"), "pass");
  assert_int_equal(count_at(check, "examined"), 10);
  json_t *findings = json_object_get(check, "findings");
  assert_int_equal(json_array_size(findings), 2);
  assert_members(json_array_get(findings, 0), finding, 8);
  assert_int_equal(count_at(json_array_get(findings, 0), "frame"), 482);
  assert_int_equal(count_at(json_array_get(findings, 0), "time_ns"), 1500000000);
  assert_string_equal(text_at(json_array_get(checks, 2), "reason"), "not built");
  json_decref(root);
}

static void json_metrics_are_exact(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  f.subscribers[0].bytes = UINT64_MAX / 2;
  char *text = report_fixture_write(&f, report_file_json);
  assert_non_null(strstr(text, "\"fast_path_share\": 0.976500,"));
  assert_non_null(strstr(text, "\"fast_path_share\": 0.981200,"));
  free(text);
  json_t *root = written_json(&f);
  json_t *subscribers = json_object_get(json_object_get(root, "metrics"), "subscribers");
  json_t *sub = json_object_get(subscribers, "sub[0]");
  assert_int_equal(count_at(sub, "objects"), 150);
  assert_true((uint64_t)count_at(sub, "bytes") == UINT64_MAX / 2);
  assert_int_equal(count_at(sub, "copies"), 400);
  assert_int_equal(count_at(sub, "resent"), 1200);
  assert_int_equal(count_at(sub, "sendings"), 2);
  assert_int_equal(count_at(json_object_get(sub, "dropped"), "filter"), 12);
  assert_int_equal(count_at(json_object_get(sub, "latency_ns"), "p99"), 151000);
  sub = json_object_get(subscribers, "sub[1]"); /* nothing sent, nothing measured */
  assert_true(json_is_null(json_object_get(sub, "fast_path_share")));
  assert_true(json_is_null(json_object_get(sub, "latency_ns")));
  json_decref(root);
}

static void json_of_an_empty_report(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  f.judged = (struct judge_report){0};
  json_t *root = written_json(&f);
  assert_string_equal(text_at(root, "verdict"), "fail");
  assert_string_equal(text_at(root, "commit"), "unknown");
  assert_int_equal(json_array_size(json_object_get(root, "checks")), 0);
  assert_int_equal(json_array_size(json_object_get(root, "notes")), 1);
  json_decref(root);
}

static void a_skipped_check_shows_no_findings(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_fail(&f, "pn-unique");
  f.expects[0] = (struct plan_expect){.check = "pn-unique", .skip = true, .skip_reason = "known"};
  f.plan.n_expects = 1;
  json_t *root = written_json(&f);
  json_t *check = json_array_get(json_object_get(root, "checks"), 0);
  assert_string_equal(text_at(check, "result"), "skip");
  assert_int_equal(json_array_size(json_object_get(check, "findings")), 0);
  json_decref(root);
}

/* --- the other files ---------------------------------------------------------- */

static void tap_says_what_failed(void **state) {
  (void)state;
  struct report_fixture f;
  int not_ok = 0;
  report_fixture_make(&f);
  char *text = report_fixture_write(&f, report_file_tap);
  assert_int_equal(report_fixture_read_tap(text, &not_ok), FIXTURE_CHECKS + 1);
  assert_int_equal(not_ok, 0);
  assert_non_null(strstr(text, "\nok 3 - close-clean # SKIP not built\n"));
  free(text);
  report_fixture_fail(&f, "pn-unique");
  text = report_fixture_write(&f, report_file_tap);
  assert_int_equal(report_fixture_read_tap(text, &not_ok), FIXTURE_CHECKS + 1);
  assert_int_equal(not_ok, 2); /* the check and the verdict */
  assert_non_null(strstr(text, "frame: 482\n"));
  assert_non_null(strstr(text, "expected: \"a number never sent before\"\n"));
  free(text);
}

static void a_caught_defect_is_ok_and_shown(void **state) {
  (void)state;
  struct report_fixture f;
  int not_ok = 0;
  report_fixture_make(&f);
  report_fixture_fail(&f, "pn-unique");
  f.convict[0] = "pn-unique";
  f.plan.n_convict = 1;
  f.run.twin = REPORT_ON;
  char *text = report_fixture_write(&f, report_file_tap);
  assert_int_equal(report_fixture_read_tap(text, &not_ok), FIXTURE_CHECKS + 1);
  assert_int_equal(not_ok, 0);
  assert_non_null(strstr(text, "frame: 482\n"));
  free(text);
  text = report_fixture_write(&f, report_file_junit);
  assert_int_equal(report_fixture_read_xml(text, "failure"), 0);
  assert_non_null(strstr(text, "capture/relay-sub.0.pcapng:482"));
  free(text);
}

/* Every way a check can miss its expectation keeps point and subtest in step. */
static void tap_of_each_kind_of_miss(void **state) {
  (void)state;
  struct report_fixture f;
  int not_ok = 0;
  for (int kind = 0; kind < 3; kind++) {
    report_fixture_make(&f);
    f.convict[0] = kind == 0 ? "pn-unique" : "close-clean";
    f.plan.n_convict = kind < 2;
    f.examined[0] = (struct plan_examined){.check = "close-clean", .at_least = 1};
    f.plan.n_examined = kind == 2;
    char *text = report_fixture_write(&f, report_file_tap);
    assert_int_equal(report_fixture_read_tap(text, &not_ok), FIXTURE_CHECKS + 1);
    assert_int_equal(not_ok, 2);
    free(text);
  }
}

static void junit_counts_are_true(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_fail(&f, "pn-unique");
  char *text = report_fixture_write(&f, report_file_junit);
  assert_int_equal(report_fixture_read_xml(text, "testcase"), FIXTURE_CHECKS + 1);
  assert_int_equal(report_fixture_read_xml(text, "failure"), 1);
  assert_int_equal(report_fixture_read_xml(text, "skipped"), 1);
  assert_non_null(strstr(text, "tests=\"6\" failures=\"1\" errors=\"0\" skipped=\"1\""));
  free(text);
  report_fixture_fail(&f, "load-honest"); /* both become errors: nothing is proven */
  text = report_fixture_write(&f, report_file_junit);
  assert_int_equal(report_fixture_read_xml(text, "failure"), 0);
  assert_int_equal(report_fixture_read_xml(text, "error"), 2);
  assert_non_null(strstr(text, "failures=\"0\" errors=\"2\""));
  free(text);
  report_fixture_make(&f);
  f.run.died = "relay was killed";
  text = report_fixture_write(&f, report_file_junit);
  assert_int_equal(report_fixture_read_xml(text, "error"), 1);
  assert_non_null(strstr(text, "relay was killed"));
  free(text);
}

static void csv_has_a_row_a_subscriber(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  char *text = report_fixture_write(&f, report_file_metrics);
  assert_string_equal(
      text,
      "scenario,mode,seed,subscriber,fast_path_share,objects,bytes,copies,resent,dropped,"
      "dropped_by_reason,latency_p50_ns,latency_p99_ns,latency_max_ns\n"
      "chat,live,7,sub[0],0.981200,150,432100,400,1200,15,\"credit=3;filter=12\",45100,"
      "151000,2200000\n"
      "chat,live,7,sub[1],,0,0,0,0,0,,,,\n");
  free(text);
}

/* The page as XML, which it nearly is: without its doctype, style and void
 * elements. Returns how many `count` there are, or -1. */
static int read_html(char *text, const char *count) {
  char *style = strstr(text, "<style>"), *end = strstr(text, "</style>");
  char *html = strstr(text, "<html");
  assert_non_null(style);
  assert_non_null(end);
  memmove(style, end + 8, strlen(end + 8) + 1);
  for (char *meta; (meta = strstr(html, "<meta"));)
    memmove(meta, strchr(meta, '>') + 1, strlen(strchr(meta, '>') + 1) + 1);
  for (char *dash; (dash = strstr(html, "&ndash;"));)
    memcpy(dash, "&amp;  ", 7);
  return report_fixture_read_xml(html, count);
}

static void html_is_whole(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_fail(&f, "pn-unique");
  char *text = report_fixture_write(&f, report_file_html);
  assert_null(strstr(text, "<!--@")); /* each marker of the template was served */
  assert_null(strstr(text, "://"));   /* self-contained: it loads nothing */
  assert_non_null(strstr(text, "latency and isolation, not bulk throughput"));
  assert_non_null(strstr(text, "fanbench run scenario.yaml"));
  assert_non_null(strstr(text, "capture/relay-sub.0.pcapng:482"));
  assert_non_null(strstr(text, "sub (2 x subscriber)"));
  assert_non_null(strstr(text,
                         "<td>filter</td><td class=\"n\">12</td><td class=\"n\">1</td>"
                         "<td class=\"n\">12</td><td>sub[0]</td>"));
  assert_int_equal(read_html(text, "svg"), 1);
  free(text);
  f.judged = (struct judge_report){0};
  text = report_fixture_write(&f, report_file_html);
  assert_non_null(strstr(text, "No check was judged."));
  assert_non_null(strstr(text, "Nothing was dropped."));
  assert_int_equal(read_html(text, "svg"), 0);
  free(text);
}

static void a_chart_of_many_shows_the_slowest(void **state) {
  (void)state;
  enum { MANY = REPORT_CHART_ROWS + 8 };
  struct judge_subscriber subs[MANY];
  struct judge_report judged = {.subscribers = subs, .n_subscribers = MANY};
  char names[MANY][16], *text = NULL;
  size_t len = 0;
  for (unsigned i = 0; i < MANY; i++) {
    snprintf(names[i], sizeof names[i], "sub[%u]", i);
    subs[i] = (struct judge_subscriber){.node = names[i],
                                        .has_latency = true,
                                        .latency_p50_ns = i ? 1000 * i : 0,
                                        .latency_p99_ns = 5000 * i,
                                        .latency_max_ns = i ? UINT64_MAX : 0};
  }
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  report_chart_latency(to, &judged);
  fclose(to);
  assert_non_null(strstr(text, "The 32 slowest by p99 of 40 subscribers."));
  assert_non_null(strstr(text, "sub[39]: p50"));
  assert_non_null(strstr(text, "sub[8]: p50"));
  assert_null(strstr(text, "sub[7]: p50"));
  free(text);
}

static void nasty_text_is_harmless_everywhere(void **state) {
  (void)state;
  struct report_fixture f;
  int not_ok = 0;
  report_fixture_make(&f);
  report_fixture_make_nasty(&f);
  f.judged.n_subscribers = 1; /* two of one name would be one member twice */
  f.subscribers[0].n_drops = 1;
  json_t *root = written_json(&f);
  assert_non_null(strstr(text_at(root, "scenario"), "a\"b'<i>&amp; #\\ \x1b[31m\x07"));
  json_decref(root);
  char *text = report_fixture_write(&f, report_file_tap);
  assert_int_equal(report_fixture_read_tap(text, &not_ok), FIXTURE_CHECKS + 1);
  free(text);
  text = report_fixture_write(&f, report_file_junit);
  assert_int_equal(report_fixture_read_xml(text, "testcase"), FIXTURE_CHECKS + 1);
  free(text);
  text = report_fixture_write(&f, report_file_html);
  assert_int_equal(read_html(text, "svg"), 1);
  assert_null(strstr(text, "<i>"));
  free(text);
  text = report_fixture_write(&f, report_file_metrics);
  assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n') + 1, text + strlen(text)); /* two lines */
  assert_non_null(strstr(text, ",\"a\"\"b'<i>"));
  free(text);
}

/* --- files in a directory ------------------------------------------------------- */

static int make_dir(void **state) {
  char *dir = strdup("/tmp/report-files-XXXXXX");
  *state = dir;
  return dir && mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
  static const char *const names[] = {"metrics.csv", "samples.csv", "report.json",     "report.tap",
                                      "junit.xml",   "report.html", "report.json.part"};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
    unlink(path);
    rmdir(path);
  }
  int rc = rmdir(*state);
  free(*state);
  return rc;
}

static void a_run_directory_gets_all_files(void **state) {
  static const char *const names[] = {"metrics.csv", "samples.csv", "report.json",
                                      "report.tap",  "junit.xml",   "report.html"};
  struct report_fixture f;
  struct report_outcome outcome;
  struct report_saved saved;
  char err[256] = "", path[128];
  struct stat st;
  report_fixture_make(&f);
  f.run.tries = 3;
  f.run.twin = REPORT_OFF;
  f.run.died = "relay: signal 9";
  assert_int_equal(report_saved_load(*state, &saved, err, sizeof err), 1);
  assert_int_equal(report_write(*state, &f.plan, &f.judged, &f.run, &outcome, err, sizeof err), 0);
  for (size_t i = 0; i < 6; i++) {
    snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0);
  }
  /* Three endpoints have no objects file: that is said. */
  assert_non_null(
      strstr(outcome.notes[outcome.n_notes - 1].text, "leaves out: 3 endpoints without a file"));
  report_outcome_free(&outcome);
  assert_int_equal(report_saved_load(*state, &saved, err, sizeof err), 0);
  assert_int_equal(saved.tries, 3);
  assert_int_equal(saved.twin, REPORT_OFF);
  assert_string_equal(saved.kept, f.run.kept);
  assert_string_equal(saved.died, f.run.died);
  report_saved_free(&saved);
}

static void a_report_without_a_judge_is_written(void **state) {
  struct report_fixture f;
  struct report_outcome outcome;
  char err[256] = "";
  report_fixture_make(&f);
  f.run.died = "manifest.json:1:1: expected an object";
  assert_int_equal(report_write(*state, &f.plan, NULL, &f.run, &outcome, err, sizeof err), 0);
  assert_int_equal(outcome.verdict, REPORT_FAIL);
  report_outcome_free(&outcome);
}

static void what_cannot_be_written_is_named(void **state) {
  struct report_fixture f;
  struct report_outcome outcome;
  char err[256] = "", path[128];
  report_fixture_make(&f);
  snprintf(path, sizeof path, "%s/report.json.part", (char *)*state);
  assert_int_equal(mkdir(path, 0755), 0);
  assert_int_equal(report_write(*state, &f.plan, &f.judged, &f.run, &outcome, err, sizeof err), -1);
  assert_non_null(strstr(err, "/report.json: cannot be written: Is a directory"));
  report_outcome_free(&outcome);
}

static void a_full_disk_leaves_no_file(void **state) {
  (void)state;
  struct report_file file;
  if (access("/dev/full", W_OK))
    skip();
  assert_int_equal(report_file_open(&file, "/tmp/report-full-test"), 0);
  FILE *full = fopen("/dev/full", "w");
  assert_non_null(full);
  fclose(file.to);
  file.to = full;
  fputs("text", file.to);
  assert_int_equal(report_file_commit(&file), -1);
  assert_int_equal(access("/tmp/report-full-test", F_OK), -1);
  assert_int_equal(access("/tmp/report-full-test.part", F_OK), -1);
}

static void a_broken_report_is_refused(void **state) {
  static const char *const bad[] = {
      "{", "[]", "{\"tries\":1,\"defects\":\"maybe\"}", "{\"tries\":-1,\"defects\":\"on\"}",
      "{\"tries\":1,\"defects\":\"on\",\"mode\":\"sim\",\"replay\":3,\"died\":null}"};
  struct report_saved saved;
  char err[256], path[128];
  snprintf(path, sizeof path, "%s/report.json", (char *)*state);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    fputs(bad[i], to);
    fclose(to);
    err[0] = '\0';
    assert_int_equal(report_saved_load(*state, &saved, err, sizeof err), -1);
    assert_non_null(strstr(err, "report.json"));
  }
}

static void replay_lines_work_from_outside(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"fanbench run scenario.yaml --seed 7", "fanbench run 'a b/x/scenario.yaml' --seed 7"},
      {"fanbench run ../on/scenario.yaml", "fanbench run 'a b/x/../on/scenario.yaml'"},
      /* of somebody else */
      {"fanbench run scenario.yamlx --seed 7", "fanbench run scenario.yamlx --seed 7"},
      {"fanbench run scenarios/x.yaml", "fanbench run scenarios/x.yaml"},
      {"fanbench run", "fanbench run"},
      {"", ""}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    char *line = report_replay_outside(pairs[i][0], "a b/x");
    assert_string_equal(line, pairs[i][1]);
    free(line);
  }
}

static void replay_lines_survive_a_shell(void **state) {
  (void)state;
  const char *const args[] = {"a b.yaml", "--set", "nodes.relay.datapath=user",
                              "it's",     "$HOME", ""};
  char *line = report_replay_line(args, 6);
  assert_string_equal(
      line, "fanbench run 'a b.yaml' --set nodes.relay.datapath=user 'it'\\''s' '$HOME' ''");
  free(line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tap_reader_refuses),
      cmocka_unit_test(the_xml_reader_refuses),
      cmocka_unit_test(json_has_the_contract_in_its_order),
      cmocka_unit_test(json_metrics_are_exact),
      cmocka_unit_test(json_of_an_empty_report),
      cmocka_unit_test(a_skipped_check_shows_no_findings),
      cmocka_unit_test(tap_says_what_failed),
      cmocka_unit_test(a_caught_defect_is_ok_and_shown),
      cmocka_unit_test(tap_of_each_kind_of_miss),
      cmocka_unit_test(junit_counts_are_true),
      cmocka_unit_test(csv_has_a_row_a_subscriber),
      cmocka_unit_test(html_is_whole),
      cmocka_unit_test(a_chart_of_many_shows_the_slowest),
      cmocka_unit_test(nasty_text_is_harmless_everywhere),
      cmocka_unit_test_setup_teardown(a_run_directory_gets_all_files, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_report_without_a_judge_is_written, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(what_cannot_be_written_is_named, make_dir, remove_dir),
      cmocka_unit_test(a_full_disk_leaves_no_file),
      cmocka_unit_test_setup_teardown(a_broken_report_is_refused, make_dir, remove_dir),
      cmocka_unit_test(replay_lines_work_from_outside),
      cmocka_unit_test(replay_lines_survive_a_shell),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
