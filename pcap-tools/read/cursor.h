/* A cursor over bytes that are not trusted.
 *
 * Every take checks the room first. The first one that fails sets `bad`; from
 * then on all takes give 0 and move nothing, so a parser may read a whole
 * structure and look at `bad` once. The cursor borrows the bytes. */
#ifndef FANBENCH_PCAP_READ_CURSOR_H
#define FANBENCH_PCAP_READ_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct qp_cur {
  const uint8_t *p, *end;
  bool bad;
};

static inline struct qp_cur qp_cur(const uint8_t *p, size_t len) {
  return (struct qp_cur){.p = p, .end = len ? p + len : p};
}

static inline size_t qp_left(const struct qp_cur *c) {
  return (size_t)(c->end - c->p);
}

/* len bytes, or NULL. A take of 0 bytes gives a pointer that must not be read. */
static inline const uint8_t *qp_take(struct qp_cur *c, uint64_t len) {
  if (c->bad || len > qp_left(c)) {
    c->bad = true;
    return NULL;
  }
  const uint8_t *p = c->p;
  if (len)
    c->p += len;
  return p;
}

/* A cursor over the next len bytes; empty and bad if they are not there. */
static inline struct qp_cur qp_sub(struct qp_cur *c, uint64_t len) {
  const uint8_t *p = qp_take(c, len);
  if (c->bad)
    return (struct qp_cur){.p = c->p, .end = c->p, .bad = true};
  return qp_cur(p, (size_t)len);
}

/* Big-endian. */
static inline uint64_t qp_be(struct qp_cur *c, size_t len) {
  const uint8_t *p = qp_take(c, len);
  uint64_t v = 0;
  for (size_t i = 0; p && i < len; i++)
    v = v << 8 | p[i];
  return v;
}
static inline uint8_t qp_u8(struct qp_cur *c) {
  return (uint8_t)qp_be(c, 1);
}
static inline uint16_t qp_u16(struct qp_cur *c) {
  return (uint16_t)qp_be(c, 2);
}
static inline uint32_t qp_u32(struct qp_cur *c) {
  return (uint32_t)qp_be(c, 4);
}

/* QUIC variable-length integer, RFC 9000 section 16. */
static inline uint64_t qp_varint(struct qp_cur *c) {
  static const uint8_t lengths[4] = {1, 2, 4, 8}, bits[4] = {6, 14, 30, 62};
  if (c->bad || !c->p || c->p == c->end) {
    c->bad = true;
    return 0;
  }
  unsigned form = *c->p >> 6 & 3; /* the top two bits are the length */
  uint64_t v = qp_be(c, lengths[form]);
  return c->bad ? 0 : v & (((uint64_t)1 << bits[form]) - 1);
}

/* MoQT vi64, draft-ietf-moq-transport-20: leading ones + 1 = length. */
static inline uint64_t qp_vi64(struct qp_cur *c) {
  if (c->bad || !c->p || c->p == c->end) {
    c->bad = true;
    return 0;
  }
  size_t len = 1;
  while (len < 9 && (*c->p & (0x80u >> (len - 1))))
    len++;
  uint64_t first = (uint64_t)(*c->p) & (len < 9 ? 0xffu >> len : 0);
  const uint8_t *p = qp_take(c, len);
  if (!p)
    return 0;
  uint64_t v = first;
  for (size_t i = 1; i < len; i++)
    v = v << 8 | p[i];
  return v;
}

#endif
