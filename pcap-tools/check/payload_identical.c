/* payload-identical: what a subscriber gets is what was published. Twice: on the wire
 * (object at the relay's entrance against its copy), and in the endpoints' own logs
 * (published against delivered: size, hash, priority, each once, and nothing missing).
 *
 * Vantage: the relay's interface; the endpoints' own logs.
 *
 * Excused: what a loss, a lawful drop or the timeline took away, or PUBLISH_DONE has overtaken; what a subscription lacks
 * that ended with TOO_FAR_BEHIND; what a rogue publishes may be anything, and nothing is
 * owed to a rogue.
 *
 * Source: DESIGN 8. */
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/fanout.h"

/* How long an object may be on its way when a session is broken off: through an
 * impaired link and its queue, and through plain ones. */
#define IN_FLIGHT_NS       2000000000u
#define IN_FLIGHT_PLAIN_NS 500000000u

/* ---- on the wire ------------------------------------------------------- */

static void wire_differs(struct qp_judged *self, const struct qp_due *d, const char *field,
                         unsigned long long in, unsigned long long out, const char *format) {
  char flow[QP_FLOW_TEXT], was[32], is[32];
  if (!qp_found(self))
    return;
  char *object = qp_object_text(self->evidence, d);
  snprintf(was, sizeof was, format, in);
  snprintf(is, sizeof is, format, out);
  qp_describe(self, d->out->last,
              (struct qp_words){
                  .layer = "moqt",
                  .field = field,
                  .expected = qp_text("%s, as it reached the relay", was),
                  .actual = qp_text("%s", is),
                  .explain = qp_text("%s, on %s", object,
                                     qp_flow(self->evidence, d->conn, !d->request->side, flow))});
  free(object);
}

static void judge_wire(struct qp_judged *self) {
  const struct qp_fanout *f = self->evidence->fanout;
  self->out->examined += f->in_order;
  for (size_t i = 0; i < f->n; i++) {
    const struct qp_due *d = &f->due[i];
    if (!d->out || !d->out->whole)
      continue;
    self->out->examined++;
    if (d->in->len != d->out->len)
      wire_differs(self, d, "payload length", d->in->len, d->out->len, "%llu");
    else if (d->in->hash != d->out->hash)
      wire_differs(self, d, "payload", d->in->hash, d->out->hash, "xxh3 %016llx");
    if (d->in_priority != d->out_priority)
      wire_differs(self, d, "publisher priority", (unsigned)d->in_priority,
                   (unsigned)d->out_priority, "%llu");
    if (d->in->status != d->out->status)
      wire_differs(self, d, "object status", d->in->status, d->out->status, "%llu");
  }
}

/* ---- in the logs ------------------------------------------------------- */

/* Everything published in the run, found by place. */
struct published {
  struct qp_map first;
  const struct qp_log_object **items;
  uint32_t *by; /* index of the publisher's node */
  size_t n, room, by_room;
};

static uint64_t key_of(const struct qp_log_object *o, bool datagram) {
  uint64_t k = qp_map_mix(o->track, o->group);
  k = qp_map_mix(k, o->object);
  return datagram ? k : qp_map_mix(k, o->subgroup);
}

static void index_published(const struct qp_evidence *e, struct published *p) {
  for (size_t i = 0; i < e->manifest->n_nodes; i++) {
    const struct qp_objects_log *log = &e->logs[i];
    for (size_t k = 0; k < log->n_published; k++) {
      const struct qp_log_object *o = &log->published[k];
      qp_grow((void **)&p->items, &p->room, p->n + 1, sizeof(void *));
      qp_grow((void **)&p->by, &p->by_room, p->n + 1, sizeof *p->by);
      p->items[p->n] = o;
      p->by[p->n] = (uint32_t)i;
      qp_map_set(&p->first, key_of(o, o->subgroup == QP_NO_SUBGROUP), (uint32_t)p->n++);
    }
  }
}

