/* close-clean: every connection ends with CONNECTION_CLOSE and code 0 from one
 * side, or by the plan. Any other code is a finding, whoever planned what.
 * Bare captures may stop before the end: there only codes are judged. */
#include "pcap-tools/check/excuse.h"

/* The code that means no error. HTTP/3 has its own (RFC 9114 8.1); what an application
 * over any other protocol means by a code nobody knows here. */
static bool is_no_error(const struct qp_conn *c, const struct qp_close *close) {
  const char *alpn = c->hello.alpn_chosen[0] ? c->hello.alpn_chosen : c->hello.alpn;
  if (!close->code || !close->application || c->moqt)
    return !close->code;
  return strncmp(alpn, "h3", 2) != 0 || close->code == 0x100;
}

static void judge_code(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  const struct qp_close *close = &c->close[side];
  char flow[QP_FLOW_TEXT];
  if (!close->seen || is_no_error(c, close) || !qp_found(self))
    return;
  qp_describe(
      self, close->at,
      (struct qp_words){
          .layer = close->application ? "moqt" : "quic",
          .field = "error code",
          .expected = qp_text("0, no error"),
          .actual = qp_text("%#llx \"%s\"", (unsigned long long)close->code, close->reason),
          .explain = qp_text("%s closes with %s error", qp_flow(self->evidence, c, side, flow),
                             close->application ? "an application" : "a transport"),
      });
}

static void judge_conn(struct qp_judged *self, const struct qp_conn *c) {
  const struct qp_evidence *e = self->evidence;
  char flow[QP_FLOW_TEXT];
  bool closed = c->close[QP_CLIENT].seen || c->close[QP_SERVER].seen;
  if (!closed && !e->manifest)
    return;
  self->out->examined++;
  judge_code(self, c, QP_CLIENT);
  judge_code(self, c, QP_SERVER);
  if (closed || qp_excused(e, c) || qp_timed_out(e) || !qp_found(self))
    return;
  qp_describe(self, c->last,
              (struct qp_words){
                  .layer = "quic",
                  .field = "CONNECTION_CLOSE",
                  .expected = qp_text("one from either side, with code 0"),
                  .actual = qp_text("none; this is the connection's last packet"),
                  .explain = qp_text("the connection %s ends without a word and no event of the "
                                     "plan says so",
                                     qp_flow(e, c, QP_CLIENT, flow)),
              });
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    judge_conn(self, conns[i]);
}

const struct qp_check qp_check_close_clean = {
    .info = {"close-clean", "transport",
             "Every connection ends with CONNECTION_CLOSE and code 0, or by the plan.", true},
    .finish = finish,
};
