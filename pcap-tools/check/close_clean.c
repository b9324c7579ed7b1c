/* close-clean: every connection ends with CONNECTION_CLOSE and code 0 from one side, or
 * by the plan. Another code is a finding, unless it is the one that the scenario
 * expects the node to get that it goes to; and what is expected must come.
 *
 * Who closes before the handshake is done cannot say why: a close by the application, whatever its
 * code, then goes as APPLICATION_ERROR of the transport (RFC 9000 10.2.3), and is none. If it
 * goes in a 1-RTT packet as well, that one counts. A server's handshake is done when its HANDSHAKE_DONE
 * has left; 1-RTT packets of the client may come before the client's Finished does.
 *
 * Vantage: the sender's interface.
 *
 * Excused: a connection that the timeline broke, or whose run was cut short; what a
 * rogue itself closes with, or that it goes without a word. Bare captures may stop
 * before the end: there only codes are judged.
 *
 * Source: RFC 9000 10.2, 20. */
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/track/codes.h"

struct close_clean {
  bool *came; /* by index of the manifest's `closes` */
};

/* Of the close that `side` sends. Marks what was expected. */
static bool is_expected(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  struct close_clean *state = self->state;
  const struct qp_manifest *m = self->evidence->manifest;
  const struct qp_node *to = qp_node_at(self->evidence, c, !side);
  bool expected = false;
  for (size_t i = 0; to && i < m->n_closes; i++)
    if (!strcmp(m->closes[i].node, to->name) && qp_code_is(&c->close[side], m->closes[i].error))
      state->came[i] = expected = true;
  return expected;
}

#define APPLICATION_ERROR 0x0c

static bool is_early(const struct qp_conn *c, unsigned side) {
  const struct qp_close *close = &c->close[side];
  bool done = side == QP_SERVER ? c->confirmed : c->handshake_done;
  return !done && close->early && !close->application && close->code == APPLICATION_ERROR;
}

static void judge_code(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  const struct qp_close *close = &c->close[side];
  char flow[QP_FLOW_TEXT];
  if (!close->seen || is_expected(self, c, side) || qp_code_is_no_error(c, close) ||
      is_early(c, side) || !qp_found_of(self, c, side))
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
  if (closed || qp_excused(e, c) || qp_timed_out(e) || qp_is_rogue(e, c, QP_CLIENT) ||
      qp_is_rogue(e, c, QP_SERVER) || !qp_found(self))
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

static void judge_expected(struct qp_judged *self) {
  const struct close_clean *state = self->state;
  const struct qp_manifest *m = self->evidence->manifest;
  for (size_t i = 0; i < m->n_closes; i++) {
    self->out->examined++;
    if (!state->came[i] && qp_found(self))
      qp_describe_line(self, "manifest.json", 0, 0,
                       (struct qp_words){
                           .layer = "run",
                           .field = "closes",
                           .expected = qp_text("a connection of %s that its peer closes with %s",
                                               m->closes[i].node, m->closes[i].error),
                           .actual = qp_text("none"),
                           .explain = qp_text("the scenario expects %s to be sent away with "
                                              "this error",
                                              m->closes[i].node),
                       });
  }
}

static void finish(struct qp_judged *self) {
  struct close_clean *state = self->state;
  const struct qp_evidence *e = self->evidence;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  if (e->manifest)
    state->came = qp_alloc(e->manifest->n_closes, sizeof *state->came);
  for (size_t i = 0; i < n; i++)
    judge_conn(self, conns[i]);
  if (e->manifest && !qp_timed_out(e))
    judge_expected(self);
}

static void clear(struct qp_judged *self) {
  free(((struct close_clean *)self->state)->came);
}

const struct qp_check qp_check_close_clean = {
    .info = {"close-clean", "transport",
             "Every connection ends with CONNECTION_CLOSE and code 0, or by the plan.", true},
    .state = sizeof(struct close_clean),
    .finish = finish,
    .clear = clear,
};
