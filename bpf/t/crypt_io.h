/* One step of packet protection with all it works on, natively and with
 * BPF_PROG_TEST_RUN. */
#ifndef FANBENCH_BPF_T_CRYPT_IO_H
#define FANBENCH_BPF_T_CRYPT_IO_H

#include "bpf/crypt/aes.h"
#include "bpf/crypt/chacha20.h"
#include "bpf/crypt/gcm.h"
#include "bpf/crypt/poly1305.h"

enum crypt_step_name {
  CRYPT_NOTHING, /* what a run costs without */
  CRYPT_CHACHA20_KEYSTREAM,
  CRYPT_CHACHA20_MASK,
  CRYPT_CHACHA20_SEAL,
  CRYPT_CHACHA20_OPEN,
  CRYPT_AES_KEYSTREAM,
  CRYPT_AES_MASK,
  CRYPT_GCM_SEAL,
  CRYPT_GCM_OPEN,
  CRYPT_STEPS
};

/* Keys in a round, so that a run over many subscribers finds nothing in the cache. */
#define CRYPT_KEYS 64

struct crypt_io {
  __u64 pn;
  __u64 span;
  __u32 step;   /* enum crypt_step_name */
  __u32 result; /* out */
  __u32 at;     /* of the sample */
  __u32 which;  /* of the keys; the kernel's program takes the next one by itself */
  __u32 spread; /* 0: always key 0; else `which` goes on, modulo CRYPT_KEYS */
  __u32 pad;
  struct crypt_buf from, to;
  struct crypt_work work;
  struct fb_key key;
  struct fb_keystream keystreams[CRYPT_KEYS];
  struct fb_ghash tables[CRYPT_KEYS];
};

PORT_INLINE int crypt_io_run(struct crypt_io *io, const struct fb_keystream *ks,
                             const struct fb_ghash *table) {
  switch (io->step) {
  case CRYPT_CHACHA20_KEYSTREAM:
    return crypt_chacha20_keystream(&io->key, io->pn, CRYPT_SPAN_LEN(io->span), &io->work);
  case CRYPT_CHACHA20_MASK:
    return crypt_chacha20_mask(&io->key, &io->to, io->at, &io->work);
  case CRYPT_CHACHA20_SEAL:
    return crypt_chacha20_seal(&io->to, &io->from, ks, io->span);
  case CRYPT_CHACHA20_OPEN:
    return crypt_chacha20_open(&io->to, &io->from, ks, io->span);
  case CRYPT_AES_KEYSTREAM:
    return crypt_aes_keystream(&io->key, io->pn, CRYPT_SPAN_LEN(io->span), &io->work);
  case CRYPT_AES_MASK:
    return crypt_aes_mask(&io->key, &io->to, io->at, &io->work);
  case CRYPT_GCM_SEAL:
    return crypt_gcm_seal(&io->to, &io->from, ks, table, io->span);
  case CRYPT_GCM_OPEN:
    return crypt_gcm_open(&io->to, &io->from, ks, table, io->span);
  default:
    return 0;
  }
}

#endif
