/* Packet protection against the vectors of RFC 8439, RFC 9001, FIPS 197 and NIST SP 800-38D,
 * and against wolfSSL at random lengths: natively and in the kernel. */
#include "bpf/crypt/key.h"
#include "bpf/t/crypt_world.h"
#include "bpf/t/packet.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/poly1305.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- one packet ------------------------------------------------------------------------ */

static void set_key(struct crypt_world *w, enum fb_protection cipher, struct piece key,
                    struct piece hp, struct piece iv) {
  memset(w->io, 0, sizeof(*w->io));
  if (hp.len == 0)
    hp = key;
  w->io->key.generation = 1;
  assert_int_equal(
      crypt_key_fill(&w->io->key, &w->io->tables[0], cipher, key.bytes, hp.bytes, iv.bytes), 0);
}

static bool is_gcm(const struct crypt_world *w) {
  return w->io->key.cipher == FB_PROTECT_AES128GCM;
}

/* The keystream that the world under test works out becomes the one it seals with. */
static void make_keystream(struct crypt_world *w, uint64_t pn, size_t len) {
  w->io->pn = pn;
  w->io->span = CRYPT_SPAN(0, len);
  assert_int_equal(crypt_run(w, is_gcm(w) ? CRYPT_AES_KEYSTREAM : CRYPT_CHACHA20_KEYSTREAM), 0);
  w->io->keystreams[0] = w->io->work.keystream;
}

/* The packet: header, ciphertext, tag. */
static struct piece seal(struct crypt_world *w, uint64_t pn, struct piece head,
                         struct piece payload) {
  struct crypt_io *io = w->io;
  make_keystream(w, pn, payload.len);
  memset(io->from.b, 0xa5, sizeof(io->from.b)); /* nothing around it may count */
  memset(io->to.b, 0x5a, sizeof(io->to.b));
  memcpy(io->to.b + CRYPT_HEAD, head.bytes, head.len);
  memcpy(io->from.b + CRYPT_HEAD + head.len, payload.bytes, payload.len);
  io->span = CRYPT_SPAN(CRYPT_HEAD + head.len, payload.len);
  assert_int_equal(crypt_run(w, is_gcm(w) ? CRYPT_GCM_SEAL : CRYPT_CHACHA20_SEAL), 0);
  struct piece out = {.len = head.len + payload.len + FB_TAG_LEN};
  memcpy(out.bytes, io->to.b + CRYPT_HEAD, out.len);
  return out;
}

/* 0 and the payload in *out, or how it was refused. */
static int open_packet(struct crypt_world *w, uint64_t pn, struct piece packet, size_t head_len,
                       struct piece *out) {
  struct crypt_io *io = w->io;
  out->len = packet.len - head_len - FB_TAG_LEN;
  make_keystream(w, pn, out->len);
  memset(io->from.b, 0xa5, sizeof(io->from.b));
  memset(io->to.b, 0x5a, sizeof(io->to.b));
  memcpy(io->from.b + CRYPT_HEAD, packet.bytes, packet.len);
  memcpy(io->to.b + CRYPT_HEAD, packet.bytes, head_len);
  io->span = CRYPT_SPAN(CRYPT_HEAD + head_len, out->len);
  int err = crypt_run(w, is_gcm(w) ? CRYPT_GCM_OPEN : CRYPT_CHACHA20_OPEN);
  memcpy(out->bytes, io->to.b + CRYPT_HEAD + head_len, out->len);
  return err;
}

static void assert_bytes(struct piece got, struct piece want) {
  assert_int_equal(got.len, want.len);
  assert_memory_equal(got.bytes, want.bytes, want.len);
}

static void both_ways(struct crypt_world *w, uint64_t pn, struct piece head, struct piece payload,
                      struct piece want) {
  struct piece got = seal(w, pn, head, payload), back;
  assert_bytes(got, want);
  assert_int_equal(open_packet(w, pn, got, head.len, &back), 0);
  assert_bytes(back, payload);
}

