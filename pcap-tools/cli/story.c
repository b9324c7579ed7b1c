#include "pcap-tools/cli/story.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

enum { QP_MUTE_PACKETS = 3 }; /* of the other side: fewer prove nothing */

struct qp_story *qp_story_of(struct qp_stories *t, const struct qp_conn *c) {
  size_t had = t->room;
  qp_grow((void **)&t->items, &t->room, (size_t)c->index + 1, sizeof *t->items);
  memset(t->items + had, 0, (t->room - had) * sizeof *t->items);
  if (c->index >= t->n)
    t->n = (size_t)c->index + 1;
  return &t->items[c->index];
}

void qp_stories_clear(struct qp_stories *t) {
  for (size_t i = 0; i < t->n; i++)
    for (int side = 0; side < 2; side++)
      qp_ranges_clear(&t->items[i].acked[side]);
  free(t->items);
}

/* True the first time. */
static bool note(struct qp_happened *h, const struct qp_seen *s) {
  if (h->n++)
    return false;
  h->first = s->place;
  h->pn = s->pn;
  return true;
}

static void datagram(void *arg, struct qp_place place, const struct qp_udp *udp,
                     struct qp_conn *conn, unsigned views) {
  struct qp_stories *t = arg;
  struct qp_story *y = qp_story_of(t, conn);
  qp_select_start(&t->select, place.time_ns);
  t->end_ns = place.time_ns;
  if (views && (udp->sum == QP_SUM_WRONG || udp->ip_sum_wrong) && !y->checksum.n++)
    y->checksum.first = place;
}

/* A client that sends from elsewhere; what the server sends to is no sign of it. */
static void note_path(struct qp_story *y, const struct qp_seen *s) {
  const struct qp_tuple *now = &s->udp->tuple;
  if (s->side != QP_CLIENT)
    return;
  if (!y->path.src.family)
    y->path = *now;
  if (qp_end_equal(&y->path.src, &now->src) && qp_end_equal(&y->path.dst, &now->dst))
    return;
  if (note(&y->moved, s)) {
    y->moved_from = y->path;
    y->moved_to = *now;
  }
  y->path = *now;
}

static void note_phase(struct qp_story *y, const struct qp_seen *s) {
  bool phase = (s->first & 4) != 0;
  if (s->header->type != QP_1RTT || !s->opened || s->null_protected)
    return;
  if (y->any_phase[s->side] && y->phase[s->side] != phase)
    note(&y->key_update[s->side], s);
  y->any_phase[s->side] = true;
  y->phase[s->side] = phase;
}

/* A watched packet is acknowledged. */
static void note_answer(struct qp_answers *a, uint64_t lo, uint64_t hi, uint64_t now_ns) {
  if (!a->waiting || a->pn < lo || a->pn > hi)
    return;
  uint64_t ns = now_ns > a->since_ns ? now_ns - a->since_ns : 0;
  a->waiting = false;
  a->best_ns = a->n && a->best_ns < ns ? a->best_ns : ns;
  a->sum_ns += ns;
  a->n++;
}

static void end_stretch(struct qp_story *y, unsigned side, struct qp_place again) {
  struct qp_mute *now = &y->now[side];
  if (now->others >= QP_MUTE_PACKETS && now->ns > y->mute[side].ns) {
    y->mute[side] = *now;
    y->mute[side].again = again;
  }
  *now = (struct qp_mute){0};
}

void qp_story_finish(struct qp_story *y) {
  for (unsigned side = 0; side < 2; side++)
    end_stretch(y, side, (struct qp_place){0});
}

/* A side that speaks ends its own stretch and lengthens the other's. */
static void note_speech(struct qp_story *y, const struct qp_seen *s) {
  struct qp_mute *other = &y->now[!s->side];
  if (y->now[s->side].others)
    y->now[s->side].ns = s->place.time_ns - y->now[s->side].last.time_ns;
  end_stretch(y, s->side, s->place);
  y->last[s->side] = s->place;
  y->bytes[s->side] += s->header->len;
  y->types[s->side][s->header->type]++;
  if (s->header->version)
    y->version = s->header->version;
  if (!y->last[!s->side].frame)
    return;
  other->last = y->last[!s->side];
  other->ns = s->place.time_ns - other->last.time_ns;
  other->others++;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_stories *t = arg;
  struct qp_story *y = qp_story_of(t, s->conn);
  enum qp_type type = s->header->type;
  if (!(s->views & QP_SENT))
    return;
  if (type == QP_RETRY)
    note(&y->retry, s);
  else if (type == QP_VERSION_NEGOTIATION)
    note(&y->version_negotiation, s);
  else if (type == QP_OTHER_VERSION)
    note(&y->other_version, s);
  else if (type == QP_1RTT && s->side == QP_CLIENT && !y->handshake_ns)
    y->handshake_ns = s->place.time_ns - s->conn->first.time_ns;
  note_speech(y, s);
  if (qp_missing_is(s))
    note(&y->missing[qp_missing_why(t->keylog, s)][s->side][type], s);
  note_path(y, s);
  note_phase(y, s);
}

/* Counts by error code; the last place takes all further codes. */
static void note_code(struct qp_happened list[QP_STORY_CODES], const struct qp_seen *s,
                      const struct qp_quic_frame *f) {
  size_t i = 0;
  while (i + 1 < QP_STORY_CODES && list[i].n && list[i].code != f->reset.code)
    i++;
  if (note(&list[i], s)) {
    list[i].id = f->reset.id;
    list[i].code = f->reset.code;
  }
}

