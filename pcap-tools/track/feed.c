#define XXH_INLINE_ALL
#include "pcap-tools/track/feed.h"

#include <xxhash.h>

#include "pcap-tools/read/memory.h"

enum stage { START, MESSAGES, OBJECT, PROPERTIES, LENGTH, PAYLOAD, IGNORE };

enum { MESSAGE_MAX = 9 + 2 + 65535 };

struct qp_reasm *qp_feed_bytes(const struct qp_conn *conn, struct qp_half *half) {
  return conn->split && half->side == QP_CLIENT ? &half->reached : &half->sent;
}

static bool finished(const struct qp_conn *conn, const struct qp_half *half) {
  return conn->split && half->side == QP_CLIENT ? half->fin_reached : half->fin;
}

bool qp_feed_done(const struct qp_half *h) {
  return h->has_final && (h->feed.pos == h->final_size || h->feed.stage == IGNORE);
}

bool qp_feed_idle(const struct qp_half *h) {
  return h->feed.stage == IGNORE;
}

void qp_feed_give_up(struct qp_half *h) {
  h->feed.stage = IGNORE;
}

static void complain(struct qp_half *h, const char *why) {
  h->complaint = why;
  h->complaint_at = h->feed.pos;
  h->kind = h->kind == QP_S_UNKNOWN ? QP_S_BAD : h->kind;
  h->feed.stage = IGNORE;
}

static struct qp_object *new_object(struct qp_conn *c, unsigned side) {
  qp_grow((void **)&c->objects[side], &c->objects_room[side], c->n_objects[side] + 1,
          sizeof *c->objects[side]);
  struct qp_object *o = &c->objects[side][c->n_objects[side]++];
  memset(o, 0, sizeof *o);
  return o;
}

static void object_done(struct qp_conn *c, unsigned side, size_t i) {
  if (c->object_done && c->object_done(c->object_arg, c, side, &c->objects[side][i]))
    qp_conn_drop_object(c, side, i);
}

/* What one step of a stage says. */
enum step { AGAIN, MORE }; /* MORE: wait for bytes */

static enum step start(struct qp_half *h, const uint8_t *p, size_t len) {
  const char *why = NULL;
  enum qp_uni kind = QP_UNI_BAD;
  if (!qp_stream_uni(h->id)) {
    h->kind = QP_S_REQUEST;
    h->feed.stage = MESSAGES;
    return AGAIN;
  }
  int used = qp_uni_header(p, len, &kind, &h->header, &why);
  if (used == 0)
    return MORE;
  if (used < 0) {
    complain(h, why);
    return MORE;
  }
  switch (kind) {
  case QP_UNI_CONTROL: /* the type is the first message's, it stays */
    h->kind = QP_S_CONTROL;
    h->feed.stage = MESSAGES;
    return AGAIN;
  case QP_UNI_SUBGROUP:
    h->kind = QP_S_SUBGROUP;
    h->feed.stage = OBJECT;
    h->feed.pos += (uint64_t)used;
    return AGAIN;
  default:
    h->kind = kind == QP_UNI_FETCH ? QP_S_FETCH : QP_S_PADDING;
    h->feed.stage = IGNORE;
    return MORE;
  }
}

static enum step message(struct qp_conn *c, struct qp_half *h, struct qp_tracks *tracks,
                         uint64_t end, struct qp_place place) {
  static uint8_t buffer[MESSAGE_MAX];
  struct qp_moq_message m;
  const char *why = NULL;
  size_t n = qp_reasm_read(qp_feed_bytes(c, h), h->feed.pos, buffer,
                           end - h->feed.pos < sizeof buffer ? (size_t)(end - h->feed.pos)
                                                             : sizeof buffer);
  int used = qp_moq_message(buffer, n, &m, &why);
  if (used < 0)
    complain(h, why);
  if (used <= 0)
    return MORE;
  h->feed.pos += (uint64_t)used;
  if (h->kind == QP_S_REQUEST)
    qp_session_message(c, tracks, h->side, h->id, &m, place);
  return AGAIN;
}

static enum step object_header(struct qp_half *h, const uint8_t *p, size_t len) {
  struct qp_object_header o;
  int used = qp_object_header(p, len, h->header.properties, &o);
  if (!used)
    return MORE;
  uint64_t id = h->feed.any_object ? h->feed.last_object + 1 + o.delta : o.delta;
  if (h->feed.any_object && id <= h->feed.last_object) {
    complain(h, "an Object ID Delta that overflows");
    return MORE;
  }
  if (!h->feed.any_object && h->header.id_is_object)
    h->header.subgroup = id;
  h->feed.any_object = true;
  h->feed.last_object = id;
  h->feed.pos += (uint64_t)used;
  h->feed.properties_left = o.properties_len;
  h->feed.stage = PROPERTIES;
  return AGAIN;
}