static char *log_object_text(const struct qp_evidence *e, const struct qp_log_object *o) {
  return qp_text("%s group %llu object %llu", e->names.items[o->track],
                 (unsigned long long)o->group, (unsigned long long)o->object);
}

static void log_finding(struct qp_judged *self, const char *file, const struct qp_log_object *o,
                        const char *field, char *expected, char *actual, const char *who) {
  char *object = log_object_text(self->evidence, o);
  qp_describe_line(self, file, o->line, o->t,
                   (struct qp_words){.layer = "moqt",
                                     .field = field,
                                     .expected = expected,
                                     .actual = actual,
                                     .explain = qp_text("%s, at %s", object, who)});
  free(object);
}

/* Which published objects a session of a subscriber got. */
struct got {
  uint8_t *in_session; /* by published index: number of the session + 1, of the last delivery */
};

/* A publisher that is killed has not written down what it published last. */
static bool was_unwritten(const struct qp_evidence *e, const struct qp_log_object *d) {
  const struct qp_manifest *m = e->manifest;
  for (size_t i = 0; i < m->n_tracks; i++) {
    bool unflushed;
    uint64_t from = d->t > IN_FLIGHT_NS ? d->t - IN_FLIGHT_NS : 0;
    if (strcmp(m->tracks[i].name, e->names.items[d->track]) == 0 &&
        qp_node_broken_at(e, m->tracks[i].from, from, &unflushed) < d->t + QP_UNFLUSHED_NS)
      return unflushed;
  }
  return false;
}

static void judge_delivery(struct qp_judged *self, const struct published *p, struct got *got,
                           size_t node, const struct qp_log_object *d) {
  const struct qp_objects_log *log = &self->evidence->logs[node];
  const char *who = self->evidence->manifest->nodes[node].name;
  uint32_t i = qp_map_get(&p->first, key_of(d, d->datagram));
  if (qp_is_rogue_track(self->evidence, self->evidence->names.items[d->track]))
    return;
  self->out->examined++;
  if (i >= p->n) { /* QP_MAP_NONE */
    if (!was_unwritten(self->evidence, d) && qp_found(self))
      log_finding(self, log->file, d, "object", qp_text("one that a publisher published"),
                  qp_text("no publisher's log has it"), who);
    return;
  }
  const struct qp_log_object *o = p->items[i];
  if (d->size != o->size && qp_found(self))
    log_finding(self, log->file, d, "size", qp_text("%llu", (unsigned long long)o->size),
                qp_text("%llu", (unsigned long long)d->size), who);
  else if (d->size == o->size && d->hash != o->hash && qp_found(self))
    log_finding(self, log->file, d, "hash", qp_text("%016llx", (unsigned long long)o->hash),
                qp_text("%016llx", (unsigned long long)d->hash), who);
  if (d->priority != o->priority && qp_found(self))
    log_finding(self, log->file, d, "priority", qp_text("%d", o->priority),
                qp_text("%d", d->priority), who);
  uint8_t mark = (uint8_t)(d->session + 1);
  if (got->in_session[i] == mark && qp_found(self))
    log_finding(self, log->file, d, "object", qp_text("delivered once in a session"),
                qp_text("delivered again"), who);
  got->in_session[i] = mark;
}

/* The tightest limit that was ever planned for this subscriber and track; -1 =
 * what it gets cannot be told from the plan. */
static int least_limit(const struct qp_evidence *e, const char *who, const char *track) {
  const struct qp_manifest *m = e->manifest;
  int limit = 255;
  for (size_t i = 0; i < m->n_subscriptions; i++) {
    const struct qp_subscription_info *s = &m->subscriptions[i];
    if (strcmp(s->who, who) != 0)
      continue;
    for (size_t k = 0; k < s->n_tracks; k++) {
      if (strcmp(s->tracks[k], track) != 0)
        continue;
      if (s->delivery_timeout_ns)
        return -1;
      if (s->priority_limit >= 0 && s->priority_limit < limit)
        limit = s->priority_limit;
    }
  }
  bool changes = qp_happened(e, who, "priority_limit") || qp_happened(e, who, "unsubscribe") ||
                 qp_happened(e, who, "subscribe");
  return changes ? -1 : limit;
}

