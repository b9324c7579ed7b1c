/* Finds the UDP datagram in an Ethernet frame: what a link counts and hurts.
 * Everything else (ARP, ICMP, fragments, extension headers) is none. */
#ifndef FANBENCH_NET_WIRE_DATAGRAM_H
#define FANBENCH_NET_WIRE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datagram {
  uint32_t ip_len;     /* of the IP packet, header included */
  uint32_t payload_at; /* in the frame */
  uint32_t payload_len;
};

/* False: no whole UDP datagram in one IP packet. Lengths lie within the frame. */
bool datagram_find(const uint8_t *frame, size_t len, struct datagram *out);

#endif
