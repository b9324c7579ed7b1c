/* Streams, flow control, the congestion window, the end of a connection. */
#include <stdio.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/mutate/operators.h"

/* ---- bytes and ends ------------------------------------------------------------------- */

static bool is_data(const struct qm_bed *bed, size_t frame) {
  return qm_is_frame(bed, frame, QP_F_STREAM) && bed->frames[frame].f.stream.len > 0;
}

static bool is_resend(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  return is_data(bed, frame) && f->fresh == 0;
}

static bool alter_data(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                       struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  uint32_t data = (uint32_t)(f->f.stream.data - f->f.start);
  uint32_t at = data + (uint32_t)qm_below(r, f->f.stream.len);
  uint8_t byte = f->f.start[at] ^ (uint8_t)(1u << qm_below(r, 8));
  qm_edit_frame(e, frame, at, &byte, 1);
  return true;
}

static const struct qm_operator resend_altered = {
    .name = "resend-altered",
    .does = "a bit differs when a stream's bytes are sent again",
    .check = "stream-bytes",
    .also = {"payload-identical", "frames-legal", "subscribe-answered", "copy-count", "join-point"},
    .why = "the receiver may have had nothing but the altered resend",
    .places = QM_FRAMES,
    .fits = is_resend,
    .apply = alter_data,
};

/* Does the same sender send bytes of the stream behind this end? */
static bool goes_on(const struct qm_bed *bed, size_t frame) {
  if (!is_data(bed, frame) || bed->frames[frame].f.stream.fin)
    return false;
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  const struct qp_half *h = qp_conn_half(p->conn, f->f.stream.id, p->side);
  return h && h->charged > f->f.stream.offset + f->f.stream.len;
}

static bool set_fin(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                    struct qm_random *r) {
  uint8_t type = bed->frames[frame].f.start[0] | 1;
  (void)r;
  qm_edit_frame(e, frame, 0, &type, 1);
  return true;
}

static const struct qm_operator ends_early = {
    .name = "end-too-early",
    .does = "a stream is ended, and its sender goes on behind the end",
    .check = "stream-bytes",
    .also = {"copy-exact", "trace-agrees", "stream-complete", "frames-legal", "copy-count",
             "close-clean", "priority-drop"},
    .why =
        "the copy records and the ledger know of no end there, and what lies behind it was "
        "dropped by no policy",
    .places = QM_FRAMES,
    .fits = goes_on,
    .apply = set_fin,
};

/* The only FIN of its stream, of a connection that nobody breaks. */
static bool is_only_end(const struct qm_bed *bed, size_t frame) {
  if (!qm_is_frame(bed, frame, QP_F_STREAM) || !bed->frames[frame].f.stream.fin)
    return false;
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  const struct qp_half *h = qp_conn_half(p->conn, f->f.stream.id, p->side);
  if (!qp_stream_uni(f->f.stream.id) || !h || h->reset ||
      qp_broken_at(&bed->e, p->conn) != UINT64_MAX)
    return false;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_frame *g = &bed->frames[i];
    const struct qm_packet *q = &bed->packets[g->packet];
    if (i != frame && g->f.kind == QP_F_STREAM && g->f.stream.fin && q->conn == p->conn &&
        q->side == p->side && g->f.stream.id == f->f.stream.id && q->pn != p->pn)
      return false;
  }
  return !p->conn->close[0].seen || p->conn->close[0].at.time_ns > p->time_ns + 100000000;
}

static bool clear_fin(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                      struct qm_random *r) {
  uint8_t type = bed->frames[frame].f.start[0] & 0xfe;
  (void)r;
  qm_edit_frame(e, frame, 0, &type, 1);
  return true;
}

static const struct qm_operator end_missing = {
    .name = "end-missing",
    .does = "a stream's only FIN is gone",
    .check = "stream-complete",
    .also = {"copy-exact", "trace-agrees", "copy-explained"},
    .why = "a packet and its copy, or its record, differ in the FIN",
    .places = QM_FRAMES,
    .fits = is_only_end,
    .apply = clear_fin,
};

/* Bytes that are sent once, in a stream that ends well, of a connection that nobody breaks.
 * Not all of a stream: one that is never seen has nothing to complete, others miss it. */
static bool is_only_time(const struct qm_bed *bed, size_t frame) {
  if (!is_data(bed, frame) || bed->frames[frame].fresh != bed->frames[frame].f.stream.len)
    return false;
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  const struct qp_half *h = qp_conn_half(p->conn, f->f.stream.id, p->side);
  return h && h->resent == 0 && !h->reset && h->fin && h->final_size > f->f.stream.len &&
         qp_stream_uni(f->f.stream.id) && qp_broken_at(&bed->e, p->conn) == UINT64_MAX;
}

