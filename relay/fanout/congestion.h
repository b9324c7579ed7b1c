/* Congestion control of one downstream connection: how many bytes of the fan-out
 * may be in flight. NewReno (RFC 9002 section 7, appendix B) or CUBIC (RFC 9438).
 * Sans-IO, integers alone: the same events give the same window everywhere.
 *
 * Who counts: bytes in flight are the ledger's (all that elicits an ACK, ngtcp2's own packets
 * too, the whole UDP payload); this module is told of them and holds the window. ngtcp2's
 * packets are under its own controller besides. This window counts them; while it is full they
 * are held back but for ACKs, and for what leaves as a probe.
 *
 * One window, two senders. The datapath has no view of ACKs; it compares its own
 * counter `sent_bytes` (S) with `credit`. Records of its copies come late, so user
 * space knows of E <= S bytes of copies, and F bytes in flight among what it knows.
 * S - E bytes have been sent and are not yet known: all of them are in flight. So
 *
 *     in flight = F + (S - E)      and the datapath may send      cwnd - in flight
 *     credit    = S + cwnd - F - (S - E) = E + cwnd - F           (0 if negative)
 *
 * S cancels out: a copy not yet recorded is counted by S alone, a recorded one by F
 * (and moves E and F alike, so that draining records does not change the credit).
 * Invariant: S <= credit means F + (S - E) <= cwnd. Every copy the datapath counts
 * must enter E exactly once, also one whose emit failed or that the ledger refused.
 * Two CPUs that compare at once may both pass: the window is exceeded by at most one
 * packet for each further CPU.
 *
 * The slow path is a third CPU: it first lowers the credit by the packet it wants to send,
 * then looks whether S is still within; if so the room is its own. See window.c.
 *
 * Application-limited (RFC 9002 7.8): only an ACK of a number that was in flight
 * while the window was used up lets it grow. In slow start, where a burst may be
 * acknowledged while it is still being sent, half the window counts as used up (RFC 7661
 * 4.3 says validated), so that the window ends at no more than double of what is used.
 *
 * Order of calls: congestion_init(), then congestion_sent() for each number, then one of
 * _acked(), _lost(), and perhaps _spurious() behind a _lost(). Of one ACK, acknowledgements
 * come before the losses it shows; losses come in ascending order of numbers. Times are nanoseconds
 * of one clock that starts above 0. The caller owns the struct. */
#ifndef FANBENCH_RELAY_FANOUT_CONGESTION_H
#define FANBENCH_RELAY_FANOUT_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

/* RFC 9002 7.2: ten packets, but no more than this unless two packets are more. */
#define CONGESTION_INITIAL_PACKETS 10
#define CONGESTION_INITIAL_BYTES   14720
/* kMinimumWindow, in packets. */
#define CONGESTION_LEAST_PACKETS 2
/* A window beyond any path here; keeps all products below 64 bits. */
#define CONGESTION_MOST_BYTES (1ull << 30)

/* What a congestion event changes, kept to take it back. */
struct congestion_curve {
  uint64_t cwnd, ssthresh;
  /* CUBIC, bytes */
  uint64_t w_max;
  uint64_t cwnd_prior; /* before the last event */
  uint64_t epoch_ns;   /* when congestion avoidance began; 0 = at the next ACK */
  uint64_t k_ticks;    /* from then until the plateau; 1,024 ticks are a second */
  uint64_t w_est;      /* what Reno would have */
};

struct congestion {
  bool cubic;
  uint64_t packet; /* max_datagram_size */
  struct congestion_curve now;
  uint64_t part, est_part; /* growth short of a byte */
  uint64_t used_ns;        /* the window was used up at this time, at the latest */
  uint64_t unused_ns;      /* CUBIC's clock stands since then; 0 = it runs */
  uint64_t recovery_ns;    /* numbers sent until then do not grow the window */
  uint64_t event_ns;       /* numbers sent until then are losses of a known event */
  uint64_t first_ack_ns;
  uint64_t run_ns; /* first of an unbroken run of losses; 0 = none */
  /* Taking back an event whose losses were none */
  struct congestion_curve before;
  uint64_t before_event_ns;
  uint64_t lost; /* of the last event, not yet shown to be spurious; 0 = nothing to take back */
};

/* packet: the largest UDP payload of the path, 1,200..1,500. */
void congestion_init(struct congestion *c, bool cubic, uint64_t packet);

/* in_flight: bytes, the number just sent included. Called also while data waits for nothing but
 * pacing, with the bytes that would be in flight without it: if they use the window up, it counts
 * as used (RFC 9002 7.8). */
void congestion_sent(struct congestion *c, uint64_t sent_ns, uint64_t in_flight);
/* What must be in flight, at least, for the window to count as used up. */
uint64_t congestion_enough(const struct congestion *c);

/* rtt_ns: smoothed, 0 = not known. */
void congestion_acked(struct congestion *c, uint64_t sent_ns, uint64_t bytes, uint64_t rtt_ns,
                      uint64_t now_ns);

/* unbroken: nothing sent between the loss told before and this one is acknowledged.
 * persistent_ns: duration of losses that means persistent congestion (RFC 9002 7.6.1). Returns
 * true if it does. */
bool congestion_lost(struct congestion *c, uint64_t sent_ns, bool unbroken, uint64_t persistent_ns,
                     uint64_t now_ns);

/* A number told as lost was acknowledged after all. When all losses of the last event
 * turn out so, the event is taken back (RFC 9438 4.9). */
void congestion_spurious(struct congestion *c, uint64_t sent_ns);

/* Bytes that may still be sent. */
uint64_t congestion_room(const struct congestion *c, uint64_t in_flight);
/* entered: E, in_flight: F of the description above. */
uint64_t congestion_credit(const struct congestion *c, uint64_t entered, uint64_t in_flight);

#endif
