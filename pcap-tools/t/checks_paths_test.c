/* IDs, addresses and keys: cid-active, cid-supply, path-valid, isolated,
 * fresh-start, nonce-unique, no-orphan-forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"
#include "pcap-tools/t/two_clients.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };
#define SECOND_NS 1000000000u

static const struct qp_cid next_id = {.len = 8, .data = {0xa1, 2, 3, 4, 5, 6, 7, 8}};
static const struct qp_cid third_id = {.len = 8, .data = {0xa2, 2, 3, 4, 5, 6, 7, 8}};
/* for packets to the server */
static const struct qp_cid server_id = {.len = 8, .data = {0xb1, 2, 3, 4, 5, 6, 7, 8}};

static struct word new_id(uint64_t sequence, const struct qp_cid *cid) {
  return w_new_cid(sequence, 0, cid->data, cid->len);
}

/* ---- cid-active ---------------------------------------------------------- */

static void issued_ids_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(new_id(1, &next_id)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .dcid = &next_id);
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_retire(0)), .dcid = &next_id);
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .dcid = &next_id);
  tape_expect(s->t, "cid-active", JUDGE_PASS, 4);
}

static void a_retired_id_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(new_id(1, &next_id)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_retire(0)), .dcid = &next_id);
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping())); /* sequence number 0 */
  tape_expect_finding(s->t, "cid-active", "destination connection ID", "retired in frame 6");
}

static void retiring_the_id_in_use_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(new_id(1, &next_id)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_retire(1)), .dcid = &next_id);
  tape_expect_finding(s->t, "cid-active", "destination connection ID", "sequence number 1");
}

static void an_id_that_had_not_arrived_fails(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_split(t, 1, 0);
  pkt_1rtt(&c, C, .frames = FRAMES(new_id(1, &next_id)), .lost = true);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()), .dcid = &next_id);
  tape_expect_finding(t, "cid-active", "destination connection ID", "a102030405060708");
  tape_free(t);
}

/* To an ID that nobody has, and the last 16 bytes (here: the zero tag) are the token that the
 * client was given: no packet of the connection. RFC 9000 10.3. */
static void a_stateless_reset_is_no_packet(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(new_id(1, &server_id)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .dcid = &third_id);
  tape_expect(s->t, "cid-active", JUDGE_PASS, 1);
}

static void no_reset_without_its_token(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(new_id(1, &next_id))); /* a token for the server */
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .dcid = &third_id);
  tape_expect_finding(s->t, "cid-active", "destination connection ID", "a202030405060708");
}

/* ---- cid-supply ---------------------------------------------------------- */

static void a_spare_id_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(new_id(1, &server_id)));
  s->t->now_ns += 2 * SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_retire(0)), .dcid = &server_id);
  pkt_1rtt(&s->c, S, .frames = FRAMES(new_id(2, &third_id)));
  s->t->now_ns += 2 * SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "cid-supply", JUDGE_PASS, 4);
}

static void no_spare_id_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  s->t->now_ns += 2 * SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "cid-supply", "active connection IDs", "1");
}

static void an_id_not_replaced_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(new_id(1, &server_id)));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_retire(0)), .dcid = &server_id);
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  s->t->now_ns += 2 * SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "cid-supply", "active connection IDs", "1");
}

static void more_ids_than_the_peer_takes_fail(void **state) {
  struct stage *s = *state; /* active_connection_id_limit 2 by default */
  pkt_1rtt(&s->c, S, .frames = FRAMES(new_id(1, &server_id), new_id(2, &third_id)));
  tape_expect_finding(s->t, "cid-supply", "active connection IDs", "3");
}

/* ---- path-valid ---------------------------------------------------------- */

enum { OTHER_PORT = 20777 };

static void a_validated_path_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping(), w_padding(400)), .port = OTHER_PORT);
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_challenge(77), w_padding(1000)), .port = OTHER_PORT);
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_response(77)), .port = OTHER_PORT);
  for (int i = 0; i < 5; i++)
    pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping(), w_padding(1000)), .port = OTHER_PORT);
  tape_expect(s->t, "path-valid", JUDGE_PASS, 6);
}

