#include "pcap-tools/check/fanout.h"

#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/filter.h"
#include "pcap-tools/check/passing.h"
#include "pcap-tools/check/upstream.h"

/* How long before a planned end an object may have arrived and still be in the
 * relay's queue; longer means that the relay sat on it. */
#define BACKLOG_NS 2000000000u
/* The same for a bare capture, where nobody knows what was planned. */
#define BARE_BACKLOG_NS 250000000u

/* Settled before the end; more are only counted. */
enum { EARLY_MAX = 4096 };

struct placed_list {
  struct qp_placed *items;
  size_t n, room;
  struct qp_map first; /* key of an object -> index of the first; `next` chains */
  uint32_t *next;
  size_t next_room;
};

uint64_t qp_placed_key(uint32_t track, const struct qp_object *o) {
  uint64_t k = o->group * 0x9e3779b97f4a7c15u + o->object * 0xbf58476d1ce4e5b9u +
               (o->datagram ? 1 : o->subgroup * 0x94d049bb133111ebu);
  return k + track * 0xd6e8feb86659fd93u; /* the map mixes it */
}

bool qp_placed_same(const struct qp_placed *p, uint32_t track, const struct qp_object *o) {
  const struct qp_object *q = p->object;
  return p->track == track && q->datagram == o->datagram && q->group == o->group &&
         q->object == o->object && (o->datagram || q->subgroup == o->subgroup);
}

int qp_placed_priority(const struct qp_request *r, const struct qp_object *o) {
  return o->priority == QP_NO_PRIORITY ? r->default_priority : o->priority;
}

static void place(struct placed_list *l, const struct qp_placed *p) {
  qp_grow((void **)&l->items, &l->room, l->n + 1, sizeof *l->items);
  qp_grow((void **)&l->next, &l->next_room, l->n + 1, sizeof *l->next);
  uint64_t key = qp_placed_key(p->track, p->object);
  l->items[l->n] = *p;
  l->next[l->n] = qp_map_get(&l->first, key);
  qp_map_set(&l->first, key, (uint32_t)l->n++);
}

/* Adds all objects that `side` of conn sends to subscriptions of its peer, from one of the
 * connection's lists. */
static void place_objects(struct placed_list *l, const struct qp_conn *conn, unsigned side,
                          unsigned list) {
  for (size_t i = 0; i < conn->n_objects[list]; i++) {
    const struct qp_object *o = &conn->objects[list][i];
    const struct qp_request *r = qp_session_alias(conn, !side, o->alias, o->first.time_ns);
    if (r)
      place(l, &(struct qp_placed){o, conn, r->track, qp_placed_priority(r, o)});
  }
}

static void clear_list(struct placed_list *l) {
  free(l->items);
  free(l->next);
  qp_map_clear(&l->first);
}

/* The node at an end, or for bare captures a server's port; 0 = nobody special. */
static uintptr_t who(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side) {
  if (e->manifest)
    return (uintptr_t)qp_node_at(e, conn, side);
  return side == QP_SERVER ? conn->tuple.dst.port : 0;
}

/* Time of the subscription's end; UINT64_MAX: it never ended. */
static uint64_t end_of(const struct qp_conn *c, const struct qp_request *r) {
  uint64_t end = r->ended.frame ? r->ended.time_ns : UINT64_MAX;
  for (int side = 0; side < 2; side++)
    if (c->close[side].seen && c->close[side].at.time_ns < end)
      end = c->close[side].at.time_ns;
  return end;
}

/* Why nothing was owed to the subscription at all, or not this object; NULL: it was. */
static const char *excuse_of(const struct qp_evidence *e, const struct qp_due *d) {
  const struct qp_object *o = d->in;
  uint64_t arrived = o->last.time_ns, end = end_of(d->conn, d->request);
  if (qp_timed_out(e))
    return "the run was cut short";
  if (d->request->done && d->request->done_status == 5) /* TOO_FAR_BEHIND */
    return "the subscriber was too far behind";
  if (!e->manifest && (end == UINT64_MAX ? d->conn->last.time_ns : end) < arrived + BARE_BACKLOG_NS)
    return "it arrived right before the end";
  if (qp_is_rogue(e, d->conn, d->request->side))
    return "the subscriber breaks the rules on request";
  if (d->request->track != QP_MAP_NONE &&
      qp_is_rogue_track(e, qp_tracker_tracks(e->tracker)->items[d->request->track].name))
    return "its publisher breaks the rules on request, and is sent away with what it sent";
  if (!o->datagram &&
      qp_narrowed_at(d->request, d->in_priority, o->opened_ns, UINT64_MAX) != UINT64_MAX)
    return "the filter was narrowed";
  return NULL;
}

