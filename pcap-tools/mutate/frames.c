/* Frames and headers that are not legal. */
#include <stdio.h>

#include "pcap-tools/mutate/operators.h"
#include "pcap-tools/read/memory.h"

/* ---- written over PADDING -------------------------------------------------------------- */

static bool has_room_2(const struct qm_bed *bed, size_t frame) {
  return qm_has_room(bed, frame, 2);
}

static bool put_unknown(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  static const uint8_t unknown[] = {0x1f, 0x20, 0x21, 0x22, 0x2a, 0x3f};
  (void)bed;
  qm_edit_frame(e, frame, 0, &unknown[qm_below(r, sizeof unknown)], 1);
  return true;
}

#define SWALLOWED                                                                                  \
  "what stands behind it in the packet is not read: its ACKs, streams and IDs are missing"
#define SWALLOWED_ALSO                                                                             \
  "trace-agrees", "stream-complete", "copy-count", "payload-identical", "cid-active",              \
      "cid-supply", "subscribe-answered", "ack-split", "copy-explained", "congestion-bounded",     \
      "join-point", "no-needless-retransmit"

static const struct qm_operator frame_unknown = {
    .name = "frame-unknown",
    .does = "a byte of PADDING becomes a frame type that does not exist",
    .check = "frames-legal",
    .also = {SWALLOWED_ALSO},
    .why = SWALLOWED,
    .places = QM_FRAMES,
    .fits = has_room_2,
    .apply = put_unknown,
};

/* PADDING at the very end of the packet. */
static bool ends_packet(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  return qm_has_room(bed, frame, 2) && f->at + f->len == p->payload_at + p->payload_len;
}

