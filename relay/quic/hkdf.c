/* HKDF for ngtcp2's crypto library, in place of wolfSSL's wrapper around its own: the linker
 * sends the calls here (--wrap in the Makefile).
 *
 * wolfSSL_quic_hkdf_*() makes an EVP_PKEY for each derivation, and each of these a random
 * generator with its self test, which nobody asks for a number. A connection derives about
 * forty keys and tokens: half of the instructions of a handshake, and a fifth of a
 * simulation of many short connections. */
#include <wolfssl/options.h>

#include <stddef.h>
#include <stdint.h>

#include <wolfssl/openssl/evp.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/sha512.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __wrap_wolfSSL_quic_hkdf_extract(uint8_t *dest, const WOLFSSL_EVP_MD *md, const uint8_t *secret,
                                     size_t secret_len, const uint8_t *salt, size_t salt_len);
int __wrap_wolfSSL_quic_hkdf_expand(uint8_t *dest, size_t dest_len, const WOLFSSL_EVP_MD *md,
                                    const uint8_t *secret, size_t secret_len, const uint8_t *info,
                                    size_t info_len);
int __wrap_wolfSSL_quic_hkdf(uint8_t *dest, size_t dest_len, const WOLFSSL_EVP_MD *md,
                             const uint8_t *secret, size_t secret_len, const uint8_t *salt,
                             size_t salt_len, const uint8_t *info, size_t info_len);

/* The cipher suites of TLS 1.3 have two of them (RFC 8446 B.4). */
static int hash_of(const WOLFSSL_EVP_MD *md) {
  switch (wolfSSL_EVP_MD_size(md)) {
  case WC_SHA256_DIGEST_SIZE:
    return WC_SHA256;
  case WC_SHA384_DIGEST_SIZE:
    return WC_SHA384;
  default:
    return WC_HASH_TYPE_NONE;
  }
}

int __wrap_wolfSSL_quic_hkdf_extract(uint8_t *dest, const WOLFSSL_EVP_MD *md, const uint8_t *secret,
                                     size_t secret_len, const uint8_t *salt, size_t salt_len) {
  return wc_HKDF_Extract(hash_of(md), salt, (word32)salt_len, secret, (word32)secret_len, dest) == 0
             ? WOLFSSL_SUCCESS
             : WOLFSSL_FAILURE;
}

int __wrap_wolfSSL_quic_hkdf_expand(uint8_t *dest, size_t dest_len, const WOLFSSL_EVP_MD *md,
                                    const uint8_t *secret, size_t secret_len, const uint8_t *info,
                                    size_t info_len) {
  return wc_HKDF_Expand(hash_of(md), secret, (word32)secret_len, info, (word32)info_len, dest,
                        (word32)dest_len) == 0
             ? WOLFSSL_SUCCESS
             : WOLFSSL_FAILURE;
}

int __wrap_wolfSSL_quic_hkdf(uint8_t *dest, size_t dest_len, const WOLFSSL_EVP_MD *md,
                             const uint8_t *secret, size_t secret_len, const uint8_t *salt,
                             size_t salt_len, const uint8_t *info, size_t info_len) {
  return wc_HKDF(hash_of(md), secret, (word32)secret_len, salt, (word32)salt_len, info,
                 (word32)info_len, dest, (word32)dest_len) == 0
             ? WOLFSSL_SUCCESS
             : WOLFSSL_FAILURE;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
