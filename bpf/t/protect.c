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

/* The tag goes behind `to`. */
static int seal_text(const struct secret *s, const uint8_t nonce[12], uint8_t *to,
                     const uint8_t *from, size_t len, const uint8_t *head, size_t head_len) {
  if (s->cipher == FB_PROTECT_CHACHA20)
    return wc_ChaCha20Poly1305_Encrypt(s->key, nonce, head, (word32)head_len, from, (word32)len, to,
                                       to + len);
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesGcmSetKey(&aes, s->key, 16), 0);
  int err = wc_AesGcmEncrypt(&aes, to, from, (word32)len, nonce, 12, to + len, 16, head,
                             (word32)head_len);
  wc_AesFree(&aes);
  return err;
}

/* The tag is behind `from`. */
static int open_text(const struct secret *s, const uint8_t nonce[12], uint8_t *to,
                     const uint8_t *from, size_t len, const uint8_t *head, size_t head_len) {
  if (s->cipher == FB_PROTECT_CHACHA20)
    return wc_ChaCha20Poly1305_Decrypt(s->key, nonce, head, (word32)head_len, from, (word32)len,
                                       from + len, to);
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesGcmSetKey(&aes, s->key, 16), 0);
  int err = wc_AesGcmDecrypt(&aes, to, from, (word32)len, nonce, 12, from + len, 16, head,
                             (word32)head_len);
  wc_AesFree(&aes);
  return err;
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
  assert_int_equal(seal_text(s, nonce, text, clear.bytes + head, len, out.bytes, head), 0);
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
  if (open_text(s, nonce, clear, b + head, len, b, head))
    return false;
  memcpy(b + head, clear, len);
  memset(b + head + len, 0, FB_TAG_LEN);
  return true;
}

/* ---- as the cipher of an instance ---------------------------------------------------------- */

/* The key itself: of AES it is the first of the round keys. */
static struct secret secret_in(const struct fb_key *k) {
  struct secret s = {.cipher = (enum fb_protection)k->cipher};
  memcpy(s.key, k->key, sizeof(s.key));
  memcpy(s.hp, k->hp, sizeof(s.hp));
  memcpy(s.iv, k->iv, sizeof(s.iv));
  return s;
}

static int aead_seal(void *user, uint32_t key, uint64_t pn, uint8_t *to, const uint8_t *from,
                     size_t len, const uint8_t *head, size_t head_len) {
  struct secret s = secret_in((const struct fb_key *)user + key);
  uint8_t nonce[12];
  nonce_of(&s, pn, nonce);
  return seal_text(&s, nonce, to, from, len, head, head_len);
}

static int aead_open(void *user, uint32_t key, uint64_t pn, uint8_t *to, const uint8_t *from,
                     size_t len, const uint8_t *head, size_t head_len) {
  struct secret s = secret_in((const struct fb_key *)user + key);
  uint8_t nonce[12];
  nonce_of(&s, pn, nonce);
  return open_text(&s, nonce, to, from, len, head, head_len);
}

static uint64_t aead_mask(void *user, uint32_t key, const uint8_t sample[16]) {
  struct secret s = secret_in((const struct fb_key *)user + key);
  uint8_t mask[16];
  uint64_t out = 0;
  mask_of(&s, sample, mask);
  memcpy(&out, mask, 8);
  return out;
}

const struct dp_native_aead protect_aead = {
    .seal = aead_seal, .open = aead_open, .mask = aead_mask};
