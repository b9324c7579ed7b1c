/* The generator: known numbers, keys that differ, and the range of a draw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/fate/generator.h"

/* Published outputs of SplitMix64. */
static void is_splitmix64(void **state) {
  (void)state;
  assert_int_equal(fate_generator_at(0, 0), UINT64_C(0xe220a8397b1dcdaf));
  assert_int_equal(fate_generator_at(0, 1), UINT64_C(0x6e789e6aa1b965f4));
  assert_int_equal(fate_generator_at(0, 2), UINT64_C(0x06c45d188009454f));
  assert_int_equal(fate_generator_at(1234567, 0), UINT64_C(6457827717110365317));
  assert_int_equal(fate_generator_at(1234567, 2), UINT64_C(9817491932198370423));
}

/* A changed key would give every recorded seed another run. */
static void keys_stay(void **state) {
  (void)state;
  uint64_t key = fate_generator_key(7, "relay", "sub[0]", 0);
  assert_int_equal(key, UINT64_C(0x3b6c5b18c14e59e0));
  assert_int_equal(fate_generator_at(key, 40), UINT64_C(0x8a26a03175c84b98));
}

static void keys_differ(void **state) {
  (void)state;
  const uint64_t keys[] = {
      fate_generator_key(7, "ab", "c", 0),   fate_generator_key(8, "ab", "c", 0),
      fate_generator_key(7, "c", "ab", 0),   fate_generator_key(7, "a", "bc", 0),
      fate_generator_key(7, "abc", "", 0),   fate_generator_key(7, "", "abc", 0),
      fate_generator_key(7, "ab", "c", 1),   fate_generator_key(7, "ab", "c", 2),
      fate_generator_key(7, "ab>c", "", 0),  fate_generator_key(0, "ab", "c", 7),
      fate_generator_key(7, "ab", "c", 256), fate_generator_key(7 + 256, "ab", "c", 0),
  };
  const size_t n = sizeof keys / sizeof *keys;
  for (size_t i = 0; i < n; i++)
    for (size_t j = i + 1; j < n; j++)
      if (keys[i] == keys[j])
        fail_msg("keys %zu and %zu are equal", i, j);
}

static void below_covers_its_range(void **state) {
  (void)state;
  assert_int_equal(fate_generator_below(0, 10), 0);
  assert_int_equal(fate_generator_below(UINT64_MAX, 10), 9);
  assert_int_equal(fate_generator_below(UINT64_MAX / 2, 10), 4);
  assert_int_equal(fate_generator_below(UINT64_MAX / 2 + 1, 10), 5);
  assert_int_equal(fate_generator_below(UINT64_MAX, 1), 0);
  assert_int_equal(fate_generator_below(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_splitmix64),
      cmocka_unit_test(keys_stay),
      cmocka_unit_test(keys_differ),
      cmocka_unit_test(below_covers_its_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
