#include <wolfssl/options.h>

#include <stdlib.h>
#include <string.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha.h>

#include "relay/quic/keystream.h"

#define CHACHA_BLOCK 64
#define AES_BLOCK    16

struct keystream {
  uint8_t iv[PROTECT_IV_LEN];
  bool chacha;
  union {
    ChaCha chacha20;
    Aes aes;
  };
};

struct keystream *keystream_new(const struct protect_keys *keys) {
  struct keystream *k = calloc(1, sizeof(*k));

  if (!k)
    return NULL;
  memcpy(k->iv, keys->iv, sizeof(k->iv));
  k->chacha = keys->key_len == 32;
  if (k->chacha ? wc_Chacha_SetKey(&k->chacha20, keys->key, keys->key_len) == 0
                : wc_AesInit(&k->aes, NULL, INVALID_DEVID) == 0 &&
                      wc_AesSetKey(&k->aes, keys->key, keys->key_len, NULL, AES_ENCRYPTION) == 0)
    return k;
  keystream_free(k);
  return NULL;
}

void keystream_free(struct keystream *k) {
  if (!k)
    return;
  if (!k->chacha)
    wc_AesFree(&k->aes);
  explicit_bzero(k, sizeof(*k));
  free(k);
}

static void make_chacha(struct keystream *k, const uint8_t *nonce, uint8_t *once, uint8_t *bytes,
                        size_t len) {
  uint8_t block[CHACHA_BLOCK] = {0};

  wc_Chacha_SetIV(&k->chacha20, nonce, 0);
  wc_Chacha_Process(&k->chacha20, block, block, sizeof(block));
  memcpy(once, block, KEYSTREAM_ONCE);
  explicit_bzero(block, sizeof(block));
  memset(bytes, 0, len);
  wc_Chacha_Process(&k->chacha20, bytes, bytes, (word32)len);
}

static void make_aes(struct keystream *k, const uint8_t *nonce, uint8_t *once, uint8_t *bytes,
                     size_t len) {
  uint8_t counter[AES_BLOCK] = {0};

  memcpy(counter, nonce, PROTECT_IV_LEN);
  counter[AES_BLOCK - 1] = 1;
  wc_AesSetIV(&k->aes, counter);
  memset(once, 0, KEYSTREAM_ONCE);
  wc_AesCtrEncrypt(&k->aes, once, once, AES_BLOCK);
  memset(bytes, 0, len);
  wc_AesCtrEncrypt(&k->aes, bytes, bytes, (word32)len);
}

void keystream_make(struct keystream *k, uint64_t pn, uint8_t *once, uint8_t *bytes, size_t len) {
  uint8_t nonce[PROTECT_IV_LEN];

  memcpy(nonce, k->iv, sizeof(nonce));
  for (size_t i = 0; i < 8; i++)
    nonce[PROTECT_IV_LEN - 1 - i] ^= (uint8_t)(pn >> (8 * i));
  if (k->chacha)
    make_chacha(k, nonce, once, bytes, len);
  else
    make_aes(k, nonce, once, bytes, len);
}
