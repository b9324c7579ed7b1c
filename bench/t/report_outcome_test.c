#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/t/report_fixture.h"

/* The rules of outcome.h, one test each, with the case each must refuse. */

static enum report_verdict judge(struct report_fixture *f, enum report_twin twin,
                                 struct report_outcome *outcome) {
  assert_int_equal(report_outcome_make(&f->plan, &f->judged, twin, f->run.died, outcome), 0);
  return outcome->verdict;
}

static enum report_verdict verdict_of(struct report_fixture *f, enum report_twin twin) {
  struct report_outcome outcome;
  enum report_verdict verdict = judge(f, twin, &outcome);
  report_outcome_free(&outcome);
  return verdict;
}

static void convict(struct report_fixture *f, char *name) {
  f->convict[0] = name;
  f->plan.n_convict = 1;
}

static void also(struct report_fixture *f, char *name) {
  f->also[0] = name;
  f->plan.n_also = 1;
}

static void skip_check(struct report_fixture *f, char *name) {
  f->expects[0] = (struct plan_expect){.check = name, .skip = true, .skip_reason = "known"};
  f->plan.n_expects = 1;
}

static void examined(struct report_fixture *f, char *name, uint64_t at_least) {
  f->examined[0] = (struct plan_examined){.check = name, .at_least = at_least};
  f->plan.n_examined = 1;
}

static void all_passing_is_a_pass(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_PASS);
  assert_int_equal(outcome.passed, 4);
  assert_int_equal(outcome.failed, 0);
  assert_int_equal(outcome.skipped, 1);
  assert_int_equal(outcome.examined, 38);
  assert_int_equal(outcome.unexpected, 0);
  assert_string_equal(outcome.checks[2].reason, "not built");
  report_outcome_free(&outcome);
}

static void a_failing_check_fails_the_run(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  report_fixture_fail(&f, "isolated");
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_FAIL);
  assert_false(outcome.checks[3].as_expected);
  assert_string_equal(outcome.checks[3].why_not, "expected pass, found fail: 30 findings");
  assert_int_equal(outcome.unexpected, 1);
  report_outcome_free(&outcome);
}

static void a_convicted_check_must_fail(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  convict(&f, "pn-unique");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL); /* it passes: not caught */
  report_fixture_fail(&f, "pn-unique");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_PASS);
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_PASS); /* a rogue needs no defect */
  report_fixture_fail(&f, "isolated");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL); /* not listed */
}

static void a_skip_does_not_convict(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  convict(&f, "close-clean");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL);
  convict(&f, "pn-unique");
  report_fixture_fail(&f, "pn-unique");
  skip_check(&f, "pn-unique");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL);
}

static void an_also_check_may_fail_or_not(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  convict(&f, "pn-unique");
  also(&f, "copy-count");
  report_fixture_fail(&f, "pn-unique");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_PASS);
  report_fixture_fail(&f, "copy-count");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_PASS);
  report_fixture_check(&f, "copy-count")->result = JUDGE_SKIP;
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_PASS);
}

static void the_off_run_must_pass_plain(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  convict(&f, "pn-unique");
  also(&f, "copy-count");
  assert_int_equal(verdict_of(&f, REPORT_OFF), REPORT_PASS);
  report_fixture_fail(&f, "copy-count");
  assert_int_equal(verdict_of(&f, REPORT_OFF), REPORT_FAIL);
  report_fixture_make(&f);
  convict(&f, "pn-unique");
  report_fixture_fail(&f, "pn-unique");
  assert_int_equal(verdict_of(&f, REPORT_OFF), REPORT_FAIL);
}

static void a_skipped_check_is_not_judged(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  report_fixture_fail(&f, "isolated");
  skip_check(&f, "isolated");
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_PASS);
  assert_int_equal(outcome.checks[3].result, JUDGE_SKIP);
  assert_string_equal(outcome.checks[3].reason, "the scenario skips it: known");
  assert_int_equal(outcome.examined, 33); /* not these five */
  report_outcome_free(&outcome);
  f.expects[0].skip = false; /* the same entry without skip refuses */
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
}

static void examined_demands_a_number(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  examined(&f, "pn-unique", 10);
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_PASS);
  examined(&f, "pn-unique", 11);
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
  assert_int_equal(verdict_of(&f, REPORT_OFF), REPORT_FAIL);
  examined(&f, "close-clean", 1); /* a skip examined nothing */
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
  report_fixture_check(&f, "close-clean")->examined = 50; /* whatever it counted */
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
}

static enum report_verdict with_figures(uint32_t lo, uint32_t hi, uint64_t sendings, size_t sub,
                                        enum report_twin twin) {
  struct report_fixture f;
  report_fixture_make(&f);
  struct plan_figures figures = {.node = plan_node_find(&f.plan, sub ? "sub[1]" : "sub[0]"),
                                 .fast_path_lo_ppm = lo,
                                 .fast_path_hi_ppm = hi,
                                 .sendings = sendings};
  assert_true(figures.node >= 0);
  f.plan.figures = &figures;
  f.plan.n_figures = 1;
  return verdict_of(&f, twin);
}

/* sub[0]: 98.12 % on the fast path, no byte was sent more than twice. Nothing was sent to
 * sub[1]. */
