#include "pcap-tools/read/sum.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

static uint32_t fold(uint64_t wide) {
  while (wide >> 16)
    wide = (wide & 0xffff) + (wide >> 16);
  return (uint32_t)wide;
}

/* Sums in this machine's byte order, 32 bits at a time in lanes of 64 (section 2 (B), (C)):
 * no carry is lost in 2^32 additions. The compiler has instructions for lanes. */
#define SUM_LANES(name, lanes, attribute)                                                          \
  typedef uint64_t name##_lanes __attribute__((vector_size(8 * (lanes))));                         \
  typedef name##_lanes name##_loose __attribute__((aligned(1), may_alias));                        \
  attribute static uint64_t name(const uint8_t *p, size_t len) {                                   \
    enum { STEP = sizeof(name##_lanes) };                                                          \
    name##_lanes low = {0}, high = {0}, low2 = {0}, high2 = {0};                                   \
    uint8_t tail[STEP] = {0};                                                                      \
    uint64_t wide = 0;                                                                             \
    for (; len >= 2 * STEP; p += 2 * STEP, len -= 2 * STEP) {                                      \
      name##_lanes v = *(const name##_loose *)p, w = *(const name##_loose *)(p + STEP);            \
      low += v & UINT32_MAX;                                                                       \
      high += v >> 32;                                                                             \
      low2 += w & UINT32_MAX;                                                                      \
      high2 += w >> 32;                                                                            \
    }                                                                                              \
    for (bool last = false; !last;) {                                                              \
      last = len < STEP;                                                                           \
      memcpy(tail, p, last ? len : STEP);                                                          \
      name##_lanes v = *(const name##_loose *)tail;                                                \
      low += v & UINT32_MAX;                                                                       \
      high += v >> 32;                                                                             \
      memset(tail, 0, STEP);                                                                       \
      p += STEP;                                                                                   \
      len -= last ? 0 : STEP;                                                                      \
    }                                                                                              \
    low += low2 + high + high2;                                                                    \
    for (int i = 0; i < (lanes); i++)                                                              \
      wide += fold(low[i]);                                                                        \
    return wide;                                                                                   \
  }

SUM_LANES(sum_narrow, 2, )

#ifdef __x86_64__
SUM_LANES(sum_wide, 4, __attribute__((target("avx2"))))

static uint64_t sum_words(const uint8_t *p, size_t len) {
  return __builtin_cpu_supports("avx2") ? sum_wide(p, len) : sum_narrow(p, len);
}
#else
static uint64_t sum_words(const uint8_t *p, size_t len) {
  return sum_narrow(p, len);
}
#endif

/* IP headers are too short for lanes. */
static uint64_t sum_few(const uint8_t *p, size_t len) {
  uint64_t sum = 0;
  uint32_t word;
  for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
    memcpy(&word, p, sizeof word);
    sum += word;
  }
  word = 0;
  memcpy(&word, p, len);
  return sum + word;
}

uint32_t qp_sum(const uint8_t *p, size_t len, uint32_t sum) {
  uint64_t wide = len <= 40 ? sum_few(p, len) : sum_words(p, len);
  return fold((uint64_t)sum + ntohs((uint16_t)fold(wide)));
}
