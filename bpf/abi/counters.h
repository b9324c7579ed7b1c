/* Words that datapath and user space share by atomics, and the statistics.
 *
 * struct fb_counters lies in an mmapable array, one element a subscriber.
 * Everything in it belongs to the generation in the subscriber's entry; user
 * space resets it only while the slot is free and no program run is in flight. */
#ifndef FANBENCH_BPF_ABI_COUNTERS_H
#define FANBENCH_BPF_ABI_COUNTERS_H

#include "bpf/abi/decision.h"
#include "bpf/abi/types.h"

struct fb_counters {
  /* line 0: what both sides add to */
  __u64 next_pn;     /* next joint number; fetch-add takes it */
  __u64 next_stream; /* next downstream uni ordinal; fetch-add takes it */
  __u64 data_used;   /* sum of charged maximum offsets (fan-out streams) */
  __u64 sent_bytes;  /* UDP payload bytes the datapath sent */
  /* 0 = the fast path may send. Otherwise user space has data queued: the
   * datapath refuses and adds 1, so that user space can clear it by
   * compare-and-exchange only if nothing was refused meanwhile. */
  __u64 hold;
  __u64 own_pn; /* the fast path's own count; used under the defect two-counters alone */
  __u64 pad0[2];
  /* line 1: limits, written by user space alone */
  __u64 pn_limit;    /* numbers must stay below: caps the unacknowledged */
  __u64 max_data;    /* for data_used */
  __u64 max_streams; /* downstream uni ordinals must stay below */
  __u64 credit;      /* sent_bytes must stay at or below: congestion control */
  /* when the oldest object arrived that waits in user space and may be dropped (clock of
   * port_now_ns()); 0 = none waits. The lag of bpf/dp/policy. */
  __u64 oldest_ns;
  __u64 pad1[3];
  /* statistics, one each enum fb_decision, added by whoever decides */
  __u64 decisions[32];
  __u64 copies, emit_failed;
  /* sealed copies (keys.h): with a keystream made ahead; with one that the datapath computed;
   * how many of these because it changed during its use */
  __u64 ks_ready, ks_computed, ks_raced;
  __u64 pad2[3];
};
FB_ASSERT_SIZE(struct fb_counters, 64 + 64 + 256 + 64);
_Static_assert(FB_DECISION_COUNT <= 32, "decisions do not fit their counters");

/* Per-CPU: packets by enum fb_packet_reason, and a sequence that is odd while
 * the program runs on this CPU (barriers wait for it). */
struct fb_cpu {
  __u64 sequence;
  __u64 packets[32];
};
_Static_assert(FB_PACKET_REASON_COUNT <= 32, "packet reasons do not fit their counters");

#endif
