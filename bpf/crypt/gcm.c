#include "bpf/crypt/gcm.h"

#include "bpf/wire/cursor.h"

#define LOW_NIBBLES 0x0f0f0f0f0f0f0f0full

/* y = y * H. The nibbles are put into memory, each in a byte of its own and 16 times its
 * value: that is the place of its product in its table, without an instruction more. */
PORT_INLINE void ghash_product(struct crypt_block *y, const struct fb_ghash *table) {
  __u64 low[2] = {(y->a & LOW_NIBBLES) << 4, (y->b & LOW_NIBBLES) << 4};
  __u64 high[2] = {y->a & ~LOW_NIBBLES, y->b & ~LOW_NIBBLES};
  port_in_memory(low);
  port_in_memory(high);
  const __u8 *base = (const __u8 *)table->products;
  const __u8 *l = (const __u8 *)low, *h = (const __u8 *)high;
  __u64 a = 0, b = 0;
  PORT_UNROLL
  for (int i = 0; i < 16; i++) {
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): asm wrote neither */
    const __u8 *p = base + l[i], *q = base + h[i];
    a ^= *(const __u64 *)(p + 512 * i);
    b ^= *(const __u64 *)(p + 512 * i + 8);
    a ^= *(const __u64 *)(q + 512 * i + 256);
    b ^= *(const __u64 *)(q + 512 * i + 264);
    port_done(a, b);
  }
  y->a = a;
  y->b = b;
}

/* A look at each cache line of the table, none waiting for another: where the table of this
 * subscriber is no longer in the cache, its lines come side by side and not one after the other
 * as the blocks need them. */
PORT_INLINE void ghash_fetch(const struct fb_ghash *table) {
  const __u64 *line = &table->products[0][0][0];
  __u64 a = 0, b = 0;
  PORT_NO_UNROLL
  for (int i = 0; i < 32; i++) {
    a ^= line[0] ^ line[8];
    b ^= line[16] ^ line[24];
    line += 32;
  }
  port_done(a, b);
}

PORT_INLINE void ghash_block(struct crypt_block *y, const struct fb_ghash *table, __u64 a,
                             __u64 b) {
  y->a ^= a;
  y->b ^= b;
  ghash_product(y, table);
}

PORT_INLINE void ghash_head(struct crypt_block *y, const struct crypt_buf *buf, __u32 len,
                            const struct fb_ghash *table) {
  struct crypt_block first = crypt_head_block(buf, 0, len);
  ghash_block(y, table, first.a, first.b);
  if (len > 16) {
    struct crypt_block second = crypt_head_block(buf, 1, len);
    ghash_block(y, table, second.a, second.b);
  }
}

/* Lengths in bits, big endian, then what encrypts the hash. */
PORT_INLINE void ghash_end(struct crypt_block *y, const struct fb_ghash *table, __u32 head,
                           __u32 len, const __u8 *once) {
  ghash_block(y, table, __builtin_bswap64(8ull * head), __builtin_bswap64(8ull * len));
  y->a ^= port_get64(once);
  y->b ^= port_get64(once + 8);
}

/* Seals and opens, which differ in nothing but the side that is hashed and what becomes of the
 * tag. `sealing` is a constant. */
PORT_INLINE int gcm_pass(struct crypt_buf *to, const struct crypt_buf *from,
                         const struct fb_keystream *ks, const struct fb_ghash *table, __u64 span,
                         int sealing) {
  __u32 head = CRYPT_SPAN_HEAD(span), len = CRYPT_SPAN_LEN(span), blocks = len / 16,
        rest = len % 16;
  if (!to || !from || !ks || !table || !crypt_span_good(span))
    return -1;
  struct crypt_block tag = {0, 0};
  ghash_fetch(table);
  ghash_head(&tag, to, head, table);
  const __u8 *in = from->b + CRYPT_HEAD + head, *stream = ks->bytes;
  __u8 *out = to->b + CRYPT_HEAD + head;
  PORT_NO_UNROLL
  for (__u32 i = 0; i < CRYPT_MAX_BLOCKS - 1; i++) {
    if (i >= blocks)
      break;
    __u64 a = port_get64(in), b = port_get64(in + 8);
    __u64 x = a ^ port_get64(stream), y = b ^ port_get64(stream + 8);
    port_put64(out, x);
    port_put64(out + 8, y);
    ghash_block(&tag, table, sealing ? x : a, sealing ? y : b);
    in += 16;
    stream += 16;
    out += 16;
  }
  if (rest) {
    __u64 tail = wire_mask(len & ~15u);
    if (tail > CRYPT_MAX_LEN)
      return -1;
    in = from->b + CRYPT_HEAD + head + tail;
    stream = ks->bytes + tail;
    out = to->b + CRYPT_HEAD + head + tail;
    struct crypt_block mask = crypt_mask_block(rest, 0);
    __u64 a = port_get64(in) & mask.a, b = port_get64(in + 8) & mask.b;
    __u64 x = (a ^ port_get64(stream)) & mask.a, y = (b ^ port_get64(stream + 8)) & mask.b;
    port_put64(out, x);
    port_put64(out + 8, y);
    ghash_block(&tag, table, sealing ? x : a, sealing ? y : b);
  }
  ghash_end(&tag, table, head, len, ks->once);
  __u64 end = wire_mask(len);
  if (end > CRYPT_MAX_LEN)
    return -1;
  if (sealing) {
    out = to->b + CRYPT_HEAD + head + end;
    port_put64(out, tag.a);
    port_put64(out + 8, tag.b);
    return 0;
  }
  in = from->b + CRYPT_HEAD + head + end;
  return (port_get64(in) ^ tag.a) | (port_get64(in + 8) ^ tag.b) ? 1 : 0;
}

PORT_GLOBAL int crypt_gcm_seal(struct crypt_buf *to, const struct crypt_buf *from,
                               const struct fb_keystream *ks, const struct fb_ghash *table,
                               __u64 span) {
  return gcm_pass(to, from, ks, table, span, 1);
}

PORT_GLOBAL int crypt_gcm_open(struct crypt_buf *to, const struct crypt_buf *from,
                               const struct fb_keystream *ks, const struct fb_ghash *table,
                               __u64 span) {
  return gcm_pass(to, from, ks, table, span, 0);
}

#ifndef __bpf__
void crypt_ghash_table(struct fb_ghash *table, const __u8 h[16]) {
  __u64 v[2]; /* H times x^k, the most significant bit is that of x^0 */
  __builtin_memcpy(v, h, 16);
  v[0] = __builtin_bswap64(v[0]);
  v[1] = __builtin_bswap64(v[1]);
  __builtin_memset(table, 0, sizeof(*table));
  for (int k = 0; k < 128; k++) {
    /* the bit of x^k lies in byte k / 8; its upper nibble are the first four */
    int bit = 8 >> k % 4, row = 2 * (k / 8) + (k % 8 < 4);
    for (int n = 0; n < 16; n++)
      if (n & bit) {
        table->products[row][n][0] ^= __builtin_bswap64(v[0]);
        table->products[row][n][1] ^= __builtin_bswap64(v[1]);
      }
    __u64 carry = v[1] & 1;
    v[1] = v[1] >> 1 | v[0] << 63;
    v[0] = v[0] >> 1 ^ (carry ? 0xe1ull << 56 : 0);
  }
}
#endif