static bool blank_frame(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  (void)bed, (void)r;
  qm_edit_blank(e, frame);
  return true;
}

static const struct qm_operator bytes_missing = {
    .name = "stream-frame-removed",
    .does = "a STREAM frame becomes PADDING, and its bytes are never sent",
    .check = "stream-complete",
    .also = {"copy-exact", "copy-count", "trace-agrees", "payload-identical", "copy-explained",
             "priority-drop", "isolated"},
    .why = "a packet and its copy, or its record, differ; objects are missing or have no source",
    .places = QM_FRAMES,
    .fits = is_only_time,
    .apply = blank_frame,
};

/* ---- limits ------------------------------------------------------------------------------ */

static bool has_wide_offset(const struct qm_bed *bed, size_t frame) {
  if (!is_data(bed, frame) || !(bed->frames[frame].f.type & 4))
    return false;
  const uint8_t *p = bed->frames[frame].f.start;
  return qm_varint_len(p + 1 + qm_varint_len(p + 1)) >= 4;
}

static bool leap_offset(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  const uint8_t *p = bed->frames[frame].f.start;
  size_t at = 1 + qm_varint_len(p + 1), len = qm_varint_len(p + at);
  uint8_t bytes[8];
  qm_varint(bytes, len, (1u << 29) + qm_below(r, 1u << 28));
  qm_edit_frame(e, frame, (uint32_t)at, bytes, len);
  return true;
}

#define ELSEWHERE                                                                                  \
  "the bytes are missing where they belong, lie behind the stream's end, and differ from the "     \
  "packet they were copied from and from their record"

static const struct qm_operator offset_beyond = {
    .name = "offset-beyond-limit",
    .does = "a STREAM frame lies far behind MAX_STREAM_DATA",
    .check = "flow-limits",
    .also = {"stream-bytes", "stream-complete", "copy-exact", "copy-count", "trace-agrees",
             "payload-identical", "no-needless-retransmit", "priority-drop", "delivery-order"},
    .why = ELSEWHERE,
    .places = QM_FRAMES,
    .fits = has_wide_offset,
    .apply = leap_offset,
};

static bool has_wide_id(const struct qm_bed *bed, size_t frame) {
  const uint8_t *p = bed->frames[frame].f.start;
  return is_data(bed, frame) && qm_varint_len(p + 1) == 2 &&
         qp_stream_uni(bed->frames[frame].f.stream.id);
}

static bool leap_id(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                    struct qm_random *r) {
  uint64_t low = bed->frames[frame].f.stream.id & 3;
  uint8_t bytes[2];
  qm_varint(bytes, 2, 4 * (3500 + qm_below(r, 500)) + low);
  qm_edit_frame(e, frame, 1, bytes, 2);
  return true;
}

static const struct qm_operator stream_beyond = {
    .name = "stream-beyond-limit",
    .does = "a STREAM frame opens a stream far beyond MAX_STREAMS",
    .check = "flow-limits",
    .also = {"stream-complete", "copy-exact", "copy-count", "trace-agrees", "frames-legal",
             "payload-identical", "fresh-start", "no-needless-retransmit", "isolated",
             "priority-drop", "copy-explained"},
    .why = ELSEWHERE,
    .places = QM_FRAMES,
    .fits = has_wide_id,
    .apply = leap_id,
};

static bool was_needed(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  return f->lowered && (f->f.kind == QP_F_MAX_DATA || f->f.kind == QP_F_MAX_STREAMS_UNI) &&
         !bed->packets[f->packet].closing;
}

static bool lower_limit(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  size_t len = qm_varint_len(f->f.start + 1);
  uint8_t bytes[8];
  (void)r;
  if (!qm_varint(bytes, len, f->lowered))
    return false;
  qm_edit_frame(e, frame, 1, bytes, len);
  return true;
}

static bool needs_data(const struct qm_bed *bed, size_t frame) {
  return was_needed(bed, frame) && bed->frames[frame].f.kind == QP_F_MAX_DATA;
}

static const struct qm_operator data_limit_lowered = {
    .name = "max-data-not-given",
    .does = "MAX_DATA raises nothing, and the peer goes on beyond the old limit",
    .check = "flow-limits",
    .why = "",
    .places = QM_FRAMES,
    .fits = needs_data,
    .apply = lower_limit,
};

static bool needs_streams(const struct qm_bed *bed, size_t frame) {
  return was_needed(bed, frame) && bed->frames[frame].f.kind == QP_F_MAX_STREAMS_UNI;
}