static void figures_are_demanded(void **state) {
  (void)state;
  assert_int_equal(with_figures(981200, 981200, 2, 0, REPORT_SINGLE), REPORT_PASS);
  assert_int_equal(with_figures(981201, 1000000, 0, 0, REPORT_SINGLE), REPORT_FAIL);
  assert_int_equal(with_figures(0, 981199, 0, 0, REPORT_SINGLE), REPORT_FAIL);
  assert_int_equal(with_figures(0, 1000000, 3, 0, REPORT_SINGLE), REPORT_FAIL);
  assert_int_equal(with_figures(0, 1000000, 3, 0, REPORT_OFF), REPORT_FAIL);
  assert_int_equal(with_figures(0, 1000000, 3, 0, REPORT_ON), REPORT_PASS);
  assert_int_equal(with_figures(0, 1000000, 0, 1, REPORT_SINGLE), REPORT_PASS);
  assert_int_equal(with_figures(0, 500000, 0, 1, REPORT_SINGLE), REPORT_FAIL);
}

static void a_convicted_check_must_have_looked(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  convict(&f, "pn-unique");
  report_fixture_fail(&f, "pn-unique");
  examined(&f, "pn-unique", 11);
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL);
}

static void nothing_examined_is_a_skip(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  report_fixture_check(&f, "isolated")->examined = 0;
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_PASS);
  assert_int_equal(outcome.checks[3].result, JUDGE_SKIP);
  assert_string_equal(outcome.checks[3].reason, "nothing examined");
  report_outcome_free(&outcome);
  convict(&f, "isolated");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL);
}

static void dishonest_load_is_inconclusive_whatever_else_failed(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  report_fixture_fail(&f, "load-honest");
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_INCONCLUSIVE);
  report_fixture_fail(&f, "isolated");
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_INCONCLUSIVE);
  convict(&f, "load-honest");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_INCONCLUSIVE);
  skip_check(&f, "load-honest"); /* not judged, so not failing; but isolated is */
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
}

static void a_run_that_died_is_a_fail(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  f.run.died = "relay ended with signal 11";
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_FAIL);
  assert_string_equal(outcome.notes[0].text, "relay ended with signal 11");
  report_outcome_free(&outcome);
  report_fixture_fail(&f, "load-honest");
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
}

static void an_empty_report_proves_nothing(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  f.judged.n_checks = 0;
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_FAIL);
  assert_int_equal(outcome.n_notes, 1);
  report_outcome_free(&outcome);
  assert_int_equal(report_outcome_make(&f.plan, NULL, REPORT_SINGLE, NULL, &outcome), 0);
  assert_int_equal(outcome.verdict, REPORT_FAIL);
  assert_int_equal(outcome.n_notes, 1);
  report_outcome_free(&outcome);
  report_fixture_make(&f);
  for (size_t i = 0; i < FIXTURE_CHECKS; i++)
    f.checks[i].result = JUDGE_SKIP;
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
}

static void an_unknown_name_is_not_an_expectation_that_is_met(void **state) {
  (void)state;
  struct report_fixture f;
  report_fixture_make(&f);
  skip_check(&f, "pn-uniqe");
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
  report_fixture_make(&f);
  convict(&f, "pn-uniqe");
  assert_int_equal(verdict_of(&f, REPORT_ON), REPORT_FAIL);
  assert_int_equal(verdict_of(&f, REPORT_OFF), REPORT_FAIL);
  report_fixture_make(&f);
  also(&f, "pn-uniqe");
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
  report_fixture_make(&f);
  examined(&f, "pn-uniqe", 0);
  assert_int_equal(verdict_of(&f, REPORT_SINGLE), REPORT_FAIL);
}

static void a_budget_nobody_judged_is_said(void **state) {
  (void)state;
  struct report_fixture f;
  struct report_outcome outcome;
  report_fixture_make(&f);
  f.expects[0] = (struct plan_expect){.check = "close-clean", .p99_ns = 5};
  f.plan.n_expects = 1;
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_PASS);
  assert_int_equal(outcome.n_notes, 1);
  assert_string_equal(outcome.notes[0].text, "the budget of close-clean was not judged: not built");
  report_outcome_free(&outcome);
  f.expects[0].check = "pn-unique";
  assert_int_equal(judge(&f, REPORT_SINGLE, &outcome), REPORT_PASS);
  assert_int_equal(outcome.n_notes, 0);
  report_outcome_free(&outcome);
}

static void exit_codes(void **state) {
  (void)state;
  assert_int_equal(report_exit_code(REPORT_PASS), 0);
  assert_int_equal(report_exit_code(REPORT_FAIL), 1);
  assert_int_equal(report_exit_code(REPORT_INCONCLUSIVE), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_passing_is_a_pass),
      cmocka_unit_test(a_failing_check_fails_the_run),
      cmocka_unit_test(a_convicted_check_must_fail),
      cmocka_unit_test(a_skip_does_not_convict),
      cmocka_unit_test(an_also_check_may_fail_or_not),
      cmocka_unit_test(the_off_run_must_pass_plain),
      cmocka_unit_test(a_skipped_check_is_not_judged),
      cmocka_unit_test(examined_demands_a_number),
      cmocka_unit_test(figures_are_demanded),
      cmocka_unit_test(a_convicted_check_must_have_looked),
      cmocka_unit_test(nothing_examined_is_a_skip),
      cmocka_unit_test(dishonest_load_is_inconclusive_whatever_else_failed),
      cmocka_unit_test(a_run_that_died_is_a_fail),
      cmocka_unit_test(an_empty_report_proves_nothing),
      cmocka_unit_test(an_unknown_name_is_not_an_expectation_that_is_met),
      cmocka_unit_test(a_budget_nobody_judged_is_said),
      cmocka_unit_test(exit_codes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
