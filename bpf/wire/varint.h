/* Variable-length integers of QUIC (RFC 9000 section 16): 62 bits in 1, 2, 4 or 8
 * bytes; the two top bits of the first byte are log2 of the length. Any length
 * that holds the value is valid. */
#ifndef FANBENCH_BPF_WIRE_VARINT_H
#define FANBENCH_BPF_WIRE_VARINT_H

#include "bpf/wire/cursor.h"

#define WIRE_VARINT_MAX ((1ull << 62) - 1)

/* Length that a first byte announces: 1, 2, 4 or 8. */
WIRE_INLINE size_t wire_varint_width(uint8_t first) {
  return (size_t)1 << (first >> 6);
}

/* Reads a varint from the `len` bytes at p. Returns the bytes consumed, 0 = too few. */
WIRE_INLINE size_t wire_varint_get(const uint8_t *p, size_t len, uint64_t *v) {
  if (len == 0)
    return 0;
  size_t n = wire_varint_width(p[0]);
  if (len < n)
    return 0;
  *v = wire_load_be(p, n) & (~0ull >> (66 - 8 * n));
  return n;
}

/* Shortest length for v; 0 = v is above WIRE_VARINT_MAX. */
WIRE_INLINE size_t wire_varint_len(uint64_t v) {
  if (v < 1ull << 6)
    return 1;
  if (v < 1ull << 14)
    return 2;
  if (v < 1ull << 30)
    return 4;
  return v <= WIRE_VARINT_MAX ? 8 : 0;
}

/* Writes v in exactly `width` bytes (1, 2, 4, 8). Returns width, or 0 (nothing
 * written) if v does not fit or the width is none of these. */
WIRE_INLINE size_t wire_varint_put_width(uint8_t *p, size_t width, uint64_t v) {
  if (width != 1 && width != 2 && width != 4 && width != 8)
    return 0;
  if (v >> (8 * width - 2))
    return 0;
  uint64_t log2 = (width >> 1) - (width >> 3);
  wire_store_be(p, width, v | log2 << (8 * width - 2));
  return width;
}

/* Writes v in its shortest form; there must be room for 8 bytes. Returns the
 * length, 0 = v is above WIRE_VARINT_MAX. */
WIRE_INLINE size_t wire_varint_put(uint8_t *p, uint64_t v) {
  return wire_varint_put_width(p, wire_varint_len(v), v);
}

/* The same from a cursor; 0 = too few bytes. */
WIRE_INLINE int wire_get_varint(struct wire_cursor *c, uint64_t *v) {
  size_t n = wire_varint_get(wire_here(c), wire_left(c), v);
  c->at += (uint32_t)n;
  return n != 0;
}

WIRE_INLINE int wire_get_varint_num(struct wire_cursor *c, struct wire_num *num) {
  uint64_t v = 0;
  uint32_t at = c->at;
  if (!wire_get_varint(c, &v))
    return 0;
  num->v = v;
  num->at = at;
  num->len = c->at - at;
  return 1;
}

#endif
