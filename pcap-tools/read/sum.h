/* The Internet checksum, RFC 1071. */
#ifndef FANBENCH_PCAP_READ_SUM_H
#define FANBENCH_PCAP_READ_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Ones' complement sum of 16-bit words in network order; `sum` is what came before, of
 * even length. The result has 16 bits. */
uint32_t qp_sum(const uint8_t *p, size_t len, uint32_t sum);

#endif
