#include "pcap-tools/track/tracker.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <xxhash.h>

#include "pcap-tools/decrypt/retry.h"
#include "pcap-tools/track/apply.h"
#include "pcap-tools/track/by_id.h"
#include "pcap-tools/track/crypt.h"
#include "pcap-tools/read/memory.h"

enum { HELD_DEFAULT = 8 << 20, SIGHTINGS_MAX = 8 << 20 };

struct qp_tracker {
  struct qp_tracker_config config;
  /* by what they want to be told */
  struct watchers {
    struct qp_watcher *items;
    size_t n, room;
  } of_datagrams, of_packets, of_frames, of_malformed, of_strangers;
  struct qp_sightings_room sightings;
  struct qp_conn **conns;
  size_t n_conns, conns_room;
  struct qp_by_id conn_at; /* the first that began with an ID */
  struct qp_routes routes;
  struct qp_tracks tracks;
  struct qp_held held;
  struct qp_counts counts;
  qp_object_fn *object_done;
  void *object_arg;
  struct qp_moq_ears ears;
  bool by_address; /* the packet in work was found by its 4-tuple alone */
};

struct qp_tracker *qp_tracker_new(const struct qp_tracker_config *config) {
  struct qp_tracker *t = qp_alloc(1, sizeof *t);
  t->config = *config;
  t->sightings.left = SIGHTINGS_MAX;
  t->held.max = config->held_max ? config->held_max : (size_t)HELD_DEFAULT;
  return t;
}

static void add_watcher(struct watchers *list, const struct qp_watcher *watcher) {
  qp_grow((void **)&list->items, &list->room, list->n + 1, sizeof *watcher);
  struct qp_watcher *w = &list->items[list->n++];
  *w = *watcher;
  w->kinds = w->kinds ? w->kinds : UINT64_MAX;
}

void qp_tracker_watch(struct qp_tracker *t, const struct qp_watcher *watcher) {
  if (watcher->datagram)
    add_watcher(&t->of_datagrams, watcher);
  if (watcher->packet)
    add_watcher(&t->of_packets, watcher);
  if (watcher->frame)
    add_watcher(&t->of_frames, watcher);
  if (watcher->malformed)
    add_watcher(&t->of_malformed, watcher);
  if (watcher->stranger)
    add_watcher(&t->of_strangers, watcher);
}

void qp_tracker_pass_on(struct qp_tracker *t, qp_object_fn *fn, void *arg) {
  t->object_done = fn;
  t->object_arg = arg;
}

void qp_tracker_listen(struct qp_tracker *t, const struct qp_moq_ears *ears) {
  t->ears = *ears;
}

static void tell_malformed(struct qp_tracker *t, const struct qp_seen *s, const char *why) {
  for (size_t i = 0; i < t->of_malformed.n; i++)
    t->of_malformed.items[i].malformed(t->of_malformed.items[i].arg, s, why);
}

/* ---- finding the connection -------------------------------------------- */

static struct qp_conn *add_conn(struct qp_tracker *t, const struct qp_header *h,
                                const struct qp_udp *udp, struct qp_place place) {
  struct qp_conn *c = qp_conn_new((uint32_t)t->n_conns);
  qp_grow((void **)&t->conns, &t->conns_room, t->n_conns + 1, sizeof(struct qp_conn *));
  t->conns[t->n_conns++] = c;
  c->odcid = h->dcid;
  if (qp_by_id_get(&t->conn_at, 0, &c->odcid) == QP_MAP_NONE)
    qp_by_id_set(&t->conn_at, 0, &c->odcid, c->index);
  c->version = h->version;
  c->tuple = udp->tuple;
  c->first = place;
  c->object_done = t->object_done;
  c->object_arg = t->object_arg;
  c->ears = t->ears;
  c->crypt = qp_crypt_new(t->config.keylog);
  qp_crypt_initial(c->crypt, &h->dcid);
  if (t->config.fast)
    c->fast = t->config.fast(t->config.arg, &c->odcid);
  if (t->config.null_protection)
    c->null_protection = t->config.null_protection(t->config.arg, &c->tuple);
  if (t->config.relay_client)
    c->relay_client = t->config.relay_client(t->config.arg, &c->tuple);
  qp_routes_add(&t->routes, &h->dcid, c, QP_SERVER);
  c->older = qp_routes_began(&t->routes, &c->tuple, c);
  if (c->older)
    c->older->newer = c;
  return c;
}

