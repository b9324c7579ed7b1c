/* Which connection a packet is of, and under which key: versions, Retry, 0-RTT, IDs of
 * any length, addresses that change, key phases that the capture lacks, and captures
 * without keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/tape.h"
#include "pcap-tools/track/conn.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

/* All packets of the tape, and how many of them open. */
static void expect_opened(const struct tape *t, uint64_t packets, uint64_t opened) {
  struct judge_report *r = tape_judge(t, 1);
  if (r->packets != packets || r->packets_opened != opened)
    fail_msg("expected %llu packets, %llu opened, found %llu and %llu", (unsigned long long)packets,
             (unsigned long long)opened, (unsigned long long)r->packets,
             (unsigned long long)r->packets_opened);
  judge_report_free(r);
}

static void expect_quiet(const struct tape *t) {
  struct judge_report *r = tape_judge(t, 1);
  for (size_t i = 0; i < r->n_checks; i++)
    if (r->checks[i].result == JUDGE_FAIL)
      fail_msg("%s: %s: %s", r->checks[i].name, r->checks[i].findings[0].field,
               r->checks[i].findings[0].actual);
  judge_report_free(r);
}

static void done(struct tape *t, struct tape_conn *c) {
  tape_conn_free(c);
  tape_free(t);
}

static struct word long_ping(void) {
  return FRAMES(w_ping(), w_padding(1000));
}

static void every_cipher_in_both_versions(void **state) {
  (void)state;
  static const uint16_t suites[] = {QP_AES_128_GCM, QP_AES_256_GCM, QP_CHACHA20_POLY1305,
                                    QP_AES_128_CCM};
  static const uint32_t versions[] = {QP_VERSION_1, QP_VERSION_2};
  for (size_t i = 0; i < 8; i++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_version(t, suites[i / 2], versions[i % 2]);
    pkt_1rtt(&c, S, .pn_len = 1, .frames = FRAMES(w_ping()));
    pkt_1rtt(&c, C, .pn_len = 2, .frames = FRAMES(w_ack(1, 1)));
    tape_update_keys(&c);
    pkt_1rtt(&c, C, .pn_len = 3, .frames = FRAMES(w_ping(), w_padding(1200)));
    pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
    expect_opened(t, 6, 6);
    tape_expect(t, "frames-legal", JUDGE_PASS, 6);
    done(t, &c);
  }
}

/* RFC 9368: the server goes on in another version, with keys from the same ID. */
static void a_version_chosen_in_the_handshake(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  tape_say_initial(&c, C, 0, long_ping());
  c.version = QP_VERSION_2;
  tape_say_initial(&c, S, 0, long_ping());
  tape_say_initial(&c, C, 1, long_ping());
  expect_opened(t, 3, 3);
  done(t, &c);
}

static void after_a_retry(void **state) {
  (void)state;
  static const struct qp_cid scid = {.len = 5, .data = {9, 8, 7, 6, 5}};
  static const uint32_t versions[] = {QP_VERSION_1, QP_VERSION_2};
  for (int i = 0; i < 2; i++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_silent(t);
    c.version = versions[i];
    tape_say_initial(&c, C, 0, long_ping());
    tape_say_retry(&c, &scid, false);
    tape_say_initial_with(&c, C, 1, w_hex("746f6b656e"), long_ping());
    tape_say_initial(&c, S, 0, long_ping());
    expect_opened(t, 4, 3); /* a Retry has nothing to open */
    tape_expect(t, "frames-legal", JUDGE_PASS, 3);
    done(t, &c);
  }
}

static void a_forged_retry(void **state) {
  (void)state;
  static const struct qp_cid scid = {.len = 5, .data = {9, 8, 7, 6, 5}};
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  tape_say_initial(&c, C, 0, long_ping());
  tape_say_retry(&c, &scid, true);
  tape_say_initial(&c, S, 0, long_ping());
  expect_opened(t, 3, 2);
  tape_expect_finding(t, "frames-legal", "header", "a Retry whose integrity tag is wrong");
  done(t, &c);
}

