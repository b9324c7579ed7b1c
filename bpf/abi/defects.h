/* Switches that put a known bug back (DESIGN section 9, in its order). They are
 * read-only constants of the program, so what is off costs nothing; user space
 * reads the same struct. 0 = off, 1 = on, else a value in the unit named here. */
#ifndef FANBENCH_BPF_ABI_DEFECTS_H
#define FANBENCH_BPF_ABI_DEFECTS_H

#include "bpf/abi/types.h"

/* X(field, name, what being switched on without a value stands for) */
#define FB_DEFECTS(X)                                                                              \
  X(slow_agent, "slow-agent", 200000000) /* ns an ACK to the publisher is late */                  \
  X(stale_dcid, "stale-dcid", 1)                                                                   \
  X(pn_guess, "pn-guess", 4) /* numbers added for each guess */                                    \
  X(closed_gate, "closed-gate", 1)                                                                 \
  X(one_address, "one-address", 1)                                                                 \
  X(two_counters, "two-counters", 1)                                                               \
  X(retire_first, "retire-first", 6) /* IDs for all connections */                                 \
  X(orphan, "orphan", 1)                                                                           \
  X(shared_cid, "shared-cid", 1)                                                                   \
  X(racy_pn, "racy-pn", 1)                                                                         \
  X(index_in_priority, "index-in-priority", 1)                                                     \
  X(drop_by_index, "drop-by-index", 1)                                                             \
  X(global_counter, "global-counter", 1)                                                           \
  X(empty_cid, "empty-cid", 1)                                                                     \
  X(short_pn, "short-pn", 1)                                                                       \
  X(torn_entry, "torn-entry", 100000000) /* ns until it is whole */                                \
  X(first_frame_only, "first-frame-only", 1)                                                       \
  X(no_offset_fix, "no-offset-fix", 1)                                                             \
  X(copy_all_frames, "copy-all-frames", 1)                                                         \
  X(header_per_packet, "header-per-packet", 1)                                                     \
  X(ignore_limits, "ignore-limits", 1)                                                             \
  X(zero_number, "zero-number", 1)                                                                 \
  X(raw_acks, "raw-acks", 1)                                                                       \
  X(stale_client, "stale-client", 1)                                                               \
  X(late_handler, "late-handler", 20000000) /* ns after the handshake */                           \
  X(join_mid_group, "join-mid-group", 1)                                                           \
  X(pn_shrunk, "pn-shrunk", 1)                                                                     \
  X(one_stream_a_packet, "one-stream-a-packet", 1)                                                 \
  X(mixed_widths, "mixed-widths", 1)                                                               \
  X(any_address, "any-address", 1)

#define FB_DEFECT_FIELD(field, name, on) __u64 field;
struct fb_defects {
  FB_DEFECTS(FB_DEFECT_FIELD)
};
#undef FB_DEFECT_FIELD

#endif
