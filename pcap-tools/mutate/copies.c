/* Copies of the datapath, their records, and the ledger's contents. */
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/mutate/operators.h"
#include "pcap-tools/read/memory.h"

/* ---- a copy against its packet --------------------------------------------------------- */

static bool in_copy(const struct qm_bed *bed, size_t frame, uint64_t kind) {
  return qm_is_frame(bed, frame, kind) && bed->packets[bed->frames[frame].packet].copy;
}

static bool copied_data(const struct qm_bed *bed, size_t frame) {
  return (in_copy(bed, frame, QP_F_STREAM) && bed->frames[frame].f.stream.len > 8) ||
         (in_copy(bed, frame, QP_F_DATAGRAM) && bed->frames[frame].f.bytes.len > 8);
}

static void data_of(const struct qm_frame *f, uint32_t *at, uint32_t *len) {
  bool stream = f->f.kind == QP_F_STREAM;
  const uint8_t *data = stream ? f->f.stream.data : f->f.bytes.data;
  *at = (uint32_t)(data - f->f.start);
  *len = (uint32_t)(stream ? f->f.stream.len : f->f.bytes.len);
}

static bool flip_payload(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  uint32_t at, len;
  data_of(&bed->frames[frame], &at, &len);
  at += len - 1 - (uint32_t)qm_below(r, len - 8); /* behind the MoQT header */
  uint8_t byte = bed->frames[frame].f.start[at] ^ (uint8_t)(1u << qm_below(r, 8));
  qm_edit_frame(e, frame, at, &byte, 1);
  return true;
}

static const struct qm_operator copy_flipped = {
    .name = "copy-byte-flipped",
    .does = "a bit of a copy's data differs from its packet",
    .check = "copy-exact",
    .also = {"payload-identical", "stream-bytes", "frames-legal", "copy-count", "join-point",
             "delivery-order", "stream-complete"},
    .why = "the object is another one than was published, or its framing is broken",
    .places = QM_FRAMES,
    .fits = copied_data,
    .apply = flip_payload,
};

/* Where a subgroup's or a datagram's priority byte is; 0: it has none. */
static uint32_t priority_at(const struct qm_frame *f) {
  uint32_t at, len;
  data_of(f, &at, &len);
  struct qp_cur c = qp_cur(f->f.start + at, len);
  bool stream = f->f.kind == QP_F_STREAM;
  if (stream && f->f.stream.offset)
    return 0;
  uint64_t type = qp_vi64(&c);
  qp_vi64(&c), qp_vi64(&c);
  if (stream ? (type & 6) == 4 : !(type & 4))
    qp_vi64(&c);
  bool has = !(type & (stream ? 0x20 : 0x08)) && !c.bad && qp_left(&c);
  return has ? (uint32_t)(c.p - f->f.start) : 0;
}

static bool copied_priority(const struct qm_bed *bed, size_t frame) {
  return (in_copy(bed, frame, QP_F_STREAM) || in_copy(bed, frame, QP_F_DATAGRAM)) &&
         priority_at(&bed->frames[frame]);
}

static bool alter_priority(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                           struct qm_random *r) {
  uint32_t at = priority_at(&bed->frames[frame]);
  uint8_t byte = bed->frames[frame].f.start[at] ^ (uint8_t)(1 + qm_below(r, 255));
  qm_edit_frame(e, frame, at, &byte, 1);
  return true;
}

static const struct qm_operator copy_priority = {
    .name = "copy-priority-altered",
    .does = "a copy has another publisher priority than its packet",
    .check = "copy-exact",
    .also = {"payload-identical", "priority-drop", "stream-bytes", "delivery-order", "copy-count"},
    .why = "the priority belongs to the object, and filters look at it",
    .places = QM_FRAMES,
    .fits = copied_priority,
    .apply = alter_priority,
};

static bool copied_padding(const struct qm_bed *bed, size_t frame) {
  return in_copy(bed, frame, QP_F_PADDING);
}

static bool fill_padding(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  static const uint8_t ping = QP_F_PING;
  qm_edit_frame(e, frame, (uint32_t)qm_below(r, bed->frames[frame].len), &ping, 1);
  return true;
}

