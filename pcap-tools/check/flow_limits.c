/* flow-limits: no limit of the peer is passed: the sum of the largest offsets against
 * MAX_DATA, each stream's against MAX_STREAM_DATA, the number of streams against
 * MAX_STREAMS; each with what had reached the sender, transport parameters first. A
 * reset counts with its final size. Connections whose handshake could not be read are
 * not judged.
 *
 * Vantage: the sender's interface.
 *
 * Excused: what a rogue sends.
 *
 * Source: RFC 9000 4.1, 4.6. */
#include <stdlib.h>

#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/excuse.h"

/* What one side may send. */
struct budget {
  uint64_t max_data, max_streams[2]; /* [1]: one-way */
};

struct flow_conn {
  struct budget side[2];
  bool begun[2];
};

struct flow_limits {
  struct qp_per_conn conns;
};

static struct budget *budget_of(struct flow_limits *state, const struct qp_conn *c, unsigned side) {
  struct flow_conn *f = qp_per_conn(&state->conns, c, sizeof *f);
  const struct qp_params *p = qp_conn_params(c, !side);
  struct budget *b = &f->side[side];
  if (!p->seen)
    return NULL;
  if (!f->begun[side]) {
    b->max_data = p->max_data;
    b->max_streams[0] = p->max_streams_bidi;
    b->max_streams[1] = p->max_streams_uni;
  }
  f->begun[side] = true;
  return b;
}

static void report(struct qp_judged *self, const struct qp_seen *s, const char *field,
                   uint64_t limit, uint64_t found, char *explain) {
  qp_describe(self, s->place,
              (struct qp_words){.layer = "quic",
                                .field = field,
                                .expected = qp_text("at most %llu", (unsigned long long)limit),
                                .actual = qp_text("%llu", (unsigned long long)found),
                                .explain = explain});
}

static void sent(struct qp_judged *self, const struct qp_seen *s, const struct qp_effect *e,
                 uint64_t id) {
  struct flow_limits *state = self->state;
  char flow[QP_FLOW_TEXT];
  struct budget *b = budget_of(state, s->conn, s->side);
  if (!b)
    return;
  self->out->examined++;
  if (e->growth && e->half->charged > qp_conn_half_limit(s->conn, e->half) &&
      qp_found_of(self, s->conn, s->side))
    report(self, s, "MAX_STREAM_DATA", qp_conn_half_limit(s->conn, e->half), e->half->charged,
           qp_text("%s sends more on stream %llu than its peer allows",
                   qp_flow(self->evidence, s->conn, s->side, flow), (unsigned long long)id));
  if (e->growth && s->conn->charged[s->side] > b->max_data && qp_found_of(self, s->conn, s->side))
    report(self, s, "MAX_DATA", b->max_data, s->conn->charged[s->side],
           qp_text("the largest offsets of all streams of %s add up to more than its peer allows",
                   qp_flow(self->evidence, s->conn, s->side, flow)));
  uint64_t max = b->max_streams[qp_stream_uni(id)];
  if (qp_stream_opener(id) == s->side && id / 4 >= max && qp_found_of(self, s->conn, s->side))
    report(self, s, "MAX_STREAMS", max, id / 4 + 1,
           qp_text("%s opens stream %llu", qp_flow(self->evidence, s->conn, s->side, flow),
                   (unsigned long long)id));
}

static void raise_to(uint64_t *limit, uint64_t value) {
  if (value > *limit)
    *limit = value;
}

/* A limit that `s->side` gives its peer. */
static void allowed(struct flow_limits *state, const struct qp_seen *s,
                    const struct qp_quic_frame *f) {
  struct budget *b = budget_of(state, s->conn, !s->side);
  if (!b)
    return;
  switch (f->kind) {
  case QP_F_MAX_DATA:
    raise_to(&b->max_data, f->limit.value);
    break;
  case QP_F_MAX_STREAMS_BIDI:
  case QP_F_MAX_STREAMS_UNI:
    raise_to(&b->max_streams[f->kind == QP_F_MAX_STREAMS_UNI], f->limit.value);
    break;
  default:
    break;
  }
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  if (s->views & QP_SENT) {
    if (f->kind == QP_F_STREAM)
      sent(self, s, effect, f->stream.id);
    else if (f->kind == QP_F_RESET_STREAM || f->kind == QP_F_RESET_STREAM_AT)
      sent(self, s, effect, f->reset.id);
  }
  if (s->views & QP_REACHED)
    allowed(self->state, s, f);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_STREAM) | QP_KIND(QP_F_RESET_STREAM) | QP_KIND(QP_F_RESET_STREAM_AT) |
             QP_KIND(QP_F_MAX_DATA) | QP_KIND(QP_F_MAX_STREAMS_BIDI) |
             QP_KIND(QP_F_MAX_STREAMS_UNI);
}

static void clear(struct qp_judged *self) {
  qp_per_conn_clear(&((struct flow_limits *)self->state)->conns, NULL);
}

const struct qp_check qp_check_flow_limits = {
    .info = {"flow-limits", "transport", "No limit of the peer is passed.", true},
    .state = sizeof(struct flow_limits),
    .watch = watch,
    .clear = clear,
};