/* 5 bytes, the sample at the front of the buffer. */
static struct piece mask_of(struct crypt_world *w, struct piece sample) {
  memcpy(w->io->to.b + 100, sample.bytes, 16);
  w->io->at = 100;
  assert_int_equal(crypt_run(w, is_gcm(w) ? CRYPT_AES_MASK : CRYPT_CHACHA20_MASK), 0);
  struct piece out = {.len = 5};
  memcpy(out.bytes, &w->io->work.mask, 5);
  return out;
}

/* ---- vectors ------------------------------------------------------------------------------ */

/* RFC 8439 2.3.2: the block with counter 1 is the first of the packet's keystream. */
static void chacha20_block(struct crypt_world *w) {
  struct piece key = bytes(32, 0);
  set_key(w, FB_PROTECT_CHACHA20, key, key, hex("000000090000004a00000000"));
  make_keystream(w, 0, 64);
  assert_memory_equal(w->io->keystreams[0].bytes,
                      hex("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c0680304 22aa9ac3d46c4e"
                          "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e")
                          .bytes,
                      64);
}

/* RFC 8439 2.8.2. */
static void chacha20_poly1305(struct crypt_world *w) {
  struct piece head = hex("50515253c0c1c2c3c4c5c6c7");
  set_key(w, FB_PROTECT_CHACHA20, bytes(32, 0x80), nothing(), hex("070000004041424344454647"));
  both_ways(w, 0, head,
            text("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                 "the future, sunscreen would be it."),
            cat(head, hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                          "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                          "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                          "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd060"
                          "0691")));
}

/* RFC 9001 A.5, header protection included. */
static void chacha20_short_header(struct crypt_world *w) {
  set_key(w, FB_PROTECT_CHACHA20,
          hex("c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8"),
          hex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4"),
          hex("e0459b3474bdd0e44a41c144"));
  both_ways(w, 654360564, hex("4200bff4"), hex("01"),
            hex("4200bff4 655e5cd55c41f69080575d7999c25a5bfb"));
  /* the sample begins 4 bytes behind the number, 3 bytes long here, does */
  assert_bytes(mask_of(w, hex("5e5cd55c41f69080575d7999c25a5bfb")), hex("aefefe7d03"));
}

/* FIPS 197 C.1: as a sample, of which the mask is the first 5 bytes. */
static void aes_block(struct crypt_world *w) {
  struct piece key = bytes(16, 0);
  set_key(w, FB_PROTECT_AES128GCM, key, key, bytes(12, 0));
  assert_bytes(mask_of(w, hex("00112233445566778899aabbccddeeff")), hex("69c4e0d86a"));
  assert_memory_equal(w->io->work.out, hex("69c4e0d86a7b0430d8cdb78070b4c55a").bytes, 16);
}

/* NIST GCM specification (McGrew, Viega), test case 4. */
static void gcm(struct crypt_world *w) {
  struct piece head = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  set_key(w, FB_PROTECT_AES128GCM, hex("feffe9928665731c6d6a8f9467308308"), nothing(),
          hex("cafebabefacedbaddecaf888"));
  both_ways(w, 0, head,
            hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
            cat(head, hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                          "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                          "5bc94fbc3221a5db94fae95ae7121a47")));
}

/* RFC 9001 A.3: the server's Initial, whose header is as long as a short one may be. */
static void aes_initial(struct crypt_world *w) {
  struct piece head = hex("c1000000010008f067a5502a4262b50040750001");
  set_key(w, FB_PROTECT_AES128GCM, hex("cf3a5331653c364c88f0f379b6067e37"),
          hex("c206b8d9b9f0f37644430b490eeaa314"), hex("0ac1493ca1905853b0bba03e"));
  both_ways(w, 1, head,
            hex("02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
                "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
                "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
                "020304"),
            cat(head, hex("5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f"
                          "5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73"
                          "cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850"
                          "abbdca3d20398c276456cbc42158407dd074ee")));
  assert_bytes(mask_of(w, hex("2cd0991cd25b0aac406a5816b6394100")), hex("2ec0d8356a"));
}

/* ---- against wolfSSL ----------------------------------------------------------------------- */

static uint64_t random_state;
static uint64_t below(uint64_t n) { /* splitmix64 */
  uint64_t z = random_state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return (z ^ z >> 31) % n;
}

/* Sometimes all ones: the largest limbs, the longest carries. */
static struct piece some(size_t n) {
  struct piece p = {.len = n};
  bool ones = below(8) == 0;
  for (size_t i = 0; i < n; i++)
    p.bytes[i] = ones ? 0xff : (uint8_t)below(256);
  return p;
}

/* Header, payload and tag as wolfSSL seals them. */
static struct piece theirs(enum fb_protection cipher, struct piece key, struct piece iv,
                           uint64_t pn, struct piece head, struct piece payload) {
  struct piece out = head;
  uint8_t nonce[12], *text = out.bytes + head.len, *tag = text + payload.len;
  for (int i = 0; i < 12; i++)
    nonce[i] = (uint8_t)(iv.bytes[i] ^ (i < 4 ? 0 : pn >> 8 * (11 - i)));
  if (cipher == FB_PROTECT_CHACHA20) {
    assert_int_equal(wc_ChaCha20Poly1305_Encrypt(key.bytes, nonce, head.bytes, (word32)head.len,
                                                 payload.bytes, (word32)payload.len, text, tag),
                     0);
  } else {
    Aes aes;
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&aes, key.bytes, 16), 0);
    assert_int_equal(wc_AesGcmEncrypt(&aes, text, payload.bytes, (word32)payload.len, nonce, 12,
                                      tag, 16, head.bytes, (word32)head.len),
                     0);
    wc_AesFree(&aes);
  }
  out.len = head.len + payload.len + FB_TAG_LEN;
  return out;
}

