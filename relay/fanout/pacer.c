#include "relay/fanout/pacer.h"

/* A round trip of more than a minute does not get slower. */
#define MOST_RTT_NS 60000000000ull

/* How long `bytes` take at this rate. */
static uint64_t lasts(struct pacer_rate rate, uint64_t bytes) {
  uint64_t rtt_ns = rate.rtt_ns < MOST_RTT_NS ? rate.rtt_ns : MOST_RTT_NS;

  return rate.cwnd ? bytes * 4 * rtt_ns / (5 * rate.cwnd) : 0;
}

uint64_t pacer_due(const struct pacer *pacer, struct pacer_rate rate, uint64_t packet) {
  uint64_t ahead = lasts(rate, (PACER_BURST_PACKETS - 1) * packet);

  return pacer->full_ns > ahead ? pacer->full_ns - ahead : 0;
}

void pacer_sent(struct pacer *pacer, struct pacer_rate rate, uint64_t bytes, uint64_t now_ns) {
  if (pacer->full_ns < now_ns)
    pacer->full_ns = now_ns;
  pacer->full_ns += lasts(rate, bytes);
}
