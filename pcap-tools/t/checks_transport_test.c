/* Every transport check with packets that pass and packets it must refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/tape.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

/* Each test gets a tape with one connection. */
struct stage {
  struct tape *t;
  struct tape_conn c;
};

static int set_up(void **state) {
  static struct stage s;
  s.t = tape_new();
  s.c = tape_conn(s.t);
  *state = &s;
  return 0;
}

static int tear_down(void **state) {
  struct stage *s = *state;
  tape_conn_free(&s->c);
  tape_free(s->t);
  return 0;
}

/* ---- pn-unique ---------------------------------------------------------- */

static void unique_numbers_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 3, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 2, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .pn = 1, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "pn-unique", JUDGE_PASS, 6);
}

static void a_number_used_twice_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 7, .frames = FRAMES(w_stream(3, 0, "abc")));
  pkt_1rtt(&s->c, S, .pn = 7, .frames = FRAMES(w_stream(3, 3, "def")));
  tape_expect_finding(s->t, "pn-unique", "packet number", "7, first sent in frame 3");
}

static void the_same_close_again_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 7, .frames = FRAMES(w_close(0)));
  pkt_1rtt(&s->c, S, .pn = 7, .frames = FRAMES(w_close(0)));
  tape_expect(s->t, "pn-unique", JUDGE_PASS, 4);
}

static void another_close_with_that_number_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 7, .frames = FRAMES(w_close(0)));
  pkt_1rtt(&s->c, S, .pn = 7, .frames = FRAMES(w_close(1)));
  tape_expect(s->t, "pn-unique", JUDGE_FAIL, 1);
}

static void a_duplicate_on_the_far_side_of_a_link_passes(void **state) {
  struct stage *s = *state;
  s->c.file[S] = 0;
  tape_also_in(s->t, 1, 1000); /* the last packet of the handshake, at the client */
  pkt_1rtt(&s->c, S, .pn = 1, .frames = FRAMES(w_ping()));
  tape_also_in(s->t, 1, 1000);
  tape_also_in(s->t, 1, 2000);
  tape_expect(s->t, "pn-unique", JUDGE_PASS, 3);
}

/* ---- pn-decodable ------------------------------------------------------- */

static void long_enough_numbers_pass(void **state) {
  struct stage *s = *state;
  /* 128 numbers in flight fit one byte, 129 do not */
  pkt_1rtt(&s->c, S, .pn = 127, .pn_len = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ack(127, 127)));
  pkt_1rtt(&s->c, S, .pn = 255, .pn_len = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 256, .pn_len = 2, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "pn-decodable", JUDGE_PASS, 6);
}

static void one_byte_with_129_in_flight_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 100, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ack(100, 100)));
  for (uint64_t pn = 101; pn <= 228; pn++)
    pkt_1rtt(&s->c, S, .pn = pn, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 229, .pn_len = 1, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "pn-decodable", "packet number length",
                      "1 for number 229, largest acknowledged: 100");
}

static void more_than_2_to_31_in_flight_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 0x80000001, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "pn-decodable", "packet number length", "4 for number 2147483649");
}

static void an_ack_that_has_not_arrived_does_not_count(void **state) {
  struct stage *s = *state;
  /* two vantages: file 0 at the server, file 1 at the client */
  tape_also_in(s->t, 1, 1000);
  s->c.file[C] = 1;
  pkt_1rtt(&s->c, S, .pn = 200, .frames = FRAMES(w_ping()));
  tape_also_in(s->t, 1, 1000);
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ack(200, 200)));
  pkt_1rtt(&s->c, S, .pn = 201, .pn_len = 1, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "pn-decodable", "packet number length", "1 for number 201");
}

/* ---- ack-only-sent ------------------------------------------------------ */

static void acks_of_what_was_sent_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 2, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 4, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ack(1, 2)));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_hex("02 04 00 01 00 00 01"))); /* 4, 1-2 */
  tape_expect(s->t, "ack-only-sent", JUDGE_PASS, 4);
}

static void an_ack_of_a_skipped_number_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .pn = 1, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 2, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .pn = 4, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ack(1, 4)));
  tape_expect_finding(s->t, "ack-only-sent", "ACK range", "1..4, but 3 was never sent");
}

