/* Keys against RFC 9001 A.1, A.2, A.5 and their consequences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/decrypt/keylog.h"
#include "pcap-tools/t/words.h"

static void same(const uint8_t *found, const char *hex) {
  struct word want = w_hex(hex);
  assert_memory_equal(found, want.b, want.len);
}

static struct qp_cid rfc_cid(void) {
  struct word w = w_hex("8394c8f03e515708");
  struct qp_cid cid = {.len = 8};
  memcpy(cid.data, w.b, 8);
  return cid;
}

/* RFC 9001 A.1 */
static void initial_keys(void **state) {
  (void)state;
  struct qp_cid cid = rfc_cid();
  struct qp_secret client, server;
  struct qp_keys k = {0};
  qp_initial_secrets(QP_VERSION_1, &cid, &client, &server);
  same(client.data, "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
  same(server.data, "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b");
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, QP_AES_128_GCM, &client), 0);
  same(k.key, "1f369613dd76d5467730efcbe3b1a22d");
  same(k.iv, "fa044b2f42a3fd3b46fb255c");
  same(k.hp, "9f50449e04a0e810283a1e9933adedd2");
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, QP_AES_128_GCM, &server), 0);
  same(k.key, "cf3a5331653c364c88f0f379b6067e37");
  same(k.iv, "0ac1493ca1905853b0bba03e");
  same(k.hp, "c206b8d9b9f0f37644430b490eeaa314");
  qp_keys_clear(&k);
}

/* RFC 9001 A.2: sample and mask of the client's Initial */
static void client_initial_mask(void **state) {
  (void)state;
  struct qp_cid cid = rfc_cid();
  struct qp_secret client, server;
  struct qp_keys k = {0};
  uint8_t mask[5];
  qp_initial_secrets(QP_VERSION_1, &cid, &client, &server);
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, QP_AES_128_GCM, &client), 0);
  qp_keys_mask(&k, w_hex("d1b1c98dd7689fb8ec11d242b123dc9b").b, mask);
  same(mask, "437b9aec36");
  qp_keys_clear(&k);
}

static struct qp_secret chacha_secret(void) {
  struct qp_secret s = {.len = 32};
  struct word w = w_hex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
  memcpy(s.data, w.b, 32);
  return s;
}

/* RFC 9001 A.5 */
static void chacha20_packet(void **state) {
  (void)state;
  struct qp_secret s = chacha_secret();
  struct qp_keys k = {0};
  uint8_t mask[5], out[16];
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, QP_CHACHA20_POLY1305, &s), 0);
  same(k.key, "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8");
  same(k.iv, "e0459b3474bdd0e44a41c144");
  struct word packet = w_hex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
  qp_keys_mask(&k, packet.b + 1 + 4, mask);
  same(mask, "aefefe7d03");
  struct word header = w_hex("4200bff4");
  assert_true(qp_keys_open(&k, 654360564, header.b, 4, packet.b + 4, packet.len - 4, out));
  assert_int_equal(out[0], 0x01);
  /* one bit anywhere, another number, another header: refused */
  packet.b[10] ^= 1;
  assert_false(qp_keys_open(&k, 654360564, header.b, 4, packet.b + 4, packet.len - 4, out));
  packet.b[10] ^= 1;
  assert_false(qp_keys_open(&k, 654360565, header.b, 4, packet.b + 4, packet.len - 4, out));
  header.b[0] ^= 4;
  assert_false(qp_keys_open(&k, 654360564, header.b, 4, packet.b + 4, packet.len - 4, out));
  qp_keys_clear(&k);
}

static void key_update(void **state) {
  (void)state;
  struct qp_secret s = chacha_secret();
  struct qp_keys k = {0}, next = {0};
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, QP_CHACHA20_POLY1305, &s), 0);
  assert_int_equal(qp_keys_update(&k, &next), 0);
  same(next.secret.data, "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9");
  assert_memory_equal(k.hp, next.hp, 32);
  qp_keys_clear(&k);
  qp_keys_clear(&next);
}

static void suites_and_secrets_must_fit(void **state) {
  (void)state;
  struct qp_secret s = chacha_secret();
  struct qp_keys k = {0};
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, QP_AES_256_GCM, &s), -1);
  assert_int_equal(qp_keys_derive(&k, QP_VERSION_1, 0x1305, &s), -1);
  assert_false(k.ready);
}

/* A server that began again has other secrets for the same ClientHello; both ends say them. */
static void earlier_secrets_are_kept(void **state) {
  (void)state;
  static const char *const labels[] = {"SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                       "SERVER_TRAFFIC_SECRET_0"};
  static const char said[] = {'1', '2', '2', '1', '2'};
  struct qp_keylog log = {0};
  uint8_t random[32];
  memset(random, 0xaa, 32);
  for (size_t i = 0; i < sizeof said; i++) {
    for (int k = 0; k < 2; k++) {
      char line[256], digits[65];
      memset(digits, said[i], 64), digits[64] = 0;
      int n = snprintf(line, sizeof line,
                       "%s aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa %s\n",
                       labels[k], digits);
      qp_keylog_add(&log, line, (size_t)n);
    }
  }
  const struct qp_secrets *s = qp_keylog_find(&log, random);
  for (uint8_t byte = 0x22; byte >= 0x11; byte -= 0x11) {
    assert_non_null(s);
    assert_int_equal(s->secret[QP_SECRET_SERVER_HANDSHAKE].data[0], byte);
    assert_int_equal(s->secret[QP_SECRET_SERVER_APP].data[31], byte);
    s = qp_keylog_before(&log, s);
  }
  assert_null(s);
  qp_keylog_clear(&log);
}

static void key_log_lines(void **state) {
  (void)state;
  struct qp_keylog log = {0};
  uint8_t random[32];
  memset(random, 0xab, 32);
  char line[512], r[65] = "", secret[65] = "";
  for (int i = 0; i < 32; i++) {
    strcat(r, "ab");
    strcat(secret, "0c");
  }
  snprintf(line, sizeof line,
           "# comment\nCLIENT_TRAFFIC_SECRET_0 %s %s\r\nEXPORTER_SECRET %s %s\nSERVER_TRAFFIC_"
           "SECRET_0 %s zz\nno line\n",
           r, secret, r, secret, r);
  qp_keylog_add(&log, line, strlen(line));
  assert_int_equal(log.bad_lines, 2);
  const struct qp_secrets *s = qp_keylog_find(&log, random);
  assert_non_null(s);
  assert_int_equal(s->secret[QP_SECRET_CLIENT_APP].len, 32);
  assert_int_equal(s->secret[QP_SECRET_CLIENT_APP].data[31], 0x0c);
  assert_int_equal(s->secret[QP_SECRET_SERVER_APP].len, 0);
  random[31] = 0;
  assert_null(qp_keylog_find(&log, random));
  qp_keylog_clear(&log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(initial_keys),
      cmocka_unit_test(client_initial_mask),
      cmocka_unit_test(chacha20_packet),
      cmocka_unit_test(key_update),
      cmocka_unit_test(suites_and_secrets_must_fit),
      cmocka_unit_test(key_log_lines),
      cmocka_unit_test(earlier_secrets_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