static void early_data(void **state) {
  (void)state;
  static const uint32_t versions[] = {QP_VERSION_1, QP_VERSION_2};
  for (int i = 0; i < 2; i++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_version(t, QP_AES_256_GCM, versions[i]);
    tape_say_0rtt(&c, 0, FRAMES(w_stream(0, 0, "early")));
    pkt_1rtt(&c, C, .frames = FRAMES(w_stream(0, 5, "late")));
    expect_opened(t, 4, 4);
    done(t, &c);
  }
}

/* A client without IDs that sends from another port. */
static void a_nameless_client_moves(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  c.cid[C].len = 0;
  tape_shake(&c, QP_AES_128_GCM);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .port = 20001, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .port = 20001, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  expect_opened(t, 7, 7);
  done(t, &c);
}

/* A client without IDs comes back from its port: the server's packets of both connections look
 * alike. The older one's are on their way; says: what the newer one says of its stream again. */
static struct tape *a_nameless_client_comes_back(bool protected, const char *says) {
  struct tape *t = tape_new();
  struct tape_conn c[2];
  t->alpn = "h3";
  for (int i = 0; i < 2; i++) {
    c[i] = tape_conn_silent(t);
    c[i].cid[C].len = 0;
    c[i].host = c[0].host;
    if (protected)
      tape_protect(&c[i], QP_AES_128_GCM);
    if (i)
      pkt_1rtt(&c[0], S, .pn = 50, .frames = FRAMES(w_stream(3, 0, "abc")));
    tape_shake(&c[i], QP_AES_128_GCM);
  }
  pkt_1rtt(&c[0], S, .frames = FRAMES(w_stream(3, 3, "def")));
  pkt_1rtt(&c[1], S, .frames = FRAMES(w_stream(3, 0, "xyz")));
  pkt_1rtt(&c[0], S, .frames = FRAMES(w_stream(3, 0, "abc")));
  pkt_1rtt(&c[0], C, .frames = FRAMES(w_ack(50, 52)));
  pkt_1rtt(&c[1], S, .frames = FRAMES(w_stream(3, 0, says)));
  tape_conn_free(&c[0]), tape_conn_free(&c[1]);
  return t;
}

static void nameless_connections_on_one_port(void **state) {
  (void)state;
  for (int protected = 0; protected < 2; protected ++) {
    struct tape *t = a_nameless_client_comes_back(protected, "xyz");
    expect_opened(t, 10, 10);
    tape_expect(t, "frames-legal", JUDGE_PASS, 10);
    tape_expect(t, "stream-bytes", JUDGE_PASS, 5);
    tape_expect(t, "ack-only-sent", JUDGE_PASS, 1);
    tape_free(t);
    t = a_nameless_client_comes_back(protected, "abc"); /* as the older one said */
    tape_expect_finding(t, "stream-bytes", "stream data", "61");
    tape_free(t);
  }
}

static void ids_of_any_length(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  for (uint8_t len = 1; len <= QP_CID_MAX; len++) {
    struct qp_cid id = {.len = len, .data = {(uint8_t)(0x60 + len), 2, 3, 4, 5}};
    pkt_1rtt(&c, C, .frames = FRAMES(w_new_cid(len, 0, id.data, id.len)));
    pkt_1rtt(&c, S, .dcid = &id, .frames = FRAMES(w_ping()));
    pkt_1rtt(&c, S, .dcid = &id, .host = 77, .frames = FRAMES(w_ping()));
  }
  expect_opened(t, 62, 62);
  done(t, &c);
}

/* The capture lacks the frame that gave the ID: the packet opens, then it is known. */
static void an_id_that_was_given_unseen(void **state) {
  (void)state;
  static const struct qp_cid id = {.len = 20, .data = {0xab, 1, 2}};
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .dcid = &id, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .dcid = &id, .port = 20009, .frames = FRAMES(w_ping()));
  expect_opened(t, 5, 5);
  done(t, &c);
}

static void a_key_phase_that_was_not_captured(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  tape_update_keys(&c);
  tape_update_keys(&c);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  tape_update_keys(&c);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  expect_opened(t, 5, 5);
  done(t, &c);
}