static enum step skip_properties(struct qp_half *h, uint64_t end) {
  uint64_t there = end - h->feed.pos, left = h->feed.properties_left;
  uint64_t n = there < left ? there : left;
  h->feed.pos += n;
  h->feed.properties_left -= n;
  if (h->feed.properties_left)
    return MORE;
  h->feed.stage = LENGTH;
  return AGAIN;
}

static enum step object_length(struct qp_conn *c, struct qp_half *h, const uint8_t *p, size_t len,
                               struct qp_place place) {
  struct qp_object_payload payload;
  const char *why = NULL;
  int used = qp_object_payload(p, len, &payload, &why);
  if (used < 0)
    complain(h, why);
  if (used <= 0)
    return MORE;
  h->feed.pos += (uint64_t)used;
  h->feed.object = (uint32_t)c->n_objects[h->side];
  struct qp_object *o = new_object(c, h->side);
  o->alias = h->header.alias;
  o->group = h->header.group;
  o->subgroup = h->header.subgroup;
  o->object = h->feed.last_object;
  o->len = payload.len;
  o->status = (uint8_t)payload.status;
  o->priority = (int16_t)h->header.priority;
  o->half = h;
  h->n_objects++;
  o->opened_ns = h->opened.time_ns;
  o->first = o->last = place;
  h->feed.stage = PAYLOAD;
  return AGAIN;
}

static enum step payload_bytes(struct qp_conn *c, struct qp_half *h, uint64_t end,
                               struct qp_place place) {
  struct qp_object *o = &c->objects[h->side][h->feed.object];
  const uint8_t *p = NULL;
  while (o->got < o->len && h->feed.pos < end) {
    size_t n = qp_reasm_peek(qp_feed_bytes(c, h), h->feed.pos, &p);
    if (n > o->len - o->got)
      n = (size_t)(o->len - o->got);
    if (!n)
      return MORE;
    if (n < o->len && !h->feed.hash) {
      h->feed.hash = XXH3_createState();
      XXH3_64bits_reset(h->feed.hash);
    }
    if (h->feed.hash)
      XXH3_64bits_update(h->feed.hash, p, n);
    o->got += n;
    h->feed.pos += n;
    o->last = place;
  }
  if (o->got < o->len)
    return MORE;
  o->whole = true;
  o->hash = h->feed.hash ? XXH3_64bits_digest(h->feed.hash) : XXH3_64bits(p, (size_t)o->len);
  XXH3_freeState(h->feed.hash);
  h->feed.hash = NULL;
  h->feed.stage = OBJECT;
  object_done(c, h->side, h->feed.object);
  return AGAIN;
}

void qp_feed_half(struct qp_conn *c, struct qp_half *h, struct qp_tracks *tracks,
                  struct qp_place place) {
  if (h->feed.stage == IGNORE)
    return;
  struct qp_reasm *r = qp_feed_bytes(c, h);
  uint64_t end = qp_reasm_contiguous(r);
  enum step step = AGAIN;
  while (step == AGAIN && h->feed.pos < end) {
    uint8_t front[QP_MOQ_HEADER_MAX];
    size_t n = 0;
    if (h->feed.stage == START || h->feed.stage == OBJECT || h->feed.stage == LENGTH)
      n = qp_reasm_read(r, h->feed.pos, front, sizeof front);
    switch ((enum stage)h->feed.stage) {
    case START:
      step = start(h, front, n);
      break;
    case MESSAGES:
      step = message(c, h, tracks, end, place);
      break;
    case OBJECT:
      step = object_header(h, front, n);
      break;
    case PROPERTIES:
      step = skip_properties(h, end);
      if (step == AGAIN && h->feed.pos == end)
        step = MORE;
      break;
    case LENGTH:
      step = object_length(c, h, front, n, place);
      /* an empty object ends here, also if no byte follows */
      if (step == AGAIN && h->feed.stage == PAYLOAD && c->objects[h->side][h->feed.object].len == 0)
        step = payload_bytes(c, h, end, place);
      break;
    case PAYLOAD:
      step = payload_bytes(c, h, end, place);
      break;
    case IGNORE:
      return;
    }
  }
  if (finished(c, h) && end == h->final_size && h->kind == QP_S_SUBGROUP &&
      h->feed.stage != OBJECT && h->feed.stage != IGNORE)
    complain(h, "FIN inside an object");
}

const char *qp_feed_datagram(struct qp_conn *c, unsigned side, const uint8_t *data, size_t len,
                             struct qp_place place) {
  struct qp_moq_datagram d;
  const char *why = NULL;
  if (!qp_moq_datagram(data, len, &d, &why))
    return why;
  if (d.padding)
    return NULL;
  struct qp_object *o = new_object(c, side);
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
  o->first = o->last = place;
  object_done(c, side, c->n_objects[side] - 1);
  return NULL;
}
