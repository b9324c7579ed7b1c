#include "bench/sim/frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETH_LEN 14
#define IP4_LEN 20
#define IP6_LEN 40
#define UDP_LEN 8
#define UDP     17
#define TTL     64

struct frame *frame_new(struct frame_pool *pool) {
  struct frame *frame = pool->free;
  if (frame != NULL)
    pool->free = frame->next;
  else
    frame = malloc(sizeof *frame);
  if (frame != NULL) {
    frame->next = NULL;
    pool->out++;
  }
  return frame;
}

void frame_give(struct frame_pool *pool, struct frame *frame) {
  frame->next = pool->free;
  pool->free = frame;
  pool->out--;
}

void frame_pool_free(struct frame_pool *pool) {
  while (pool->free != NULL) {
    struct frame *frame = pool->free;
    pool->free = frame->next;
    free(frame);
  }
}

/* ---- checksums (RFC 1071) ------------------------------------------------------------- */

/* Sums in host order; folding and storing it back is the same in either order. A sum of
 * 32-bit words of a packet never leaves 64 bits. */
static uint64_t sum(uint64_t so_far, const uint8_t *data, size_t len) {
  uint64_t lanes[4] = {so_far};
  for (; len >= 16; data += 16, len -= 16) {
    uint32_t words[4];
    memcpy(words, data, 16);
    for (int i = 0; i < 4; i++)
      lanes[i] += words[i];
  }
  so_far = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  while (len >= 4) {
    uint32_t word;
    memcpy(&word, data, 4);
    so_far += word;
    data += 4;
    len -= 4;
  }
  if (len > 0) {
    uint32_t word = 0;
    memcpy(&word, data, len);
    so_far += word;
  }
  return so_far;
}

static uint16_t fold(uint64_t value) {
  while (value >> 16 != 0)
    value = (value & 0xffff) + (value >> 16);
  return (uint16_t)value;
}

