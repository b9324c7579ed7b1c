/* The table of a sweep for a terminal, and the same as JSON lines; see sweep.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/sweep.h"
#include "bench/report/text.h"

/* Figures that a person compares first. */
static const struct {
  enum sweep_figure figure;
  const char *title;
  int width;
} shown[] = {{SWEEP_ON_TIME, "on time", 16}, {SWEEP_STALL, "stalled", 16},
             {SWEEP_P99, "p99", 18},         {SWEEP_GOODPUT, "goodput", 21},
             {SWEEP_WASTED, "wasted", 18},   {SWEEP_JAIN, "Jain", 15}};
#define N_SHOWN (sizeof shown / sizeof shown[0])

struct table {
  FILE *to;
  const struct report_sweep *sweep;
  bool colour;
  int names; /* columns for the settings' values */
  size_t path;
};

static const char *value_of(const struct report_sweep *sweep, size_t setting, size_t p) {
  return sweep->plan->paths[p].values[plan_sweep_value(sweep->plan, setting, p)];
}

/* "none  1mbit" */
static int put_values(FILE *to, const struct report_sweep *sweep, size_t setting) {
  int width = 0;
  for (size_t p = 0; p < sweep->plan->n_paths; p++) {
    if (p > 0)
      width += to ? fprintf(to, "  ") : 2;
    width += report_text_terminal(to, value_of(sweep, setting, p));
  }
  return width;
}

static void put_cell(FILE *to, size_t column, const char *text) {
  fprintf(to, "%*s", shown[column].width, text);
}

static void put_titles(const struct table *t, const char *first) {
  fprintf(t->to, "%-*s", t->names, first);
  for (size_t i = 0; i < N_SHOWN; i++)
    put_cell(t->to, i, shown[i].title);
  fputc('\n', t->to);
}

/* "41.20 % +-1.3": the half width in the unit of the value, without repeating it. */
static void put_interval(FILE *to, size_t column, const struct stat_interval *x) {
  enum sweep_figure figure = shown[column].figure;
  char value[40], half[40], cell[96];
  if (x->n == 0) {
    put_cell(to, column, "-");
    return;
  }
  sweep_figure_text(value, figure, x->mean);
  if (!x->known) {
    put_cell(to, column, value);
    return;
  }
  sweep_figure_text(half, figure, x->half);
  half[strcspn(half, " ")] = '\0';
  char *unit = strchr(value, ' ');
  snprintf(cell, sizeof cell, "%.*s+-%s%s", (int)(unit ? unit - value : (long)strlen(value)), value,
           half, unit ? unit : "");
  put_cell(to, column, cell);
}

static void put_settings(const struct table *t) {
  put_titles(t, "setting");
  for (size_t s = 0; s < t->sweep->plan->n_settings; s++) {
    int width = put_values(t->to, t->sweep, s);
    fprintf(t->to, "%*s", t->names - width, "");
    for (size_t i = 0; i < N_SHOWN; i++) {
      struct stat_interval x = sweep_mean(t->sweep, s, shown[i].figure);
      put_interval(t->to, i, &x);
    }
    fputc('\n', t->to);
  }
}

static void put_difference(void *arg, const struct sweep_pair *pair) {
  struct table *t = arg;
  const struct plan_sweep_path *path = &t->sweep->plan->paths[pair->path];
  if (t->path != pair->path) {
    t->path = pair->path;
    fprintf(t->to, "\n");
    report_text_terminal(t->to, path->path);
    fputs(" against ", t->to);
    report_text_terminal(t->to, path->values[0]);
    fputs("\n", t->to);
    put_titles(t, "");
  }
  int width = put_values(t->to, t->sweep, pair->to);
  fprintf(t->to, "%*s", t->names - width, "");
  for (size_t i = 0; i < N_SHOWN; i++) {
    struct sweep_difference d = sweep_compare(t->sweep, pair, shown[i].figure);
    bool differs = stat_differs(&d.apart), last = i + 1 == N_SHOWN;
    char text[40], cell[48] = "-";
    if (d.apart.n > 0)
      snprintf(cell, sizeof cell, "%s%s", d.apart.mean > 0 ? "+" : "",
               sweep_figure_text(text, shown[i].figure, d.apart.mean));
    if (differs && t->colour)
      fputs("\033[1m", t->to);
    fprintf(t->to, "%*s%s", shown[i].width - 2, cell, differs ? " *" : last ? "" : "  ");
    if (differs && t->colour)
      fputs("\033[0m", t->to);
  }
  fputc('\n', t->to);
}

