#include "bench/report/compare.h"

#include <stdlib.h>
#include <string.h>

#include "bench/report/statistics.h"

/* One object at one subscriber of a view. */
struct seen {
  size_t rank;
  int track; /* of A's plan */
  uint64_t group, object, latency_ns;
};

#define ORDER(field)                                                                               \
  if (a->field != b->field)                                                                        \
  return a->field < b->field ? -1 : 1

static int same_object(const struct seen *a, const struct seen *b) {
  ORDER(rank);
  ORDER(track);
  ORDER(group);
  ORDER(object);
  return 0;
}

static int by_object(const void *x, const void *y) {
  const struct seen *a = x, *b = y;
  int order = same_object(a, b);
  if (order)
    return order;
  ORDER(latency_ns);
  return 0;
}

static size_t rank_of(const struct compare_view *v, int node) {
  size_t rank = 0;
  while (rank < v->n_nodes && v->nodes[rank] != node)
    rank++;
  return rank;
}

/* What the subscribers of a view got, in order, each object once; those of tracks that `names`
 * does not have come last, with track -1. NULL: no memory. */
static struct seen *gather(const struct compare_view *v, const struct plan *names, size_t *n) {
  struct seen *list = malloc((v->samples->n + 1) * sizeof *list);
  size_t all = 0, kept = 0;
  if (!list)
    return NULL;
  for (size_t i = 0; i < v->samples->n; i++) {
    const struct report_sample *s = &v->samples->list[i];
    size_t rank = rank_of(v, s->node);
    if (rank == v->n_nodes)
      continue;
    list[all++] = (struct seen){.rank = rank,
                                .track = plan_track_find(names, v->plan->tracks[s->track].name),
                                .group = s->group,
                                .object = s->object,
                                .latency_ns = s->latency_ns};
  }
  qsort(list, all, sizeof *list, by_object);
  for (size_t i = 0; i < all; i++)
    if (!kept || same_object(&list[kept - 1], &list[i]))
      list[kept++] = list[i];
  *n = kept;
  return list;
}

static void pair_up(struct compare *c, const struct seen *a, size_t n_a, const struct seen *b,
                    size_t n_b) {
  size_t i = 0, k = 0;
  while (i < n_a && k < n_b) {
    int order = same_object(&a[i], &b[k]);
    if (!order && a[i].track >= 0)
      c->pairs[c->n++] = (struct compare_pair){.rank = a[i].rank,
                                               .track = a[i].track,
                                               .group = a[i].group,
                                               .object = a[i].object,
                                               .a_ns = a[i].latency_ns,
                                               .b_ns = b[k].latency_ns};
    i += order <= 0;
    k += order >= 0;
  }
  c->only_a = n_a - c->n;
  c->only_b = n_b - c->n;
}

int compare_make(struct compare *out, const struct compare_view *a, const struct compare_view *b) {
  size_t n_a = 0, n_b = 0;
  *out = (struct compare){.a = *a, .b = *b};
  struct seen *of_a = gather(a, a->plan, &n_a), *of_b = gather(b, a->plan, &n_b);
  if (of_a && of_b)
    out->pairs = malloc((n_a + 1) * sizeof *out->pairs);
  if (out->pairs)
    pair_up(out, of_a, n_a, of_b, n_b);
  free(of_a);
  free(of_b);
  return out->pairs ? 0 : -1;
}

static int by_difference(const void *x, const void *y) {
  const int64_t *a = x, *b = y;
  return (*a > *b) - (*a < *b);
}

int compare_figures_of(const struct compare *c, int track, struct compare_figures *out) {
  int64_t *differences = malloc((c->n + 1) * sizeof *differences);
  uint64_t *a = malloc((c->n + 1) * sizeof *a), *b = malloc((c->n + 1) * sizeof *b);
  int rc = differences && a && b ? 0 : -1;
  *out = (struct compare_figures){0};
  for (size_t i = 0; !rc && i < c->n; i++) {
    const struct compare_pair *p = &c->pairs[i];
    if (track >= 0 && p->track != track)
      continue;
    a[out->n] = p->a_ns;
    b[out->n] = p->b_ns;
    differences[out->n++] = (int64_t)(p->b_ns - p->a_ns);
    out->a_sooner += p->a_ns < p->b_ns;
    out->b_sooner += p->b_ns < p->a_ns;
  }
  if (out->n) {
    out->a_p50_ns = stat_percentile(a, out->n, 50);
    out->a_p99_ns = stat_percentile(a, out->n, 99);
    out->a_max_ns = a[out->n - 1];
    out->b_p50_ns = stat_percentile(b, out->n, 50);
    out->b_p99_ns = stat_percentile(b, out->n, 99);
    out->b_max_ns = b[out->n - 1];
    qsort(differences, out->n, sizeof *differences, by_difference);
    out->least_ns = differences[0];
    out->p50_ns = differences[out->n * 50 / 100];
    out->p99_ns = differences[out->n * 99 / 100];
    out->most_ns = differences[out->n - 1];
  }
  free(differences);
  free(a);
  free(b);
  return rc;
}

void compare_free(struct compare *c) {
  free(c->pairs);
  *c = (struct compare){0};
}
