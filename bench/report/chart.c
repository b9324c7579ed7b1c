#include "bench/report/chart.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bench/report/text.h"

/* Geometry in SVG units. Integers only: every machine draws the same bytes. */
enum { WIDTH = 960, NAMES = 170, VALUES = 150, TOP = 34, ROW = 26, BOTTOM = 30 };
enum { PLOT = WIDTH - NAMES - VALUES };

struct scale {
  uint64_t lo_ns, hi_ns; /* powers of ten */
  unsigned decades;
};

/* Slowest first, then by name's place in the report. */
static int by_p99(const void *a, const void *b) {
  const struct judge_subscriber *x = *(const struct judge_subscriber *const *)a;
  const struct judge_subscriber *y = *(const struct judge_subscriber *const *)b;
  if (x->latency_p99_ns != y->latency_p99_ns)
    return x->latency_p99_ns > y->latency_p99_ns ? -1 : 1;
  return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b) {
  const struct judge_subscriber *x = *(const struct judge_subscriber *const *)a;
  const struct judge_subscriber *y = *(const struct judge_subscriber *const *)b;
  return x < y ? -1 : x > y;
}

static struct scale make_scale(const struct judge_subscriber *const *rows, size_t n) {
  uint64_t least = UINT64_MAX, most = 1;
  for (size_t i = 0; i < n; i++) {
    if (rows[i]->latency_p50_ns < least)
      least = rows[i]->latency_p50_ns;
    if (rows[i]->latency_max_ns > most)
      most = rows[i]->latency_max_ns;
    if (rows[i]->latency_p99_ns > most)
      most = rows[i]->latency_p99_ns;
  }
  struct scale scale = {.lo_ns = 1000, .decades = 0};
  while (scale.lo_ns <= least / 10)
    scale.lo_ns *= 10;
  scale.hi_ns = scale.lo_ns;
  while ((scale.hi_ns < most || !scale.decades) && scale.hi_ns <= UINT64_MAX / 10) {
    scale.hi_ns *= 10;
    scale.decades++;
  }
  return scale;
}

/* log10 of v/lo in 1/1024 of a decade, by repeated squaring; v >= lo. */
static unsigned log_steps(uint64_t v, uint64_t lo) {
  unsigned steps = 0;
  while (v / 10 >= lo) {
    v /= 10;
    steps += 1024;
  }
  uint64_t ratio = (uint64_t)((unsigned __int128)v * 1000000000 / lo); /* 1e9 <= ratio < 1e10 */
  for (unsigned bit = 512; bit; bit /= 2) {
    ratio = (uint64_t)((unsigned __int128)ratio * ratio / 1000000000);
    if (ratio >= 10000000000) {
      ratio /= 10;
      steps += bit;
    }
  }
  return steps;
}

static unsigned place(const struct scale *scale, uint64_t ns) {
  if (ns <= scale->lo_ns)
    return NAMES;
  if (ns >= scale->hi_ns)
    return NAMES + PLOT;
  return NAMES + log_steps(ns, scale->lo_ns) * PLOT / (scale->decades * 1024);
}

static void put_grid(FILE *to, const struct scale *scale, unsigned bottom) {
  char label[REPORT_TEXT_NUMBER];
  uint64_t ns = scale->lo_ns;
  for (unsigned i = 0; i <= scale->decades; i++) {
    unsigned x = place(scale, ns);
    fprintf(to, "<line class=\"grid\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", x, (unsigned)TOP,
            x, bottom);
    /* A decade is a whole number of its unit: cut ".00". */
    uint64_t unit = ns >= 1000000000 ? 1000000000 : ns >= 1000000 ? 1000000 : 1000;
    snprintf(label, sizeof label, "%" PRIu64 " %s", ns / unit,
             unit == 1000      ? "us"
             : unit == 1000000 ? "ms"
                               : "s");
    fprintf(to, "<text class=\"tick\" text-anchor=\"middle\" x=\"%u\" y=\"%u\">%s</text>\n", x,
            bottom + 18, label);
    if (i < scale->decades)
      ns *= 10;
  }
}

