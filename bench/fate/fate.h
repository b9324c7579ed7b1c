/* What one direction of a link does to its packets. The wire process and the
 * simulation both ask here, so packet N meets the same fate in both.
 *
 * A packet is one UDP datagram in one IP packet. Its index counts all those
 * that arrive at this end of the direction, from 0, whatever becomes of them;
 * anything else (ARP, neighbour discovery) is passed on and not counted.
 *
 * Chance is a pure function of (seed, "A>B", index, parameters): see
 * fate/generator.h. That holds for bursts too: one draw a packet moves the
 * Gilbert-Elliott state, and the draws are read so that most of them fix the
 * state whatever it was before; who asks for packet N walks back to the last of
 * those. Only the bottleneck and faults by frame depend on the packets before.
 *
 * Order of events for a packet: link down; faults; burst; loss; queue; then it
 * waits for the line, is corrupted, doubled and delayed. A lost packet takes no
 * room in the queue. Both copies have the same bytes; the second took no time on
 * the line and has jitter of its own. Jitter is drawn for each packet alone, so
 * packets closer than it may overtake each other.
 *
 * Order of calls: fate_link_open(), then fate_decide() for each packet in order
 * of arrival. No memory is allocated; nothing is to be closed. */
#ifndef FANBENCH_FATE_FATE_H
#define FANBENCH_FATE_FATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/fate/bottleneck.h"
#include "bench/fate/frame.h"
#include "bench/fate/generator.h"

/* No delay is longer: three days, so that sums of times stay far from overflow. */
#define FATE_MAX_NS (UINT64_C(1) << 48)
/* A thousand terabit, so that its products stay far from overflow too. */
#define FATE_MAX_RATE_BPS (UINT64_C(1) << 50)

/* All zero = a plain wire. Shares in ppm, 0 to 1,000,000. The fields are those
 * of struct plan_impair; see fate/from_plan.h. */
struct fate_params {
  uint64_t delay_ns, jitter_ns; /* delay - jitter .. delay + jitter; jitter <= delay */
  uint32_t loss_ppm, duplicate_ppm, corrupt_ppm;
  uint32_t reorder_ppm;
  uint64_t reorder_by_ns; /* how much later such a packet is */
  uint64_t rate_bps;      /* 0 = unlimited */
  uint64_t queue_bytes;   /* 0 = unlimited */
  bool burst;
  uint32_t burst_enter_ppm; /* a packet outside a burst begins one, and is in it */
  uint32_t burst_leave_ppm; /* a packet inside a burst ends it, and is outside */
  uint32_t burst_loss_ppm;  /* a packet inside a burst is lost */
};

enum fate_fault_do {
  FATE_FAULT_DROP,
  FATE_FAULT_DUPLICATE,
  FATE_FAULT_CORRUPT,
  FATE_FAULT_DELAY,
};

/* Hits every packet that all its selectors name; it has one at least. */
struct fate_fault {
  enum fate_fault_do what;
  int frame;    /* enum fate_frame, or -1: by index alone */
  uint64_t nth; /* only with a frame: the nth packet with it in this direction, from 1;
                                  0 = each of them */
  uint64_t index_lo, index_hi; /* inclusive; lo > hi = not by index */
  uint64_t by_ns;              /* FATE_FAULT_DELAY */
};

enum fate_drop {
  FATE_PASSES,
  FATE_DROP_DOWN,
  FATE_DROP_FAULT,
  FATE_DROP_BURST,
  FATE_DROP_LOSS,
  FATE_DROP_QUEUE,
};
/* "passes" "down" "fault" "burst" "loss" "queue" */
const char *fate_drop_name(enum fate_drop drop);

/* The purposes of draws; each has a key. A new one is appended: the number of
 * one in use never changes, or old seeds would mean other runs. */
enum fate_purpose {
  FATE_FOR_LOSS,
  FATE_FOR_BURST_STATE,
  FATE_FOR_BURST_LOSS,
  FATE_FOR_DUPLICATE,
  FATE_FOR_CORRUPT,
  FATE_FOR_CORRUPT_BIT,
  FATE_FOR_REORDER,
  FATE_FOR_JITTER,
  FATE_FOR_JITTER_OF_COPY,
  FATE_N_PURPOSES,
};

/* One direction. The caller owns it and may read all of it. */
struct fate_link {
  uint64_t key[FATE_N_PURPOSES];
  struct fate_params params;
  const struct fate_fault *faults; /* the caller's, kept while the link is used */
  size_t n_faults;
  fate_frames asked; /* frames that faults ask about: 0 = nobody needs to look inside */
  bool down;

  uint64_t index;               /* of the next packet; may be set to any */
  uint64_t seen[FATE_N_FRAMES]; /* packets with such a frame so far, of those asked for */
  uint64_t burst_index;         /* in_burst is the state in front of this packet */
  bool in_burst;
  struct fate_bottleneck line;
};

/* from, to: names of the plan nodes at the two ends ("relay", "sub[0]"), not
 * kept. NULL, or a sentence that says what of params or faults cannot be; the
 * link is not usable then. */
const char *fate_link_open(struct fate_link *link, uint64_t seed, const char *from, const char *to,
                           const struct fate_params *params, const struct fate_fault *faults,
                           size_t n_faults);

/* From the next packet on (timeline `set`). NULL, or what cannot be; nothing
 * changes then. Fates already told stand. The state of bursts becomes what it
 * would be had the new parameters always held; finding it takes about
 * 1 / (enter + leave) draws, once: some milliseconds for shares of 1 ppm. */
const char *fate_link_set(struct fate_link *link, const struct fate_params *params,
                          uint64_t now_ns);

/* Timeline `down` and `up`. Packets go on being counted. */
void fate_link_down(struct fate_link *link);
void fate_link_up(struct fate_link *link);

struct fate_packet {
  uint32_t len;         /* of the IP packet: what it holds the line and fills the queue with */
  uint32_t payload_len; /* of the UDP payload: where a bit may be turned */
  fate_frames frames;   /* its frames, of all 1-RTT packets in it; 0 if they cannot be read or
                           link->asked is 0 */
};

struct fate {
  uint64_t index;
  enum fate_drop drop;
  int copies;                /* 0 if dropped, else 1 or 2 */
  bool reordered;            /* the first copy is reorder_by_ns later than it would be */
  bool corrupt;              /* turn one bit of the UDP payload in every copy ... */
  uint32_t corrupt_bit;      /* ... this: bit & 7 of byte bit / 8, 0 = the least significant */
  uint64_t deliver_at_ns[2]; /* at the other end; the second may be the earlier one */
};

/* The next packet. now_ns: when it reached this end; never falls. */
struct fate fate_decide(struct fate_link *link, const struct fate_packet *packet, uint64_t now_ns);

/* What packet `index` meets by chance and by faults that need no look inside.
 * fate_decide() does the same, and adds down, faults by frame and bottleneck. */
struct fate_chance {
  enum fate_drop drop; /* fault, burst, loss */
  bool duplicate, corrupt, reordered;
  uint64_t corrupt_draw; /* for fate_corrupt_bit() */
  uint64_t delay_ns[2];  /* of the packet and of its copy; fault and reorder included */
};
struct fate_chance fate_at(const struct fate_link *link, uint64_t index);

/* payload_len > 0 */
uint32_t fate_corrupt_bit(uint64_t corrupt_draw, uint32_t payload_len);

#endif
