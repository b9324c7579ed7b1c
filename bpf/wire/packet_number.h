/* Packet numbers on the wire (RFC 9000 section 17.1, appendices A.2 and A.3). */
#ifndef FANBENCH_BPF_WIRE_PACKET_NUMBER_H
#define FANBENCH_BPF_WIRE_PACKET_NUMBER_H

#include "bpf/wire/cursor.h"

#define WIRE_PN_MAX  ((1ull << 62) - 1)
#define WIRE_PN_NONE (~0ull)

/* Fewest bytes (1..4) from which the peer recovers `pn`, if the largest number that
 * it acknowledged is `acked` (WIRE_PN_NONE = none yet). 0 = not even 4 suffice. */
WIRE_INLINE size_t wire_pn_len(uint64_t pn, uint64_t acked) {
  uint64_t unacked = acked == WIRE_PN_NONE ? pn + 1 : pn - acked;
  /* The window must exceed twice the distance: unacked < 2^(8n - 1). */
  for (size_t n = 1; n <= 4; n++)
    if (unacked <= 1ull << (8 * n - 1))
      return n;
  return 0;
}

/* The low 8n bits that stand on the wire. */
WIRE_INLINE uint32_t wire_pn_truncate(uint64_t pn, size_t n) {
  return (uint32_t)(pn & (~0ull >> (64 - 8 * n)));
}

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