static const struct qm_operator copy_not_padded = {
    .name = "copy-padding-filled",
    .does = "a frame stands in a copy where PADDING must be",
    .check = "copy-exact",
    .why = "",
    .places = QM_FRAMES,
    .fits = copied_padding,
    .apply = fill_padding,
};

/* A frame of the publisher's hop where the copy has PADDING: its ACK, say. */
static bool publishers_own(const struct qm_bed *bed, size_t frame) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  return copied_padding(bed, frame) && bed->frames[frame].len >= 3 && p->conn->hello.client.seen;
}

static bool copy_limit(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                       struct qm_random *r) {
  uint8_t bytes[3] = {QP_F_MAX_DATA, 0x40, (uint8_t)qm_below(r, 256)};
  (void)bed;
  qm_edit_frame(e, frame, 0, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator hop_frame_copied = {
    .name = "hop-frame-copied",
    .does = "the publisher's MAX_DATA is copied to a subscriber",
    .check = "copy-exact",
    .why = "",
    .places = QM_FRAMES,
    .fits = publishers_own,
    .apply = copy_limit,
};

/* The alias of another track of the same subscriber, as wide. */
static bool other_alias(const struct qm_bed *bed, size_t frame, uint64_t *other) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  uint32_t at, len;
  data_of(f, &at, &len);
  struct qp_cur c = qp_cur(f->f.start + at, len);
  qp_vi64(&c);
  uint64_t alias = qp_vi64(&c);
  for (size_t i = 0; i < p->conn->n_requests; i++) {
    const struct qp_request *q = &p->conn->requests[i];
    if (q->type == QP_M_SUBSCRIBE && q->ok && q->alias != alias && q->alias < 128 && alias < 128) {
      *other = q->alias;
      return true;
    }
  }
  return false;
}

static bool copied_front(const struct qm_bed *bed, size_t frame) {
  uint64_t other;
  const struct qm_frame *f = &bed->frames[frame];
  bool front = in_copy(bed, frame, QP_F_DATAGRAM) ||
               (in_copy(bed, frame, QP_F_STREAM) && f->f.stream.offset == 0 && f->f.stream.len > 4);
  return front && other_alias(bed, frame, &other);
}

static bool swap_alias(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                       struct qm_random *r) {
  uint64_t other = 0;
  uint32_t at, len;
  (void)r;
  data_of(&bed->frames[frame], &at, &len);
  other_alias(bed, frame, &other);
  uint8_t byte = (uint8_t)other;
  qm_edit_frame(e, frame, at + 1, &byte, 1);
  return true;
}

#define OTHER_TRACK "the object counts for the other track: one is missing here, one too many there"
#define OTHER_TRACK_ALSO                                                                           \
  "copy-count", "payload-identical", "priority-drop", "join-point", "delivery-order",              \
      "stream-bytes", "isolated"

static const struct qm_operator alias_swapped = {
    .name = "copy-alias-swapped",
    .does = "a copy carries the alias of another track",
    .check = "copy-exact",
    .also = {OTHER_TRACK_ALSO},
    .why = OTHER_TRACK,
    .places = QM_FRAMES,
    .fits = copied_front,
    .apply = swap_alias,
};

static bool sent_front(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  uint32_t at, len;
  if (!qm_downstream(bed, &bed->packets[f->packet]) || bed->packets[f->packet].side != QP_SERVER)
    return false;
  bool front = qm_is_frame(bed, frame, QP_F_DATAGRAM) ||
               (qm_is_frame(bed, frame, QP_F_STREAM) && f->f.stream.offset == 0 &&
                f->f.stream.len > 4 && (f->f.stream.id & 2) && f->f.stream.id > 3);
  if (!front)
    return false;
  data_of(f, &at, &len);
  return len > 4 && f->fresh == (f->f.kind == QP_F_STREAM ? f->f.stream.len : 0) &&
         f->f.start[at + 1] < 128;
}

static bool invent_alias(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  uint8_t byte = (uint8_t)(100 + qm_below(r, 28));
  uint32_t at, len;
  data_of(&bed->frames[frame], &at, &len);
  qm_edit_frame(e, frame, at + 1, &byte, 1);
  return true;
}

static const struct qm_operator alias_invented = {
    .name = "alias-not-subscribed",
    .does = "an object goes out on a track that was not subscribed",
    .check = "isolated",
    .also = {"copy-exact", "copy-count", "payload-identical", "priority-drop", "stream-bytes",
             "join-point"},
    .why = OTHER_TRACK,
    .places = QM_FRAMES,
    .fits = sent_front,
    .apply = invent_alias,
};

static bool has_offset(const struct qm_bed *bed, size_t frame) {
  return in_copy(bed, frame, QP_F_STREAM) && (bed->frames[frame].f.type & 4) &&
         bed->frames[frame].f.stream.len;
}

static bool shift_offset(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  size_t at = 1 + qm_varint_len(f->f.start + 1), len = qm_varint_len(f->f.start + at);
  uint8_t bytes[8];
  if (!qm_varint(bytes, len, f->f.stream.offset + 1 + qm_below(r, 8)))
    return false;
  qm_edit_frame(e, frame, (uint32_t)at, bytes, len);
  return true;
}

static const struct qm_operator offset_shifted = {
    .name = "copy-offset-shifted",
    .does = "a copy's data lie a few bytes further up in the stream",
    .check = "copy-exact",
    .also = {"stream-complete", "stream-bytes", "trace-agrees", "copy-count", "payload-identical",
             "no-needless-retransmit", "frames-legal", "flow-limits", "priority-drop"},
    .why = "they leave a hole, lie over what follows, and differ from their record",
    .places = QM_FRAMES,
    .fits = has_offset,
    .apply = shift_offset,
};

/* ---- copies that are missing or too many -------------------------------------------------- */

/* A datagram in a copy of its own that the subscriber was owed. */
static bool is_lone_datagram(const struct qm_bed *bed, size_t frame) {
  if (!in_copy(bed, frame, QP_F_DATAGRAM))
    return false;
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  uint64_t end = p->conn->close[0].seen ? p->conn->close[0].at.time_ns : UINT64_MAX;
  for (size_t i = 0; i < p->conn->n_requests; i++) /* nothing may be dropped */
    for (size_t k = 0; k < p->conn->requests[i].n_filters; k++)
      if (p->conn->requests[i].filters[k].object_timeout_ms)
        return false;
  return end > p->time_ns + 100000000 && qp_broken_at(&bed->e, p->conn) == UINT64_MAX &&
         qm_acked(bed, p);
}

static bool drop_packet(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  (void)r;
  qm_edit_drop(e, bed->frames[frame].packet);
  return true;
}

static const struct qm_operator copy_removed = {
    .name = "copy-removed",
    .does = "a copy with a datagram never leaves",
    .check = "copy-count",
    .also = {"trace-agrees", "ack-only-sent", "stream-complete", "payload-identical",
             "priority-drop"},
    .why = "its record calls it sent, its receiver acknowledged it, and all that was in it is gone",
    .places = QM_FRAMES,
    .fits = is_lone_datagram,
    .apply = drop_packet,
};

static bool blank_datagram(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                           struct qm_random *r) {
  (void)bed, (void)r;
  qm_edit_blank(e, frame);
  return true;
}

static const struct qm_operator copy_frame_removed = {
    .name = "copied-datagram-removed",
    .does = "a datagram of a packet is PADDING in its copy, although the record says send",
    .check = "copy-count",
    .also = {"copy-exact", "trace-agrees", "payload-identical", "priority-drop"},
    .why = "the copy differs from its packet and its record",
    .places = QM_FRAMES,
    .fits = is_lone_datagram,
    .apply = blank_datagram,
};

/* The same copy again under a number that nobody used. */
static bool double_copy(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  size_t place = bed->frames[frame].packet;
  const struct qm_packet *p = &bed->packets[place];
  uint64_t pn = p->conn->numbers[p->side][QP_SPACE_APP].largest_sent + 1 + qm_below(r, 10);
  uint8_t bytes[4] = {(uint8_t)(pn >> 24), (uint8_t)(pn >> 16), (uint8_t)(pn >> 8), (uint8_t)pn};
  if (p->pn_len != 4)
    return false;
  qm_edit_double(e, place, 50000);
  qm_edit_twin(e, p->pn_at - p->at, bytes, 4);
  return true;
}

static const struct qm_operator copy_doubled = {
    .name = "copy-doubled",
    .does = "a copy leaves twice, under two numbers",
    .check = "copy-count",
    .also = {"copy-explained", "trace-agrees", "no-needless-retransmit", "congestion-bounded",
             "path-valid"},
    .why = "the second one is in no record",
    .places = QM_FRAMES,
    .fits = is_lone_datagram,
    .apply = double_copy,
};

/* ---- records ----------------------------------------------------------------------------------- */

static bool is_send(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "copies", "copy") &&
         strstr(qm_line_text(bed, line), "\"decision\":\"send\"") != NULL;
}

