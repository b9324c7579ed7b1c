/* The packets of RFC 9001 appendix A and RFC 9369 appendix A, byte by byte, through
 * header, header protection and opening; and the counter mode vector of SP 800-38C. */
#include <wolfssl/options.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/aes.h>

#include <cmocka.h>

#include "pcap-tools/decrypt/ccm.h"
#include "pcap-tools/decrypt/keys.h"
#include "pcap-tools/decrypt/retry.h"
#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/t/words.h"

static const struct qp_cid odcid = {.len = 8,
                                    .data = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08}};

static void same(const uint8_t *found, const char *hex) {
  struct word w = w_hex(hex);
  assert_memory_equal(found, w.b, w.len);
}

static struct qp_keys initial(uint32_t version, unsigned side) {
  struct qp_secret s[2];
  struct qp_keys k = {0};
  qp_initial_secrets(version, &odcid, &s[0], &s[1]);
  assert_int_equal(qp_keys_derive(&k, version, QP_AES_128_GCM, &s[side]), 0);
  return k;
}

/* Takes the protection off the packet in w and opens it into out; the payload's length. */
static size_t open_packet(struct qp_keys *k, struct word *w, const struct qp_header *h,
                          uint64_t want_pn, uint8_t *out) {
  uint8_t mask[5];
  qp_keys_mask(k, w->b + h->pn_at + 4, mask);
  w->b[0] ^= mask[0] & (h->type == QP_1RTT ? 0x1f : 0x0f);
  unsigned pn_len = (w->b[0] & 3u) + 1;
  uint64_t pn = 0;
  for (unsigned i = 0; i < pn_len; i++)
    pn = pn << 8 | (w->b[h->pn_at + i] ^= mask[1 + i]);
  assert_int_equal(qp_pn_expand(pn, pn_len, want_pn - 1, want_pn > 0), want_pn);
  size_t front = h->pn_at + pn_len;
  assert_true(qp_keys_open(k, want_pn, w->b, front, w->b + front, h->len - front, out));
  return h->len - front - QP_TAG_LEN;
}

static struct qp_header long_header(const struct word *w) {
  struct qp_cur c = qp_cur(w->b, w->len);
  struct qp_header h;
  const char *why = NULL;
  if (!qp_header_long(&c, &h, &why))
    fail_msg("%s", why);
  assert_int_equal(qp_left(&c), 0);
  return h;
}

static void expect_labels(uint32_t version, unsigned side, const char *key, const char *iv,
                          const char *hp) {
  struct qp_keys k = initial(version, side);
  same(k.key, key);
  same(k.iv, iv);
  same(k.hp, hp);
  qp_keys_clear(&k);
}

static void initial_keys(void **state) {
  (void)state;
  expect_labels(QP_VERSION_1, 0, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
                "9f50449e04a0e810283a1e9933adedd2");
  expect_labels(QP_VERSION_1, 1, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e",
                "c206b8d9b9f0f37644430b490eeaa314");
  expect_labels(QP_VERSION_2, 0, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
                "45b95e15235d6f45a6b19cbcb0294ba9");
  expect_labels(QP_VERSION_2, 1, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652",
                "edf6d05c83121201b436e16877593c3a");
}

/* A.2: the client's Initial, made here from its parts; its protected front and its tag
 * are those of the document. */
static void expect_client_initial(uint32_t version, const char *header, const char *front,
                                  const char *tag) {
  struct word crypto = w_hex(
      "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
      "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
      "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
      "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
      "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
      "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
      "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
      "75300901100f088394c8f03e51570806048000ffff");
  struct word w = w_hex(header), body = JOIN(crypto, w_padding(1162 - crypto.len));
  struct qp_keys k = initial(version, 0);
  uint8_t mask[5], out[1400], nonce[12];
  Aes aes;
  memcpy(nonce, k.iv, 12);
  nonce[11] ^= 2;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesGcmSetKey(&aes, k.key, 16), 0);
  assert_int_equal(wc_AesGcmEncrypt(&aes, w.b + w.len, body.b, (word32)body.len, nonce, 12,
                                    w.b + w.len + body.len, 16, w.b, (word32)w.len),
                   0);
  wc_AesFree(&aes);
  qp_keys_mask(&k, w.b + w.len, mask);
  w.b[0] ^= mask[0] & 0x0f;
  for (size_t i = 0; i < 4; i++)
    w.b[w.len - 4 + i] ^= mask[1 + i];
  w.len += body.len + 16;
  assert_int_equal(w.len, 1200);
  same(w.b, front);
  same(w.b + 1184, tag);
  struct qp_header h = long_header(&w);
  assert_int_equal(h.type, QP_INITIAL);
  assert_int_equal(h.version, version);
  assert_true(qp_cid_equal(&h.dcid, &odcid));
  assert_int_equal(open_packet(&k, &w, &h, 2, out), body.len);
  assert_memory_equal(out, body.b, body.len);
  struct qp_cur c = qp_cur(out, body.len);
  struct qp_quic_frame f;
  const char *why;
  struct qp_hello hello = {0};
  assert_int_equal(qp_quic_frame_next(&c, &f, &why), 1);
  assert_int_equal(f.kind, QP_F_CRYPTO);
  assert_int_equal(qp_hello_message(&hello, f.stream.data, (size_t)f.stream.len), 0xf1);
  assert_string_equal(hello.sni, "example.com");
  assert_string_equal(hello.alpn, "alpn");
  assert_int_equal(hello.client.max_streams_bidi, 16);
  qp_keys_clear(&k);
}

