/* ChaCha20 (RFC 8439 section 2.3). */
#ifndef FANBENCH_BPF_CRYPT_CHACHA20_H
#define FANBENCH_BPF_CRYPT_CHACHA20_H

#include "bpf/crypt/buf.h"

/* One block: w->in is key (words 4..11), counter (12) and nonce (13..15), w->out the
 * keystream. Constants in front are put in. */
PORT_GLOBAL int crypt_chacha20(struct crypt_work *w);

/* The one-time key and the first `len` bytes of the keystream of packet `pn`, into
 * w->keystream; its tag stays. 0, or -1: too long. */
PORT_GLOBAL int crypt_chacha20_keystream(const struct fb_key *key, __u64 pn, __u32 len,
                                         struct crypt_work *w);

/* The mask of header protection (RFC 9001 5.4.4) into w->mask; the sample is
 * [at, at + 16) of the buffer. 0, or -1: not in the buffer. */
PORT_GLOBAL int crypt_chacha20_mask(const struct fb_key *key, const struct crypt_buf *buf, __u32 at,
                                    struct crypt_work *w);

#endif
