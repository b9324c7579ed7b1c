#include "pcap-tools/check/passing.h"

#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/filter.h"

/* A pair older than this that is not in order is judged before the end. */
#define OVERDUE_NS 10000000000u
/* Nothing younger is given up: join-point looks one turn of the relay back. */
#define SETTLE_NS QP_TURN_NS

enum {
  LOOK_AFTER = 8192, /* objects kept before it is worth looking which may go */
  KEPT_MAX = 65536,  /* beyond these, what is not in order is judged at once */
};

/* An object as it reached a relay. */
struct entry {
  struct qp_object object;
  struct qp_placed placed; /* of `object`: set anew when entries move */
  uint64_t ordinal;
  uint32_t next; /* in the chain of its key */
  bool odd;      /* a copy of it differs, or is a second one */
  bool missing;  /* some subscription is still without it */
};

/* What one relay gets of one track. */
struct intake {
  uint16_t relay; /* its port */
  uint32_t track;
  struct entry *entries; /* in the order in which they became whole */
  size_t n, room, n_old;
  struct qp_map at; /* key -> entry */
  uint64_t ordinals;
  bool any_gone;
  struct qp_location largest_gone;
  const struct qp_conn *gone_on; /* the connection on which the last of these came */
  uint64_t gone_alias, gone_ns;
};

struct qp_passing {
  const struct qp_evidence *evidence;
  struct intake *intakes;
  size_t n_intakes, intakes_room, last_intake;
  struct qp_map intake_of;
  size_t kept, look_at; /* objects kept here and in connections */
};

static struct intake *find_intake(const struct qp_passing *p, uint16_t relay, uint32_t track) {
  struct intake *last = p->last_intake < p->n_intakes ? &p->intakes[p->last_intake] : NULL;
  if (last && last->relay == relay && last->track == track)
    return last;
  uint32_t i = qp_map_get(&p->intake_of, (uint64_t)track << 16 | relay);
  return i == QP_MAP_NONE ? NULL : &p->intakes[i];
}

static struct intake *open_intake(struct qp_passing *p, uint16_t relay, uint32_t track) {
  struct intake *in = find_intake(p, relay, track);
  if (in)
    return in;
  qp_grow((void **)&p->intakes, &p->intakes_room, p->n_intakes + 1, sizeof *p->intakes);
  qp_map_set(&p->intake_of, (uint64_t)track << 16 | relay, (uint32_t)p->n_intakes);
  in = &p->intakes[p->n_intakes++];
  *in = (struct intake){.relay = relay, .track = track};
  return in;
}

static struct entry *find_entry(const struct intake *in, const struct qp_object *o) {
  for (uint32_t i = qp_map_get(&in->at, qp_placed_key(in->track, o)); i < in->n;
       i = in->entries[i].next) { /* QP_MAP_NONE ends it */
    struct qp_placed placed = {.object = &in->entries[i].object, .track = in->track};
    if (qp_placed_same(&placed, in->track, o))
      return &in->entries[i];
  }
  return NULL;
}

static void index_entry(struct intake *in, size_t i) {
  struct entry *e = &in->entries[i];
  uint64_t key = qp_placed_key(in->track, &e->object);
  e->placed.object = &e->object;
  e->next = qp_map_get(&in->at, key);
  qp_map_set(&in->at, key, (uint32_t)i);
}

/* ---- what passes ----------------------------------------------------------------- */

static void arrive(struct qp_passing *p, struct qp_conn *c, const struct qp_object *o,
                   const struct qp_request *r) {
  struct intake *in = open_intake(p, c->tuple.dst.port, r->track);
  if (find_entry(in, o)) /* of equal objects the first one counts */
    return;
  size_t had = in->room;
  qp_grow((void **)&in->entries, &in->room, in->n + 1, sizeof *in->entries);
  struct entry *e = &in->entries[in->n];
  *e = (struct entry){.object = *o, .ordinal = in->ordinals++};
  e->object.half = NULL; /* the stream may go before its objects */
  e->placed =
      (struct qp_placed){.conn = c, .track = r->track, .priority = qp_placed_priority(r, o)};
  for (size_t i = 0; in->room != had && i < in->n; i++)
    in->entries[i].placed.object = &in->entries[i].object;
  index_entry(in, in->n++);
  p->kept++;
}