static bool was_reset(const struct qp_object *out) {
  return out->half && out->half->reset;
}

/* Finds what of `in` left the relay on this connection. */
static void find_copies(const struct placed_list *egress, struct qp_due *d, uint32_t track) {
  d->out_priority = QP_NO_PRIORITY;
  for (uint32_t i = qp_map_get(&egress->first, qp_placed_key(track, d->in)); i < egress->n;
       i = egress->next[i]) { /* QP_MAP_NONE ends it */
    const struct qp_placed *p = &egress->items[i];
    const struct qp_object *out = p->object;
    if (!qp_placed_same(p, track, d->in))
      continue;
    if (!was_reset(out) && d->copies++)
      d->second = d->out;
    bool better = !d->out || (!d->out->whole && out->whole) ||
                  (out->whole == d->out->whole && !was_reset(out));
    if (better) {
      d->out = out;
      d->out_priority = p->priority;
    }
  }
}

static bool before(struct qp_location a, struct qp_location b) {
  return a.group < b.group || (a.group == b.group && a.object < b.object);
}

bool qp_fanout_entitled(const struct qp_conn *c, const struct qp_request *r,
                        const struct qp_placed *p) {
  const struct qp_object *o = p->object;
  struct qp_location at = {o->group, o->object};
  if (!o->whole || before(at, qp_request_start(r)))
    return false;
  if (o->last.time_ns >= end_of(c, r))
    return false;
  return !qp_filtered(r, o, p->priority, o->opened_ns);
}

bool qp_fanout_feeds(const struct qp_evidence *e, const struct qp_conn *up,
                     const struct qp_request *own, uint64_t now_ns) {
  for (unsigned side = 0; side < 2; side++)
    if (up->close[side].seen && up->close[side].at.time_ns <= now_ns)
      return false;
  return qp_broken_at(e, up) > now_ns && (!own->ended.frame || own->ended.time_ns > now_ns);
}

bool qp_fanout_has_read(const struct qp_evidence *e, const struct qp_conn *up,
                        const struct qp_request *own, uint64_t now_ns) {
  const struct qp_half *needs[] = {up->control[!own->side],
                                   qp_conn_half(up, own->stream, !own->side)};
  for (size_t i = 0; i < 2; i++)
    if (needs[i] && (!needs[i]->came.frame || needs[i]->came.time_ns + QP_TURN_NS >= now_ns))
      return false;
  return qp_fanout_feeds(e, up, own, now_ns);
}

/* What became downstream of the subgroup that the object is in. */
enum fate {
  FATE_NEVER_OPENED,
  FATE_RESET, /* a tail that was cut off; whether lawfully is asked by priority-drop */
  FATE_OPEN,  /* at the end of the capture */
  FATE_WENT_ON
};

static enum fate fate_of(uint32_t track, const struct qp_conn *conn, const struct qp_object *in) {
  enum fate fate = FATE_NEVER_OPENED;
  for (size_t i = 0; i < conn->n_halves; i++) {
    const struct qp_half *h = conn->halves[i];
    if (h->kind != QP_S_SUBGROUP || h->header.group != in->group ||
        (qp_upstream_is_named(h) ? h->header.subgroup != in->subgroup : !h->reset))
      continue;
    const struct qp_request *r =
        qp_session_alias(conn, !h->side, h->header.alias, h->opened.time_ns);
    if (!r || r->track != track)
      continue;
    if (h->reset)
      return FATE_RESET;
    fate = h->has_final ? FATE_WENT_ON : FATE_OPEN;
  }
  return fate;
}

