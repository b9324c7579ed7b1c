/* AES-CCM with a nonce of 12 bytes: RFC 3610, RFC 5116 5.3. The TLS library is built
 * without it. */
#ifndef FANBENCH_PCAP_DECRYPT_CCM_H
#define FANBENCH_PCAP_DECRYPT_CCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Aes; /* of wolfSSL, with the key set for encryption */

struct qp_ccm {
  const uint8_t *nonce; /* 12 bytes */
  const uint8_t *header;
  size_t header_len; /* below 65,280 */
  size_t tag_len;    /* 4 to 16, even */
};

/* Opens `len` bytes with the tag behind them into out (len bytes). False: not authentic. */
bool qp_ccm_open(struct Aes *aes, const struct qp_ccm *ccm, const uint8_t *in, size_t len,
                 uint8_t *out);

#endif
