/* Packet protection keys of QUIC v1 and v2: derivation and use. RFC 9001 section 5,
 * RFC 9369 section 3.3, RFC 8446 section 7.1.
 *
 * Ownership: a qp_keys holds cipher contexts; qp_keys_clear() gives them back
 * and zeroes it. A zeroed qp_keys is valid and not ready. One thread at a time. */
#ifndef FANBENCH_PCAP_DECRYPT_KEYS_H
#define FANBENCH_PCAP_DECRYPT_KEYS_H

#include "pcap-tools/dissect/hello.h"

#define QP_SECRET_MAX 48

struct qp_secret {
  uint8_t len; /* 0 = none; 32 or 48 */
  uint8_t data[QP_SECRET_MAX];
};

/* One direction, one level, one key phase. */
struct qp_keys {
  bool ready;
  uint16_t suite;
  uint32_t version; /* of QUIC: it names the labels */
  struct qp_secret secret;
  uint8_t key[32], iv[12], hp[32];
  size_t key_len;
  struct qp_ciphers *ciphers;
};

/* Initial secrets from the client's first Destination Connection ID. */
void qp_initial_secrets(uint32_t version, const struct qp_cid *dcid, struct qp_secret *client,
                        struct qp_secret *server);

/* True: one of enum qp_suite, which qp_keys_derive() takes. */
bool qp_suite_known(uint16_t suite);

/* Returns 0; -1 if the suite is not known or does not fit the secret's length. */
int qp_keys_derive(struct qp_keys *keys, uint32_t version, uint16_t suite,
                   const struct qp_secret *secret);
/* The next key phase; the header protection key stays. */
int qp_keys_update(const struct qp_keys *now, struct qp_keys *next);
void qp_keys_clear(struct qp_keys *keys);

/* Header protection mask, RFC 9001 5.4. */
void qp_keys_mask(struct qp_keys *keys, const uint8_t sample[16], uint8_t mask[5]);

/* Opens ciphertext and tag of `len` bytes into out (len - 16 bytes). False: not
 * authentic. header: as authenticated, i.e. without header protection. */
bool qp_keys_open(struct qp_keys *keys, uint64_t pn, const uint8_t *header, size_t header_len,
                  const uint8_t *in, size_t len, uint8_t *out);

#endif