/* Until when an object had to be published to be owed, as far as that node goes, which counts from
 * that time on. */
static uint64_t owed_by(const struct qp_evidence *e, const struct qp_log_subscribed *s,
                        const char *node, uint64_t from_ns, bool lossless) {
  bool unflushed;
  uint64_t broken = qp_node_broken_at(e, node, from_ns, &unflushed);
  uint64_t early = lossless ? IN_FLIGHT_PLAIN_NS : IN_FLIGHT_NS;
  if (unflushed) /* what the log lost was delivered before that */
    early += QP_UNFLUSHED_NS;
  if (broken == UINT64_MAX || (s->until != UINT64_MAX && broken > s->until + early))
    return s->until;
  return broken > early ? broken - early : 0;
}

/* The subscriber itself, its relay, or one above that, may have broken off. With one of the first
 * two the connection ends: also if SUBSCRIBE_OK was still on its way. */
static uint64_t owed_until(const struct qp_evidence *e, const struct qp_objects_log *log,
                           const struct qp_log_subscribed *s, const struct qp_node *who,
                           bool lossless) {
  const bool known = s->session && s->session <= log->n_sessions;
  const uint64_t began = known ? log->sessions[s->session - 1].t : s->t;
  uint64_t least = UINT64_MAX;
  for (size_t hops = 0; who && hops <= e->manifest->n_nodes; hops++) {
    uint64_t until = owed_by(e, s, who->name, hops < 2 ? began : s->t, lossless);
    least = until < least ? until : least;
    who = *who->relay ? qp_manifest_node(e->manifest, who->relay) : NULL;
  }
  return least;
}

/* A subscriber that only receives shows the address its NAT gave it with its next
 * keep-alive, a second later at most; until then datagrams go to the old one. */
#define REBOUND_NS 1500000000u

static bool was_rebound(const struct qp_evidence *e, const char *who, uint64_t t) {
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, who, "rebind", f));)
    if (t + IN_FLIGHT_PLAIN_NS >= f->t && t < f->t + REBOUND_NS)
      return true;
  return false;
}

static bool was_due(const struct qp_log_subscribed *s, const struct qp_log_object *o, int limit,
                    bool lossless, uint64_t until) {
  uint64_t first = s->has_largest ? s->largest_group + 1 : 0;
  if (o->track != s->track || o->group < first || o->priority > limit)
    return false;
  if (o->subgroup == QP_NO_SUBGROUP && !lossless)
    return false;
  return o->t < until;
}

static bool publisher_broke(const struct qp_evidence *e, const char *node) {
  bool unflushed;
  return qp_node_broken_at(e, node, 0, &unflushed) != UINT64_MAX || qp_happened(e, node, "rogue");
}

/* The relay of its publisher broke off before the subscription, which may rest on what a relay
 * below had from it before: until the publisher is connected again nothing gets any further. */
static bool lost_with_relay(const struct qp_evidence *e, size_t publisher,
                            const struct qp_log_subscribed *s, const struct qp_log_object *o,
                            bool lossless) {
  const struct qp_objects_log *log = &e->logs[publisher];
  const char *relay = e->manifest->nodes[publisher].relay;
  uint64_t early = lossless ? IN_FLIGHT_PLAIN_NS : IN_FLIGHT_NS;
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, relay, NULL, f));) {
    const bool breaks = qp_ends_process(f) || !strcmp(f->kind, "vanish");
    if (!breaks || f->t > s->t || o->t + early < f->t)
      continue;
    uint64_t back = UINT64_MAX;
    for (size_t k = log->n_sessions; k-- > 0 && log->sessions[k].t > f->t;)
      back = log->sessions[k].t;
    if (o->t < back)
      return true;
  }
  return false;
}

