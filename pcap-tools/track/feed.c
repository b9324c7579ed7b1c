#include "pcap-tools/track/feed.h"

/* picks the widest instructions of this machine */
#if defined __x86_64__ && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#include "pcap-tools/read/memory.h"

enum stage { START, MESSAGES, OBJECT, PROPERTIES, LENGTH, PAYLOAD, IGNORE };

enum { MESSAGE_MAX = 9 + 2 + 65535 };

/* One half as it is read from one end. */
struct feeding {
  struct qp_conn *c;
  struct qp_half *h;
  struct qp_feed_state *feed;
  struct qp_subgroup *header;
  struct qp_reasm *bytes;
  unsigned list;                  /* of the connection's objects */
  uint64_t frame_end, end_before; /* of what has just come, and of all before it */
  bool fin;
};

/* Those that count for MoQT. */
static struct qp_reasm *bytes_of(const struct qp_conn *conn, struct qp_half *half) {
  return conn->split && half->side == QP_CLIENT ? &half->reached : &half->sent;
}

static bool is_far(const struct qp_conn *c, const struct qp_half *h) {
  return c->split && c->relay_client && h->side == QP_SERVER;
}

static bool is_done(const struct qp_half *h, const struct qp_feed_state *feed) {
  return feed->pos == h->final_size || feed->stage == IGNORE;
}

bool qp_feed_done(const struct qp_conn *c, const struct qp_half *h) {
  if (!h->has_final || !is_done(h, &h->feed))
    return false;
  return !is_far(c, h) || !h->far || is_done(h, &h->far->feed);
}

bool qp_feed_idle(const struct qp_half *h) {
  return h->feed.stage == IGNORE;
}

void qp_feed_give_up(struct qp_half *h) {
  h->feed.stage = IGNORE;
}

/* The far end sees the same bytes: what is wrong with them is said once. */
static void complain(const struct feeding *f, const char *why) {
  struct qp_half *h = f->h;
  f->feed->stage = IGNORE;
  if (f->list == QP_FAR)
    return;
  h->complaint = why;
  h->complaint_at = f->feed->pos;
  h->kind = h->kind == QP_S_UNKNOWN ? QP_S_BAD : h->kind;
}

static struct qp_object *new_object(struct qp_conn *c, unsigned list) {
  qp_grow((void **)&c->objects[list], &c->objects_room[list], c->n_objects[list] + 1,
          sizeof *c->objects[list]);
  struct qp_object *o = &c->objects[list][c->n_objects[list]++];
  memset(o, 0, sizeof *o);
  return o;
}

static void object_done(struct qp_conn *c, unsigned list, size_t i) {
  if (list != QP_FAR && c->object_done &&
      c->object_done(c->object_arg, c, list, &c->objects[list][i]))
    qp_conn_drop_object(c, list, i);
}

/* What one step of a stage says. */
enum step { AGAIN, MORE }; /* MORE: wait for bytes */

static enum step start(const struct feeding *f, const uint8_t *p, size_t len) {
  struct qp_half *h = f->h;
  const char *why = NULL;
  enum qp_uni kind = QP_UNI_BAD;
  enum qp_stream_kind is;
  if (!qp_stream_uni(h->id)) {
    h->kind = QP_S_REQUEST;
    f->feed->stage = MESSAGES;
    return AGAIN;
  }
  int used = qp_uni_header(p, len, &kind, f->header, &why);
  if (used == 0)
    return MORE;
  if (used < 0) {
    complain(f, why);
    return MORE;
  }
  switch (kind) {
  case QP_UNI_CONTROL: /* the type is the first message's, it stays */
    is = QP_S_CONTROL;
    f->feed->stage = f->list == QP_FAR ? IGNORE : MESSAGES;
    break;
  case QP_UNI_SUBGROUP:
    is = QP_S_SUBGROUP;
    f->feed->stage = OBJECT;
    f->feed->pos += (uint64_t)used;
    break;
  default:
    is = kind == QP_UNI_FETCH ? QP_S_FETCH : QP_S_PADDING;
    f->feed->stage = IGNORE;
    break;
  }
  if (f->list != QP_FAR) {
    h->kind = is;
    if (is == QP_S_CONTROL)
      f->c->control[h->side] = h;
    if (f->c->ears.stream)
      f->c->ears.stream(f->c->ears.arg, f->c, h);
  }
  return f->feed->stage == IGNORE ? MORE : AGAIN;
}

