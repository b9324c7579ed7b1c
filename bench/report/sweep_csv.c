/* sweep.csv and differences.csv; see sweep.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "bench/report/sweep.h"
#include "bench/report/text.h"

static void put_share(FILE *to, uint32_t ppm) {
  char buf[REPORT_TEXT_NUMBER];
  fprintf(to, ",%s", report_text_share(buf, ppm));
}

static void put_header(FILE *to, const struct report_sweep *sweep) {
  for (size_t p = 0; p < sweep->plan->n_paths; p++) {
    report_text_csv(to, sweep->plan->paths[p].path);
    fputc(',', to);
  }
  fputs("seed,verdict", to);
  for (enum sweep_figure f = 0; f < SWEEP_FIGURES; f++)
    fprintf(to, ",%s", sweep_figure_name(f));
  fputs(",objects_due,objects_delivered,objects_on_time", to);
  for (size_t i = 0; i < sweep->n_priorities; i++)
    fprintf(to, ",due_p%u,delivered_p%u,on_time_p%u", sweep->priorities[i], sweep->priorities[i],
            sweep->priorities[i]);
  fputc('\n', to);
}

static void put_figures(FILE *to, const struct report_sweep *sweep, const struct sweep_row *row) {
  const struct measure *m = &row->figures;
  put_share(to, m->on_time_ppm);
  put_share(to, m->stall_ppm);
  if (m->has_latency)
    fprintf(to, ",%" PRIu64 ",%" PRIu64, m->latency_p50_ns, m->latency_p99_ns);
  else
    fputs(",,", to);
  fprintf(to, ",%" PRIu64 ",%" PRIu64, m->goodput_bps, m->wasted_bytes);
  put_share(to, m->jain_ppm);
  fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, m->due, m->delivered, m->on_time);
  for (size_t i = 0; i < sweep->n_priorities; i++)
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, row->priorities[i].due,
            row->priorities[i].delivered, row->priorities[i].on_time);
}

void report_sweep_csv(FILE *to, const struct report_sweep *sweep) {
  const struct plan_sweep *plan = sweep->plan;
  put_header(to, sweep);
  for (size_t i = 0; i < sweep->n_rows; i++) {
    const struct sweep_row *row = &sweep->rows[i];
    size_t setting = i / sweep->n_seeds;
    if (!row->done)
      continue;
    for (size_t p = 0; p < plan->n_paths; p++) {
      report_text_csv(to, plan->paths[p].values[plan_sweep_value(plan, setting, p)]);
      fputc(',', to);
    }
    fprintf(to, "%" PRIu64 ",%s", plan->seed_first + i % sweep->n_seeds,
            report_verdict_name(row->verdict));
    put_figures(to, sweep, row);
    fputc('\n', to);
  }
}

/* ---- differences ------------------------------------------------------------------------ */

struct putting {
  FILE *to;
  const struct report_sweep *sweep;
};

/* Shares to six digits, all else in whole units and three digits of them. */
static void put_number(FILE *to, enum sweep_figure figure, bool known, double value) {
  bool share = figure == SWEEP_ON_TIME || figure == SWEEP_STALL || figure == SWEEP_JAIN;
  if (known)
    fprintf(to, share ? ",%.6f" : ",%.3f", value + 0.0);
  else
    fputc(',', to);
}

static void put_pair(void *arg, const struct sweep_pair *pair) {
  const struct putting *putting = arg;
  const struct plan_sweep *plan = putting->sweep->plan;
  const struct plan_sweep_path *path = &plan->paths[pair->path];
  char *context = sweep_context(putting->sweep, pair);
  FILE *to = putting->to;
  for (enum sweep_figure f = 0; f < SWEEP_FIGURES; f++) {
    struct sweep_difference d = sweep_compare(putting->sweep, pair, f);
    bool any = d.apart.n > 0;
    report_text_csv(to, path->path);
    fputc(',', to);
    report_text_csv(to, path->values[0]);
    fputc(',', to);
    report_text_csv(to, path->values[plan_sweep_value(plan, pair->to, pair->path)]);
    fputc(',', to);
    report_text_csv(to, context);
    fprintf(to, ",%s,%zu", sweep_figure_name(f), d.apart.n);
    put_number(to, f, any, d.mean_from);
    put_number(to, f, any, d.mean_to);
    put_number(to, f, any, d.apart.mean);
    put_number(to, f, d.apart.known, d.apart.mean - d.apart.half);
    put_number(to, f, d.apart.known, d.apart.mean + d.apart.half);
    fputc('\n', to);
  }
  free(context);
}

void report_sweep_differences(FILE *to, const struct report_sweep *sweep) {
  struct putting putting = {to, sweep};
  fputs("path,base,value,with,figure,pairs,base_mean,value_mean,difference,ci95_low,ci95_high\n",
        to);
  sweep_each_pair(sweep, put_pair, &putting);
}
