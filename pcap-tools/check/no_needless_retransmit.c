/* no-needless-retransmit: two things a relay must not cause or do.
 *
 * A publisher sends bytes again that had reached the relay, and no ACK of them had left
 * it, although its user space had run for the max_ack_delay that it announced and
 * TURN_NS more since they came: it acknowledges too late. The time that counts is that
 * of check/awake.h.
 *
 * And the datapath copies bytes of a stream to a subscriber that already left towards
 * it: a resend went out as if it were new.
 *
 * Vantage: the relay's interface; a resend counts where the publisher sends it.
 *
 * Excused: an ACK that left and was lost; a process that waits for its turn on a busy
 * machine, or that the timeline stalls; a relay that the timeline ended before its ACK was
 * late: the one that is started again knows nothing of it.
 *
 * Source: RFC 9000 13.2.1. */
#include <stdlib.h>

#include "pcap-tools/check/awake.h"
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/relay_log.h"

/* From the socket to the ACK: reading what lies before it, and the timer's grain. */
#define TURN_NS 25000000u

enum { PIECES = 64 };

/* A piece of a stream as it first reached the relay. */
struct piece {
  uint64_t stream, off, end, pn, t;
  uint64_t awake_ns; /* how long the relay had run then */
};

/* What came in on a connection whose one end is a relay. */
struct inflow {
  struct qp_relay_log log; /* of that end */
  bool asked, relay;
  struct piece *pieces;
  size_t n, room, full; /* full: so many are worth looking through */
  uint32_t *next;
  size_t next_room;
  struct qp_map last;     /* stream -> its last piece */
  struct qp_ranges acked; /* numbers whose ACK left the relay */
  struct qp_awake_clock *clock;
};

struct needless {
  struct qp_per_conn sides[2]; /* struct inflow, by the relay's side */
  struct qp_awake awake;
};

static struct inflow *inflow_of(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  struct needless *state = self->state;
  struct inflow *in = qp_per_conn(&state->sides[side], c, sizeof *in);
  if (!in->asked) {
    in->asked = true;
    in->relay = qp_is_relay(self->evidence, c, side);
    qp_relay_log(self->evidence, c, side, &in->log);
    in->clock = qp_awake_clock(&state->awake, self->evidence, c, side);
  }
  return in;
}

/* Pieces that are acknowledged go, unless one of their stream in front of them is not: it
 * would be taken for forgotten although its bytes were acknowledged later. */
static void forget_acknowledged(struct inflow *in) {
  size_t kept = 0;
  qp_map_empty(&in->last);
  for (size_t i = 0; i < in->n; i++) {
    const struct piece p = in->pieces[i];
    uint32_t before = qp_map_get(&in->last, p.stream);
    if (before == QP_MAP_NONE && qp_ranges_has(&in->acked, p.pn))
      continue;
    qp_map_set(&in->last, p.stream, (uint32_t)kept);
    in->next[kept] = before;
    in->pieces[kept++] = p;
  }
  in->n = kept;
  in->full = 2 * kept > PIECES ? 2 * kept : PIECES;
}

static void arrived(struct inflow *in, const struct qp_seen *s, const struct qp_quic_frame *f) {
  if (in->n >= PIECES && in->n >= in->full)
    forget_acknowledged(in);
  uint32_t i = (uint32_t)in->n;
  qp_grow((void **)&in->pieces, &in->room, in->n + 1, sizeof *in->pieces);
  qp_grow((void **)&in->next, &in->next_room, in->n + 1, sizeof *in->next);
  in->next[i] = qp_map_get(&in->last, f->stream.id);
  in->pieces[in->n++] = (struct piece){.stream = f->stream.id,
                                       .off = f->stream.offset,
                                       .end = f->stream.offset + f->stream.len,
                                       .pn = s->pn,
                                       .t = s->place.time_ns,
                                       .awake_ns = qp_awake_until(in->clock, s->place.time_ns)};
  qp_map_set(&in->last, f->stream.id, i);
}

/* How long the relay may run before its ACK leaves. */
static uint64_t ack_within(const struct qp_conn *c, unsigned relay) {
  const struct qp_params *p = qp_conn_params(c, relay);
  return (p->seen ? p->max_ack_delay_ms : 25) * 1000000 + TURN_NS;
}

/* A piece that holds the first byte sent again, long there and never acknowledged. */
static const struct piece *forgotten(const struct inflow *in, const struct qp_quic_frame *f,
                                     uint64_t awake_ns, uint64_t within) {
  const struct piece *found = NULL;
  for (uint32_t i = qp_map_get(&in->last, f->stream.id); i < in->n; i = in->next[i]) {
    const struct piece *p = &in->pieces[i];
    if (p->off > f->stream.offset || p->end <= f->stream.offset)
      continue;
    if (p->awake_ns + within >= awake_ns || qp_ranges_has(&in->acked, p->pn))
      return NULL; /* just come, or acknowledged in time */
    found = p;
  }
  return found;
}

