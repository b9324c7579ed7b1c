/* Units: what is read, what is refused, and that spelling reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>

#include "bench/scenario/unit.h"

/* More digits than a range may have. */
#define TEN      "1111111111"
#define TOO_LONG TEN TEN TEN TEN TEN TEN TEN "..2"

typedef const char *unit_fn(const char *, uint64_t *);

static void good(unit_fn *unit, const char *text, uint64_t expected) {
  uint64_t value = 0;
  const char *why = unit(text, &value);
  if (why)
    fail_msg("'%s' was refused: %s", text, why);
  if (value != expected)
    fail_msg("'%s' is %llu", text, (unsigned long long)value);
}

static void bad(unit_fn *unit, const char *text) {
  uint64_t value = 4711;
  if (!unit(text, &value))
    fail_msg("'%s' was read", text);
  assert_int_equal(value, 4711);
}

/* Wrong in every unit. */
static void bad_everywhere(unit_fn *unit) {
  static const char *const texts[] = {"",   " ",  "-1",   "+1", "1e3", "0x10",     "1,5",
                                      ".5", "1.", "one",  "1 ", " 1",  "1_0",      "--1",
                                      "%",  "ms", "1..2", "~",  "nan", "infinity", "\xc2\xb5s"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    bad(unit, texts[i]);
}

static void times(void **state) {
  (void)state;
  good(plan_unit_time, "0", 0);
  good(plan_unit_time, "0s", 0);
  good(plan_unit_time, "1ns", 1);
  good(plan_unit_time, "25us", 25000);
  good(plan_unit_time, "250ms", 250000000);
  good(plan_unit_time, "1.5s", 1500000000);
  good(plan_unit_time, "0.000000001s", 1);
  good(plan_unit_time, "2min", 120000000000);
  good(plan_unit_time, "1h", 3600000000000);
  good(plan_unit_time, "18446744073709551615ns", UINT64_MAX);
  bad_everywhere(plan_unit_time);
  bad(plan_unit_time, "1");
  bad(plan_unit_time, "1sec");
  bad(plan_unit_time, "1S");
  bad(plan_unit_time, "1 s");
  bad(plan_unit_time, "0.5ns");
  bad(plan_unit_time, "0.0000000001s");
  bad(plan_unit_time, "18446744073709551616ns");
  bad(plan_unit_time, "18446744073709551615s");
}

static void rates(void **state) {
  (void)state;
  good(plan_unit_rate, "0", 0);
  good(plan_unit_rate, "9600bit", 9600);
  good(plan_unit_rate, "64kbit", 64000);
  good(plan_unit_rate, "20mbit", 20000000);
  good(plan_unit_rate, "2.5gbit", 2500000000);
  bad_everywhere(plan_unit_rate);
  bad(plan_unit_rate, "20");
  bad(plan_unit_rate, "20Mbit");
  bad(plan_unit_rate, "20mbps");
  bad(plan_unit_rate, "0.5bit");
}

static void sizes(void **state) {
  (void)state;
  good(plan_unit_size, "0", 0);
  good(plan_unit_size, "200", 200);
  good(plan_unit_size, "200B", 200);
  good(plan_unit_size, "64KiB", 65536);
  good(plan_unit_size, "64kB", 64000);
  good(plan_unit_size, "1.5MiB", 1572864);
  good(plan_unit_size, "1GiB", 1073741824);
  good(plan_unit_size, "1GB", 1000000000);
  static const char *const texts[] = {"", "-1", "1.5", "64K", "64KB", "64kib", "1TiB"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    bad(plan_unit_size, texts[i]);
}

static void shares(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint32_t ppm;
  } table[] = {{"0", 0},       {"0%", 0},      {"1%", 10000},
               {"0.5%", 5000}, {"0.0001%", 1}, {"100%", 1000000}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    uint32_t ppm = 1;
    assert_null(plan_unit_share(table[i].text, &ppm));
    assert_int_equal(ppm, table[i].ppm);
  }
  static const char *const wrong[] = {"",          "1",        "0.5", "101%",
                                      "100.0001%", "0.00001%", "-1%", "1 %"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint32_t ppm = 17;
    assert_non_null(plan_unit_share(wrong[i], &ppm));
    assert_int_equal(ppm, 17);
  }
}

static void counts(void **state) {
  (void)state;
  good(plan_unit_count, "0", 0);
  good(plan_unit_count, "007", 7);
  good(plan_unit_count, "18446744073709551615", UINT64_MAX);
  bad_everywhere(plan_unit_count);
  bad(plan_unit_count, "18446744073709551616");
  bad(plan_unit_count, "1.0");
}

static void ranges(void **state) {
  (void)state;
  uint64_t lo = 0, hi = 0;
  assert_null(plan_unit_range("40..60", plan_unit_count, &lo, &hi));
  assert_int_equal(lo, 40);
  assert_int_equal(hi, 60);
  assert_null(plan_unit_range("1KiB..2KiB", plan_unit_size, &lo, &hi));
  assert_int_equal(lo, 1024);
  assert_int_equal(hi, 2048);
  assert_null(plan_unit_range("5", plan_unit_count, &lo, &hi));
  assert_int_equal(lo, 5);
  assert_int_equal(hi, 5);
  static const char *const wrong[] = {"",     "..",      "1..",    "..2",   "2..1",
                                      "1...", "1..2..3", "1 .. 2", "-1..2", TOO_LONG};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    if (!plan_unit_range(wrong[i], plan_unit_count, &lo, &hi))
      fail_msg("'%s' was read", wrong[i]);
  }
}

static void spelling(void **state) {
  (void)state;
  assert_string_equal(plan_unit_time_text(0).text, "0");
  assert_string_equal(plan_unit_time_text(1500000000).text, "1500ms");
  assert_string_equal(plan_unit_time_text(7200000000000).text, "2h");
  assert_string_equal(plan_unit_rate_text(20000000).text, "20mbit");
  assert_string_equal(plan_unit_size_text(65536).text, "64KiB");
  assert_string_equal(plan_unit_size_text(30000).text, "30kB");
  assert_string_equal(plan_unit_share_text(10000).text, "1%");
  assert_string_equal(plan_unit_share_text(12345).text, "1.2345%");
  uint64_t seed = 1;
  for (int i = 0; i < 10000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t value = seed >> (seed >> 58);
    good(plan_unit_time, plan_unit_time_text(value).text, value);
    good(plan_unit_rate, plan_unit_rate_text(value).text, value);
    good(plan_unit_size, plan_unit_size_text(value).text, value);
    uint32_t ppm = 0, share = (uint32_t)(value % 1000001);
    assert_null(plan_unit_share(plan_unit_share_text(share).text, &ppm));
    assert_int_equal(ppm, share);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(times),    cmocka_unit_test(rates),  cmocka_unit_test(sizes),
      cmocka_unit_test(shares),   cmocka_unit_test(counts), cmocka_unit_test(ranges),
      cmocka_unit_test(spelling),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