static void note_block(struct qp_story *y, const struct qp_seen *s, enum qp_block what,
                       const struct qp_quic_frame *f) {
  if (note(&y->blocked[s->side][what], s)) {
    y->blocked[s->side][what].id = f->limit.id;
    y->blocked[s->side][what].code = f->limit.value;
  }
}

/* A limit for the other side: does it end the first block of that side? */
static void note_limit(struct qp_story *y, const struct qp_seen *s, enum qp_block what,
                       const struct qp_quic_frame *f) {
  const struct qp_happened *b = &y->blocked[!s->side][what];
  struct qp_happened *freed = &y->freed[!s->side][what];
  if (!b->n || freed->n || f->limit.value <= b->code)
    return;
  if (what == QP_BLOCK_STREAM && f->limit.id != b->id)
    return;
  if (note(freed, s))
    freed->code = f->limit.value;
}

static void note_ack(struct qp_story *y, const struct qp_seen *s, struct qp_quic_frame *f) {
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  while (s->space == QP_SPACE_APP && qp_ack_next(f, &walk, &lo, &hi)) {
    qp_ranges_add(&y->acked[!s->side], lo, hi);
    note_answer(&y->answers[!s->side], lo, hi, s->place.time_ns);
  }
}

static void note_stream(struct qp_story *y, const struct qp_seen *s, const struct qp_quic_frame *f,
                        const struct qp_effect *effect) {
  uint64_t again = f->stream.len - effect->fresh;
  if (effect->fresh)
    y->last_data[s->side] = s->place;
  struct qp_happened *h = &y->resent[s->side];
  if (effect->fresh && f->stream.offset + f->stream.len < qp_reasm_end(&effect->half->sent))
    note(&y->late[s->side], s);
  if (!again)
    return;
  if (note(h, s)) {
    h->id = f->stream.id;
    h->code = f->stream.offset;
  }
  h->bytes += again;
}

/* The next packet to watch is one that asks for an ACK (RFC 9002 2). */
static void note_question(struct qp_story *y, const struct qp_seen *s,
                          const struct qp_quic_frame *f) {
  struct qp_answers *a = &y->answers[s->side];
  if (f->kind == QP_F_CONNECTION_CLOSE || f->kind == QP_F_CONNECTION_CLOSE_APP) {
    if (!y->before_close[!s->side].frame)
      y->before_close[!s->side] = y->last[!s->side];
    return;
  }
  if (a->waiting || s->space != QP_SPACE_APP || s->repeated || f->kind == QP_F_ACK ||
      f->kind == QP_F_PADDING)
    return;
  *a = (struct qp_answers){.waiting = true,
                           .pn = s->pn,
                           .since_ns = s->place.time_ns,
                           .n = a->n,
                           .sum_ns = a->sum_ns,
                           .best_ns = a->best_ns};
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_stories *t = arg;
  struct qp_story *y = qp_story_of(t, s->conn);
  if (f->kind == QP_F_ACK && (s->views & QP_REACHED))
    note_ack(y, s, f);
  if (f->kind == QP_F_MAX_DATA && (s->views & QP_REACHED) && f->limit.value > y->max_data[!s->side])
    y->max_data[!s->side] = f->limit.value;
  if (!(s->views & QP_SENT))
    return;
  note_question(y, s, f);
  switch (f->kind) {
  case QP_F_STREAM:
    note_stream(y, s, f, effect);
    break;
  case QP_F_RESET_STREAM:
  case QP_F_RESET_STREAM_AT:
    note_code(y->reset[s->side], s, f);
    break;
  case QP_F_STOP_SENDING:
    note_code(y->stop[s->side], s, f);
    break;
  case QP_F_DATA_BLOCKED:
    note_block(y, s, QP_BLOCK_DATA, f);
    break;
  case QP_F_STREAM_DATA_BLOCKED:
    note_block(y, s, QP_BLOCK_STREAM, f);
    break;
  case QP_F_STREAMS_BLOCKED_BIDI:
  case QP_F_STREAMS_BLOCKED_UNI:
    note_block(y, s, QP_BLOCK_STREAMS, f);
    break;
  case QP_F_MAX_DATA:
    note_limit(y, s, QP_BLOCK_DATA, f);
    break;
  case QP_F_MAX_STREAM_DATA:
    note_limit(y, s, QP_BLOCK_STREAM, f);
    break;
  case QP_F_MAX_STREAMS_BIDI:
  case QP_F_MAX_STREAMS_UNI:
    note_limit(y, s, QP_BLOCK_STREAMS, f);
    break;
  case QP_F_PATH_CHALLENGE:
    note(&y->path_challenge[s->side], s);
    break;
  case QP_F_PATH_RESPONSE:
    note(&y->path_response[s->side], s);
    break;
  default:
    break;
  }
}

void qp_stories_watch(struct qp_stories *t, struct qp_tracker *tracker,
                      const struct qp_keylog *keylog) {
  t->keylog = keylog;
  qp_tracker_watch(tracker, &(struct qp_watcher){
                                .arg = t, .datagram = datagram, .packet = packet, .frame = frame});
}