static void judge_resend(struct qp_judged *self, const struct qp_seen *s,
                         const struct qp_quic_frame *f, const struct qp_effect *effect) {
  struct inflow *in = inflow_of(self, s->conn, !s->side);
  char flow[QP_FLOW_TEXT];
  if (!in->relay || !f->stream.len)
    return;
  self->out->examined++;
  if (effect->fresh == f->stream.len)
    return;
  uint64_t awake = qp_awake_until(in->clock, s->place.time_ns);
  uint64_t within = ack_within(s->conn, !s->side);
  const struct piece *p = forgotten(in, f, awake, within);
  uint64_t broken = p ? qp_broken_at(self->evidence, s->conn) : UINT64_MAX;
  if (!p || (broken != UINT64_MAX && broken < p->t + within) || !qp_found(self))
    return;
  qp_describe(
      self, s->place,
      (struct qp_words){
          .layer = "quic",
          .field = "STREAM",
          .expected = qp_text("an ACK of number %llu, which brought these bytes %llu ms before; "
                              "the relay ran for %llu ms of them",
                              (unsigned long long)p->pn,
                              (unsigned long long)((s->place.time_ns - p->t) / 1000000),
                              (unsigned long long)((awake - p->awake_ns) / 1000000)),
          .actual = qp_text("none left the relay; offset %llu of stream %llu is sent again",
                            (unsigned long long)f->stream.offset, (unsigned long long)f->stream.id),
          .explain = qp_text("%s repeats what had arrived",
                             qp_flow(self->evidence, s->conn, s->side, flow)),
      });
}

static void judge_copy(struct qp_judged *self, const struct qp_seen *s,
                       const struct qp_quic_frame *f, const struct qp_effect *effect) {
  const struct inflow *own = inflow_of(self, s->conn, s->side);
  char flow[QP_FLOW_TEXT];
  if (!own->log.kept || !own->log.copies || s->repeated ||
      !qp_ranges_has(&own->log.copies->fast, s->pn))
    return;
  self->out->examined++;
  if (effect->fresh == f->stream.len || !qp_found(self))
    return;
  qp_describe(
      self, s->place,
      (struct qp_words){
          .layer = "quic",
          .field = "STREAM",
          .expected = qp_text("a copy of bytes that did not leave before"),
          .actual = qp_text("%llu of %llu bytes at offset %llu of stream %llu again",
                            (unsigned long long)(f->stream.len - effect->fresh),
                            (unsigned long long)f->stream.len, (unsigned long long)f->stream.offset,
                            (unsigned long long)f->stream.id),
          .explain = qp_text("%s: the datapath copied a resend",
                             qp_flow(self->evidence, s->conn, s->side, flow)),
      });
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  if (s->space != QP_SPACE_APP)
    return;
  if (f->kind == QP_F_ACK && (s->views & QP_SENT)) {
    struct inflow *in = inflow_of(self, s->conn, s->side);
    struct qp_ack_walk walk = {0};
    uint64_t lo, hi;
    while (in->relay && qp_ack_next(f, &walk, &lo, &hi))
      qp_ranges_add(&in->acked, lo, hi);
  }
  if (f->kind != QP_F_STREAM)
    return;
  if (s->views & QP_SENT) {
    judge_resend(self, s, f, effect);
    judge_copy(self, s, f, effect);
  }
  if ((s->views & QP_REACHED) && f->stream.len) {
    struct inflow *in = inflow_of(self, s->conn, !s->side);
    if (in->relay)
      arrived(in, s, f);
  }
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct needless *state = self->state;
  if (s->opened)
    qp_awake_packet(&state->awake, self->evidence, s);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_ACK) | QP_KIND(QP_F_STREAM);
}

static void drop(void *item) {
  struct inflow *in = item;
  free(in->pieces);
  free(in->next);
  qp_map_clear(&in->last);
  qp_ranges_clear(&in->acked);
}

static void clear(struct qp_judged *self) {
  struct needless *state = self->state;
  qp_per_conn_clear(&state->sides[0], drop);
  qp_per_conn_clear(&state->sides[1], drop);
  qp_awake_clear(&state->awake);
}

const struct qp_check qp_check_no_needless_retransmit = {
    .info = {"no-needless-retransmit", "fan-out",
             "What reached the relay is not sent again for want of an ACK, and no resend is "
             "copied.",
             true},
    .state = sizeof(struct needless),
    .watch = watch,
    .clear = clear,
};
