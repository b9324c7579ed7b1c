#include "pcap-tools/check/metrics.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Publishing times of all objects by place. */
struct times {
  struct qp_map at; /* key -> index in t */
  uint64_t *t;
  size_t n, room;
};

static uint64_t key_of(const struct qp_log_object *o, bool datagram) {
  uint64_t k = qp_map_mix(o->track, o->group);
  k = qp_map_mix(k, o->object);
  return datagram ? k : qp_map_mix(k, o->subgroup);
}

static void gather_times(const struct qp_evidence *e, struct times *times) {
  for (size_t i = 0; i < e->manifest->n_nodes; i++) {
    const struct qp_objects_log *log = &e->logs[i];
    for (size_t k = 0; k < log->n_published; k++) {
      const struct qp_log_object *o = &log->published[k];
      qp_grow((void **)&times->t, &times->room, times->n + 1, sizeof *times->t);
      qp_map_set(&times->at, key_of(o, o->subgroup == QP_NO_SUBGROUP), (uint32_t)times->n);
      times->t[times->n++] = o->t - o->waited;
    }
  }
}

static void deliveries(const struct qp_objects_log *log, const struct times *times,
                       struct judge_subscriber *s) {
  uint64_t *latency = qp_alloc(log->n_delivered, sizeof *latency);
  size_t n = 0;
  for (size_t i = 0; i < log->n_delivered; i++) {
    const struct qp_log_object *o = &log->delivered[i];
    uint32_t at = qp_map_get(&times->at, key_of(o, o->datagram));
    s->objects++;
    s->bytes += o->size;
    if (at < times->n && o->t >= times->t[at])
      latency[n++] = o->t - times->t[at];
  }
  if (n) {
    qsort(latency, n, sizeof *latency, by_value);
    s->has_latency = true;
    s->latency_p50_ns = latency[n / 2];
    s->latency_p99_ns = latency[n * 99 / 100];
    s->latency_max_ns = latency[n - 1];
  }
  free(latency);
}

static void add_drop(struct judge_subscriber *s, const char *reason, uint64_t count) {
  for (size_t i = 0; i < s->n_drops; i++) {
    if (!strcmp(s->drops[i].reason, reason)) {
      s->drops[i].count += count;
      return;
    }
  }
  size_t room = s->n_drops;
  qp_grow((void **)&s->drops, &room, s->n_drops + 1, sizeof *s->drops);
  s->drops[s->n_drops++] = (struct judge_drop){.reason = qp_copy_text(reason), .count = count};
}

static void note_sendings(struct judge_subscriber *s, uint32_t most) {
  s->sendings = most > s->sendings ? most : s->sendings;
}

/* Bytes on the wire to the client of this connection. */
static void traffic(const struct qp_evidence *e, const struct qp_conn *c,
                    struct judge_subscriber *s) {
  s->first_bytes_all += c->first_bytes[QP_SERVER];
  s->first_bytes_fast += c->datagram_fast[QP_SERVER];
  note_sendings(s, c->gone[QP_SERVER].sendings);
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (h->side != QP_SERVER || h->kind != QP_S_SUBGROUP)
      continue;
    s->first_bytes_fast += h->first_fast;
    s->resent += h->resent;
    note_sendings(s, qp_sendings_most(&h->sendings, qp_reasm_end(&h->sent)));
  }
  const struct qp_copies_conn *copies = qp_copies_downstream(&e->copies, &c->odcid);
  if (!copies)
    return;
  s->copies += qp_ranges_count(&copies->fast);
  for (size_t i = 0; i < copies->n_decisions; i++)
    if (qp_copies_is_drop(copies->decisions[i].name))
      add_drop(s, copies->decisions[i].name, copies->decisions[i].n);
}

static void sums(const struct qp_evidence *e, struct judge_report *r) {
  const struct qp_counts *counts = qp_tracker_counts(e->tracker);
  r->packets = counts->packets;
  r->packets_opened = counts->opened;
  for (size_t i = 0; i < r->n_subscribers; i++) {
    struct judge_subscriber *s = &r->subscribers[i];
    r->first_bytes_all += s->first_bytes_all;
    r->first_bytes_fast += s->first_bytes_fast;
    /* in parts per million without leaving 64 bits */
    if (s->first_bytes_all)
      s->fast_path_ppm =
          (uint32_t)((unsigned __int128)s->first_bytes_fast * 1000000u / s->first_bytes_all);
  }
}

void qp_metrics(const struct qp_evidence *e, struct judge_report *r) {
  const struct qp_manifest *m = e->manifest;
  struct times times = {0};
  size_t n_conns;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n_conns);
  if (m) {
    gather_times(e, &times);
    r->subscribers = qp_alloc(m->n_nodes, sizeof *r->subscribers);
  }
  struct judge_subscriber **of = m ? qp_alloc(m->n_nodes, sizeof *of) : NULL;
  for (size_t i = 0; m && i < m->n_nodes; i++) {
    if (strcmp(m->nodes[i].role, "subscriber") != 0)
      continue;
    struct judge_subscriber *s = of[i] = &r->subscribers[r->n_subscribers++];
    s->node = qp_copy_text(m->nodes[i].name);
    deliveries(&e->logs[i], &times, s);
  }
  for (size_t k = 0; m && k < n_conns; k++) {
    const struct qp_node *node = qp_node_at(e, conns[k], QP_CLIENT);
    if (node && of[node - m->nodes])
      traffic(e, conns[k], of[node - m->nodes]);
  }
  free(of);
  sums(e, r);
  qp_map_clear(&times.at);
  free(times.t);
}