/* A server that began again answers a client that waits for the answer of the one before it: to
 * both servers these are connections, with the same ID, Initial keys and ClientHello, and the
 * client knows of one (RFC 9000 7.2: the first answer counts). */
static bool is_anew(const struct qp_tracker *t, const struct qp_conn *c, const struct qp_header *h,
                    const struct qp_udp *udp, struct qp_place place) {
  return t->config.reborn && h->type == QP_INITIAL && c->answered.frame && !c->handshake_done &&
         qp_cid_equal(&c->odcid, &h->dcid) &&
         t->config.reborn(t->config.arg, &udp->tuple, c->answered.time_ns, place.time_ns);
}

static struct qp_conn *add_anew(struct qp_tracker *t, struct qp_conn *c, const struct qp_header *h,
                                const struct qp_udp *udp, struct qp_place place) {
  struct qp_conn *next = add_conn(t, h, udp, place);
  const struct qp_ranges *sent = &c->numbers[QP_CLIENT][QP_SPACE_INITIAL].sent;
  struct qp_numbers *n = &next->numbers[QP_CLIENT][QP_SPACE_INITIAL];
  c->taken_up = true;
  qp_by_id_set(&t->conn_at, 0, &next->odcid, next->index);
  /* what the client has said is as before: nobody asks it to say it again */
  next->hello = c->hello;
  next->hello.server_hello = false;
  next->hello.suite = QP_SUITE_UNKNOWN;
  next->hello.server = (struct qp_params){0};
  for (size_t i = 0; i < sent->n; i++)
    qp_ranges_add(&n->sent, sent->spans[i].lo, sent->spans[i].hi);
  n->largest_sent = c->numbers[QP_CLIENT][QP_SPACE_INITIAL].largest_sent;
  qp_conn_same_vantages(next, c,
                        QP_CLIENT); /* the packet may have left before the server began again */
  return next;
}

/* Packets without an ID find their way to `side` by its address. */
static void answers_to(struct qp_tracker *t, struct qp_conn *c, unsigned side,
                       const struct qp_udp *udp) {
  struct qp_tuple back = {.src = udp->tuple.dst, .dst = udp->tuple.src};
  qp_routes_used(&t->routes, &back, c, side, 0);
}

/* The ID that a long header's sender chose for itself leads back to it. */
static void learn_source(struct qp_tracker *t, struct qp_conn *c, unsigned side,
                         const struct qp_header *h) {
  qp_routes_add(&t->routes, &h->scid, c, side);
  c->nameless[side] = !h->scid.len;
  if (side == QP_SERVER)
    c->version = h->version;
}

/* RFC 9000 17.2.5.2: one Retry counts, and only with its tag. NULL, or what is wrong. */
static const char *take_retry(struct qp_conn *c, unsigned side, const struct qp_header *h) {
  if (side != QP_SERVER)
    return "a Retry from a client";
  if (!qp_retry_authentic(h, &c->odcid))
    return "a Retry whose integrity tag is wrong";
  if (!c->retried)
    qp_crypt_initial(c->crypt, &h->scid);
  c->retried = true;
  return NULL;
}

/* What paths carry: a longer datagram is one of several packets, or a jumbo frame. */
enum { LONGEST = 1500 };

/* A capture on the sender's machine shows what leaves by segmentation offload as one long
 * datagram: packets with the same ID behind each other. Where the first of them ends. */
static size_t segment_of(const struct qp_header *h) {
  enum { ID_SURE = 4 };
  const struct qp_cid *id = &h->dcid;
  size_t shortest = h->pn_at + 4 + QP_TAG_LEN; /* as qp_header_short() asks of each */
  if (id->len < ID_SURE || h->len <= shortest)
    return h->len;
  const uint8_t *p = h->start + shortest + 1, *end = h->start + h->len;
  for (; p < end && (p = memmem(p, (size_t)(end - p), id->data, id->len)); p++)
    if (!(p[-1] & 0x80)) /* the other bits are protected or greased */
      return (size_t)(p - 1 - h->start);
  return h->len;
}

/* What every receiver's kernel throws away. */
static bool is_dropped(const struct qp_udp *udp) {
  return udp->sum == QP_SUM_WRONG || udp->ip_sum_wrong;
}

/* A client's Initial that became damaged on its way, in its ID for example: its sender, which has
 * another capture, has begun a connection from there already. */
