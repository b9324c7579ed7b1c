/* The relay's record of every joint number of one downstream connection:
 * origin, content, fate. Loss detection after RFC 9002 (packet threshold 3, time
 * threshold 9/8, PTO with back-off).
 *
 * Numbers enter in any order (records come from several CPUs). An ACK may
 * precede a number's record; it is remembered and settles the number when it
 * enters. Whether an ACK is lawful is not judged here (see shim.h).
 *
 * ngtcp2 sends its own numbers again by itself, and probes for them. Those that elicit an ACK are
 * in flight and may be lost here too, because one controller counts them all; what ngtcp2
 * thinks of them does not matter to it. They are reported as lost, and nothing is to be done.
 *
 * The floor waits neither for ever for ACKs of what elicits none nor for records that do not come. A
 * number below the largest acknowledged one is given up when it is LEDGER_PATIENCE numbers behind
 * that one, or after 3 PTO (a missing record: at least LEDGER_RECORD_WAIT_NS). An OWN number
 * is then settled as LEDGER_LOST. A number
 * without a record is counted by ledger_missing() until its record comes; that
 * settles it at once as acknowledged, if an ACK told so, or else as LEDGER_LOST (its data goes
 * out again). Read all records before ledger_expiry(), and late ones stay rare.
 *
 * The packet threshold is LEDGER_PACKET_THRESHOLD. Two CPUs emit numbers of one
 * sequence, so order on the wire may differ a little from order of numbers: a spurious
 * loss by threshold raises it to the distance seen, at most LEDGER_MAX_THRESHOLD, for the rest
 * of the connection (RFC 9002 6.1.1 allows it). Spurious losses are recognised for 3 PTO or
 * LEDGER_HISTORY numbers.
 *
 * Ownership: the ledger owns its table and copies pieces. Callbacks run inside ledger_enter(),
 * ledger_ack(), ledger_failed(), ledger_new_path() and ledger_expiry(); they must not call these,
 * but `probe` may call ledger_enter(). Times are nanoseconds of one clock. */
#ifndef FANBENCH_RELAY_FANOUT_LEDGER_H
#define FANBENCH_RELAY_FANOUT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/quic/shim.h"

/* kPacketThreshold of RFC 9002 and how far it may adapt. */
#define LEDGER_PACKET_THRESHOLD 3
#define LEDGER_MAX_THRESHOLD    128
/* Numbers behind the largest acknowledged one after which nothing is waited for. */
#define LEDGER_PATIENCE 4096
/* A busy CPU may hold a record back; a second is beyond any honest delay. */
#define LEDGER_RECORD_WAIT_NS 1000000000ull
/* Not ack-eliciting numbers of ngtcp2 wait for an ACK above them. With so many numbers behind
 * one, it is given up after 3 PTO without such an ACK. */
#define LEDGER_UNASKED 128
/* Settled numbers kept below the floor to recognise spurious losses. */
#define LEDGER_HISTORY (2 * LEDGER_PATIENCE)
/* Numbers held at a time; a sender under pn_limit stays far below. */
#define LEDGER_MAX_SPAN (1ull << 20)

struct ledger;

enum ledger_origin {
  LEDGER_OWN,    /* ngtcp2 */
  LEDGER_FAST,   /* the datapath's copy */
  LEDGER_SLOW,   /* the relay's builder */
  LEDGER_PROBE,  /* PTO probe without data */
  LEDGER_BURNED, /* taken, never sent */
};
enum ledger_fate { LEDGER_OUTSTANDING, LEDGER_ACKED, LEDGER_LOST, LEDGER_NEVER_SENT };

enum ledger_piece_kind { LEDGER_STREAM, LEDGER_DATAGRAM, LEDGER_RESET };
struct ledger_piece {
  uint8_t kind; /* enum ledger_piece_kind */
  bool fin;
  bool again;      /* a resend */
  uint32_t len;    /* data bytes */
  uint64_t stream; /* owner's key of the stream (opaque) */
  uint64_t down;   /* downstream ordinal; stream ID = down * 4 + 3 */
  uint64_t offset;
};

#define LEDGER_NO_OWN UINT64_MAX /* burned by the relay, not for ngtcp2 */
struct ledger_number {
  uint64_t pn;
  uint64_t own; /* LEDGER_OWN, LEDGER_BURNED; or LEDGER_NO_OWN */
  enum ledger_origin origin;
  enum ledger_fate fate;
  uint64_t sent_ns, fate_ns;
  uint32_t bytes; /* UDP payload */
  bool ack_eliciting;
  /* Told by the ledger: see ledger_aside() and ledger_new_path(). No sign of congestion, no sample
   * of the round trip. */
  bool other_path;
  const struct ledger_piece *pieces; /* valid during the callback */
  size_t n_pieces;
};

struct ledger_ops {
  /* A number's fate is settled (acked, lost, never sent). Once a number. */
  void (*settled)(void *arg, const struct ledger_number *number);
  /* A number settled as lost or never sent was acknowledged after all; fate is LEDGER_ACKED
   * now. With origin LEDGER_BURNED the peer acknowledges what it cannot have seen. */
  void (*spurious)(void *arg, const struct ledger_number *number);
  /* Probe timeout: send `count` (1 or 2) ack-eliciting packets now and enter them. */
  void (*probe)(void *arg, unsigned count);
};

