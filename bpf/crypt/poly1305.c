#include "bpf/crypt/poly1305.h"

#include "bpf/wire/cursor.h"

/* r in 4 limbs of 32 bits, clamped to less than 2^28; s = r * 5 / 4, exact as r[1..3] are
 * multiples of 4. h in 4 limbs a little over 32 bits and a small fifth: with r as above the
 * sums of products of one block stay below 2^64 (h[0] < 3.6 * 2^32, h[1..3] < 2 * 2^32,
 * h[4] <= 4), so one pass of carries a block is enough. */
struct poly {
  __u64 r0, r1, r2, r3, s1, s2, s3;
  __u64 h0, h1, h2, h3, h4;
};

PORT_INLINE void poly_begin(struct poly *p, const __u8 *once) {
  __u64 low = port_get64(once), high = port_get64(once + 8);
  *p = (struct poly){.r0 = low & 0x0fffffff,
                     .r1 = low >> 32 & 0x0ffffffc,
                     .r2 = high & 0x0ffffffc,
                     .r3 = high >> 32 & 0x0ffffffc};
  p->s1 = p->r1 + (p->r1 >> 2);
  p->s2 = p->r2 + (p->r2 >> 2);
  p->s3 = p->r3 + (p->r3 >> 2);
}

/* A whole block, as all of this AEAD's are. */
PORT_INLINE void poly_block(struct poly *p, __u64 a, __u64 b) {
  __u64 h0 = p->h0 + (__u32)a, h1 = p->h1 + (a >> 32), h2 = p->h2 + (__u32)b,
        h3 = p->h3 + (b >> 32), h4 = p->h4 + 1;
  __u64 d0 = h0 * p->r0 + h1 * p->s3 + h2 * p->s2 + h3 * p->s1;
  __u64 d1 = h0 * p->r1 + h1 * p->r0 + h2 * p->s3 + h3 * p->s2 + h4 * p->s1;
  __u64 d2 = h0 * p->r2 + h1 * p->r1 + h2 * p->r0 + h3 * p->s3 + h4 * p->s2;
  __u64 d3 = h0 * p->r3 + h1 * p->r2 + h2 * p->r1 + h3 * p->r0 + h4 * p->s3;
  h4 *= p->r0;
  d1 += d0 >> 32;
  d2 += d1 >> 32;
  d3 += d2 >> 32;
  h4 += d3 >> 32;
  p->h0 = (__u32)d0 + (h4 >> 2) + (h4 & ~3ull); /* 2^130 = 5 */
  p->h1 = (__u32)d1;
  p->h2 = (__u32)d2;
  p->h3 = (__u32)d3;
  p->h4 = h4 & 3;
}

#define CARRY(from, to)                                                                            \
  do {                                                                                             \
    (to) += (from) >> 32;                                                                          \
    (from) = (__u32)(from);                                                                        \
  } while (0)

/* The lengths, little endian. The tag: h modulo 2^130 - 5, plus the second half of the one-time
 * key. */
PORT_INLINE struct crypt_block poly_end(struct poly *p, __u32 head, __u32 len, const __u8 *once) {
  poly_block(p, head, len);
  __u64 h0 = p->h0, h1 = p->h1, h2 = p->h2, h3 = p->h3, h4 = p->h4;
  CARRY(h0, h1);
  CARRY(h1, h2);
  CARRY(h2, h3);
  CARRY(h3, h4);
  h0 += (h4 >> 2) * 5;
  h4 &= 3;
  CARRY(h0, h1);
  CARRY(h1, h2);
  CARRY(h2, h3);
  CARRY(h3, h4);
  __u64 d0 = h0 + 5, d1 = h1 + (d0 >> 32), d2 = h2 + (d1 >> 32), d3 = h3 + (d2 >> 32);
  __u64 wrap = 0 - ((h4 + (d3 >> 32)) >> 2 & 1); /* all ones if h >= 2^130 - 5 */
  h0 = (h0 & ~wrap) | ((__u32)d0 & wrap);
  h1 = (h1 & ~wrap) | ((__u32)d1 & wrap);
  h2 = (h2 & ~wrap) | ((__u32)d2 & wrap);
  h3 = (h3 & ~wrap) | ((__u32)d3 & wrap);
  __u64 low = port_get64(once + 16), high = port_get64(once + 24);
  h0 += (__u32)low;
  h1 += (low >> 32) + (h0 >> 32);
  h2 += (__u32)high + (h1 >> 32);
  h3 += (high >> 32) + (h2 >> 32);
  return (struct crypt_block){(__u32)h0 | h1 << 32, (__u32)h2 | h3 << 32};
}

#define AEAD_PASS  chacha20_pass
#define AEAD_HASH  struct poly
#define AEAD_BEGIN poly_begin
#define AEAD_BLOCK poly_block
#define AEAD_END   poly_end
#include "bpf/crypt/pass.h"

PORT_GLOBAL int crypt_chacha20_seal(struct crypt_buf *to, const struct crypt_buf *from,
                                    const struct fb_keystream *ks, __u64 span) {
  struct poly poly;
  return chacha20_pass(to, from, ks, &poly, span, 1);
}

PORT_GLOBAL int crypt_chacha20_open(struct crypt_buf *to, const struct crypt_buf *from,
                                    const struct fb_keystream *ks, __u64 span) {
  struct poly poly;
  return chacha20_pass(to, from, ks, &poly, span, 0);
}
