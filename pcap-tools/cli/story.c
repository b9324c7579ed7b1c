#include "pcap-tools/cli/story.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

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
  while (s->space == QP_SPACE_APP && qp_ack_next(f, &walk, &lo, &hi))
    qp_ranges_add(&y->acked[!s->side], lo, hi);
}

static void note_stream(struct qp_story *y, const struct qp_seen *s, const struct qp_quic_frame *f,
                        const struct qp_effect *effect) {
  uint64_t again = f->stream.len - effect->fresh;
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

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_stories *t = arg;
  struct qp_story *y = qp_story_of(t, s->conn);
  if (f->kind == QP_F_ACK && (s->views & QP_REACHED))
    note_ack(y, s, f);
  if (!(s->views & QP_SENT))
    return;
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
