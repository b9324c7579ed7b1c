/* sweep.html: one self-contained page; see sweep.h. */
#include <inttypes.h>
#include <string.h>

#include "bench/report/sweep.h"
#include "bench/report/sweep_chart.h"
#include "bench/report/template.h"
#include "bench/report/text.h"
#include "bench/report/view.h"
#include "embed/style_css.h"
#include "embed/sweep_html.h"

typedef void part_fn(FILE *to, const struct report_sweep *sweep);

static void put_title(FILE *to, const struct report_sweep *sweep) {
  report_text_xml(to, sweep->plan->name);
}

static void put_style(FILE *to, const struct report_sweep *sweep) {
  (void)sweep;
  fputs((const char *)embed_style_css, to);
}

static void put_series(FILE *to, const struct report_sweep *sweep) {
  (void)sweep;
  fputs("h3 { font-size: 15px; margin: 22px 0 8px; }\n", to);
  sweep_chart_style(to);
}

static void put_heading(FILE *to, const struct report_sweep *sweep) {
  size_t failed = 0, done = 0;
  for (size_t i = 0; i < sweep->n_rows; i++) {
    done += sweep->rows[i].done;
    failed += sweep->rows[i].done && sweep->rows[i].verdict != REPORT_PASS;
  }
  fputs("<p class=\"verdict\">sweep</p>\n<h1>", to);
  report_text_xml(to, sweep->plan->name);
  fputs("</h1>\n", to);
  if (*sweep->plan->settings[0]->about) {
    fputs("<p>", to);
    report_text_xml(to, sweep->plan->settings[0]->about);
    fputs("</p>\n", to);
  }
  fprintf(to, "<p class=\"%s\">%zu runs; %zu not passed by the judge and left out.</p>\n",
          failed ? "fail" : "soft", done, failed);
}

static void put_facts(FILE *to, const struct report_sweep *sweep) {
  const struct plan_sweep *plan = sweep->plan;
  char buf[REPORT_TEXT_NUMBER];
  fputs("<dl>\n<dt>scenario</dt><dd>", to);
  report_text_xml(to, plan->settings[0]->name);
  fprintf(to, "</dd>\n<dt>mode</dt><dd>%s</dd>\n", sweep->mode);
  fprintf(to, "<dt>seeds</dt><dd>%" PRIu64 " to %" PRIu64 "</dd>\n", plan->seed_first,
          plan->seed_last);
  for (size_t p = 0; p < plan->n_paths; p++) {
    fputs("<dt>", to);
    report_text_xml(to, plan->paths[p].path);
    fputs("</dt><dd>", to);
    for (size_t v = 0; v < plan->paths[p].n; v++) {
      fputs(v ? ", " : "", to);
      report_text_xml(to, plan->paths[p].values[v]);
    }
    fputs("</dd>\n", to);
  }
  fputs("<dt>budget</dt><dd>", to);
  fputs(plan->on_time_ns ? report_text_duration(buf, plan->on_time_ns)
                         : "the delivery timeout of each subscription",
        to);
  fputs("</dd>\n<dt>commit</dt><dd>", to);
  report_text_xml(to, sweep->commit);
  fputs("</dd>\n</dl>\n<p class=\"soft\">", to);
  report_text_xml(to, REPORT_VIEW_CAVEAT);
  fputs("</p>\n", to);
}

static void put_values(FILE *to, const struct report_sweep *sweep, size_t setting) {
  const struct plan_sweep *plan = sweep->plan;
  for (size_t p = 0; p < plan->n_paths; p++) {
    fputs("<td>", to);
    report_text_xml(to, plan->paths[p].values[plan_sweep_value(plan, setting, p)]);
    fputs("</td>", to);
  }
}

static void put_names(FILE *to, const struct report_sweep *sweep) {
  fputs("<div class=\"wide\"><table><thead><tr>", to);
  for (size_t p = 0; p < sweep->plan->n_paths; p++) {
    fputs("<th>", to);
    report_text_xml(to, sweep->plan->paths[p].path);
    fputs("</th>", to);
  }
}

