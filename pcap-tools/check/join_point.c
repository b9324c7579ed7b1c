/* join-point: a subscription starts where its filter and the LARGEST_OBJECT of its
 * SUBSCRIBE_OK say. Nothing in front of that point is sent, and LARGEST_OBJECT names
 * what had really reached the relay: not more than had arrived, or its own upstream had
 * named, when it answered, not less than had arrived whole, of publishers still there, and
 * could be read, when it was asked. That what lies behind the point comes is copy-count's.
 *
 * Vantage: the relay's interface.
 *
 * Excused: nothing.
 *
 * Source: DESIGN 5 (join); draft-ietf-moq-transport-20. */
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/passing.h"

static bool before(struct qp_location a, struct qp_location b) {
  return a.group < b.group || (a.group == b.group && a.object < b.object);
}

static void report(struct qp_judged *self, struct qp_place place, const struct qp_conn *c,
                   const struct qp_request *r, const char *field, char *expected, char *actual) {
  const struct qp_tracks *tracks = qp_tracker_tracks(self->evidence->tracker);
  char flow[QP_FLOW_TEXT];
  qp_describe(self, place,
              (struct qp_words){
                  .layer = "moqt",
                  .field = field,
                  .expected = expected,
                  .actual = actual,
                  .explain = qp_text("the subscription of track %s on %s",
                                     r->track < tracks->n ? tracks->items[r->track].name : "?",
                                     qp_flow(self->evidence, c, !r->side, flow)),
              });
}

static char *location(struct qp_location l) {
  return qp_text("{%llu, %llu}", (unsigned long long)l.group, (unsigned long long)l.object);
}

static void judge_objects(struct qp_judged *self, const struct qp_conn *c,
                          const struct qp_request *r) {
  struct qp_location start = qp_request_start(r);
  unsigned sender = !r->side;
  for (size_t i = 0; i < c->n_objects[sender]; i++) {
    const struct qp_object *o = &c->objects[sender][i];
    if (o->alias != r->alias || qp_session_alias(c, r->side, o->alias, o->first.time_ns) != r)
      continue;
    struct qp_location at = {o->group, o->object};
    self->out->examined++;
    if (before(at, start) && qp_found(self)) {
      char *from = location(start);
      report(self, o->first, c, r, "object", qp_text("none in front of %s", from), location(at));
      free(from);
    }
  }
}

static void raise_to(bool *any, struct qp_location *largest, struct qp_location at) {
  if (!*any || before(*largest, at))
    *largest = at;
  *any = true;
}

/* One object of the track that had reached the relay, by its own subscription on `up`. */
static void meet(const struct qp_evidence *e, const struct qp_conn *up,
                 const struct qp_request *own, const struct qp_object *o,
                 const struct qp_request *r, struct qp_largest *l) {
  uint64_t asked = r->filters[0].asked.time_ns;
  struct qp_location at = {o->group, o->object};
  if (o->first.time_ns <= r->answered.time_ns)
    raise_to(&l->any_answered, &l->answered, at);
  if (o->whole && o->last.time_ns + QP_TURN_NS < asked && qp_fanout_has_read(e, up, own, asked))
    raise_to(&l->any_asked, &l->asked, at);
}

static void gather(const struct qp_evidence *e, const struct qp_conn *up, unsigned sender,
                   const struct qp_request *r, struct qp_largest *l) {
  unsigned list = qp_conn_arrived(up, sender);
  for (size_t i = 0; i < up->n_objects[list]; i++) {
    const struct qp_object *o = &up->objects[list][i];
    const struct qp_request *s = qp_session_alias(up, !sender, o->alias, o->first.time_ns);
    if (s && s->track == r->track)
      meet(e, up, s, o, r, l);
  }
  for (size_t i = 0; i < up->n_requests; i++) {
    const struct qp_request *s = &up->requests[i];
    if (s->type == QP_M_SUBSCRIBE && s->side != sender && s->ok && s->track == r->track &&
        s->has_largest && s->answered.time_ns <= r->answered.time_ns)
      raise_to(&l->any_answered, &l->answered, s->largest);
  }
}

/* What was judged in passing, and what is left of it. */
static void gather_passed(const struct qp_evidence *e, const struct qp_conn *c,
                          const struct qp_request *r, struct qp_largest *l) {
  const struct qp_placed *p;
  struct qp_passing_walk walk = {0};
  while ((p = qp_passing_next(e->passing, &walk, c->tuple.dst.port))) {
    if (p->track != r->track || p->conn == c)
      continue;
    const struct qp_object *o = p->object;
    meet(e, p->conn, qp_session_alias(p->conn, QP_SERVER, o->alias, o->first.time_ns), o, r, l);
  }
}