static bool before(struct qp_location a, struct qp_location b) {
  return a.group < b.group || (a.group == b.group && a.object < b.object);
}

/* The subscription may have an object at this place and time, and of this priority. */
static bool lawful(const struct qp_request *r, const struct qp_object *o) {
  struct qp_location at = {o->group, o->object};
  return r->n_filters && r->filters[0].asked.time_ns <= o->first.time_ns &&
         !before(at, qp_request_start(r)) &&
         (!qp_has_filter(r) || qp_admitted(r, qp_placed_priority(r, o), o->opened_ns));
}

enum passed { IN_ORDER, ODD, NO_ORIGINAL };

/* One object that leaves a relay, against the one that reached it. */
static enum passed leave(struct qp_passing *p, struct qp_conn *c, const struct qp_object *o,
                         struct qp_request *r) {
  struct intake *in = find_intake(p, c->tuple.dst.port, r->track);
  struct entry *e = in ? find_entry(in, o) : NULL;
  if (!e)
    return NO_ORIGINAL;
  p->last_intake = (size_t)(in - p->intakes);
  bool same = e->object.len == o->len && e->object.hash == o->hash &&
              e->object.status == o->status && e->placed.priority == qp_placed_priority(r, o);
  if (!same || !lawful(r, o) || !qp_ranges_add(&r->got, e->ordinal, e->ordinal)) {
    e->odd = true;
    return ODD;
  }
  r->in_order++;
  p->evidence->fanout->in_order++;
  p->evidence->fanout->in_order_filtered += qp_has_filter(r);
  return IN_ORDER;
}

/* Indexes of objects must stay while one is in the tracker's hands: what is kept is
 * looked through later. */
static bool object_done(void *arg, struct qp_conn *c, unsigned side, struct qp_object *o) {
  struct qp_passing *p = arg;
  struct qp_request *r = qp_session_alias(c, !side, o->alias, o->first.time_ns);
  if (r && side == QP_CLIENT) {
    arrive(p, c, o, r);
    return true;
  }
  if (r && leave(p, c, o, r) == IN_ORDER)
    return true;
  p->kept++;
  return false;
}

/* ---- what may go ------------------------------------------------------------------ */

/* One look through what is kept. */
struct look {
  struct qp_passing *p;
  uint64_t now_ns;
  bool full; /* what is not in order must be judged now */
  bool last; /* all packets have passed: whatever is not in order stays */
};

static bool overdue(const struct look *l, const struct qp_object *o) {
  return !l->last && (l->full || o->last.time_ns + OVERDUE_NS < l->now_ns);
}

static void drop_object(struct qp_conn *c, unsigned side, size_t i) {
  struct qp_half *h = c->objects[side][i].half;
  qp_conn_drop_object(c, side, i);
  if (h && h->forgotten && !h->n_objects)
    qp_conn_retire_half(c, h);
}

/* Objects whose alias or original was not known when they came. */
static void try_again(const struct look *l, struct qp_conn *c) {
  for (unsigned side = 0; side < 2; side++)
    for (size_t i = c->n_objects[side]; i-- > 0;) {
      const struct qp_object *o = &c->objects[side][i];
      struct qp_request *r = qp_session_alias(c, !side, o->alias, o->first.time_ns);
      if (!o->whole || !r)
        continue;
      if (side == QP_CLIENT)
        arrive(l->p, c, o, r);
      if (side == QP_CLIENT || leave(l->p, c, o, r) == IN_ORDER)
        drop_object(c, side, i);
    }
}

/* What was judged with its original, or will never have one. Of a track that nobody
 * subscribed to the first objects stay: they are a finding. */
static void drop_old(const struct look *l, struct qp_conn *c) {
  enum { STRANGERS = 64 };
  for (unsigned side = 0; side < 2; side++)
    for (size_t i = c->n_objects[side]; i-- > 0;) {
      const struct qp_object *o = &c->objects[side][i];
      struct qp_request *r = qp_session_alias(c, !side, o->alias, o->first.time_ns);
      if (!o->whole || (!r && i < STRANGERS))
        continue;
      bool alone = r && side == QP_SERVER && !find_intake(l->p, c->tuple.dst.port, r->track) &&
                   o->last.time_ns + SETTLE_NS < l->now_ns;
      if (!alone && !l->full && o->last.time_ns + 2 * OVERDUE_NS > l->now_ns)
        continue;
      if (r)
        r->in_order += alone;
      drop_object(c, side, i);
    }
}