static void random_packets(struct crypt_world *w, enum fb_protection cipher, int rounds) {
  random_state = cipher;
  size_t key_len = cipher == FB_PROTECT_CHACHA20 ? 32 : 16;
  for (int i = 0; i < rounds; i++) {
    struct piece key = some(key_len), hp = some(key_len), iv = some(12);
    struct piece head = some(2 + below(CRYPT_MAX_HEAD - 1));
    struct piece payload = some(1 + (below(4) ? below(CRYPT_MAX_LEN) : below(40)));
    uint64_t pn = below(3) ? below(1u << 20) : below(1ull << 62);
    if (payload.len + head.len + FB_TAG_LEN > PIECE_MAX)
      continue;
    set_key(w, cipher, key, hp, iv);
    both_ways(w, pn, head, payload, theirs(cipher, key, iv, pn, head, payload));
    /* one bit anywhere, header and tag included */
    struct piece damaged = theirs(cipher, key, iv, pn, head, payload), back;
    damaged.bytes[below(damaged.len)] ^= (uint8_t)(1u << below(8));
    assert_int_not_equal(open_packet(w, pn, damaged, head.len, &back), 0);
  }
}

/* Poly1305 alone, with one-time keys of all kinds: the keystream is zero, so the text is its
 * own ciphertext. */
