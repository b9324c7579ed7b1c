/* priority-drop: what the PRIORITY_FILTER on the wire excludes is not sent, what it
 * admits is, and each tail cut off with a reset is a lawful drop: with the code that
 * goes with its reason, and never opened again. Looks at subscriptions that ever had a
 * filter, and at every reset subgroup. A filter counts for a subgroup as a whole, from
 * the one in force when its first bytes leave.
 *
 * Vantage: the relay's interface.
 *
 * Excused: a change on its way (asked, not yet answered, and one turn of the relay
 * after that): both filters count; what the end of a connection took away.
 *
 * Source: draft-ietf-moq-transport-20; DESIGN 5. */
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/fanout.h"
#include "pcap-tools/check/filter.h"
#include "pcap-tools/check/upstream.h"

/* Codes of stream resets, and of PUBLISH_DONE the last one (draft-ietf-moq-transport-20). */
#define RESET_DELIVERY_TIMEOUT 0x2
#define RESET_TOO_FAR_BEHIND   0x5
#define DONE_TOO_FAR_BEHIND    0x5

static void judge_excluded(struct qp_judged *self, const struct qp_conn *c, unsigned side,
                           const struct qp_object *o) {
  const struct qp_evidence *e = self->evidence;
  char flow[QP_FLOW_TEXT];
  const struct qp_request *r = qp_session_alias(c, !side, o->alias, o->first.time_ns);
  if (!r || !qp_has_filter(r))
    return;
  int priority = o->priority == QP_NO_PRIORITY ? r->default_priority : o->priority;
  uint64_t t = o->opened_ns;
  self->out->examined++;
  if (qp_admitted(r, priority, t) || !qp_found(self))
    return;
  const struct qp_tracks *tracks = qp_tracker_tracks(e->tracker);
  qp_describe(self, o->first,
              (struct qp_words){
                  .layer = "moqt",
                  .field = "publisher priority",
                  .expected = qp_text("one that the subscription's filter admits"),
                  .actual = qp_text("%d", priority),
                  .explain = qp_text("%s group %llu object %llu is sent on %s although the filter "
                                     "excludes it",
                                     r->track < tracks->n ? tracks->items[r->track].name : "?",
                                     (unsigned long long)o->group, (unsigned long long)o->object,
                                     qp_flow(e, c, side, flow)),
              });
}

static void judge_admitted(struct qp_judged *self, const struct qp_due *d) {
  char flow[QP_FLOW_TEXT];
  if (!qp_has_filter(d->request))
    return;
  self->out->examined++;
  if (d->claim != QP_CLAIM_DUE || (d->out && d->out->whole) || !qp_found(self))
    return;
  char *object = qp_object_text(self->evidence, d);
  qp_describe(self, d->in->last,
              (struct qp_words){
                  .layer = "moqt",
                  .field = "drop",
                  .expected = qp_text("priority %d sent: the filter admits it", d->in_priority),
                  .actual = qp_text("dropped"),
                  .explain = qp_text("%s, on %s", object,
                                     qp_flow(self->evidence, d->conn, !d->request->side, flow)),
              });
  free(object);
}

/* ---- resets ---------------------------------------------------------------- */

/* Did any stream of this subgroup end with a reset where it reached the relay? */
static bool reset_upstream(const struct qp_evidence *e, const struct qp_conn *down,
                           const struct qp_half *h, uint32_t track) {
  const struct qp_half *u;
  for (struct qp_upstream_walk walk = {0}; (u = qp_upstream_next(e, down, h, track, &walk));)
    if (u->reset)
      return true;
  return false;
}

/* The relay that ends it resets in the same turn what it brought: on another connection, in
 * whatever order. */
static bool upstream_ended(const struct qp_evidence *e, const struct qp_conn *down,
                           const struct qp_half *h, uint32_t track) {
  uint64_t t = h->reset_at.time_ns;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  for (size_t i = 0; i < n; i++) {
    const int relay = qp_upstream_asker(e, conns[i], down, h->side, track);
    if (relay < 0)
      continue;
    const struct qp_close *own = &conns[i]->close[relay], *other = &conns[i]->close[!relay];
    if ((own->seen && own->at.time_ns < t + QP_TURN_NS) || (other->seen && other->at.time_ns < t) ||
        qp_broken_at(e, conns[i]) < t)
      return true;
  }
  return false;
}

enum reason {
  REASON_NONE,
  REASON_TIMEOUT, /* of the subscription: MoQT says with which code */
  REASON_OTHER
};

