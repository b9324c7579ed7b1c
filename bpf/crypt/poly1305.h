/* Poly1305 (RFC 8439 section 2.5), and with it AEAD_CHACHA20_POLY1305 over a keystream that
 * is there already: the cipher is an exclusive or, done in the same pass. */
#ifndef FANBENCH_BPF_CRYPT_POLY1305_H
#define FANBENCH_BPF_CRYPT_POLY1305_H

#include "bpf/crypt/buf.h"

/* Seals the payload `span` of `from` into `to`, where the header stands already; the tag
 * goes behind it. Up to 15 bytes behind the tag are overwritten. 0, or -1: no such span. */
PORT_GLOBAL int crypt_chacha20_seal(struct crypt_buf *to, const struct crypt_buf *from,
                                    const struct fb_keystream *ks, __u64 span);

/* Opens it: the tag is behind the payload of `from`, the header in `to`. 0 = authentic;
 * else what is in `to` means nothing. */
PORT_GLOBAL int crypt_chacha20_open(struct crypt_buf *to, const struct crypt_buf *from,
                                    const struct fb_keystream *ks, __u64 span);

#endif