static void too_much_on_a_new_path_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping(), w_padding(400)), .port = OTHER_PORT);
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_challenge(77), w_padding(1000)), .port = OTHER_PORT);
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_response(78)), .port = OTHER_PORT); /* another's */
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping(), w_padding(1000)), .port = OTHER_PORT);
  tape_expect_finding(s->t, "path-valid", "bytes on an unvalidated path", "2");
}

/* RFC 9000 8.1: what the server discards counts too. */
static void a_small_packet_again(struct stage *s, unsigned times) {
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  for (unsigned i = 0; i < times; i++)
    pkt_1rtt(&s->c, C, .pn = 7, .frames = FRAMES(w_ping(), w_padding(400)), .port = OTHER_PORT);
  for (int i = 0; i < 2; i++)
    pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping(), w_padding(1100)), .port = OTHER_PORT);
}

static void a_duplicate_pays_on_a_new_path(void **state) {
  struct stage *s = *state;
  a_small_packet_again(s, 2);
  tape_expect(s->t, "path-valid", JUDGE_PASS, 2);
}

static void one_packet_does_not_pay_for_two(void **state) {
  struct stage *s = *state;
  a_small_packet_again(s, 1);
  tape_expect_finding(s->t, "path-valid", "bytes on an unvalidated path", "2");
}

static void too_much_before_the_handshake_fails(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_unanswered(t);
  for (unsigned i = 0; i < 4; i++)
    tape_say_initial(&c, S, i, FRAMES(w_ping(), w_padding(1100)));
  tape_expect_finding(t, "path-valid", "bytes on an unvalidated path", "4");
  tape_free(t);
}

/* The first Initial comes from another port, and the server answers the second one. */
static void a_port_left_before_the_answer(unsigned port, enum judge_result result) {
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  tape_say_initial(&c, C, 7, FRAMES(w_ping(), w_padding(1100)));
  t->frames[0].data[34] = OTHER_PORT >> 8; /* behind Ethernet and IP */
  t->frames[0].data[35] = OTHER_PORT & 0xff;
  tape_fix_checksum(&t->frames[0]);
  tape_shake(&c, QP_AES_128_GCM);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  for (int i = 0; i < 5; i++)
    pkt_1rtt(&c, S, .frames = FRAMES(w_ping(), w_padding(1000)), .port = port);
  if (result == JUDGE_PASS)
    tape_expect(t, "path-valid", JUDGE_PASS, 6);
  else
    tape_expect_finding(t, "path-valid", "bytes on an unvalidated path", "4");
  tape_free(t);
}

static void the_path_of_the_answer_is_the_handshakes(void **state) {
  (void)state;
  a_port_left_before_the_answer(0, JUDGE_PASS);
}

static void the_port_left_before_is_not(void **state) {
  (void)state;
  a_port_left_before_the_answer(OTHER_PORT, JUDGE_FAIL);
}

static void an_address_never_dialled_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .relay = 99);
  tape_expect_finding(s->t, "path-valid", "4-tuple", "10.0.0.99:4433");
}

/* ---- isolated ------------------------------------------------------------ */

static void everybody_at_his_place_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->d, S, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "isolated", JUDGE_PASS, 2);
}

static void another_clients_address_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->d, S, .frames = FRAMES(w_ping()), .host = s->c.host);
  tape_expect_finding(s->t, "isolated", "destination connection ID", "c202");
}

static void another_clients_id_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->d, S, .frames = FRAMES(w_ping()), .dcid = &s->c.cid[C]);
  tape_expect_finding(s->t, "isolated", "destination connection ID", "c201");
}

static void an_older_connection_of_the_same_port_passes(void **state) {
  struct stage *s = *state;
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping())); /* it still tries the old one */
  tape_expect(s->t, "isolated", JUDGE_PASS, 2);
}

static void a_subscribed_track_passes(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_down(&s, 0, 0, "a");
  tape_expect(s.t, "isolated", JUDGE_PASS, 3);
  scene_free(&s);
}

