/* stream-complete: a stream that a side began it also ends: with FIN and every byte in
 * front of it sent, or with a reset. Control and request streams live as long as the
 * session: of these only holes count.
 *
 * Vantage: the sender's interface.
 *
 * Excused: the run was cut short; a rogue is at one end; the connection ended by the
 * plan, unless a younger stream of the same track that goes behind it was ended before,
 * so that this one was not waiting for its turn. In bare captures also: no close was captured, or the
 * receiver of the stream closed.
 *
 * Source: RFC 9000 2.2, 3.1. */
#include "pcap-tools/check/excuse.h"

/* Flow control of its own may keep a stream back: less than a datagram is left of it. */
#define LITTLE 1200u

static bool was_ended(const struct qp_half *h) {
  return h->fin && h->has_final && qp_reasm_has(&h->sent, 0, h->final_size);
}

static int priority_of(const struct qp_request *r, const struct qp_half *h) {
  return h->header.priority == QP_NO_PRIORITY ? r->default_priority : h->header.priority;
}

/* Is k of the same track as h, and goes before it by the order of MoQT (section 6.1)? An object
 * that a loss held back upstream comes later than those behind it. */
static bool goes_first(const struct qp_conn *c, const struct qp_half *k, const struct qp_half *h) {
  const struct qp_request *r = qp_session_alias(c, !h->side, h->header.alias, h->opened.time_ns);
  if (!r)
    return false;
  if (priority_of(r, k) != priority_of(r, h))
    return priority_of(r, k) < priority_of(r, h);
  if (k->header.group != h->header.group)
    return (k->header.group < h->header.group) != r->descending;
  return k->header.subgroup < h->header.subgroup;
}

/* Did its sender end a younger stream of the same track that had to wait for it? */
static bool overtaken(const struct qp_conn *c, const struct qp_half *h) {
  if (h->kind != QP_S_SUBGROUP || (h->allowed && h->charged + LITTLE > h->allowed))
    return false;
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *k = c->halves[i];
    if (k->side == h->side && k->kind == QP_S_SUBGROUP && k->header.alias == h->header.alias &&
        k->opened.time_ns > h->opened.time_ns && was_ended(k) && !goes_first(c, k, h))
      return true;
  }
  return false;
}

static bool excused(const struct qp_evidence *e, const struct qp_conn *c, const struct qp_half *h) {
  if (qp_is_rogue(e, c, QP_CLIENT) || qp_is_rogue(e, c, QP_SERVER))
    return true;
  if (qp_timed_out(e) || (qp_excused(e, c) && !overtaken(c, h)))
    return true;
  return !e->manifest && (!c->close[h->side].seen || c->close[!h->side].seen);
}

static void report(struct qp_judged *self, const struct qp_conn *c, struct qp_half *h,
                   char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(
      self, h->opened,
      (struct qp_words){
          .layer = "quic",
          .field = "stream end",
          .expected = expected,
          .actual = actual,
          .explain = qp_text("%s leaves stream %llu unfinished",
                             qp_flow(self->evidence, c, h->side, flow), (unsigned long long)h->id),
      });
}

static void judge_half(struct qp_judged *self, const struct qp_conn *c, struct qp_half *h) {
  uint64_t whole = qp_reasm_contiguous(&h->sent), end = qp_reasm_end(&h->sent);
  bool lasting = !c->moqt || h->kind == QP_S_CONTROL || h->kind == QP_S_REQUEST;
  if (!h->sent.n && !h->has_final) /* only the peer spoke of it */
    return;
  self->out->examined++;
  if (h->reset)
    return;
  uint64_t want = h->has_final && h->final_size > end ? h->final_size : end;
  bool hole = whole < want, open = !h->has_final && !lasting;
  if ((!hole && !open) || excused(self->evidence, c, h) || !qp_found(self))
    return;
  if (hole)
    report(self, c, h, qp_text("all of 0..%llu sent", (unsigned long long)want),
           qp_text("a hole at offset %llu", (unsigned long long)whole));
  else
    report(self, c, h, qp_text("FIN or RESET_STREAM behind the last byte"),
           qp_text("neither, after %llu bytes", (unsigned long long)end));
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++) {
    /* what the tracker gave up was whole */
    self->out->examined += qp_conn_n_retired(conns[i], 0) + qp_conn_n_retired(conns[i], 1);
    for (size_t k = 0; k < conns[i]->n_halves; k++)
      judge_half(self, conns[i], conns[i]->halves[k]);
  }
}

const struct qp_check qp_check_stream_complete = {
    .info = {"stream-complete", "transport",
             "Every stream ends with FIN and all its bytes, or with a reset.", true},
    .finish = finish,
};
