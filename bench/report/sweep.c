#include "bench/report/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "bench/report/text.h"

/* ---- the table ---------------------------------------------------------------------- */

static void note_priorities(const struct plan *plan, bool *has) {
  for (size_t i = 0; i < plan->n_tracks; i++) {
    const struct plan_track *track = &plan->tracks[i];
    if (!track->trace)
      has[track->priority] = true;
    for (size_t k = 0; track->trace && k < track->n_trace; k++)
      has[track->trace[k].priority] = true;
  }
}

int report_sweep_open(struct report_sweep *sweep, const struct plan_sweep *plan, const char *mode,
                      const char *commit) {
  bool has[256] = {false};
  *sweep = (struct report_sweep){.plan = plan,
                                 .mode = mode,
                                 .commit = commit,
                                 .n_seeds = (size_t)(plan->seed_last - plan->seed_first + 1)};
  for (size_t i = 0; i < plan->n_settings; i++)
    note_priorities(plan->settings[i], has);
  for (unsigned p = 0; p < 256; p++)
    if (has[p])
      sweep->priorities[sweep->n_priorities++] = (uint8_t)p;
  sweep->n_rows = plan->n_settings * sweep->n_seeds;
  sweep->rows = calloc(sweep->n_rows + 1, sizeof *sweep->rows);
  bool ok = sweep->rows != NULL;
  for (size_t i = 0; ok && i < sweep->n_rows; i++) {
    sweep->rows[i].priorities = calloc(sweep->n_priorities + 1, sizeof(struct measure_priority));
    ok = sweep->rows[i].priorities != NULL;
  }
  if (!ok)
    report_sweep_close(sweep);
  return ok ? 0 : -1;
}

void report_sweep_close(struct report_sweep *sweep) {
  for (size_t i = 0; sweep->rows && i < sweep->n_rows; i++)
    free(sweep->rows[i].priorities);
  free(sweep->rows);
  *sweep = (struct report_sweep){0};
}

/* ---- figures ------------------------------------------------------------------------- */

const char *sweep_figure_name(enum sweep_figure figure) {
  static const char *const names[SWEEP_FIGURES] = {[SWEEP_ON_TIME] = "on_time_share",
                                                   [SWEEP_STALL] = "stall_share",
                                                   [SWEEP_P50] = "latency_p50_ns",
                                                   [SWEEP_P99] = "latency_p99_ns",
                                                   [SWEEP_GOODPUT] = "goodput_bps",
                                                   [SWEEP_WASTED] = "wasted_bytes",
                                                   [SWEEP_JAIN] = "jain"};
  return names[figure];
}

char *sweep_figure_text(char buf[40], enum sweep_figure figure, double value) {
  switch (figure) {
  case SWEEP_ON_TIME:
  case SWEEP_STALL:
    snprintf(buf, 40, "%.2f %%", value * 100);
    break;
  case SWEEP_P50:
  case SWEEP_P99:
    snprintf(buf, 40, "%.1f ms", value / 1e6);
    break;
  case SWEEP_GOODPUT:
    snprintf(buf, 40, "%.3f Mbit/s", value / 1e6);
    break;
  case SWEEP_WASTED:
    snprintf(buf, 40, "%.1f kB", value / 1e3);
    break;
  default:
    snprintf(buf, 40, "%.3f", value);
  }
  return buf;
}

/* False: the run was not passed, or nothing was delivered that has a latency. */
static bool value_of(const struct sweep_row *row, enum sweep_figure figure, double *value) {
  const struct measure *m = &row->figures;
  if (!row->done || row->verdict != REPORT_PASS)
    return false;
  switch (figure) {
  case SWEEP_ON_TIME:
    *value = m->on_time_ppm / 1e6;
    return true;
  case SWEEP_STALL:
    *value = m->stall_ppm / 1e6;
    return true;
  case SWEEP_P50:
    *value = (double)m->latency_p50_ns;
    return m->has_latency;
  case SWEEP_P99:
    *value = (double)m->latency_p99_ns;
    return m->has_latency;
  case SWEEP_GOODPUT:
    *value = (double)m->goodput_bps;
    return true;
  case SWEEP_WASTED:
    *value = (double)m->wasted_bytes;
    return true;
  default:
    *value = m->jain_ppm / 1e6;
    return true;
  }
}

struct stat_interval sweep_mean(const struct report_sweep *sweep, size_t setting,
                                enum sweep_figure figure) {
  struct stat_interval out = {0};
  double *x = calloc(sweep->n_seeds + 1, sizeof *x);
  size_t n = 0;
  for (size_t i = 0; x && i < sweep->n_seeds; i++)
    n += value_of(&sweep->rows[setting * sweep->n_seeds + i], figure, &x[n]);
  if (x)
    out = stat_interval_of(x, n);
  free(x);
  return out;
}

/* ---- pairs ------------------------------------------------------------------------------ */

/* How far apart two settings are that differ by one in path p. */
static size_t stride(const struct plan_sweep *plan, size_t p) {
  size_t n = 1;
  for (size_t i = p + 1; i < plan->n_paths; i++)
    n *= plan->paths[i].n;
  return n;
}

void sweep_each_pair(const struct report_sweep *sweep,
                     void (*put)(void *arg, const struct sweep_pair *pair), void *arg) {
  const struct plan_sweep *plan = sweep->plan;
  for (size_t p = 0; p < plan->n_paths; p++)
    for (size_t to = 0; to < plan->n_settings; to++) {
      size_t v = plan_sweep_value(plan, to, p);
      if (v > 0)
        put(arg, &(struct sweep_pair){.path = p, .from = to - v * stride(plan, p), .to = to});
    }
}

struct sweep_difference sweep_compare(const struct report_sweep *sweep,
                                      const struct sweep_pair *pair, enum sweep_figure figure) {
  struct sweep_difference out = {0};
  double *from = calloc(sweep->n_seeds + 1, sizeof *from);
  double *to = calloc(sweep->n_seeds + 1, sizeof *to);
  size_t n = 0;
  for (size_t i = 0; from && to && i < sweep->n_seeds; i++)
    n += value_of(&sweep->rows[pair->from * sweep->n_seeds + i], figure, &from[n]) &&
         value_of(&sweep->rows[pair->to * sweep->n_seeds + i], figure, &to[n]);
  if (n > 0) {
    out.apart = stat_paired(from, to, n);
    out.mean_from = stat_mean(from, n);
    out.mean_to = stat_mean(to, n);
  }
  free(from);
  free(to);
  return out;
}

char *sweep_context(const struct report_sweep *sweep, const struct sweep_pair *pair) {
  const struct plan_sweep *plan = sweep->plan;
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  if (!to)
    return NULL;
  const char *before = "";
  for (size_t p = 0; p < plan->n_paths; p++) {
    if (p == pair->path)
      continue;
    fprintf(to, "%s%s=%s", before, plan->paths[p].path,
            plan->paths[p].values[plan_sweep_value(plan, pair->from, p)]);
    before = " ";
  }
  if (fclose(to)) {
    free(text);
    return NULL;
  }
  return text;
}
