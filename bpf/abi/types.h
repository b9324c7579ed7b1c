/* Fixed-width types that mean the same in BPF and in user space. */
#ifndef FANBENCH_BPF_ABI_TYPES_H
#define FANBENCH_BPF_ABI_TYPES_H

#include <linux/types.h>

#define FB_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " changed its size")
#define FB_ASSERT_AT(type, member, off)                                                            \
  _Static_assert(__builtin_offsetof(type, member) == (off), #type "." #member " moved")

#endif
