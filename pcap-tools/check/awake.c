#include "pcap-tools/check/awake.h"

#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"

/* Steps of the clock's course that are kept: no closer than this. */
#define STEP_NS 1000000u

static int by_time(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

static void gather(struct qp_awake_clock *c, const struct qp_evidence *e,
                   const struct qp_node *node) {
  char *file = qp_text("%s-ledger.jsonl", node->file);
  c->gathered = true;
  for (size_t i = 0; i < e->ledger.n_conns; i++) {
    const struct qp_ledger_conn *l = &e->ledger.conns[i];
    if (!l->file || strcmp(l->file, file) != 0)
      continue;
    qp_grow((void **)&c->acks, &c->room, c->n + l->n_acks, sizeof *c->acks);
    for (size_t k = 0; k < l->n_acks; k++)
      c->acks[c->n++] = qp_capture_time(e, l->acks[k].t);
  }
  if (c->n)
    qsort(c->acks, c->n, sizeof *c->acks, by_time);
  free(file);
}

struct qp_awake_clock *qp_awake_clock(struct qp_awake *a, const struct qp_evidence *e,
                                      const struct qp_conn *conn, unsigned side) {
  struct qp_awake_end *end = qp_per_conn(&a->ends[side], conn, sizeof *end);
  if (end->clock)
    return end->clock;
  const struct qp_node *node = qp_node_at(e, conn, side);
  if (!node)
    return end->clock = &end->own;
  if (!a->nodes) {
    a->n_nodes = e->manifest->n_nodes;
    a->nodes = qp_alloc(a->n_nodes, sizeof *a->nodes);
  }
  end->clock = &a->nodes[node - e->manifest->nodes];
  if (!end->clock->gathered)
    gather(end->clock, e, node);
  return end->clock;
}

static void sign(struct qp_awake_clock *c, uint64_t t) {
  if (c->last_ns && t > c->last_ns) {
    uint64_t gap = t - c->last_ns;
    c->awake_ns += gap < QP_AWAKE_GAP_NS ? gap : QP_AWAKE_GAP_NS;
  }
  c->last_ns = t > c->last_ns ? t : c->last_ns;
  if (!c->gathered) /* of nobody's log: who asks for its course has a manifest */
    return;
  if (c->n_steps && c->last_ns < c->time_at[c->n_steps - 1] + STEP_NS)
    return;
  qp_grow((void **)&c->time_at, &c->time_room, c->n_steps + 1, sizeof *c->time_at);
  qp_grow((void **)&c->awake_at, &c->awake_room, c->n_steps + 1, sizeof *c->awake_at);
  c->time_at[c->n_steps] = c->last_ns;
  c->awake_at[c->n_steps++] = c->awake_ns;
}

uint64_t qp_awake_until(struct qp_awake_clock *c, uint64_t now_ns) {
  while (c->next < c->n && c->acks[c->next] <= now_ns)
    sign(c, c->acks[c->next++]);
  return c->awake_ns;
}

void qp_awake_packet(struct qp_awake *a, const struct qp_evidence *e, const struct qp_seen *s) {
  const struct qp_ranges *fast = s->side == QP_SERVER ? s->conn->fast : NULL;
  if (!(s->views & QP_SENT) || (fast && s->space == QP_SPACE_APP && qp_ranges_has(fast, s->pn)))
    return;
  struct qp_awake_clock *c = qp_awake_clock(a, e, s->conn, s->side);
  qp_awake_until(c, s->place.time_ns);
  sign(c, s->place.time_ns);
}

uint64_t qp_awake_back_at(const struct qp_awake_clock *c, uint64_t time_ns) {
  size_t lo = 0, hi = c->n_steps;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (c->time_at[mid] <= time_ns)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo ? c->awake_at[lo - 1] : 0;
}

static void clear_clock(struct qp_awake_clock *c) {
  free(c->acks), free(c->time_at), free(c->awake_at);
}

static void drop(void *item) {
  clear_clock(&((struct qp_awake_end *)item)->own);
}

void qp_awake_clear(struct qp_awake *a) {
  for (size_t i = 0; i < a->n_nodes; i++)
    clear_clock(&a->nodes[i]);
  free(a->nodes);
  qp_per_conn_clear(&a->ends[0], drop);
  qp_per_conn_clear(&a->ends[1], drop);
}
