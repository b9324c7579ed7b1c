/* What the program says about its runs when a journal of them is kept (bpf/journal.bpf.c): entries of
 * one ring buffer for all CPUs, in the order in which things happened:
 *
 *   struct fb_journal_frame; of each batch its record (record.h), then of each copy
 *   struct fb_journal_copy and, if it could not leave, struct fb_failed; struct fb_journal_end
 *
 * One run at a time: they exclude each other, and user space's writes, by the word `lock`.
 * So runs and writes have one order, and what a run met is known. Who finds the lock taken waits
 * for a while; then the packet goes up as if there were no datapath: unrun. That is counted, and if half
 * of the ring is free the frame is put there, also within what another run says. */
#ifndef FANBENCH_BPF_ABI_JOURNAL_H
#define FANBENCH_BPF_ABI_JOURNAL_H

#include "bpf/abi/emitted.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

/* Some 15,000 packets and copies. */
#define FB_JOURNAL_BYTES (32u << 20)
/* Looks at the lock: some 300 us. A run takes less, a write much less. */
#define FB_JOURNAL_LOOKS 16384

#define FB_JOURNAL_FREE    0
#define FB_JOURNAL_RUN     1
#define FB_JOURNAL_WRITING 2 /* user space */

/* In the program's .bss. */
struct fb_journal {
  __u64 lock;
  __u64 runs;     /* that have begun; each has its number, from 1 */
  __u64 declined; /* packets that went up because the lock, or the ring, was not free */
  __u64 lost;     /* entries that found no room: none, or the journal is of no use */
};
FB_ASSERT_SIZE(struct fb_journal, 32);

#define FB_JOURNAL_FRAME 0x46424a46u /* "FBJF" */
#define FB_JOURNAL_COPY  0x46424a43u /* "FBJC" */
#define FB_JOURNAL_END   0x46424a45u /* "FBJE" */
#define FB_JOURNAL_UNRUN 0x46424a55u /* "FBJU": as a frame, run = 0 */

struct fb_journal_frame {
  __u32 magic;
  __u32 len; /* of the frame, of which FB_BUF_LEN bytes are here at most */
  __u64 run, now_ns;
  __u8 bytes[FB_BUF_LEN];
};
FB_ASSERT_SIZE(struct fb_journal_frame, 24 + FB_BUF_LEN);

struct fb_journal_copy {
  __u32 magic, pad;
  struct fb_emitted copy;
};
FB_ASSERT_SIZE(struct fb_journal_copy, 8 + sizeof(struct fb_emitted));

struct fb_journal_end {
  __u32 magic;
  __u32 reason; /* enum fb_packet_reason */
  __u64 run;
};
FB_ASSERT_SIZE(struct fb_journal_end, 16);

#endif