/* When its publisher reset the object's stream, or was gone in the middle of it. */
static uint64_t given_up_at(const struct qp_evidence *e, const struct qp_conn *up,
                            const struct qp_object *in) {
  const struct qp_half *u = in->half;
  if (!u)
    return UINT64_MAX;
  if (u->reset)
    return u->reset_at.time_ns;
  if (u->has_final && qp_reasm_has(up->split ? &u->reached : &u->sent, 0, u->final_size))
    return UINT64_MAX;
  const struct qp_close *close = &up->close[u->side];
  const uint64_t broken = qp_broken_at(e, up),
                 closed = close->seen ? close->at.time_ns : UINT64_MAX;
  return closed < broken ? closed : broken;
}

/* Why an object was lost in the relay's queue (NULL: it was not), and until when it waited. */
struct queued {
  const char *excuse;
  uint64_t until_ns; /* UINT64_MAX: as long as anything left */
};

/* The end came while it waited; what left behind it may tell otherwise (withdraw_excuse). */
static struct queued queue_excuse(const struct qp_evidence *e, const struct qp_due *d,
                                  const struct qp_conn *up) {
  const struct qp_request *r = d->request;
  uint64_t arrived = d->in->last.time_ns, end = end_of(d->conn, r);
  /* Behind PUBLISH_DONE the request only tidies up: all was due before. */
  bool own_end = r->ended.frame && r->ended.time_ns == end && !r->done;
  uint64_t broken = qp_broken_at(e, d->conn);
  if (own_end && end < arrived + BACKLOG_NS)
    return (struct queued){"the subscription ended before it left the queue", UINT64_MAX};
  if (broken != UINT64_MAX && broken < arrived + BACKLOG_NS)
    return (struct queued){"the subscriber or the relay was gone before it left the queue",
                           UINT64_MAX};
  const uint64_t narrowed = qp_narrowed_at(r, d->in_priority, arrived, arrived + BACKLOG_NS);
  if (d->in->datagram && narrowed != UINT64_MAX)
    return (struct queued){"the filter was narrowed before it left the queue", narrowed};
  const uint64_t given_up = given_up_at(e, up, d->in);
  if (given_up != UINT64_MAX && given_up < arrived + BACKLOG_NS &&
      fate_of(r->track, d->conn, d->in) == FATE_NEVER_OPENED)
    return (struct queued){"its publisher gave the subgroup up before its stream had been opened",
                           given_up};
  return (struct queued){NULL, 0};
}

/* With a delivery timeout a relay may drop a datagram, a subgroup it never opens, and the
 * tail of one with a reset. */
static const char *drop_excuse(const struct qp_evidence *e, const struct qp_due *d,
                               bool any_reset) {
  bool timed = qp_request_times_out(d->request);
  if (d->in->datagram)
    return timed ? "the subscription has a delivery timeout" : NULL;
  if (!timed && !any_reset)
    return NULL;
  switch (fate_of(d->request->track, d->conn, d->in)) {
  case FATE_RESET:
    return "its stream was reset";
  case FATE_NEVER_OPENED:
    return timed ? "the subscription has a delivery timeout" : NULL;
  case FATE_OPEN: /* the reset waits for the ACK of the header */
    return timed && qp_excused(e, d->conn)
               ? "it may be let go, and its reset waits for a subscriber that is gone"
               : NULL;
  default:
    return NULL;
  }
}

#define ONE_MOMENT_NS 100000u
bool qp_fanout_came_after_done(const struct qp_conn *up, uint32_t track,
                               const struct qp_object *object) {
  for (size_t i = 0; object->datagram && i < up->n_requests; i++) {
    const struct qp_request *r = &up->requests[i];
    if (r->track == track && r->done && r->ended.time_ns <= object->first.time_ns + ONE_MOMENT_NS)
      return true;
  }
  return false;
}

/* The relay's subscription that the object came by. */
static const struct qp_request *own_of(const struct qp_placed *p) {
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_request *r =
        qp_session_alias(p->conn, side, p->object->alias, p->object->first.time_ns);
    if (r && r->track == p->track && r->n_filters)
      return r;
  }
  return NULL;
}