static void put_settings(FILE *to, const struct report_sweep *sweep) {
  char mean[40], half[40];
  put_names(to, sweep);
  fputs("<th class=\"n\">runs</th>", to);
  for (enum sweep_figure f = 0; f < SWEEP_FIGURES; f++)
    fprintf(to, "<th class=\"n\">%s</th>", sweep_chart_title(f));
  fputs("</tr></thead><tbody>\n", to);
  for (size_t s = 0; s < sweep->plan->n_settings; s++) {
    fputs("<tr>", to);
    put_values(to, sweep, s);
    fprintf(to, "<td class=\"n\">%zu</td>", sweep_mean(sweep, s, SWEEP_ON_TIME).n);
    for (enum sweep_figure f = 0; f < SWEEP_FIGURES; f++) {
      struct stat_interval m = sweep_mean(sweep, s, f);
      fputs("<td class=\"n\">", to);
      fputs(m.n ? sweep_figure_text(mean, f, m.mean) : "&ndash;", to);
      if (m.known)
        fprintf(to, "<br><span class=\"soft\">&plusmn; %s</span>",
                sweep_figure_text(half, f, m.half));
      fputs("</td>", to);
    }
    fputs("</tr>\n", to);
  }
  fputs("</tbody></table></div>\n", to);
}

static void put_curves(FILE *to, const struct report_sweep *sweep) {
  static const enum sweep_figure order[] = {SWEEP_ON_TIME, SWEEP_STALL,  SWEEP_P50, SWEEP_P99,
                                            SWEEP_GOODPUT, SWEEP_WASTED, SWEEP_JAIN};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
    sweep_chart_curves(to, sweep, order[i]);
}

static void put_forests(FILE *to, const struct report_sweep *sweep) {
  static const enum sweep_figure order[] = {SWEEP_ON_TIME, SWEEP_STALL, SWEEP_P99, SWEEP_GOODPUT,
                                            SWEEP_WASTED};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
    sweep_chart_forest(to, sweep, order[i]);
}

static void put_priorities(FILE *to, const struct report_sweep *sweep) {
  char buf[REPORT_TEXT_NUMBER];
  put_names(to, sweep);
  for (size_t i = 0; i < sweep->n_priorities; i++)
    fprintf(to, "<th class=\"n\">priority %u</th>", sweep->priorities[i]);
  fputs("</tr></thead><tbody>\n", to);
  for (size_t s = 0; s < sweep->plan->n_settings; s++) {
    fputs("<tr>", to);
    put_values(to, sweep, s);
    for (size_t i = 0; i < sweep->n_priorities; i++) {
      uint64_t due = 0, on_time = 0;
      for (size_t k = 0; k < sweep->n_seeds; k++) {
        const struct sweep_row *row = &sweep->rows[s * sweep->n_seeds + k];
        if (!row->done || row->verdict != REPORT_PASS)
          continue;
        due += row->priorities[i].due;
        on_time += row->priorities[i].on_time;
      }
      fprintf(to, "<td class=\"n\">%s of ", report_text_count(buf, on_time));
      fprintf(to, "%s</td>", report_text_count(buf, due));
    }
    fputs("</tr>\n", to);
  }
  fputs("</tbody></table></div>\n", to);
}

static void put_again(FILE *to, const struct report_sweep *sweep) {
  fputs("<pre>fanbench sweep ", to);
  report_text_xml(to, sweep->plan->name);
  fprintf(to,
          ".yaml --mode %s</pre>\n<p>sweep.csv has a row a run, differences.csv a row a pair "
          "and figure.</p>\n",
          sweep->mode);
}

static const struct {
  const char *name;
  part_fn *put;
} parts[] = {{"title", put_title},     {"style", put_style},     {"series", put_series},
             {"heading", put_heading}, {"facts", put_facts},     {"settings", put_settings},
             {"curves", put_curves},   {"forests", put_forests}, {"priorities", put_priorities},
             {"again", put_again}};

static void put_part(void *arg, FILE *to, const char *name, size_t len) {
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (strlen(parts[i].name) == len && !strncmp(parts[i].name, name, len))
      parts[i].put(to, arg);
}

void report_sweep_html(FILE *to, const struct report_sweep *sweep) {
  struct report_sweep all = *sweep;
  report_template(to, (const char *)embed_sweep_html, put_part, &all);
}
