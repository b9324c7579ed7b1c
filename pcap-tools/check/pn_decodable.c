/* pn-decodable: the packet number on the wire is long enough for a receiver that has
 * nothing but what the sender knows to be acknowledged: the range must be at least
 * twice the distance to the largest acknowledged number that had reached the sender.
 *
 * Vantage: the sender's interface.
 *
 * Excused: a number sent a little out of order, behind one already acknowledged.
 *
 * Source: RFC 9000 17.1, A.2. */
#include <stdlib.h>

#include "pcap-tools/check/check.h"

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  char flow[QP_FLOW_TEXT];
  /* the ACKs that had reached it may be in packets that could not be opened */
  if (!s->opened || !(s->views & QP_SENT) || s->conn->numbers[!s->side][s->space].gaps)
    return;
  self->out->examined++;
  /* sent a little out of order, behind a number already acknowledged */
  if (s->any_acked && s->pn <= s->largest_acked)
    return;
  uint64_t distance = s->any_acked ? s->pn - s->largest_acked : s->pn + 1;
  unsigned need = 1;
  while (need <= 4 && distance > (uint64_t)1 << (8 * need - 1))
    need++; /* 5: no length tells it */
  if (need <= s->pn_len || !qp_found(self))
    return;
  char *acked =
      s->any_acked ? qp_text("%llu", (unsigned long long)s->largest_acked) : qp_text("nothing");
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "packet number length",
                  .expected = need > 4 ? qp_text("at most 2^31 numbers unacknowledged")
                                       : qp_text("%u bytes or more", need),
                  .actual = qp_text("%u for number %llu, largest acknowledged: %s", s->pn_len,
                                    (unsigned long long)s->pn, acked),
                  .explain = qp_text("%s has %llu numbers unacknowledged; %u bytes tell only %llu "
                                     "apart from the expected one",
                                     qp_flow(self->evidence, s->conn, s->side, flow),
                                     (unsigned long long)distance, s->pn_len,
                                     (1ull << (8 * s->pn_len)) / 2),
              });
  free(acked);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

const struct qp_check qp_check_pn_decodable = {
    .info = {"pn-decodable", "transport",
             "Each packet number is long enough to be decoded given the ACKs that had reached "
             "its sender.",
             true},
    .watch = watch,
};
