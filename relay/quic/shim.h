/* Joint packet numbers under an unknowing ngtcp2 (relay's subscriber
 * connections on `kernel` and `user`).
 *
 * ngtcp2 counts its own 1-RTT numbers; on the wire stand joint ones. Sending:
 * the sealing hook takes a joint number for each of ngtcp2's, writes it in 4
 * bytes and remembers the pair. Receiving: the opened hook walks all frames of
 * the clear payload and
 *   - checks each ACK against the joint counter (beyond it: PROTOCOL_VIOLATION),
 *     tells its ranges to the owner and rewrites the frame to ngtcp2's own
 *     numbers, the rest PADDING; ACK_ECN becomes ACK; one without any of ngtcp2's becomes
 *     a repetition of what it was told before;
 *   - replaces MAX_STREAM_DATA and STOP_SENDING of fast-path streams by PING and
 *     PADDING and tells the owner;
 *   - tells MAX_DATA and MAX_STREAMS (uni) to the owner and passes them on.
 *
 * When ngtcp2 skips a number of its own on purpose, a joint one is burned for it, so that an ACK
 * of the skipped number is still seen by ngtcp2 as what it is.
 *
 * Ownership: the shim owns its table of runs; shim_forget() trims it. No lock:
 * one thread. RFC 9000 13.1, 19.3. */
#ifndef FANBENCH_RELAY_QUIC_SHIM_H
#define FANBENCH_RELAY_QUIC_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/quic/protect.h"

/* Ranges of one ACK frame that are looked at; older ones are left out (and counted). A
 * frame that fills a packet of 1,472 bytes has at most 733. */
#define SHIM_MAX_RANGES 768

struct shim;

struct shim_range {
  uint64_t lo, hi; /* both included */
};

struct shim_ops {
  /* Takes the next joint number (atomic add on the shared counter). */
  uint64_t (*take_number)(void *arg);
  /* First joint number not yet taken. */
  uint64_t (*next_number)(void *arg);
  /* ngtcp2 sends own number `own` as `joint`. burned: nothing leaves with it.
   * ack_eliciting: the payload has a frame other than ACK, PADDING, CONNECTION_CLOSE. */
  void (*own_sent)(void *arg, uint64_t joint, uint64_t own, size_t bytes, bool ack_eliciting,
                   bool burned);
  /* One ACK frame, ranges in descending order, as the peer sent them; delay is
   * the raw field. own: what ngtcp2 is told in its place (n_own 0: nothing). The frame
   * is rewritten already, so shim_forget() may be called here. False: among them is a number that
   * was never sent, which ends the connection. */
  bool (*ack)(void *arg, const struct shim_range *joint, size_t n_joint,
              const struct shim_range *own, size_t n_own, uint64_t delay_raw);
  void (*max_data)(void *arg, uint64_t limit);
  void (*max_streams_uni)(void *arg, uint64_t limit);
  /* Is this a stream that the fan-out, not ngtcp2, sends? */
  bool (*is_fanout_stream)(void *arg, uint64_t sid);
  void (*max_stream_data)(void *arg, uint64_t sid, uint64_t limit);
  void (*stop_sending)(void *arg, uint64_t sid, uint64_t code);
  /* Known bugs, put back for the bench (bpf/abi/defects.h). */
  /* May so many bytes leave now whose PING asks for an ACK, and nothing else in them? probe: it
   * stands for itself, not beside an ACK that is to be acknowledged. If not, the PING becomes
   * PADDING. All other packets are ngtcp2's to decide. NULL = always. */
  bool (*has_room)(void *arg, size_t bytes, bool probe);
  bool (*may_issue)(void *arg); /* false: no ID is left for a NEW_CONNECTION_ID; NULL = always */
  bool raw_acks;                /* ACKs reach ngtcp2 untranslated */
  bool mixed_widths;            /* own numbers are taken to have the width of the last one sent */
};

/* All ops must be there. sealing fails if memory is short, or if ngtcp2's number is not above the
 * last one (or jumps by more than 16): a joint number that was taken is then told as burned. */
struct shim *shim_new(const struct shim_ops *ops, void *arg); /* NULL: no memory */
void shim_free(struct shim *shim);

/* For qc_config.protect and .protect_arg. */
extern const struct protect_hooks shim_protect_hooks;

/* Own number behind a joint one; false if it is not one of ngtcp2's. */
bool shim_own(const struct shim *shim, uint64_t joint, uint64_t *own);

/* Numbers below `joint` are settled: their runs may go. */
void shim_forget(struct shim *shim, uint64_t joint);

/* So many packets have come that ask for an ACK, and no ACK has left since. */
unsigned shim_owed_acks(const struct shim *shim);

/* Oldest ranges left out because the translated ACK did not fit in place, or
 * because there were more than SHIM_MAX_RANGES. */
uint64_t shim_truncated(const struct shim *shim);

#endif
