/* What others do while a run of bpf/stepped.bpf.c is stopped: changes of state, each at an access of the
 * run to a shared word. User space puts them into the map `steps`, in their order, before it runs the
 * program by BPF_PROG_TEST_RUN; then the run lets them happen where they belong. */
#ifndef FANBENCH_BPF_ABI_STEPS_H
#define FANBENCH_BPF_ABI_STEPS_H

#include "bpf/abi/entry.h"

/* Changes in one run: some 20 MiB of them. Who has more cannot be played. */
#define FB_MAX_STEPS 65536
/* The largest entry, and a piece of what is larger. */
#define FB_STEP_WORDS (sizeof(struct fb_stream) / 8)

/* Arrays and tables that a step can change. */
enum fb_step_what {
  FB_STEP_CONFIG,
  FB_STEP_UPSTREAMS,
  FB_STEP_SUBSCRIBERS,
  FB_STEP_SUBSCRIPTIONS,
  FB_STEP_STREAMS,
  FB_STEP_COPY_INDEX,
  FB_STEP_COUNTERS,
  FB_STEP_UPSTREAM_STATE,
  FB_STEP_TRACK_STATE,
  FB_STEP_DOWNS,
  FB_STEP_OBJECTS,
  FB_STEP_KEYS,
  FB_STEP_GHASH,
  FB_STEP_KEYSTREAMS,
  FB_STEP_CID_SET, /* key, then value */
  FB_STEP_CID_DEL,
  FB_STEP_ALIAS_SET,
  FB_STEP_ALIAS_DEL
};

struct fb_step {
  __u64 access; /* of the run, from 0; they ascend */
  __u32 what;   /* enum fb_step_what */
  __u32 index;  /* element */
  __u32 offset; /* in the element, of 8 bytes; entries are written whole: 0 */
  __u32 words;  /* of those below, from 1 */
  __u64 value[FB_STEP_WORDS];
};
FB_ASSERT_SIZE(struct fb_step, 24 + 8 * FB_STEP_WORDS);

/* In the program's .bss. User space sets them before each run, to 0, that of the first step and n. */
struct fb_stepping {
  __u64 access;  /* that comes next */
  __u64 at;      /* the one at which the next step happens */
  __u32 next, n; /* steps */
};
FB_ASSERT_SIZE(struct fb_stepping, 24);

#endif
