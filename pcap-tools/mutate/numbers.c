/* Packet numbers and checksums. */
#include "pcap-tools/mutate/operators.h"

/* The packet before it, of the same sender and in the same capture; SIZE_MAX: none. */
static size_t packet_before(const struct qm_bed *bed, size_t place, unsigned back) {
  const struct qm_packet *p = &bed->packets[place];
  for (size_t i = place; i-- > 0;) {
    const struct qm_packet *q = &bed->packets[i];
    if (q->file == p->file && q->conn == p->conn && q->side == p->side && q->type == QP_1RTT &&
        (q->views & QP_SENT) && q->clear && --back == 0)
      return i;
  }
  return SIZE_MAX;
}

/* A tag without protection may tell the number where the header has less than four bytes of it. */
static void tell_no_number(struct qm_edit *e, const struct qm_bed *bed, size_t place) {
  static const uint8_t none[QP_TAG_LEN / 2];
  qm_edit_packet(e, place, bed->packets[place].len - QP_TAG_LEN / 2, none, sizeof none);
}

static void put_number(struct qm_edit *e, const struct qm_bed *bed, size_t place, uint64_t pn) {
  const struct qm_packet *p = &bed->packets[place];
  uint8_t bytes[4];
  for (unsigned i = 0; i < p->pn_len; i++)
    bytes[i] = (uint8_t)(pn >> (8 * (p->pn_len - 1u - i)));
  qm_edit_packet(e, place, p->pn_at - p->at, bytes, p->pn_len);
  tell_no_number(e, bed, place);
}

static bool has_one_before(const struct qm_bed *bed, size_t place) {
  return qm_is_clear(&bed->packets[place]) && packet_before(bed, place, 1) != SIZE_MAX;
}

static bool repeat_number(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                          struct qm_random *r) {
  (void)r;
  put_number(e, bed, place, bed->packets[packet_before(bed, place, 1)].pn);
  return true;
}

#define NUMBER_GONE                                                                                \
  "the packet's own number is gone from the wire: what acknowledges it or records it is wrong, "   \
  "and what it carried under the other number is no longer what that record says"

static const struct qm_operator number_repeated = {
    .name = "number-repeated",
    .does = "a packet gets the number of the one before it",
    .check = "pn-unique",
    .also = {"nonce-unique", "ack-only-sent", "ack-split", "trace-agrees", "copy-exact",
             "copy-explained", "fresh-start", "flow-limits", "congestion-bounded"},
    .why = "one number is one nonce; " NUMBER_GONE
           "; a receiver drops it with the limits and ACKs in it",
    .places = QM_PACKETS,
    .fits = has_one_before,
    .apply = repeat_number,
};

static bool has_many_before(const struct qm_bed *bed, size_t place) {
  return qm_is_clear(&bed->packets[place]) && packet_before(bed, place, 5) != SIZE_MAX;
}

static bool reuse_number(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  unsigned back = 5 - (unsigned)qm_below(r, 3);
  put_number(e, bed, place, bed->packets[packet_before(bed, place, back)].pn);
  return true;
}

static const struct qm_operator nonce_reused = {
    .name = "nonce-reused",
    .does = "a packet gets a number used a few packets before, under the same key",
    .check = "nonce-unique",
    .also = {"pn-unique", "ack-only-sent", "ack-split", "trace-agrees", "copy-exact",
             "copy-explained", "fresh-start", "flow-limits"},
    .why = "a nonce is a number; " NUMBER_GONE "; a receiver drops it with the limits in it",
    .places = QM_PACKETS,
    .fits = has_many_before,
    .apply = reuse_number,
};

static bool is_sent(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return p->opened && p->type == QP_1RTT && (p->views & QP_SENT) && !p->closing;
}

static bool double_packet(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                          struct qm_random *r) {
  (void)bed;
  qm_edit_double(e, place, 1000 + qm_below(r, 100000));
  return true;
}

static const struct qm_operator packet_doubled = {
    .name = "packet-doubled",
    .does = "a packet leaves its sender twice, byte for byte",
    .check = "pn-unique",
    .also = {"path-valid", "copy-count"},
    .why =
        "before its path is validated the second one passes three times what came; its "
        "datagrams leave twice, too",
    .places = QM_PACKETS,
    .fits = is_sent,
    .apply = double_packet,
};

static bool needs_two_bytes(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  uint64_t distance = p->any_acked ? p->pn - p->largest_acked : p->pn + 1;
  bool behind = p->any_acked && p->pn <= p->largest_acked;
  return qm_is_clear(p) && p->pn_len >= 2 && !behind && distance > 128;
}