/* A datagram of a subscription that the relay had withdrawn: who wants the track since gets it by
 * another one. */
static bool came_after_withdrawal(const struct qp_placed *p) {
  const struct qp_request *own = p->object->datagram ? own_of(p) : NULL;
  return own && own->ended.frame && own->ended.time_ns <= p->object->first.time_ns;
}

/* Did the relay of subscription `r` have the track from somebody who was gone when it asked
 * again, at that time? */
static bool had_another(const struct qp_evidence *e, const struct qp_conn *conn,
                        const struct qp_request *r, uint64_t again_ns) {
  const uintptr_t relay = who(e, conn, !r->side);
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < conns[i]->n_requests; k++) {
      const struct qp_request *s = &conns[i]->requests[k];
      if (s->type == QP_M_SUBSCRIBE && s->ok && s->n_filters && s->track == r->track &&
          who(e, conns[i], s->side) == relay && s->answered.time_ns <= r->answered.time_ns &&
          !qp_fanout_feeds(e, conns[i], s, again_ns))
        return true;
    }
  return false;
}

/* A track that comes back is another one to a relay: it may have forgotten what it had before,
 * and who had subscribed to it gets PUBLISH_DONE for the one that broke off. */
static const char *life_excuse(const struct qp_evidence *e, const struct qp_placed *p,
                               const struct qp_conn *conn, const struct qp_request *r) {
  enum { TRACK_ENDED = 2 };
  const struct qp_request *own = own_of(p);
  if (!own || !r->n_filters)
    return NULL;
  uint64_t asked = r->filters[0].asked.time_ns, again = own->filters[0].asked.time_ns;
  if (p->object->last.time_ns < asked && !qp_fanout_feeds(e, p->conn, own, asked))
    return "it came from a publisher that was gone when the subscription was asked for";
  if (r->done && r->done_status != TRACK_ENDED && again > r->answered.time_ns &&
      had_another(e, conn, r, again))
    return "the subscription ended with the publisher that it had before";
  return NULL;
}

/* One object and one subscription that is entitled to it. */
static void settle(const struct qp_evidence *e, struct qp_fanout *f,
                   const struct placed_list *egress, const struct qp_placed *p,
                   const struct qp_conn *conn, const struct qp_request *r) {
  bool got = qp_passing_got(e->passing, p, r);
  struct qp_due due = {.in = p->object, .in_priority = p->priority, .conn = conn, .request = r};
  find_copies(egress, &due, r->track);
  due.copies += got && due.out;
  if (got && due.copies < 2)
    return; /* counted when it passed */
  qp_grow((void **)&f->due, &f->room, f->n + 1, sizeof *f->due);
  struct qp_due *d = &f->due[f->n++];
  *d = due;
  d->claim = got ? QP_CLAIM_EITHER : QP_CLAIM_DUE;
  if (got || (d->out && d->out->whole))
    return;
  d->excuse = excuse_of(e, d);
  if (!d->excuse)
    d->excuse = drop_excuse(e, d, conn->any_reset);
  if (!d->excuse && qp_fanout_came_after_done(p->conn, p->track, p->object))
    d->excuse = "its track was done before it came";
  if (!d->excuse && came_after_withdrawal(p))
    d->excuse = "the relay had withdrawn its own subscription before it came";
  if (!d->excuse)
    d->excuse = life_excuse(e, p, conn, r);
  if (!d->excuse && qp_conn_could_not_open(p->conn, p->object))
    d->excuse = "its packet came behind one of the next key, and the relay did not acknowledge it";
  if (!d->excuse) {
    const struct queued queued = queue_excuse(e, d, p->conn);
    d->excuse = queued.excuse;
    d->waited_until = queued.until_ns;
  }
  if (d->excuse)
    d->claim = QP_CLAIM_EITHER;
}

/* When the last of those objects came that left: [i] = of priority i or less urgent. */
struct left_behind {
  uint64_t came_ns[257];
};

static void note_left(struct left_behind *l, const struct qp_due *d) {
  unsigned p = d->in_priority >= 0 && d->in_priority < 256 ? (unsigned)d->in_priority : 255;
  for (unsigned i = 0; i <= p; i++)
    if (d->in->last.time_ns > l->came_ns[i])
      l->came_ns[i] = d->in->last.time_ns;
}

