#include "pcap-tools/track/apply.h"

#include <stdio.h>

#include "pcap-tools/track/crypt.h"
#include "pcap-tools/read/memory.h"

/* Of a stream that is given up only its number stays. Bytes that lie in one piece are
 * not worth more than that: what a half itself needs counts too. */
void qp_apply_forget(struct qp_held *held) {
  while (held->bytes > held->max && held->first < held->n) {
    struct held_half *oldest = &held->queue[held->first++];
    struct qp_half *h = oldest->half;
    size_t bytes = qp_reasm_held(&h->sent) + sizeof *h;
    held->bytes -= bytes < held->bytes ? bytes : held->bytes;
    h->forgotten = oldest->conn->object_done && !h->complaint && !h->reset;
    if (h->forgotten && !h->n_objects)
      qp_conn_retire_half(oldest->conn, h);
    else
      qp_reasm_forget(&h->sent);
  }
  if (held->first > 4096 && held->first > held->n / 2) {
    held->n -= held->first;
    memmove(held->queue, held->queue + held->first, held->n * sizeof *held->queue);
    held->first = 0;
  }
}

/* How much of an open stream is kept for comparison: while there is room, and when
 * there is none; and how much may wait behind a hole. */
enum { OPEN_KEPT = 256 << 10, OPEN_KEPT_TIGHT = 1 << 10, OPEN_WAITING = 4 << 20 };

/* Memory must not follow the length of a stream. */
static void trim_open(const struct qp_apply *a, struct qp_conn *c, struct qp_half *h,
                      struct qp_reasm *r) {
  struct qp_held *held = a->held;
  size_t bytes = qp_reasm_held(r);
  size_t most = held->open_bytes > held->max ? OPEN_KEPT_TIGHT : OPEN_KEPT;
  if (bytes <= most)
    return;
  uint64_t read = c->moqt && !qp_feed_idle(h) ? h->feed.pos : qp_reasm_contiguous(r);
  if (bytes > OPEN_WAITING) { /* the capture misses a piece of it */
    qp_feed_give_up(h);
    read = qp_reasm_end(r);
  }
  qp_reasm_drop(r, read);
}

/* All of the stream is seen and read: its bytes may go when room is needed. */
static void settle(const struct qp_apply *a, struct qp_conn *c, struct qp_half *h) {
  if (h->settled || !h->has_final || qp_reasm_contiguous(&h->sent) != h->final_size)
    return;
  if (c->moqt && !qp_feed_done(c, h))
    return;
  struct qp_held *held = a->held;
  h->settled = true;
  qp_reasm_forget(&h->reached);
  qp_grow((void **)&held->queue, &held->room, held->n + 1, sizeof *held->queue);
  held->queue[held->n++] = (struct held_half){c, h};
  held->bytes += qp_reasm_held(&h->sent) + sizeof *h;
}

static bool was_opened(const struct qp_conn *c, uint64_t id, unsigned side) {
  const struct qp_half *h = qp_conn_half(c, id, side);
  return (h && h->begun) || qp_conn_retired(c, id, side);
}

/* A side may send on streams that it opened and on both-way ones of its peer. */
static void judge_opening(const struct qp_seen *s, uint64_t id, unsigned sender,
                          struct qp_effect *e) {
  unsigned opener = qp_stream_opener(id);
  if (opener == sender)
    return;
  if (qp_stream_uni(id) || !was_opened(s->conn, id, opener))
    e->not_opened = true;
}

/* The half that the sender speaks on. */
static struct qp_half *begin(struct qp_conn *c, uint64_t id, const struct qp_seen *s) {
  struct qp_half *h = qp_conn_open_half(c, id, s->side, s->place);
  if (!h->begun)
    h->opened = s->place;
  h->begun = true;
  return h;
}

/* Its peer can read its first bytes. */
static void note_coming(const struct qp_conn *c, struct qp_half *h, const struct qp_seen *s) {
  if (!h->came.frame && (s->views & QP_REACHED) &&
      qp_reasm_contiguous(c->split ? &h->reached : &h->sent))
    h->came = s->place;
}

/* The largest offset that counts for flow control, RFC 9000 4.1. */
static void charge(struct qp_conn *c, struct qp_half *h, uint64_t end, struct qp_effect *e) {
  if (end <= h->charged)
    return;
  e->growth = end - h->charged;
  h->charged = end;
  c->charged[h->side] += e->growth;
}

static void set_final(struct qp_half *h, uint64_t size, struct qp_effect *e) {
  e->final_was = h->final_size;
  if (h->has_final && h->final_size != size)
    e->other_final = true;
  if (!h->has_final) {
    h->has_final = true;
    h->final_size = size;
  }
  if (qp_reasm_end(&h->sent) > h->final_size) {
    e->other_final = true;
    e->final_was = qp_reasm_end(&h->sent);
  }
}

