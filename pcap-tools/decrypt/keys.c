#include "pcap-tools/decrypt/keys.h"

#include <wolfssl/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/kdf.h>

#include "pcap-tools/decrypt/ccm.h"

/* Key schedules, so that a packet costs no set-up. ChaCha20 has none. */
struct qp_ciphers {
  Aes aead; /* for CCM: the plain block cipher */
  Aes ecb;  /* of header protection */
};

/* HKDF-Expand-Label with an empty context. 0 or -1. */
static int expand_label(const struct qp_secret *secret, const char *label, uint8_t *out,
                        size_t len) {
  uint8_t info[64];
  size_t n = strlen(label);
  info[0] = (uint8_t)(len >> 8);
  info[1] = (uint8_t)len;
  info[2] = (uint8_t)(6 + n);
  memcpy(info + 3, "tls13 ", 6);
  memcpy(info + 9, label, n);
  info[9 + n] = 0;
  return wc_HKDF_Expand(secret->len == 48 ? WC_SHA384 : WC_SHA256, secret->data, secret->len, info,
                        (word32)(10 + n), out, (word32)len)
             ? -1
             : 0;
}

void qp_initial_secrets(uint32_t version, const struct qp_cid *dcid, struct qp_secret *client,
                        struct qp_secret *server) {
  static const uint8_t v1[20] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
                       v2[20] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
  struct qp_secret initial = {.len = 32};
  wc_HKDF_Extract(WC_SHA256, version == QP_VERSION_2 ? v2 : v1, sizeof v1, dcid->data, dcid->len,
                  initial.data);
  client->len = server->len = 32;
  expand_label(&initial, "client in", client->data, 32);
  expand_label(&initial, "server in", server->data, 32);
}

static int set_ciphers(struct qp_keys *k) {
  if (k->suite == QP_CHACHA20_POLY1305)
    return 0;
  k->ciphers = calloc(1, sizeof *k->ciphers);
  if (!k->ciphers || wc_AesInit(&k->ciphers->aead, NULL, INVALID_DEVID) ||
      wc_AesInit(&k->ciphers->ecb, NULL, INVALID_DEVID))
    return -1;
  int bad = k->suite == QP_AES_128_CCM
                ? wc_AesSetKey(&k->ciphers->aead, k->key, 16, NULL, AES_ENCRYPTION)
                : wc_AesGcmSetKey(&k->ciphers->aead, k->key, (word32)k->key_len);
  return bad || wc_AesSetKey(&k->ciphers->ecb, k->hp, (word32)k->key_len, NULL, AES_ENCRYPTION) ? -1
                                                                                                : 0;
}

static size_t key_length(uint16_t suite) {
  return suite == QP_AES_128_GCM || suite == QP_AES_128_CCM ? 16 : 32;
}

bool qp_suite_known(uint16_t suite) {
  return suite == QP_AES_128_GCM || suite == QP_AES_256_GCM || suite == QP_CHACHA20_POLY1305 ||
         suite == QP_AES_128_CCM;
}

/* "quic key", in version 2 "quicv2 key". */
static int expand(const struct qp_keys *k, const struct qp_secret *secret, const char *what,
                  uint8_t *out, size_t len) {
  char label[16];
  snprintf(label, sizeof label, "%s %s", k->version == QP_VERSION_2 ? "quicv2" : "quic", what);
  return expand_label(secret, label, out, len);
}

int qp_keys_derive(struct qp_keys *k, uint32_t version, uint16_t suite,
                   const struct qp_secret *secret) {
  qp_keys_clear(k);
  size_t want = suite == QP_AES_256_GCM ? 48 : 32;
  if (!qp_suite_known(suite) || secret->len != want)
    return -1;
  k->suite = suite;
  k->version = version;
  k->secret = *secret;
  k->key_len = key_length(suite);
  if (expand(k, secret, "key", k->key, k->key_len) ||
      expand(k, secret, "iv", k->iv, sizeof k->iv) || expand(k, secret, "hp", k->hp, k->key_len) ||
      set_ciphers(k)) {
    qp_keys_clear(k);
    return -1;
  }
  k->ready = true;
  return 0;
}

int qp_keys_update(const struct qp_keys *now, struct qp_keys *next) {
  struct qp_secret secret = {.len = now->secret.len};
  qp_keys_clear(next);
  if (!now->ready || expand(now, &now->secret, "ku", secret.data, secret.len))
    return -1;
  next->suite = now->suite;
  next->version = now->version;
  next->secret = secret;
  next->key_len = now->key_len;
  memcpy(next->hp, now->hp, sizeof next->hp);
  if (expand(next, &secret, "key", next->key, next->key_len) ||
      expand(next, &secret, "iv", next->iv, sizeof next->iv) || set_ciphers(next)) {
    qp_keys_clear(next);
    return -1;
  }
  next->ready = true;
  return 0;
}

void qp_keys_clear(struct qp_keys *k) {
  if (k->ciphers) {
    wc_AesFree(&k->ciphers->aead);
    wc_AesFree(&k->ciphers->ecb);
    free(k->ciphers);
  }
  memset(k, 0, sizeof *k);
}

void qp_keys_mask(struct qp_keys *k, const uint8_t sample[16], uint8_t mask[5]) {
  uint8_t block[16] = {0};
  if (k->suite == QP_CHACHA20_POLY1305) {
    ChaCha chacha;
    uint32_t counter = (uint32_t)sample[0] | (uint32_t)sample[1] << 8 | (uint32_t)sample[2] << 16 |
                       (uint32_t)sample[3] << 24;
    wc_Chacha_SetKey(&chacha, k->hp, 32);
    wc_Chacha_SetIV(&chacha, sample + 4, counter);
    wc_Chacha_Process(&chacha, block, block, 5);
  } else {
    wc_AesEcbEncrypt(&k->ciphers->ecb, block, sample, 16);
  }
  memcpy(mask, block, 5);
}

bool qp_keys_open(struct qp_keys *k, uint64_t pn, const uint8_t *header, size_t header_len,
                  const uint8_t *in, size_t len, uint8_t *out) {
  uint8_t nonce[12];
  if (len < QP_TAG_LEN)
    return false;
  memcpy(nonce, k->iv, sizeof nonce);
  for (int i = 0; i < 8; i++)
    nonce[4 + i] ^= (uint8_t)(pn >> (56 - 8 * i));
  size_t body = len - QP_TAG_LEN;
  if (k->suite == QP_CHACHA20_POLY1305)
    return wc_ChaCha20Poly1305_Decrypt(k->key, nonce, header, (word32)header_len, in, (word32)body,
                                       in + body, out) == 0;
  if (k->suite == QP_AES_128_CCM)
    return qp_ccm_open(&k->ciphers->aead, &(struct qp_ccm){nonce, header, header_len, QP_TAG_LEN},
                       in, body, out);
  return wc_AesGcmDecrypt(&k->ciphers->aead, out, in, (word32)body, nonce, sizeof nonce, in + body,
                          QP_TAG_LEN, header, (word32)header_len) == 0;
}