static void raise_to(bool *any, struct qp_location *largest, struct qp_location at) {
  if (!*any || before(*largest, at))
    *largest = at;
  *any = true;
}

/* The relay's own subscription that an object came by. */
static const struct qp_request *request_of(const struct entry *e) {
  return qp_session_alias(e->placed.conn, QP_SERVER, e->object.alias, e->object.first.time_ns);
}

/* A subscription that was asked for when all these had gone. */
static struct qp_largest all_gone(const struct qp_evidence *e, const struct intake *in,
                                  const struct qp_request *r) {
  struct qp_largest l = {.known = true,
                         .any_answered = in->any_gone,
                         .answered = in->largest_gone,
                         .asked = in->largest_gone};
  if (in->any_gone)
    l.any_asked = qp_fanout_has_read(
        e, in->gone_on, qp_session_alias(in->gone_on, QP_SERVER, in->gone_alias, in->gone_ns),
        r->filters[0].asked.time_ns);
  return l;
}

/* What the subscription must have met of the objects that may go now. */
static void remember(const struct qp_evidence *e, const struct intake *in, struct qp_request *r) {
  struct qp_largest *l = &r->largest_gone;
  uint64_t asked = r->filters[0].asked.time_ns;
  if (!l->known)
    *l = all_gone(e, in, r);
  if (!in->n_old || in->entries[0].object.first.time_ns > r->answered.time_ns)
    return;
  for (size_t i = 0; i < in->n_old; i++) {
    const struct qp_object *o = &in->entries[i].object;
    struct qp_location at = {o->group, o->object};
    if (o->first.time_ns <= r->answered.time_ns)
      raise_to(&l->any_answered, &l->answered, at);
    if (o->last.time_ns + QP_TURN_NS < asked &&
        qp_fanout_has_read(e, in->entries[i].placed.conn, request_of(&in->entries[i]), asked))
      raise_to(&l->any_asked, &l->asked, at);
  }
}

/* The old entries against one subscription. */
static void judge(const struct look *l, struct intake *in, struct qp_conn *c,
                  struct qp_request *r) {
  uint64_t missing;
  bool any_odd = false;
  if (!in->n_old)
    return;
  for (size_t i = 0; i < in->n_old; i++)
    any_odd |= in->entries[i].odd;
  if (!any_odd && qp_ranges_cover(&r->got, in->entries[0].ordinal,
                                  in->entries[in->n_old - 1].ordinal, &missing))
    return;
  for (size_t i = 0; i < in->n_old; i++) {
    struct entry *e = &in->entries[i];
    bool got = qp_ranges_has(&r->got, e->ordinal);
    if (e->placed.conn == c || (got && !e->odd) || !qp_fanout_entitled(c, r, &e->placed))
      continue;
    if (!overdue(l, &e->object)) {
      e->missing |= !got;
      continue;
    }
    qp_fanout_settle(l->p->evidence, l->p->evidence->fanout, &e->placed, c, r);
    qp_ranges_add(&r->got, e->ordinal, e->ordinal);
  }
}

/* Entries that every subscription has got go. */
static void let_go(const struct look *l, struct intake *in) {
  size_t kept = 0;
  for (size_t i = 0; i < in->n; i++) {
    struct entry *e = &in->entries[i];
    bool stays = i >= in->n_old || e->missing || (e->odd && !overdue(l, &e->object));
    if (stays) {
      in->entries[kept++] = *e;
      continue;
    }
    raise_to(&in->any_gone, &in->largest_gone,
             (struct qp_location){e->object.group, e->object.object});
    in->gone_on = e->placed.conn;
    in->gone_alias = e->object.alias;
    in->gone_ns = e->object.first.time_ns;
  }
  in->n = kept;
  qp_map_empty(&in->at);
  for (size_t i = 0; i < in->n; i++)
    index_entry(in, i);
}

