/* stream-complete: a stream that a side began it also ends: with FIN and every byte in
 * front of it sent, or with a reset. Control and request streams live as long as the
 * session: of these only holes count.
 *
 * Vantage: the sender's interface.
 *
 * Excused: the run was cut short; a rogue is at one end; the connection ended by the
 * plan, unless a younger stream of the same track that goes behind it was ended before and came to
 * the relay when that had all of this one, so that it was neither waiting for its turn nor for its
 * publisher, and may not be let go; a publisher that the plan took away left the rest owed, and the
 * relay cannot know yet.
 * In bare captures also: no close was captured, or the receiver of the stream closed.
 *
 * Source: RFC 9000 2.2, 3.1. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/upstream.h"

/* Flow control of its own may keep a stream back: less than a datagram is left of it. */
#define LITTLE 1200u

static bool was_ended(const struct qp_half *h) {
  return h->fin && h->has_final && qp_reasm_has(&h->sent, 0, h->final_size);
}

static int priority_of(const struct qp_request *r, const struct qp_half *h) {
  return h->header.priority == QP_NO_PRIORITY ? r->default_priority : h->header.priority;
}

/* Is k of the same track as h, and goes before it by the order of MoQT (section 6.1)? An object
 * that a loss held back upstream comes later than those behind it. Of a subgroup without a name yet
 * nobody can tell. */
static bool goes_first(const struct qp_request *r, const struct qp_half *k,
                       const struct qp_half *h) {
  if (priority_of(r, k) != priority_of(r, h))
    return priority_of(r, k) < priority_of(r, h);
  if (k->header.group != h->header.group)
    return (k->header.group < h->header.group) != r->descending;
  return !qp_upstream_is_named(k) || !qp_upstream_is_named(h) ||
         k->header.subgroup < h->header.subgroup;
}

/* Did its sender end a younger stream of the same track that had to wait for it? */
static bool overtaken(const struct qp_evidence *e, const struct qp_conn *c, const struct qp_half *h,
                      const struct qp_request *r) {
  if (h->kind != QP_S_SUBGROUP || (h->allowed && h->charged + LITTLE > h->allowed))
    return false;
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *k = c->halves[i];
    if (k->side != h->side || k->kind != QP_S_SUBGROUP || k->header.alias != h->header.alias ||
        k->opened.time_ns <= h->opened.time_ns || !was_ended(k))
      continue;
    if (!r || (!goes_first(r, k, h) &&
               qp_upstream_whole(e, c, h, r->track, qp_upstream_came(e, c, k, r->track))))
      return true;
  }
  return false;
}

/* A tail may be let go; its reset waits until the header is acknowledged. */
static bool may_be_dropped(const struct qp_request *r) {
  return r && qp_request_times_out(r);
}

static bool excused(const struct qp_evidence *e, const struct qp_conn *c, const struct qp_half *h) {
  if (qp_is_rogue(e, c, QP_CLIENT) || qp_is_rogue(e, c, QP_SERVER))
    return true;
  const struct qp_request *r = qp_session_alias(c, !h->side, h->header.alias, h->opened.time_ns);
  if (qp_timed_out(e) || (qp_excused(e, c) && (may_be_dropped(r) || !overtaken(e, c, h, r))))
    return true;
  if (r && h->kind == QP_S_SUBGROUP && qp_upstream_awaited(e, c, h, r->track))
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

/* Kinds are read at the server's interface. A stream of a client that never came there is what its
 * first bytes say as they left. */
static bool is_control(const struct qp_half *h) {
  uint8_t front[QP_MOQ_HEADER_MAX];
  struct qp_subgroup header;
  enum qp_uni kind;
  const char *why;
  if (h->kind != QP_S_UNKNOWN)
    return h->kind == QP_S_CONTROL;
  size_t n = qp_reasm_read(&h->sent, 0, front, sizeof front);
  return qp_uni_header(front, n, &kind, &header, &why) > 0 && kind == QP_UNI_CONTROL;
}

static void judge_half(struct qp_judged *self, const struct qp_conn *c, struct qp_half *h) {
  uint64_t whole = qp_reasm_contiguous(&h->sent), end = qp_reasm_end(&h->sent);
  /* A request may be lost to the end of the run: MoQT has no other streams of two directions. */
  bool lasting = !c->moqt || !qp_stream_uni(h->id) || is_control(h);
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