/* One byte of number, and the room it leaves is PADDING in front. */
static bool shorten_number(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                           struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  const uint8_t *bytes = qm_bytes(bed, p);
  uint8_t first = bytes[p->at] & 0xfc, none[4] = {0};
  (void)r;
  qm_edit_packet(e, place, 0, &first, 1);
  qm_edit_packet(e, place, p->pn_at - p->at, bytes + p->pn_at + p->pn_len - 1, 1);
  qm_edit_packet(e, place, p->pn_at - p->at + 1, none, p->pn_len - 1u);
  tell_no_number(e, bed, place);
  return true;
}

static const struct qm_operator number_shortened = {
    .name = "number-shortened",
    .does = "a number is written in one byte with more than 128 in flight",
    .check = "pn-decodable",
    .also = {"pn-unique", "nonce-unique", "ack-only-sent", "ack-split", "trace-agrees",
             "copy-exact", "copy-explained", "fresh-start"},
    .why = "the judge expands numbers as a receiver does, and reads another one",
    .places = QM_PACKETS,
    .fits = needs_two_bytes,
    .apply = shorten_number,
};

/* ---- checksums ------------------------------------------------------------------------------ */

static bool is_lone_ack(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return p->opened && (p->views & QP_SENT);
}

#define NOT_RECEIVED                                                                               \
  "a receiver's kernel throws the datagram away: what came of it afterwards, and the receiver's "  \
  "own log of it, have no cause"

#define NOT_RECEIVED_ALSO                                                                          \
  "copy-explained", "copy-exact", "copy-count", "payload-identical", "ack-split",                  \
      "connect-any-time", "cid-active", "subscribe-answered", "flow-limits", "isolated",           \
      "path-valid", "trace-agrees"

static bool spoil_udp(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  const uint8_t *sum = qm_bytes(bed, p) + p->udp_at - 2;
  uint16_t v = (uint16_t)(sum[0] << 8 | sum[1]), flip = (uint16_t)(1 + qm_below(r, 0xfffe));
  if (!(v ^ flip))
    return false; /* absent is lawful */
  uint8_t bytes[2] = {(uint8_t)((v ^ flip) >> 8), (uint8_t)(v ^ flip)};
  qm_edit_raw(e, place, p->udp_at - 2, bytes, 2);
  return true;
}

static const struct qm_operator udp_checksum = {
    .name = "udp-checksum",
    .does = "a UDP checksum is another number",
    .check = "checksum-valid",
    .also = {NOT_RECEIVED_ALSO, "trace-agrees"},
    .why = NOT_RECEIVED,
    .places = QM_PACKETS,
    .fits = is_lone_ack,
    .apply = spoil_udp,
};

static bool is_ipv4(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return is_lone_ack(bed, place) && qm_bytes(bed, p)[14] >> 4 == 4;
}

static bool spoil_ip(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                     struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  uint8_t byte = qm_bytes(bed, p)[14 + 10] ^ (uint8_t)(1 + qm_below(r, 254));
  qm_edit_raw(e, place, 14 + 10, &byte, 1);
  return true;
}

static const struct qm_operator ip_checksum = {
    .name = "ip-checksum",
    .does = "an IPv4 header checksum is another number",
    .check = "checksum-valid",
    .also = {NOT_RECEIVED_ALSO, "trace-agrees"},
    .why = NOT_RECEIVED,
    .places = QM_PACKETS,
    .fits = is_ipv4,
    .apply = spoil_ip,
};

static bool flip_after_summing(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                               struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  uint32_t at = p->at + p->len - 1 - (uint32_t)qm_below(r, 16); /* in the tag */
  uint8_t byte = qm_bytes(bed, p)[at] ^ (uint8_t)(1u << qm_below(r, 8));
  qm_edit_raw(e, place, at, &byte, 1);
  return true;
}

static const struct qm_operator flipped_on_the_way_out = {
    .name = "flipped-after-checksum",
    .does = "a byte is flipped behind the sender's back, the checksum stays",
    .check = "checksum-valid",
    .also = {"frames-legal", "trace-agrees", "copy-count", "payload-identical", "ack-only-sent",
             "copy-explained", "cid-active", "ack-split", "stream-complete", "connect-any-time",
             "subscribe-answered", "copy-exact", "priority-drop", "isolated"},
    .why = "the packet does not open: everything in it is missing, track aliases too",
    .places = QM_PACKETS,
    .fits = is_lone_ack,
    .apply = flip_after_summing,
};

const struct qm_operator *const qm_numbers[] = {
    &number_repeated, &nonce_reused, &packet_doubled,         &number_shortened,
    &udp_checksum,    &ip_checksum,  &flipped_on_the_way_out, NULL};
