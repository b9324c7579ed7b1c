/* wolfSSL in place of bpf/crypt: the same bytes, and no key is used behind its time. */
#include "relay/fanout/native_aead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/crypt/aes.h"
#include "bpf/crypt/chacha20.h"
#include "bpf/crypt/gcm.h"
#include "bpf/crypt/key.h"
#include "bpf/crypt/poly1305.h"

#define HEAD 13

static struct dp_native *dp;
static struct native_aead *aead;

static int setup(void **state) {
  (void)state;
  dp = dp_native_new(
      &(struct dp_native_sizes){.subscribers = 2,
                                .upstreams = 1,
                                .protect = 1u << FB_PROTECT_CHACHA20 | 1u << FB_PROTECT_AES128GCM});
  aead = dp ? native_aead_new(dp) : NULL;
  return aead ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  native_aead_free(aead);
  assert_null(dp->aead);
  dp_native_free(dp);
  return 0;
}

static void set_key(uint32_t place, enum fb_protection cipher, uint64_t generation) {
  uint8_t secret[32], hp[32], iv[12];
  for (size_t i = 0; i < 32; i++) {
    secret[i] = (uint8_t)(generation * 31 + i);
    hp[i] = (uint8_t)(generation * 7 + i * 3);
    iv[i % 12] = (uint8_t)(generation + i);
  }
  assert_int_equal(crypt_key_fill(&dp->keys[place], &dp->ghash[place], cipher, secret, hp, iv), 0);
  dp->keys[place].generation = generation;
}

/* As bpf/crypt has it. */
static void expect_same(uint32_t place, uint64_t pn, size_t len) {
  static struct crypt_buf from, to, got, back;
  static struct crypt_work w;
  const struct fb_key *key = &dp->keys[place];
  uint32_t at = CRYPT_HEAD + HEAD;
  uint64_t span = CRYPT_SPAN(at, len);
  for (size_t i = 0; i < sizeof from.b; i++)
    from.b[i] = (uint8_t)(i * 13 + len);
  memset(to.b, 0x41, sizeof to.b);
  memset(got.b, 0x41, sizeof got.b);
  if (key->cipher == FB_PROTECT_CHACHA20) {
    crypt_chacha20_keystream(key, pn, (uint32_t)len, &w);
    assert_int_equal(crypt_chacha20_seal(&to, &from, &w.keystream, span), 0);
    crypt_chacha20_mask(key, &to, at, &w);
  } else {
    crypt_aes_keystream(key, pn, (uint32_t)len, &w);
    assert_int_equal(crypt_gcm_seal(&to, &from, &w.keystream, &dp->ghash[place], span), 0);
    crypt_aes_mask(key, &to, at, &w);
  }
  assert_int_equal(dp->aead->seal(dp->aead_user, place, pn, got.b + at, from.b + at, len,
                                  got.b + CRYPT_HEAD, HEAD),
                   0);
  assert_memory_equal(got.b + at, to.b + at, len + FB_TAG_LEN);
  uint64_t mask = dp->aead->mask(dp->aead_user, place, got.b + at);
  assert_int_equal(mask & 0xffffffffff, w.mask & 0xffffffffff);
  assert_int_equal(
      dp->aead->open(dp->aead_user, place, pn, back.b, got.b + at, len, got.b + CRYPT_HEAD, HEAD),
      0);
  assert_memory_equal(back.b, from.b + at, len);
  got.b[at + len / 2] ^= 1;
  assert_int_not_equal(
      dp->aead->open(dp->aead_user, place, pn, back.b, got.b + at, len, got.b + CRYPT_HEAD, HEAD),
      0);
}

static void same_bytes(void **state) {
  (void)state;
  for (uint32_t place = 0; place < 2; place++) {
    set_key(place, place ? FB_PROTECT_AES128GCM : FB_PROTECT_CHACHA20, 5 + place);
    for (size_t len = 4; len <= CRYPT_MAX_LEN; len += len < 70 ? 1 : 97)
      expect_same(place, len * 0x1234567, len);
  }
}

/* Another generation is another key, of whatever cipher, at the same place. */
static void key_changes(void **state) {
  (void)state;
  for (uint64_t generation = 1; generation <= 4; generation++) {
    set_key(3, generation % 2 ? FB_PROTECT_AES128GCM : FB_PROTECT_CHACHA20, generation);
    expect_same(3, 77, 300);
    expect_same(3, 78, 300);
  }
  set_key(3, FB_PROTECT_CHACHA20, 9);
  expect_same(3, 79, 300);
}

static void no_key(void **state) {
  (void)state;
  uint8_t in[64] = {0}, out[96];
  set_key(1, FB_PROTECT_AES128GCM, 8);
  assert_int_equal(dp->aead->seal(dp->aead_user, 1, 1, out, in, 40, in, HEAD), 0);
  dp->keys[1].generation = 0;
  assert_int_equal(dp->aead->seal(dp->aead_user, 1, 2, out, in, 40, in, HEAD), -1);
  assert_int_equal(dp->aead->open(dp->aead_user, 1, 2, out, in, 40, in, HEAD), -1);
  assert_int_equal(dp->aead->mask(dp->aead_user, 1, in), 0);
  assert_int_equal(dp->aead->seal(dp->aead_user, 99, 2, out, in, 40, in, HEAD), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(same_bytes, setup, teardown),
                                     cmocka_unit_test_setup_teardown(key_changes, setup, teardown),
                                     cmocka_unit_test_setup_teardown(no_key, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
