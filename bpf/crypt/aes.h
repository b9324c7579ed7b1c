/* AES-128 (FIPS 197), and the counter mode and header protection that QUIC makes of it.
 *
 * By tables: in BPF there are no AES instructions, and the kernel's own cipher behind
 * bpf_crypto_encrypt() costs more a block than this (`make bench` prints both). */
#ifndef FANBENCH_BPF_CRYPT_AES_H
#define FANBENCH_BPF_CRYPT_AES_H

#include "bpf/crypt/buf.h"

/* 11 round keys; the first 4 words are the key itself. */
struct crypt_aes_key {
  __u32 words[44];
};

/* One block: w->in[0..3] to w->out[0..3]. */
PORT_GLOBAL int crypt_aes(const struct crypt_aes_key *key, struct crypt_work *w);

/* E(J0) and the first `len` bytes of the keystream of packet `pn` (NIST SP 800-38D 7.1 with
 * the nonce of RFC 9001 5.3) into w->keystream; its tag stays. 0, or -1: too long. */
PORT_GLOBAL int crypt_aes_keystream(const struct fb_key *key, __u64 pn, __u32 len,
                                    struct crypt_work *w);

/* The mask of header protection (RFC 9001 5.4.3) into w->mask; the sample is
 * [at, at + 16) of the buffer. 0, or -1: not in the buffer. */
PORT_GLOBAL int crypt_aes_mask(const struct fb_key *key, const struct crypt_buf *buf, __u32 at,
                               struct crypt_work *w);

#ifndef __bpf__
void crypt_aes_expand(struct crypt_aes_key *key, const __u8 bytes[16]);
#endif

#endif
