/* The seam of packet protection: what a relay may do between ngtcp2 and the
 * AEAD on 1-RTT packets. Endpoints leave it empty.
 *
 * Sending: ngtcp2 has built header and clear payload with its own number. The
 * sealing hook takes a joint number, moves the payload to make room for a
 * 4-byte number and rewrites the header; conn.c then seals with the joint
 * number and the changed header, and masks with the changed number bytes.
 *
 * Receiving: the packet is authentic and clear. The opened hook may rewrite
 * the payload in place; its length stays. It also sees packets that come twice,
 * because ngtcp2 looks for duplicates only after opening.
 *
 * See RFC 9001 5.3, 5.4. */
#ifndef FANBENCH_RELAY_QUIC_PROTECT_H
#define FANBENCH_RELAY_QUIC_PROTECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A 1-RTT packet about to be sealed. */
struct protect_out {
  uint8_t *hdr;       /* first byte of the short header */
  size_t hdr_len;     /* in: with ngtcp2's number; out: with the joint one */
  uint8_t *payload;   /* in: behind the header; out: may have moved by up to 3 bytes */
  size_t payload_len; /* unchanged */
  uint64_t own_pn;    /* ngtcp2's number */
  uint64_t joint_pn;  /* out */
};

/* One direction's 1-RTT keys (RFC 9001 5.1, 6.1), as bytes. */
#define PROTECT_KEY_MAX 32
#define PROTECT_IV_LEN  12
struct protect_keys {
  bool tx;
  bool phase;      /* the key phase bit of the packets it protects */
  uint8_t key_len; /* 32: ChaCha20-Poly1305, 16: AES-128-GCM */
  uint8_t key[PROTECT_KEY_MAX];
  uint8_t hp[PROTECT_KEY_MAX]; /* the same in all key updates */
  uint8_t iv[PROTECT_IV_LEN];
};

struct protect_hooks {
  /* Keys are there: first those of the handshake, then each next set, as soon as it is derived
   * and before anybody uses it. Not with `protection: none`. Whoever keeps them wipes them.
   * May be NULL. */
  void (*keys)(void *arg, const struct protect_keys *keys);
  /* The key phase bit of a direction changes (RFC 9001 6): of sending with the next number that is
   * taken; of receiving with the packet at hand, whose number is above all before. May be NULL. */
  void (*phase)(void *arg, bool sending, bool phase);
  /* Return 0, or -1 to fail the connection (nothing leaves). */
  int (*sealing)(void *arg, struct protect_out *pkt);
  /* pn: as the peer sent it (packet number of the receiving direction). Return 0, or -1 to close with
   * the transport error left in *error (0: internal error). */
  int (*opened)(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error);
};

#endif