/* Over the pseudo header and the datagram; 0xffff if the one in it is right. */
static uint16_t udp_sum(const uint8_t *addrs, size_t addrs_len, const uint8_t *udp, size_t len) {
  const uint16_t rest[2] = {htons(UDP), htons((uint16_t)len)};
  uint64_t total = sum(0, addrs, addrs_len);
  total = sum(total, (const uint8_t *)rest, sizeof rest);
  return fold(sum(total, udp, len));
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put16(uint8_t *at, size_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void write_ip4(uint8_t *ip, const struct qc_path *path, size_t udp_len) {
  memset(ip, 0, IP4_LEN);
  ip[0] = 0x45;
  put16(ip + 2, IP4_LEN + udp_len);
  ip[6] = 0x40; /* DF */
  ip[8] = TTL;
  ip[9] = UDP;
  memcpy(ip + 12, &path->local.in.sin_addr, 4);
  memcpy(ip + 16, &path->remote.in.sin_addr, 4);
  const uint16_t check = (uint16_t)~fold(sum(0, ip, IP4_LEN));
  memcpy(ip + 10, &check, 2);
}

static void write_ip6(uint8_t *ip, const struct qc_path *path, size_t udp_len) {
  memset(ip, 0, IP6_LEN);
  ip[0] = 0x60;
  put16(ip + 4, udp_len);
  ip[6] = UDP;
  ip[7] = TTL;
  memcpy(ip + 8, &path->local.in6.sin6_addr, 16);
  memcpy(ip + 24, &path->remote.in6.sin6_addr, 16);
}

bool frame_wrap(struct frame *frame, const struct qc_path *path, const uint8_t src_mac[6],
                const uint8_t dst_mac[6], const uint8_t *payload, size_t len) {
  const bool six = path->remote.sa.sa_family == AF_INET6;
  const size_t ip_len = six ? IP6_LEN : IP4_LEN;
  uint8_t *ip = frame->bytes + ETH_LEN, *udp = ip + ip_len;
  if (ETH_LEN + ip_len + UDP_LEN + len > FRAME_ROOM)
    return false;
  memcpy(frame->bytes, dst_mac, 6);
  memcpy(frame->bytes + 6, src_mac, 6);
  put16(frame->bytes + 12, six ? 0x86dd : 0x0800);
  if (six)
    write_ip6(ip, path, UDP_LEN + len);
  else
    write_ip4(ip, path, UDP_LEN + len);
  memcpy(udp, six ? &path->local.in6.sin6_port : &path->local.in.sin_port, 2);
  memcpy(udp + 2, six ? &path->remote.in6.sin6_port : &path->remote.in.sin_port, 2);
  put16(udp + 4, UDP_LEN + len);
  put16(udp + 6, 0);
  memcpy(udp + UDP_LEN, payload, len);
  uint16_t check = (uint16_t)~udp_sum(six ? ip + 8 : ip + 12, six ? 32 : 8, udp, UDP_LEN + len);
  if (check == 0)
    check = 0xffff; /* 0 says that there is none */
  memcpy(udp + 6, &check, 2);
  frame->len = ETH_LEN + ip_len + UDP_LEN + len;
  return true;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void take_addr(struct qc_addr *to, bool six, const uint8_t *addr, const uint8_t *port) {
  memset(to, 0, sizeof *to);
  if (six) {
    to->in6.sin6_family = AF_INET6;
    memcpy(&to->in6.sin6_addr, addr, 16);
    memcpy(&to->in6.sin6_port, port, 2);
    to->len = sizeof to->in6;
  } else {
    to->in.sin_family = AF_INET;
    memcpy(&to->in.sin_addr, addr, 4);
    memcpy(&to->in.sin_port, port, 2);
    to->len = sizeof to->in;
  }
}

static size_t get16(const uint8_t *at) {
  return (size_t)at[0] << 8 | at[1];
}

/* Length of the IP header; 0: not an IP packet without options that carries UDP. */
static size_t open_ip(const struct frame *frame, bool *six) {
  const uint8_t *ip = frame->bytes + ETH_LEN;
  const size_t type = get16(frame->bytes + 12);
  *six = type == 0x86dd;
  if (*six)
    return frame->len >= ETH_LEN + IP6_LEN + UDP_LEN && ip[0] >> 4 == 6 && ip[6] == UDP ? IP6_LEN
                                                                                        : 0;
  if (type != 0x0800 || frame->len < ETH_LEN + IP4_LEN + UDP_LEN || ip[0] != 0x45 || ip[9] != UDP ||
      fold(sum(0, ip, IP4_LEN)) != 0xffff)
    return 0;
  return IP4_LEN;
}

uint16_t frame_port(const struct frame *frame) {
  bool six;
  uint16_t port = 0;
  const size_t ip_len = frame->len >= ETH_LEN ? open_ip(frame, &six) : 0;
  if (ip_len > 0)
    memcpy(&port, frame->bytes + ETH_LEN + ip_len + 2, 2);
  return port;
}

size_t frame_payload_at(const struct frame *frame) {
  bool six;
  return ETH_LEN + open_ip(frame, &six) + UDP_LEN;
}

bool frame_open(const struct frame *frame, struct frame_view *view) {
  bool six;
  const uint8_t *ip = frame->bytes + ETH_LEN;
  const size_t ip_len = frame->len >= ETH_LEN ? open_ip(frame, &six) : 0;
  if (ip_len == 0)
    return false;
  const uint8_t *udp = ip + ip_len, *addrs = six ? ip + 8 : ip + 12;
  const size_t addr_len = six ? 16 : 4, udp_len = get16(udp + 4);
  if (udp_len < UDP_LEN || ETH_LEN + ip_len + udp_len > frame->len ||
      udp_sum(addrs, 2 * addr_len, udp, udp_len) != 0xffff)
    return false;
  take_addr(&view->path.remote, six, addrs, udp);
  take_addr(&view->path.local, six, addrs + addr_len, udp + 2);
  view->path.ifindex = 0;
  view->payload = udp + UDP_LEN;
  view->len = udp_len - UDP_LEN;
  return true;
}

/* ---- addresses --------------------------------------------------------------------------- */

uint16_t *frame_port_of(struct qc_addr *addr) {
  return addr->sa.sa_family == AF_INET6 ? &addr->in6.sin6_port : &addr->in.sin_port;
}

void frame_authority(const struct qc_addr *addr, char *text, size_t len) {
  char ip[INET6_ADDRSTRLEN] = "";
  const bool six = addr->sa.sa_family == AF_INET6;
  inet_ntop(addr->sa.sa_family, six ? (const void *)&addr->in6.sin6_addr : &addr->in.sin_addr, ip,
            sizeof ip);
  snprintf(text, len, six ? "[%s]:%u" : "%s:%u", ip,
           ntohs(six ? addr->in6.sin6_port : addr->in.sin_port));
}

/* ---- forwarding ----------------------------------------------------------------------------- */

bool frame_destination(const struct frame *frame, struct qc_addr *to) {
  static const uint8_t no_port[2];
  bool six;
  if (frame->len < ETH_LEN || open_ip(frame, &six) == 0)
    return false;
  take_addr(to, six, frame->bytes + ETH_LEN + (six ? 24 : 16), no_port);
  return true;
}

bool frame_forward(struct frame *frame, const uint8_t src_mac[6], const uint8_t dst_mac[6]) {
  uint8_t *ip = frame->bytes + ETH_LEN;
  const bool six = ip[0] >> 4 == 6;
  uint8_t *left = six ? ip + 7 : ip + 8;
  if (*left <= 1)
    return false;
  --*left;
  if (!six) {
    memset(ip + 10, 0, 2);
    const uint16_t check = (uint16_t)~fold(sum(0, ip, IP4_LEN));
    memcpy(ip + 10, &check, 2);
  }
  memcpy(frame->bytes, dst_mac, 6);
  memcpy(frame->bytes + 6, src_mac, 6);
  return true;
}
