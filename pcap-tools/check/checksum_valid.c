/* checksum-valid: UDP and IPv4 header checksums are right when a datagram leaves its
 * sender. What a sender's network card still has to fill in (CHECKSUM_PARTIAL) counts
 * as right, see read/udp.h.
 *
 * Vantage: the sender's interface.
 *
 * Excused: nothing.
 *
 * Source: RFC 768; RFC 791 3.1; RFC 8200 8.1. */
#include "pcap-tools/check/check.h"

static void report(struct qp_judged *self, struct qp_place place, const struct qp_udp *udp,
                   const char *layer, char *expected, char *actual) {
  char from[QP_END_TEXT], to[QP_END_TEXT];
  qp_describe(self, place,
              (struct qp_words){.layer = layer,
                                .field = "checksum",
                                .expected = expected,
                                .actual = actual,
                                .explain = qp_text("%s sends to %s what every receiver drops",
                                                   qp_end_text(&udp->tuple.src, from),
                                                   qp_end_text(&udp->tuple.dst, to))});
}

static void datagram(void *arg, struct qp_place place, const struct qp_udp *udp,
                     struct qp_conn *conn, unsigned views) {
  struct qp_judged *self = arg;
  (void)conn;
  if (!(views & QP_SENT) || udp->sum == QP_SUM_UNKNOWN)
    return;
  self->out->examined++;
  if (udp->sum == QP_SUM_WRONG && qp_found(self))
    report(self, place, udp, "udp", qp_text("%04x", udp->sum_want), qp_text("%04x", udp->sum_wire));
  if (udp->ip_sum_wrong && qp_found(self))
    report(self, place, udp, "ip", qp_text("a header that sums up to ffff"), qp_text("another"));
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->datagram = datagram;
}

const struct qp_check qp_check_checksum_valid = {
    .info = {"checksum-valid", "transport",
             "UDP and IPv4 checksums are right at the sender's interface.", true},
    .watch = watch,
};
