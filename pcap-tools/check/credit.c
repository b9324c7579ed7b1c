#include "pcap-tools/check/credit.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

/* RFC 9000 section 14: what any path carries. */
#define DATAGRAM_LEAST 1200u
/* A relay keeps a part of MAX_DATA for what is no media (DESIGN section 5). */
#define RESERVE_SHARE 8u
#define RESERVE_MOST  16384u

bool qp_credit_begin(struct qp_credit *c, const struct qp_conn *conn, unsigned side) {
  const struct qp_params *p = qp_conn_params(conn, !side);
  if (c->begun || !p->seen)
    return c->begun;
  c->begun = true;
  c->max_data = p->max_data;
  uint64_t reserve = p->max_data / RESERVE_SHARE;
  c->reserve = DATAGRAM_LEAST + (reserve < RESERVE_MOST ? reserve : RESERVE_MOST);
  c->max_streams = p->max_streams_uni;
  return true;
}

static struct qp_credit_stream *stream_of(struct qp_credit *c, const struct qp_conn *conn,
                                          unsigned side, uint64_t id) {
  uint32_t i = qp_map_get(&c->at, id);
  if (i != QP_MAP_NONE)
    return &c->streams[i];
  qp_grow((void **)&c->streams, &c->room, c->n + 1, sizeof *c->streams);
  qp_map_set(&c->at, id, (uint32_t)c->n);
  struct qp_credit_stream *s = &c->streams[c->n++];
  s->end = 0;
  s->limit = qp_conn_stream_limit(conn, side, id);
  return s;
}

/* Returns its index. */
static uint32_t add_stop(struct qp_credit *c, uint64_t what, uint64_t from_ns, uint64_t to_ns) {
  qp_grow((void **)&c->stops, &c->stops_room, c->n_stops + 1, sizeof *c->stops);
  c->stops[c->n_stops] = (struct qp_stop){what, from_ns, to_ns};
  return (uint32_t)c->n_stops++;
}

static void note(struct qp_credit *c, uint64_t what, bool stopped, uint64_t now_ns) {
  uint32_t i = qp_map_get(&c->stop_of, what);
  struct qp_stop *s = i == QP_MAP_NONE ? NULL : &c->stops[i];
  bool was = s && s->to_ns == UINT64_MAX;
  if (was && !stopped)
    s->to_ns = now_ns;
  if (!was && stopped)
    qp_map_set(&c->stop_of, what, add_stop(c, what, now_ns, UINT64_MAX));
}

static void note_all(struct qp_credit *c, uint64_t id, const struct qp_credit_stream *s,
                     uint64_t now_ns) {
  note(c, QP_CREDIT_DATA, c->sum + c->reserve > c->max_data, now_ns);
  note(c, QP_CREDIT_STREAMS, c->opened >= c->max_streams, now_ns);
  if (s)
    note(c, id, s->end + DATAGRAM_LEAST > s->limit, now_ns);
}

/* What has been used of a limit, as stops count it. */
struct usage {
  uint64_t what, before, now;
};

/* Whoever has not read yet that the limit was raised stops at the old one. */
static void note_raised(struct qp_credit *c, const struct usage *u, uint64_t now_ns) {
  for (size_t i = 0; i < QP_CREDIT_RAISES && i < c->n_raises; i++) {
    const struct qp_raise *r = &c->raises[i];
    if (r->what == u->what && u->before <= r->from && u->now > r->from)
      add_stop(c, u->what, now_ns, r->at_ns);
  }
}

void qp_credit_sent(struct qp_credit *c, const struct qp_conn *conn, unsigned side, uint64_t id,
                    uint64_t end, uint64_t now_ns) {
  struct qp_credit_stream *s = stream_of(c, conn, side, id);
  const uint64_t growth = end > s->end ? end - s->end : 0, opened = c->opened;
  s->end += growth;
  c->sum += growth;
  if (qp_stream_uni(id) && qp_stream_opener(id) == side && id / 4 >= c->opened)
    c->opened = id / 4 + 1;
  note_all(c, id, s, now_ns);
  const uint64_t sum = c->sum + c->reserve, end_then = s->end + DATAGRAM_LEAST;
  note_raised(c, &(struct usage){QP_CREDIT_DATA, sum - growth, sum}, now_ns);
  note_raised(c, &(struct usage){id, end_then - growth, end_then}, now_ns);
  note_raised(c, &(struct usage){QP_CREDIT_STREAMS, opened + 1, c->opened + 1}, now_ns);
}

static void raise_to(struct qp_credit *c, uint64_t what, uint64_t *limit, uint64_t value,
                     uint64_t now_ns) {
  if (value <= *limit)
    return;
  c->raises[c->n_raises++ % QP_CREDIT_RAISES] = (struct qp_raise){what, *limit, now_ns};
  *limit = value;
}

void qp_credit_allowed(struct qp_credit *c, const struct qp_conn *conn, unsigned side,
                       const struct qp_quic_frame *f, uint64_t now_ns) {
  struct qp_credit_stream *s = NULL;
  switch (f->kind) {
  case QP_F_MAX_DATA:
    raise_to(c, QP_CREDIT_DATA, &c->max_data, f->limit.value, now_ns);
    break;
  case QP_F_MAX_STREAM_DATA:
    s = stream_of(c, conn, side, f->limit.id);
    raise_to(c, f->limit.id, &s->limit, f->limit.value, now_ns);
    break;
  case QP_F_MAX_STREAMS_UNI:
    raise_to(c, QP_CREDIT_STREAMS, &c->max_streams, f->limit.value, now_ns);
    break;
  default:
    return;
  }
  note_all(c, f->limit.id, s, now_ns);
}

uint64_t qp_credit_free_since(const struct qp_credit *c, uint64_t what, uint64_t time_ns) {
  uint64_t since = 0;
  for (size_t i = 0; i < c->n_stops; i++) {
    const struct qp_stop *s = &c->stops[i];
    if (s->what != what || s->from_ns > time_ns)
      continue;
    if (time_ns < s->to_ns)
      return UINT64_MAX;
    since = s->to_ns > since ? s->to_ns : since;
  }
  return since;
}

void qp_credit_clear(struct qp_credit *c) {
  qp_map_clear(&c->at);
  qp_map_clear(&c->stop_of);
  free(c->streams);
  free(c->stops);
}
