/* The memory that packet protection works on, for both targets.
 *
 * A packet lies in a buffer as the datapath's do: the header begins at CRYPT_HEAD, the
 * payload behind the packet number, the tag behind the payload. The header, header
 * protection removed, is what the tag also covers (the AEAD's associated data, RFC 9001
 * 5.3), so it is found where it belongs. */
#ifndef FANBENCH_BPF_CRYPT_BUF_H
#define FANBENCH_BPF_CRYPT_BUF_H

#include "bpf/abi/keys.h"
#include "bpf/abi/limits.h"
#include "bpf/port/target.h"

#define CRYPT_HEAD FB_MAX_HEADERS
/* Longest header: first byte, connection ID, 4-byte number. */
#define CRYPT_MAX_HEAD (1 + FB_MAX_CID + 4)

struct crypt_buf {
  __u8 b[FB_BUF_LEN];
};

/* Where a payload lies: [at, at + len), without the tag. One argument, as the kernel
 * allows five. */
#define CRYPT_SPAN(at, len) ((__u64)(at) << 32 | (__u32)(len))
#define CRYPT_SPAN_AT(span) ((__u32)((span) >> 32))
/* The header's length, bounded for the verifier too. */
#define CRYPT_SPAN_HEAD(span) ((__u32)port_index(CRYPT_SPAN_AT(span) - CRYPT_HEAD, 32))
#define CRYPT_SPAN_LEN(span)  ((__u32)(span))

/* Longest payload, so that a whole block behind its beginning lies in the keystream. */
#define CRYPT_MAX_LEN    (FB_KEYSTREAM_LEN - 16)
#define CRYPT_MAX_BLOCKS (FB_KEYSTREAM_LEN / 16)

/* Is it a place and a length that the functions of this folder take? */
PORT_INLINE int crypt_span_good(__u64 span) {
  __u64 at = CRYPT_SPAN_AT(span), len = CRYPT_SPAN_LEN(span);
  return at > CRYPT_HEAD && at <= CRYPT_HEAD + CRYPT_MAX_HEAD && len > 0 && len <= CRYPT_MAX_LEN;
}

/* 16 bytes of a message. */
struct crypt_block {
  __u64 a, b;
};

/* 31 bytes with all bits set, then none. */
#define CRYPT_ONES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
static const __u8 crypt_ramp[64]
    __attribute__((unused)) = {CRYPT_ONES, 0xff, CRYPT_ONES, 0xff, CRYPT_ONES, 0xff, CRYPT_ONES};

/* Which bytes of block i belong to a message of `len` bytes, len < 32, i = 0 or 1: all bits
 * of those are set. A look instead of a comparison, which the verifier would follow both
 * ways. */
PORT_INLINE struct crypt_block crypt_mask_block(__u32 len, __u32 i) {
  const __u8 *p = crypt_ramp + port_index(31 - len, 32) + 16 * i;
  return (struct crypt_block){port_get64(p), port_get64(p + 8)};
}

/* Block i (0 or 1) of the header, filled up with zeros. */
PORT_INLINE struct crypt_block crypt_head_block(const struct crypt_buf *buf, __u32 i, __u32 len) {
  const __u8 *p = buf->b + CRYPT_HEAD + 16 * i;
  struct crypt_block mask = crypt_mask_block(len, i);
  return (struct crypt_block){port_get64(p) & mask.a, port_get64(p + 8) & mask.b};
}

/* What a packet's protection is worked out in; per CPU. `keystream`: one that was not there
 * ahead of its packet. */
struct crypt_work {
  __u32 in[16], out[16]; /* a block of ChaCha20 (16 words) or AES (4 words) */
  __u64 mask;            /* of header protection, the first byte lowest */
  struct fb_keystream keystream;
};

#endif
