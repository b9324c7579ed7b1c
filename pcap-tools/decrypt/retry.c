#include "pcap-tools/decrypt/retry.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/aes.h>

/* Public: the tag shows only that the sender has seen the Initial. */
static const struct {
  uint8_t key[16], nonce[12];
} v1 = {{0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8,
         0x4e},
        {0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb}},
  v2 = {{0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc,
         0x92},
        {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a}};

bool qp_retry_authentic(const struct qp_header *h, const struct qp_cid *odcid) {
  uint8_t pseudo[1 + QP_CID_MAX + 2048];
  const uint8_t *key = h->version == QP_VERSION_2 ? v2.key : v1.key;
  const uint8_t *nonce = h->version == QP_VERSION_2 ? v2.nonce : v1.nonce;
  size_t front = 1 + (size_t)odcid->len, len = h->len - QP_TAG_LEN;
  Aes aes;
  if (h->len < QP_TAG_LEN || front + len > sizeof pseudo)
    return false;
  pseudo[0] = odcid->len;
  memcpy(pseudo + 1, odcid->data, odcid->len);
  memcpy(pseudo + front, h->start, len);
  if (wc_AesInit(&aes, NULL, INVALID_DEVID))
    return false;
  bool good = !wc_AesGcmSetKey(&aes, key, 16) &&
              !wc_AesGcmDecrypt(&aes, NULL, NULL, 0, nonce, 12, h->start + len, QP_TAG_LEN, pseudo,
                                (word32)(front + len));
  wc_AesFree(&aes);
  return good;
}