static void put_legend(FILE *to) {
  fprintf(to,
          "<circle class=\"p50\" cx=\"%u\" cy=\"14\" r=\"5\"/>"
          "<text class=\"tick\" x=\"%u\" y=\"18\">p50</text>"
          "<circle class=\"p99\" cx=\"%u\" cy=\"14\" r=\"4\"/>"
          "<text class=\"tick\" x=\"%u\" y=\"18\">p99</text>"
          "<line class=\"max\" x1=\"%u\" y1=\"8\" x2=\"%u\" y2=\"20\"/>"
          "<text class=\"tick\" x=\"%u\" y=\"18\">maximum</text>"
          "<text class=\"tick\" text-anchor=\"end\" x=\"%u\" y=\"18\">p50 / p99</text>\n",
          NAMES + 6, NAMES + 16, NAMES + 66, NAMES + 76, NAMES + 126, NAMES + 126, NAMES + 134,
          (unsigned)WIDTH);
}

static void put_row(FILE *to, const struct scale *scale, const struct judge_subscriber *sub,
                    unsigned y) {
  char p50[REPORT_TEXT_NUMBER], p99[REPORT_TEXT_NUMBER], max[REPORT_TEXT_NUMBER];
  unsigned a = place(scale, sub->latency_p50_ns), b = place(scale, sub->latency_p99_ns);
  unsigned c = place(scale, sub->latency_max_ns);
  report_text_duration(p50, sub->latency_p50_ns);
  report_text_duration(p99, sub->latency_p99_ns);
  report_text_duration(max, sub->latency_max_ns);
  fputs("<g><title>", to);
  report_text_xml(to, sub->node);
  fprintf(to, ": p50 %s, p99 %s, maximum %s</title>", p50, p99, max);
  fprintf(to, "<text class=\"name\" text-anchor=\"end\" x=\"%u\" y=\"%u\">", NAMES - 14, y + 4);
  report_text_xml(to, sub->node);
  fprintf(to, "</text><line class=\"span\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", a, y, b, y);
  fprintf(to, "<line class=\"max\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", c, y - 6, c, y + 6);
  fprintf(to, "<circle class=\"p99\" cx=\"%u\" cy=\"%u\" r=\"4\"/>", b, y);
  fprintf(to, "<circle class=\"p50\" cx=\"%u\" cy=\"%u\" r=\"5\"/>", a, y);
  fprintf(to, "<text class=\"value\" text-anchor=\"end\" x=\"%u\" y=\"%u\">%s / %s</text></g>\n",
          (unsigned)WIDTH, y + 4, p50, p99);
}

void report_chart_latency(FILE *to, const struct judge_report *judged) {
  size_t n = 0;
  const struct judge_subscriber **rows = calloc(judged->n_subscribers + 1, sizeof *rows);
  if (!rows)
    return;
  for (size_t i = 0; i < judged->n_subscribers; i++)
    if (judged->subscribers[i].has_latency)
      rows[n++] = &judged->subscribers[i];
  size_t shown = n;
  if (n > REPORT_CHART_ROWS) {
    qsort(rows, n, sizeof *rows, by_p99);
    shown = REPORT_CHART_ROWS;
    qsort(rows, shown, sizeof *rows, by_place);
  }
  if (n) {
    struct scale scale = make_scale(rows, shown);
    unsigned bottom = TOP + ROW * (unsigned)shown;
    fputs("<h2>Latency, published to delivered</h2>\n", to);
    if (shown < n)
      fprintf(to, "<p class=\"soft\">The %zu slowest by p99 of %zu subscribers.</p>\n", shown, n);
    fprintf(to,
            "<div class=\"chart\"><svg viewBox=\"0 0 %u %u\" role=\"img\" "
            "aria-label=\"Latency of each subscriber: p50, p99, maximum\">\n",
            (unsigned)WIDTH, bottom + BOTTOM);
    put_grid(to, &scale, bottom);
    put_legend(to);
    for (size_t i = 0; i < shown; i++)
      put_row(to, &scale, rows[i], TOP + ROW * (unsigned)i + ROW / 2);
    fputs("</svg></div>\n", to);
  }
  free(rows);
}
