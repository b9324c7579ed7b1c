/* What a datapath's program is told once, before it is loaded: the verifier sees constants, and
 * code that they rule out is not there. One struct, so that both objects (bpf/program.h) have
 * all of them in the same place. Natively: struct dp_native_sizes. */
#ifndef FANBENCH_BPF_ABI_CONSTANTS_H
#define FANBENCH_BPF_ABI_CONSTANTS_H

#include "bpf/abi/defects.h"

struct fb_constants {
  /* sizes of the maps; who makes a map smaller sets its constant too */
  __u32 max_subscribers;
  __u32 max_tracks;
  __u32 stream_slots;
  __u32 policy;  /* enum dp_policy */
  __u32 protect; /* see keys.h. 0: all is `protection: none`, and no code of it is verified */
  __u32 keystreams_down;
  __u32 keystreams_up;
  __u32 emit_to_map; /* 1 = copies go into the map `emitted`: for tests with BPF_PROG_TEST_RUN */
  struct fb_defects defects;
};

#endif
