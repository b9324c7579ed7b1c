/* pn-unique: no number leaves a sender twice in one space.
 *
 * Vantage: the sender's interface.
 *
 * Excused: identical repeats of a CONNECTION_CLOSE (RFC 9000 10.2.1).
 *
 * Source: RFC 9000 12.3. */
#include "pcap-tools/check/check.h"

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  char flow[QP_FLOW_TEXT];
  if (!s->opened || !(s->views & QP_SENT))
    return;
  self->out->examined++;
  if (!s->repeated || s->same_close || !qp_found(self))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "packet number",
                  .expected = qp_text("a number never sent before in %s", qp_space_name(s->space)),
                  .actual = s->earlier_frame ? qp_text("%llu, first sent in frame %llu",
                                                       (unsigned long long)s->pn,
                                                       (unsigned long long)s->earlier_frame)
                                             : qp_text("%llu again", (unsigned long long)s->pn),
                  .explain = qp_text("%s sends packet number %llu a second time",
                                     qp_flow(self->evidence, s->conn, s->side, flow),
                                     (unsigned long long)s->pn),
              });
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

const struct qp_check qp_check_pn_unique = {
    .info = {"pn-unique", "transport",
             "No packet number leaves a sender twice in one packet number space.", true},
    .watch = watch,
};
