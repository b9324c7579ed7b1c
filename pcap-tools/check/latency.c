/* latency: objects arrive within the scenario's budget beyond the delay that the links
 * were given on purpose. From publishing to delivery, over all deliveries of a run; what waited for
 * a stream of its publisher counts from when it was ready. Skipped where the scenario has no budget.
 *
 * Vantage: the endpoints' own logs, on both sides.
 *
 * Excused: the delay of the links on the way.
 *
 * Source: the scenario's `expect: latency`. */
#include <stdlib.h>

#include "pcap-tools/check/check.h"

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The configured delay of the whole way: publisher, its relay, the subscriber's
 * relay and the relays between, subscriber. */
static uint64_t way(const struct qp_manifest *m, const struct qp_node *publisher,
                    const struct qp_node *subscriber) {
  const struct qp_node *at = subscriber;
  uint64_t sum = qp_manifest_delay(m, publisher, true);
  for (size_t hops = 0; at && *at->relay && hops < m->n_nodes; hops++) {
    sum += qp_manifest_delay(m, at, false);
    if (!strcmp(at->relay, publisher->relay))
      break;
    at = qp_manifest_node(m, at->relay);
  }
  return sum;
}

struct published {
  struct qp_map at;
  struct published_object {
    uint64_t t;
    const struct qp_node *node;
  } * items;
  size_t n, room;
};

static uint64_t key_of(const struct qp_log_object *o, bool datagram) {
  uint64_t k = qp_map_mix(qp_map_mix(o->track, o->group), o->object);
  return datagram ? k : qp_map_mix(k, o->subgroup);
}

static void gather(const struct qp_evidence *e, struct published *p) {
  for (size_t i = 0; i < e->manifest->n_nodes; i++)
    for (size_t k = 0; k < e->logs[i].n_published; k++) {
      const struct qp_log_object *o = &e->logs[i].published[k];
      qp_grow((void **)&p->items, &p->room, p->n + 1, sizeof *p->items);
      qp_map_set(&p->at, key_of(o, o->subgroup == QP_NO_SUBGROUP), (uint32_t)p->n);
      p->items[p->n++] = (struct published_object){o->t - o->waited, &e->manifest->nodes[i]};
    }
}

/* What was late, beyond the links' delay, in order. */
static size_t beyond(const struct qp_evidence *e, const struct published *p, uint64_t *late) {
  size_t n = 0;
  for (size_t i = 0; i < e->manifest->n_nodes; i++)
    for (size_t k = 0; k < e->logs[i].n_delivered; k++) {
      const struct qp_log_object *o = &e->logs[i].delivered[k];
      uint32_t at = qp_map_get(&p->at, key_of(o, o->datagram));
      if (at >= p->n || o->t < p->items[at].t)
        continue;
      uint64_t took = o->t - p->items[at].t;
      uint64_t links = way(e->manifest, p->items[at].node, &e->manifest->nodes[i]);
      late[n++] = took > links ? took - links : 0;
    }
  qsort(late, n, sizeof *late, by_value);
  return n;
}

static void judge(struct qp_judged *self, const char *field, uint64_t budget, uint64_t found,
                  size_t n) {
  if (!budget || found <= budget || !qp_found(self))
    return;
  qp_describe_line(self, "samples.csv", 0, 0,
                   (struct qp_words){
                       .layer = "run",
                       .field = field,
                       .expected = qp_text("at most %llu ns beyond the links' delay",
                                           (unsigned long long)budget),
                       .actual = qp_text("%llu ns", (unsigned long long)found),
                       .explain = qp_text("of %zu deliveries", n),
                   });
}

static void finish(struct qp_judged *self) {
  const struct qp_evidence *e = self->evidence;
  const struct qp_manifest *m = e->manifest;
  struct published p = {0};
  size_t room = 0;
  if (!m->budget_p50_ns && !m->budget_p99_ns && !m->budget_max_ns)
    return;
  for (size_t i = 0; i < m->n_nodes; i++)
    room += e->logs[i].n_delivered;
  uint64_t *late = qp_alloc(room, sizeof *late);
  gather(e, &p);
  size_t n = beyond(e, &p, late);
  self->out->examined = n;
  if (n) {
    judge(self, "p50", m->budget_p50_ns, late[n / 2], n);
    judge(self, "p99", m->budget_p99_ns, late[n * 99 / 100], n);
    judge(self, "max", m->budget_max_ns, late[n - 1], n);
  }
  qp_map_clear(&p.at);
  free(p.items);
  free(late);
}

const struct qp_check qp_check_latency = {
    .info = {"latency", "run", "Objects arrive within the budget beyond the configured delay.",
             true},
    .needs_run = true,
    .finish = finish,
};