static void one_time_keys(struct crypt_world *w, int rounds) {
  random_state = 77;
  for (int i = 0; i < rounds; i++) {
    struct piece once = some(32), head = some(2 + below(CRYPT_MAX_HEAD - 1)),
                 payload = some(1 + below(200));
    uint8_t want[16], lengths[16] = {(uint8_t)head.len}, zero[16] = {0};
    lengths[8] = (uint8_t)payload.len;
    lengths[9] = (uint8_t)(payload.len >> 8);
    Poly1305 poly;
    assert_int_equal(wc_Poly1305SetKey(&poly, once.bytes, 32), 0);
    wc_Poly1305Update(&poly, head.bytes, (word32)head.len);
    wc_Poly1305Update(&poly, zero, (word32)(-head.len % 16));
    wc_Poly1305Update(&poly, payload.bytes, (word32)payload.len);
    wc_Poly1305Update(&poly, zero, (word32)(-payload.len % 16));
    wc_Poly1305Update(&poly, lengths, 16);
    assert_int_equal(wc_Poly1305Final(&poly, want), 0);
    memset(&w->io->keystreams[0], 0, sizeof(w->io->keystreams[0]));
    memcpy(w->io->keystreams[0].once, once.bytes, 32);
    memcpy(w->io->to.b + CRYPT_HEAD, head.bytes, head.len);
    memcpy(w->io->from.b + CRYPT_HEAD + head.len, payload.bytes, payload.len);
    w->io->span = CRYPT_SPAN(CRYPT_HEAD + head.len, payload.len);
    assert_int_equal(crypt_run(w, CRYPT_CHACHA20_SEAL), 0);
    assert_memory_equal(w->io->to.b + CRYPT_HEAD + head.len + payload.len, want, 16);
  }
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void refused(struct crypt_world *w) {
  static const uint64_t spans[] = {CRYPT_SPAN(CRYPT_HEAD + 25, 0),
                                   CRYPT_SPAN(CRYPT_HEAD + 25, CRYPT_MAX_LEN + 1),
                                   CRYPT_SPAN(CRYPT_HEAD, 100),
                                   CRYPT_SPAN(CRYPT_HEAD + CRYPT_MAX_HEAD + 1, 100),
                                   CRYPT_SPAN(0, 100),
                                   ~0ull};
  memset(w->io, 0, sizeof(*w->io));
  for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
    w->io->span = spans[i];
    assert_int_equal(crypt_run(w, CRYPT_CHACHA20_SEAL), -1);
    assert_int_equal(crypt_run(w, CRYPT_CHACHA20_OPEN), -1);
    assert_int_equal(crypt_run(w, CRYPT_GCM_SEAL), -1);
    assert_int_equal(crypt_run(w, CRYPT_GCM_OPEN), -1);
  }
  w->io->span = CRYPT_SPAN(0, FB_KEYSTREAM_LEN + 1);
  assert_int_equal(crypt_run(w, CRYPT_CHACHA20_KEYSTREAM), -1);
  assert_int_equal(crypt_run(w, CRYPT_AES_KEYSTREAM), -1);
  w->io->at = FB_BUF_LEN - 15;
  assert_int_equal(crypt_run(w, CRYPT_CHACHA20_MASK), -1);
  assert_int_equal(crypt_run(w, CRYPT_AES_MASK), -1);
}

static void all(struct crypt_world *w, int rounds) {
  chacha20_block(w);
  chacha20_poly1305(w);
  chacha20_short_header(w);
  aes_block(w);
  gcm(w);
  aes_initial(w);
  refused(w);
  one_time_keys(w, rounds);
  random_packets(w, FB_PROTECT_CHACHA20, rounds);
  random_packets(w, FB_PROTECT_AES128GCM, rounds);
  crypt_free(w);
}

static void natively(void **state) {
  (void)state;
  all(crypt_native(), 3000);
}

static void in_the_kernel(void **state) {
  (void)state;
  const char *why = NULL;
  struct crypt_world *w = crypt_kernel(&why);
  if (!w) {
    print_message("skipped: %s\n", why);
    skip();
  }
  all(w, 500);
}

/* A feeder's keystream is the datapath's, and is tagged. */
static void keystreams_ahead(void **state) {
  (void)state;
  struct crypt_world *w = crypt_native();
  for (enum fb_protection cipher = FB_PROTECT_CHACHA20; cipher <= FB_PROTECT_AES128GCM; cipher++) {
    struct fb_keystream ks;
    set_key(w, cipher, bytes(32, 3), nothing(), bytes(12, 7));
    w->io->key.generation = 9;
    make_keystream(w, 5000, FB_KEYSTREAM_LEN);
    assert_int_equal(crypt_keystream_fill(&ks, &w->io->key, 5000), 0);
    assert_true(ks.tag == fb_keystream_tag(9, 5000) && ks.tag != 0);
    assert_memory_equal(ks.bytes, w->io->keystreams[0].bytes, FB_KEYSTREAM_LEN);
    assert_memory_equal(ks.once, w->io->keystreams[0].once,
                        cipher == FB_PROTECT_CHACHA20 ? 32 : 16);
    assert_int_equal(crypt_keystream_fill(&ks, &w->io->key, FB_KEYSTREAM_NUMBERS), -1);
  }
  struct fb_key key;
  assert_int_equal(crypt_key_fill(&key, NULL, FB_PROTECT_NONE, bytes(16, 0).bytes,
                                  bytes(16, 0).bytes, bytes(12, 0).bytes),
                   -1);
  crypt_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(natively), cmocka_unit_test(in_the_kernel),
                                     cmocka_unit_test(keystreams_ahead)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
