/* Keystreams of packet protection, ahead of their packets: what the AEAD of RFC 9001 5.3 XORs
 * with the payload and what its tag needs, for one packet number, without knowing the payload.
 *
 *   ChaCha20-Poly1305 (RFC 8439 2.8)    once: bytes 0..31 of block 0, the one-time key of
 *                                       Poly1305; bytes: from block 1 on
 *   AES-128-GCM (NIST SP 800-38D 7.1)   once: bytes 0..15 are E(J0); bytes: from counter 2 on
 *
 * The nonce is the IV with the number XORed into its end. A keystream used for two different
 * payloads gives both away: whoever asks for one sees to it that the number seals one packet. */
#ifndef FANBENCH_RELAY_QUIC_KEYSTREAM_H
#define FANBENCH_RELAY_QUIC_KEYSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "relay/quic/protect.h"

/* One key, ready to use. One thread at a time. */
struct keystream;

struct keystream *keystream_new(const struct protect_keys *keys); /* NULL: no memory */
void keystream_free(struct keystream *keystream);                 /* wipes it; NULL is fine */

/* once: 32 bytes, those that the cipher does not use are zero; len: a multiple of 64. */
#define KEYSTREAM_ONCE 32
void keystream_make(struct keystream *keystream, uint64_t pn, uint8_t *once, uint8_t *bytes,
                    size_t len);

#endif