static bool is_object(const struct qp_object *wire, const struct qp_log_object *o) {
  return wire->datagram && wire->group == o->group && wire->object == o->object;
}

/* At a relay on its way the end of its track was read first. */
static bool done_overtook(const struct qp_evidence *e, const struct qp_log_object *o) {
  const struct qp_tracks *tracks = qp_tracker_tracks(e->tracker);
  const char *name = e->names.items[o->track];
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  for (size_t i = 0; o->subgroup == QP_NO_SUBGROUP && i < n; i++)
    for (unsigned side = 0; side < 2; side++) {
      const struct qp_conn *c = conns[i];
      const unsigned list = qp_conn_arrived(c, side);
      for (size_t k = 0; qp_is_relay(e, c, !side) && k < c->n_objects[list]; k++) {
        const struct qp_object *wire = &c->objects[list][k];
        const struct qp_request *r =
            is_object(wire, o) ? qp_session_alias(c, !side, wire->alias, wire->first.time_ns)
                               : NULL;
        if (r && r->track < tracks->n && !strcmp(tracks->items[r->track].name, name) &&
            qp_fanout_came_after_done(c, r->track, wire))
          return true;
      }
    }
  return false;
}

static void judge_missing(struct qp_judged *self, const struct published *p, const struct got *got,
                          size_t node) {
  const struct qp_evidence *e = self->evidence;
  const struct qp_objects_log *log = &e->logs[node];
  const struct qp_manifest *m = e->manifest;
  const char *who = m->nodes[node].name;
  bool lossless = qp_lossless(m);
  for (size_t k = 0; k < log->n_subscribed; k++) {
    const struct qp_log_subscribed *s = &log->subscribed[k];
    int limit = s->behind ? -1 : least_limit(e, who, e->names.items[s->track]);
    uint64_t until = owed_until(e, log, s, &m->nodes[node], lossless);
    for (size_t i = 0; limit >= 0 && i < p->n; i++) {
      const struct qp_log_object *o = p->items[i];
      if (!was_due(s, o, limit, lossless, until) || got->in_session[i] ||
          publisher_broke(e, m->nodes[p->by[i]].name) ||
          lost_with_relay(e, p->by[i], s, o, lossless) ||
          (o->subgroup == QP_NO_SUBGROUP && was_rebound(e, who, o->t)) || done_overtook(e, o))
        continue;
      self->out->examined++;
      if (qp_found(self))
        log_finding(self, e->logs[p->by[i]].file, o, "object",
                    qp_text("delivered: the subscription of %s:%llu has it", log->file,
                            (unsigned long long)s->line),
                    qp_text("published here, missing there"), who);
    }
  }
}

static void judge_logs(struct qp_judged *self) {
  const struct qp_evidence *e = self->evidence;
  struct published p = {0};
  index_published(e, &p);
  for (size_t i = 0; i < e->manifest->n_nodes; i++) {
    const struct qp_objects_log *log = &e->logs[i];
    struct got got = {.in_session = qp_alloc(p.n, 1)};
    for (size_t k = 0; k < log->n_delivered; k++)
      judge_delivery(self, &p, &got, i, &log->delivered[k]);
    if (!qp_timed_out(e) && !qp_happened(e, e->manifest->nodes[i].name, "rogue"))
      judge_missing(self, &p, &got, i);
    free(got.in_session);
  }
  qp_map_clear(&p.first);
  free(p.items);
  free(p.by);
}

static void finish(struct qp_judged *self) {
  judge_wire(self);
  if (self->evidence->manifest)
    judge_logs(self);
}

const struct qp_check qp_check_payload_identical = {
    .info = {"payload-identical", "fan-out",
             "Delivered objects equal the published ones, and none is missing without reason.",
             true},
    .finish = finish,
};
