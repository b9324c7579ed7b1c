/* Hex digits, of either case, as bytes. */
#ifndef FANBENCH_PCAP_READ_HEX_H
#define FANBENCH_PCAP_READ_HEX_H

#include <stddef.h>
#include <stdint.h>

/* All `len` digits at `text` as bytes. Returns how many bytes; 0 if there are none, an odd number
 * of digits, something else than digits, or more than `room` bytes: what is in `bytes` then means
 * nothing. */
size_t qp_unhex(const char *text, size_t len, uint8_t *bytes, size_t room);

#endif