/* Damaged packets, of whatever phase they look, do not lose the keys. */
static void damage_does_not_poison(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_CHACHA20_POLY1305);
  for (int i = 0; i < 50; i++) {
    pkt_1rtt(&c, S, .spoil_tag = true, .frames = FRAMES(w_ping()));
    struct tape_frame *f = &t->frames[t->n - 1];
    f->data[f->len - 18] ^= (uint8_t)(1 + i); /* in the sample: another first byte */
    tape_fix_checksum(f);
  }
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  expect_opened(t, 53, 3);
  done(t, &c);
}

static void a_datagram_filled_up(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  tape_say_initial(&c, C, 0, FRAMES(w_ping(), w_padding(20)));
  struct tape_frame *f = &t->frames[0];
  size_t zeros = 1100;
  f->data = realloc(f->data, f->len + zeros);
  memset(f->data + f->len, 0, zeros);
  f->len += zeros;
  uint16_t total = (uint16_t)(f->len - 14), udp = (uint16_t)(total - 20);
  f->data[16] = (uint8_t)(total >> 8), f->data[17] = (uint8_t)total;
  f->data[38] = (uint8_t)(udp >> 8), f->data[39] = (uint8_t)udp;
  tape_fix_checksum(f);
  tape_say_initial(&c, S, 0, long_ping());
  expect_opened(t, 2, 2);
  tape_expect(t, "frames-legal", JUDGE_PASS, 2);
  done(t, &c);
}

static void frames_about_acks(void **state) {
  (void)state;
  struct word params = w_hex("04 04 80100000 c0000000ff04de1b 02 43e8");
  struct tape *t = tape_new();
  t->client_params = params;
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .frames = FRAMES(w_hex("40af 01 02 4400 03"), w_hex("1f")));
  tape_expect(t, "frames-legal", JUDGE_PASS, 3);
  tape_conn_free(&c);
  t->client_params = w_hex("04 04 80100000");
  c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .frames = FRAMES(w_hex("1f")));
  tape_expect_finding(t, "frames-legal", "frame", "did not announce min_ack_delay");
  done(t, &c);
}

/* Segmentation offload: several packets in what looks like one datagram. */
static void packets_glued_together(void **state) {
  (void)state;
  for (int closed = 0; closed < 2; closed++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
    pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
    for (int i = 0; i < 20; i++)
      pkt_1rtt(&c, S, .frames = FRAMES(w_ping(), w_padding(1000)));
    tape_glue(t, 20);
    for (int i = 0; i < 3; i++)
      pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
    tape_glue(t, 3); /* shorter than one full datagram */
    pkt_1rtt(&c, S, .frames = FRAMES(w_ack(1, 4)));
    if (closed)
      t->secrets[0] = 0;
    assert_int_equal(t->n, 6);
    expect_opened(t, 27, closed ? 2 : 27);
    if (!closed)
      expect_quiet(t);
    done(t, &c);
  }
}

static void other_protocols_close_with_codes_of_their_own(void **state) {
  (void)state;
  static const struct {
    const char *alpn;
    uint64_t code;
    enum judge_result result;
  } rows[] = {{"h3", 0x100, JUDGE_PASS},
              {"h3", 0x101, JUDGE_FAIL},
              {"h3", 0, JUDGE_PASS},
              {"perf", 7, JUDGE_PASS},
              {"moqt-20", 0x100, JUDGE_FAIL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tape *t = tape_new();
    t->alpn = rows[i].alpn;
    struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
    pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(rows[i].code)));
    tape_expect(t, "close-clean", rows[i].result, 1);
    done(t, &c);
  }
}

/* ---- without keys ------------------------------------------------------------- */

static struct tape_conn without_keys(struct tape *t) {
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  t->secrets[0] = 0;
  return c;
}

static void flood(struct tape_conn *c, unsigned port) {
  for (int i = 0; i < 20; i++)
    pkt_1rtt(c, S, .port = port, .frames = FRAMES(w_ping(), w_padding(1000)));
}

