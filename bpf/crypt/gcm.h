/* GHASH (NIST SP 800-38D section 6.4), and with it AES-128-GCM over a keystream that is
 * there already.
 *
 * A product is 32 looks into the key's table of 8 KiB, one each nibble: no shift and no
 * reduction is left, and no look waits for another. */
#ifndef FANBENCH_BPF_CRYPT_GCM_H
#define FANBENCH_BPF_CRYPT_GCM_H

#include "bpf/crypt/buf.h"

/* Seals the payload `span` of `from` into `to`, where the header stands already; the tag
 * goes behind it. Up to 15 bytes behind the tag are overwritten. 0, or -1: no such span. */
PORT_GLOBAL int crypt_gcm_seal(struct crypt_buf *to, const struct crypt_buf *from,
                               const struct fb_keystream *ks, const struct fb_ghash *table,
                               __u64 span);

/* Opens it: the tag is behind the payload of `from`, the header in `to`. 0 = authentic;
 * else what is in `to` means nothing. */
PORT_GLOBAL int crypt_gcm_open(struct crypt_buf *to, const struct crypt_buf *from,
                               const struct fb_keystream *ks, const struct fb_ghash *table,
                               __u64 span);

#ifndef __bpf__
/* The table of H, the 16 bytes E(0). */
void crypt_ghash_table(struct fb_ghash *table, const __u8 h[16]);
#endif

#endif