/* A connection on which a relay gets objects. */
struct feeder {
  const struct qp_conn *conn;
  unsigned sender;
  const struct qp_node *relay;
  uint32_t next; /* of the same relay */
};

struct feeders {
  struct feeder *items;
  size_t n, room;
  struct qp_map first, last; /* of a relay */
};

static bool was_told(const struct qp_conn *c, unsigned asker) {
  for (size_t i = 0; i < c->n_requests; i++)
    if (c->requests[i].side == asker && c->requests[i].has_largest)
      return true;
  return false;
}

static void add_feeder(struct feeders *f, struct feeder feeder) {
  const uint64_t relay = (uintptr_t)feeder.relay;
  const uint32_t last = qp_map_get(&f->last, relay);
  qp_grow((void **)&f->items, &f->room, f->n + 1, sizeof *f->items);
  if (last == QP_MAP_NONE)
    qp_map_set(&f->first, relay, (uint32_t)f->n);
  else
    f->items[last].next = (uint32_t)f->n;
  qp_map_set(&f->last, relay, (uint32_t)f->n);
  f->items[f->n++] = feeder;
}

/* In bare captures those that brought nothing, or nothing that is still here, are left
 * out: there may be many. */
static struct feeders find_feeders(const struct qp_evidence *e) {
  struct feeders f = {0};
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  for (size_t i = 0; i < n; i++)
    for (unsigned side = 0; side < 2; side++) {
      if (!qp_is_relay(e, conns[i], side) ||
          (!e->manifest && !conns[i]->n_objects[!side] && !was_told(conns[i], side)))
        continue;
      add_feeder(&f, (struct feeder){conns[i], !side, qp_node_at(e, conns[i], side), QP_MAP_NONE});
    }
  return f;
}

static void judge_largest(struct qp_judged *self, const struct feeders *feeders,
                          const struct qp_conn *c, const struct qp_request *r,
                          const struct qp_node *relay) {
  const struct qp_evidence *e = self->evidence;
  struct qp_largest l = qp_passing_largest(e->passing, c, r);
  size_t n;
  qp_tracker_conns(e->tracker, &n);
  bool fed = !e->manifest && n > 1;
  for (uint32_t i = qp_map_get(&feeders->first, (uintptr_t)relay); i != QP_MAP_NONE;
       i = feeders->items[i].next) {
    const struct feeder *f = &feeders->items[i];
    if (f->conn == c)
      continue;
    gather(e, f->conn, f->sender, r, &l);
    fed = true;
  }
  gather_passed(e, c, r, &l);
  if (!fed || qp_happened(e, relay ? relay->name : "", "restart"))
    return;
  self->out->examined++;
  bool more = r->has_largest && (!l.any_answered || before(l.answered, r->largest));
  if (more && qp_found(self)) {
    char *most = l.any_answered ? location(l.answered) : qp_text("absent, nothing had come");
    report(self, r->answered, c, r, "LARGEST_OBJECT", qp_text("at most %s", most),
           location(r->largest));
    free(most);
  }
  bool less = l.any_asked && (!r->has_largest || before(r->largest, l.asked));
  if (less && qp_found(self)) {
    char *least = location(l.asked);
    report(self, r->answered, c, r, "LARGEST_OBJECT", qp_text("at least %s", least),
           r->has_largest ? location(r->largest) : qp_text("absent"));
    free(least);
  }
}

static void finish(struct qp_judged *self) {
  const struct qp_evidence *e = self->evidence;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  struct feeders feeders = find_feeders(e);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < conns[i]->n_requests; k++) {
      const struct qp_request *r = &conns[i]->requests[k];
      if (r->type != QP_M_SUBSCRIBE || !r->ok || !qp_is_relay(e, conns[i], !r->side))
        continue;
      self->out->examined += r->in_order;
      judge_objects(self, conns[i], r);
      judge_largest(self, &feeders, conns[i], r, qp_node_at(e, conns[i], !r->side));
    }
  free(feeders.items);
  qp_map_clear(&feeders.first);
  qp_map_clear(&feeders.last);
}

const struct qp_check qp_check_join_point = {
    .info = {"join-point", "media",
             "The first object is the first that filter and LARGEST_OBJECT allow.", true},
    .finish = finish,
};
