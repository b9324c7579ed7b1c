/* Statistics against vectors that others have published. */
#include "bench/report/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(double found, double expected, double apart) {
  if (!(fabs(found - expected) <= apart))
    fail_msg("expected %.7f, found %.7f", expected, found);
}

/* Quantiles as printed in every table of Student's t, 97.5 %. */
static void students_t(void **state) {
  (void)state;
  static const struct {
    size_t df;
    double t;
  } table[] = {{1, 12.706},    {2, 4.303},  {3, 3.182},  {4, 2.776},   {5, 2.571},   {6, 2.447},
               {7, 2.365},     {8, 2.306},  {9, 2.262},  {10, 2.228},  {11, 2.201},  {12, 2.179},
               {13, 2.160},    {14, 2.145}, {15, 2.131}, {16, 2.120},  {17, 2.110},  {18, 2.101},
               {19, 2.093},    {20, 2.086}, {25, 2.060}, {29, 2.045},  {30, 2.042},  {40, 2.021},
               {50, 2.009},    {60, 2.000}, {80, 1.990}, {100, 1.984}, {120, 1.980}, {1000, 1.962},
               {100000, 1.960}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    assert_near(stat_t975(table[i].df), table[i].t, 0.0006);
  for (size_t df = 1; df < 200; df++)
    assert_true(stat_t975(df) > stat_t975(df + 1));
}

/* Student 1908: hours of sleep gained with two drugs by ten patients. R's t.test(paired = TRUE)
 * gives 1.58 and 0.7001142 .. 2.4598858. */
static void paired_sleep(void **state) {
  (void)state;
  static const double first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  static const double second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  struct stat_interval d = stat_paired(first, second, 10);
  assert_true(d.known);
  assert_int_equal(d.n, 10);
  assert_near(d.mean, 1.58, 1e-9);
  assert_near(d.mean - d.half, 0.7001142, 2e-5);
  assert_near(d.mean + d.half, 2.4598858, 2e-5);
  assert_true(stat_differs(&d));
  d = stat_paired(second, first, 10);
  assert_near(d.mean, -1.58, 1e-9);
  assert_true(stat_differs(&d));
  /* Not paired, the same figures show nothing: that is what pairing is for. */
  struct stat_interval a = stat_interval_of(first, 10), b = stat_interval_of(second, 10);
  assert_near(a.mean, 0.75, 1e-9);
  assert_near(b.mean, 2.33, 1e-9);
  assert_near(a.half, 1.2798, 1e-3);
  assert_true(a.mean + a.half > b.mean - b.half);
}

/* R: t.test(c(5, 7, 5, 3, 5, 3, 3, 9)) gives 5 and 3.2123 .. 6.7877. */
static void one_sample(void **state) {
  (void)state;
  static const double x[] = {5, 7, 5, 3, 5, 3, 3, 9};
  struct stat_interval m = stat_interval_of(x, 8);
  assert_near(m.mean, 5, 1e-12);
  assert_near(m.half, 1.7877, 1e-3);
}

static void too_few_to_tell(void **state) {
  (void)state;
  static const double x[] = {3, 4};
  struct stat_interval m = stat_interval_of(x, 0);
  assert_false(m.known);
  assert_int_equal(m.n, 0);
  m = stat_interval_of(x, 1);
  assert_false(m.known);
  assert_near(m.mean, 3, 0);
  assert_false(stat_differs(&m)); /* one value is no proof, however far from 0 */
  m = stat_interval_of(x, 2);
  assert_true(m.known);
  assert_near(m.half, 12.7062 * 0.5, 1e-3);
  m = stat_paired(x, x, 2); /* no difference at all */
  assert_true(m.known);
  assert_near(m.half, 0, 0);
  assert_false(stat_differs(&m));
}

/* Jain, Chiu, Hawe 1984: 1 for equal shares, k/n if k of n share alike; and by hand. */
static void jain(void **state) {
  (void)state;
  static const uint64_t same[] = {7, 7, 7, 7}, one[] = {0, 0, 9, 0}, half[] = {5, 0, 5, 0};
  static const uint64_t three[] = {1, 3, 4}, none[] = {0, 0};
  static const uint64_t huge[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX / 2};
  assert_int_equal(stat_jain_ppm(same, 4), 1000000);
  assert_int_equal(stat_jain_ppm(one, 4), 250000);
  assert_int_equal(stat_jain_ppm(half, 4), 500000);
  assert_int_equal(stat_jain_ppm(three, 3), 820513); /* 64 / 78 */
  assert_int_equal(stat_jain_ppm(none, 2), 1000000);
  assert_int_equal(stat_jain_ppm(huge, 3), 925926); /* 6.25 / 6.75 */
  assert_int_equal(stat_jain_ppm(one + 2, 1), 1000000);
}

static void percentiles(void **state) {
  (void)state;
  uint64_t x[100], one[] = {5};
  for (uint64_t i = 0; i < 100; i++)
    x[i] = (i * 37) % 100; /* 0..99 in disorder */
  assert_int_equal(stat_percentile(x, 100, 50), 50);
  assert_int_equal(stat_percentile(x, 100, 99), 99);
  assert_int_equal(stat_percentile(x, 100, 0), 0);
  assert_int_equal(stat_percentile(x, 3, 50), 1);
  assert_int_equal(stat_percentile(one, 1, 99), 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(students_t), cmocka_unit_test(paired_sleep),
      cmocka_unit_test(one_sample), cmocka_unit_test(too_few_to_tell),
      cmocka_unit_test(jain),       cmocka_unit_test(percentiles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