static bool is_damaged_copy(const struct qp_tracker *t, const struct qp_udp *udp,
                            struct qp_place place) {
  struct qp_route route;
  return is_dropped(udp) && qp_routes_find(&t->routes, &(struct qp_cid){0}, &udp->tuple, &route) &&
         qp_conn_would_view(route.conn, !route.receiver, &udp->tuple, place.file) != QP_SENT;
}

/* Takes one packet off the datagram and finds who it is for. */
static bool next_packet(struct qp_tracker *t, struct qp_cur *rest, const struct qp_udp *udp,
                        struct qp_place place, struct qp_header *h, struct qp_route *route,
                        const char **why) {
  *why = NULL;
  if (*rest->p & 0x80) {
    if (!qp_header_long(rest, h, why))
      return false;
    if (qp_routes_find(&t->routes, &h->dcid, &udp->tuple, route)) {
      if (route->receiver == QP_SERVER && is_anew(t, route->conn, h, udp, place))
        route->conn = add_anew(t, route->conn, h, udp, place);
      return true;
    }
    if (h->type != QP_INITIAL || h->dcid.len < 8 || /* RFC 9000 7.2 */
        is_damaged_copy(t, udp, place))
      return false;
    *route = (struct qp_route){add_conn(t, h, udp, place), QP_SERVER, false};
    return true;
  }
  uint8_t cid_len;
  if (!qp_routes_find_short(&t->routes, rest->p, qp_left(rest), &udp->tuple, route, &cid_len) ||
      !qp_header_short(rest, cid_len, h, why))
    return false;
  if (udp->len > LONGEST)
    h->len = segment_of(h);
  return true;
}

/* ---- one opened packet ------------------------------------------------- */

/* The packet's bytes in few bits. Under one key and number the AEAD tag changes with
 * any of them. Without protection a right UDP checksum and the front are enough to tell
 * what is not made to look alike; without a checksum all bytes are hashed. */
static uint32_t mark_of(const struct qp_header *h, const struct qp_udp *udp, bool null_protected) {
  enum { FRONT = 64 };
  uint32_t mark;
  if (null_protected && udp->sum == QP_SUM_RIGHT && h->len > FRONT)
    return (uint32_t)XXH3_64bits_withSeed(h->start, FRONT, (uint64_t)h->len << 16 | udp->sum_wire);
  if (null_protected)
    return (uint32_t)XXH3_64bits(h->start, h->len);
  memcpy(&mark, h->start + h->len - sizeof mark, sizeof mark);
  return mark;
}

static void note_sighting(struct qp_tracker *t, struct qp_seen *s, struct qp_numbers *n) {
  struct qp_sighting now = {.generation = s->generation & 15,
                            .mark =
                                mark_of(s->header, s->udp, s->null_protected) & QP_SIGHTING_MARK};
  if (!s->repeated) {
    qp_sightings_note(&n->seen, s->pn, s->place.frame, now.generation, now.mark, &t->sightings);
    return;
  }
  const struct qp_sighting *was = qp_sightings_find(&n->seen, s->pn);
  s->earlier_frame = was ? was->frame : 0;
  s->again = !was                                ? QP_AGAIN_UNKNOWN
             : was->generation != now.generation ? QP_AGAIN_OTHER_KEY
             : was->mark == now.mark             ? QP_AGAIN_SAME
                                                 : QP_AGAIN_OTHER;
}

static void note_number(struct qp_tracker *t, struct qp_seen *s) {
  struct qp_numbers *n = &s->conn->numbers[s->side][s->space];
  if (s->views & QP_SENT) {
    s->any_acked = n->any_acked;
    s->largest_acked = n->largest_acked;
    s->repeated = qp_ranges_add(&n->sent, s->pn, s->pn) == 0;
    if (s->pn > n->largest_sent)
      n->largest_sent = s->pn;
    note_sighting(t, s, n);
  }
  if (s->views & QP_REACHED) {
    if (!qp_ranges_add(&n->reached, s->pn, s->pn))
      s->views &= ~(unsigned)QP_REACHED; /* the receiver drops a duplicate */
    const bool key_phase = s->space == QP_SPACE_APP && s->first & 0x04;
    if (s->pn < n->largest_reached && key_phase != n->key_phase)
      qp_ranges_add(&n->late, s->pn, s->pn);
    if (s->pn >= n->largest_reached) {
      n->largest_reached = s->pn;
      n->key_phase = key_phase;
    }
  }
}

