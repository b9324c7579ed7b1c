/* Which byte belongs to an object that came when. */
#include "relay/fanout/arrivals.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void nothing_is_known_at_first(void **state) {
  (void)state;
  struct arrivals a = {0};
  assert_int_equal(arrivals_at(&a, 0), 0);
  arrivals_trim(&a, 100);
  arrivals_clear(&a);
}

static void a_byte_belongs_to_the_mark_in_front(void **state) {
  (void)state;
  struct arrivals a = {0};
  assert_true(arrivals_add(&a, 5, 100));
  assert_true(arrivals_add(&a, 20, 200));
  assert_true(arrivals_add(&a, 21, 300));
  assert_int_equal(arrivals_at(&a, 4), 0);
  assert_int_equal(arrivals_at(&a, 5), 100);
  assert_int_equal(arrivals_at(&a, 19), 100);
  assert_int_equal(arrivals_at(&a, 20), 200);
  assert_int_equal(arrivals_at(&a, 21), 300);
  assert_int_equal(arrivals_at(&a, UINT64_MAX), 300);
  arrivals_clear(&a);
}

static void objects_that_came_at_once_share_a_mark(void **state) {
  (void)state;
  struct arrivals a = {0};
  for (uint64_t i = 0; i < 50; i++)
    assert_true(arrivals_add(&a, i * 10, 100 + i / 25));
  assert_int_equal(a.n, 2);
  assert_int_equal(arrivals_at(&a, 249), 100);
  assert_int_equal(arrivals_at(&a, 250), 101);
  arrivals_clear(&a);
}

/* What is given back is the front, and never the mark that holds the byte. */
static void trim(void **state) {
  (void)state;
  struct arrivals a = {0};
  for (uint64_t i = 1; i <= 1000; i++)
    assert_true(arrivals_add(&a, i * 10, i));
  arrivals_trim(&a, 9); /* in front of all */
  assert_int_equal(a.n, 1000);
  arrivals_trim(&a, 5005);
  assert_int_equal(a.n, 501);
  for (uint64_t i = 500; i <= 1000; i++)
    assert_int_equal(arrivals_at(&a, i * 10 + 9), i);
  assert_int_equal(arrivals_at(&a, 4999), 0);
  arrivals_trim(&a, UINT64_MAX);
  assert_int_equal(a.n, 1);
  assert_int_equal(arrivals_at(&a, 20000), 1000);
  assert_true(arrivals_add(&a, 30000, 7000));
  assert_int_equal(arrivals_at(&a, 30000), 7000);
  arrivals_clear(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_known_at_first),
      cmocka_unit_test(a_byte_belongs_to_the_mark_in_front),
      cmocka_unit_test(objects_that_came_at_once_share_a_mark),
      cmocka_unit_test(trim),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
