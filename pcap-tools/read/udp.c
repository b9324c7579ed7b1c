#include "pcap-tools/read/udp.h"

#include <arpa/inet.h>
#include <pcap/dlt.h>
#include <stdio.h>

#include "pcap-tools/read/sum.h"

enum { ETH_IP4 = 0x0800, ETH_IP6 = 0x86dd, ETH_VLAN = 0x8100, ETH_QINQ = 0x88a8, PROTO_UDP = 17 };

static uint32_t fold(uint32_t sum) {
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* The EtherType of what follows; 0 = neither IP version. */
static uint16_t link_layer(const struct qp_frame *f, struct qp_cur *c) {
  uint16_t type = 0;
  switch (f->linktype) {
  case DLT_EN10MB:
    qp_take(c, 12);
    type = qp_u16(c);
    while (!c->bad && (type == ETH_VLAN || type == ETH_QINQ)) {
      qp_take(c, 2);
      type = qp_u16(c);
    }
    return type;
  case DLT_LINUX_SLL:
    qp_take(c, 14);
    return qp_u16(c);
  case DLT_LINUX_SLL2:
    type = qp_u16(c);
    qp_take(c, 18);
    return type;
  case DLT_NULL:
  case DLT_LOOP:
    qp_take(c, 4);
    break;
  case DLT_RAW:
  case DLT_IPV4:
  case DLT_IPV6:
    break;
  default:
    return 0;
  }
  if (c->bad || !qp_left(c))
    return 0;
  return *c->p >> 4 == 4 ? ETH_IP4 : *c->p >> 4 == 6 ? ETH_IP6 : 0;
}

/* What is known below UDP. */
struct ip {
  struct qp_cur body;  /* the captured part */
  size_t wire_len;     /* of the body, by the IP header */
  uint32_t pseudo_sum; /* addresses and protocol; the length is still missing */
};

static enum qp_udp_kind ip4(struct qp_cur *c, struct qp_udp *u, struct ip *ip) {
  const uint8_t *h = c->p;
  if (qp_left(c) < 20 || (h[0] >> 4) != 4)
    return QP_UDP_MALFORMED;
  size_t header = (size_t)(h[0] & 15) * 4, total = (size_t)h[2] << 8 | h[3];
  if (header < 20 || total < header || qp_left(c) < header)
    return QP_UDP_MALFORMED;
  if (h[9] != PROTO_UDP)
    return QP_UDP_OTHER;
  if (((h[6] & 0x3f) | h[7]) != 0) /* more fragments, or an offset */
    return QP_UDP_FRAGMENT;
  u->ip_sum_wrong = qp_sum(h, header, 0) != 0xffff;
  u->tuple.src.family = u->tuple.dst.family = 4;
  memcpy(u->tuple.src.addr, h + 12, 4);
  memcpy(u->tuple.dst.addr, h + 16, 4);
  ip->pseudo_sum = qp_sum(h + 12, 8, PROTO_UDP);
  qp_take(c, header);
  ip->wire_len = total - header;
  ip->body = qp_cur(c->p, qp_left(c) < ip->wire_len ? qp_left(c) : ip->wire_len);
  return QP_UDP;
}

static enum qp_udp_kind ip6(struct qp_cur *c, struct qp_udp *u, struct ip *ip) {
  const uint8_t *h = qp_take(c, 40);
  if (!h || (h[0] >> 4) != 6)
    return QP_UDP_MALFORMED;
  size_t total = (size_t)h[4] << 8 | h[5];
  uint8_t next = h[6];
  u->tuple.src.family = u->tuple.dst.family = 6;
  memcpy(u->tuple.src.addr, h + 8, 16);
  memcpy(u->tuple.dst.addr, h + 24, 16);
  ip->pseudo_sum = qp_sum(h + 8, 32, PROTO_UDP);
  while (next == 0 || next == 43 || next == 60) { /* hop-by-hop, routing, destination options */
    const uint8_t *ext = qp_take(c, 8);
    if (!ext)
      return QP_UDP_MALFORMED;
    size_t more = (size_t)ext[1] * 8;
    qp_take(c, more);
    if (c->bad || total < 8 + more)
      return QP_UDP_MALFORMED;
    total -= 8 + more;
    next = ext[0];
  }
  if (next == 44)
    return QP_UDP_FRAGMENT;
  if (next != PROTO_UDP)
    return QP_UDP_OTHER;
  ip->wire_len = total;
  ip->body = qp_cur(c->p, qp_left(c) < total ? qp_left(c) : total);
  return QP_UDP;
}

static void verify(const struct ip *ip, const uint8_t *udp, size_t udp_len, struct qp_udp *u) {
  u->sum_wire = (uint16_t)(udp[6] << 8 | udp[7]);
  if (!u->sum_wire && u->tuple.src.family == 4) {
    u->sum = QP_SUM_ABSENT;
    return;
  }
  if (u->cut) {
    u->sum = QP_SUM_UNKNOWN;
    return;
  }
  uint32_t pseudo = fold(ip->pseudo_sum + (uint32_t)udp_len);
  uint32_t full = qp_sum(udp, udp_len, pseudo);
  uint32_t without = fold(full + (0xffffu ^ u->sum_wire)); /* the sum with the field at zero */
  u->sum_want = (uint16_t)(0xffffu ^ without);
  if (!u->sum_want)
    u->sum_want = 0xffff;
  if (u->sum_wire && full == 0xffff)
    u->sum = QP_SUM_RIGHT;
  else
    u->sum = u->sum_wire == pseudo ? QP_SUM_PARTIAL : QP_SUM_WRONG;
}

enum qp_udp_kind qp_udp_parse(const struct qp_frame *f, struct qp_udp *u) {
  struct qp_cur c = qp_cur(f->data, f->len);
  struct ip ip = {0};
  memset(u, 0, sizeof *u);
  uint16_t type = link_layer(f, &c);
  if (c.bad || (type != ETH_IP4 && type != ETH_IP6))
    return QP_UDP_OTHER;
  enum qp_udp_kind kind = type == ETH_IP4 ? ip4(&c, u, &ip) : ip6(&c, u, &ip);
  if (kind != QP_UDP)
    return kind;
  const uint8_t *h = qp_take(&ip.body, 8);
  if (!h)
    return QP_UDP_MALFORMED;
  u->tuple.src.port = (uint16_t)(h[0] << 8 | h[1]);
  u->tuple.dst.port = (uint16_t)(h[2] << 8 | h[3]);
  size_t len = (size_t)h[4] << 8 | h[5];
  if (len < 8 || len > ip.wire_len)
    return QP_UDP_MALFORMED;
  size_t body = len - 8;
  u->payload = ip.body.p;
  u->len = qp_left(&ip.body) < body ? qp_left(&ip.body) : body;
  u->cut = u->len < body;
  verify(&ip, h, len, u);
  return QP_UDP;
}

const char *qp_end_text(const struct qp_end *end, char text[QP_END_TEXT]) {
  char addr[INET6_ADDRSTRLEN] = "?";
  inet_ntop(end->family == 4 ? AF_INET : AF_INET6, end->addr, addr, sizeof addr);
  snprintf(text, QP_END_TEXT, end->family == 4 ? "%s:%u" : "[%s]:%u", addr, end->port);
  return text;
}

bool qp_addr_parse(const char *text, struct qp_end *end) {
  memset(end, 0, sizeof *end);
  if (inet_pton(AF_INET, text, end->addr) == 1)
    end->family = 4;
  else if (inet_pton(AF_INET6, text, end->addr) == 1)
    end->family = 6;
  return end->family != 0;
}
