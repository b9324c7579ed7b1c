#include "bench/report/statistics.h"

#include <math.h>
#include <stdlib.h>

double stat_mean(const double *x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += x[i];
  return sum / (double)n;
}

/* Tables give these; the expansion below is good from 13 on. */
static const double small_t975[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469,
                                    2.3646,  2.3060, 2.2622, 2.2281, 2.2010, 2.1788};
#define SMALL (sizeof small_t975 / sizeof small_t975[0])

/* Cornish-Fisher expansion of t around the normal quantile z (Abramowitz and Stegun 26.7.5). */
double stat_t975(size_t df) {
  if (df <= SMALL)
    return small_t975[df - 1];
  const double z = 1.959963984540054, z2 = z * z, v = (double)df;
  const double g1 = z * (z2 + 1) / 4;
  const double g2 = z * ((5 * z2 + 16) * z2 + 3) / 96;
  const double g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  return z + g1 / v + g2 / (v * v) + g3 / (v * v * v);
}

struct stat_interval stat_interval_of(const double *x, size_t n) {
  struct stat_interval out = {.n = n};
  double squares = 0;
  if (n == 0)
    return out;
  out.mean = stat_mean(x, n);
  if (n < 2)
    return out;
  for (size_t i = 0; i < n; i++)
    squares += (x[i] - out.mean) * (x[i] - out.mean);
  out.known = true;
  out.half = stat_t975(n - 1) * sqrt(squares / (double)(n - 1) / (double)n);
  return out;
}

struct stat_interval stat_paired(const double *from, const double *to, size_t n) {
  struct stat_interval out = {0};
  double *apart = calloc(n + 1, sizeof *apart);
  if (!apart)
    return out;
  for (size_t i = 0; i < n; i++)
    apart[i] = to[i] - from[i];
  out = stat_interval_of(apart, n);
  free(apart);
  return out;
}

bool stat_differs(const struct stat_interval *interval) {
  return interval->known &&
         (interval->mean - interval->half > 0 || interval->mean + interval->half < 0);
}

uint32_t stat_jain_ppm(const uint64_t *x, size_t n) {
  /* Shares of the largest one, so that squares fit whatever the unit is. */
  uint64_t most = 0;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++)
    most = x[i] > most ? x[i] : most;
  if (most == 0)
    return 1000000;
  for (size_t i = 0; i < n; i++) {
    double share = (double)x[i] / (double)most;
    sum += share;
    squares += share * share;
  }
  return (uint32_t)lround(sum * sum / ((double)n * squares) * 1e6);
}

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

uint64_t stat_percentile(uint64_t *x, size_t n, unsigned percent) {
  qsort(x, n, sizeof *x, by_value);
  return x[n * percent / 100];
}
