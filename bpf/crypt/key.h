/* Key material as the datapath wants it, made by user space. Native alone. */
#ifndef FANBENCH_BPF_CRYPT_KEY_H
#define FANBENCH_BPF_CRYPT_KEY_H

#include "bpf/abi/keys.h"

/* Fills all of *key but generation, from and until, from what RFC 9001 5.1 derives: `secret`
 * and `hp` of 32 bytes (FB_PROTECT_CHACHA20) or 16 (FB_PROTECT_AES128GCM), `iv` of 12.
 * `table`: the element of `ghash` with the same place; NULL with ChaCha20. 0, or -1: another
 * cipher. The order in which elements are written is in bpf/abi/keys.h. */
int crypt_key_fill(struct fb_key *key, struct fb_ghash *table, enum fb_protection cipher,
                   const __u8 *secret, const __u8 *hp, const __u8 iv[12]);

/* Makes the keystream of packet `pn` and tags it with the key's generation, in the order
 * that lets the datapath look on. Plain C; whoever makes many has faster means. 0, or -1: the
 * number is too large for a tag. */
int crypt_keystream_fill(struct fb_keystream *out, const struct fb_key *key, __u64 pn);

#endif
