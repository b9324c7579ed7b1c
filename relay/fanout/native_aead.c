#include "relay/fanout/native_aead.h"

#include <wolfssl/options.h>

#include <stdlib.h>
#include <string.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

/* Of one place in `keys`. ChaCha20-Poly1305 has no state worth keeping but that of its
 * header protection. */
struct cipher {
  uint64_t generation; /* 0: nothing made */
  uint32_t kind;       /* enum fb_protection; the key may be gone when this is */
  Aes text, mask;      /* AES-128-GCM */
  ChaCha chacha;
};

struct native_aead {
  struct dp_native *dp;
  uint32_t n;
  struct cipher **ciphers; /* [n], NULL: never used */
};

/* ---- keys --------------------------------------------------------------------------------- */

static void forget(struct cipher *c) {
  if (c->generation && c->kind == FB_PROTECT_AES128GCM) {
    wc_AesFree(&c->text);
    wc_AesFree(&c->mask);
  }
  explicit_bzero(c, sizeof *c);
}

/* The first of the round keys is the key itself. */
static int learn(struct cipher *c, const struct fb_key *key) {
  const uint8_t *text = (const uint8_t *)key->key, *hp = (const uint8_t *)key->hp;
  if (key->cipher == FB_PROTECT_CHACHA20)
    return wc_Chacha_SetKey(&c->chacha, hp, 32);
  if (wc_AesInit(&c->text, NULL, INVALID_DEVID))
    return -1;
  if (wc_AesInit(&c->mask, NULL, INVALID_DEVID)) {
    wc_AesFree(&c->text);
    return -1;
  }
  if (wc_AesGcmSetKey(&c->text, text, 16) == 0 &&
      wc_AesSetKey(&c->mask, hp, 16, NULL, AES_ENCRYPTION) == 0)
    return 0;
  wc_AesFree(&c->text);
  wc_AesFree(&c->mask);
  return -1;
}

/* The cipher of a key as it is now; NULL: no memory, or no key any more. */
static struct cipher *cipher_at(struct native_aead *a, uint32_t place) {
  if (place >= a->n)
    return NULL;
  const struct fb_key *key = &a->dp->keys[place];
  struct cipher *c = a->ciphers[place];
  if (!c)
    c = a->ciphers[place] = calloc(1, sizeof *c);
  if (!c)
    return NULL;
  if (c->generation && c->generation == key->generation)
    return c;
  forget(c);
  if (key->generation == 0 || learn(c, key))
    return NULL;
  c->generation = key->generation;
  c->kind = key->cipher;
  return c;
}

static void nonce_of(const struct fb_key *key, uint64_t pn, uint8_t nonce[12]) {
  memcpy(nonce, key->iv, 12);
  for (int i = 0; i < 8; i++)
    nonce[4 + i] ^= (uint8_t)(pn >> 8 * (7 - i));
}

/* NULL: no key there. */
static struct cipher *begin(struct native_aead *a, uint32_t place, uint64_t pn, uint8_t nonce[12],
                            const struct fb_key **key) {
  struct cipher *c = cipher_at(a, place);
  if (!c)
    return NULL;
  *key = &a->dp->keys[place];
  nonce_of(*key, pn, nonce);
  return c;
}

/* ---- what the datapath asks for ------------------------------------------------------------ */

static int seal(void *user, uint32_t place, uint64_t pn, uint8_t *to, const uint8_t *from,
                size_t len, const uint8_t *head, size_t head_len) {
  uint8_t nonce[12];
  const struct fb_key *key;
  struct cipher *c = begin(user, place, pn, nonce, &key);
  if (!c)
    return -1;
  if (key->cipher == FB_PROTECT_CHACHA20)
    return wc_ChaCha20Poly1305_Encrypt((const uint8_t *)key->key, nonce, head, (word32)head_len,
                                       from, (word32)len, to, to + len);
  return wc_AesGcmEncrypt(&c->text, to, from, (word32)len, nonce, 12, to + len, FB_TAG_LEN, head,
                          (word32)head_len);
}

static int open_text(void *user, uint32_t place, uint64_t pn, uint8_t *to, const uint8_t *from,
                     size_t len, const uint8_t *head, size_t head_len) {
  uint8_t nonce[12];
  const struct fb_key *key;
  struct cipher *c = begin(user, place, pn, nonce, &key);
  if (!c)
    return -1;
  if (key->cipher == FB_PROTECT_CHACHA20)
    return wc_ChaCha20Poly1305_Decrypt((const uint8_t *)key->key, nonce, head, (word32)head_len,
                                       from, (word32)len, from + len, to);
  return wc_AesGcmDecrypt(&c->text, to, from, (word32)len, nonce, 12, from + len, FB_TAG_LEN, head,
                          (word32)head_len);
}

/* Without a key the mask is none: what follows it asks for the key too, and fails. */
static uint64_t mask_of(void *user, uint32_t place, const uint8_t sample[16]) {
  struct native_aead *a = user;
  struct cipher *c = cipher_at(a, place);
  uint8_t zero[16] = {0}, out[16] = {0};
  uint64_t mask;
  if (!c)
    return 0;
  if (a->dp->keys[place].cipher == FB_PROTECT_CHACHA20) {
    uint32_t counter; /* as it lies there: little endian (RFC 9001 5.4.4) */
    memcpy(&counter, sample, 4);
    wc_Chacha_SetIV(&c->chacha, sample + 4, counter);
    wc_Chacha_Process(&c->chacha, out, zero, 8);
  } else {
    wc_AesEcbEncrypt(&c->mask, out, sample, 16);
  }
  memcpy(&mask, out, 8);
  return mask;
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct dp_native_aead wolfssl = {.seal = seal, .open = open_text, .mask = mask_of};

struct native_aead *native_aead_new(struct dp_native *dp) {
  struct native_aead *a = calloc(1, sizeof *a);
  if (!a)
    return NULL;
  a->dp = dp;
  a->n = fb_keys(dp->sizes.subscribers, dp->sizes.upstreams);
  a->ciphers = calloc(a->n, sizeof(struct cipher *));
  if (!a->ciphers) {
    free(a);
    return NULL;
  }
  dp_native_use_aead(dp, &wolfssl, a);
  return a;
}

void native_aead_free(struct native_aead *a) {
  if (!a)
    return;
  dp_native_use_aead(a->dp, NULL, NULL);
  for (uint32_t i = 0; i < a->n; i++) {
    if (a->ciphers[i])
      forget(a->ciphers[i]);
    free(a->ciphers[i]);
  }
  free(a->ciphers);
  free(a);
}