/* All decisions to send with that number. */
static bool drop_records(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  uint64_t pn, slot, gen, other;
  (void)r;
  if (!qm_member(bed, line, "pn", &pn) || !qm_member(bed, line, "slot", &slot) ||
      !qm_member(bed, line, "gen", &gen))
    return false;
  for (size_t i = line < 64 ? 0 : line - 64; i < bed->n_lines && i < line + 64; i++)
    if (is_send(bed, i) && qm_member(bed, i, "pn", &other) && other == pn &&
        qm_member(bed, i, "slot", &other) && other == slot && qm_member(bed, i, "gen", &other) &&
        other == gen)
      qm_edit_line(e, i, NULL);
  return true;
}

static const struct qm_operator record_removed = {
    .name = "copy-record-removed",
    .does = "no record names a copy that left",
    .check = "copy-explained",
    .also = {"trace-agrees", "copy-exact"},
    .why = "the ledger calls it fast",
    .places = QM_LINES,
    .fits = is_send,
    .apply = drop_records,
};

static bool alter_source(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  return qm_set(bed, e, line, "up_pn", "%llu", (unsigned long long)(1u << 24) + qm_below(r, 1000));
}

static bool is_only_frame(const struct qm_bed *bed, size_t line) {
  uint64_t frame, pn, next;
  if (!is_send(bed, line) || !qm_member(bed, line, "frame", &frame) || frame)
    return false;
  if (!qm_member(bed, line, "pn", &pn))
    return false;
  for (size_t i = line < 64 ? 0 : line - 64; i < bed->n_lines && i < line + 64; i++)
    if (i != line && is_send(bed, i) && qm_member(bed, i, "pn", &next) && next == pn)
      return false;
  return true;
}