static const struct qm_operator stream_limit_lowered = {
    .name = "max-streams-not-given",
    .does = "MAX_STREAMS raises nothing, and the peer opens more",
    .check = "flow-limits",
    .why = "",
    .places = QM_FRAMES,
    .fits = needs_streams,
    .apply = lower_limit,
};

/* ---- the window ----------------------------------------------------------------------------- */

#define SPELL_NS 1000000000u
#define MUCH     300000u /* more than any envelope of these runs allows without ACKs */

/* Bytes that the packet's sender sends in the next second, copies and all. */
static uint64_t sent_after(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  uint64_t sum = 0;
  for (size_t i = place; i < bed->n_packets; i++) {
    const struct qm_packet *q = &bed->packets[i];
    if (q->time_ns > p->time_ns + SPELL_NS)
      break;
    if (q->conn == p->conn && q->side == p->side && q->file == p->file && qm_is_clear(q))
      sum += q->len;
  }
  return sum;
}

static bool sends_much(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return place % 8 == 0 && qm_is_clear(p) && p->any_acked && sent_after(bed, place) > MUCH;
}

/* Nothing that the peer says in that time acknowledges anything. */
static bool silence_acks(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  (void)r;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_packet *q = &bed->packets[bed->frames[i].packet];
    bool then = q->time_ns + 50000000 > p->time_ns && q->time_ns < p->time_ns + SPELL_NS;
    if (then && q->conn == p->conn && q->side != p->side && q->file == p->file &&
        bed->frames[i].f.kind == QP_F_ACK)
      qm_edit_blank(e, i);
  }
  return true;
}

static const struct qm_operator window_ignored = {
    .name = "window-ignored",
    .does = "for a second no ACK comes, and the sender goes on as before",
    .check = "congestion-bounded",
    .also = {"no-needless-retransmit", "pn-decodable", "ack-split", "delivery-order"},
    .why = "the numbers in flight grow, and a relay that does not acknowledge causes resends",
    .places = QM_PACKETS,
    .fits = sends_much,
    .apply = silence_acks,
};

/* All that leaves in that time leaves at once. */
static bool burst(const struct qm_bed *bed, struct qm_edit *e, size_t place, struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  (void)r;
  for (size_t i = place; i < bed->n_packets; i++) {
    const struct qm_packet *q = &bed->packets[i];
    if (q->time_ns > p->time_ns + SPELL_NS)
      break;
    if (q->conn == p->conn && q->side == p->side && q->file == p->file && (q->views & QP_SENT))
      qm_edit_time(e, i, p->time_ns);
  }
  return true;
}

static bool relays_much(const struct qm_bed *bed, size_t place) {
  return sends_much(bed, place) && qm_downstream(bed, &bed->packets[place]);
}

static const struct qm_operator burst_sent = {
    .name = "burst-sent",
    .does = "a relay sends a second's packets at once",
    .check = "congestion-bounded",
    .also = {"copy-explained", "copy-exact", "ack-split", "flow-limits", "pn-decodable",
             "join-point", "delivery-order", "copy-count", "ack-only-sent", "isolated"},
    .why = "copies leave before their packets come, and before the limits they need",
    .places = QM_PACKETS,
    .fits = relays_much,
    .apply = burst,
};

/* ---- the end ---------------------------------------------------------------------------------- */

static bool is_closed(const struct qm_bed *bed, size_t place) {
  const struct qp_conn *c = qm_conn(bed, place);
  if (!c->close[0].seen && !c->close[1].seen)
    return false;
  for (size_t i = 0; i < bed->e.faults.n; i++) { /* nobody whom the plan kills */
    const struct qp_node *node = qp_node_at(&bed->e, c, QP_CLIENT);
    if (!node || !strcmp(bed->e.faults.items[i].node, node->name))
      return false;
  }
  return true;
}

static bool say_no_close(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  const struct qp_conn *c = qm_conn(bed, place);
  (void)r;
  for (size_t i = 0; i < bed->n_packets; i++)
    if (bed->packets[i].conn == c && bed->packets[i].closing)
      qm_edit_drop(e, i);
  return true;
}

static const struct qm_operator close_missing = {
    .name = "close-missing",
    .does = "a connection ends without CONNECTION_CLOSE",
    .check = "close-clean",
    .also = {"trace-agrees", "no-orphan-forward", "stream-complete", "copy-count", "ack-only-sent",
             "payload-identical", "subscribe-answered"},
    .why = "the packet's number is gone; what was still open has no excuse",
    .places = QM_CONNS,
    .fits = is_closed,
    .apply = say_no_close,
};

static bool is_close(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  return (f->f.kind == QP_F_CONNECTION_CLOSE || f->f.kind == QP_F_CONNECTION_CLOSE_APP) &&
         p->clear && (p->views & QP_SENT) && qm_varint_len(f->f.start + 1) == 1;
}