/* RFC 9000 10.2.1 lets an endpoint send the same closing packet again. */
static bool same_close(const struct qp_seen *s) {
  const struct qp_numbers *n = &s->conn->numbers[s->side][s->space];
  return s->repeated && n->any_close && n->close_pn == s->pn &&
         n->close_hash == XXH3_64bits(s->payload, s->len);
}

static void note_close(const struct qp_seen *s) {
  struct qp_numbers *n = &s->conn->numbers[s->side][s->space];
  if (!(s->views & QP_SENT) || s->repeated)
    return;
  n->any_close = true;
  n->close_pn = s->pn;
  n->close_hash = XXH3_64bits(s->payload, s->len);
}

static void walk_frames(struct qp_tracker *t, struct qp_seen *s) {
  struct qp_apply a = {&t->routes, &t->tracks, &t->held};
  struct qp_cur c = qp_cur(s->payload, s->len);
  struct qp_quic_frame f;
  const char *why = NULL;
  int got;
  while ((got = qp_quic_frame_next(&c, &f, &why)) == 1) {
    struct qp_effect effect;
    qp_apply_frame(&a, s, &f, &effect);
    if (f.kind == QP_F_CONNECTION_CLOSE || f.kind == QP_F_CONNECTION_CLOSE_APP)
      note_close(s);
    uint64_t kind = QP_KIND(f.kind);
    struct qp_cur ranges = f.ack.ranges; /* walking an ACK's ranges uses them up */
    for (size_t i = 0; i < t->of_frames.n; i++) {
      const struct qp_watcher *w = &t->of_frames.items[i];
      if (!(w->kinds & kind))
        continue;
      w->frame(w->arg, s, &f, &effect);
      if (f.kind == QP_F_ACK)
        f.ack.ranges = ranges;
    }
  }
  if (got < 0)
    tell_malformed(t, s, why);
  if (t->held.bytes > t->held.max)
    qp_apply_forget(&t->held);
}

static void take_opened(struct qp_tracker *t, struct qp_seen *s, const struct qp_opened *o) {
  s->opened = true;
  s->null_protected = o->null_protected;
  s->generation = o->generation;
  s->first = o->first;
  s->pn_len = o->pn_len;
  s->pn = o->pn;
  s->payload = o->payload;
  s->len = o->len;
  /* the capture may lack the frame that gave the ID; it opens: it is the connection's */
  if (t->by_address && !o->null_protected)
    qp_routes_add(&t->routes, &s->header->dcid, s->conn, !s->side);
  note_number(t, s);
  s->same_close = same_close(s);
  if (s->views & QP_SENT) {
    s->conn->opened[s->side]++;
    t->counts.opened++;
  }
}

/* A short packet that does not open may be the first of several. */
static bool open_packet(struct qp_conn *c, struct qp_seen *s, enum qp_view view,
                        struct qp_opened *o) {
  if (qp_crypt_open(c, s->side, view, s->header, o))
    return true;
  size_t len = s->header->type == QP_1RTT ? segment_of(s->header) : s->header->len;
  if (len == s->header->len)
    return false;
  s->header->len = len;
  return qp_crypt_open(c, s->side, view, s->header, o);
}

static void take_packet(struct qp_tracker *t, struct qp_seen *s) {
  struct qp_opened o;
  struct qp_conn *c = s->conn;
  enum qp_view view = s->views & QP_SENT ? QP_SENT : QP_REACHED;
  bool numbered = s->header->pn_at != 0;
  if (s->views & QP_SENT) {
    c->packets[s->side]++;
    t->counts.packets++;
  }
  if (s->side == QP_SERVER && !c->answered.frame)
    c->answered = s->place;
  if (s->header->type == QP_1RTT && s->side == QP_CLIENT)
    c->handshake_done = true;
  if (numbered && !s->udp->cut && open_packet(c, s, view, &o)) {
    take_opened(t, s, &o);
  } else if (numbered && (s->views & QP_SENT)) {
    c->unopened[s->side]++;
    struct qp_numbers *n = &c->numbers[s->side][s->space];
    n->gaps = true;
    if (!n->closed.frame && !s->udp->cut && s->header->type != QP_0RTT)
      n->closed = s->place;
  }
  if (!s->views)
    return;
  for (size_t i = 0; i < t->of_packets.n; i++)
    t->of_packets.items[i].packet(t->of_packets.items[i].arg, s);
  if (s->opened)
    walk_frames(t, s);
}

/* ---- one of several connections on a 4-tuple ---------------------------- */