/* Nothing can be opened: nothing is found that is not there. */
static void a_closed_capture_has_no_findings(void **state) {
  (void)state;
  static const struct qp_cid id = {.len = 20, .data = {0xab, 1, 2}};
  struct tape *t = tape_new();
  struct tape_conn c = without_keys(t);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  flood(&c, 0);
  pkt_1rtt(&c, C, .port = 20001, .frames = FRAMES(w_ping())); /* a rebinding */
  flood(&c, 20001);
  pkt_1rtt(&c, C, .dcid = &id, .port = 20001, .frames = FRAMES(w_ping()));
  flood(&c, 20001);
  expect_opened(t, 65, 2);
  tape_expect(t, "path-valid", JUDGE_PASS, 21);
  expect_quiet(t);
  done(t, &c);
}

static void too_much_before_any_proof_fails_without_keys(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = without_keys(t);
  flood(&c, 0);
  tape_expect_finding(t, "path-valid", "bytes on an unvalidated path", "4");
  done(t, &c);
}

static void a_token_proves_the_address(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  tape_say_initial_with(&c, C, 0, w_hex("746f6b656e"), long_ping());
  for (uint64_t pn = 0; pn < 8; pn++)
    tape_say_initial(&c, S, pn, long_ping());
  tape_expect(t, "path-valid", JUDGE_PASS, 8);
  done(t, &c);
}

/* The packet's own ID stands in its payload, so near to the front that what lies before it
 * is too short for a packet, and ends in the zeros that no protection has for a tag. */
static void its_own_id_in_the_payload(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  memset(c.cid[S].data + 2, 0, c.cid[S].len - 2u);
  tape_shake(&c, QP_AES_128_GCM);
  struct word front = w_bytes((uint8_t[9]){0}, 9), id = w_bytes(c.cid[S].data, c.cid[S].len);
  pkt_1rtt(&c, C, .spoil_tag = true, .frames = JOIN(front, id, w_padding(20)));
  expect_opened(t, 3, 2);
  done(t, &c);
}

/* Without protection the tag may tell the number; who makes out another one does not open it. */
static void a_tag_that_tells_the_number(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .pn = 1, .pn_len = 1, .spoil_tag = true,
           .frames = FRAMES(w_ping())); /* tells 1 */
  pkt_1rtt(&c, C, .pn = 2, .pn_len = 1, .spoil_tag = true, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .pn = 3, .pn_len = 1, .frames = FRAMES(w_ping()));
  expect_opened(t, 5, 4);
  done(t, &c);
}

static struct qp_end end(uint8_t host, uint16_t port) {
  return (struct qp_end){.addr = {10, 0, 0, host}, .port = port, .family = 4};
}

/* A packet from an address to which the peer has not sent yet: the sender's capture shows that it
 * left, and not that it reached the peer. */
static void a_new_address_reaches_the_peers_capture(void **state) {
  (void)state;
  enum { CLIENTS, SERVERS };
  struct qp_tuple there = {end(2, 1000), end(1, 443)}, back = {end(1, 443), end(2, 1000)};
  struct qp_tuple moved = {end(2, 1001), end(1, 443)};
  struct qp_conn *c = calloc(1, sizeof *c);
  /* nothing is known of the server before it sends */
  assert_int_equal(qp_conn_views(c, QP_CLIENT, &there, CLIENTS), QP_SENT | QP_REACHED);
  assert_int_equal(qp_conn_views(c, QP_SERVER, &back, SERVERS), QP_SENT);
  assert_int_equal(qp_conn_views(c, QP_CLIENT, &there, CLIENTS), QP_SENT);
  assert_int_equal(qp_conn_views(c, QP_CLIENT, &moved, CLIENTS), QP_SENT);
  assert_int_equal(qp_conn_views(c, QP_CLIENT, &moved, SERVERS), QP_REACHED);
  free(c->vantages);
  free(c);
}

/* A client called before the server began again, and is heard after: to the server it is another
 * connection, whose packet has left in the client's capture. */
