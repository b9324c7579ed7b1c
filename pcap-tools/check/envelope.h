/* The most that a congestion controller may have allowed one sender, from what its
 * interface shows: RFC 9002 section 7 (NewReno), RFC 9438 (CUBIC).
 *
 * The judge does not see a sender's window. It keeps an envelope that no correct
 * sender passes, because each step errs in the sender's favour:
 *
 *  - Growth is taken when the ACK arrives, for every byte it acknowledges, also of a
 *    sender that is in recovery or has nothing to send. Slow start: the bytes. Later:
 *    NewReno a datagram each window, CUBIC half of the bytes (RFC 9438 4.2 bounds its
 *    target to one and a half windows a round trip). Handshake packets count as
 *    acknowledged when they are sent.
 *  - RFC 9002 7.8 lets a window grow only where it is used. So it never grows beyond
 *    three times the most that was ever in flight as the latest sender counts it, who
 *    reads an ACK when its process has run QP_ENVELOPE_AWAKE_NS since it came. (Two
 *    times in theory: all of a window acknowledged doubles it. ngtcp2's estimate by
 *    delivery rate allows 2.89.)
 *  - A packet leaves the flight when the earliest correct sender gives it up: three
 *    numbers, or one round trip, behind an acknowledged one.
 *  - A loss counts when the latest correct sender knows of it: 9/8 of the longest
 *    round trip (and QP_ENVELOPE_LATE_NS for a process that read its ACKs late; what
 *    comes while it stands still is read when it goes on) after the packet, and when
 *    the process has run QP_ENVELOPE_AWAKE_NS since the ACK that passed it. Then the
 *    window is multiplied by 1/2 (CUBIC: 7/10), or is what it would have grown to since
 *    that ACK, if that is more. Packets sent until then are the same loss. A loss that
 *    turns out to be none is taken back.
 *  - Lost packets larger than any that was acknowledged are probes of the path's
 *    MTU: no sign of congestion (RFC 9000 14.4).
 *  - Persistent congestion: everything lost for three times five longest round trips
 *    and the peer's max_ack_delay (smoothed RTT and four variances are no more), all
 *    of it sent behind the first RTT sample: two datagrams, and what the ACK that
 *    passed them (RFC 9002 A.7: losses come first) and those behind it let grow.
 *  - The first two packets after a silence of the shortest probe time-out may be probes
 *    (RFC 9002 6.2.4): the least round trip (none: the handshake's may have been
 *    short), no variance, the peer's max_ack_delay.
 *  - Two datagrams more are always allowed: the packet that RFC 9002 7.3.2 permits
 *    when recovery begins, and rounding.
 *
 * So it convicts a sender without a controller, one that does not reduce, or one that
 * reduces and does not keep to it; not one that is late by a round trip.
 *
 * Zero-initialised but for the rules = a new connection. Times in nanoseconds, in
 * order; `awake_ns` is the sender's clock of check/awake.h. Lengths are those of QUIC
 * packets, without UDP. Only packets that elicit ACKs, in the application space. */
#ifndef FANBENCH_PCAP_CHECK_ENVELOPE_H
#define FANBENCH_PCAP_CHECK_ENVELOPE_H

#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/track/ranges.h"

#define QP_ENVELOPE_LATE_NS  25000000u
#define QP_ENVELOPE_AWAKE_NS 10000000u

enum qp_flight_state {
  QP_FLYING,
  QP_SHED, /* the earliest sender has given it up */
  QP_LOST, /* the latest sender has, too */
};

struct qp_flight {
  uint64_t pn, sent_ns;
  uint64_t passed_ns, passed_awake_ns; /* a later number was acknowledged; 0: not yet */
  uint64_t passed_acked;               /* bytes acknowledged until then */
  uint64_t lost_ns;
  uint32_t len, episode;
  uint32_t next, prev; /* by number; QP_FLIGHT_NONE */
  uint8_t state;
  bool after_acked; /* something between it and the one before was acknowledged */
};
#define QP_FLIGHT_NONE UINT32_MAX

struct qp_envelope {
  bool cubic;
  uint64_t max_ack_delay_ns; /* of the peer */
  bool begun;
  uint64_t window, threshold; /* threshold: of slow start */
  uint64_t in_flight, datagram, largest_acked_len;
  uint64_t acked; /* bytes, all told */
  /* the same as the latest sender counts: what was acknowledged is off its list when
   * its clock has come to unread[unread_first].awake_ns */
  uint64_t late_in_flight, most_in_flight;
  struct qp_unread {
    uint64_t awake_ns, len;
  } * unread;
  size_t unread_first, n_unread, unread_room;
  bool any_rtt;
  uint64_t rtt_first_ns; /* when the first sample came */
  uint64_t rtt_latest_ns, rtt_least_ns, rtt_most_ns;
  uint64_t acked_pn; /* the largest */
  bool any_acked;
  uint64_t last_sent_ns, settled_ns;
  unsigned probes; /* so many packets from now on may be some */
  /* losses: each reduction ends an episode */
  uint32_t episode, reductions;
  uint64_t recovery_ns; /* packets sent until then do not reduce again */
  uint64_t moved_ns;    /* to the path of now; 0: never */
  uint64_t shadow;      /* the window if it was reduced when the oldest suspect was passed */
  uint32_t suspects;
  uint64_t undo_window, undo_threshold;
  bool in_run;
  uint64_t run_ns; /* the first packet of a row of lost ones was sent */
  /* packets, linked by number */
  struct qp_flight *items;
  size_t n, room;
  uint32_t first, last;
  bool tail_acked;
  struct qp_span *spans; /* of one ACK */
  size_t spans_room;
};

/* Handshake bytes left the sender. */
void qp_envelope_handshake(struct qp_envelope *v, uint64_t len);
/* A packet left. Returns by how many bytes the flight passes what is allowed; 0: not. */
uint64_t qp_envelope_sent(struct qp_envelope *v, uint64_t pn, uint32_t len, uint64_t now_ns,
                          uint64_t awake_ns);
/* An ACK reached the sender, which can read it from read_ns on: now_ns, or later if it is stalled.
 * Uses the frame's ranges up. */
void qp_envelope_acked(struct qp_envelope *v, struct qp_quic_frame *ack, uint64_t now_ns,
                       uint64_t awake_ns, uint64_t read_ns);
/* The sender goes on on another path, if only to another port: all may begin anew, RFC
 * 9000 9.4, and what was in flight counts no more. */
void qp_envelope_moved(struct qp_envelope *v, uint64_t now_ns);
/* What may be in flight. */
uint64_t qp_envelope_allowed(const struct qp_envelope *v);
void qp_envelope_clear(struct qp_envelope *v);

#endif
