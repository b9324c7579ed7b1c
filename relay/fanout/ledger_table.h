/* Inside of the ledger: one slot per joint number in a ring that is indexed by
 * number, and what ledger.c (entering, settling), ledger_ack.c and ledger_loss.c
 * share. Nobody else includes this.
 *
 * Slots cover [base, end). Below `floor` all are settled; [base, floor) is kept
 * as long as an ACK may still show that a loss was none. */
#ifndef FANBENCH_RELAY_FANOUT_LEDGER_TABLE_H
#define FANBENCH_RELAY_FANOUT_LEDGER_TABLE_H

#include "relay/fanout/ledger.h"
#include "relay/fanout/ranges.h"

#define LEDGER_NONE UINT64_MAX

/* Most packets carry one or two pieces; more of them live in a block. */
#define LEDGER_INSIDE      2
#define LEDGER_BLOCK_SIZES 14 /* 4 << 13 = 32,768 pieces, more than a packet holds */

struct ledger_block {
  struct ledger_block *next; /* in the list of free ones */
  unsigned size;             /* room for 4 << size pieces */
  struct ledger_piece piece[];
};

/* `fate` of a slot whose record has not come is what is known of it already. */
struct ledger_slot {
  uint64_t own;
  uint64_t sent_ns; /* no record yet: when the gap was seen */
  uint64_t fate_ns;
  uint32_t bytes;
  uint16_t n_pieces;
  uint8_t origin, fate;
  bool entered;
  bool ack_eliciting;
  bool given_up;   /* no record came in time: counts as settled */
  bool by_packets; /* lost by the packet threshold */
  bool aside;      /* it went another way than the connection's */
  union {
    struct ledger_piece inside[LEDGER_INSIDE];
    struct ledger_block *block;
  };
};

struct ledger {
  struct ledger_ops ops;
  void *arg;
  uint64_t max_ack_delay_ns, ack_delay_exponent;

  struct ledger_slot *slots;
  size_t room; /* power of two, or 0 */
  uint64_t base, floor, end;
  struct ledger_block *free_blocks[LEDGER_BLOCK_SIZES];

  struct ranges acked;  /* numbers told by ACKs, and all below base */
  struct ranges absent; /* below base, given up without a record */
  uint64_t missing;

  uint64_t now_ns; /* latest time seen */
  uint64_t largest_acked;
  uint64_t inflight, inflight_eliciting; /* numbers of ours */
  uint64_t inflight_bytes;               /* of all, from path_from on */
  uint64_t path_from;                    /* numbers below went another way */

  uint64_t srtt_ns, rttvar_ns, min_rtt_ns, latest_rtt_ns;
  bool has_rtt;

  uint64_t scan;      /* no number below is up for loss detection */
  uint64_t threshold; /* packet threshold */
  uint64_t loss_ns;   /* when the time threshold strikes next; LEDGER_NONE */
  uint64_t floor_ns;  /* when the number at the floor is given up; LEDGER_NONE */
  uint64_t last_eliciting_ns, last_probe_ns;
  uint64_t pair_ns; /* somebody else met the probe timeout then, and has a second probe; 0: never */
  unsigned pto_count;
};

/* ---- slots (ledger_table.c) ---- */

struct ledger_slot *ledger_slot(const struct ledger *l, uint64_t pn); /* base <= pn < end */

/* Makes [base, end) cover pn; new slots are gaps seen at now_ns. False: no memory, or pn is
 * out of all bounds (errno ENOMEM, ERANGE). */
bool ledger_reach(struct ledger *l, uint64_t pn, uint64_t now_ns);

/* Gives back what lies below the floor and is not needed any more. */
void ledger_trim(struct ledger *l);

bool ledger_keep_pieces(struct ledger *l, struct ledger_slot *slot,
                        const struct ledger_piece *pieces, size_t n); /* false: ENOMEM */
void ledger_drop_pieces(struct ledger *l, struct ledger_slot *slot);
void ledger_number_of(const struct ledger *l, uint64_t pn, const struct ledger_slot *slot,
                      struct ledger_number *out);

/* ---- settling (ledger.c) ---- */

/* Sent by the fan-out, so that the ledger, not ngtcp2, detects its loss. */
static inline bool ledger_is_ours(const struct ledger_slot *slot) {
  return slot->origin == LEDGER_FAST || slot->origin == LEDGER_SLOW || slot->origin == LEDGER_PROBE;
}

/* What elicits an ACK is in flight, whoever sent it. */
static inline bool ledger_is_inflight(const struct ledger_slot *slot) {
  return slot->entered && slot->fate == LEDGER_OUTSTANDING &&
         (ledger_is_ours(slot) || (slot->origin == LEDGER_OWN && slot->ack_eliciting));
}

/* Does it tell of the path that is in use? */
static inline bool ledger_on_path(const struct ledger *l, uint64_t pn,
                                  const struct ledger_slot *slot) {
  return pn >= l->path_from && !slot->aside;
}

void ledger_settle(struct ledger *l, uint64_t pn, enum ledger_fate fate, uint64_t now_ns);

/* Moves the floor over what is settled or is given up. now_ns 0: the time is not known. */
void ledger_move_floor(struct ledger *l, uint64_t now_ns);

static inline void ledger_clock(struct ledger *l, uint64_t now_ns) {
  if (now_ns > l->now_ns)
    l->now_ns = now_ns;
}

/* ---- timers and losses (ledger_loss.c) ---- */

uint64_t ledger_pto(const struct ledger *l); /* without back-off */

/* Settles what is lost by now and finds the next loss time. True: something is lost. */
bool ledger_detect(struct ledger *l, uint64_t now_ns);

/* A number of ours entered below the largest acknowledged one. */
void ledger_watch(struct ledger *l, uint64_t pn, uint64_t sent_ns);

#endif
