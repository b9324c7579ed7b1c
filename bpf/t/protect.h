/* Packet protection by another hand (wolfSSL), for tests: what it seals the datapath must
 * open, and what the datapath seals it must open. */
#ifndef FANBENCH_BPF_T_PROTECT_H
#define FANBENCH_BPF_T_PROTECT_H

#include "bpf/abi/keys.h"
#include "bpf/port/native.h"
#include "bpf/t/packet.h"

#include <stdbool.h>

/* Keys of one direction of one connection in one phase, made up from a number. */
struct secret {
  enum fb_protection cipher; /* FB_PROTECT_NONE: the null AEAD */
  uint8_t key[32], hp[32], iv[12];
  uint8_t phase;
};

/* Secrets of the same `who` and cipher differ by phase in key and IV, not in hp. */
struct secret secret_of(enum fb_protection cipher, uint32_t who, uint32_t phase);

/* What user space would write into the arrays. `table` may be NULL with ChaCha20. */
struct fb_key key_of(const struct secret *s, uint64_t generation, struct fb_ghash *table);

/* Seals a UDP payload as packet_payload() makes it: clear header with a number of pn_len
 * bytes behind an ID of cid_len, frames, 16 bytes for the tag. */
struct piece protect(const struct secret *s, struct piece clear, size_t cid_len, uint64_t pn);

/* The opposite: the tag is zero then. False: not authentic as packet `pn`. */
bool unprotect(const struct secret *s, struct piece *packet, size_t cid_len, uint64_t pn);

/* wolfSSL as the cipher of a native instance; its user pointer is the instance's `keys`. */
extern const struct dp_native_aead protect_aead;

#endif
