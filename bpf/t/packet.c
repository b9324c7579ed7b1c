#include "bpf/t/packet.h"

#include "bpf/t/protect.h"
#include "bpf/wire/frame_type.h"
#include "bpf/wire/varint.h"
#include "bpf/wire/vi64.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- parts ----------------------------------------------------------------------- */

struct piece nothing(void) {
  return (struct piece){0};
}

struct piece text(const char *s) {
  struct piece p = {.len = strlen(s)};
  memcpy(p.bytes, s, p.len);
  return p;
}

struct piece hex(const char *digits) {
  struct piece p = {0};
  for (const char *s = digits; *s; s++) {
    unsigned byte = 0;
    if (*s == ' ')
      continue;
    int got = sscanf(s, "%2x", &byte);
    assert(got == 1);
    p.bytes[p.len++] = (uint8_t)byte;
    s++;
  }
  return p;
}

struct piece bytes(size_t n, uint8_t first) {
  struct piece p = {.len = n};
  for (size_t i = 0; i < n; i++)
    p.bytes[i] = (uint8_t)(first + i);
  return p;
}

struct piece cat(struct piece a, struct piece b) {
  assert(a.len + b.len <= PIECE_MAX);
  memcpy(a.bytes + a.len, b.bytes, b.len);
  a.len += b.len;
  return a;
}

struct piece varint(uint64_t v, size_t width) {
  struct piece p = {0};
  p.len = wire_varint_put_width(p.bytes, width ? width : wire_varint_len(v), v);
  assert(p.len);
  return p;
}

struct piece vi64(uint64_t v, size_t width) {
  struct piece p = {0};
  p.len = wire_vi64_put_width(p.bytes, width ? width : wire_vi64_len(v), v);
  assert(p.len);
  return p;
}

/* ---- MoQT ------------------------------------------------------------------------ */

struct piece subgroup(uint64_t alias, uint64_t group) {
  return cat(cat(hex("70"), vi64(alias, 0)), vi64(group, 0));
}

struct piece subgroup_of(uint64_t alias, size_t alias_width, uint64_t group, uint8_t priority) {
  struct piece last = {.len = 1, .bytes = {priority}};
  return cat(cat(cat(hex("50"), vi64(alias, alias_width)), vi64(group, 0)), last);
}

struct piece object(uint64_t alias, size_t alias_width, uint64_t group, uint64_t object_id) {
  return cat(cat(cat(hex("08"), vi64(alias, alias_width)), vi64(group, 0)), vi64(object_id, 0));
}

/* ---- frames ---------------------------------------------------------------------- */

static struct piece typed(uint64_t type) {
  return varint(type, 0);
}

struct piece stream_of(uint64_t id, size_t id_width, uint64_t offset, struct piece data, int fin) {
  uint64_t type = WIRE_STREAM | WIRE_STREAM_LEN | (offset ? WIRE_STREAM_OFF : 0u) |
                  (fin ? WIRE_STREAM_FIN : 0u);
  struct piece p = cat(typed(type), varint(id, id_width));
  if (offset)
    p = cat(p, varint(offset, 0));
  return cat(cat(p, varint(data.len, 0)), data);
}

struct piece stream(uint64_t id, uint64_t offset, struct piece data) {
  return stream_of(id, 0, offset, data, 0);
}
struct piece stream_fin(uint64_t id, uint64_t offset, struct piece data) {
  return stream_of(id, 0, offset, data, 1);
}

struct piece stream_rest(uint64_t id, uint64_t offset, struct piece data) {
  struct piece p = cat(typed(WIRE_STREAM | (offset ? WIRE_STREAM_OFF : 0u)), varint(id, 0));
  if (offset)
    p = cat(p, varint(offset, 0));
  return cat(p, data);
}

struct piece datagram(struct piece data) {
  return cat(cat(typed(WIRE_DATAGRAM_LEN), varint(data.len, 0)), data);
}
struct piece datagram_rest(struct piece data) {
  return cat(typed(WIRE_DATAGRAM), data);
}
struct piece ping(void) {
  return typed(WIRE_PING);
}
struct piece padding(size_t n) {
  return (struct piece){.len = n};
}

struct piece ack(uint64_t largest, uint64_t first_range) {
  struct piece p = cat(cat(typed(WIRE_ACK), varint(largest, 0)), varint(0, 0));
  return cat(cat(p, varint(0, 0)), varint(first_range, 0));
}

struct piece ack_ranges(uint64_t largest, size_t ranges) {
  struct piece p = cat(cat(typed(WIRE_ACK), varint(largest, 0)), varint(0, 0));
  p = cat(cat(p, varint(ranges, 0)), varint(0, 0));
  for (size_t i = 0; i < ranges; i++)
    p = cat(p, hex("00 00"));
  return p;
}

struct piece max_data(uint64_t v) {
  return cat(typed(WIRE_MAX_DATA), varint(v, 0));
}

/* ---- packets --------------------------------------------------------------------- */

const struct fb_cid_key publisher_cid = {
    .len = FB_UPSTREAM_CID, .data = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
                                     0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23}};

struct fb_path publisher_path(int family) {
  struct fb_path p = {
      .family = (__u8)family, .local_port = htons(4433), .remote_port = htons(20000)};
  if (family == 4) {
    inet_pton(AF_INET, "10.0.0.1", p.local_addr);
    inet_pton(AF_INET, "10.0.0.2", p.remote_addr);
  } else {
    inet_pton(AF_INET6, "fd00::1", p.local_addr);
    inet_pton(AF_INET6, "fd00::2", p.remote_addr);
  }
  return p;
}

