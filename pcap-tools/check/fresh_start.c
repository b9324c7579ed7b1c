/* fresh-start: a connection inherits nothing from an older one on its port. Of each
 * connection whose client sends from a 4-tuple that an older one used: its server's
 * 1-RTT numbers and one-way streams begin at the beginning, no object comes before this
 * connection asked for one, nor more IDs of streams than subgroups came to the server since; and
 * the older one's fan-out has ended when the new handshake is done there: a client that calls from
 * the port and moves on before it is answered has not taken it.
 *
 * Vantage: the server's interface.
 *
 * Excused: a few numbers that a server skips on purpose.
 *
 * Source: DESIGN 5; RFC 9000 5.2, 12.3. */
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/upstream.h"

/* A server may skip a number now and then; it does not begin far up. */
enum { FIRST_NUMBERS = 64 };

struct start {
  bool done; /* the server sent HANDSHAKE_DONE */
  struct qp_place done_at;
  struct qp_end done_to; /* where the client was then */
  bool any_number;
  uint64_t lowest;
  struct qp_place lowest_at;
  struct qp_place late; /* media on it after a newer one's handshake; frame 0: none */
};

struct fresh_start {
  struct qp_per_conn starts;
};

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct fresh_start *state = self->state;
  if (s->side != QP_SERVER || !(s->views & QP_SENT) || !s->opened || s->header->type != QP_1RTT)
    return;
  struct start *t = qp_per_conn(&state->starts, s->conn, sizeof *t);
  if (!t->any_number || s->pn < t->lowest) {
    t->any_number = true;
    t->lowest = s->pn;
    t->lowest_at = s->place;
  }
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  struct fresh_start *state = self->state;
  (void)effect;
  if (s->side != QP_SERVER || !(s->views & QP_SENT))
    return;
  struct start *t = qp_per_conn(&state->starts, s->conn, sizeof *t);
  if (f->kind == QP_F_HANDSHAKE_DONE && !t->done) {
    t->done = true;
    t->done_at = s->place;
    t->done_to = s->udp->tuple.dst;
  }
  bool media = f->kind == QP_F_DATAGRAM || (f->kind == QP_F_STREAM && qp_stream_uni(f->stream.id));
  if (!media || t->late.frame)
    return;
  const struct qp_conn *next = s->conn->newer;
  const struct start *n = next ? qp_per_conn_peek(&state->starts, next) : NULL;
  /* it must also go to the place that the new one took */
  if (n && n->done && s->place.time_ns > n->done_at.time_ns + QP_TURN_NS &&
      qp_end_equal(&s->udp->tuple.dst, &n->done_to))
    t->late = s->place;
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_HANDSHAKE_DONE) | QP_KIND(QP_F_STREAM) | QP_KIND(QP_F_DATAGRAM);
}

static void report(struct qp_judged *self, struct qp_place place, const struct qp_conn *c,
                   const char *field, char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  if (!qp_found(self)) {
    free(expected), free(actual);
    return;
  }
  qp_describe(self, place,
              (struct qp_words){
                  .layer = "quic",
                  .field = field,
                  .expected = expected,
                  .actual = actual,
                  .explain = qp_text("%s has the port of an older connection and something of it",
                                     qp_flow(self->evidence, c, QP_SERVER, flow)),
              });
}

/* When the client asked for its first track. */
static uint64_t asked_at(const struct qp_conn *c) {
  uint64_t asked = UINT64_MAX;
  for (size_t i = 0; i < c->n_requests; i++) {
    const struct qp_request *r = &c->requests[i];
    if (r->type == QP_M_SUBSCRIBE && r->side == QP_CLIENT && r->n_filters &&
        r->filters[0].asked.time_ns < asked)
      asked = r->filters[0].asked.time_ns;
  }
  return asked;
}

/* The server's one-way streams in the order of their IDs leave no hole, but for those that a relay
 * has given out in the order in which subgroups came, and which never leave: a more important one
 * may be the last to go before the client is gone. */
static void judge_streams(struct qp_judged *self, const struct qp_conn *c) {
  const struct qp_ranges *gone = &c->retired[QP_SERVER][3];
  uint64_t n = qp_ranges_count(gone), top = gone->n ? gone->spans[gone->n - 1].hi + 1 : 0;
  struct qp_place place = c->first;
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (h->side != QP_SERVER || !h->begun || (h->id & 3) != 3)
      continue;
    n++;
    if (h->id / 4 + 1 > top) {
      top = h->id / 4 + 1;
      place = h->opened;
    }
  }
  /* a few are its own */
  if (top > n + FIRST_NUMBERS &&
      top > qp_upstream_since(self->evidence, c, QP_SERVER, asked_at(c)) + FIRST_NUMBERS)
    report(self, place, c, "stream ID", qp_text("streams from 3 on"),
           qp_text("%llu streams, the highest is %llu", (unsigned long long)n,
                   (unsigned long long)(4 * top - 1)));
}

static void judge_objects(struct qp_judged *self, const struct qp_conn *c) {
  uint64_t asked = asked_at(c);
  for (size_t i = 0; i < c->n_objects[QP_SERVER]; i++) {
    const struct qp_object *o = &c->objects[QP_SERVER][i];
    if (o->first.time_ns >= asked)
      continue;
    report(self, o->first, c, "object", qp_text("none before a SUBSCRIBE of this connection"),
           qp_text("group %llu object %llu", (unsigned long long)o->group,
                   (unsigned long long)o->object));
    return;
  }
}

static void judge_conn(struct qp_judged *self, const struct qp_conn *c) {
  const struct fresh_start *state = self->state;
  const struct start *t = qp_per_conn_peek(&state->starts, c);
  const struct qp_conn *older = c->older;
  const struct start *was = older ? qp_per_conn_peek(&state->starts, older) : NULL;
  if (!older || !t)
    return;
  self->out->examined++;
  if (t->any_number && t->lowest >= FIRST_NUMBERS)
    report(self, t->lowest_at, c, "packet number", qp_text("numbers from 0 on"),
           qp_text("%llu is the lowest", (unsigned long long)t->lowest));
  judge_streams(self, c);
  judge_objects(self, c);
  if (was && was->late.frame)
    report(self, was->late, older, "fan-out",
           qp_text("none on the older connection when the new handshake is done"),
           qp_text("media to the port that the new one has"));
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    judge_conn(self, conns[i]);
}

static void clear(struct qp_judged *self) {
  qp_per_conn_clear(&((struct fresh_start *)self->state)->starts, NULL);
}

const struct qp_check qp_check_fresh_start = {
    .info = {"fresh-start", "transport",
             "A connection inherits nothing from an older one on its port.", true},
    .state = sizeof(struct fresh_start),
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
