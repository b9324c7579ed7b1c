#include "relay/fanout/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S 1000000000ull

static void until_told_nobody_waits(void **state) {
  (void)state;
  struct tally t;
  tally_begin(&t);
  tally_saw(&t, S);
  assert_false(tally_waits(&t, S));
  assert_int_equal(tally_deadline(&t), UINT64_MAX);
  tally_told(&t, TALLY_UNTOLD, 0, S);
  assert_false(tally_waits(&t, S));
}

static void all_there(void **state) {
  (void)state;
  struct tally t;
  tally_begin(&t);
  tally_saw(&t, S);
  tally_told(&t, 2, 0, S);
  assert_true(tally_waits(&t, S));
  tally_saw(&t, 2 * S);
  assert_false(tally_waits(&t, 2 * S));
  assert_int_equal(tally_deadline(&t), UINT64_MAX);
}

static void one_never_comes(void **state) {
  (void)state;
  struct tally t;
  tally_begin(&t);
  tally_told(&t, 3, 2 * S, 10 * S);
  const uint64_t first = 10 * S + TALLY_PATIENCE_NS + 2 * S;
  assert_int_equal(tally_deadline(&t), first);
  assert_true(tally_waits(&t, first - 1));
  tally_saw(&t, first - 1); /* they still come */
  assert_true(tally_waits(&t, first));
  assert_int_equal(tally_deadline(&t), first - 1 + TALLY_PATIENCE_NS + 2 * S);
  assert_false(tally_waits(&t, tally_deadline(&t)));
}

static void a_new_subscription_counts_anew(void **state) {
  (void)state;
  struct tally t;
  tally_begin(&t);
  for (int i = 0; i < 5; i++)
    tally_saw(&t, S);
  tally_begin(&t);
  tally_told(&t, 2, 0, S);
  assert_true(tally_waits(&t, S));
  tally_forget(&t);
  assert_false(tally_waits(&t, S));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(until_told_nobody_waits),
      cmocka_unit_test(all_there),
      cmocka_unit_test(one_never_comes),
      cmocka_unit_test(a_new_subscription_counts_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
