#include "bpf/t/protect.h"

#include "bpf/crypt/key.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void fill(uint8_t *out, size_t n, uint64_t seed) {
  for (size_t i = 0; i < n; i++) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    out[i] = (uint8_t)(seed >> 56);
  }
}

struct secret secret_of(enum fb_protection cipher, uint32_t who, uint32_t phase) {
  struct secret s = {.cipher = cipher, .phase = (uint8_t)(phase & 1)};
  uint64_t seed = (uint64_t)who << 8 | (uint64_t)cipher << 4;
  fill(s.hp, sizeof(s.hp), seed);
  fill(s.key, sizeof(s.key), seed + 1 + phase);
  fill(s.iv, sizeof(s.iv), ~seed - phase);
  return s;
}

struct fb_key key_of(const struct secret *s, uint64_t generation, struct fb_ghash *table) {
  struct fb_key k = {.generation = generation, .until = ~0ull};
  if (s->cipher != FB_PROTECT_NONE)
    assert_int_equal(crypt_key_fill(&k, table, s->cipher, s->key, s->hp, s->iv), 0);
  return k;
}

static void mask_of(const struct secret *s, const uint8_t sample[16], uint8_t mask[16]) {
  if (s->cipher == FB_PROTECT_CHACHA20) {
    ChaCha c;
    uint8_t zero[16] = {0};
    uint32_t counter = (uint32_t)sample[0] | (uint32_t)sample[1] << 8 | (uint32_t)sample[2] << 16 |
                       (uint32_t)sample[3] << 24;
    assert_int_equal(wc_Chacha_SetKey(&c, s->hp, 32), 0);
    assert_int_equal(wc_Chacha_SetIV(&c, sample + 4, counter), 0);
    assert_int_equal(wc_Chacha_Process(&c, mask, zero, 16), 0);
    return;
  }
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesSetKey(&aes, s->hp, 16, NULL, AES_ENCRYPTION), 0);
  assert_int_equal(wc_AesEcbEncrypt(&aes, mask, sample, 16), 0);
  wc_AesFree(&aes);
}

static void nonce_of(const struct secret *s, uint64_t pn, uint8_t nonce[12]) {
  memcpy(nonce, s->iv, 12);
  for (int i = 0; i < 8; i++)
    nonce[4 + i] ^= (uint8_t)(pn >> 8 * (7 - i));
}

struct piece protect(const struct secret *s, struct piece clear, size_t cid_len, uint64_t pn) {
  if (s->cipher == FB_PROTECT_NONE)
    return clear;
  struct piece out = clear;
  size_t pn_at = 1 + cid_len, pn_len = 1 + (clear.bytes[0] & 3u), head = pn_at + pn_len,
         len = clear.len - head - FB_TAG_LEN;
  uint8_t nonce[12], mask[16], *text = out.bytes + head;
  out.bytes[0] = (uint8_t)(out.bytes[0] ^ (s->phase ? 4 : 0));
  nonce_of(s, pn, nonce);
  if (s->cipher == FB_PROTECT_CHACHA20) {
    assert_int_equal(wc_ChaCha20Poly1305_Encrypt(s->key, nonce, out.bytes, (word32)head,
                                                 clear.bytes + head, (word32)len, text, text + len),
                     0);
  } else {
    Aes aes;
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&aes, s->key, 16), 0);
    assert_int_equal(wc_AesGcmEncrypt(&aes, text, clear.bytes + head, (word32)len, nonce, 12,
                                      text + len, 16, out.bytes, (word32)head),
                     0);
    wc_AesFree(&aes);
  }
  mask_of(s, out.bytes + pn_at + 4, mask);
  out.bytes[0] ^= mask[0] & 0x1f;
  for (size_t i = 0; i < pn_len; i++)
    out.bytes[pn_at + i] ^= mask[1 + i];
  return out;
}

bool unprotect(const struct secret *s, struct piece *packet, size_t cid_len, uint64_t pn) {
  if (s->cipher == FB_PROTECT_NONE)
    return true;
  size_t pn_at = 1 + cid_len;
  uint8_t nonce[12], mask[16], clear[PIECE_MAX], *b = packet->bytes;
  if (packet->len < pn_at + 4 + 16)
    return false;
  mask_of(s, b + pn_at + 4, mask);
  b[0] ^= mask[0] & 0x1f;
  size_t pn_len = 1 + (b[0] & 3u), head = pn_at + pn_len, len = packet->len - head - FB_TAG_LEN;
  for (size_t i = 0; i < pn_len; i++)
    b[pn_at + i] ^= mask[1 + i];
  nonce_of(s, pn, nonce);
  int err;
  if (s->cipher == FB_PROTECT_CHACHA20) {
    err = wc_ChaCha20Poly1305_Decrypt(s->key, nonce, b, (word32)head, b + head, (word32)len,
                                      b + head + len, clear);
  } else {
    Aes aes;
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&aes, s->key, 16), 0);
    err = wc_AesGcmDecrypt(&aes, clear, b + head, (word32)len, nonce, 12, b + head + len, 16, b,
                           (word32)head);
    wc_AesFree(&aes);
  }
  if (err)
    return false;
  memcpy(b + head, clear, len);
  memset(b + head + len, 0, FB_TAG_LEN);
  return true;
}
