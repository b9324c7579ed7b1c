#include "bpf/crypt/chacha20.h"

#include "bpf/wire/cursor.h"

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                        \
  do {                                                                                             \
    (a) += (b), (d) ^= (a), (d) = ROTATE(d, 16);                                                   \
    (c) += (d), (b) ^= (c), (b) = ROTATE(b, 12);                                                   \
    (a) += (b), (d) ^= (a), (d) = ROTATE(d, 8);                                                    \
    (c) += (d), (b) ^= (c), (b) = ROTATE(b, 7);                                                    \
  } while (0)

/* "expand 32-byte k" */
#define CHACHA_0 0x61707865u
#define CHACHA_1 0x3320646eu
#define CHACHA_2 0x79622d32u
#define CHACHA_3 0x6b206574u

PORT_GLOBAL int crypt_chacha20(struct crypt_work *w) {
  if (!w)
    return -1;
  const __u32 *in = w->in;
  __u32 *out = w->out;
  __u32 x0 = CHACHA_0, x1 = CHACHA_1, x2 = CHACHA_2, x3 = CHACHA_3;
  __u32 x4 = in[4], x5 = in[5], x6 = in[6], x7 = in[7], x8 = in[8], x9 = in[9], x10 = in[10],
        x11 = in[11], x12 = in[12], x13 = in[13], x14 = in[14], x15 = in[15];
  PORT_NO_UNROLL
  for (int i = 0; i < 10; i++) {
    QUARTER(x0, x4, x8, x12);
    QUARTER(x1, x5, x9, x13);
    QUARTER(x2, x6, x10, x14);
    QUARTER(x3, x7, x11, x15);
    QUARTER(x0, x5, x10, x15);
    QUARTER(x1, x6, x11, x12);
    QUARTER(x2, x7, x8, x13);
    QUARTER(x3, x4, x9, x14);
  }
  out[0] = x0 + CHACHA_0, out[1] = x1 + CHACHA_1, out[2] = x2 + CHACHA_2, out[3] = x3 + CHACHA_3;
  out[4] = x4 + in[4], out[5] = x5 + in[5], out[6] = x6 + in[6], out[7] = x7 + in[7];
  out[8] = x8 + in[8], out[9] = x9 + in[9], out[10] = x10 + in[10], out[11] = x11 + in[11];
  out[12] = x12 + in[12], out[13] = x13 + in[13], out[14] = x14 + in[14], out[15] = x15 + in[15];
  return 0;
}

PORT_GLOBAL int crypt_chacha20_keystream(const struct fb_key *key, __u64 pn, __u32 len,
                                         struct crypt_work *w) {
  if (!key || !w || len > FB_KEYSTREAM_LEN)
    return -1;
  __builtin_memcpy(w->in + 4, key->key, 32);
  w->in[12] = 0;
  w->in[13] = key->iv[0];
  w->in[14] = key->iv[1] ^ __builtin_bswap32((__u32)(pn >> 32));
  w->in[15] = key->iv[2] ^ __builtin_bswap32((__u32)pn);
  crypt_chacha20(w);
  __builtin_memcpy(w->keystream.once, w->out, 32);
  PORT_NO_UNROLL
  for (__u32 i = 0; i < FB_KEYSTREAM_LEN / 64; i++) {
    if (64 * i >= len)
      break;
    w->in[12] = i + 1;
    crypt_chacha20(w);
    __builtin_memcpy(w->keystream.bytes + 64 * i, w->out, 64);
  }
  return 0;
}

PORT_GLOBAL int crypt_chacha20_mask(const struct fb_key *key, const struct crypt_buf *buf, __u32 at,
                                    struct crypt_work *w) {
  if (!key || !buf || !w || at > FB_BUF_LEN - 16)
    return -1;
  const __u8 *sample = buf->b + wire_mask(at);
  __u64 low = port_get64(sample), high = port_get64(sample + 8);
  __builtin_memcpy(w->in + 4, key->hp, 32);
  w->in[12] = (__u32)low;
  w->in[13] = (__u32)(low >> 32);
  w->in[14] = (__u32)high;
  w->in[15] = (__u32)(high >> 32);
  crypt_chacha20(w);
  w->mask = (__u64)w->out[1] << 32 | w->out[0];
  return 0;
}
