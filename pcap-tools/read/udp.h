/* From a captured frame to one UDP payload: Ethernet (with VLAN tags), Linux
 * cooked v1 and v2, raw IP, BSD loopback; IPv4, IPv6; checksums verified.
 *
 * A checksum left to the network card (CHECKSUM_PARTIAL) shows in a capture at
 * the sender as the folded pseudo-header sum. It is accepted only if the field
 * equals that sum exactly and the full sum is wrong: 1 in 65,536 honest packets
 * has such a field by chance, and these are right in full. */
#ifndef FANBENCH_PCAP_READ_UDP_H
#define FANBENCH_PCAP_READ_UDP_H

#include "pcap-tools/read/capture.h"
#include "pcap-tools/read/cursor.h"

struct qp_end {
  uint8_t addr[16]; /* IPv4: the first 4, the rest zero */
  uint16_t port;
  uint8_t family; /* 4 or 6 */
};

struct qp_tuple {
  struct qp_end src, dst;
};

enum qp_sum {
  QP_SUM_RIGHT,
  QP_SUM_PARTIAL, /* CHECKSUM_PARTIAL */
  QP_SUM_ABSENT,  /* zero on IPv4: not used; zero on IPv6 is QP_SUM_WRONG */
  QP_SUM_WRONG,
  QP_SUM_UNKNOWN, /* the capture cut the packet */
};

enum qp_udp_kind {
  QP_UDP,
  QP_UDP_OTHER,     /* not IP or not UDP */
  QP_UDP_FRAGMENT,  /* IP fragment: counted, not put together */
  QP_UDP_MALFORMED, /* lengths disagree */
};

struct qp_udp {
  struct qp_tuple tuple;
  const uint8_t *payload;
  size_t len;        /* captured part of the payload */
  bool cut;          /* the capture holds less than the wire had */
  enum qp_sum sum;   /* of UDP */
  uint16_t sum_wire; /* the field */
  uint16_t sum_want; /* what it had to be */
  bool ip_sum_wrong; /* IPv4 header */
};

enum qp_udp_kind qp_udp_parse(const struct qp_frame *frame, struct qp_udp *udp);

/* Port ignored. */
static inline bool qp_addr_equal(const struct qp_end *a, const struct qp_end *b) {
  return a->family == b->family && !memcmp(a->addr, b->addr, sizeof a->addr);
}

static inline bool qp_end_equal(const struct qp_end *a, const struct qp_end *b) {
  return a->port == b->port && qp_addr_equal(a, b);
}
/* "10.0.0.1:4433", "[fd00::1]:4433". */
#define QP_END_TEXT 56
const char *qp_end_text(const struct qp_end *end, char text[QP_END_TEXT]);
/* Address without port; false if text is none. */
bool qp_addr_parse(const char *text, struct qp_end *end);

#endif
