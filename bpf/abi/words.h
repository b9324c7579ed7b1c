/* What the kernel's program and its loader tell each other beside the maps. One struct, so that all
 * objects (bpf/program.h) have all of it in the same place. */
#ifndef FANBENCH_BPF_ABI_WORDS_H
#define FANBENCH_BPF_ABI_WORDS_H

#include "bpf/abi/journal.h"
#include "bpf/abi/steps.h"
#include "bpf/abi/types.h"

struct fb_words {
  __u64 copy_index;    /* of the defect global-counter alone */
  __u32 emitted_count; /* copies in `emitted`; the test sets it back */
  __u32 pad;
  /* port_now_ns() of a test run, so that a run can be replayed, and of one that is in a journal;
   * 0 = the clock */
  __u64 clock_ns;
  struct fb_journal journal; /* of bpf/journal.bpf.c alone */
  struct fb_stepping steps;  /* of bpf/stepped.bpf.c alone */
};
FB_ASSERT_SIZE(struct fb_words, 24 + 32 + 24);

#endif