static void who_is_heard_anew_has_left_where_it_was(void **state) {
  (void)state;
  enum { CLIENTS, SERVERS };
  struct qp_tuple there = {end(2, 1000), end(1, 443)}, back = {end(1, 443), end(2, 1000)};
  struct qp_conn *was = calloc(1, sizeof *was), *is = calloc(1, sizeof *is);
  qp_conn_views(was, QP_CLIENT, &there, CLIENTS);
  qp_conn_views(was, QP_SERVER, &back, SERVERS);
  qp_conn_same_vantages(is, was, QP_CLIENT);
  assert_int_equal(is->n_vantages, 1);
  assert_int_equal(qp_conn_views(is, QP_CLIENT, &there, SERVERS), QP_REACHED);
  free(was->vantages);
  free(is->vantages);
  free(was);
  free(is);
}

/* One capture of both sides. */
static void a_new_address_in_the_only_capture(void **state) {
  (void)state;
  struct qp_tuple there = {end(2, 1000), end(1, 443)}, back = {end(1, 443), end(2, 1000)};
  struct qp_tuple moved = {end(2, 1001), end(1, 443)};
  struct qp_conn *c = calloc(1, sizeof *c);
  qp_conn_views(c, QP_CLIENT, &there, 0);
  qp_conn_views(c, QP_SERVER, &back, 0);
  assert_int_equal(qp_conn_views(c, QP_CLIENT, &moved, 0), QP_SENT | QP_REACHED);
  free(c->vantages);
  free(c);
}

/* Who got a stateless reset reads nothing more (RFC 9000 10.3.1): an ID that comes behind it has not
 * arrived. The token of made packets is their tag, of zeros. */
static void an_id_behind_a_reset(bool reset) {
  static const struct qp_cid first = {.len = 8, .data = {0xb1, 2, 3, 4, 5, 6, 7, 8}};
  static const struct qp_cid second = {.len = 8, .data = {0xa1, 2, 3, 4, 5, 6, 7, 8}};
  static const struct qp_cid nobodys = {.len = 8, .data = {0xa2, 2, 3, 4, 5, 6, 7, 8}};
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, S, .frames = FRAMES(w_new_cid(1, 0, first.data, first.len)));
  if (reset)
    pkt_1rtt(&c, S, .frames = FRAMES(w_ping()), .dcid = &nobodys);
  pkt_1rtt(&c, S, .frames = FRAMES(w_new_cid(2, 0, second.data, second.len)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()), .dcid = &second);
  if (reset)
    tape_expect_finding(t, "cid-active", "destination connection ID", "a102030405060708");
  else
    tape_expect(t, "cid-active", JUDGE_PASS, 3);
  done(t, &c);
}

static void nothing_arrives_behind_a_reset(void **state) {
  (void)state;
  an_id_behind_a_reset(false);
  an_id_behind_a_reset(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_address_reaches_the_peers_capture),
      cmocka_unit_test(who_is_heard_anew_has_left_where_it_was),
      cmocka_unit_test(a_new_address_in_the_only_capture),
      cmocka_unit_test(its_own_id_in_the_payload),
      cmocka_unit_test(a_tag_that_tells_the_number),
      cmocka_unit_test(every_cipher_in_both_versions),
      cmocka_unit_test(a_version_chosen_in_the_handshake),
      cmocka_unit_test(after_a_retry),
      cmocka_unit_test(a_forged_retry),
      cmocka_unit_test(early_data),
      cmocka_unit_test(a_nameless_client_moves),
      cmocka_unit_test(nameless_connections_on_one_port),
      cmocka_unit_test(ids_of_any_length),
      cmocka_unit_test(an_id_that_was_given_unseen),
      cmocka_unit_test(a_key_phase_that_was_not_captured),
      cmocka_unit_test(damage_does_not_poison),
      cmocka_unit_test(a_datagram_filled_up),
      cmocka_unit_test(frames_about_acks),
      cmocka_unit_test(packets_glued_together),
      cmocka_unit_test(other_protocols_close_with_codes_of_their_own),
      cmocka_unit_test(a_closed_capture_has_no_findings),
      cmocka_unit_test(too_much_before_any_proof_fails_without_keys),
      cmocka_unit_test(a_token_proves_the_address),
      cmocka_unit_test(nothing_arrives_behind_a_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
