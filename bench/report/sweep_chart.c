#include "bench/report/sweep_chart.h"

#include <math.h>
#include <stdlib.h>

#include "bench/report/text.h"
#include "bench/scenario/limits.h"

enum { WIDTH = 940, LEFT = 96, RIGHT = 190, TOP = 16, HEIGHT = 220, BOTTOM = 44 };
enum { ROW = 24, NAMES = 430, VALUES = 130, MOST_ROWS = 64 };

const char *sweep_chart_title(enum sweep_figure figure) {
  static const char *const titles[SWEEP_FIGURES] = {
      [SWEEP_ON_TIME] = "On time",     [SWEEP_STALL] = "Stalled",   [SWEEP_P50] = "Latency p50",
      [SWEEP_P99] = "Latency p99",     [SWEEP_GOODPUT] = "Goodput", [SWEEP_WASTED] = "Wasted",
      [SWEEP_JAIN] = "Fairness (Jain)"};
  return titles[figure];
}

/* Told apart by hue and by mark, so that neither alone has to do. */
void sweep_chart_style(FILE *to) {
  static const char *const light[] = {"#2a63c8", "#c2410c", "#1c7a3c", "#8b3fb8",
                                      "#8a5a00", "#0e7490", "#b3266e", "#5d5c57"};
  static const char *const dark[] = {"#7aa7ff", "#ff9d66", "#6fcf8b", "#c99bf0",
                                     "#f0bd5e", "#67d3ea", "#ff8fc0", "#a5a49c"};
  for (unsigned i = 0; i < 8; i++)
    fprintf(to, "svg .s%u { stroke: %s; fill: %s; }\n", i, light[i], light[i]);
  fputs("@media (prefers-color-scheme: dark) {\n", to);
  for (unsigned i = 0; i < 8; i++)
    fprintf(to, "  svg .s%u { stroke: %s; fill: %s; }\n", i, dark[i], dark[i]);
  fputs(
      "}\n"
      "svg .curve { fill: none; stroke-width: 2; opacity: .7; }\n"
      "svg .whisker { stroke-width: 2; fill: none; }\n"
      "svg .axis { stroke: var(--soft); }\n"
      "svg .bar { stroke: var(--soft); stroke-width: 2; }\n"
      "svg .bar.clear { stroke: var(--data); stroke-width: 4; }\n"
      "svg .dot { fill: var(--soft); } svg .dot.clear { fill: var(--data); }\n",
      to);
}

/* ---- scales ---------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten that is at least v; 1 for 0. */
static double round_up(double v) {
  if (!(v > 0))
    return 1;
  double decade = pow(10, floor(log10(v)));
  static const double steps[] = {1, 2, 5, 10};
  for (size_t i = 0; i < 4; i++)
    if (steps[i] * decade >= v * (1 - 1e-12))
      return steps[i] * decade;
  return 10 * decade;
}

static int place(double v, double lo, double hi, int from, int to) {
  double share = hi > lo ? (v - lo) / (hi - lo) : 0;
  share = share < 0 ? 0 : share > 1 ? 1 : share;
  return from + (int)lround(share * (to - from));
}

static bool is_share(enum sweep_figure figure) {
  return figure == SWEEP_ON_TIME || figure == SWEEP_STALL || figure == SWEEP_JAIN;
}

/* ---- curves ----------------------------------------------------------------------------- */

struct curves {
  FILE *to;
  const struct report_sweep *sweep;
  enum sweep_figure figure;
  size_t middle; /* value of the middle path */
  double most;
};

static const struct plan_sweep_path *first_path(const struct plan_sweep *plan) {
  return &plan->paths[0];
}

static const struct plan_sweep_path *last_path(const struct plan_sweep *plan) {
  return &plan->paths[plan->n_paths - 1];
}

/* With one path there is one series, with two or three one a value of the first. */
static size_t n_series(const struct plan_sweep *plan) {
  return plan->n_paths > 1 ? first_path(plan)->n : 1;
}

static size_t setting_of(const struct curves *c, size_t series, size_t x) {
  const struct plan_sweep *plan = c->sweep->plan;
  size_t per = last_path(plan)->n;
  if (plan->n_paths == 1)
    return x;
  if (plan->n_paths == 2)
    return series * per + x;
  return (series * plan->paths[1].n + c->middle) * per + x;
}

static int place_x(const struct curves *c, size_t x) {
  size_t n = last_path(c->sweep->plan)->n;
  int room = WIDTH - LEFT - RIGHT;
  return LEFT + (int)((2 * x + 1) * (size_t)room / (2 * n));
}

static int place_y(const struct curves *c, double v) {
  return place(v, 0, c->most, TOP + HEIGHT, TOP);
}

static double find_most(const struct curves *c) {
  const struct plan_sweep *plan = c->sweep->plan;
  double most = 0;
  for (size_t s = 0; s < plan->n_settings; s++) { /* of all plots, so that they compare */
    struct stat_interval m = sweep_mean(c->sweep, s, c->figure);
    if (m.n && m.mean + m.half > most)
      most = m.mean + m.half;
  }
  most = round_up(most);
  return is_share(c->figure) && most > 1 ? 1 : most;
}

