/* Switches that put a known bug back (DESIGN section 9). Read-only constants
 * of the program: off costs nothing. 0 = off, 1 = on, or a value. */
#ifndef FANBENCH_BPF_ABI_DEFECTS_H
#define FANBENCH_BPF_ABI_DEFECTS_H

#include "bpf/abi/types.h"

struct fb_defects {
  __u32 two_counters; /* fast path numbers from its own counter */
  __u32 racy_pn;      /* a number is read and written without an atomic */
};

#endif
