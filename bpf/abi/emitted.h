/* A copy as user space takes it: of the test map `emitted`, which is in place of an interface, and of a
 * journal (journal.h). */
#ifndef FANBENCH_BPF_ABI_EMITTED_H
#define FANBENCH_BPF_ABI_EMITTED_H

#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

/* Copies that the map holds; the next one fails to be emitted. */
#define FB_MAX_EMITTED 128

struct fb_emitted {
  __u32 slot, gen;
  __u32 ifindex;
  __u32 head_len; /* L2 to L4 */
  __u32 payload_len;
  __u32 error; /* errno of the emit, 0 = it left */
  __u64 pn;
  __u8 buf[FB_BUF_LEN]; /* UDP payload at FB_MAX_HEADERS, headers in front */
};
FB_ASSERT_SIZE(struct fb_emitted, 32 + FB_BUF_LEN);

/* Its Ethernet frame, which is head_len + payload_len long. */
static inline const __u8 *fb_emitted_frame(const struct fb_emitted *e) {
  return e->buf + FB_MAX_HEADERS - e->head_len;
}

#endif
