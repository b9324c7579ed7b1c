/* HKDF as ngtcp2 gets it: the right bytes, and no random generator behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/options.h>

#include <ngtcp2/ngtcp2_crypto.h>
#include <wolfssl/openssl/evp.h>
#include <wolfssl/ssl.h>

#include "relay/quic/seed.h"

static const uint8_t salt[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t info[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9};

static ngtcp2_crypto_md md_of(const WOLFSSL_EVP_MD *md) {
  return (ngtcp2_crypto_md){.native_handle = (void *)(uintptr_t)md};
}

/* RFC 5869 A.1. */
static void sha256_as_the_rfc_has_it(void **state) {
  static const uint8_t prk[32] = {0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e, 0x32, 0xdf, 0x0d, 0xdc, 0x3f,
                                  0x0d, 0xc4, 0x7b, 0xba, 0x63, 0x90, 0xb6, 0xc7, 0x3b, 0xb5, 0x0f,
                                  0x9c, 0x31, 0x22, 0xec, 0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5};
  static const uint8_t okm[42] = {0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f,
                                  0x64, 0xd0, 0x36, 0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a,
                                  0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf, 0x34,
                                  0x00, 0x72, 0x08, 0xd5, 0xb8, 0x87, 0x18, 0x58, 0x65};
  const ngtcp2_crypto_md md = md_of(wolfSSL_EVP_sha256());
  uint8_t secret[22], out[64];

  (void)state;
  memset(secret, 0x0b, sizeof secret);
  assert_int_equal(ngtcp2_crypto_hkdf_extract(out, &md, secret, sizeof secret, salt, sizeof salt),
                   0);
  assert_memory_equal(out, prk, sizeof prk);
  assert_int_equal(
      ngtcp2_crypto_hkdf_expand(out, sizeof okm, &md, prk, sizeof prk, info, sizeof info), 0);
  assert_memory_equal(out, okm, sizeof okm);
  memset(out, 0, sizeof out);
  assert_int_equal(ngtcp2_crypto_hkdf(out, sizeof okm, &md, secret, sizeof secret, salt,
                                      sizeof salt, info, sizeof info),
                   0);
  assert_memory_equal(out, okm, sizeof okm);
}

/* Both steps at once are the two steps, whatever the hash. */
static void sha384_agrees_with_itself(void **state) {
  const ngtcp2_crypto_md md = md_of(wolfSSL_EVP_sha384());
  uint8_t secret[48], prk[48], steps[100], once[100];

  (void)state;
  memset(secret, 7, sizeof secret);
  assert_int_equal(ngtcp2_crypto_hkdf_extract(prk, &md, secret, sizeof secret, salt, sizeof salt),
                   0);
  assert_int_equal(
      ngtcp2_crypto_hkdf_expand(steps, sizeof steps, &md, prk, sizeof prk, info, sizeof info), 0);
  assert_int_equal(ngtcp2_crypto_hkdf(once, sizeof once, &md, secret, sizeof secret, salt,
                                      sizeof salt, info, sizeof info),
                   0);
  assert_memory_equal(steps, once, sizeof once);
}

static void other_hashes_are_refused(void **state) {
  const ngtcp2_crypto_md md = md_of(wolfSSL_EVP_sha1());
  uint8_t out[20];

  (void)state;
  assert_int_equal(ngtcp2_crypto_hkdf_extract(out, &md, salt, sizeof salt, salt, sizeof salt), -1);
  assert_int_equal(ngtcp2_crypto_hkdf_expand(out, 20, &md, salt, sizeof salt, info, 10), -1);
}

static void count(void *arg, uint8_t *dest, size_t len) {
  ++*(unsigned *)arg;
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)(i * 5 + 17);
}

/* A generator that is made asks for a seed: here none is. */
static void no_generator_is_made(void **state) {
  const ngtcp2_crypto_md md = md_of(wolfSSL_EVP_sha256());
  uint8_t out[32];
  unsigned seeds = 0;

  (void)state;
  assert_int_equal(qc_seed_from(count, &seeds), 0);
  assert_int_equal(ngtcp2_crypto_hkdf_extract(out, &md, salt, sizeof salt, salt, sizeof salt), 0);
  assert_int_equal(ngtcp2_crypto_hkdf_expand(out, 32, &md, salt, sizeof salt, info, 10), 0);
  assert_int_equal(ngtcp2_crypto_hkdf(out, 32, &md, salt, sizeof salt, salt, 13, info, 10), 0);
  assert_int_equal(qc_seed_from_system(), 0);
  assert_int_equal(seeds, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha256_as_the_rfc_has_it),
      cmocka_unit_test(sha384_agrees_with_itself),
      cmocka_unit_test(other_hashes_are_refused),
      cmocka_unit_test(no_generator_is_made),
  };
  return wolfSSL_Init() == WOLFSSL_SUCCESS ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