static const struct secret *sealed_with;

void packet_seal_with(const struct secret *s) {
  sealed_with = s;
}

struct piece packet_payload(const struct packet *p) {
  const struct fb_cid_key *cid = p->cid ? p->cid : &publisher_cid;
  size_t pn_len = p->pn_len ? (size_t)p->pn_len : 4;
  struct piece out = {.len = 1, .bytes = {(uint8_t)((0x40 | (pn_len - 1)) ^ p->flip)}};
  struct piece number = {.len = pn_len};
  wire_store_be(number.bytes, pn_len, p->pn);
  struct piece id = {.len = cid->len};
  memcpy(id.bytes, cid->data, cid->len);
  out = cat(cat(out, id), number);
  for (size_t i = 0; i < p->n_frames; i++)
    out = cat(out, p->frames[i]);
  struct piece tag = {.len = FB_TAG_LEN};
  out = cat(out, tag);
  if (sealed_with)
    out = protect(sealed_with, out, cid->len, p->pn);
  out.bytes[out.len - 1] ^= p->bad_tag;
  return out;
}

/* The sum as anybody would write it: independent of the code under test. */
static uint16_t internet_sum(const uint8_t *p, size_t len, uint32_t sum) {
  for (size_t i = 0; i < len; i++)
    sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

static void put16(uint8_t *p, size_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static size_t ip_header(uint8_t *ip, const struct fb_path *path, size_t udp_len,
                        enum checksum checksum) {
  if (path->family == 4) {
    ip[0] = 0x45;
    ip[1] = 0x02; /* ECT(0): copies must not inherit it */
    put16(ip + 2, 20 + udp_len);
    put16(ip + 4, 0x1234);
    ip[8] = 61;
    ip[9] = 17;
    memcpy(ip + 12, path->remote_addr, 4);
    memcpy(ip + 16, path->local_addr, 4);
    put16(ip + 10, (uint16_t)~internet_sum(ip, 20, 0) ^ (checksum == CHECKSUM_IP_BAD));
    return 20;
  }
  ip[0] = 0x60;
  ip[1] = 0x25; /* ECN and a flow label that copies must not inherit */
  put16(ip + 4, udp_len);
  ip[6] = 17;
  ip[7] = 61;
  memcpy(ip + 8, path->remote_addr, 16);
  memcpy(ip + 24, path->local_addr, 16);
  return 40;
}

struct piece ethernet(const struct fb_path *path, struct piece payload, enum checksum checksum) {
  struct piece out =
      hex(path->family == 4 ? "020000000001 020000000002 0800" : "020000000001 020000000002 86dd");
  uint8_t *ip = out.bytes + out.len, *udp;
  size_t udp_len = 8 + payload.len, addr_len = path->family == 4 ? 4 : 16;
  udp = ip + ip_header(ip, path, udp_len, checksum);
  memcpy(udp, &path->remote_port, 2);
  memcpy(udp + 2, &path->local_port, 2);
  put16(udp + 4, udp_len);
  memcpy(udp + 8, payload.bytes, payload.len);
  uint32_t pseudo = internet_sum(path->remote_addr, addr_len, (uint32_t)(17 + udp_len));
  pseudo = internet_sum(path->local_addr, addr_len, pseudo);
  uint16_t good = (uint16_t)~internet_sum(udp, udp_len, pseudo);
  if (good == 0)
    good = 0xffff;
  switch (checksum) {
  case CHECKSUM_BAD:
    good ^= 0x0100;
    break;
  case CHECKSUM_PSEUDO:
    good = (uint16_t)pseudo;
    break;
  case CHECKSUM_NONE:
    good = 0;
    break;
  case CHECKSUM_GOOD:
  case CHECKSUM_IP_BAD:
    break;
  }
  put16(udp + 6, good);
  out.len = (size_t)(udp - out.bytes) + udp_len;
  return out;
}

struct sums {
  uint8_t *udp;
  size_t ip_len, udp_len;
  uint16_t pseudo, field;
};

static struct sums sums_of(uint8_t *frame, size_t len) {
  uint8_t *ip = frame + 14;
  size_t ip_len = ip[0] >> 4 == 4 ? 20 : 40, addr_len = ip_len == 20 ? 4 : 16;
  struct sums s = {.udp = ip + ip_len, .ip_len = ip_len, .udp_len = len - 14 - ip_len};
  s.pseudo = internet_sum(s.udp - 2 * addr_len, 2 * addr_len, (uint32_t)(17 + s.udp_len));
  s.field = (uint16_t)(s.udp[6] << 8 | s.udp[7]);
  return s;
}

int checksums_good(const uint8_t *frame, size_t len, int partial) {
  struct sums s = sums_of((uint8_t *)frame, len);
  if (s.ip_len == 20 && internet_sum(frame + 14, 20, 0) != 0xffff)
    return 0;
  if (partial)
    return s.field == s.pseudo;
  return s.field != 0 && internet_sum(s.udp, s.udp_len, s.pseudo) == 0xffff;
}

void checksum_renew(uint8_t *frame, size_t len) {
  struct sums s = sums_of(frame, len);
  if (s.field == s.pseudo)
    return;
  put16(s.udp + 6, 0);
  uint16_t good = (uint16_t)~internet_sum(s.udp, s.udp_len, s.pseudo);
  put16(s.udp + 6, good ? good : 0xffff);
}