static const struct qm_operator record_of_nothing = {
    .name = "copy-of-nothing",
    .does = "a record says that a copy was made of a packet that never came",
    .check = "copy-explained",
    .also = {"copy-exact", "trace-agrees"},
    .why = "the packet it was made of has no decision then",
    .places = QM_LINES,
    .fits = is_only_frame,
    .apply = alter_source,
};

static bool alter_record_number(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                                struct qm_random *r) {
  uint64_t pn;
  return qm_member(bed, line, "pn", &pn) &&
         qm_set(bed, e, line, "pn", "%llu", (unsigned long long)pn + 100000 + qm_below(r, 1000));
}

static const struct qm_operator record_number = {
    .name = "copy-record-number-altered",
    .does = "a record gives a copy a number that never left",
    .check = "trace-agrees",
    .also = {"copy-explained", "copy-exact"},
    .why = "the copy that left is in no record",
    .places = QM_LINES,
    .fits = is_send,
    .apply = alter_record_number,
};

static bool is_entry(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "copies", "connection");
}

static bool empty_id(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                     struct qm_random *r) {
  (void)r;
  return qm_set(bed, e, line, "conn", "\"\"");
}

static const struct qm_operator entry_without_id = {
    .name = "entry-without-id",
    .does = "the trace records an empty connection ID",
    .check = "trace-agrees",
    .also = {"copy-explained", "copy-exact", "no-needless-retransmit", "copy-count"},
    .why = "none of that subscriber's copies has a connection",
    .places = QM_LINES,
    .fits = is_entry,
    .apply = empty_id,
};

