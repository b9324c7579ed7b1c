#include "bpf/crypt/aes.h"

#include "bpf/wire/cursor.h"

/* What a byte s of SubBytes adds to its column in MixColumns: (2s, s, s, 3s), lowest byte
 * first, twice in a row. Read 4 bytes from 0, 3, 2, 1 on: what it adds from row 0, 1, 2, 3.
 * The byte at 1 is s alone. */
#define TWICE(s) (((s) << 1 ^ (s) / 128 * 0x11b) & 0xff)
#define ONCE(s)  (TWICE(s) | (s) << 8 | (s) << 16 | (__u64)(TWICE(s) ^ (s)) << 24)
#define E(s)     (ONCE(s) | ONCE(s) << 32)
static const __u64 crypt_aes_table[256] = {
    E(0x63), E(0x7c), E(0x77), E(0x7b), E(0xf2), E(0x6b), E(0x6f), E(0xc5), E(0x30), E(0x01),
    E(0x67), E(0x2b), E(0xfe), E(0xd7), E(0xab), E(0x76), E(0xca), E(0x82), E(0xc9), E(0x7d),
    E(0xfa), E(0x59), E(0x47), E(0xf0), E(0xad), E(0xd4), E(0xa2), E(0xaf), E(0x9c), E(0xa4),
    E(0x72), E(0xc0), E(0xb7), E(0xfd), E(0x93), E(0x26), E(0x36), E(0x3f), E(0xf7), E(0xcc),
    E(0x34), E(0xa5), E(0xe5), E(0xf1), E(0x71), E(0xd8), E(0x31), E(0x15), E(0x04), E(0xc7),
    E(0x23), E(0xc3), E(0x18), E(0x96), E(0x05), E(0x9a), E(0x07), E(0x12), E(0x80), E(0xe2),
    E(0xeb), E(0x27), E(0xb2), E(0x75), E(0x09), E(0x83), E(0x2c), E(0x1a), E(0x1b), E(0x6e),
    E(0x5a), E(0xa0), E(0x52), E(0x3b), E(0xd6), E(0xb3), E(0x29), E(0xe3), E(0x2f), E(0x84),
    E(0x53), E(0xd1), E(0x00), E(0xed), E(0x20), E(0xfc), E(0xb1), E(0x5b), E(0x6a), E(0xcb),
    E(0xbe), E(0x39), E(0x4a), E(0x4c), E(0x58), E(0xcf), E(0xd0), E(0xef), E(0xaa), E(0xfb),
    E(0x43), E(0x4d), E(0x33), E(0x85), E(0x45), E(0xf9), E(0x02), E(0x7f), E(0x50), E(0x3c),
    E(0x9f), E(0xa8), E(0x51), E(0xa3), E(0x40), E(0x8f), E(0x92), E(0x9d), E(0x38), E(0xf5),
    E(0xbc), E(0xb6), E(0xda), E(0x21), E(0x10), E(0xff), E(0xf3), E(0xd2), E(0xcd), E(0x0c),
    E(0x13), E(0xec), E(0x5f), E(0x97), E(0x44), E(0x17), E(0xc4), E(0xa7), E(0x7e), E(0x3d),
    E(0x64), E(0x5d), E(0x19), E(0x73), E(0x60), E(0x81), E(0x4f), E(0xdc), E(0x22), E(0x2a),
    E(0x90), E(0x88), E(0x46), E(0xee), E(0xb8), E(0x14), E(0xde), E(0x5e), E(0x0b), E(0xdb),
    E(0xe0), E(0x32), E(0x3a), E(0x0a), E(0x49), E(0x06), E(0x24), E(0x5c), E(0xc2), E(0xd3),
    E(0xac), E(0x62), E(0x91), E(0x95), E(0xe4), E(0x79), E(0xe7), E(0xc8), E(0x37), E(0x6d),
    E(0x8d), E(0xd5), E(0x4e), E(0xa9), E(0x6c), E(0x56), E(0xf4), E(0xea), E(0x65), E(0x7a),
    E(0xae), E(0x08), E(0xba), E(0x78), E(0x25), E(0x2e), E(0x1c), E(0xa6), E(0xb4), E(0xc6),
    E(0xe8), E(0xdd), E(0x74), E(0x1f), E(0x4b), E(0xbd), E(0x8b), E(0x8a), E(0x70), E(0x3e),
    E(0xb5), E(0x66), E(0x48), E(0x03), E(0xf6), E(0x0e), E(0x61), E(0x35), E(0x57), E(0xb9),
    E(0x86), E(0xc1), E(0x1d), E(0x9e), E(0xe1), E(0xf8), E(0x98), E(0x11), E(0x69), E(0xd9),
    E(0x8e), E(0x94), E(0x9b), E(0x1e), E(0x87), E(0xe9), E(0xce), E(0x55), E(0x28), E(0xdf),
    E(0x8c), E(0xa1), E(0x89), E(0x0d), E(0xbf), E(0xe6), E(0x42), E(0x68), E(0x41), E(0x99),
    E(0x2d), E(0x0f), E(0xb0), E(0x54), E(0xbb), E(0x16),
};
#undef E