/* How far a null-protected packet is from the next one that the connection is to send; what it
 * sent before with the same bytes is it again. */
static uint64_t distance(const struct qp_conn *c, unsigned side, enum qp_view view,
                         const struct qp_header *h, const struct qp_udp *udp,
                         const struct qp_opened *o) {
  const struct qp_numbers *n = &c->numbers[side][QP_SPACE_APP];
  const struct qp_ranges *had = view == QP_SENT ? &n->sent : &n->reached;
  const struct qp_sighting *was = qp_sightings_find(&n->seen, o->pn);
  if (was && was->mark == (mark_of(h, udp, true) & QP_SIGHTING_MARK))
    return 0;
  if (qp_ranges_has(had, o->pn))
    return UINT64_MAX;
  const uint64_t last = view == QP_SENT ? n->largest_sent : n->largest_reached;
  const uint64_t next = had->n ? last + 1 : 0;
  return 1 + (o->pn > next ? o->pn - next : next - o->pn);
}

/* A client without an ID comes back from its old port while packets of its older connection are
 * under way: the keys tell, or the packet numbers where there are none. */
static void choose(struct qp_routes *routes, const struct qp_udp *udp, uint32_t file,
                   const struct qp_header *h, struct qp_route *route) {
  struct qp_conn *conns[QP_SHARE];
  const unsigned n = qp_routes_shared(routes, &udp->tuple, route, conns), side = !route->receiver;
  uint64_t least = UINT64_MAX;
  for (unsigned i = 0; i < n && n > 1; i++) {
    const enum qp_view view = qp_conn_would_view(conns[i], side, &udp->tuple, file);
    struct qp_opened o;
    if (!h->pn_at || !qp_crypt_open(conns[i], side, view, h, &o))
      continue;
    const uint64_t d = o.null_protected ? distance(conns[i], side, view, h, udp, &o) : 0;
    if (d > least || (d == least && conns[i]->index < route->conn->index))
      continue;
    least = d;
    route->conn = conns[i];
  }
}

/* ---- one datagram ------------------------------------------------------ */

static unsigned arriving(const struct qp_udp *udp, unsigned views) {
  return is_dropped(udp) ? views & ~(unsigned)QP_REACHED : views;
}

/* A stateless reset (RFC 9000 10.3): a short header whose ID nobody has, and a token. It is
 * no packet of the connection that it ends. Asked of what no ID has found. */
static bool is_reset(struct qp_tracker *t, const struct qp_udp *udp, struct qp_place place) {
  struct qp_route by_token;
  if (!qp_routes_find_reset(&t->routes, udp->payload, udp->len, &by_token))
    return false;
  const struct qp_end *server = &by_token.conn->tuple.dst;
  if (!qp_end_equal(server, by_token.receiver == QP_CLIENT ? &udp->tuple.src : &udp->tuple.dst))
    return false; /* it goes the wrong way */
  if (!by_token.conn->reset.frame)
    by_token.conn->reset = place;
  if (arriving(udp, qp_conn_views(by_token.conn, !by_token.receiver, &udp->tuple, place.file)) &
      QP_REACHED)
    by_token.conn->reset_reached[by_token.receiver] = true;
  t->counts.resets++;
  return true;
}

/* Some senders fill a datagram up behind its packets; receivers ignore that, RFC 9000
 * 12.2. */
static bool only_zeros(const struct qp_cur *rest) {
  for (const uint8_t *p = rest->p; p < rest->end; p++)
    if (*p)
      return false;
  return true;
}

static void tell_stranger(struct qp_tracker *t, const struct qp_udp *udp, struct qp_place place) {
  t->counts.strangers++;
  for (size_t i = 0; i < t->of_strangers.n; i++)
    t->of_strangers.items[i].stranger(t->of_strangers.items[i].arg, place, udp);
}

