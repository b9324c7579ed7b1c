/* What a set of numbers lacks. */
#ifndef FANBENCH_PCAP_CLI_GAPS_H
#define FANBENCH_PCAP_CLI_GAPS_H

#include "pcap-tools/track/ranges.h"

/* The first run *lo..*hi inside at..end that is not in the set; false: all is. */
bool qp_gap_next(const struct qp_ranges *set, uint64_t at, uint64_t end, uint64_t *lo,
                 uint64_t *hi);
/* How many numbers up to `limit` are in a and not in b; *first is the lowest of them. */
uint64_t qp_gap_count(const struct qp_ranges *a, const struct qp_ranges *b, uint64_t limit,
                      uint64_t *first);

#endif