void report_sweep_text(FILE *to, const struct report_sweep *sweep, bool colour) {
  struct table t = {
      .to = to, .sweep = sweep, .colour = colour, .path = SIZE_MAX, .names = sizeof "setting"};
  size_t failed = 0, done = 0;
  for (size_t s = 0; s < sweep->plan->n_settings; s++) {
    int width = put_values(NULL, sweep, s) + 1;
    t.names = width > t.names ? width : t.names;
  }
  for (size_t i = 0; i < sweep->n_rows; i++) {
    done += sweep->rows[i].done;
    failed += sweep->rows[i].done && sweep->rows[i].verdict != REPORT_PASS;
  }
  fputs("SWEEP  ", to);
  report_text_terminal(to, sweep->plan->name);
  fprintf(to, "  (%s, %zu settings of ", sweep->mode, sweep->plan->n_settings);
  for (size_t p = 0; p < sweep->plan->n_paths; p++) {
    fputs(p ? ", " : "", to);
    report_text_terminal(to, sweep->plan->paths[p].path);
  }
  fprintf(to, "; seeds %" PRIu64 "..%" PRIu64 ", commit %s)\n", sweep->plan->seed_first,
          sweep->plan->seed_last, sweep->commit);
  fprintf(to, "%zu runs, %zu not passed and left out\n\n", done, failed);
  put_settings(&t);
  sweep_each_pair(sweep, put_difference, &t);
  fputs(
      "\n+-: half of the 95 % confidence interval. *: the paired difference's interval leaves 0 "
      "out.\nShares differ by percentage points.\n",
      to);
}

/* ---- JSON lines ----------------------------------------------------------------------------- */

static void put_json_value(FILE *to, const char *name, bool known, double value) {
  fprintf(to, known ? ",\"%s\":%.9g" : ",\"%s\":null", name, value + 0.0);
}

static void put_json_values(FILE *to, const struct report_sweep *sweep, size_t setting) {
  fputs("\"values\":{", to);
  for (size_t p = 0; p < sweep->plan->n_paths; p++) {
    fputs(p ? "," : "", to);
    report_text_json(to, sweep->plan->paths[p].path);
    fputc(':', to);
    report_text_json(to, value_of(sweep, setting, p));
  }
  fputc('}', to);
}

static void put_json_difference(void *arg, const struct sweep_pair *pair) {
  const struct table *t = arg;
  const struct plan_sweep_path *path = &t->sweep->plan->paths[pair->path];
  fputs("{\"kind\":\"difference\",\"path\":", t->to);
  report_text_json(t->to, path->path);
  fputs(",\"base\":", t->to);
  report_text_json(t->to, path->values[0]);
  fputc(',', t->to);
  put_json_values(t->to, t->sweep, pair->to);
  for (enum sweep_figure f = 0; f < SWEEP_FIGURES; f++) {
    struct sweep_difference d = sweep_compare(t->sweep, pair, f);
    fprintf(t->to, ",\"%s\":{\"pairs\":%zu", sweep_figure_name(f), d.apart.n);
    put_json_value(t->to, "difference", d.apart.n > 0, d.apart.mean);
    put_json_value(t->to, "ci95_low", d.apart.known, d.apart.mean - d.apart.half);
    put_json_value(t->to, "ci95_high", d.apart.known, d.apart.mean + d.apart.half);
    fputc('}', t->to);
  }
  fputs("}\n", t->to);
}

void report_sweep_json(FILE *to, const struct report_sweep *sweep) {
  struct table t = {.to = to, .sweep = sweep};
  for (size_t s = 0; s < sweep->plan->n_settings; s++) {
    fputs("{\"kind\":\"setting\",", to);
    put_json_values(to, sweep, s);
    for (enum sweep_figure f = 0; f < SWEEP_FIGURES; f++) {
      struct stat_interval x = sweep_mean(sweep, s, f);
      fprintf(to, ",\"%s\":{\"runs\":%zu", sweep_figure_name(f), x.n);
      put_json_value(to, "mean", x.n > 0, x.mean);
      put_json_value(to, "ci95_low", x.known, x.mean - x.half);
      put_json_value(to, "ci95_high", x.known, x.mean + x.half);
      fputc('}', to);
    }
    fputs("}\n", to);
  }
  sweep_each_pair(sweep, put_json_difference, &t);
}