static void take_datagram(struct qp_tracker *t, const struct qp_udp *udp, struct qp_place place) {
  struct qp_cur rest = qp_cur(udp->payload, udp->len);
  struct qp_conn *told = NULL;
  unsigned views = 0;
  while (qp_left(&rest) && !(told && only_zeros(&rest))) {
    struct qp_header h;
    struct qp_route route = {0};
    const char *why;
    struct qp_seen s = {.place = place, .udp = udp, .header = &h};
    bool found = next_packet(t, &rest, udp, place, &h, &route, &why) && route.conn;
    if (found && (!h.dcid.len || (route.conn->older && route.conn->older->taken_up)) && !udp->cut)
      choose(&t->routes, udp, place.file, &h, &route);
    bool nobodys = !found || route.by_address || !h.dcid.len;
    if (!told && nobodys && is_reset(t, udp, place))
      return;
    s.conn = route.conn ? route.conn : told;
    if (found && !told) {
      views = arriving(udp, qp_conn_views(route.conn, !route.receiver, &udp->tuple, place.file));
      /* whoever got a stateless reset reads nothing more, RFC 9000 10.3.1 */
      if (route.conn->reset_reached[route.receiver])
        views &= ~(unsigned)QP_REACHED;
      told = route.conn;
      told->last = place;
      for (size_t i = 0; i < t->of_datagrams.n; i++)
        t->of_datagrams.items[i].datagram(t->of_datagrams.items[i].arg, place, udp, told, views);
    }
    if (!found) {
      s.views = views;
      if (why && s.conn && views && !udp->cut)
        tell_malformed(t, &s, why);
      if (!told)
        tell_stranger(t, udp, place);
      return;
    }
    s.side = !route.receiver;
    s.views = views;
    t->by_address = route.by_address;
    s.space = qp_space_of(h.type);
    const char *wrong = h.type == QP_RETRY ? take_retry(route.conn, s.side, &h) : NULL;
    if (wrong && views)
      tell_malformed(t, &s, wrong);
    if (!wrong && qp_version_known(h.version))
      learn_source(t, route.conn, s.side, &h);
    qp_routes_used(&t->routes, &udp->tuple, route.conn, route.receiver, h.dcid.len);
    if (route.conn->nameless[s.side]) /* also from where it is now */
      answers_to(t, route.conn, s.side, udp);
    if (views)
      take_packet(t, &s);
    if (h.type == QP_1RTT)
      rest.p = h.start + h.len;
  }
}

void qp_tracker_frame(struct qp_tracker *t, const struct qp_frame *frame) {
  struct qp_udp udp;
  struct qp_place place = {frame->file, frame->number, frame->time_ns};
  t->counts.frames++;
  switch (qp_udp_parse(frame, &udp)) {
  case QP_UDP:
    t->counts.udp++;
    if (udp.len)
      take_datagram(t, &udp, place);
    break;
  case QP_UDP_FRAGMENT:
    t->counts.fragments++;
    break;
  case QP_UDP_MALFORMED:
    t->counts.malformed_ip++;
    break;
  case QP_UDP_OTHER:
    t->counts.other++;
    break;
  }
}

void qp_tracker_finish(struct qp_tracker *t) {
  for (size_t i = 0; i < t->n_conns; i++) {
    struct qp_conn *c = t->conns[i];
    for (int side = 0; side < 2; side++)
      c->first_bytes[side] = c->datagram_bytes[side];
    for (size_t k = 0; k < c->n_halves; k++) {
      const struct qp_half *h = c->halves[k];
      if (h->kind != QP_S_SUBGROUP)
        continue;
      const struct qp_seg *segs = h->sent.segs ? h->sent.segs : &h->sent.first;
      for (uint32_t s = 0; s < h->sent.n; s++)
        c->first_bytes[h->side] += segs[s].len;
    }
  }
}

void qp_tracker_free(struct qp_tracker *t) {
  if (!t)
    return;
  for (size_t i = 0; i < t->n_conns; i++) {
    qp_crypt_free(t->conns[i]->crypt);
    qp_conn_free(t->conns[i]);
  }
  free(t->conns);
  qp_by_id_clear(&t->conn_at);
  free(t->of_datagrams.items), free(t->of_packets.items);
  free(t->of_frames.items), free(t->of_malformed.items), free(t->of_strangers.items);
  free(t->held.queue);
  qp_routes_clear(&t->routes);
  qp_tracks_clear(&t->tracks);
  free(t);
}

struct qp_conn *const *qp_tracker_conns(const struct qp_tracker *t, size_t *n) {
  *n = t->n_conns;
  return t->conns;
}

const struct qp_conn *qp_tracker_conn_of(const struct qp_tracker *t, const struct qp_cid *odcid) {
  const uint32_t i = qp_by_id_get(&t->conn_at, 0, odcid);
  return i == QP_MAP_NONE ? NULL : t->conns[i];
}

const struct qp_tracks *qp_tracker_tracks(const struct qp_tracker *t) {
  return &t->tracks;
}

const struct qp_counts *qp_tracker_counts(const struct qp_tracker *t) {
  return &t->counts;
}