static void an_ack_ahead_of_the_packet_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ack(1, 1)));
  pkt_1rtt(&s->c, S, .pn = 1, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "ack-only-sent", JUDGE_FAIL, 2);
}

/* ---- stream-bytes ------------------------------------------------------- */

static void equal_overlaps_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(0x3, 0, "hello world")));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_fin(0x3, 6, "world!")));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_fin(0x3, 12, "")));
  tape_expect(s->t, "stream-bytes", JUDGE_PASS, 3);
}

static void another_byte_at_one_offset_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(3, 0, "hello world")));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(3, 6, "warld")));
  tape_expect_finding(s->t, "stream-bytes", "stream data", "61");
}

static void two_final_sizes_fail(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_fin(3, 0, "abc")));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_fin(3, 0, "ab")));
  tape_expect(s->t, "stream-bytes", JUDGE_FAIL, 2);
}

static void data_behind_the_end_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_reset(3, 2, 3)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(3, 2, "cd")));
  tape_expect_finding(s->t, "stream-bytes", "final size", "4");
}

/* ---- stream-complete ---------------------------------------------------- */

static struct word subgroup(void) {
  return JOIN(o_header(1, 0, 0, 128), o_object(0, "abcdef"));
}

static void finished_and_reset_streams_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(3, 0, m_setup(), false)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(7, 0, subgroup(), true)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(11, 0, subgroup(), false), w_reset(11, 2, 99)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  tape_expect(s->t, "stream-complete", JUDGE_PASS, 3);
}

static void a_stream_without_end_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(7, 0, subgroup(), false)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  tape_expect_finding(s->t, "stream-complete", "stream end", "neither, after 13 bytes");
}

static void a_hole_in_front_of_the_end_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream(7, 0, "ab"), w_stream_fin(7, 3, "d")));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  tape_expect_finding(s->t, "stream-complete", "stream end", "a hole at offset 2");
}

static void a_hole_in_a_control_stream_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(3, 0, m_setup(), false), w_stream(3, 50, "x")));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(0)));
  tape_expect_finding(s->t, "stream-complete", "stream end", "a hole at offset 10");
}

static void a_bare_capture_without_a_close_is_excused(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(7, 0, subgroup(), false)));
  tape_expect(s->t, "stream-complete", JUDGE_PASS, 1);
}

/* ---- frames-legal ------------------------------------------------------- */

static void lawful_frames_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_hex("1e"), w_frame1(0x10, 5000), w_frame1(0x13, 100)));
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_stream_of(0, 0, m_subscribe(0, "chat", p_none()), false)));
  pkt_1rtt(&s->c, S,
           .frames = FRAMES(w_stream_of(0, 0, m_subscribe_ok(4, p_none()), false),
                            w_datagram(o_datagram(4, 0, 0, 1, "hi")), w_padding(3)));
  pkt_1rtt(&s->c, S,
           .frames = FRAMES(w_hex("18 01 00 04 01020304 000102030405060708090a0b0c0d0e0f")));
  tape_expect(s->t, "frames-legal", JUDGE_PASS, 6);
}

static void refuse_frames(struct stage *s, unsigned side, struct word frames, const char *field,
                          const char *actual) {
  pkt_1rtt(&s->c, side, .frames = frames);
  tape_expect_finding(s->t, "frames-legal", field, actual);
}

static void an_unknown_frame_fails(void **state) {
  refuse_frames(*state, S, w_hex("21 00"), "frame", "unknown frame type");
}
static void a_cut_frame_fails(void **state) {
  refuse_frames(*state, S, w_hex("0e 03 00 09 6162"), "frame", "behind the packet");
}
static void a_long_frame_type_fails(void **state) {
  refuse_frames(*state, S, w_hex("4001 00 00 00"), "frame", "shortest form");
}
static void handshake_done_of_a_client_fails(void **state) {
  refuse_frames(*state, C, w_hex("1e 00 00 00"), "frame", "only servers");
}
static void data_on_the_peers_stream_fails(void **state) {
  refuse_frames(*state, S, w_stream(2, 0, "abc"), "frame", "the peer's one-way stream");
}
static void max_stream_data_for_an_own_stream_fails(void **state) {
  refuse_frames(*state, S, w_frame2(0x11, 3, 1000), "frame", "other direction");
}
static void ack_below_zero_fails(void **state) {
  refuse_frames(*state, S, w_hex("02 03 00 00 04"), "frame", "below 0");
}
static void a_datagram_that_is_no_moqt_fails(void **state) {
  refuse_frames(*state, S, w_datagram(w_hex("10 00 00")), "datagram", "not the type");
}

