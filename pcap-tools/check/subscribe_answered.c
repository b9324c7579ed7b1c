/* subscribe-answered: every SUBSCRIBE that reached the other side gets SUBSCRIBE_OK or
 * REQUEST_ERROR, and every REQUEST_UPDATE of one its answer.
 *
 * Vantage: the interface of whoever is asked.
 *
 * Excused: a rogue asks or is asked; the connection ended, was broken off, or the
 * capture stops, within ANSWER_NS of the question; the asker gave the request up.
 *
 * Source: draft-ietf-moq-transport-20. */
#include "pcap-tools/check/excuse.h"

#define ANSWER_NS 1000000000u

static uint64_t end_of(const struct qp_evidence *e, const struct qp_conn *c) {
  uint64_t end = qp_broken_at(e, c);
  for (int side = 0; side < 2; side++)
    if (c->close[side].seen && c->close[side].at.time_ns < end)
      end = c->close[side].at.time_ns;
  return end == UINT64_MAX ? c->last.time_ns : end;
}

static void judge_answer(struct qp_judged *self, const struct qp_conn *c,
                         const struct qp_request *r, const struct qp_filter *f,
                         const char *message) {
  const struct qp_evidence *e = self->evidence;
  char flow[QP_FLOW_TEXT];
  const struct qp_tracks *tracks = qp_tracker_tracks(e->tracker);
  uint64_t end = end_of(e, c), given_up = r->ended.frame ? r->ended.time_ns : UINT64_MAX;
  if (!f->answered.frame && !(r->error && f == r->filters)) {
    if (end < f->asked.time_ns + ANSWER_NS || given_up < f->asked.time_ns + ANSWER_NS ||
        qp_timed_out(e))
      return;
  }
  self->out->examined++;
  if (f->answered.frame || (r->error && f == r->filters) || !qp_found_of(self, c, !r->side))
    return;
  qp_describe(self, f->asked,
              (struct qp_words){
                  .layer = "moqt",
                  .field = "answer",
                  .expected = qp_text("an answer to this %s for track %s", message,
                                      r->track < tracks->n ? tracks->items[r->track].name : "?"),
                  .actual = qp_text("none on request stream %llu", (unsigned long long)r->stream),
                  .explain = qp_text("%s asks and hears nothing", qp_flow(e, c, r->side, flow)),
              });
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < conns[i]->n_requests; k++) {
      const struct qp_request *r = &conns[i]->requests[k];
      if (r->type != QP_M_SUBSCRIBE || qp_is_rogue(self->evidence, conns[i], r->side))
        continue;
      for (size_t u = 0; u < r->n_filters; u++)
        judge_answer(self, conns[i], r, &r->filters[u], u ? "REQUEST_UPDATE" : "SUBSCRIBE");
    }
}

const struct qp_check qp_check_subscribe_answered = {
    .info = {"subscribe-answered", "media", "Every SUBSCRIBE gets an answer.", true},
    .finish = finish,
};
