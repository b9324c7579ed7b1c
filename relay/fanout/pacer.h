/* Pacing of the slow path (RFC 9002 7.7): a token bucket of ten packets, filled at
 * 5/4 of a window in a smoothed round trip. Kept as the time at which the bucket is full
 * again. Sans-IO; a zeroed struct is a full bucket. The datapath's copies are not
 * paced: they leave in the publisher's rhythm. */
#ifndef FANBENCH_RELAY_FANOUT_PACER_H
#define FANBENCH_RELAY_FANOUT_PACER_H

#include <stdint.h>

#define PACER_BURST_PACKETS 10

struct pacer {
  uint64_t full_ns;
};

/* Bytes of the window and round trip as they are now. rtt_ns 0: not known, no pacing. */
struct pacer_rate {
  uint64_t cwnd, rtt_ns;
};

/* When a packet of `packet` bytes, the largest there is, may leave; not after now = at once. */
uint64_t pacer_due(const struct pacer *pacer, struct pacer_rate rate, uint64_t packet);
void pacer_sent(struct pacer *pacer, struct pacer_rate rate, uint64_t bytes, uint64_t now_ns);

#endif