static void client_initial(void **state) {
  (void)state;
  expect_client_initial(QP_VERSION_1, "c300000001088394c8f03e5157080000449e00000002",
                        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b1",
                        "e221af44860018ab0856972e194cd934");
  expect_client_initial(QP_VERSION_2, "d36b3343cf088394c8f03e5157080000449e00000002",
                        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de",
                        "");
}

/* A.3: the server's Initial. */
static void expect_server_initial(uint32_t version, const char *packet) {
  struct word w = w_hex(packet);
  struct qp_header h = long_header(&w);
  struct qp_keys k = initial(version, 1);
  uint8_t out[200];
  assert_int_equal(h.type, QP_INITIAL);
  assert_int_equal(h.scid.len, 8);
  size_t n = open_packet(&k, &w, &h, 1, out);
  struct qp_cur c = qp_cur(out, n);
  struct qp_quic_frame f;
  struct qp_hello hello = {0};
  const char *why;
  assert_int_equal(qp_quic_frame_next(&c, &f, &why), 1);
  assert_int_equal(f.kind, QP_F_ACK);
  assert_int_equal(qp_quic_frame_next(&c, &f, &why), 1);
  assert_int_equal(f.kind, QP_F_CRYPTO);
  assert_int_equal(qp_hello_message(&hello, f.stream.data, (size_t)f.stream.len), 90);
  assert_int_equal(hello.suite, QP_AES_128_GCM);
  assert_int_equal(qp_quic_frame_next(&c, &f, &why), 0);
  qp_keys_clear(&k);
}

static void server_initial(void **state) {
  (void)state;
  expect_server_initial(QP_VERSION_1,
                        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a"
                        "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3"
                        "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84"
                        "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4"
                        "2158407dd074ee");
  expect_server_initial(QP_VERSION_2,
                        "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698"
                        "baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17"
                        "f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2"
                        "c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8"
                        "4bed8521e2e140");
}

/* A.4 */
static void retry(void **state) {
  (void)state;
  static const char *const packets[] = {
      "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
      "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6"};
  for (int i = 0; i < 2; i++) {
    struct word w = w_hex(packets[i]);
    struct qp_header h = long_header(&w);
    struct qp_cid other = odcid;
    assert_int_equal(h.type, QP_RETRY);
    assert_int_equal(h.token_len, 5);
    assert_memory_equal(h.token, "token", 5);
    assert_true(qp_retry_authentic(&h, &odcid));
    other.data[3] ^= 1;
    assert_false(qp_retry_authentic(&h, &other));
    for (size_t at = 0; at < w.len; at++) {
      w.b[at] ^= 0x10;
      assert_false(qp_retry_authentic(&h, &odcid));
      w.b[at] ^= 0x10;
    }
  }
}

/* A.5: a short header packet, ChaCha20-Poly1305, and the next key phase's secret. */
static void expect_chacha20(uint32_t version, const char *key, const char *iv, const char *hp,
                            const char *ku, const char *packet) {
  struct qp_secret s = {.len = 32};
  struct qp_keys k = {0}, next = {0};
  struct word w = w_hex(packet);
  uint8_t out[16];
  memcpy(s.data, w_hex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b").b, 32);
  assert_int_equal(qp_keys_derive(&k, version, QP_CHACHA20_POLY1305, &s), 0);
  same(k.key, key);
  same(k.iv, iv);
  same(k.hp, hp);
  assert_int_equal(qp_keys_update(&k, &next), 0);
  same(next.secret.data, ku);
  struct qp_cur c = qp_cur(w.b, w.len);
  struct qp_header h;
  const char *why;
  assert_true(qp_header_short(&c, 0, &h, &why));
  assert_int_equal(open_packet(&k, &w, &h, 654360564, out), 1);
  assert_int_equal(out[0], 1); /* PING */
  qp_keys_clear(&k);
  qp_keys_clear(&next);
}

static void chacha20(void **state) {
  (void)state;
  expect_chacha20(QP_VERSION_1, "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
                  "e0459b3474bdd0e44a41c144",
                  "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
                  "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
                  "4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
  expect_chacha20(QP_VERSION_2, "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
                  "a6b5bc6ab7dafce30ffff5dd",
                  "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
                  "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88",
                  "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba");
}

/* SP 800-38C example 3: a nonce of 12 bytes, a tag of 8. */
static void ccm(void **state) {
  (void)state;
  struct word key = w_hex("404142434445464748494a4b4c4d4e4f"),
              nonce = w_hex("101112131415161718191a1b"),
              header = w_hex("000102030405060708090a0b0c0d0e0f10111213"),
              sealed = w_hex("e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951");
  struct qp_ccm c = {nonce.b, header.b, header.len, 8};
  uint8_t out[24];
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesSetKey(&aes, key.b, 16, NULL, AES_ENCRYPTION), 0);
  assert_true(qp_ccm_open(&aes, &c, sealed.b, 24, out));
  for (unsigned i = 0; i < 24; i++)
    assert_int_equal(out[i], 0x20 + i);
  for (size_t at = 0; at < sealed.len; at++) {
    sealed.b[at] ^= 1;
    assert_false(qp_ccm_open(&aes, &c, sealed.b, 24, out));
    sealed.b[at] ^= 1;
  }
  header.b[5] ^= 1;
  assert_false(qp_ccm_open(&aes, &c, sealed.b, 24, out));
  wc_AesFree(&aes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(initial_keys),   cmocka_unit_test(client_initial),
      cmocka_unit_test(server_initial), cmocka_unit_test(retry),
      cmocka_unit_test(chacha20),       cmocka_unit_test(ccm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