static bool put_overlong(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  uint8_t bytes[2] = {QP_F_DATAGRAM | 1, (uint8_t)(1 + qm_below(r, 62))};
  qm_edit_frame(e, frame, bed->frames[frame].len - 2, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator length_lies = {
    .name = "length-lies",
    .does = "a frame's length reaches behind the end of its packet",
    .check = "frames-legal",
    .why = "",
    .places = QM_FRAMES,
    .fits = ends_packet,
    .apply = put_overlong,
};

static bool put_long_ping(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  static const uint8_t bytes[2] = {0x40, QP_F_PING};
  (void)bed, (void)r;
  qm_edit_frame(e, frame, 0, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator type_not_shortest = {
    .name = "frame-type-not-shortest",
    .does = "a frame type is written in two bytes where one does",
    .check = "frames-legal",
    .why = "",
    .places = QM_FRAMES,
    .fits = has_room_2,
    .apply = put_long_ping,
};

static bool is_clients(const struct qm_bed *bed, size_t frame) {
  return qm_has_room(bed, frame, 1) && bed->packets[bed->frames[frame].packet].side == QP_CLIENT;
}

static bool put_done(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                     struct qm_random *r) {
  static const uint8_t byte = QP_F_HANDSHAKE_DONE;
  (void)bed, (void)r;
  qm_edit_frame(e, frame, 0, &byte, 1);
  return true;
}

static const struct qm_operator done_from_client = {
    .name = "handshake-done-from-client",
    .does = "a client sends HANDSHAKE_DONE",
    .check = "frames-legal",
    .why = "",
    .places = QM_FRAMES,
    .fits = is_clients,
    .apply = put_done,
};

static bool is_servers_3(const struct qm_bed *bed, size_t frame) {
  return qm_has_room(bed, frame, 3) && bed->packets[bed->frames[frame].packet].side == QP_SERVER;
}

/* MAX_STREAM_DATA for a stream on which only the server sends. */
static bool put_wrong_way(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  uint8_t bytes[3] = {QP_F_MAX_STREAM_DATA, (uint8_t)(4 * qm_below(r, 8) + 3),
                      (uint8_t)qm_below(r, 64)};
  (void)bed;
  qm_edit_frame(e, frame, 0, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator limit_wrong_way = {
    .name = "limit-for-own-stream",
    .does = "a server gives itself a limit on its one-way stream",
    .check = "frames-legal",
    .why = "",
    .places = QM_FRAMES,
    .fits = is_servers_3,
    .apply = put_wrong_way,
};

static bool has_room_9(const struct qm_bed *bed, size_t frame) {
  return qm_has_room(bed, frame, 9);
}

static bool put_huge_limit(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                           struct qm_random *r) {
  uint8_t bytes[9] = {QP_F_MAX_STREAMS_UNI};
  qm_varint(bytes + 1, 8, ((uint64_t)1 << 60) + 1 + qm_below(r, 1000));
  (void)bed;
  qm_edit_frame(e, frame, 0, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator limit_too_large = {
    .name = "stream-limit-too-large",
    .does = "MAX_STREAMS above 2^60",
    .check = "frames-legal",
    .why = "",
    .places = QM_FRAMES,
    .fits = has_room_9,
    .apply = put_huge_limit,
};

/* ---- headers ------------------------------------------------------------------------------ */

static bool is_clear(const struct qm_bed *bed, size_t place) {
  return qm_is_clear(&bed->packets[place]);
}

static bool set_reserved(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  static const uint8_t bits[] = {0x08, 0x10, 0x18};
  const struct qm_packet *p = &bed->packets[place];
  uint8_t first = qm_bytes(bed, p)[p->at] | bits[qm_below(r, 3)];
  qm_edit_packet(e, place, 0, &first, 1);
  return true;
}

static const struct qm_operator reserved_bits = {
    .name = "reserved-bits",
    .does = "reserved bits of a short header are set",
    .check = "frames-legal",
    .why = "",
    .places = QM_PACKETS,
    .fits = is_clear,
    .apply = set_reserved,
};

static bool clear_fixed(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                        struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  uint8_t first = qm_bytes(bed, p)[p->at] & 0xbf;
  (void)r;
  qm_edit_packet(e, place, 0, &first, 1);
  return true;
}

static const struct qm_operator fixed_bit = {
    .name = "fixed-bit",
    .does = "the fixed bit of a short header is clear",
    .check = "frames-legal",
    .why = "",
    .places = QM_PACKETS,
    .fits = is_clear,
    .apply = clear_fixed,
};

/* ---- protection ------------------------------------------------------------------------------ */

static bool opens(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  (void)bed;
  return p->opened && (p->views & QP_SENT) && p->type == QP_1RTT && !p->closing;
}

static bool flip_tag(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                     struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  uint32_t off = p->len - 1 - (uint32_t)qm_below(r, 16);
  uint8_t byte = qm_bytes(bed, p)[p->at + off] ^ (uint8_t)(1u << qm_below(r, 8));
  qm_edit_packet(e, place, off, &byte, 1);
  return true;
}

#define CLOSED_PACKET                                                                              \
  "the packet does not open: its number and what it carries are missing, a SUBSCRIBE_OK among it"
#define CLOSED_PACKET_ALSO                                                                         \
  "trace-agrees", "stream-complete", "copy-count", "payload-identical", "cid-active",              \
      "cid-supply", "subscribe-answered", "ack-split", "copy-explained", "copy-exact",             \
      "ack-only-sent", "connect-any-time", "flow-limits", "priority-drop", "isolated"

static const struct qm_operator tag_flipped = {
    .name = "tag-flipped",
    .does = "a bit of an authentication tag is flipped",
    .check = "frames-legal",
    .also = {CLOSED_PACKET_ALSO},
    .why = CLOSED_PACKET,
    .places = QM_PACKETS,
    .fits = opens,
    .apply = flip_tag,
};

static bool is_sealed(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return opens(bed, place) && !p->clear && p->payload_len;
}

static bool flip_sealed(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                        struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  uint32_t off = p->payload_at - p->at + (uint32_t)qm_below(r, p->payload_len);
  uint8_t byte = qm_bytes(bed, p)[p->at + off] ^ (uint8_t)(1u << qm_below(r, 8));
  qm_edit_packet(e, place, off, &byte, 1);
  return true;
}

static const struct qm_operator sealed_flipped = {
    .name = "sealed-byte-flipped",
    .does = "a bit of a sealed payload is flipped (tls)",
    .check = "frames-legal",
    .also = {CLOSED_PACKET_ALSO},
    .why = CLOSED_PACKET,
    .places = QM_PACKETS,
    .fits = is_sealed,
    .apply = flip_sealed,
};

/* ---- keys ------------------------------------------------------------------------------------- */

/* A 1-RTT secret of a connection that is sealed. */
static bool is_used_key(const struct qm_bed *bed, size_t line) {
  const char *text = qm_line_text(bed, line), *at = strchr(text, ' ');
  size_t n;
  if (strcmp(qm_line_kind(bed, line), "keys") != 0 || !at || !strstr(text, "_TRAFFIC_SECRET_0"))
    return false;
  struct qp_conn *const *conns = qp_tracker_conns(bed->e.tracker, &n);
  for (size_t i = 0; i < n; i++) {
    char random[65];
    for (size_t k = 0; k < 32; k++)
      snprintf(random + 2 * k, 3, "%02x", conns[i]->hello.random[k]);
    if (conns[i]->null_protection == 0 && !strncmp(at + 1, random, 64))
      return true;
  }
  return false;
}

/* Wherever it stands: both ends log it. */
static bool alter_key(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                      struct qm_random *r) {
  const char *was = qm_line_text(bed, line);
  size_t at = strlen(was) - 1 - (size_t)qm_below(r, 32);
  for (size_t i = 0; i < bed->n_lines; i++) {
    if (strcmp(qm_line_kind(bed, i), "keys") != 0 || strcmp(qm_line_text(bed, i), was) != 0)
      continue;
    char *text = qp_copy_text(was);
    text[at] = text[at] == '0' ? '1' : '0';
    if (i == line)
      qm_edit_secret(e, was, text);
    qm_edit_line(e, i, text);
  }
  return true;
}

static const struct qm_operator key_altered = {
    .name = "key-altered",
    .does = "a digit of a 1-RTT secret in the key log is another one (tls)",
    .check = "frames-legal",
    .also = {"copy-count", "payload-identical", "close-clean", "subscribe-answered",
             "connect-any-time", "stream-complete", "isolated", "join-point", "ack-only-sent",
             "congestion-bounded"},
    .why = "nothing that one side says on that connection is known, its ACKs among it",
    .places = QM_LINES,
    .fits = is_used_key,
    .apply = alter_key,
};

const struct qm_operator *const qm_frame_operators[] = {
    &frame_unknown,   &length_lies,     &type_not_shortest, &done_from_client,
    &limit_wrong_way, &limit_too_large, &reserved_bits,     &fixed_bit,
    &tag_flipped,     &sealed_flipped,  &key_altered,       NULL};