static bool alter_code(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                       struct qm_random *r) {
  uint8_t code = (uint8_t)(1 + qm_below(r, 60));
  (void)bed;
  qm_edit_frame(e, frame, 1, &code, 1);
  return true;
}

static const struct qm_operator close_code = {
    .name = "close-code",
    .does = "a connection is closed with an error",
    .check = "close-clean",
    .why = "",
    .places = QM_FRAMES,
    .fits = is_close,
    .apply = alter_code,
};

/* The relay's last media packet on a connection that its peer closed. */
static bool is_last_media(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  bool media = qm_is_frame(bed, frame, QP_F_DATAGRAM) || qm_is_frame(bed, frame, QP_F_STREAM);
  return media && qm_downstream(bed, p) && p->conn->close[!p->side].seen &&
         p->conn->close[!p->side].at.time_ns < p->time_ns + 1500000000u;
}

static bool send_after_close(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                             struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  uint64_t end = 0;
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_close *close = &p->conn->close[side];
    if (close->seen && close->at.time_ns > end)
      end = close->at.time_ns;
    if (close->reached.frame && close->reached.time_ns > end)
      end = close->reached.time_ns;
  }
  qm_edit_time(e, bed->frames[frame].packet, end + 150000000 + qm_below(r, 100000000));
  return true;
}

static const struct qm_operator media_after_close = {
    .name = "media-after-close",
    .does = "a copy leaves 150 ms after its connection was closed",
    .check = "no-orphan-forward",
    .also = {"ack-only-sent", "ack-split", "copy-count", "fresh-start", "stream-complete",
             "delivery-order", "payload-identical", "isolated"},
    .why = "it was acknowledged before it leaves, and comes too late for its object",
    .places = QM_FRAMES,
    .fits = is_last_media,
    .apply = send_after_close,
};

/* ---- the beginning ----------------------------------------------------------------------------- */

static bool lives_long(const struct qm_bed *bed, size_t place) {
  const struct qp_conn *c = qm_conn(bed, place);
  return c->last.time_ns > c->first.time_ns + 1200000000u && is_closed(bed, place) &&
         c->close[0].at.time_ns - 1 > c->first.time_ns + 1100000000u;
}

/* The client's Initials are all there is of the connection. */
static bool never_answer(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  const struct qp_conn *c = qm_conn(bed, place);
  (void)r;
  for (size_t i = 0; i < bed->n_packets; i++) {
    const struct qm_packet *p = &bed->packets[i];
    if (p->conn == c && (p->side == QP_SERVER || p->type != QP_INITIAL))
      qm_edit_drop(e, i);
  }
  return true;
}

static const struct qm_operator never_answered = {
    .name = "client-not-answered",
    .does = "a client knocks, and nothing at all comes of it",
    .check = "connect-any-time",
    .also = {"close-clean", "trace-agrees", "copy-count", "payload-identical", "copy-explained",
             "join-point", "priority-drop", "copy-exact"},
    .why =
        "logs, ledger and copies tell of a connection that is not there; if it was the "
        "publisher's, nothing can have come to the relay",
    .places = QM_CONNS,
    .fits = lives_long,
    .apply = never_answer,
};

/* The last media on a connection that a newer one on the same port has replaced. */
static bool is_replaced(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  bool media = qm_is_frame(bed, frame, QP_F_DATAGRAM) || qm_is_frame(bed, frame, QP_F_STREAM);
  return media && qm_downstream(bed, p) && p->conn->newer &&
         p->time_ns + 300000000 > p->conn->newer->first.time_ns;
}

static bool go_on_after_newer(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                              struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  qm_edit_time(e, bed->frames[frame].packet,
               p->conn->newer->first.time_ns + 300000000 + qm_below(r, 100000000));
  return true;
}

static const struct qm_operator old_goes_on = {
    .name = "old-connection-goes-on",
    .does = "media leave on a connection whose port a newer one has taken",
    .check = "fresh-start",
    .also = {"no-orphan-forward", "ack-only-sent", "ack-split", "copy-count", "stream-complete",
             "isolated", "delivery-order", "payload-identical"},
    .why = "they were acknowledged before they leave, or their connection is over",
    .places = QM_FRAMES,
    .fits = is_replaced,
    .apply = go_on_after_newer,
};

const struct qm_operator *const qm_streams[] = {
    &resend_altered,    &ends_early,     &end_missing,        &bytes_missing,
    &offset_beyond,     &stream_beyond,  &data_limit_lowered, &stream_limit_lowered,
    &window_ignored,    &burst_sent,     &close_missing,      &close_code,
    &media_after_close, &never_answered, &old_goes_on,        NULL};
