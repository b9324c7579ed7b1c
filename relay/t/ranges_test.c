#include "relay/fanout/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "relay/t/seeded.h"

#define SPACE 200

static void empty_set(void **state) {
  struct ranges set = {0};
  uint64_t lo, hi;

  (void)state;
  assert_int_equal(ranges_end(&set), 0);
  assert_true(ranges_contains(&set, 5, 5));
  assert_false(ranges_contains(&set, 5, 6));
  assert_true(ranges_next_gap(&set, 5, 9, &lo, &hi));
  assert_int_equal(lo, 5);
  assert_int_equal(hi, 9);
  assert_false(ranges_next_gap(&set, 9, 9, &lo, &hi));
  assert_int_equal(ranges_add(&set, 7, 7), 0);
  assert_int_equal(ranges_count(&set), 0);
}

static void in_order_is_one_span(void **state) {
  struct ranges set = {0};

  (void)state;
  for (uint64_t i = 0; i < 1000; i++)
    assert_int_equal(ranges_add(&set, i * 100, i * 100 + 100), 100);
  assert_int_equal(ranges_count(&set), 1);
  assert_null(set.heap);
  assert_int_equal(ranges_end(&set), 100000);
  assert_true(ranges_contains(&set, 0, 100000));
  assert_false(ranges_contains(&set, 0, 100001));
  ranges_clear(&set);
}

static void overlaps_count_once(void **state) {
  struct ranges set = {0};
  uint64_t lo, hi;

  (void)state;
  assert_int_equal(ranges_add(&set, 10, 20), 10);
  assert_int_equal(ranges_add(&set, 30, 40), 10);
  assert_int_equal(ranges_add(&set, 15, 35), 10);
  assert_int_equal(ranges_count(&set), 1);
  assert_int_equal(ranges_add(&set, 10, 40), 0);
  assert_int_equal(ranges_add(&set, 50, 60), 10);
  assert_true(ranges_next_gap(&set, 12, 100, &lo, &hi));
  assert_int_equal(lo, 40);
  assert_int_equal(hi, 50);
  assert_true(ranges_next_gap(&set, hi, 100, &lo, &hi));
  assert_int_equal(lo, 60);
  assert_int_equal(hi, 100);
  assert_false(ranges_next_gap(&set, 50, 60, &lo, &hi));
  ranges_clear(&set);
  assert_int_equal(ranges_end(&set), 0);
}

static void limits_of_the_type(void **state) {
  struct ranges set = {0};
  uint64_t lo, hi;

  (void)state;
  assert_int_equal(ranges_add(&set, UINT64_MAX - 1, UINT64_MAX), 1);
  assert_int_equal(ranges_add(&set, 0, 1), 1);
  assert_int_equal(ranges_count(&set), 2);
  assert_true(ranges_next_gap(&set, 0, UINT64_MAX, &lo, &hi));
  assert_int_equal(lo, 1);
  assert_true(hi == UINT64_MAX - 1);
  assert_true(ranges_end(&set) == UINT64_MAX);
}

static void removing_splits_and_trims(void **state) {
  struct ranges set = {0};

  (void)state;
  ranges_add(&set, 10, 20);
  ranges_add(&set, 30, 40);
  assert_true(ranges_remove(&set, 20, 30)); /* nothing there */
  assert_int_equal(ranges_count(&set), 2);
  assert_true(ranges_remove(&set, 14, 16)); /* a hole */
  assert_int_equal(ranges_count(&set), 3);
  assert_true(ranges_contains(&set, 10, 14) && ranges_contains(&set, 16, 20));
  assert_false(ranges_contains(&set, 14, 15));
  assert_true(ranges_remove(&set, 18, 35)); /* an end, and a beginning */
  assert_false(ranges_contains(&set, 18, 19));
  assert_false(ranges_contains(&set, 34, 35));
  assert_true(ranges_contains(&set, 35, 40));
  assert_true(ranges_remove(&set, 0, 100));
  assert_int_equal(ranges_end(&set), 0);
  ranges_clear(&set);
}

static void may_be_moved(void **state) {
  struct ranges a = {0}, b;

  (void)state;
  ranges_add(&a, 1, 2);
  ranges_add(&a, 5, 6);
  memcpy(&b, &a, sizeof(b));
  memset(&a, 0xff, sizeof(a));
  assert_int_equal(ranges_add(&b, 3, 4), 1);
  assert_int_equal(ranges_add(&b, 9, 10), 1);
  memcpy(&a, &b, sizeof(a));
  assert_int_equal(ranges_count(&a), 4);
  assert_true(ranges_contains(&a, 9, 10));
  ranges_clear(&a);
}

static void check_against(const struct ranges *set, const bool *model) {
  const struct ranges_span *span = ranges_at(set);
  size_t spans = 0;

  for (uint64_t lo = 0; lo < SPACE; lo++) {
    uint64_t hi = lo + 1 + (lo * 7) % 40, want = lo, gap_lo = 0, gap_hi = 0;
    if (hi > SPACE)
      hi = SPACE;
    while (want < hi && model[want])
      want++;
    assert_int_equal(ranges_contains(set, lo, hi), want == hi);
    assert_int_equal(ranges_next_gap(set, lo, hi, &gap_lo, &gap_hi), want < hi);
    if (want == hi)
      continue;
    assert_int_equal(gap_lo, want);
    while (want < hi && !model[want])
      want++;
    assert_int_equal(gap_hi, want);
  }
  for (size_t i = 0; i < SPACE; i++)
    spans += model[i] && (i == 0 || !model[i - 1]);
  assert_int_equal(ranges_count(set), spans);
  for (size_t i = 0; i + 1 < spans; i++)
    assert_true(span[i].lo < span[i].hi && span[i].hi < span[i + 1].lo);
}

static void random_changes_match_a_bitmap(void **state) {
  uint64_t seed = 1;

  (void)state;
  for (int round = 0; round < 200; round++) {
    struct ranges set = {0};
    bool model[SPACE] = {0};
    for (int step = 0; step < 60; step++) {
      uint64_t lo = seeded_below(&seed, SPACE), len = seeded_below(&seed, 8), fresh = 0;
      for (uint64_t i = lo; i < lo + len && i < SPACE; i++) {
        fresh += !model[i];
        model[i] = true;
      }
      assert_int_equal(ranges_add(&set, lo, lo + len < SPACE ? lo + len : SPACE), fresh);
      lo = seeded_below(&seed, SPACE);
      len = seeded_below(&seed, 6);
      for (uint64_t i = lo; i < lo + len && i < SPACE; i++)
        model[i] = false;
      assert_true(ranges_remove(&set, lo, lo + len));
    }
    check_against(&set, model);
    ranges_clear(&set);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_set),
      cmocka_unit_test(in_order_is_one_span),
      cmocka_unit_test(overlaps_count_once),
      cmocka_unit_test(limits_of_the_type),
      cmocka_unit_test(removing_splits_and_trims),
      cmocka_unit_test(may_be_moved),
      cmocka_unit_test(random_changes_match_a_bitmap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
