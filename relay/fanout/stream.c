#include <stdlib.h>
#include <string.h>

#include "bpf/wire/moqt_data.h"
#include "relay/fanout/core.h"
#include "relay/moqt/object.h"

/* A stream cannot be longer (RFC 9000 4.5). */
#define OBJECT_MAX ((UINT64_C(1) << 62) - 1)
/* Acknowledged bytes at the front are given back in steps of this. */
#define TRIM_STEP (64u << 10)

struct stream *stream_find(struct relay *relay, uint64_t uid) {
  struct stream *stream = NULL;
  HASH_FIND(by_uid, relay->by_uid, &uid, sizeof uid, stream);
  return stream;
}

struct stream *stream_get(struct client *up, int64_t sid, bool create) {
  struct relay *relay = up->relay;
  struct stream *stream = NULL;
  struct stream_key key = {.slot = up->slot, .gen = up->gen, .sid = sid};
  HASH_FIND(by_key, relay->by_key, &key, sizeof key, stream);
  if (stream || !create)
    return stream;
  stream = calloc(1, sizeof *stream);
  if (!stream)
    return NULL;
  stream->relay = relay;
  stream->uid = ++relay->next_uid;
  stream->key = key;
  HASH_ADD(by_uid, relay->by_uid, uid, sizeof stream->uid, stream);
  HASH_ADD(by_key, relay->by_key, key, sizeof stream->key, stream);
  stream->older = relay->newest;
  if (relay->newest)
    relay->newest->newer = stream;
  else
    relay->oldest = stream;
  relay->newest = stream;
  relay->kept_bytes += sizeof *stream;
  return stream;
}

static struct client *upstream_of(const struct stream *stream) {
  struct client *up = stream->relay->clients[stream->key.slot];
  return up && up->gen == stream->key.gen ? up : NULL;
}

/* It has a track now, or it goes. */
static void forget_early(struct stream *stream) {
  struct client *up = upstream_of(stream);
  if (up)
    up->early_bytes -= stream->early;
  stream->early = 0;
}

void stream_free(struct stream *stream) {
  struct relay *relay = stream->relay;
  forget_early(stream);
  for (uint32_t i = 0; i < stream->n_legs; i++) {
    struct leg *leg = stream->legs[i];
    if (!leg)
      continue;
    if (!leg->done)
      leg_finish(leg);
    leg_free(leg);
  }
  relay->cached_bytes -= stream->cap;
  relay->kept_bytes -= sizeof *stream;
  HASH_DELETE(by_uid, relay->by_uid, stream);
  HASH_DELETE(by_key, relay->by_key, stream);
  if (stream->older)
    stream->older->newer = stream->newer;
  else
    relay->oldest = stream->newer;
  if (stream->newer)
    stream->newer->older = stream->older;
  else
    relay->newest = stream->older;
  arrivals_clear(&stream->arrivals);
  free(stream->legs);
  free(stream->data);
  free(stream);
}

/* The publisher's side of it is over. */
static void uncount(struct stream *stream) {
  if (!stream->counted)
    return;
  stream->counted = false;
  stream->track->open_streams--;
}

void stream_settle(struct stream *stream) {
  if (stream->settled || stream->open_legs || !(stream->fin || stream->ended))
    return;
  struct relay *relay = stream->relay;
  stream->settled = true;
  stream->next_settled = relay->settled;
  relay->settled = stream;
}

void stream_reap(struct relay *relay) {
  struct stream *list = relay->settled;
  relay->settled = NULL;
  while (list) {
    struct stream *stream = list;
    list = stream->next_settled;
    stream->settled = false;
    if (stream->open_legs == 0)
      stream_free(stream); /* else a late subscriber wants it again */
  }
}

void stream_place(struct stream *stream, struct track *track, uint64_t group, uint64_t subgroup,
                  uint8_t priority) {
  if (stream->track)
    return;
  stream->track = track;
  stream->group = group;
  stream->subgroup = subgroup;
  stream->priority = priority;
  stream->counted = true;
  track->open_streams++;
  tally_saw(&track->tally, track->relay->now);
}

/* ---- the cache ----------------------------------------------------------------------- */

const uint8_t *stream_bytes(const struct stream *stream, uint64_t off) {
  return off < stream->base ? stream->header + off : stream->data + (off - stream->base);
}

bool stream_has(const struct stream *stream, uint64_t lo, uint64_t hi) {
  return hi <= stream->len && (lo >= stream->base || hi <= stream->header_len);
}