static void a_track_nobody_asked_for_fails(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS + 1, 0, 0, 1, "a"))));
  tape_expect_finding(s.t, "isolated", "track alias", "8");
  scene_free(&s);
}

/* ---- fresh-start --------------------------------------------------------- */

static void a_new_start_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 500, .frames = FRAMES(w_ping()));
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .pn = 1, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "fresh-start", JUDGE_PASS, 1);
}

static void an_inherited_number_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 500, .frames = FRAMES(w_ping()));
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .pn = 501, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "fresh-start", "packet number", "501");
}

static void inherited_streams_fail(void **state) {
  struct stage *s = *state;
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .frames = FRAMES(w_stream(4 * 200 + 3, 0, "\x2f")));
  tape_expect_finding(s->t, "fresh-start", "stream ID", "803");
}

/* The subscriber comes back and asks; then so many subgroups come to the relay, which gives each an
 * ID. Only the last one leaves. */
static struct plan asks_again(uint64_t subgroups, uint64_t last) {
  struct plan p = made_run();
  struct tape_conn again = tape_conn_again(&p.scene.sub);
  struct word ask = m_subscribe(0, "chat", p_next_group());
  pkt_1rtt(&again, C, .frames = FRAMES(w_stream_of(0, 0, ask, false)));
  for (uint64_t i = 0; i < subgroups; i++)
    scene_up_stream(&p.scene, 4 * (i + 1) + 2, i + 1, "x");
  pkt_1rtt(&again, S,
           .frames = FRAMES(w_stream_of(0, 0, m_subscribe_ok(DOWN_ALIAS, p_none()), false)));
  struct word media = JOIN(o_header(DOWN_ALIAS, subgroups, 0, 1), o_object(0, "x"));
  pkt_1rtt(&again, S, .frames = FRAMES(w_stream_of(4 * last + 3, 0, media, true)));
  return p;
}

static void there_are_no_more_ids_than_subgroups(void **state) {
  (void)state;
  struct plan p = asks_again(80, 80);
  made_run_expect(&p, "fresh-start", JUDGE_PASS);
  p = asks_again(80, 150);
  made_run_expect_finding(&p, "fresh-start", "stream ID", "the highest is 603");
  p = asks_again(8, 80);
  made_run_expect_finding(&p, "fresh-start", "stream ID", "the highest is 323");
}

static void fan_out_that_goes_on_fails(void **state) {
  struct stage *s = *state;
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .frames = FRAMES(w_hex("1e")));
  s->t->now_ns += SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_datagram(o_datagram(1, 0, 0, 1, "a"))));
  tape_expect_finding(s->t, "fresh-start", "fan-out", "media");
}

/* Its Initial was lost, and the one that arrived came from another port: the older connection
 * has its port still. */
static void fan_out_to_a_port_that_nobody_took_passes(void **state) {
  struct stage *s = *state;
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .frames = FRAMES(w_hex("1e")), .port = OTHER_PORT);
  s->t->now_ns += SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_datagram(o_datagram(1, 0, 0, 1, "a"))));
  tape_expect(s->t, "fresh-start", JUDGE_PASS, 1);
}

static void an_object_nobody_asked_for_yet_fails(void **state) {
  struct stage *s = *state;
  struct tape_conn again = tape_conn_again(&s->c);
  pkt_1rtt(&again, S, .frames = FRAMES(w_datagram(o_datagram(1, 3, 4, 1, "a"))));
  tape_expect_finding(s->t, "fresh-start", "object", "group 3 object 4");
}

static void only_one_connection_on_a_port_shows_nothing(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 500, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "fresh-start", JUDGE_SKIP, 0);
}

/* ---- nonce-unique -------------------------------------------------------- */

static void a_number_again_under_another_key_passes(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_CHACHA20_POLY1305);
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .pn = 7, .frames = FRAMES(w_ping()));
  tape_update_keys(&c);
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_padding(9)));
  tape_expect(t, "nonce-unique", JUDGE_PASS, 5);
  tape_conn_free(&c);
  tape_free(t);
}

