/* copy-count: every object that reached a relay leaves it towards each entitled
 * subscriber: a datagram exactly once, the bytes of a subgroup at least once and never
 * on two streams.
 *
 * Vantage: the relay's interface.
 *
 * Excused: a lawful drop: by filter, by the reset of its stream, by the end of the
 * subscription or the connection.
 *
 * Source: DESIGN 5; draft-ietf-moq-transport-20. */
#include <stdlib.h>

#include "pcap-tools/check/fanout.h"

static void report(struct qp_judged *self, struct qp_place place, const struct qp_due *d,
                   const char *field, char *expected, char *actual) {
  const struct qp_evidence *e = self->evidence;
  char flow[QP_FLOW_TEXT];
  char *object = qp_object_text(e, d);
  qp_describe(self, place,
              (struct qp_words){.layer = "moqt",
                                .field = field,
                                .expected = expected,
                                .actual = actual,
                                .explain = qp_text("%s, on %s", object,
                                                   qp_flow(e, d->conn, !d->request->side, flow))});
  free(object);
}

static void judge_missing(struct qp_judged *self, const struct qp_due *d) {
  if (d->claim != QP_CLAIM_DUE || !qp_found(self))
    return;
  if (!d->out)
    report(self, d->in->last, d, "copy",
           qp_text("%s",
                   d->in->datagram ? "one datagram with this object" : "this object on a stream"),
           qp_text("none; here it reached the relay"));
  else
    report(self, d->out->last, d, "payload", qp_text("%llu bytes", (unsigned long long)d->in->len),
           qp_text("%llu in front of a hole or the end", (unsigned long long)d->out->got));
}

static void judge_due(struct qp_judged *self, const struct qp_due *d) {
  self->out->examined++;
  if (!d->out || !d->out->whole)
    judge_missing(self, d);
  if (!d->out || d->copies < 2 || !qp_found(self))
    return;
  report(self, d->second ? d->second->first : d->out->first, d, "copy",
         qp_text("%s", d->in->datagram ? "one datagram" : "all of it on one stream"),
         qp_text("%u", d->copies));
}

static void finish(struct qp_judged *self) {
  const struct qp_fanout *f = self->evidence->fanout;
  self->out->examined += f->in_order + f->left_out;
  self->out->findings_total += f->left_out;
  for (size_t i = 0; i < f->n; i++)
    judge_due(self, &f->due[i]);
}

const struct qp_check qp_check_copy_count = {
    .info = {"copy-count", "fan-out",
             "Every object that reaches the relay is sent once to each entitled subscriber, or "
             "lawfully dropped.",
             true},
    .finish = finish,
};