static bool append(struct stream *stream, const uint8_t *data, size_t len) {
  size_t used = (size_t)(stream->len - stream->base);
  if (used + len > stream->cap) {
    size_t cap = stream->cap ? stream->cap : 512;
    while (cap < used + len)
      cap *= 2;
    uint8_t *grown = realloc(stream->data, cap);
    if (!grown)
      return false;
    stream->relay->cached_bytes += cap - stream->cap;
    stream->data = grown;
    stream->cap = cap;
  }
  memcpy(stream->data + used, data, len);
  stream->len += len;
  return true;
}

/* A cut off leg needs the header alone. */
static uint64_t needed_from(const struct leg *leg) {
  const struct ranges_span *spans = ranges_at(&leg->acked);
  if (leg->done || leg->reset)
    return leg->stream->len;
  return ranges_count(&leg->acked) && spans[0].lo == 0 ? spans[0].hi : 0;
}

static void shrink(struct stream *stream, size_t used) {
  uint8_t *fitting = used ? realloc(stream->data, used) : NULL;
  if (used && !fitting)
    return;
  if (!used)
    free(stream->data);
  stream->relay->cached_bytes -= stream->cap - used;
  stream->data = fitting;
  stream->cap = used;
}

/* The parser needs what lies behind the last object it has followed. */
static void trim(struct stream *stream, uint64_t least) {
  uint64_t keep = stream->object_at < stream->len ? stream->object_at : stream->len;
  if (!stream->header_known)
    return;
  for (uint32_t i = 0; i < stream->n_legs; i++) {
    uint64_t from = stream->legs[i] ? needed_from(stream->legs[i]) : keep;
    if (from < keep)
      keep = from;
  }
  if (keep < stream->base + least)
    return;
  size_t used = (size_t)(stream->len - keep);
  memmove(stream->data, stream->data + (keep - stream->base), used);
  stream->base = keep;
  arrivals_trim(&stream->arrivals, keep);
  if (used < stream->cap / 4)
    shrink(stream, used);
}

void stream_trim(struct stream *stream) {
  trim(stream, 1);
}

/* ---- headers -------------------------------------------------------------------------- */

/* Reads the SUBGROUP_HEADER once it is whole and its alias is known; puts the
 * relay's own alias in its place, in the same width. */
static bool read_header(struct client *up, struct stream *stream) {
  if (stream->header_known)
    return true;
  struct wire_cursor c = {.base = stream->data, .at = 0, .end = (uint32_t)stream->len};
  struct wire_subgroup_header header;
  enum wire_moqt_result got = wire_subgroup_header_get(&c, &header);
  if (got == WIRE_MOQT_SHORT)
    return false;
  if (got != WIRE_MOQT_OK) {
    client_close(up, MOQT_PROTOCOL_VIOLATION, "bad subgroup header");
    return false;
  }
  struct track *track = track_of_alias(up, header.alias.v);
  if (!track)
    return false;
  wire_vi64_put_width(stream->data + header.alias.at, header.alias.len, track->out_alias);
  uint8_t priority = header.priority_given ? header.priority : track->default_priority;
  stream_place(stream, track, header.group.v, header.subgroup.v, priority);
  stream->header_known = true;
  forget_early(stream);
  stream->header_len = header.len;
  memcpy(stream->header, stream->data, header.len);
  stream->object_at = header.len;
  stream->by_object = header.subgroup_by_object;
  stream->properties = header.flags & WIRE_SG_PROPERTIES;
  return true;
}

/* The first object gives the subgroup its ID. The datapath, which reads no objects, may have made
 * the stream known before: what waits has its place by what was known then. */
static void name_subgroup(struct stream *stream) {
  stream->subgroup = stream->object_id;
  for (uint32_t i = 0; i < stream->n_legs; i++) {
    if (stream->legs[i])
      leg_reorder(stream->legs[i]);
  }
}

/* Follows the object headers, for LARGEST_OBJECT and the age of objects. Returns what is wrong with
 * them, or NULL. The datapath reads none: what it copies may turn out to be malformed. */
static const char *follow_objects(struct stream *stream) {
  uint64_t known_to = stream->object_at;
  while (stream->object_at < stream->len && stream->object_at >= stream->base) {
    struct wire_cursor c = {.base = stream->data,
                            .at = (uint32_t)(stream->object_at - stream->base),
                            .end = (uint32_t)(stream->len - stream->base)};
    uint64_t delta, properties, payload, status = MOQT_OBJECT_NORMAL;
    bool whole = wire_get_vi64(&c, &delta);
    if (stream->properties)
      whole = whole && wire_get_vi64(&c, &properties) && wire_skip(&c, properties);
    whole = whole && wire_get_vi64(&c, &payload) && (payload || wire_get_vi64(&c, &status));
    if (!whole)
      break;
    if (!moqt_status_valid(status))
      return "unknown object status";
    if (payload > OBJECT_MAX)
      return "object longer than any stream";
    if (stream->any_object && stream->object_id + 1 + delta <= stream->object_id)
      return "object ID overflows";
    stream->object_id = stream->any_object ? stream->object_id + 1 + delta : delta;
    if (!stream->any_object && stream->by_object)
      name_subgroup(stream);
    arrivals_add(&stream->arrivals, stream->any_object ? stream->object_at : 0,
                 stream->relay->now); /* the subgroup's header goes with its first object */
    stream->any_object = true;
    stream->object_at = stream->base + c.at + payload;
    track_saw(stream->track, stream->group, stream->object_id);
  }
  if (stream->object_at != known_to)
    entry_object(stream);
  bool known = stream->object_at >= stream->base;
  return stream->fin && known && stream->object_at != stream->len ? "stream ended inside an object"
                                                                  : NULL;
}

