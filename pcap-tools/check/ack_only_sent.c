/* ack-only-sent: no ACK covers a number its peer never sent. A number may be skipped on
 * purpose; to acknowledge it is an optimistic ACK.
 *
 * Vantage: the sender's interface.
 *
 * Excused: what a rogue acknowledges.
 *
 * Source: RFC 9000 13.1. */
#include "pcap-tools/check/excuse.h"

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  char flow[QP_FLOW_TEXT];
  (void)effect;
  if (f->kind != QP_F_ACK || !(s->views & QP_SENT))
    return;
  const struct qp_numbers *peer = &s->conn->numbers[!s->side][s->space];
  if (peer->gaps) /* nobody knows the numbers of packets that did not open */
    return;
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi, missing;
  while (qp_ack_next(f, &walk, &lo, &hi)) {
    self->out->examined++;
    if (qp_ranges_cover(&peer->sent, lo, hi, &missing) || !qp_found_of(self, s->conn, s->side))
      continue;
    qp_describe(
        self, s->place,
        (struct qp_words){
            .layer = "quic",
            .field = "ACK range",
            .expected = qp_text("only numbers that the peer sent in %s", qp_space_name(s->space)),
            .actual = qp_text("%llu..%llu, but %llu was never sent", (unsigned long long)lo,
                              (unsigned long long)hi, (unsigned long long)missing),
            .explain = qp_text("%s acknowledges a packet that does not exist",
                               qp_flow(self->evidence, s->conn, s->side, flow)),
        });
  }
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_ACK);
}

const struct qp_check qp_check_ack_only_sent = {
    .info = {"ack-only-sent", "transport",
             "No ACK covers a packet number that the peer never sent.", true},
    .watch = watch,
};
