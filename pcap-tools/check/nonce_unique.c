/* nonce-unique: under one key no number seals two different packets. The key is that of
 * (connection, sender, space, key phase); without packet protection the numbers alone
 * are judged.
 *
 * Vantage: the sender's interface.
 *
 * Excused: the same bytes again: they use no nonce twice.
 *
 * Source: RFC 9001 5.3; RFC 5116 3.1. */
#include "pcap-tools/check/check.h"

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  char flow[QP_FLOW_TEXT];
  if (!s->opened || !(s->views & QP_SENT))
    return;
  self->out->examined++;
  bool reused = s->again == QP_AGAIN_OTHER || (s->again == QP_AGAIN_UNKNOWN && !s->generation);
  if (!s->repeated || !reused || !qp_found(self))
    return;
  char *earlier = s->earlier_frame
                      ? qp_text("other bytes in frame %llu", (unsigned long long)s->earlier_frame)
                      : qp_text("used long before");
  qp_describe(
      self, s->place,
      (struct qp_words){
          .layer = "quic",
          .field = "nonce",
          .expected = qp_text("number %llu sealed once under this key", (unsigned long long)s->pn),
          .actual = earlier,
          .explain = qp_text("%s uses one nonce for two packets",
                             qp_flow(self->evidence, s->conn, s->side, flow)),
      });
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

const struct qp_check qp_check_nonce_unique = {
    .info = {"nonce-unique", "transport", "No nonce is used twice under one key.", true},
    .watch = watch,
};
