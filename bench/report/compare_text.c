/* A comparison in words, JSON and CSV. */
#include <inttypes.h>
#include <string.h>

#include "bench/report/compare.h"
#include "bench/report/text.h"

static char *signed_duration(char buf[REPORT_TEXT_NUMBER], int64_t ns) {
  char plain[REPORT_TEXT_NUMBER];
  uint64_t size = ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
  snprintf(buf, REPORT_TEXT_NUMBER, "%s%s",
           ns < 0   ? "-"
           : ns > 0 ? "+"
                    : "",
           report_text_duration(plain, size));
  return buf;
}

static int width_of_tracks(const struct compare *c) {
  size_t width = strlen("all");
  for (size_t i = 0; i < c->a.plan->n_tracks; i++) {
    size_t len = strlen(c->a.plan->tracks[i].name);
    width = len > width ? len : width;
  }
  return (int)width;
}

static void put_row(FILE *to, int width, const char *track, const struct compare_figures *f) {
  char t[10][REPORT_TEXT_NUMBER];
  uint32_t sooner = (uint32_t)(f->a_sooner * 1000000 / f->n);
  fprintf(to, "%-*s %9s  %9s %9s  %9s %9s  %9s %9s %9s %9s  %8s\n", width, track,
          report_text_count(t[0], f->n), report_text_duration(t[1], f->a_p50_ns),
          report_text_duration(t[2], f->a_p99_ns), report_text_duration(t[3], f->b_p50_ns),
          report_text_duration(t[4], f->b_p99_ns), signed_duration(t[5], f->least_ns),
          signed_duration(t[6], f->p50_ns), signed_duration(t[7], f->p99_ns),
          signed_duration(t[8], f->most_ns), report_text_percent(t[9], sooner));
}

static void put_head(const struct compare *c, FILE *to, int width) {
  char count[3][REPORT_TEXT_NUMBER];
  fputs("A  ", to);
  report_text_terminal(to, c->a.name);
  fprintf(to, " (%zu subscriber%s)\nB  ", c->a.n_nodes, c->a.n_nodes == 1 ? "" : "s");
  report_text_terminal(to, c->b.name);
  fprintf(to, "\n%s objects at both, %s at A alone, %s at B alone\n\n",
          report_text_count(count[0], c->n), report_text_count(count[1], c->only_a),
          report_text_count(count[2], c->only_b));
  fprintf(to, "%*s  %19s  %19s  %39s\n", width + 10, "", "latency at A", "latency at B",
          "B later by");
  fprintf(to, "%-*s %9s  %9s %9s  %9s %9s  %9s %9s %9s %9s  %8s\n", width, "track", "objects",
          "p50", "p99", "p50", "p99", "least", "p50", "p99", "most", "A first");
}

int compare_print(const struct compare *c, FILE *to) {
  struct compare_figures f;
  int width = width_of_tracks(c);
  put_head(c, to, width);
  for (size_t i = 0; i < c->a.plan->n_tracks; i++) {
    if (compare_figures_of(c, (int)i, &f))
      return -1;
    if (f.n)
      put_row(to, width, c->a.plan->tracks[i].name, &f);
  }
  if (compare_figures_of(c, -1, &f))
    return -1;
  if (f.n)
    put_row(to, width, "all", &f);
  return 0;
}

static void put_json(FILE *to, const char *track, const struct compare_figures *f) {
  fputs("{\"track\": ", to);
  if (track)
    report_text_json(to, track);
  else
    fputs("null", to);
  fprintf(to, ", \"objects\": %zu", f->n);
  fprintf(to, ", \"a\": {\"p50\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64 "}",
          f->a_p50_ns, f->a_p99_ns, f->a_max_ns);
  fprintf(to, ", \"b\": {\"p50\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"max\": %" PRIu64 "}",
          f->b_p50_ns, f->b_p99_ns, f->b_max_ns);
  fprintf(to,
          ", \"difference\": {\"least\": %" PRId64 ", \"p50\": %" PRId64 ", \"p99\": %" PRId64
          ", \"most\": %" PRId64 "}",
          f->least_ns, f->p50_ns, f->p99_ns, f->most_ns);
  fprintf(to, ", \"a_sooner\": %" PRIu64 ", \"b_sooner\": %" PRIu64 "}\n", f->a_sooner,
          f->b_sooner);
}

int compare_json(const struct compare *c, FILE *to) {
  struct compare_figures f;
  for (size_t i = 0; i < c->a.plan->n_tracks; i++) {
    if (compare_figures_of(c, (int)i, &f))
      return -1;
    if (f.n)
      put_json(to, c->a.plan->tracks[i].name, &f);
  }
  if (compare_figures_of(c, -1, &f))
    return -1;
  put_json(to, NULL, &f);
  return 0;
}

void compare_csv(const struct compare *c, FILE *to) {
  fputs("track,group,object,a,b,a_ns,b_ns,difference_ns\n", to);
  for (size_t i = 0; i < c->n; i++) {
    const struct compare_pair *p = &c->pairs[i];
    report_text_csv(to, c->a.plan->tracks[p->track].name);
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",", p->group, p->object);
    report_text_csv(to, c->a.plan->nodes[c->a.nodes[p->rank]].name);
    fputc(',', to);
    report_text_csv(to, c->b.plan->nodes[c->b.nodes[p->rank]].name);
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRId64 "\n", p->a_ns, p->b_ns,
            (int64_t)(p->b_ns - p->a_ns));
  }
}
