/* stream-bytes: one offset of a stream has one value, a stream has one final size, and
 * nothing lies behind it.
 *
 * Vantage: the sender's interface.
 *
 * Excused: what a rogue sends.
 *
 * Source: RFC 9000 2.2, 4.5. */
#include "pcap-tools/check/excuse.h"

static void differs(struct qp_judged *self, const struct qp_seen *s, const struct qp_quic_frame *f,
                    const struct qp_overlap *o) {
  char flow[QP_FLOW_TEXT];
  if (!qp_found_of(self, s->conn, s->side))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "stream data",
                  .expected = qp_text("%02x at offset %llu of stream %llu, as sent before", o->was,
                                      (unsigned long long)o->at, (unsigned long long)f->stream.id),
                  .actual = qp_text("%02x", o->now),
                  .explain = qp_text("%s sends other bytes for the same place of stream %llu",
                                     qp_flow(self->evidence, s->conn, s->side, flow),
                                     (unsigned long long)f->stream.id),
              });
}

static void other_final(struct qp_judged *self, const struct qp_seen *s, uint64_t stream,
                        uint64_t was, uint64_t now) {
  char flow[QP_FLOW_TEXT];
  if (!qp_found_of(self, s->conn, s->side))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "final size",
                  .expected = qp_text("stream %llu ends at %llu or nothing lies behind its end",
                                      (unsigned long long)stream, (unsigned long long)was),
                  .actual = qp_text("%llu", (unsigned long long)now),
                  .explain = qp_text("%s gives stream %llu two different ends",
                                     qp_flow(self->evidence, s->conn, s->side, flow),
                                     (unsigned long long)stream),
              });
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *e) {
  struct qp_judged *self = arg;
  if (!(s->views & QP_SENT))
    return;
  if (f->kind == QP_F_STREAM) {
    self->out->examined++;
    if (e->overlap.differs)
      differs(self, s, f, &e->overlap);
    if (e->other_final)
      other_final(self, s, f->stream.id, e->final_was, f->stream.offset + f->stream.len);
  } else if (f->kind == QP_F_RESET_STREAM || f->kind == QP_F_RESET_STREAM_AT) {
    self->out->examined++;
    if (e->other_final)
      other_final(self, s, f->reset.id, e->final_was, f->reset.final_size);
  }
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_STREAM) | QP_KIND(QP_F_RESET_STREAM) | QP_KIND(QP_F_RESET_STREAM_AT);
}

const struct qp_check qp_check_stream_bytes = {
    .info = {"stream-bytes", "transport",
             "Each offset of a stream has one value, and each stream one final size.", true},
    .watch = watch,
};
