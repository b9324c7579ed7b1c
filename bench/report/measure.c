#include "bench/report/measure.h"

#include <stdlib.h>
#include <string.h>

#include "bench/report/statistics.h"

/* One subscription of one subscriber to one track. */
struct view {
  int node, track;
  uint64_t first_group, budget_ns;
  int priority_limit; /* -1 = none */
};

struct measuring {
  const struct measure_request *request;
  struct measure *out;
  struct measure_priority *priorities;
  uint64_t *seen;    /* by object: 1 + time of its first delivery here, 0 = none */
  uint64_t *arrived; /* on time, of one view */
  uint64_t *latency; /* of all views */
  size_t n_latency;
  uint64_t judged_ns, stalled_ns;
};

static bool is_due(const struct view *v, const struct report_object *o) {
  return o->track == v->track && o->group >= v->first_group &&
         (v->priority_limit < 0 || o->priority <= v->priority_limit);
}

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* ---- stalls ---------------------------------------------------------------------- */

/* When the due objects of a view were published. */
struct published {
  uint64_t first, last, gap;
};

static void note_published(struct published *p, uint64_t t) {
  if (p->last && t > p->last && t - p->last > p->gap)
    p->gap = t - p->last;
  if (p->first == 0)
    p->first = t;
  if (t > p->last)
    p->last = t;
}

/* `arrived` holds n times. What [from, to) has that no [arrival, arrival + fresh) covers. */
static uint64_t uncovered(uint64_t *arrived, size_t n, uint64_t from, uint64_t to, uint64_t fresh) {
  uint64_t bare = 0, at = from;
  qsort(arrived, n, sizeof *arrived, by_value);
  for (size_t i = 0; i < n && at < to; i++) {
    uint64_t begins = arrived[i] < to ? arrived[i] : to;
    if (begins > at)
      bare += begins - at;
    if (arrived[i] + fresh > at)
      at = arrived[i] + fresh;
  }
  return at < to ? bare + to - at : bare;
}

/* ---- one view --------------------------------------------------------------------- */

static void mark_deliveries(struct measuring *m, const struct view *v) {
  const struct report_samples *s = m->request->samples;
  memset(m->seen, 0, s->n_objects * sizeof *m->seen);
  for (size_t i = 0; i < s->n; i++) {
    const struct report_sample *sample = &s->list[i];
    if (sample->node != v->node || sample->track != v->track || m->seen[sample->of])
      continue;
    m->seen[sample->of] = 1 + sample->published_ns + sample->latency_ns;
  }
}

/* Returns the payload that was on time. */
static uint64_t measure_view(struct measuring *m, const struct view *v) {
  const struct report_samples *s = m->request->samples;
  struct published published = {0};
  size_t n_arrived = 0;
  uint64_t payload = 0;
  mark_deliveries(m, v);
  for (size_t i = 0; i < s->n_objects; i++) {
    const struct report_object *o = &s->objects[i];
    if (!is_due(v, o))
      continue;
    struct measure_priority *p = &m->priorities[o->priority];
    note_published(&published, o->published_ns);
    p->due++;
    if (!m->seen[i])
      continue;
    uint64_t latency = m->seen[i] - 1 - o->published_ns;
    m->latency[m->n_latency++] = latency;
    p->delivered++;
    if (latency > v->budget_ns)
      continue;
    p->on_time++;
    payload += o->size;
    m->arrived[n_arrived++] = m->seen[i] - 1;
  }
  if (published.last > published.first) {
    uint64_t from = published.first + v->budget_ns, to = published.last + v->budget_ns;
    m->judged_ns += to - from;
    m->stalled_ns += uncovered(m->arrived, n_arrived, from, to, v->budget_ns + published.gap);
  }
  return payload;
}

/* ---- all of them ------------------------------------------------------------------- */