static void apply_stream(const struct qp_apply *a, const struct qp_seen *s, struct qp_quic_frame *f,
                         struct qp_effect *e) {
  struct qp_conn *c = s->conn;
  size_t len = (size_t)f->stream.len;
  judge_opening(s, f->stream.id, s->side, e);
  if (qp_conn_retired(c, f->stream.id, s->side)) {
    c->gone[s->side].resent += s->views & QP_SENT ? len : 0;
    return;
  }
  struct qp_half *h = begin(c, f->stream.id, s);
  size_t held = h->settled ? 0 : qp_reasm_held(&h->sent) + qp_reasm_held(&h->reached);
  e->half = h;
  const uint64_t end_before = h->charged;
  if (s->views & QP_SENT) {
    charge(c, h, f->stream.offset + len, e);
    e->fresh = qp_reasm_add(&h->sent, f->stream.offset, f->stream.data, len, &e->overlap);
    h->resent += len - e->fresh;
    if (!e->fresh && len)
      qp_sendings_again(&h->sendings, f->stream.offset, f->stream.offset + len - 1);
    if (c->fast && s->side == QP_SERVER && qp_ranges_has(c->fast, s->pn))
      h->first_fast += e->fresh;
    if (h->has_final && f->stream.offset + len > h->final_size) {
      e->other_final = true;
      e->final_was = h->final_size;
    }
    if (f->stream.fin) {
      h->fin = true;
      set_final(h, f->stream.offset + len, e);
    }
  }
  if (c->split && (s->views & QP_REACHED)) {
    struct qp_overlap unused;
    qp_reasm_add(&h->reached, f->stream.offset, f->stream.data, len, &unused);
  }
  if ((s->views & QP_REACHED) && f->stream.fin)
    h->fin_reached = true;
  note_coming(c, h, s);
  if (c->moqt)
    qp_feed_half(c, h, a->tracks, f->stream.offset + len, end_before, s->place);
  if (c->object_done && !h->settled) {
    trim_open(a, c, h, &h->sent);
    trim_open(a, c, h, &h->reached);
  }
  settle(a, c, h);
  a->held->open_bytes -= held;
  if (!h->settled)
    a->held->open_bytes += qp_reasm_held(&h->sent) + qp_reasm_held(&h->reached);
}

static void apply_reset(const struct qp_seen *s, struct qp_quic_frame *f, struct qp_effect *e) {
  judge_opening(s, f->reset.id, s->side, e);
  if (qp_conn_retired(s->conn, f->reset.id, s->side))
    return;
  struct qp_half *h = begin(s->conn, f->reset.id, s);
  e->half = h;
  if (s->views & QP_SENT) {
    charge(s->conn, h, f->reset.final_size, e);
    set_final(h, f->reset.final_size, e);
    if (!h->reset)
      h->reset_at = s->place;
    h->reset = s->conn->any_reset = true;
    h->reset_code = f->reset.code;
  }
  if (!qp_stream_uni(h->id))
    qp_session_cancel(s->conn, s->side, h->id, s->place);
}

/* Asks the peer to stop sending: about the peer's half. */
static void apply_stop(const struct qp_seen *s, struct qp_quic_frame *f, struct qp_effect *e) {
  uint64_t id = f->reset.id;
  unsigned opener = qp_stream_opener(id);
  e->not_opened = opener == s->side ? qp_stream_uni(id) : !was_opened(s->conn, id, opener);
  struct qp_half *h = qp_conn_half(s->conn, id, !s->side);
  e->half = h;
  if (h && !h->stopped) {
    h->stopped = true;
    h->stopped_at = s->place;
  }
  if (!qp_stream_uni(id))
    qp_session_cancel(s->conn, s->side, id, s->place);
}

/* What one side lets the other send. The capture may miss the stream's beginning. */
static void apply_max_stream_data(const struct qp_seen *s, const struct qp_quic_frame *f) {
  uint64_t id = f->limit.id;
  if (!(s->views & QP_REACHED) || qp_conn_retired(s->conn, id, !s->side))
    return;
  if (qp_stream_uni(id) && qp_stream_opener(id) == s->side)
    return; /* not the peer's to send on */
  struct qp_half *h = qp_conn_open_half(s->conn, id, !s->side, s->place);
  if (f->limit.value > h->allowed)
    h->allowed = f->limit.value;
}

static void apply_late_acks(const struct qp_quic_frame *f, struct qp_numbers *n) {
  struct qp_quic_frame copy = *f; /* the walk uses its ranges up */
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  while (qp_ack_next(&copy, &walk, &lo, &hi))
    for (size_t i = qp_ranges_at(&n->late, lo); i < n->late.n && n->late.spans[i].lo <= hi; i++) {
      const struct qp_span *late = &n->late.spans[i];
      qp_ranges_add(&n->late_acked, late->lo > lo ? late->lo : lo, late->hi < hi ? late->hi : hi);
    }
}

