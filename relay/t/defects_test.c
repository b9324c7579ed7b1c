/* Switches by name: each of the catalogue, with and without a value, and what is none. */
#include "relay/fanout/defects.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void without_a_value_each_has_its_own(void **state) {
  (void)state;
  struct fb_defects d = {0};
#define TRY(field, name, on)                                                                       \
  assert_int_equal(d.field, 0);                                                                    \
  assert_true(defects_set_text(&d, name));                                                         \
  assert_int_equal(d.field, on);
  FB_DEFECTS(TRY)
#undef TRY
}

static void a_value_is_taken_as_it_is(void **state) {
  (void)state;
  struct fb_defects d = {0};
  assert_true(defects_set(&d, "slow-agent", 5000000));
  assert_int_equal(d.slow_agent, 5000000);
  assert_true(defects_set_text(&d, "pn-guess=9"));
  assert_int_equal(d.pn_guess, 9);
  assert_int_equal(d.racy_pn, 0);
}

static void others_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "two",
                                    "two-counters ",
                                    "two-counters=",
                                    "pn-guess=0",
                                    "pn-guess=-1",
                                    "pn-guess=1x",
                                    "pn-guess= 1",
                                    "=1",
                                    "pn-guess=99999999999999999999"};
  struct fb_defects d = {0}, none = {0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(defects_set_text(&d, bad[i]));
  assert_memory_equal(&d, &none, sizeof d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_value_each_has_its_own),
                                     cmocka_unit_test(a_value_is_taken_as_it_is),
                                     cmocka_unit_test(others_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
