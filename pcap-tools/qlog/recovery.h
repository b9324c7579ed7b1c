/* What a capture shows of loss recovery, RFC 9002, for the packets of one sender:
 * which numbers an ACK acknowledges for the first time, round-trip times, bytes in flight,
 * and packets that a sender has to declare lost because three later ones are
 * acknowledged (6.1.1). Losses by time and probe timeouts do not show: they depend on the
 * sender's timers. Times are those at the capture.
 *
 * Zero-initialised = nothing sent. */
#ifndef FANBENCH_PCAP_QLOG_RECOVERY_H
#define FANBENCH_PCAP_QLOG_RECOVERY_H

#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/track/ranges.h"

enum { QP_FLIGHT_RING = 512, QP_REORDERING = 3 };

struct qp_recovery {
  struct qp_flight {
    struct qp_ranges acked;
    uint64_t judged; /* numbers below are lost or acknowledged */
    struct qp_flying {
      uint64_t pn, time_ns;
      uint32_t bytes; /* 0: empty */
      bool eliciting;
    } * ring; /* of the newest numbers; NULL: none */
  } flight[QP_SPACE_COUNT];
  uint64_t bytes_in_flight, packets_in_flight;
  uint64_t min_rtt_ns, smoothed_ns, variance_ns, latest_ns; /* latest 0: no sample yet */
};

/* in_flight: RFC 9002 section 2: it asks for an ACK, or has PADDING. */
void qp_recovery_sent(struct qp_recovery *v, enum qp_space space, uint64_t pn, uint64_t time_ns,
                      size_t bytes, bool eliciting, bool in_flight);

/* Takes an ACK that reached the sender. sent: the numbers that were seen leaving.
 * fresh, lost: emptied, then what is acknowledged for the first time and what is lost
 * now; the caller owns them. delay_ns: as reported, already limited to max_ack_delay.
 * True: there is a new sample of the round-trip time. */
bool qp_recovery_ack(struct qp_recovery *v, enum qp_space space, struct qp_quic_frame *ack,
                     const struct qp_ranges *sent, uint64_t now_ns, uint64_t delay_ns,
                     struct qp_ranges *fresh, struct qp_ranges *lost);
void qp_recovery_clear(struct qp_recovery *v);

#endif
