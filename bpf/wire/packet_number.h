/* Packet numbers on the wire (RFC 9000 section 17.1, appendix A.3). */
#ifndef FANBENCH_BPF_WIRE_PACKET_NUMBER_H
#define FANBENCH_BPF_WIRE_PACKET_NUMBER_H

#include "bpf/wire/cursor.h"

#define WIRE_PN_MAX ((1ull << 62) - 1)

/* The full number: the one closest to `expected` (largest authenticated + 1) whose
 * low 8n bits are `truncated`. n = 1..4. */
WIRE_INLINE uint64_t wire_pn_expand(uint64_t expected, uint64_t truncated, size_t n) {
  uint64_t win = 1ull << (8 * n), half = win / 2;
  uint64_t candidate = (expected & ~(win - 1)) | truncated;
  if (candidate + half <= expected && candidate < WIRE_PN_MAX + 1 - win)
    return candidate + win;
  if (candidate > expected + half && candidate >= win)
    return candidate - win;
  return candidate;
}

#endif