/* Entries that are old enough to be given up stand in front. */
static void find_old(const struct look *l, struct intake *in) {
  for (in->n_old = 0; in->n_old < in->n; in->n_old++) {
    struct entry *e = &in->entries[in->n_old];
    if (!l->last && e->object.last.time_ns + SETTLE_NS >= l->now_ns)
      break;
    e->missing = false;
  }
}

static void look_through(const struct look *l) {
  struct qp_passing *p = l->p;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(p->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    try_again(l, conns[i]);
  for (size_t i = 0; i < p->n_intakes; i++)
    find_old(l, &p->intakes[i]);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < conns[i]->n_requests; k++) {
      struct qp_request *r = &conns[i]->requests[k];
      bool asks = r->type == QP_M_SUBSCRIBE && r->ok && r->side == QP_CLIENT && r->n_filters;
      struct intake *in = asks ? find_intake(p, conns[i]->tuple.dst.port, r->track) : NULL;
      if (!in)
        continue;
      remember(p->evidence, in, r);
      judge(l, in, conns[i], r);
    }
  p->kept = 0;
  for (size_t i = 0; i < p->n_intakes; i++) {
    let_go(l, &p->intakes[i]);
    p->kept += p->intakes[i].n;
  }
  for (size_t i = 0; i < n; i++) {
    if (!l->last)
      drop_old(l, conns[i]);
    p->kept += conns[i]->n_objects[QP_CLIENT] + conns[i]->n_objects[QP_SERVER];
  }
}

/* Between two datagrams nobody has an object in hand. */
static void datagram(void *arg, struct qp_place place, const struct qp_udp *udp,
                     struct qp_conn *conn, unsigned views) {
  struct qp_passing *p = arg;
  (void)udp, (void)conn, (void)views;
  if (p->kept < p->look_at)
    return;
  look_through(&(struct look){.p = p, .now_ns = place.time_ns, .full = p->kept > (size_t)KEPT_MAX});
  p->look_at = 2 * p->kept > LOOK_AFTER ? 2 * p->kept : LOOK_AFTER;
}

struct qp_passing *qp_passing_new(const struct qp_evidence *e) {
  struct qp_passing *p = qp_alloc(1, sizeof *p);
  p->evidence = e;
  p->look_at = LOOK_AFTER;
  qp_tracker_pass_on(e->tracker, object_done, p);
  qp_tracker_watch(e->tracker, &(struct qp_watcher){.arg = p, .datagram = datagram});
  return p;
}

void qp_passing_finish(struct qp_passing *p) {
  look_through(&(struct look){.p = p, .last = true});
}

void qp_passing_free(struct qp_passing *p) {
  if (!p)
    return;
  for (size_t i = 0; i < p->n_intakes; i++) {
    free(p->intakes[i].entries);
    qp_map_clear(&p->intakes[i].at);
  }
  free(p->intakes);
  qp_map_clear(&p->intake_of);
  free(p);
}

/* ---- readers ----------------------------------------------------------------------- */

bool qp_passing_got(const struct qp_passing *p, const struct qp_placed *placed,
                    const struct qp_request *r) {
  struct intake *in = p ? find_intake(p, placed->conn->tuple.dst.port, placed->track) : NULL;
  struct entry *e = in ? find_entry(in, placed->object) : NULL;
  return e && &e->object == placed->object && qp_ranges_has(&r->got, e->ordinal);
}

const struct qp_placed *qp_passing_next(const struct qp_passing *p, struct qp_passing_walk *walk,
                                        uint16_t relay) {
  for (; p && walk->intake < p->n_intakes; walk->intake++, walk->entry = 0) {
    const struct intake *in = &p->intakes[walk->intake];
    if (in->relay == relay && walk->entry < in->n)
      return &in->entries[walk->entry++].placed;
  }
  return NULL;
}

struct qp_largest qp_passing_largest(const struct qp_passing *p, const struct qp_conn *conn,
                                     const struct qp_request *r) {
  struct intake *in = p ? find_intake(p, conn->tuple.dst.port, r->track) : NULL;
  if (!in || r->largest_gone.known)
    return r->largest_gone;
  return all_gone(p->evidence, in, r);
}