static enum reason reason_of(const struct qp_evidence *e, const struct qp_conn *c,
                             const struct qp_half *h) {
  const struct qp_request *r = qp_session_alias(c, !h->side, h->header.alias, h->opened.time_ns);
  if (!r || h->stopped || (r->ended.frame && r->ended.time_ns <= h->reset_at.time_ns))
    return REASON_OTHER;
  if (r->done && r->done_status == DONE_TOO_FAR_BEHIND && h->reset_code == RESET_TOO_FAR_BEHIND)
    return REASON_OTHER; /* the resets come before PUBLISH_DONE */
  int priority = h->header.priority == QP_NO_PRIORITY ? r->default_priority : h->header.priority;
  for (size_t i = 0; i < r->n_filters; i++) {
    const struct qp_filter *f = &r->filters[i];
    if (!f->forward || !qp_filter_admits(f, priority))
      return REASON_OTHER;
  }
  if (reset_upstream(e, c, h, r->track) || upstream_ended(e, c, h, r->track))
    return REASON_OTHER;
  return qp_request_times_out(r) ? REASON_TIMEOUT : REASON_NONE;
}

static void reset_finding(struct qp_judged *self, const struct qp_conn *c, const struct qp_half *h,
                          char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(
      self, h->reset_at,
      (struct qp_words){
          .layer = "quic",
          .field = "RESET_STREAM",
          .expected = expected,
          .actual = actual,
          .explain = qp_text("%s cuts off stream %llu, group %llu",
                             qp_flow(self->evidence, c, h->side, flow), (unsigned long long)h->id,
                             (unsigned long long)h->header.group),
      });
}

static void judge_reset(struct qp_judged *self, const struct qp_conn *c, const struct qp_half *h) {
  if (!h->reset || h->kind != QP_S_SUBGROUP)
    return;
  self->out->examined++;
  switch (reason_of(self->evidence, c, h)) {
  case REASON_OTHER:
    return;
  case REASON_TIMEOUT:
    if (h->reset_code != RESET_DELIVERY_TIMEOUT && qp_found(self))
      reset_finding(self, c, h, qp_text("code %#x, DELIVERY_TIMEOUT", RESET_DELIVERY_TIMEOUT),
                    qp_text("code %#llx", (unsigned long long)h->reset_code));
    return;
  default:
    if (qp_found(self))
      reset_finding(self, c, h,
                    qp_text("a reason: filter, delivery timeout, STOP_SENDING, the end of "
                            "the subscription, or a reset upstream"),
                    qp_text("none, code %#llx", (unsigned long long)h->reset_code));
  }
}

/* ---- a subgroup that was let go stays closed -------------------------------- */

static uint64_t subgroup_key(const struct qp_half *h) {
  uint64_t k = qp_map_mix(h->header.alias, h->header.group);
  return qp_map_mix(k, h->header.subgroup);
}

static bool same_subgroup(const struct qp_half *a, const struct qp_half *b) {
  return a->header.alias == b->header.alias && a->header.group == b->header.group &&
         a->header.subgroup == b->header.subgroup;
}

/* After a reset for a timeout the subgroup is not opened again. */
static void judge_reopened(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  struct qp_map let_go = {0};
  char flow[QP_FLOW_TEXT];
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (h->side == side && h->reset && h->reset_code == RESET_DELIVERY_TIMEOUT &&
        qp_upstream_is_named(h))
      qp_map_set(&let_go, subgroup_key(h), (uint32_t)i);
  }
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (h->side != side || !qp_upstream_is_named(h))
      continue;
    uint32_t k = qp_map_get(&let_go, subgroup_key(h));
    if (k >= c->n_halves || k == i) /* QP_MAP_NONE */
      continue;
    const struct qp_half *gone = c->halves[k];
    if (!same_subgroup(h, gone) || h->opened.time_ns <= gone->reset_at.time_ns || !qp_found(self))
      continue;
    qp_describe(self, h->opened,
                (struct qp_words){
                    .layer = "moqt",
                    .field = "SUBGROUP_HEADER",
                    .expected = qp_text("none: stream %llu with this subgroup was reset with "
                                        "DELIVERY_TIMEOUT",
                                        (unsigned long long)gone->id),
                    .actual = qp_text("opened again on stream %llu", (unsigned long long)h->id),
                    .explain = qp_text("%s opens group %llu subgroup %llu a second time",
                                       qp_flow(self->evidence, c, side, flow),
                                       (unsigned long long)h->header.group,
                                       (unsigned long long)h->header.subgroup),
                });
  }
  qp_map_clear(&let_go);
}

static void finish(struct qp_judged *self) {
  const struct qp_fanout *f = self->evidence->fanout;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    for (unsigned side = 0; side < 2; side++) {
      if (!qp_is_relay(self->evidence, conns[i], side))
        continue;
      for (size_t k = 0; k < conns[i]->n_objects[side]; k++)
        judge_excluded(self, conns[i], side, &conns[i]->objects[side][k]);
      for (size_t k = 0; k < conns[i]->n_halves; k++)
        if (conns[i]->halves[k]->side == side)
          judge_reset(self, conns[i], conns[i]->halves[k]);
      judge_reopened(self, conns[i], side);
    }
  self->out->examined += 2 * f->in_order_filtered; /* admitted, and nothing excluded */
  for (size_t i = 0; i < f->n; i++)
    judge_admitted(self, &f->due[i]);
}

const struct qp_check qp_check_priority_drop = {
    .info = {"priority-drop", "media",
             "What the filter excludes is not delivered, what it admits is, each drop is lawful.",
             true},
    .finish = finish,
};
