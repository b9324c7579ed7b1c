/* Keystreams against the vectors of RFC 9001 and against wolfSSL's own AEADs. */
#include <wolfssl/options.h>

#include "relay/quic/keystream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/poly1305.h>

#define LEN 1472

/* RFC 9001 A.5: a PING in a short header packet. */
static void rfc9001_a5(void **state) {
  static const struct protect_keys keys = {
      .tx = true,
      .key_len = 32,
      .key = {0xc6, 0xd9, 0x8f, 0xf3, 0x44, 0x1c, 0x3f, 0xe1, 0xb2, 0x18, 0x20,
              0x94, 0xf6, 0x9c, 0xaa, 0x2e, 0xd4, 0xb7, 0x16, 0xb6, 0x54, 0x88,
              0x96, 0x0a, 0x7a, 0x98, 0x49, 0x79, 0xfb, 0x23, 0xe1, 0xc8},
      .iv = {0xe0, 0x45, 0x9b, 0x34, 0x74, 0xbd, 0xd0, 0xe4, 0x4a, 0x41, 0xc1, 0x44},
  };
  uint8_t once[KEYSTREAM_ONCE], bytes[64];
  struct keystream *k = keystream_new(&keys);
  (void)state;
  assert_non_null(k);
  keystream_make(k, 654360564, once, bytes, sizeof bytes);
  assert_int_equal(0x01 ^ bytes[0], 0x65);
  keystream_free(k);
}

static void fill(uint8_t *to, size_t len, unsigned seed) {
  for (size_t i = 0; i < len; i++) {
    seed = seed * 1103515245u + 12345u;
    to[i] = (uint8_t)(seed >> 16);
  }
}

static void nonce_of(const struct protect_keys *keys, uint64_t pn, uint8_t nonce[PROTECT_IV_LEN]) {
  memcpy(nonce, keys->iv, PROTECT_IV_LEN);
  for (size_t i = 0; i < 8; i++)
    nonce[PROTECT_IV_LEN - 1 - i] ^= (uint8_t)(pn >> (8 * i));
}

static struct protect_keys some_keys(uint8_t key_len, unsigned seed) {
  struct protect_keys keys = {.tx = true, .key_len = key_len};
  fill(keys.key, key_len, seed);
  fill(keys.iv, sizeof keys.iv, seed + 1);
  return keys;
}

static const uint64_t numbers[] = {0, 1, 77, 0xffff, 1ull << 32, (1ull << 62) - 1};

static void chacha20_poly1305(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct protect_keys keys = some_keys(32, (unsigned)i);
    uint8_t nonce[PROTECT_IV_LEN], plain[LEN], sealed[LEN], tag[16], own_tag[16], aad[25];
    uint8_t once[KEYSTREAM_ONCE], bytes[LEN];
    Poly1305 poly;
    fill(plain, LEN, 5);
    fill(aad, sizeof aad, 6);
    nonce_of(&keys, numbers[i], nonce);
    assert_int_equal(
        wc_ChaCha20Poly1305_Encrypt(keys.key, nonce, aad, sizeof aad, plain, LEN, sealed, tag), 0);
    struct keystream *k = keystream_new(&keys);
    assert_non_null(k);
    keystream_make(k, numbers[i], once, bytes, LEN);
    for (size_t j = 0; j < LEN; j++)
      assert_int_equal(plain[j] ^ bytes[j], sealed[j]);
    assert_int_equal(wc_Poly1305SetKey(&poly, once, sizeof once), 0);
    assert_int_equal(wc_Poly1305_MAC(&poly, aad, sizeof aad, sealed, LEN, own_tag, sizeof own_tag),
                     0);
    assert_memory_equal(tag, own_tag, sizeof tag);
    keystream_free(k);
  }
}

static void aes_128_gcm(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct protect_keys keys = some_keys(16, (unsigned)i);
    uint8_t nonce[PROTECT_IV_LEN], plain[LEN], sealed[LEN], tag[16];
    uint8_t once[KEYSTREAM_ONCE], bytes[LEN];
    Aes aes;
    fill(plain, LEN, 5);
    nonce_of(&keys, numbers[i], nonce);
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&aes, keys.key, 16), 0);
    struct keystream *k = keystream_new(&keys);
    assert_non_null(k);
    keystream_make(k, numbers[i], once, bytes, LEN);
    assert_int_equal(
        wc_AesGcmEncrypt(&aes, sealed, plain, LEN, nonce, sizeof nonce, tag, sizeof tag, NULL, 0),
        0);
    for (size_t j = 0; j < LEN; j++)
      assert_int_equal(plain[j] ^ bytes[j], sealed[j]);
    /* GHASH of nothing is zero: the tag is E(J0) alone */
    assert_int_equal(
        wc_AesGcmEncrypt(&aes, sealed, plain, 0, nonce, sizeof nonce, tag, sizeof tag, NULL, 0), 0);
    assert_memory_equal(tag, once, sizeof tag);
    for (size_t j = 16; j < sizeof once; j++)
      assert_int_equal(once[j], 0);
    keystream_free(k);
    wc_AesFree(&aes);
  }
}

/* The same key serves any number in any order. */
static void any_order(void **state) {
  (void)state;
  for (uint8_t key_len = 16; key_len <= 32; key_len += 16) {
    struct protect_keys keys = some_keys(key_len, 9);
    uint8_t once[2][KEYSTREAM_ONCE], bytes[2][64];
    struct keystream *k = keystream_new(&keys);
    assert_non_null(k);
    keystream_make(k, 5, once[0], bytes[0], 64);
    keystream_make(k, 6, once[1], bytes[1], 64);
    assert_memory_not_equal(bytes[0], bytes[1], 64);
    keystream_make(k, 5, once[1], bytes[1], 64);
    assert_memory_equal(once[0], once[1], sizeof once[0]);
    assert_memory_equal(bytes[0], bytes[1], 64);
    keystream_free(k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc9001_a5),
      cmocka_unit_test(chacha20_poly1305),
      cmocka_unit_test(aes_128_gcm),
      cmocka_unit_test(any_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
