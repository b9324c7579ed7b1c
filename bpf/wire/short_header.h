/* The short header of a 1-RTT packet (RFC 9000 section 17.3.1), header protection
 * removed:
 *
 *   0 1 S R R K P P | connection ID (length known to the receiver) | number
 *
 * S spin, R reserved (0), K key phase, PP number length - 1. */
#ifndef FANBENCH_BPF_WIRE_SHORT_HEADER_H
#define FANBENCH_BPF_WIRE_SHORT_HEADER_H

#include "bpf/wire/cursor.h"

#define WIRE_LONG_HEADER   0x80
#define WIRE_FIXED_BIT     0x40
#define WIRE_SPIN_BIT      0x20
#define WIRE_RESERVED_BITS 0x18
#define WIRE_PHASE_BIT     0x04
#define WIRE_PN_LEN_BITS   0x03

WIRE_INLINE int wire_is_long_header(uint8_t first) {
  return (first & WIRE_LONG_HEADER) != 0;
}

/* 1 if the first byte can begin a short header: form 0, fixed bit 1. */
WIRE_INLINE int wire_is_short_header(uint8_t first) {
  return (first & (WIRE_LONG_HEADER | WIRE_FIXED_BIT)) == WIRE_FIXED_BIT;
}

WIRE_INLINE uint8_t wire_short_phase(uint8_t first) {
  return (first & WIRE_PHASE_BIT) != 0;
}
WIRE_INLINE uint8_t wire_short_pn_len(uint8_t first) {
  return (uint8_t)((first & WIRE_PN_LEN_BITS) + 1);
}

/* First byte of a short header; pn_len = 1..4, spin and phase 0 or 1. */
WIRE_INLINE uint8_t wire_short_first(uint8_t spin, uint8_t phase, uint8_t pn_len) {
  return (uint8_t)(WIRE_FIXED_BIT | (spin ? WIRE_SPIN_BIT : 0) | (phase ? WIRE_PHASE_BIT : 0) |
                   ((pn_len - 1) & WIRE_PN_LEN_BITS));
}

/* Bytes in front of the payload. */
WIRE_INLINE size_t wire_short_header_len(size_t cid_len, size_t pn_len) {
  return 1 + cid_len + pn_len;
}

#endif