/* Of one subscription and one priority, `a` goes before `b`: section 6.1. */
static bool goes_first(const struct qp_request *r, const struct qp_object *a,
                       const struct qp_object *b) {
  if (a->group != b->group)
    return (a->group < b->group) != r->descending;
  if (a->datagram != b->datagram)
    return a->datagram;
  if (!a->datagram && a->subgroup != b->subgroup)
    return a->subgroup < b->subgroup;
  return a->object < b->object;
}

/* Something of this subscription left that came later than d and had to wait for it. What left
 * within a turn may have passed it: the datapath is ahead of user space. The tail of a stream that
 * was open before shows nothing: d may need a new stream, and wait for MAX_STREAMS. */
static bool overtaken(const struct qp_due *due, size_t n, const struct qp_due *d) {
  for (size_t i = 0; i < n; i++) {
    const struct qp_due *k = &due[i];
    if (k->out && k->out->whole && k->in->last.time_ns > d->in->last.time_ns &&
        k->out->opened_ns > d->in->last.time_ns + QP_TURN_NS &&
        k->out->opened_ns < d->waited_until &&
        (k->in_priority > d->in_priority ||
         (k->in_priority == d->in_priority && !goes_first(d->request, k->in, d->in))))
      return true;
  }
  return false;
}

/* It waited in no queue if something left that came later and was no more urgent. */
static void withdraw_excuse(const struct left_behind *l, const struct qp_due *due, size_t n,
                            struct qp_due *d) {
  unsigned p = d->in_priority >= 0 && d->in_priority < 256 ? (unsigned)d->in_priority : 255;
  if (!d->waited_until || l->came_ns[p] <= d->in->last.time_ns || !overtaken(due, n, d))
    return;
  d->excuse = NULL;
  d->claim = QP_CLAIM_DUE;
}

static void settle_subscription(const struct qp_evidence *e, struct qp_fanout *f,
                                const struct placed_list *ingress, const struct placed_list *egress,
                                const struct qp_conn *conn, const struct qp_request *r) {
  struct left_behind left = {{0}};
  size_t first = f->n;
  for (size_t i = 0; i < ingress->n; i++) {
    const struct qp_placed *p = &ingress->items[i];
    if (p->track != r->track || p->conn == conn || ingress->next[i] != QP_MAP_NONE)
      continue; /* of equal objects the first one counts */
    if (qp_fanout_entitled(conn, r, p))
      settle(e, f, egress, p, conn, r);
  }
  for (size_t i = first; i < f->n; i++)
    if (f->due[i].out && f->due[i].out->whole)
      note_left(&left, &f->due[i]);
  for (size_t i = first; i < f->n; i++)
    withdraw_excuse(&left, f->due + first, f->n - first, &f->due[i]);
}

static const struct qp_object *own_copy(struct qp_fanout *f, const struct qp_object *o) {
  if (!o)
    return NULL;
  qp_grow((void **)&f->own, &f->own_room, f->n_own + 1, sizeof *f->own);
  struct qp_object *copy = f->own[f->n_own++] = qp_alloc(1, sizeof *copy);
  *copy = *o;
  copy->half = NULL;
  return copy;
}

void qp_fanout_settle(const struct qp_evidence *e, struct qp_fanout *f, const struct qp_placed *p,
                      const struct qp_conn *conn, const struct qp_request *r) {
  struct placed_list egress = {0};
  size_t had = f->n;
  place_objects(&egress, conn, !r->side, !r->side);
  settle(e, f, &egress, p, conn, r);
  if (f->n > EARLY_MAX && f->n > had) {
    f->n--;
    f->left_out++;
  }
  if (f->n > had) {
    struct qp_due *d = &f->due[had];
    d->in = own_copy(f, d->in);
    d->out = own_copy(f, d->out);
    d->second = own_copy(f, d->second);
  }
  clear_list(&egress);
}

/* One end of a connection. */
struct seat {
  uint32_t conn;
  uint8_t side;
  uintptr_t relay; /* who sits there */
  uint32_t order;  /* that of the relay, by its first seat */
};

