/* Ethernet frames for tests of the wire process. */
#ifndef FANBENCH_T_WIRE_FRAME_H
#define FANBENCH_T_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_FRAME_ROOM 2048
#define WIRE_FRAME_IPV4 42 /* where the UDP payload begins */
#define WIRE_FRAME_IPV6 62

/* Ethernet, IPv4 or IPv6, UDP and the payload. Checksums are 0. Returns the length. */
size_t wire_frame_ipv4(uint8_t *frame, const void *payload, size_t len);
size_t wire_frame_ipv6(uint8_t *frame, const void *payload, size_t len);

#endif
