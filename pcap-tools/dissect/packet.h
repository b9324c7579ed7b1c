/* Packet headers of QUIC versions 1 and 2 as they are on the wire, still protected.
 * RFC 9000 section 17, RFC 9369 3.2. */
#ifndef FANBENCH_PCAP_DISSECT_PACKET_H
#define FANBENCH_PCAP_DISSECT_PACKET_H

#include "pcap-tools/read/cursor.h"

#define QP_CID_MAX   20
#define QP_VERSION_1 0x00000001u
#define QP_VERSION_2 0x6b3343cfu
#define QP_TAG_LEN   16

struct qp_cid {
  uint8_t len;
  uint8_t data[QP_CID_MAX];
};

static inline bool qp_version_known(uint32_t version) {
  return version == QP_VERSION_1 || version == QP_VERSION_2;
}

static inline bool qp_cid_equal(const struct qp_cid *a, const struct qp_cid *b) {
  return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

enum qp_type {
  QP_INITIAL,
  QP_0RTT,
  QP_HANDSHAKE,
  QP_RETRY,
  QP_1RTT,
  QP_VERSION_NEGOTIATION,
  QP_OTHER_VERSION, /* long header of a version the judge does not read */
  QP_TYPE_COUNT
};

/* Packet number spaces, RFC 9000 section 12.3. */
enum qp_space { QP_SPACE_INITIAL, QP_SPACE_HANDSHAKE, QP_SPACE_APP, QP_SPACE_COUNT };

struct qp_header {
  enum qp_type type;
  uint32_t version; /* 0 for a short header */
  struct qp_cid dcid, scid;
  const uint8_t *token; /* Initial; Retry: the Retry token */
  size_t token_len;
  const uint8_t *start; /* first byte of the packet */
  size_t len;           /* of the packet, tag included */
  size_t pn_at;         /* offset of the packet number; 0 if there is none */
};

/* Takes one packet with a long header. False: malformed, *why says what. */
bool qp_header_long(struct qp_cur *c, struct qp_header *h, const char **why);
/* Takes the rest of the datagram as a packet with a short header whose
 * destination ID has cid_len bytes. */
bool qp_header_short(struct qp_cur *c, uint8_t cid_len, struct qp_header *h, const char **why);

const char *qp_type_name(enum qp_type type);    /* "Initial" "1-RTT" */
const char *qp_space_name(enum qp_space space); /* "Initial" "Handshake" "application data" */
enum qp_space qp_space_of(enum qp_type type);   /* of a type that has numbers */

/* The number that a receiver reads, RFC 9000 A.3. largest: the largest number
 * received so far; any: whether there is one. */
uint64_t qp_pn_expand(uint64_t truncated, unsigned pn_len, uint64_t largest, bool any);

/* "0a1b2c"; "(empty)" for a zero-length ID. */
#define QP_CID_TEXT (2 * QP_CID_MAX + 8)
const char *qp_cid_text(const struct qp_cid *cid, char text[QP_CID_TEXT]);

#endif
