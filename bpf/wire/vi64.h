/* Variable-length integers of MoQT (draft-ietf-moq-transport-20, "Variable-Length
 * Integers"): 64 bits in 1 to 9 bytes; the leading one-bits of the first byte, plus
 * one, are the length. Any length that holds the value is valid. Not to be confused
 * with QUIC's varint. */
#ifndef FANBENCH_BPF_WIRE_VI64_H
#define FANBENCH_BPF_WIRE_VI64_H

#include "bpf/wire/cursor.h"

#define WIRE_VI64_MAX_LEN 9

/* Length that a first byte announces: 1..9. One carry for each leading one-bit;
 * no branches, so that the verifier follows one path. */
WIRE_INLINE size_t wire_vi64_width(uint8_t first) {
  uint32_t b = first;
  return 1 + ((b + 128) >> 8) + ((b + 64) >> 8) + ((b + 32) >> 8) + ((b + 16) >> 8) +
         ((b + 8) >> 8) + ((b + 4) >> 8) + ((b + 2) >> 8) + ((b + 1) >> 8);
}

/* Reads a vi64 from the `len` bytes at p. Returns the bytes consumed, 0 = too few. */
WIRE_INLINE size_t wire_vi64_get(const uint8_t *p, size_t len, uint64_t *v) {
  if (len == 0)
    return 0;
  size_t n = wire_vi64_width(p[0]);
  if (len < n)
    return 0;
  *v = n == 9 ? wire_load_be(p + 1, 8) : wire_load_be(p, n) & (~0ull >> (64 - 7 * n));
  return n;
}

/* Shortest length for v: 1..9. */
WIRE_INLINE size_t wire_vi64_len(uint64_t v) {
  size_t n = 1;
  while (n < 9 && v >> (7 * n))
    n++;
  return n;
}

/* 1 if v can be written in `width` bytes. */
WIRE_INLINE int wire_vi64_fits(size_t width, uint64_t v) {
  return width >= 9 ? width == 9 : width > 0 && v >> (7 * width) == 0;
}

/* Writes v in exactly `width` bytes (1..9). Returns width, or 0 (nothing written)
 * if v does not fit or there is no such width. */
WIRE_INLINE size_t wire_vi64_put_width(uint8_t *p, size_t width, uint64_t v) {
  if (!wire_vi64_fits(width, v))
    return 0;
  if (width == 9) {
    p[0] = 0xff;
    wire_store_be(p + 1, 8, v);
  } else {
    uint64_t ones = 0xff00u >> (width - 1) & 0xff;
    wire_store_be(p, width, v | ones << (8 * width - 8));
  }
  return width;
}

/* Writes v in its shortest form; there must be room for 9 bytes. Returns the length. */
WIRE_INLINE size_t wire_vi64_put(uint8_t *p, uint64_t v) {
  return wire_vi64_put_width(p, wire_vi64_len(v), v);
}

/* The same from a cursor; 0 = too few bytes. */
WIRE_INLINE int wire_get_vi64(struct wire_cursor *c, uint64_t *v) {
  size_t n = wire_vi64_get(wire_here(c), wire_left(c), v);
  c->at += (uint32_t)n;
  return n != 0;
}

WIRE_INLINE int wire_get_vi64_num(struct wire_cursor *c, struct wire_num *num) {
  uint64_t v = 0;
  uint32_t at = c->at;
  if (!wire_get_vi64(c, &v))
    return 0;
  num->v = v;
  num->at = at;
  num->len = c->at - at;
  return 1;
}

#endif