static void put_axes(const struct curves *c) {
  const struct plan_sweep_path *path = last_path(c->sweep->plan);
  char label[40];
  for (int i = 0; i <= 4; i++) {
    double v = c->most * i / 4;
    int y = place_y(c, v);
    fprintf(c->to, "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", LEFT, y,
            WIDTH - RIGHT, y);
    fprintf(c->to, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%s</text>\n",
            LEFT - 8, y + 4, sweep_figure_text(label, c->figure, v));
  }
  for (size_t x = 0; x < path->n; x++) {
    fprintf(c->to, "<text class=\"tick\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">", place_x(c, x),
            TOP + HEIGHT + 18);
    report_text_xml(c->to, path->values[x]);
    fputs("</text>\n", c->to);
  }
  fprintf(c->to, "<text class=\"name\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">",
          LEFT + (WIDTH - LEFT - RIGHT) / 2, TOP + HEIGHT + 38);
  report_text_xml(c->to, path->path);
  fputs("</text>\n", c->to);
}

static void put_mark(FILE *to, size_t series, int x, int y) {
  unsigned hue = (unsigned)(series % 8);
  switch (series % 4) {
  case 0:
    fprintf(to, "<circle class=\"s%u\" cx=\"%d\" cy=\"%d\" r=\"5\"/>", hue, x, y);
    break;
  case 1:
    fprintf(to, "<rect class=\"s%u\" x=\"%d\" y=\"%d\" width=\"9\" height=\"9\"/>", hue, x - 4,
            y - 4);
    break;
  case 2:
    fprintf(to, "<path class=\"s%u\" d=\"M%d %dl6 10h-12z\"/>", hue, x, y - 6);
    break;
  default:
    fprintf(to, "<path class=\"s%u\" d=\"M%d %dl6 6l-6 6l-6 -6z\"/>", hue, x, y - 6);
  }
}

static void put_point(const struct curves *c, size_t series, int x, const struct stat_interval *m,
                      const char *name) {
  char mean[40], half[40];
  int y = place_y(c, m->mean);
  fputs("<g><title>", c->to);
  report_text_xml(c->to, name);
  fprintf(c->to, ": %s", sweep_figure_text(mean, c->figure, m->mean));
  if (m->known) {
    int low = place_y(c, m->mean - m->half), high = place_y(c, m->mean + m->half);
    fprintf(c->to, " +- %s of %zu runs</title>", sweep_figure_text(half, c->figure, m->half), m->n);
    fprintf(c->to, "<path class=\"whisker s%u\" d=\"M%d %dV%dM%d %dh8M%d %dh8\"/>",
            (unsigned)(series % 8), x, low, high, x - 4, low, x - 4, high);
  } else
    fputs(", one run</title>", c->to);
  put_mark(c->to, series, x, y);
  fputs("</g>\n", c->to);
}

/* Series stand a little apart, so that none hides another. */
static int apart(const struct curves *c, size_t series) {
  size_t n = n_series(c->sweep->plan);
  return (int)(series * 12) - (int)((n - 1) * 6);
}

static void put_series(const struct curves *c, size_t series) {
  const struct plan_sweep *plan = c->sweep->plan;
  const char *name = plan->n_paths > 1 ? first_path(plan)->values[series] : "";
  char pen = 'M';
  fprintf(c->to, "<path class=\"curve s%u\" style=\"fill:none\" d=\"", (unsigned)(series % 8));
  for (size_t x = 0; x < last_path(plan)->n; x++) {
    struct stat_interval m = sweep_mean(c->sweep, setting_of(c, series, x), c->figure);
    if (!m.n)
      continue;
    fprintf(c->to, "%c%d %d", pen, place_x(c, x) + apart(c, series), place_y(c, m.mean));
    pen = 'L';
  }
  fputs("\"/>\n", c->to);
  for (size_t x = 0; x < last_path(plan)->n; x++) {
    struct stat_interval m = sweep_mean(c->sweep, setting_of(c, series, x), c->figure);
    if (m.n)
      put_point(c, series, place_x(c, x) + apart(c, series), &m, name);
  }
}

static void put_legend(const struct curves *c) {
  const struct plan_sweep *plan = c->sweep->plan;
  for (size_t i = 0; plan->n_paths > 1 && i < n_series(plan); i++) {
    int y = TOP + 10 + (int)i * 20;
    put_mark(c->to, i, WIDTH - RIGHT + 20, y);
    fprintf(c->to, "<text class=\"tick\" x=\"%d\" y=\"%d\">", WIDTH - RIGHT + 34, y + 4);
    report_text_xml(c->to, first_path(plan)->values[i]);
    fputs("</text>\n", c->to);
  }
}