static void a_nonce_used_twice_fails(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_CHACHA20_POLY1305);
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_padding(9)));
  tape_expect_finding(t, "nonce-unique", "nonce", "other bytes in frame 3");
  tape_conn_free(&c);
  tape_free(t);
}

static void the_same_bytes_again_pass(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_close(0)));
  pkt_1rtt(&c, S, .pn = 7, .frames = FRAMES(w_close(0)));
  tape_expect(t, "nonce-unique", JUDGE_PASS, 4);
  tape_conn_free(&c);
  tape_free(t);
}

/* ---- no-orphan-forward --------------------------------------------------- */

static void silence_after_the_end_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(7, 0, "a")));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_close_app(0)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(7, 1, "b"))); /* was on its way */
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  s->t->now_ns += SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  tape_expect(s->t, "no-orphan-forward", JUDGE_PASS, 1);
}

static void media_after_the_peers_close_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_close_app(0)));
  s->t->now_ns += SECOND_NS;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(7, 0, "a")));
  tape_expect_finding(s->t, "no-orphan-forward", "frame", "STREAM");
}

/* What the relay never got it need not obey; once it has, it must. */
static void a_close_counts_from_where_it_arrives(void **state) {
  (void)state;
  for (int lost = 0; lost < 2; lost++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_split(t, 1, 0);
    pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(0)), .lost = lost);
    t->now_ns += SECOND_NS;
    pkt_1rtt(&c, S, .frames = FRAMES(w_stream(7, 0, "a")));
    struct judge_report *r = tape_judge(t, 2);
    assert_int_equal(tape_check(r, "no-orphan-forward")->result, lost ? JUDGE_PASS : JUDGE_FAIL);
    judge_report_free(r);
    tape_conn_free(&c);
    tape_free(t);
  }
}

static void media_after_the_own_close_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_datagram(o_datagram(1, 0, 0, 1, "a"))));
  tape_expect_finding(s->t, "no-orphan-forward", "frame", "DATAGRAM");
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, two_clients, two_clients_gone)
  const struct CMUnitTest tests[] = {
      CASE(issued_ids_pass),
      CASE(a_retired_id_fails),
      CASE(retiring_the_id_in_use_fails),
      CASE(an_id_that_had_not_arrived_fails),
      CASE(a_stateless_reset_is_no_packet),
      CASE(no_reset_without_its_token),
      CASE(a_spare_id_passes),
      CASE(no_spare_id_fails),
      CASE(an_id_not_replaced_fails),
      CASE(more_ids_than_the_peer_takes_fail),
      CASE(a_validated_path_passes),
      CASE(too_much_on_a_new_path_fails),
      CASE(a_duplicate_pays_on_a_new_path),
      CASE(one_packet_does_not_pay_for_two),
      CASE(too_much_before_the_handshake_fails),
      cmocka_unit_test(the_path_of_the_answer_is_the_handshakes),
      cmocka_unit_test(the_port_left_before_is_not),
      CASE(an_address_never_dialled_fails),
      CASE(everybody_at_his_place_passes),
      CASE(another_clients_address_fails),
      CASE(another_clients_id_fails),
      CASE(an_older_connection_of_the_same_port_passes),
      CASE(a_subscribed_track_passes),
      CASE(a_track_nobody_asked_for_fails),
      CASE(a_new_start_passes),
      CASE(an_inherited_number_fails),
      CASE(inherited_streams_fail),
      cmocka_unit_test(there_are_no_more_ids_than_subgroups),
      CASE(fan_out_that_goes_on_fails),
      CASE(fan_out_to_a_port_that_nobody_took_passes),
      CASE(an_object_nobody_asked_for_yet_fails),
      CASE(only_one_connection_on_a_port_shows_nothing),
      CASE(a_number_again_under_another_key_passes),
      CASE(a_nonce_used_twice_fails),
      CASE(the_same_bytes_again_pass),
      CASE(silence_after_the_end_passes),
      CASE(media_after_the_peers_close_fails),
      cmocka_unit_test(a_close_counts_from_where_it_arrives),
      CASE(media_after_the_own_close_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
