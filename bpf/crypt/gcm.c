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

/* The hash so far, and the key's table. */
struct ghash {
  struct crypt_block y;
  const struct fb_ghash *table;
};

/* A look at each cache line of the table, none waiting for another: where the table of this
 * subscriber is no longer in the cache, its lines come side by side and not one after the other
 * as the blocks need them. */
PORT_INLINE void ghash_begin(struct ghash *hash, const __u8 *once) {
  (void)once;
  const __u64 *line = &hash->table->products[0][0][0];
  __u64 a = 0, b = 0;
  PORT_NO_UNROLL
  for (int i = 0; i < 32; i++) {
    a ^= line[0] ^ line[8];
    b ^= line[16] ^ line[24];
    line += 32;
  }
  port_done(a, b);
}

PORT_INLINE void ghash_block(struct ghash *hash, __u64 a, __u64 b) {
  hash->y.a ^= a;
  hash->y.b ^= b;
  ghash_product(&hash->y, hash->table);
}

/* Lengths in bits, big endian, then what encrypts the hash. */
PORT_INLINE struct crypt_block ghash_end(struct ghash *hash, __u32 head, __u32 len,
                                         const __u8 *once) {
  ghash_block(hash, __builtin_bswap64(8ull * head), __builtin_bswap64(8ull * len));
  return (struct crypt_block){hash->y.a ^ port_get64(once), hash->y.b ^ port_get64(once + 8)};
}

#define AEAD_PASS  gcm_pass
#define AEAD_HASH  struct ghash
#define AEAD_BEGIN ghash_begin
#define AEAD_BLOCK ghash_block
#define AEAD_END   ghash_end
#include "bpf/crypt/pass.h"

PORT_GLOBAL int crypt_gcm_seal(struct crypt_buf *to, const struct crypt_buf *from,
                               const struct fb_keystream *ks, const struct fb_ghash *table,
                               __u64 span) {
  struct ghash hash = {{0, 0}, table};
  return table ? gcm_pass(to, from, ks, &hash, span, 1) : -1;
}

PORT_GLOBAL int crypt_gcm_open(struct crypt_buf *to, const struct crypt_buf *from,
                               const struct fb_keystream *ks, const struct fb_ghash *table,
                               __u64 span) {
  struct ghash hash = {{0, 0}, table};
  return table ? gcm_pass(to, from, ks, &hash, span, 0) : -1;
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