static void put_plot(const struct curves *c) {
  const struct plan_sweep *plan = c->sweep->plan;
  fputs("<h3>", c->to);
  fputs(sweep_chart_title(c->figure), c->to);
  if (plan->n_paths > 2) {
    fputs(", ", c->to);
    report_text_xml(c->to, plan->paths[1].path);
    fputs(" = ", c->to);
    report_text_xml(c->to, plan->paths[1].values[c->middle]);
  }
  fprintf(c->to,
          "</h3>\n<div class=\"chart\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
          "aria-label=\"%s by setting, with 95 %% confidence intervals\">\n",
          WIDTH, TOP + HEIGHT + BOTTOM, sweep_chart_title(c->figure));
  put_axes(c);
  for (size_t i = 0; i < n_series(plan); i++)
    put_series(c, i);
  put_legend(c);
  fputs("</svg></div>\n", c->to);
}

void sweep_chart_curves(FILE *to, const struct report_sweep *sweep, enum sweep_figure figure) {
  struct curves c = {.to = to, .sweep = sweep, .figure = figure};
  size_t plots = sweep->plan->n_paths > 2 ? sweep->plan->paths[1].n : 1;
  c.most = find_most(&c);
  for (c.middle = 0; c.middle < plots; c.middle++)
    put_plot(&c);
}

/* ---- forest -------------------------------------------------------------------------------- */

struct forest {
  FILE *to;
  const struct report_sweep *sweep;
  enum sweep_figure figure;
  double most; /* the plot is from -most to most */
  size_t rows;
};

static void weigh(void *arg, const struct sweep_pair *pair) {
  struct forest *f = arg;
  struct stat_interval d = sweep_compare(f->sweep, pair, f->figure).apart;
  double far = fabs(d.mean) + d.half;
  f->rows++;
  if (d.n && far > f->most)
    f->most = far;
}

static void put_pair_name(const struct forest *f, const struct sweep_pair *pair) {
  const struct plan_sweep *plan = f->sweep->plan;
  const struct plan_sweep_path *path = &plan->paths[pair->path];
  char *context = sweep_context(f->sweep, pair);
  report_text_xml(f->to, path->values[plan_sweep_value(plan, pair->to, pair->path)]);
  fputs(" against ", f->to);
  report_text_xml(f->to, path->values[0]);
  if (context && *context) {
    fputs(", ", f->to);
    report_text_xml(f->to, context);
  }
  free(context);
}

static void put_bar(void *arg, const struct sweep_pair *pair) {
  struct forest *f = arg;
  struct stat_interval d = sweep_compare(f->sweep, pair, f->figure).apart;
  if (f->rows == MOST_ROWS)
    return;
  int y = (int)f->rows++ * ROW + TOP + ROW / 2, from = NAMES, to = WIDTH - VALUES;
  const char *clear = stat_differs(&d) ? " clear" : "";
  char value[40];
  fprintf(f->to, "<text class=\"name\" text-anchor=\"end\" x=\"%d\" y=\"%d\">", NAMES - 12, y + 4);
  put_pair_name(f, pair);
  fputs("</text>", f->to);
  if (!d.n) {
    fputs("\n", f->to);
    return;
  }
  int x = place(d.mean, -f->most, f->most, from, to);
  if (d.known)
    fprintf(f->to, "<line class=\"bar%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", clear,
            place(d.mean - d.half, -f->most, f->most, from, to), y,
            place(d.mean + d.half, -f->most, f->most, from, to), y);
  fprintf(f->to, "<circle class=\"dot%s\" cx=\"%d\" cy=\"%d\" r=\"5\"/>", clear, x, y);
  fprintf(f->to, "<text class=\"value\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%s%s</text>\n", WIDTH,
          y + 4, d.mean > 0 ? "+" : "", sweep_figure_text(value, f->figure, d.mean));
}

void sweep_chart_forest(FILE *to, const struct report_sweep *sweep, enum sweep_figure figure) {
  struct forest f = {.to = to, .sweep = sweep, .figure = figure};
  char label[40];
  sweep_each_pair(sweep, weigh, &f);
  size_t rows = f.rows < MOST_ROWS ? f.rows : MOST_ROWS;
  int bottom = TOP + (int)rows * ROW, middle = (NAMES + WIDTH - VALUES) / 2;
  if (rows == 0)
    return;
  f.most = round_up(f.most);
  fprintf(to, "<h3>%s</h3>\n", sweep_chart_title(figure));
  if (rows < f.rows)
    fprintf(to, "<p class=\"soft\">The first %zu of %zu pairs; differences.csv has all.</p>\n",
            rows, f.rows);
  fprintf(to,
          "<div class=\"chart\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
          "aria-label=\"Paired differences of %s with 95 %% confidence intervals\">\n",
          WIDTH, bottom + 30, sweep_chart_title(figure));
  for (int i = -2; i <= 2; i++) {
    double v = f.most * i / 2;
    int x = place(v, -f.most, f.most, NAMES, WIDTH - VALUES);
    fprintf(to, "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", x, TOP, x,
            bottom);
    fprintf(to, "<text class=\"tick\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">%s</text>\n", x,
            bottom + 18, sweep_figure_text(label, figure, v + 0.0));
  }
  fprintf(to, "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", middle, TOP,
          middle, bottom);
  f.rows = 0;
  sweep_each_pair(sweep, put_bar, &f);
  fputs("</svg></div>\n", to);
}
