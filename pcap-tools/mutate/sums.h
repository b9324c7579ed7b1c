/* Checksums of a changed frame made right again. */
#ifndef FANBENCH_PCAP_MUTATE_SUMS_H
#define FANBENCH_PCAP_MUTATE_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* IPv4 header and UDP (RFC 768, RFC 8200 8.1) of an Ethernet frame. A UDP checksum that
 * is absent stays absent. */
void qm_sums_fix(uint8_t *frame, size_t len);

#endif