struct ledger_config {
  const struct ledger_ops *ops;
  void *arg;
  uint64_t initial_rtt_ns;     /* 333 ms in RFC 9002; a handshake sample is better */
  uint64_t max_ack_delay_ns;   /* of the peer */
  unsigned ack_delay_exponent; /* of the peer */
};

struct ledger *ledger_new(const struct ledger_config *config); /* NULL: no memory */
void ledger_free(struct ledger *ledger);

/* What the handshake has shown about the peer; the configuration's values hold until then. */
void ledger_set_peer(struct ledger *ledger, uint64_t initial_rtt_ns, uint64_t max_ack_delay_ns,
                     unsigned ack_delay_exponent);

/* The peer has another address: what the numbers below `from` do says nothing about the path that
 * those from `from` on take (RFC 9000 9.4). The round trip is unknown, they leave the bytes in
 * flight; what they carried is still acknowledged or sent again. */
void ledger_new_path(struct ledger *ledger, uint64_t from, uint64_t initial_rtt_ns);

/* This number, entered already, has left for another address than the connection's. */
void ledger_aside(struct ledger *ledger, uint64_t pn);

/* A number was sent (or burned: origin LEDGER_BURNED, settles at once as never sent
 * unless it is acknowledged). fate and fate_ns of *number are not read. Returns 0, or -1 with
 * errno ENOMEM: no memory; EEXIST: the number is already there (a joint number used
 * twice: the caller reports it); ERANGE: LEDGER_MAX_SPAN numbers above the oldest
 * one held, or more than 32,768 pieces. Nothing is entered then. */
int ledger_enter(struct ledger *ledger, const struct ledger_number *number);

/* The copy could not be emitted: settled at once as LEDGER_NEVER_SENT with its pieces, which
 * go out again; no sign of congestion. May come before its number. */
void ledger_failed(struct ledger *ledger, uint64_t pn, uint64_t now_ns);

/* One ACK frame; ranges in descending order, delay as in the frame. */
void ledger_ack(struct ledger *ledger, const struct shim_range *ranges, size_t n,
                uint64_t delay_raw, uint64_t now_ns);

uint64_t ledger_deadline(const struct ledger *ledger); /* UINT64_MAX = none */
void ledger_expiry(struct ledger *ledger, uint64_t now_ns);

/* How long behind ledger_deadline() its expiry may wait without harm: an eighth of the probe
 * timeout, if that is what is due; else 0. Somebody else, whose estimate of the round trip differs
 * a little, may be about to probe the same path. */
uint64_t ledger_slack(const struct ledger *ledger);
/* Call it before ledger_enter() of what elicits an ACK and is not the ledger's: if a probe
 * timeout is due, that was the probe (two a timeout, RFC 9002 6.2.4), and the next one is later. */
void ledger_probed(struct ledger *ledger, uint64_t now_ns);

uint64_t ledger_floor(const struct ledger *ledger); /* all numbers below are settled */
/* Not above the floor: of numbers below nothing is known any more, no ACK can change them. */
uint64_t ledger_memory(const struct ledger *ledger);
uint64_t ledger_inflight(const struct ledger *ledger); /* unsettled FAST, SLOW, PROBE numbers */
/* Ack-eliciting bytes sent by whoever on this path, neither acknowledged nor lost. */
uint64_t ledger_inflight_bytes(const struct ledger *ledger);
uint64_t ledger_largest_acked(const struct ledger *ledger); /* UINT64_MAX = none */
uint64_t ledger_smoothed_rtt(const struct ledger *ledger);  /* 0 = no sample yet */

/* Losses over so long a time, with nothing acknowledged in between, are persistent
 * congestion (RFC 9002 7.6.1). */
uint64_t ledger_persistent_ns(const struct ledger *ledger);
/* May somebody else probe now, whatever the window says (RFC 9002 6.2.4, 7.5)? When the probe timeout
 * is due, of whatever was sent last, by whoever; a second time at the same time. */
bool ledger_may_probe(const struct ledger *ledger, uint64_t now_ns);
/* From when on. UINT64_MAX: not as long as a loss timer runs. */
uint64_t ledger_probe_at(const struct ledger *ledger);

/* After persistent congestion the least round trip is what is seen now (RFC 9002 5.2). */
void ledger_forget_min_rtt(struct ledger *ledger);

/* Has an ACK told one of [lo, hi)? Numbers too old to be remembered count as told. */
bool ledger_any_acked(const struct ledger *ledger, uint64_t lo, uint64_t hi);

uint64_t ledger_missing(const struct ledger *ledger); /* given up, no record came */

/* Walks all unsettled numbers in ascending order (end of a run). */
void ledger_each_outstanding(const struct ledger *ledger,
                             void (*visit)(void *arg, const struct ledger_number *number),
                             void *arg);

#endif
