#include "pcap-tools/track/apply.h"

#include <stdio.h>

#include "pcap-tools/track/crypt.h"
#include "pcap-tools/read/memory.h"

static void forget_oldest(struct qp_held *held) {
  while (held->bytes > held->max && held->first < held->n) {
    struct qp_half *h = held->queue[held->first++];
    size_t bytes = qp_reasm_held(&h->sent);
    held->bytes -= bytes < held->bytes ? bytes : held->bytes;
    qp_reasm_forget(&h->sent);
  }
}

/* All of the stream is seen and read: its bytes may go when room is needed. */
static void settle(const struct qp_apply *a, const struct qp_conn *c, struct qp_half *h) {
  if (h->settled || !h->has_final || qp_reasm_contiguous(&h->sent) != h->final_size)
    return;
  if (c->moqt && !qp_feed_done(h))
    return;
  struct qp_held *held = a->held;
  h->settled = true;
  qp_reasm_forget(&h->reached);
  qp_grow((void **)&held->queue, &held->room, held->n + 1, sizeof(struct qp_half *));
  held->queue[held->n++] = h;
  held->bytes += qp_reasm_held(&h->sent);
  forget_oldest(held);
}

/* A side may send on streams that it opened and on both-way ones of its peer. */
static void judge_opening(const struct qp_seen *s, uint64_t id, unsigned sender,
                          struct qp_effect *e) {
  unsigned opener = qp_stream_opener(id);
  if (opener == sender)
    return;
  if (qp_stream_uni(id) || !qp_conn_half(s->conn, id, opener))
    e->not_opened = true;
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
  struct qp_half *h = qp_conn_open_half(c, f->stream.id, s->side, s->place);
  e->half = h;
  if (s->views & QP_SENT) {
    e->fresh = qp_reasm_add(&h->sent, f->stream.offset, f->stream.data, len, &e->overlap);
    h->resent += len - e->fresh;
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
  if (c->moqt)
    qp_feed_half(c, h, a->tracks, s->place);
  settle(a, c, h);
}

static void apply_reset(const struct qp_seen *s, struct qp_quic_frame *f, struct qp_effect *e) {
  judge_opening(s, f->reset.id, s->side, e);
  struct qp_half *h = qp_conn_open_half(s->conn, f->reset.id, s->side, s->place);
  e->half = h;
  if (s->views & QP_SENT) {
    set_final(h, f->reset.final_size, e);
    if (!h->reset)
      h->reset_at = s->place;
    h->reset = true;
    h->reset_code = f->reset.code;
  }
  if (!qp_stream_uni(h->id))
    qp_session_cancel(s->conn, s->side, h->id, s->place);
}

/* Asks the peer to stop sending: about the peer's half. */
static void apply_stop(const struct qp_seen *s, struct qp_quic_frame *f, struct qp_effect *e) {
  uint64_t id = f->reset.id;
  unsigned opener = qp_stream_opener(id);
  e->not_opened = opener == s->side ? qp_stream_uni(id) : !qp_conn_half(s->conn, id, opener);
  struct qp_half *h = qp_conn_half(s->conn, id, !s->side);
  e->half = h;
  if (h && !h->stopped) {
    h->stopped = true;
    h->stopped_at = s->place;
  }
  if (!qp_stream_uni(id))
    qp_session_cancel(s->conn, s->side, id, s->place);
}

static void apply_ack(const struct qp_seen *s, struct qp_quic_frame *f) {
  struct qp_numbers *n = &s->conn->numbers[!s->side][s->space];
  if (!(s->views & QP_REACHED))
    return;
  if (!n->any_acked || f->ack.largest > n->largest_acked)
    n->largest_acked = f->ack.largest;
  n->any_acked = true;
}

static void apply_close(const struct qp_seen *s, struct qp_quic_frame *f) {
  struct qp_close *close = &s->conn->close[s->side];
  if ((s->views & QP_REACHED) && !close->reached.frame)
    close->reached = s->place;
  if (!(s->views & QP_SENT) || close->seen)
    return;
  close->seen = true;
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
  if (c->moqt && (s->views & home))
    e->bad_datagram = qp_feed_datagram(c, s->side, f->bytes.data, (size_t)f->bytes.len, s->place);
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
    s->conn->handshake_done = true;
    break;
  default:
    break;
  }
}
