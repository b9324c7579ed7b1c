/* Which frames are in a UDP datagram: for faults chosen by frame. Reads 1-RTT packets of
 * `protection: none` only (no header protection, clear payload, a tag of zeroes); long
 * headers in front of one are stepped over. RFC 9000 sections 12.2, 17 and 19, RFC 9221. */
#ifndef FANBENCH_FATE_SCAN_H
#define FANBENCH_FATE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "bench/fate/frame.h"

/* cid_len: of the connection IDs that the receiver of the datagram chose, 0 to 20. The
 * frames up to the first that is none of either RFC; 0: no such packet. */
fate_frames scan_datagram(const uint8_t *payload, size_t len, size_t cid_len);

#endif
