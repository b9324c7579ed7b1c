/* Whole connections with real protection: every cipher, key updates, packets that
 * do not open, null protection. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/tape.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static void expect_opened(const struct tape *t, uint64_t packets, uint64_t opened) {
  struct judge_report *r = tape_judge(t, 1);
  assert_int_equal(r->packets, packets);
  assert_int_equal(r->packets_opened, opened);
  judge_report_free(r);
}

static void every_cipher_opens(void **state) {
  (void)state;
  static const uint16_t suites[] = {QP_AES_128_GCM, QP_AES_256_GCM, QP_CHACHA20_POLY1305};
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_tls(t, suites[i]);
    pkt_1rtt(&c, S, .pn_len = 1, .frames = FRAMES(w_stream(3, 0, "abc")));
    pkt_1rtt(&c, C, .pn_len = 2, .frames = FRAMES(w_ack(1, 1)));
    pkt_1rtt(&c, C, .pn_len = 3, .frames = FRAMES(w_ping()));
    expect_opened(t, 5, 5);
    tape_expect(t, "ack-only-sent", JUDGE_PASS, 2);
    tape_conn_free(&c);
    tape_free(t);
  }
}

static void key_updates_are_followed(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_CHACHA20_POLY1305);
  for (int phase = 0; phase < 4; phase++) {
    for (int i = 0; i < 3; i++)
      pkt_1rtt(&c, i % 2 ? C : S, .frames = FRAMES(w_ping()));
    tape_update_keys(&c);
  }
  expect_opened(t, 14, 14);
  tape_conn_free(&c);
  tape_free(t);
}

static void a_late_packet_of_the_old_phase_opens(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .pn = 5, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 6, .frames = FRAMES(w_ping()));
  tape_update_keys(&c);
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_ping()));
  /* number 6 arrives behind 7: swap the two frames, keep the times */
  struct tape_frame a = t->frames[t->n - 2], *b = &t->frames[t->n - 1];
  t->frames[t->n - 2] = *b;
  t->frames[t->n - 2].time_ns = a.time_ns;
  a.time_ns = b->time_ns;
  *b = a;
  expect_opened(t, 5, 5);
  tape_conn_free(&c);
  tape_free(t);
}

static void a_spoiled_packet_is_a_finding(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()), .spoil_tag = true);
  expect_opened(t, 4, 3);
  tape_expect_finding(t, "frames-legal", "AEAD tag", "bytes that do not");
  tape_conn_free(&c);
  tape_free(t);
}

/* That the keys are right shows only afterwards. */
static void a_spoiled_first_packet_is_a_finding(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()), .spoil_tag = true);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  tape_expect_finding(t, "frames-legal", "AEAD tag", "1 that do not");
  tape_conn_free(&c);
  tape_free(t);
}

static void without_keys_the_handshake_opens(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  t->secrets[0] = 0;
  expect_opened(t, 3, 2);
  tape_expect(t, "frames-legal", JUDGE_PASS, 2); /* nothing is known to be wrong */
  tape_conn_free(&c);
  tape_free(t);
}

static void null_protection_is_detected(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  expect_opened(t, 4, 4);
  tape_free(t);
}

static void in_clear_with_another_tag_is_a_finding(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()), .spoil_tag = true);
  tape_expect_finding(t, "frames-legal", "AEAD tag", "bytes that do not");
  tape_free(t);
}

static void numbers_expand_as_the_receiver_does(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .pn = 250, .pn_len = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 260, .pn_len = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 255, .pn_len = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 600, .pn_len = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 70000, .pn_len = 4, .frames = FRAMES(w_ping()));
  /* the AEAD's nonce proves each number; a receiver reads 600 as 344 */
  expect_opened(t, 7, 6);
  tape_conn_free(&c);
  tape_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_cipher_opens),
      cmocka_unit_test(key_updates_are_followed),
      cmocka_unit_test(a_late_packet_of_the_old_phase_opens),
      cmocka_unit_test(a_spoiled_packet_is_a_finding),
      cmocka_unit_test(a_spoiled_first_packet_is_a_finding),
      cmocka_unit_test(without_keys_the_handshake_opens),
      cmocka_unit_test(null_protection_is_detected),
      cmocka_unit_test(in_clear_with_another_tag_is_a_finding),
      cmocka_unit_test(numbers_expand_as_the_receiver_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
