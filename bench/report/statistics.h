/* Figures about figures: means, quantiles, fairness, and what a paired comparison shows.
 * Pure functions; nothing is owned. */
#ifndef FANBENCH_REPORT_STATISTICS_H
#define FANBENCH_REPORT_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

double stat_mean(const double *x, size_t n); /* n >= 1 */

/* A mean and its two-sided 95 % confidence interval, mean - half .. mean + half, by Student's t:
 * the mean of n independent values that are about normal. With n < 2 nobody knows how
 * far off it may be: known is false, half is 0. */
struct stat_interval {
  double mean, half;
  size_t n;
  bool known;
};
struct stat_interval stat_interval_of(const double *x, size_t n); /* n = 0: all zero */

/* The same of the differences to[i] - from[i]: pairs that had all but one thing in common. */
struct stat_interval stat_paired(const double *from, const double *to, size_t n);
/* The interval leaves 0 out. */
bool stat_differs(const struct stat_interval *interval);

/* 97.5 % quantile of Student's t with df >= 1 degrees of freedom, to four digits. */
double stat_t975(size_t df);

/* Jain's fairness index (sum x)^2 / (n sum x^2) in parts per million: 1/n if one has all, 1 if
 * all have the same, as when nobody has anything. n >= 1. */
uint32_t stat_jain_ppm(const uint64_t *x, size_t n);

/* Sorts, then returns the value with `percent` of all below it: x[n * percent / 100]; percent
 * < 100, n >= 1. */
uint64_t stat_percentile(uint64_t *x, size_t n, unsigned percent);

#endif