static bool starts(const struct report_samples *s, int node, int track, uint64_t *group) {
  for (size_t i = 0; i < s->n_starts; i++)
    if (s->starts[i].node == node && s->starts[i].track == track) {
      *group = s->starts[i].group;
      return true;
    }
  return false;
}

/* What this subscriber got on time, in bytes. */
static uint64_t measure_node(struct measuring *m, int node) {
  const struct plan *plan = m->request->plan;
  uint64_t payload = 0;
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    const struct plan_subscription *sub = &plan->subscriptions[i];
    for (size_t t = 0; sub->who == node && t < sub->n_tracks; t++) {
      struct view v = {.node = node,
                       .track = sub->tracks[t],
                       .budget_ns = m->request->on_time_ns ? m->request->on_time_ns
                                                           : sub->delivery_timeout_ns,
                       .priority_limit = sub->priority_limit};
      if (starts(m->request->samples, node, v.track, &v.first_group))
        payload += measure_view(m, &v);
    }
  }
  return payload;
}

static uint64_t sent_to(const struct judge_report *judged, const char *node) {
  for (size_t i = 0; i < judged->n_subscribers; i++)
    if (!strcmp(judged->subscribers[i].node, node))
      return judged->subscribers[i].first_bytes_all + judged->subscribers[i].resent;
  return 0;
}

static uint32_t ppm(uint64_t part, uint64_t whole, uint32_t of_nothing) {
  return whole ? (uint32_t)((unsigned __int128)part * 1000000 / whole) : of_nothing;
}

static void sum_up(struct measuring *m, const uint64_t *payload, size_t n, uint64_t sent) {
  struct measure *out = m->out;
  uint64_t all = 0;
  for (size_t p = 0; p < 256; p++) {
    out->due += m->priorities[p].due;
    out->delivered += m->priorities[p].delivered;
    out->on_time += m->priorities[p].on_time;
  }
  for (size_t i = 0; i < n; i++)
    all += payload[i];
  out->on_time_ppm = ppm(out->on_time, out->due, 1000000);
  out->stall_ppm = ppm(m->stalled_ns, m->judged_ns, 0);
  out->has_latency = m->n_latency > 0;
  if (out->has_latency) {
    out->latency_p50_ns = stat_percentile(m->latency, m->n_latency, 50);
    out->latency_p99_ns = stat_percentile(m->latency, m->n_latency, 99);
  }
  out->wasted_bytes = sent > all ? sent - all : 0;
  if (n == 0)
    return;
  out->goodput_bps =
      (uint64_t)((unsigned __int128)all * 8 * 1000000000 / m->request->plan->duration_ns / n);
  out->jain_ppm = stat_jain_ppm(payload, n);
}

int measure_run(const struct measure_request *request, struct measure *out,
                struct measure_priority priorities[256]) {
  const struct plan *plan = request->plan;
  const struct report_samples *s = request->samples;
  struct measuring m = {.request = request, .out = out, .priorities = priorities};
  uint64_t *payload = calloc(plan->n_nodes + 1, sizeof *payload), sent = 0;
  size_t n = 0;
  *out = (struct measure){0};
  memset(priorities, 0, 256 * sizeof *priorities);
  m.seen = calloc(s->n_objects + 1, sizeof *m.seen);
  m.arrived = calloc(s->n_objects + 1, sizeof *m.arrived);
  m.latency = calloc(s->n + 1, sizeof *m.latency);
  bool ok = payload && m.seen && m.arrived && m.latency;
  for (size_t i = 0; ok && i < plan->n_nodes; i++) {
    if (plan->nodes[i].role != PLAN_SUBSCRIBER || (request->who && !request->who[i]))
      continue;
    payload[n++] = measure_node(&m, (int)i);
    sent += sent_to(request->judged, plan->nodes[i].name);
  }
  if (ok)
    sum_up(&m, payload, n, sent);
  free(payload);
  free(m.seen);
  free(m.arrived);
  free(m.latency);
  return ok ? 0 : -1;
}
