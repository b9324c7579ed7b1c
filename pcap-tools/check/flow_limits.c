/* flow-limits: no limit of the peer is passed: the sum of the largest offsets
 * against MAX_DATA, each stream's against MAX_STREAM_DATA, the number of streams
 * against MAX_STREAMS; each with what had reached the sender, transport
 * parameters first. RFC 9000 4.1, 4.6. A reset counts with its final size.
 *
 * Vantage: the sender's interface. No excuses. Connections whose handshake could not
 * be read are not judged. */
#include "pcap-tools/check/check.h"
#include "pcap-tools/check/credit.h"
#include "pcap-tools/check/per_conn.h"

struct flow_limits {
  struct qp_per_conn sides[2]; /* struct qp_credit of the side that sends */
};

static struct qp_credit *credit_of(struct flow_limits *state, const struct qp_conn *c,
                                   unsigned side) {
  struct qp_credit *credit = qp_per_conn(&state->sides[side], c, sizeof *credit);
  return qp_credit_begin(credit, c, side) ? credit : NULL;
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

static void sent_up_to(struct qp_judged *self, const struct qp_seen *s, uint64_t id, uint64_t end) {
  char flow[QP_FLOW_TEXT];
  struct qp_credit *c = credit_of(self->state, s->conn, s->side);
  const struct qp_credit_stream *t;
  if (!c)
    return;
  uint64_t growth = qp_credit_sent(c, s->conn, s->side, id, end, s->place.time_ns, &t);
  self->out->examined++;
  if (growth && end > t->limit && qp_found(self))
    report(self, s, "MAX_STREAM_DATA", t->limit, end,
           qp_text("%s sends more on stream %llu than its peer allows",
                   qp_flow(self->evidence, s->conn, s->side, flow), (unsigned long long)id));
  if (growth && c->sum > c->max_data && qp_found(self))
    report(self, s, "MAX_DATA", c->max_data, c->sum,
           qp_text("the largest offsets of all streams of %s add up to more than its peer allows",
                   qp_flow(self->evidence, s->conn, s->side, flow)));
  uint64_t max = c->max_streams[qp_stream_uni(id)];
  if (qp_stream_opener(id) == s->side && id / 4 >= max && qp_found(self))
    report(self, s, "MAX_STREAMS", max, id / 4 + 1,
           qp_text("%s opens stream %llu", qp_flow(self->evidence, s->conn, s->side, flow),
                   (unsigned long long)id));
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  (void)effect;
  if (s->views & QP_SENT) {
    if (f->kind == QP_F_STREAM)
      sent_up_to(self, s, f->stream.id, f->stream.offset + f->stream.len);
    else if (f->kind == QP_F_RESET_STREAM || f->kind == QP_F_RESET_STREAM_AT)
      sent_up_to(self, s, f->reset.id, f->reset.final_size);
  }
  if (!(s->views & QP_REACHED))
    return;
  struct qp_credit *c = credit_of(self->state, s->conn, !s->side);
  if (c)
    qp_credit_allowed(c, s->conn, !s->side, f, s->place.time_ns);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_STREAM) | QP_KIND(QP_F_RESET_STREAM) | QP_KIND(QP_F_RESET_STREAM_AT) |
             QP_KIND(QP_F_MAX_DATA) | QP_KIND(QP_F_MAX_STREAM_DATA) |
             QP_KIND(QP_F_MAX_STREAMS_BIDI) | QP_KIND(QP_F_MAX_STREAMS_UNI);
}

static void drop(void *item) {
  qp_credit_clear(item);
}

static void clear(struct qp_judged *self) {
  struct flow_limits *state = self->state;
  qp_per_conn_clear(&state->sides[0], drop);
  qp_per_conn_clear(&state->sides[1], drop);
}

const struct qp_check qp_check_flow_limits = {
    .info = {"flow-limits", "transport", "No limit of the peer is passed.", true},
    .state = sizeof(struct flow_limits),
    .watch = watch,
    .clear = clear,
};
