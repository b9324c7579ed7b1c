/* The totals of several runs: what each check came to, and what does not count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bench/run/totals.h"

/* Two checks with these results; a failure is as expected if `lawful`. */
static void add(struct totals *totals, enum report_verdict verdict, enum judge_result a,
                enum judge_result b, bool lawful) {
  struct judge_check judged[2] = {{.name = "pn-unique", .result = a, .examined = 1000},
                                  {.name = "latency", .result = b, .examined = 234567}};
  struct report_check checks[2] = {{.result = a, .as_expected = lawful || a != JUDGE_FAIL},
                                   {.result = b, .as_expected = lawful || b != JUDGE_FAIL}};
  const struct judge_report report = {.checks = judged, .n_checks = 2};
  const struct report_outcome outcome = {.verdict = verdict, .checks = checks, .n_checks = 2};
  totals_add(totals, &report, &outcome);
}

static char *printed(const struct totals *totals) {
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  totals_print(to, totals);
  fclose(to);
  return text;
}

static void every_result_has_its_column(void **state) {
  (void)state;
  struct totals totals = {0};
  add(&totals, REPORT_PASS, JUDGE_PASS, JUDGE_PASS, false);
  add(&totals, REPORT_PASS, JUDGE_PASS, JUDGE_SKIP, false);
  add(&totals, REPORT_PASS, JUDGE_FAIL, JUDGE_PASS, true);
  add(&totals, REPORT_FAIL, JUDGE_FAIL, JUDGE_PASS, false);
  totals_again(&totals);
  char *text = printed(&totals);
  assert_string_equal(
      text,
      "\n"
      "check                     passed skipped  FAILED convicted   items examined\n"
      "pn-unique                      2       0       1         1            4,000\n"
      "latency                        3       1       0         0          703,701\n"
      "all                                                                 707,701\n"
      "4 runs judged, 0 of them inconclusive; tried again 1 times\n");
  free(text);
  json_t *o = totals_json(&totals);
  const json_t *latency = json_array_get(json_object_get(o, "checks"), 1);
  assert_int_equal(json_integer_value(json_object_get(latency, "examined")), 703701);
  assert_int_equal(json_integer_value(json_object_get(latency, "skipped")), 1);
  assert_int_equal(json_integer_value(json_object_get(o, "tried_again")), 1);
  json_decref(o);
  totals_free(&totals);
}

static void an_inconclusive_run_proves_nothing(void **state) {
  (void)state;
  struct totals totals = {0};
  add(&totals, REPORT_PASS, JUDGE_PASS, JUDGE_PASS, false);
  add(&totals, REPORT_INCONCLUSIVE, JUDGE_PASS, JUDGE_FAIL, false);
  assert_int_equal(totals.runs, 2);
  assert_int_equal(totals.inconclusive, 1);
  assert_int_equal(totals.checks[0].passed, 1);
  assert_int_equal(totals.checks[0].examined, 1000);
  assert_int_equal(totals.checks[1].failed, 0);
  totals_free(&totals);
}

static void nothing_judged_nothing_said(void **state) {
  (void)state;
  struct totals totals = {0};
  const struct report_outcome died = {.verdict = REPORT_FAIL};
  char *text = printed(&totals);
  assert_string_equal(text, "");
  free(text);
  totals_add(&totals, NULL, &died); /* it died, and nobody could judge it */
  assert_int_equal(totals.runs, 1);
  text = printed(&totals);
  assert_string_equal(text, "");
  free(text);
  totals_free(&totals);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_result_has_its_column),
      cmocka_unit_test(an_inconclusive_run_proves_nothing),
      cmocka_unit_test(nothing_judged_nothing_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