static int by_relay(const void *a, const void *b) {
  const struct seat *x = a, *y = b;
  if (x->order != y->order)
    return x->order < y->order ? -1 : 1;
  if (x->conn != y->conn)
    return x->conn < y->conn ? -1 : 1;
  return x->side - y->side;
}

/* All ends where somebody sits, relay after relay. */
static struct seat *list_seats(const struct qp_evidence *e, size_t *n_seats) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  struct seat *seats = qp_alloc(2 * n, sizeof *seats);
  struct qp_map order = {0};
  *n_seats = 0;
  for (size_t i = 0; i < 2 * n; i++) {
    const uint8_t side = i % 2;
    const uintptr_t relay = who(e, conns[i / 2], side);
    uint32_t had = relay ? qp_map_get(&order, relay) : 0;
    if (!relay)
      continue;
    if (had == QP_MAP_NONE) {
      had = (uint32_t)order.n;
      qp_map_set(&order, relay, had);
    }
    seats[(*n_seats)++] = (struct seat){(uint32_t)(i / 2), side, relay, had};
  }
  qp_map_clear(&order);
  qsort(seats, *n_seats, sizeof *seats, by_relay);
  return seats;
}

/* All subscriptions that the relay is asked for there. */
static void settle_seat(const struct qp_evidence *e, struct qp_fanout *f,
                        const struct placed_list *ingress, const struct qp_conn *conn,
                        unsigned side) {
  struct placed_list egress = {0};
  place_objects(&egress, conn, side, side);
  for (size_t i = 0; i < conn->n_requests; i++) {
    const struct qp_request *r = &conn->requests[i];
    if (r->type == QP_M_SUBSCRIBE && r->ok && r->side != side)
      settle_subscription(e, f, ingress, &egress, conn, r);
  }
  clear_list(&egress);
}

/* What reached this relay by its own subscriptions. */
static void gather_ingress(const struct qp_evidence *e, const struct seat *seats, size_t n,
                           struct placed_list *l) {
  size_t n_conns;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n_conns);
  for (size_t i = 0; i < n; i++) {
    const struct qp_conn *conn = conns[seats[i].conn];
    place_objects(l, conn, !seats[i].side, qp_conn_arrived(conn, !seats[i].side));
  }
  const struct qp_placed *p;
  for (struct qp_passing_walk walk = {0};
       (p = qp_passing_next(e->passing, &walk, (uint16_t)seats->relay));)
    place(l, p);
}

struct qp_fanout *qp_fanout_new(void) {
  return qp_alloc(1, sizeof(struct qp_fanout));
}

void qp_fanout_make(const struct qp_evidence *e, struct qp_fanout *f) {
  size_t n_conns, n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n_conns);
  struct seat *seats = list_seats(e, &n);
  for (size_t first = 0, end; first < n; first = end) {
    struct placed_list ingress = {0};
    for (end = first; end < n && seats[end].order == seats[first].order; end++)
      ;
    gather_ingress(e, seats + first, end - first, &ingress);
    for (size_t i = first; ingress.n && i < end; i++)
      settle_seat(e, f, &ingress, conns[seats[i].conn], seats[i].side);
    clear_list(&ingress);
  }
  free(seats);
}

void qp_fanout_free(struct qp_fanout *f) {
  if (!f)
    return;
  for (size_t i = 0; i < f->n_own; i++)
    free(f->own[i]);
  free(f->own);
  free(f->due);
  free(f);
}

char *qp_object_text(const struct qp_evidence *e, const struct qp_due *d) {
  const struct qp_tracks *tracks = qp_tracker_tracks(e->tracker);
  const char *track = d->request->track < tracks->n ? tracks->items[d->request->track].name : "?";
  const struct qp_object *o = d->in;
  if (o->datagram)
    return qp_text("%s group %llu object %llu", track, (unsigned long long)o->group,
                   (unsigned long long)o->object);
  return qp_text("%s group %llu subgroup %llu object %llu", track, (unsigned long long)o->group,
                 (unsigned long long)o->subgroup, (unsigned long long)o->object);
}
