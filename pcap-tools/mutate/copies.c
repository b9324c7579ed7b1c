/* Copies of the datapath: changed, missing, too many. */
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
    if (qp_request_times_out(&p->conn->requests[i]))
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

const struct qm_operator *const qm_copies[] = {&copy_flipped,
                                               &copy_priority,
                                               &copy_not_padded,
                                               &hop_frame_copied,
                                               &alias_swapped,
                                               &alias_invented,
                                               &offset_shifted,
                                               &copy_removed,
                                               &copy_frame_removed,
                                               &copy_doubled,
                                               NULL};
