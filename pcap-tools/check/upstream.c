#include "pcap-tools/check/upstream.h"

#include "pcap-tools/check/excuse.h"

int qp_upstream_asker(const struct qp_evidence *e, const struct qp_conn *up,
                      const struct qp_conn *down, unsigned relay, uint32_t track) {
  for (size_t i = 0; up != down && i < up->n_requests; i++) {
    const struct qp_request *r = &up->requests[i];
    bool same = e->manifest ? qp_node_at(e, up, r->side) == qp_node_at(e, down, relay)
                            : r->side == QP_SERVER;
    if (r->type == QP_M_SUBSCRIBE && r->track == track && same)
      return r->side;
  }
  return -1;
}

bool qp_upstream_is_named(const struct qp_half *h) {
  return h->kind == QP_S_SUBGROUP && (!h->header.id_is_object || h->feed.any_object);
}

static bool same_subgroup(const struct qp_half *a, const struct qp_half *b) {
  if (a->kind != QP_S_SUBGROUP || a->header.group != b->header.group)
    return false;
  return !qp_upstream_is_named(a) || !qp_upstream_is_named(b) ||
         a->header.subgroup == b->header.subgroup;
}

const struct qp_half *qp_upstream_next(const struct qp_evidence *e, const struct qp_conn *down,
                                       const struct qp_half *h, uint32_t track,
                                       struct qp_upstream_walk *walk) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  for (; walk->conn < n; walk->conn++, walk->half = 0) {
    const struct qp_conn *up = conns[walk->conn];
    if (walk->up != up)
      walk->relay = qp_upstream_asker(e, up, down, h->side, track);
    walk->up = up;
    while (walk->relay >= 0 && walk->half < up->n_halves) {
      const struct qp_half *u = up->halves[walk->half++];
      if (u->side == walk->relay || !same_subgroup(u, h))
        continue;
      const struct qp_request *r =
          qp_session_alias(up, (unsigned)walk->relay, u->header.alias, u->opened.time_ns);
      if (r && r->track == track)
        return u;
    }
  }
  return NULL;
}

/* Its bytes have all arrived, the last of its objects before that time. */
static bool whole_at(const struct qp_conn *up, const struct qp_half *u, uint64_t time_ns) {
  const struct qp_reasm *in = up->split ? &u->reached : &u->sent;
  if (!u->has_final || !(up->split ? u->fin_reached : u->fin) ||
      !qp_reasm_has(in, 0, u->final_size))
    return false;
  const unsigned list = qp_conn_arrived(up, u->side);
  for (size_t i = 0; i < up->n_objects[list]; i++) {
    const struct qp_object *o = &up->objects[list][i];
    if (o->half == u && (!o->whole || o->last.time_ns >= time_ns))
      return false;
  }
  return true;
}

bool qp_upstream_whole(const struct qp_evidence *e, const struct qp_conn *down,
                       const struct qp_half *h, uint32_t track, uint64_t time_ns) {
  bool any = false;
  const struct qp_half *u;
  for (struct qp_upstream_walk walk = {0}; (u = qp_upstream_next(e, down, h, track, &walk));
       any = true)
    if (whole_at(walk.up, u, time_ns))
      return true;
  return !any;
}

uint64_t qp_upstream_since(const struct qp_evidence *e, const struct qp_conn *down, unsigned relay,
                           uint64_t time_ns) {
  size_t n_conns;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n_conns);
  const struct qp_node *node = e->manifest ? qp_node_at(e, down, relay) : NULL;
  uint64_t n = 0;
  for (size_t i = 0; node && i < n_conns; i++)
    for (size_t k = 0; conns[i] != down && k < conns[i]->n_halves; k++) {
      const struct qp_half *u = conns[i]->halves[k];
      n += u->kind == QP_S_SUBGROUP && qp_node_at(e, conns[i], !u->side) == node &&
           !whole_at(conns[i], u, time_ns);
    }
  return n;
}

uint64_t qp_upstream_came(const struct qp_evidence *e, const struct qp_conn *down,
                          const struct qp_half *h, uint32_t track) {
  uint64_t first = h->opened.time_ns;
  const struct qp_half *u;
  for (struct qp_upstream_walk walk = {0}; (u = qp_upstream_next(e, down, h, track, &walk));)
    if (u->opened.time_ns < first)
      first = u->opened.time_ns;
  return first;
}

/* RFC 9000 10.1: the smaller of the two, from the last packet on. 0: there is none. */
static uint64_t idle_ns(const struct qp_conn *c) {
  const uint64_t client = c->hello.client.max_idle_ms, server = c->hello.server.max_idle_ms;
  return (client && (!server || client < server) ? client : server) * 1000000u;
}

/* The relay, that side of it, has closed it or been told so. */
static bool closed_before(const struct qp_conn *c, unsigned relay, uint64_t time_ns) {
  const struct qp_close *own = &c->close[relay], *peers = &c->close[!relay];
  return (own->seen && own->at.time_ns < time_ns) ||
         (peers->reached.frame && peers->reached.time_ns < time_ns);
}

bool qp_upstream_awaited(const struct qp_evidence *e, const struct qp_conn *down,
                         const struct qp_half *h, uint32_t track) {
  for (struct qp_upstream_walk walk = {0}; qp_upstream_next(e, down, h, track, &walk);) {
    const struct qp_conn *up = walk.up;
    /* A relay that ends closes one connection after the other. */
    if (!qp_excused(e, up) ||
        closed_before(up, (unsigned)walk.relay, down->last.time_ns - QP_TURN_NS))
      continue;
    if (!idle_ns(up) || down->last.time_ns < qp_broken_at(e, up) + idle_ns(up))
      return !qp_upstream_whole(e, down, h, track, UINT64_MAX);
  }
  return false;
}