static enum step message(const struct feeding *f, struct qp_tracks *tracks, uint64_t end,
                         struct qp_place place) {
  static uint8_t buffer[MESSAGE_MAX];
  struct qp_half *h = f->h;
  struct qp_moq_message m;
  const char *why = NULL;
  size_t n = qp_reasm_read(f->bytes, f->feed->pos, buffer,
                           end - f->feed->pos < sizeof buffer ? (size_t)(end - f->feed->pos)
                                                              : sizeof buffer);
  int used = qp_moq_message(buffer, n, &m, &why);
  if (used < 0)
    complain(f, why);
  if (used <= 0)
    return MORE;
  f->feed->pos += (uint64_t)used;
  if (f->c->ears.message)
    f->c->ears.message(f->c->ears.arg, f->c, h, &m);
  if (h->kind == QP_S_REQUEST)
    qp_session_message(f->c, tracks, h->side, h->id, &m, place);
  return AGAIN;
}

static enum step object_header(const struct feeding *f, const uint8_t *p, size_t len) {
  struct qp_feed_state *feed = f->feed;
  struct qp_object_header o;
  int used = qp_object_header(p, len, f->header->properties, &o);
  if (!used)
    return MORE;
  uint64_t id = feed->any_object ? feed->last_object + 1 + o.delta : o.delta;
  if (feed->any_object && id <= feed->last_object) {
    complain(f, "an Object ID Delta that overflows");
    return MORE;
  }
  if (!feed->any_object && f->header->id_is_object)
    f->header->subgroup = id;
  feed->any_object = true;
  feed->last_object = id;
  feed->delta = o.delta;
  feed->pos += (uint64_t)used;
  feed->properties_left = o.properties_len;
  feed->stage = PROPERTIES;
  return AGAIN;
}

static enum step skip_properties(struct qp_feed_state *feed, uint64_t end) {
  uint64_t there = end - feed->pos, left = feed->properties_left;
  uint64_t n = there < left ? there : left;
  feed->pos += n;
  feed->properties_left -= n;
  if (feed->properties_left)
    return MORE;
  feed->stage = LENGTH;
  return AGAIN;
}

static enum step object_length(const struct feeding *f, const uint8_t *p, size_t len,
                               struct qp_place place) {
  struct qp_object_payload payload;
  const char *why = NULL;
  int used = qp_object_payload(p, len, &payload, &why);
  if (used < 0)
    complain(f, why);
  if (used <= 0)
    return MORE;
  const bool behind_hole = f->feed->pos >= f->frame_end, in_hole = f->feed->pos < f->end_before;
  f->feed->pos += (uint64_t)used;
  f->feed->object = (uint32_t)f->c->n_objects[f->list];
  struct qp_object *o = new_object(f->c, f->list);
  o->alias = f->header->alias;
  o->group = f->header->group;
  o->subgroup = f->header->subgroup;
  o->object = f->feed->last_object;
  o->len = payload.len;
  o->status = (uint8_t)payload.status;
  o->priority = (int16_t)f->header->priority;
  o->half = f->h;
  o->half->n_objects += f->list != QP_FAR;
  o->opened_ns = f->h->opened.time_ns;
  o->first = o->last = place;
  o->behind_hole = behind_hole;
  o->in_hole = in_hole && !behind_hole;
  f->feed->stage = PAYLOAD;
  return AGAIN;
}

static enum step payload_bytes(const struct feeding *f, uint64_t end, struct qp_place place) {
  struct qp_feed_state *feed = f->feed;
  struct qp_object *o = &f->c->objects[f->list][feed->object];
  const uint8_t *p = NULL;
  while (o->got < o->len && feed->pos < end) {
    size_t n = qp_reasm_peek(f->bytes, feed->pos, &p);
    if (n > o->len - o->got)
      n = (size_t)(o->len - o->got);
    if (!n)
      return MORE;
    if (n < o->len && !feed->hash) {
      feed->hash = XXH3_createState();
      XXH3_64bits_reset(feed->hash);
    }
    if (feed->hash)
      XXH3_64bits_update(feed->hash, p, n);
    o->got += n;
    feed->pos += n;
    o->last = place;
  }
  if (o->got < o->len)
    return MORE;
  o->whole = true;
  o->hash = feed->hash ? XXH3_64bits_digest(feed->hash) : XXH3_64bits(p, (size_t)o->len);
  XXH3_freeState(feed->hash);
  feed->hash = NULL;
  feed->stage = OBJECT;
  object_done(f->c, f->list, feed->object);
  return AGAIN;
}