static bool alter_remote(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  return qm_set(bed, e, line, "remote", "\"10.9.9.%u:%u\"", (unsigned)qm_below(r, 250) + 1,
                (unsigned)qm_below(r, 60000) + 1024);
}

static const struct qm_operator entry_address = {
    .name = "entry-address-altered",
    .does = "the trace gives a subscriber another address",
    .check = "trace-agrees",
    .why = "",
    .places = QM_LINES,
    .fits = is_entry,
    .apply = alter_remote,
};

/* ---- the ledger ---------------------------------------------------------------------------------- */

static bool is_sent_number(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "ledger", "number") &&
         !qm_member_is(bed, line, "origin", "burned") &&
         !qm_member_is(bed, line, "fate", "never-sent") && qm_line_conn(bed, line);
}

static bool alter_number(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  uint64_t pn;
  return qm_member(bed, line, "pn", &pn) &&
         qm_set(bed, e, line, "pn", "%llu", (unsigned long long)pn + 100000 + qm_below(r, 1000));
}

static const struct qm_operator ledger_number = {
    .name = "ledger-number-altered",
    .does = "the ledger names a number that never left",
    .check = "trace-agrees",
    .also = {"ack-split", "copy-explained"},
    .why = "the number that left is not in the ledger",
    .places = QM_LINES,
    .fits = is_sent_number,
    .apply = alter_number,
};

static bool alter_origin(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  (void)r;
  bool fast = qm_member_is(bed, line, "origin", "fast");
  return qm_set(bed, e, line, "origin", fast ? "\"slow\"" : "\"fast\"");
}

static const struct qm_operator ledger_origin = {
    .name = "ledger-origin-altered",
    .does = "the ledger calls a copy slow, or the relay's own packet fast",
    .check = "trace-agrees",
    .also = {"copy-explained", "ack-split"},
    .why = "a fast number has a copy record",
    .places = QM_LINES,
    .fits = is_sent_number,
    .apply = alter_origin,
};

static bool has_content(const struct qm_bed *bed, size_t line) {
  return is_sent_number(bed, line) && strstr(qm_line_text(bed, line), "\"len\":") != NULL &&
         (qm_member_is(bed, line, "origin", "fast") || qm_member_is(bed, line, "origin", "slow"));
}

static bool alter_content(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                          struct qm_random *r) {
  const char *text = qm_line_text(bed, line), *at = strstr(text, "\"len\":") + 6;
  unsigned long long len = strtoull(at, NULL, 10);
  size_t digits = strspn(at, "0123456789");
  qm_edit_line(
      e, line,
      qp_text("%.*s%llu%s", (int)(at - text), text, len + 1 + qm_below(r, 100), at + digits));
  return true;
}

static const struct qm_operator ledger_content = {
    .name = "ledger-content-altered",
    .does = "the ledger says that a packet carried more bytes",
    .check = "trace-agrees",
    .why = "",
    .places = QM_LINES,
    .fits = has_content,
    .apply = alter_content,
};

/* Sent by the slow path and never acknowledged: only the ledger names it. */
static bool is_slow(const struct qm_bed *bed, size_t line) {
  return is_sent_number(bed, line) && qm_member_is(bed, line, "origin", "slow");
}

static bool drop_line(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                      struct qm_random *r) {
  (void)bed, (void)r;
  qm_edit_line(e, line, NULL);
  return true;
}

static const struct qm_operator slow_send_unnamed = {
    .name = "slow-send-unlisted",
    .does = "the ledger does not name a packet of the slow path",
    .check = "copy-explained",
    .also = {"trace-agrees", "ack-split"},
    .why = "the packet, and the ACK of it, have no line",
    .places = QM_LINES,
    .fits = is_slow,
    .apply = drop_line,
};

/* ---- resends ----------------------------------------------------------------------------------------- */

/* A resend by the slow path of bytes that had left before. */
static bool is_slow_resend(const struct qm_bed *bed, size_t line) {
  return is_slow(bed, line) && strstr(qm_line_text(bed, line), "\"again\":1") != NULL;
}

