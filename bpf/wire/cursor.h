/* How the parsers of this folder reach bytes, natively and in BPF.
 *
 * A parser is given a buffer `base` and the region [at, end) in it, moves `at`
 * forward and never leaves the region. Positions it reports are offsets from
 * `base`, so that a caller can rewrite a field in place. On an error nothing is
 * reported and the cursor stays where it was.
 *
 * This file is the only place where the two targets differ. In BPF the verifier
 * wants to see each offset bounded: `base` must be a buffer of WIRE_BUF_LEN bytes
 * with at least 16 readable and writable bytes behind it, and loads and stores
 * are 8 bytes wide. Natively nothing outside the region is touched. */
#ifndef FANBENCH_BPF_WIRE_CURSOR_H
#define FANBENCH_BPF_WIRE_CURSOR_H

#ifdef __bpf__

typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __SIZE_TYPE__ size_t;

#define WIRE_INLINE  static inline __attribute__((always_inline))
#define WIRE_BUF_LEN 2048
/* Most rounds of a loop over a list in a frame (ACK ranges). */
#define WIRE_LOOP_LIMIT 256

/* `at` as an index of a buffer of WIRE_BUF_LEN bytes. The compiler must not see
 * that the mask changes nothing, or it drops it and the verifier objects. */
WIRE_INLINE uint64_t wire_mask(uint64_t at) {
  __asm__ volatile("%0 &= 2047" : "+r"(at));
  return at;
}

typedef uint64_t __attribute__((may_alias)) wire_any64;

/* n bytes at p, big-endian, n = 1..8. */
WIRE_INLINE uint64_t wire_load_be(const uint8_t *p, size_t n) {
  return __builtin_bswap64(*(const wire_any64 *)p) >> (64 - 8 * n);
}

/* The low n bytes of v to p, big-endian, n = 1..8; bytes behind stay as they are. */
WIRE_INLINE void wire_store_be(uint8_t *p, size_t n, uint64_t v) {
  uint64_t old = __builtin_bswap64(*(wire_any64 *)p);
  uint64_t keep = n < 8 ? ~0ull >> (8 * n) : 0;
  *(wire_any64 *)p = __builtin_bswap64((old & keep) | v << (64 - 8 * n));
}

/* How many of the bytes [at, end) from the front are 0. */
WIRE_INLINE uint32_t wire_zeros(const uint8_t *base, uint32_t at, uint32_t end) {
  uint32_t n = 0;
  for (int i = 0; i < WIRE_BUF_LEN / 8; i++, n += 8) {
    if (at + n >= end)
      break;
    uint64_t word = __builtin_bswap64(*(const wire_any64 *)(base + wire_mask(at + n)));
    if (word == 0)
      continue;
    for (int j = 0; j < 7 && word >> 56 == 0; j++, word <<= 8)
      n++;
    break;
  }
  return at + n > end ? end - at : n;
}

#else

#include <stddef.h>
#include <stdint.h>

#define WIRE_INLINE     static inline __attribute__((unused))
#define WIRE_LOOP_LIMIT UINT64_MAX

WIRE_INLINE uint64_t wire_mask(uint64_t at) {
  return at;
}

WIRE_INLINE uint64_t wire_load_be(const uint8_t *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++)
    v = v << 8 | p[i];
  return v;
}

WIRE_INLINE void wire_store_be(uint8_t *p, size_t n, uint64_t v) {
  for (size_t i = n; i > 0; i--, v >>= 8)
    p[i - 1] = (uint8_t)v;
}

/* How many of the bytes [at, end) from the front are 0. */
WIRE_INLINE uint32_t wire_zeros(const uint8_t *base, uint32_t at, uint32_t end) {
  uint32_t i = at;
  while (i < end && base[i] == 0)
    i++;
  return i - at;
}

#endif

struct wire_cursor {
  const uint8_t *base;
  uint32_t at, end; /* end excluded */
};

/* A number and where it stands. len 0 = the field is absent (value 0). */
struct wire_num {
  uint64_t v;
  uint32_t at;
  uint32_t len;
};

WIRE_INLINE struct wire_cursor wire_cursor(const uint8_t *base, size_t at, size_t end) {
  struct wire_cursor c = {base, (uint32_t)at, (uint32_t)end};
  return c;
}

WIRE_INLINE const uint8_t *wire_here(const struct wire_cursor *c) {
  return c->base + wire_mask(c->at);
}

WIRE_INLINE uint32_t wire_left(const struct wire_cursor *c) {
  return c->at < c->end ? c->end - c->at : 0;
}

/* One byte; 0 if there is none. */
WIRE_INLINE int wire_get_u8(struct wire_cursor *c, uint8_t *v) {
  if (c->at >= c->end)
    return 0;
  *v = *wire_here(c);
  c->at++;
  return 1;
}

/* Steps over n bytes; 0 if there are fewer. */
WIRE_INLINE int wire_skip(struct wire_cursor *c, uint64_t n) {
  if (n > wire_left(c))
    return 0;
  c->at += (uint32_t)n;
  return 1;
}

#endif