static void feed_on(const struct feeding *f, struct qp_tracks *tracks, struct qp_place place) {
  struct qp_feed_state *feed = f->feed;
  if (feed->stage == IGNORE)
    return;
  uint64_t end = qp_reasm_contiguous(f->bytes);
  enum step step = AGAIN;
  while (step == AGAIN && feed->pos < end) {
    uint8_t front[QP_MOQ_HEADER_MAX];
    size_t n = 0;
    if (feed->stage == START || feed->stage == OBJECT || feed->stage == LENGTH)
      n = qp_reasm_read(f->bytes, feed->pos, front, sizeof front);
    switch ((enum stage)feed->stage) {
    case START:
      step = start(f, front, n);
      break;
    case MESSAGES:
      step = message(f, tracks, end, place);
      break;
    case OBJECT:
      step = object_header(f, front, n);
      break;
    case PROPERTIES:
      step = skip_properties(feed, end);
      if (step == AGAIN && feed->pos == end)
        step = MORE;
      break;
    case LENGTH:
      step = object_length(f, front, n, place);
      /* an empty object ends here, also if no byte follows */
      if (step == AGAIN && feed->stage == PAYLOAD && f->c->objects[f->list][feed->object].len == 0)
        step = payload_bytes(f, end, place);
      break;
    case PAYLOAD:
      step = payload_bytes(f, end, place);
      break;
    case IGNORE:
      return;
    }
  }
  if (f->fin && end == f->h->final_size && f->h->kind == QP_S_SUBGROUP && feed->stage != OBJECT &&
      feed->stage != IGNORE)
    complain(f, "FIN inside an object");
}

void qp_feed_half(struct qp_conn *c, struct qp_half *h, struct qp_tracks *tracks,
                  uint64_t frame_end, uint64_t end_before, struct qp_place place) {
  bool reached = c->split && h->side == QP_CLIENT;
  feed_on(&(struct feeding){.c = c,
                            .h = h,
                            .feed = &h->feed,
                            .header = &h->header,
                            .bytes = bytes_of(c, h),
                            .list = h->side,
                            .frame_end = frame_end,
                            .end_before = end_before,
                            .fin = reached ? h->fin_reached : h->fin},
          tracks, place);
  if (!is_far(c, h) || !qp_stream_uni(h->id))
    return;
  if (!h->far)
    h->far = qp_alloc(1, sizeof *h->far);
  feed_on(&(struct feeding){.c = c,
                            .h = h,
                            .feed = &h->far->feed,
                            .header = &h->far->header,
                            .bytes = &h->reached,
                            .list = QP_FAR,
                            .frame_end = frame_end,
                            .end_before = end_before,
                            .fin = h->fin_reached},
          tracks, place);
}

const char *qp_feed_datagram(struct qp_conn *c, unsigned list, const uint8_t *data, size_t len,
                             struct qp_place place, uint64_t late_pn) {
  struct qp_moq_datagram d;
  const char *why = NULL;
  if (!qp_moq_datagram(data, len, &d, &why))
    return why;
  if (d.padding)
    return NULL;
  struct qp_object *o = new_object(c, list);
  o->datagram = true;
  o->alias = d.alias;
  o->group = d.group;
  o->object = d.object;
  o->len = o->got = d.len;
  o->whole = true;
  o->status = (uint8_t)d.status;
  o->priority = (int16_t)d.priority;
  o->hash = XXH3_64bits(d.payload, d.len);
  o->opened_ns = place.time_ns;
  o->late_pn = late_pn;
  o->late_side = list == QP_FAR ? QP_SERVER : list;
  o->first = o->last = place;
  object_done(c, list, c->n_objects[list] - 1);
  return NULL;
}
