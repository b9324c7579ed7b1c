/* Two views of the same objects, object by object: how much sooner does one subscriber have what
 * another gets too, in one run or in two.
 *
 *   struct compare c;
 *   compare_make(&c, &a, &b)        pairs what both got
 *   compare_figures_of(&c, track, &figures)
 *   compare_print(&c, stdout); or compare_json(), compare_csv()
 *   compare_free(&c)
 *
 * A view is some subscribers of a run. The first of A is held against the first of B, and so on; there
 * must be as many. Two objects are the same if track name, group and object number are. Latency is
 * published to delivered; of an object that came twice the first counts. */
#ifndef FANBENCH_REPORT_COMPARE_H
#define FANBENCH_REPORT_COMPARE_H

#include <stdbool.h>

#include "bench/report/samples.h"

/* Belongs to the caller and outlives the comparison. */
struct compare_view {
  const char *name; /* as a person calls it: "runs/dual-path:kernel" */
  const struct plan *plan;
  const struct report_samples *samples;
  const int *nodes; /* indexes in the plan */
  size_t n_nodes;
};

struct compare_pair {
  size_t rank; /* index in nodes of both views */
  int track;   /* index in A's plan */
  uint64_t group, object;
  uint64_t a_ns, b_ns; /* latencies */
};

struct compare {
  struct compare_view a, b;
  struct compare_pair *pairs; /* by rank, track, group, object */
  size_t n;
  uint64_t only_a, only_b; /* objects that the other did not get */
};

/* Differences are B's latency less A's: positive where A was sooner. p50 and p99 have half and 99 in
 * a hundred of all below them. */
struct compare_figures {
  size_t n; /* 0: the rest is 0, too */
  uint64_t a_p50_ns, a_p99_ns, a_max_ns;
  uint64_t b_p50_ns, b_p99_ns, b_max_ns;
  int64_t least_ns, p50_ns, p99_ns, most_ns;
  uint64_t a_sooner, b_sooner; /* of n; the rest came at the same time */
};

/* 0, or -1: no memory. */
int compare_make(struct compare *out, const struct compare_view *a, const struct compare_view *b);
/* track: index in A's plan, or -1: all. 0, or -1: no memory. */
int compare_figures_of(const struct compare *c, int track, struct compare_figures *out);
void compare_free(struct compare *c);

/* A table: a line a track, and one of all. 0, or -1: no memory. */
int compare_print(const struct compare *c, FILE *to);
/* The same, an object a line: {"track": NAME or null, "objects": n, "a": {p50, p99, max}, "b":
 * ..., "difference": {least, p50, p99, most}, "a_sooner": n, "b_sooner": n}, times in ns. */
int compare_json(const struct compare *c, FILE *to);
/* Every pair: track,group,object,a,b,a_ns,b_ns,difference_ns. */
void compare_csv(const struct compare *c, FILE *to);

#endif