static void reserved_bits_fail(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping(), w_padding(3)));
  /* in clear with null protection: byte 0 of the UDP payload */
  struct tape_frame *f = &s->t->frames[s->t->n - 1];
  f->data[42] |= 0x18;
  tape_expect_finding(s->t, "frames-legal", "reserved bits", "0x18");
}

static void a_stream_frame_in_an_initial_fails(void **state) {
  struct stage *s = *state;
  tape_say_initial(&s->c, S, 1, FRAMES(w_stream(3, 0, "abc"), w_padding(100)));
  tape_expect_finding(s->t, "frames-legal", "frame type", "STREAM");
}

static void a_stream_that_is_no_moqt_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(7, 0, w_hex("02 00 00"), true)));
  tape_expect_finding(s->t, "frames-legal", "stream", "not the type of a unidirectional");
}

static void fin_inside_an_object_fails(void **state) {
  struct stage *s = *state;
  struct word cut = subgroup();
  cut.len -= 2;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(7, 0, cut, true)));
  tape_expect_finding(s->t, "frames-legal", "stream", "FIN inside an object");
}

/* ---- close-clean -------------------------------------------------------- */

static void closes_without_error_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_close_app(0)));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close(0)));
  tape_expect(s->t, "close-clean", JUDGE_PASS, 1);
}

static void a_transport_error_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close(0x0a)));
  tape_expect_finding(s->t, "close-clean", "error code", "0xa");
}

static void an_application_error_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_close_app(3)));
  tape_expect_finding(s->t, "close-clean", "error code", "0x3");
}

/* RFC 9000 10.2.3: the application's code would tell what nobody has authenticated. */
static void an_application_that_closes_early_passes(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn early = tape_conn_unanswered(t);
  tape_say_initial(&early, C, 1, w_close(0x0c));
  tape_expect(t, "close-clean", JUDGE_PASS, 1);
  tape_conn_free(&early);
  tape_free(t);
}

/* The server is gone before it confirmed the handshake: the close goes in all spaces, and only
 * in 1-RTT with its own code. */
static void close_in_two_spaces(uint64_t code, enum judge_result result) {
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  tape_say_initial(&c, C, 1, w_close(0x0c));
  pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(code)));
  if (result == JUDGE_PASS)
    tape_expect(t, "close-clean", JUDGE_PASS, 1);
  else
    tape_expect_finding(t, "close-clean", "error code", "0x5");
  tape_conn_free(&c);
  tape_free(t);
}

static void a_close_told_again_counts_by_its_own_code(void **state) {
  (void)state;
  close_in_two_spaces(0, JUDGE_PASS);
  close_in_two_spaces(5, JUDGE_FAIL);
}

static void an_early_error_of_the_transport_fails(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn early = tape_conn_unanswered(t);
  tape_say_initial(&early, C, 1, w_close(0x0a));
  tape_expect_finding(t, "close-clean", "error code", "0xa");
  tape_conn_free(&early);
  tape_free(t);
}

/* The client has sent 1-RTT packets, but its Finished may be lost: the server cannot say more as long as
 * it has not confirmed the handshake. */
static void a_server_closes_before_it_confirms(bool confirms, enum judge_result result) {
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  if (confirms)
    pkt_1rtt(&c, S, .frames = FRAMES(w_hex("1e"))); /* HANDSHAKE_DONE */
  tape_say_initial(&c, S, 1, w_close(0x0c));
  if (result == JUDGE_PASS)
    tape_expect(t, "close-clean", JUDGE_PASS, 1);
  else
    tape_expect_finding(t, "close-clean", "error code", "0xc");
  tape_conn_free(&c);
  tape_free(t);
}

static void an_early_close_of_the_server_passes(void **state) {
  (void)state;
  a_server_closes_before_it_confirms(false, JUDGE_PASS);
  a_server_closes_before_it_confirms(true, JUDGE_FAIL);
}