#define TABLE(word, shift) ((const __u8 *)crypt_aes_table + ((word) >> (shift)&0xff) * 8)
#define COLUMN(a, b, c, d)                                                                         \
  (port_get32(TABLE(a, 0)) ^ port_get32(TABLE(b, 8) + 3) ^ port_get32(TABLE(c, 16) + 2) ^          \
   port_get32(TABLE(d, 24) + 1))
#define LAST(a, b, c, d)                                                                           \
  ((__u32)TABLE(a, 0)[1] | (__u32)TABLE(b, 8)[1] << 8 | (__u32)TABLE(c, 16)[1] << 16 |             \
   (__u32)TABLE(d, 24)[1] << 24)

PORT_GLOBAL int crypt_aes(const struct crypt_aes_key *key, struct crypt_work *w) {
  if (!key || !w)
    return -1;
  const __u32 *round = key->words;
  __u32 s0 = w->in[0] ^ round[0], s1 = w->in[1] ^ round[1], s2 = w->in[2] ^ round[2],
        s3 = w->in[3] ^ round[3];
  PORT_NO_UNROLL
  for (int i = 1; i < 10; i++) {
    round += 4;
    __u32 t0 = COLUMN(s0, s1, s2, s3) ^ round[0];
    __u32 t1 = COLUMN(s1, s2, s3, s0) ^ round[1];
    __u32 t2 = COLUMN(s2, s3, s0, s1) ^ round[2];
    __u32 t3 = COLUMN(s3, s0, s1, s2) ^ round[3];
    s0 = t0, s1 = t1, s2 = t2, s3 = t3;
  }
  w->out[0] = LAST(s0, s1, s2, s3) ^ key->words[40];
  w->out[1] = LAST(s1, s2, s3, s0) ^ key->words[41];
  w->out[2] = LAST(s2, s3, s0, s1) ^ key->words[42];
  w->out[3] = LAST(s3, s0, s1, s2) ^ key->words[43];
  return 0;
}

PORT_GLOBAL int crypt_aes_keystream(const struct fb_key *key, __u64 pn, __u32 len,
                                    struct crypt_work *w) {
  if (!key || !w || len > FB_KEYSTREAM_LEN)
    return -1;
  const struct crypt_aes_key *rounds = (const struct crypt_aes_key *)key->key;
  w->in[0] = key->iv[0];
  w->in[1] = key->iv[1] ^ __builtin_bswap32((__u32)(pn >> 32));
  w->in[2] = key->iv[2] ^ __builtin_bswap32((__u32)pn);
  w->in[3] = __builtin_bswap32(1);
  crypt_aes(rounds, w);
  __builtin_memcpy(w->keystream.once, w->out, 16);
  PORT_NO_UNROLL
  for (__u32 i = 0; i < FB_KEYSTREAM_LEN / 16; i++) {
    if (16 * i >= len)
      break;
    w->in[3] = __builtin_bswap32(i + 2);
    crypt_aes(rounds, w);
    __builtin_memcpy(w->keystream.bytes + 16 * i, w->out, 16);
  }
  return 0;
}

PORT_GLOBAL int crypt_aes_mask(const struct fb_key *key, const struct crypt_buf *buf, __u32 at,
                               struct crypt_work *w) {
  if (!key || !buf || !w || at > FB_BUF_LEN - 16)
    return -1;
  const __u8 *sample = buf->b + wire_mask(at);
  __u64 low = port_get64(sample), high = port_get64(sample + 8);
  w->in[0] = (__u32)low;
  w->in[1] = (__u32)(low >> 32);
  w->in[2] = (__u32)high;
  w->in[3] = (__u32)(high >> 32);
  crypt_aes((const struct crypt_aes_key *)key->hp, w);
  w->mask = (__u64)w->out[1] << 32 | w->out[0];
  return 0;
}

#ifndef __bpf__
/* SubBytes of a word's bytes. */
static __u32 substituted(__u32 word) {
  return LAST(word, word, word, word);
}

void crypt_aes_expand(struct crypt_aes_key *key, const __u8 bytes[16]) {
  __u32 *w = key->words, constant = 1;
  __builtin_memcpy(w, bytes, 16);
  for (int i = 4; i < 44; i++) {
    __u32 last = w[i - 1];
    if (i % 4 == 0) {
      last = substituted(last >> 8 | last << 24) ^ constant;
      constant = (constant << 1 ^ (constant >> 7) * 0x11b) & 0xff;
    }
    w[i] = w[i - 4] ^ last;
  }
}
#endif
