/* The table of a sweep: a row a run, what its settings come to, and how they differ, as CSV,
 * JSON, a table for a terminal and a page.
 *
 * Settings are compared by pairs: two runs of one seed that differ in one path alone, the first
 * value of that path against each other one. Runs that the judge did not pass are in the table
 * and in no mean and no pair.
 *
 * Nothing here reads a clock or a run directory: the same rows give the same bytes. */
#ifndef FANBENCH_REPORT_SWEEP_H
#define FANBENCH_REPORT_SWEEP_H

#include <stdio.h>

#include "bench/report/measure.h"
#include "bench/report/outcome.h"
#include "bench/report/statistics.h"
#include "bench/scenario/sweep.h"

enum sweep_figure {
  SWEEP_ON_TIME, /* share */
  SWEEP_STALL,   /* share */
  SWEEP_P50,     /* ns */
  SWEEP_P99,     /* ns */
  SWEEP_GOODPUT, /* bit/s */
  SWEEP_WASTED,  /* bytes */
  SWEEP_JAIN,    /* 0..1 */
  SWEEP_FIGURES
};

struct sweep_row {
  bool done;
  enum report_verdict verdict;
  struct measure figures;
  struct measure_priority *priorities; /* as report_sweep.priorities, owned by the row */
};

struct report_sweep {
  const struct plan_sweep *plan;
  const char *mode;   /* "live" "sim" */
  const char *commit; /* of the binary */
  size_t n_seeds;
  struct sweep_row *rows; /* [setting * n_seeds + seed - seed_first] */
  size_t n_rows;
  uint8_t priorities[256]; /* those that any setting's tracks have, ascending */
  size_t n_priorities;
};

/* All rows empty. 0, or -1: no memory. plan, mode and commit must outlive it. */
int report_sweep_open(struct report_sweep *sweep, const struct plan_sweep *plan, const char *mode,
                      const char *commit);
void report_sweep_close(struct report_sweep *sweep);

/* "on_time_share" ... as in the CSV. */
const char *sweep_figure_name(enum sweep_figure figure);
/* A value for people, with its unit: "41.20 %", "12.34 ms". */
char *sweep_figure_text(char buf[40], enum sweep_figure figure, double value);

/* Mean of a setting's runs. */
struct stat_interval sweep_mean(const struct report_sweep *sweep, size_t setting,
                                enum sweep_figure figure);

/* One setting against another that differs in one path. */
struct sweep_pair {
  size_t path;     /* which one differs */
  size_t from, to; /* settings; `from` has the first value */
};
/* Calls put for each pair, path by path, then by setting. */
void sweep_each_pair(const struct report_sweep *sweep,
                     void (*put)(void *arg, const struct sweep_pair *pair), void *arg);
/* Of the pairs of runs in it: to - from, and both means. */
struct sweep_difference {
  struct stat_interval apart;
  double mean_from, mean_to;
};
struct sweep_difference sweep_compare(const struct report_sweep *sweep,
                                      const struct sweep_pair *pair, enum sweep_figure figure);
/* The values of the other paths: "links.1.rate=1mbit tracks...", or "". free() it. */
char *sweep_context(const struct report_sweep *sweep, const struct sweep_pair *pair);

/* ---- files and tables; errors stay in the FILE ---- */

void report_sweep_csv(FILE *to, const struct report_sweep *sweep);         /* a row a run */
void report_sweep_differences(FILE *to, const struct report_sweep *sweep); /* a row a pair */
void report_sweep_html(FILE *to, const struct report_sweep *sweep);
void report_sweep_text(FILE *to, const struct report_sweep *sweep, bool colour);
/* The same table, an object a line. */
void report_sweep_json(FILE *to, const struct report_sweep *sweep);

#endif