static void an_application_error_fails_later(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_close(0x0c)));
  tape_expect_finding(s->t, "close-clean", "error code", "0xc");
}

static void a_bare_capture_without_close_is_not_judged(void **state) {
  struct stage *s = *state;
  tape_expect(s->t, "close-clean", JUDGE_SKIP, 0);
}

/* ---- checksum-valid ----------------------------------------------------- */

static void right_and_partial_checksums_pass(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .partial_checksum = true);
  tape_expect(s->t, "checksum-valid", JUDGE_PASS, 4);
}

static void a_wrong_checksum_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()), .bad_checksum = true);
  tape_expect(s->t, "checksum-valid", JUDGE_FAIL, 3);
}

static void a_wrong_ip_checksum_fails(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_ping()));
  s->t->frames[s->t->n - 1].data[14 + 8]--; /* TTL */
  tape_expect(s->t, "checksum-valid", JUDGE_FAIL, 3);
}

/* Where the Destination Connection ID of a long header lies in the frame. */
#define FRAME_DCID (14 + 20 + 8 + 6)

/* The copy that reaches the server's capture is of no connection, and of no sender. */
static void an_initial_damaged_on_its_way_passes(void **state) {
  struct stage *s = *state;
  struct tape_conn late = tape_conn_unanswered(s->t);
  tape_also_in(s->t, 1, 1000);
  s->t->frames[s->t->n - 1].data[FRAME_DCID] ^= 0x40;
  tape_expect(s->t, "checksum-valid", JUDGE_PASS, 3);
  tape_conn_free(&late);
}

static void an_initial_that_leaves_damaged_fails(void **state) {
  struct stage *s = *state;
  struct tape_conn late = tape_conn_unanswered(s->t);
  s->t->frames[s->t->n - 1].data[FRAME_DCID] ^= 0x40;
  tape_expect(s->t, "checksum-valid", JUDGE_FAIL, 3);
  tape_conn_free(&late);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(unique_numbers_pass),
      T(a_number_used_twice_fails),
      T(the_same_close_again_passes),
      T(another_close_with_that_number_fails),
      T(a_duplicate_on_the_far_side_of_a_link_passes),
      T(long_enough_numbers_pass),
      T(one_byte_with_129_in_flight_fails),
      T(more_than_2_to_31_in_flight_fails),
      T(an_ack_that_has_not_arrived_does_not_count),
      T(acks_of_what_was_sent_pass),
      T(an_ack_of_a_skipped_number_fails),
      T(an_ack_ahead_of_the_packet_fails),
      T(equal_overlaps_pass),
      T(another_byte_at_one_offset_fails),
      T(two_final_sizes_fail),
      T(data_behind_the_end_fails),
      T(finished_and_reset_streams_pass),
      T(a_stream_without_end_fails),
      T(a_hole_in_front_of_the_end_fails),
      T(a_hole_in_a_control_stream_fails),
      T(a_bare_capture_without_a_close_is_excused),
      T(lawful_frames_pass),
      T(an_unknown_frame_fails),
      T(a_cut_frame_fails),
      T(a_long_frame_type_fails),
      T(handshake_done_of_a_client_fails),
      T(data_on_the_peers_stream_fails),
      T(max_stream_data_for_an_own_stream_fails),
      T(ack_below_zero_fails),
      T(a_datagram_that_is_no_moqt_fails),
      T(reserved_bits_fail),
      T(a_stream_frame_in_an_initial_fails),
      T(a_stream_that_is_no_moqt_fails),
      T(fin_inside_an_object_fails),
      T(closes_without_error_pass),
      T(a_transport_error_fails),
      T(an_application_error_fails),
      T(an_application_that_closes_early_passes),
      T(a_close_told_again_counts_by_its_own_code),
      T(an_early_error_of_the_transport_fails),
      T(an_early_close_of_the_server_passes),
      T(an_application_error_fails_later),
      T(a_bare_capture_without_close_is_not_judged),
      T(right_and_partial_checksums_pass),
      T(a_wrong_checksum_fails),
      T(a_wrong_ip_checksum_fails),
      T(an_initial_damaged_on_its_way_passes),
      T(an_initial_that_leaves_damaged_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