/* The records call it a copy. */
static bool call_it_copy(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  const struct qp_conn *c = qm_line_conn(bed, line);
  uint64_t pn, slot, gen;
  (void)r;
  if (!qm_member(bed, line, "pn", &pn))
    return false;
  for (size_t i = 0; i < bed->n_lines; i++) {
    if (!is_send(bed, i))
      continue;
    qm_member(bed, i, "slot", &slot), qm_member(bed, i, "gen", &gen);
    for (size_t k = 0; k < i; k++) {
      uint64_t s, g;
      if (!is_entry(bed, k) || qm_line_conn(bed, k) != c ||
          bed->lines[k].text != bed->lines[i].text || !qm_member(bed, k, "slot", &s) ||
          !qm_member(bed, k, "gen", &g) || s != slot || g != gen)
        continue;
      char number[32];
      snprintf(number, sizeof number, "%llu", (unsigned long long)pn);
      char *text = qm_line_with(qm_line_text(bed, i), "pn", number);
      if (!text)
        return false;
      qm_edit_line_more(e, i, text);
      return true;
    }
  }
  return false;
}

static const struct qm_operator resend_copied = {
    .name = "resend-copied",
    .does = "the records say that the datapath copied bytes that had left before",
    .check = "no-needless-retransmit",
    .also = {"copy-exact", "trace-agrees", "copy-explained", "copy-count", "ack-split"},
    .why = "it is no copy of the packet that the record names",
    .places = QM_LINES,
    .fits = is_slow_resend,
    .apply = call_it_copy,
};

/* A publisher sends again what had reached the relay 100 ms before. */
static bool is_late_resend(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  if (!qm_is_frame(bed, frame, QP_F_STREAM) || f->fresh == f->f.stream.len || !f->f.stream.len)
    return false;
  const struct qm_packet *p = &bed->packets[f->packet];
  if (!qm_sent_by(bed, p, "publisher"))
    return false;
  for (size_t i = 0; i < frame; i++) {
    const struct qm_frame *g = &bed->frames[i];
    const struct qm_packet *q = &bed->packets[g->packet];
    if (g->f.kind == QP_F_STREAM && q->conn == p->conn && q->side == p->side &&
        (q->views & QP_REACHED) && g->f.stream.id == f->f.stream.id &&
        g->f.stream.offset <= f->f.stream.offset &&
        g->f.stream.offset + g->f.stream.len > f->f.stream.offset)
      return q->time_ns + 100000000 < p->time_ns;
  }
  return false;
}

/* The relay acknowledges nothing of its publisher's until then. */
static bool acknowledge_nothing(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                                struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  (void)r;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_packet *q = &bed->packets[bed->frames[i].packet];
    if (q->conn == p->conn && q->side != p->side && bed->frames[i].f.kind == QP_F_ACK &&
        (q->views & QP_SENT) && q->time_ns < p->time_ns)
      qm_edit_blank(e, i);
  }
  return true;
}

static const struct qm_operator resend_for_want_of_ack = {
    .name = "acks-withheld",
    .does = "no ACK leaves the relay until the publisher sends again what had arrived",
    .check = "no-needless-retransmit",
    .also = {"congestion-bounded", "ack-split", "pn-decodable"},
    .why = "the publisher's flight was never acknowledged either",
    .places = QM_FRAMES,
    .fits = is_late_resend,
    .apply = acknowledge_nothing,
};

const struct qm_operator *const qm_copies[] = {&copy_flipped,           &copy_priority,
                                               &copy_not_padded,        &hop_frame_copied,
                                               &alias_swapped,          &alias_invented,
                                               &offset_shifted,         &copy_removed,
                                               &copy_frame_removed,     &copy_doubled,
                                               &record_removed,         &record_of_nothing,
                                               &record_number,          &entry_without_id,
                                               &entry_address,          &ledger_number,
                                               &ledger_origin,          &ledger_content,
                                               &slow_send_unnamed,      &resend_copied,
                                               &resend_for_want_of_ack, NULL};
