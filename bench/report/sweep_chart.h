/* Plots of a sweep as SVG inside a page: no script, nothing loaded. Coordinates are whole
 * numbers, so the same rows give the same bytes. */
#ifndef FANBENCH_REPORT_SWEEP_CHART_H
#define FANBENCH_REPORT_SWEEP_CHART_H

#include "bench/report/sweep.h"

/* Series of a curve: as many as a path has values. */
#define SWEEP_CHART_SERIES PLAN_MAX_SWEEP_VALUES

/* A figure over the values of the last path, one series a value of the first, with
 * confidence intervals; of three paths one plot a value of the middle one. */
void sweep_chart_curves(FILE *to, const struct report_sweep *sweep, enum sweep_figure figure);

/* The differences of a figure, one bar a pair. */
void sweep_chart_forest(FILE *to, const struct report_sweep *sweep, enum sweep_figure figure);

/* "<style>" rules of the series' colours. */
void sweep_chart_style(FILE *to);

/* What people call it: "On time", "Latency p99". */
const char *sweep_chart_title(enum sweep_figure figure);

#endif