/* The peer is closed; its track ends for everybody, and the stream for who lacks some of it. */
static void malformed(struct client *up, struct stream *stream, const char *why) {
  if (stream->track)
    track_malformed(stream->track);
  stream->fin = false;
  stream_end(stream, MOQT_RESET_MALFORMED_TRACK);
  client_close(up, MOQT_PROTOCOL_VIOLATION, why);
}

/* ---- what comes from the publisher ---------------------------------------------------- */

static void offer_all(struct stream *stream) {
  struct relay *relay = stream->relay;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    struct subscription *sub = client ? client->subs[stream->track->index] : NULL;
    if (!sub || sub->state == SUB_PENDING || client->closed)
      continue;
    struct leg *leg = leg_get(stream, client, false);
    if (!leg) {
      if (stream->group < sub->start_group)
        continue;
      leg = leg_get(stream, client, true);
      if (!leg)
        continue;
      /* Decided once: a stream that is not opened now never is. */
      if (!subscription_wants(sub, stream->group, stream->priority))
        leg_skip(leg);
    }
    leg_offer(leg);
  }
}

static bool header_is_short(const struct stream *stream) {
  struct wire_cursor c = {.base = stream->data, .at = 0, .end = (uint32_t)stream->len};
  struct wire_subgroup_header header;
  return wire_subgroup_header_get(&c, &header) == WIRE_MOQT_SHORT;
}

/* A stream of no known track waits for the SUBSCRIBE_OK that names it; not without bound. */
static void count_early(struct client *up, struct stream *stream, size_t len) {
  if (stream->track || stream->ended)
    return;
  stream->early += len;
  up->early_bytes += len;
  if (up->early_bytes <= RELAY_EARLY_BYTES)
    return;
  qc_stream_stop(up->qc, stream->key.sid, MOQT_RESET_CANCELLED);
  stream_end(stream, MOQT_RESET_CANCELLED);
}

static void advance(struct client *up, struct stream *stream) {
  if (!read_header(up, stream)) {
    if (stream->fin && !up->closed && header_is_short(stream))
      malformed(up, stream, "stream ended inside its header");
    return;
  }
  const char *why = follow_objects(stream);
  if (why) {
    malformed(up, stream, why);
    return;
  }
  offer_all(stream);
  if (stream->fin) {
    uncount(stream);
    stream_settle(stream);
    return;
  }
  trim(stream, TRIM_STEP);
}

void stream_data(struct client *up, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                 bool fin) {
  /* In order, by the session's word; one that is not known in the middle was given up. */
  struct stream *stream = stream_get(up, sid, off == 0);
  if (!stream || stream->ended || stream->fin)
    return;
  if (!append(stream, data, len)) {
    stream_end(stream, MOQT_RESET_INTERNAL_ERROR);
    return;
  }
  stream->fin = fin;
  advance(up, stream);
  count_early(up, stream, len);
}

void stream_retry(struct client *up) {
  for (struct stream *s = up->relay->oldest, *next; s; s = next) {
    next = s->newer;
    if (s->key.slot == up->slot && s->key.gen == up->gen && !s->header_known && s->len)
      advance(up, s);
  }
}

void stream_end(struct stream *stream, uint64_t code) {
  if (stream->ended || stream->fin)
    return;
  stream->ended = true;
  uncount(stream);
  for (uint32_t i = 0; i < stream->n_legs; i++) {
    if (stream->legs[i])
      leg_reset(stream->legs[i], code);
  }
  stream_settle(stream);
}

void stream_drop_client(struct relay *relay, struct client *client) {
  for (struct stream *s = relay->oldest, *next; s; s = next) {
    next = s->newer;
    /* its own, of no track: nobody else ends it */
    if (s->key.slot == client->slot && s->key.gen == client->gen && !s->track) {
      s->ended = true;
      stream_settle(s);
    }
    struct leg *leg = leg_get(s, client, false);
    if (!leg)
      continue;
    if (!leg->done)
      leg_finish(leg);
    leg_free(leg);
    stream_settle(s);
  }
}