static void apply_ack(const struct qp_seen *s, struct qp_quic_frame *f) {
  struct qp_numbers *n = &s->conn->numbers[!s->side][s->space];
  if ((s->views & QP_SENT) && n->late.n)
    apply_late_acks(f, n);
  if (!(s->views & QP_REACHED))
    return;
  if (!n->any_acked || f->ack.largest > n->largest_acked)
    n->largest_acked = f->ack.largest;
  n->any_acked = true;
}

/* Who does not know which keys its peer has closes in all spaces at once; where 1-RTT keys may be
 * missing a close by the application is named APPLICATION_ERROR, in 1-RTT it has its own code
 * (RFC 9000 10.2.3). */
static bool says_it_again(const struct qp_close *close, const struct qp_seen *s,
                          const struct qp_quic_frame *f) {
  enum { APPLICATION_ERROR = 0x0c };
  return close->early && close->code == APPLICATION_ERROR && s->space == QP_SPACE_APP &&
         f->type == QP_F_CONNECTION_CLOSE_APP;
}

static void apply_close(const struct qp_seen *s, struct qp_quic_frame *f) {
  struct qp_close *close = &s->conn->close[s->side];
  if ((s->views & QP_REACHED) && !close->reached.frame)
    close->reached = s->place;
  if (!(s->views & QP_SENT) || (close->seen && !says_it_again(close, s, f)))
    return;
  close->seen = true;
  close->early = s->space != QP_SPACE_APP;
  close->application = f->type == QP_F_CONNECTION_CLOSE_APP;
  close->code = f->close.code;
  close->at = s->place;
  snprintf(close->reason, sizeof close->reason, "%.*s", (int)(f->close.reason_len & 0xff),
           (const char *)f->close.reason);
  for (char *p = close->reason; *p; p++)
    if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
      *p = '?';
}

static void apply_datagram(const struct qp_seen *s, struct qp_quic_frame *f, struct qp_effect *e) {
  struct qp_conn *c = s->conn;
  if (s->views & QP_SENT) {
    c->datagram_bytes[s->side] += f->bytes.len;
    if (c->fast && s->side == QP_SERVER && qp_ranges_has(c->fast, s->pn))
      c->datagram_fast[s->side] += f->bytes.len;
  }
  unsigned home = s->side == QP_CLIENT ? QP_REACHED : QP_SENT;
  uint64_t late_pn = qp_ranges_has(&c->numbers[s->side][QP_SPACE_APP].late, s->pn) ? s->pn + 1 : 0;
  if (c->moqt && (s->views & home))
    e->bad_datagram =
        qp_feed_datagram(c, s->side, f->bytes.data, (size_t)f->bytes.len, s->place, late_pn);
  if (c->moqt && c->split && c->relay_client && s->side == QP_SERVER && (s->views & QP_REACHED))
    qp_feed_datagram(c, QP_FAR, f->bytes.data, (size_t)f->bytes.len, s->place, late_pn);
}

void qp_apply_frame(const struct qp_apply *a, const struct qp_seen *s, struct qp_quic_frame *f,
                    struct qp_effect *e) {
  memset(e, 0, sizeof *e);
  switch (f->kind) {
  case QP_F_ACK:
    apply_ack(s, f);
    break;
  case QP_F_CRYPTO:
    qp_crypt_handshake(s->conn, s->side, s->space, f->stream.offset, f->stream.data,
                       (size_t)f->stream.len);
    if (s->side == QP_SERVER)
      qp_routes_add(a->routes, &s->conn->hello.server.preferred_cid, s->conn, QP_SERVER);
    if (s->side == QP_SERVER && s->conn->hello.server.has_reset_token)
      qp_routes_token(a->routes, s->conn->hello.server.reset_token, s->conn, QP_CLIENT);
    break;
  case QP_F_STREAM:
    apply_stream(a, s, f, e);
    break;
  case QP_F_RESET_STREAM:
  case QP_F_RESET_STREAM_AT:
    apply_reset(s, f, e);
    break;
  case QP_F_STOP_SENDING:
    apply_stop(s, f, e);
    break;
  case QP_F_MAX_STREAM_DATA:
    apply_max_stream_data(s, f);
    break;
  case QP_F_DATAGRAM:
    apply_datagram(s, f, e);
    break;
  case QP_F_NEW_CONNECTION_ID:
    qp_routes_add(a->routes, &f->new_cid.cid, s->conn, s->side);
    if (f->new_cid.token)
      qp_routes_token(a->routes, f->new_cid.token, s->conn, !s->side);
    break;
  case QP_F_CONNECTION_CLOSE:
  case QP_F_CONNECTION_CLOSE_APP:
    apply_close(s, f);
    break;
  case QP_F_HANDSHAKE_DONE:
    s->conn->handshake_done = s->conn->confirmed = true;
    break;
  default:
    break;
  }
}
