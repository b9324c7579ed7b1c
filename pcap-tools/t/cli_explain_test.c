/* quicpcap explain: each sentence has a capture that calls for it, and a clean
 * capture says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/cli_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static struct tape *t;
static struct tape_conn c;

static int begin(void **state) {
  (void)state;
  t = tape_new();
  c = tape_conn(t);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  return 0;
}

static int end(void **state) {
  (void)state;
  tape_conn_free(&c);
  tape_free(t);
  return 0;
}

/* A sentence about that with these words in it. One connection is asked for: the
 * checks, which have tests of their own, stay out. */
static void expect(int code, const char *about, const char *text) {
  int got = cli_run_tape("explain --conn 0", t, 1);
  cli_says(text);
  if (got != code)
    fail_msg("expected exit code %d, found %d:\n%s", code, got, cli_out);
  assert_int_equal(cli_run_tape("explain --json --conn 0", t, 1), code);
  assert_true(cli_json_rows("about", about) > 0);
}

static void a_clean_capture_is_short(void **state) {
  (void)state;
  pkt_1rtt(&c, S, .frames = FRAMES(w_ack(1, 1)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(0)));
  assert_int_equal(cli_run_tape("explain", t, 1), 0);
  cli_says("\nclean: 1 connection, 5 QUIC packets, 5 of them opened");
  assert_true(cli_lines() <= 7);
  cli_says("what   QUIC version 1, protocol moqt-20");
}

static void a_silent_server(void **state) {
  (void)state;
  for (size_t i = 1; i < t->n; i++)
    t->frames[i].file = 1; /* not written */
  expect(1, "handshake", "The server never answered: 1 packet of the client");
}

static void an_unfinished_handshake(void **state) {
  (void)state;
  t->frames[2].file = 1;
  expect(1, "handshake", "The handshake did not complete");
}

/* A legal subgroup, so that only what a test is about is told. */
static struct word media(void) {
  return JOIN(o_header(1, 0, 0, 1), o_object(0, "abcdef"));
}

static void loss_and_resends(void **state) {
  (void)state;
  struct word all = media(), front = w_bytes(all.b, 4), back = w_bytes(all.b + 4, all.len - 4);
  pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 0, front, false)));
  pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 4, back, true)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(2, 2)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(0)));
  assert_int_equal(cli_run_tape("explain --conn 0", t, 1), 0);
  assert_null(strstr(cli_out, "again"));
  pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 0, front, false)));
  assert_int_equal(cli_run_tape("explain --conn 0", t, 1), 0);
  cli_says(
      "The server sent 4 bytes of stream data again, in 1 frame; first on stream 3 from "
      "offset 0, in packet 3. (cli-0.pcapng:8)");
}

static void data_behind_its_successor(void **state) {
  (void)state;
  struct word all = media(), front = w_bytes(all.b, 4), back = w_bytes(all.b + 4, all.len - 4);
  pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 4, back, true)));
  pkt_1rtt(&c, S, .pn = 5, .frames = FRAMES(w_stream_of(3, 0, front, false)));
  assert_int_equal(cli_run_tape("explain --conn 0", t, 1), 0);
  cli_says("1 STREAM frame of the server came behind data that follows it");
  cli_says("3 packet numbers of the server never appear");
}

static void a_packet_nobody_acknowledges(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++)
    pkt_1rtt(&c, S, .frames = FRAMES(w_ping())); /* 1 to 5 */
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(3, 4)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 1)));
  expect(0, "loss",
         "1 of 5 1-RTT packets of the server were never acknowledged although later ones "
         "were: lost on the way, or their ACK was. The first is packet 2. (cli-0.pcapng:5)");
}

static void a_capture_that_dropped_packets(void **state) {
  (void)state;
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 4, .frames = FRAMES(w_ping()));
  expect(0, "numbers", "Nobody closed"); /* skipped numbers are no news */
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 4)));
  assert_int_equal(cli_run_tape("explain --conn 0", t, 1), 0);
  cli_says("The capture misses at least 2 packets of the server");
}

static void resets(void **state) {
  (void)state;
  struct word all = media();
  pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 0, all, false)));
  pkt_1rtt(&c, S, .frames = FRAMES(w_reset(3, 2, all.len)));
  expect(0, "reset",
         "The server gave up 1 stream (RESET_STREAM) with error code DELIVERY_TIMEOUT "
         "(0x2); first stream 3, in packet 2. (cli-0.pcapng:5)");
  pkt_1rtt(&c, C, .frames = FRAMES(w_stop(3, 0)));
  expect(1, "reset",
         "asked its peer to stop sending on 1 stream (STOP_SENDING), error code "
         "INTERNAL_ERROR (0)");
}

static void flow_control(void **state) {
  (void)state;
  pkt_1rtt(&c, S, .frames = FRAMES(w_frame1(0x14, 1000)));
  expect(1, "flow-control",
         "The server is blocked by flow control (RFC 9000 4.1): the limit of 1000 bytes of the "
         "connection is used up");
  pkt_1rtt(&c, C, .frames = FRAMES(w_frame1(0x10, 1000)));
  assert_int_equal(cli_run_tape("explain --conn 0", t, 1), 1); /* no larger limit */
  pkt_1rtt(&c, C, .frames = FRAMES(w_frame1(0x10, 2000)));
  expect(0, "flow-control", "The client raised it to 2000 after 2000 us");
}

static void errors_at_the_end(void **state) {
  (void)state;
  pkt_1rtt(&c, S, .frames = FRAMES(w_close(0x3)));
  expect(1, "close",
         "The server closed the connection with transport error FLOW_CONTROL_ERROR (0x3)");
}

static void who_caught_whom(void **state) {
  (void)state;
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(7, 7)));
  pkt_1rtt(&c, S, .frames = FRAMES(w_close(0xa)));
  expect(1, "close",
         "The server closed the connection with transport error PROTOCOL_VIOLATION (0xa). The "
         "other side broke a rule that has no code of its own, such as to acknowledge a packet "
         "that was never sent (RFC 9000 13.1). What the client sent last before it is "
         "cli-0.pcapng:4: look there first. (cli-0.pcapng:5)");
}

/* What comes of it is told behind it, whatever came first. */
static void the_cause_is_told_first(void **state) {
  (void)state;
  pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 0, media(), false)));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 2, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_close(0)));
  assert_int_equal(cli_run_tape("explain", t, 1), 1);
  const char *cause = strstr(cli_out, "Start here. Check pn-unique");
  const char *other = strstr(cli_out, "Check stream-complete");
  assert_true(cause && other && cause < other);
}

static void silence(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    t->now_ns += 500000000;
    pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  }
  expect(1, "silence",
         "This is the last packet of the client, and 3 more of the server came in the 1.503 s "
         "after it: the client hangs");
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 3)));
  expect(0, "silence",
         "Behind this packet the client sent nothing for 1.504 s, until cli-0.pcapng:7, while the "
         "server sent 3 packets");
  t->now_ns += 900000000;
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(0)));
  assert_int_equal(cli_run_tape("explain --conn 0", t, 1), 0);
}

static void used_up(void **state) {
  (void)state;
  char bytes[500] = {0};
  struct word all = w_bytes(bytes, sizeof bytes);
  t->alpn = "h3";
  t->client_params = w_hex("04 02 43e8 07 02 41f4 09 01 0a"); /* 1000, 500 a stream, 10 */
  struct tape_conn tight = tape_conn(t);
  pkt_1rtt(&tight, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&tight, S, .frames = FRAMES(w_stream_of(3, 0, all, false)));
  assert_int_equal(cli_run_tape("explain --conn 1", t, 1), 1);
  cli_says("Stream 3 of the server stands still: the client allowed it 500 bytes (MAX_STREAM_DATA");
  pkt_1rtt(&tight, S, .frames = FRAMES(w_stream_of(7, 0, all, false)));
  assert_int_equal(cli_run_tape("explain --conn 1", t, 1), 1);
  cli_says("The server stands still: the client allowed it 1000 bytes on all streams together");
  pkt_1rtt(&tight, C,
           .frames = FRAMES(w_frame1(0x10, 2000), w_frame2(0x11, 3, 900), w_frame2(0x11, 7, 900)));
  assert_int_equal(cli_run_tape("explain --conn 1", t, 1), 0);
  tape_conn_free(&tight);
}

static void http3_ends_with_a_code_of_its_own(void **state) {
  (void)state;
  t->alpn = "h3";
  struct tape_conn web = tape_conn(t);
  pkt_1rtt(&web, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&web, C, .frames = FRAMES(w_close_app(0x100)));
  assert_int_equal(cli_run_tape("explain --conn 1", t, 1), 0);
  assert_null(strstr(cli_out, "WRONG"));
  struct tape_conn bad = tape_conn(t);
  pkt_1rtt(&bad, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&bad, C, .frames = FRAMES(w_close_app(0x105)));
  assert_int_equal(cli_run_tape("explain --conn 2", t, 1), 1);
  cli_says("application error H3_FRAME_UNEXPECTED (0x105)");
  tape_conn_free(&web);
  tape_conn_free(&bad);
}

static void the_secret_to_provide(void **state) {
  (void)state;
  struct tape_conn tls = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&tls, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&tls, C, .frames = FRAMES(w_close_app(0)));
  assert_int_equal(cli_run_tape("explain --conn 1", t, 1), 0);
  cli_says("\nclean: ");
  t->secrets[0] = '#'; /* the client's line is a comment now */
  assert_int_equal(cli_run_tape("explain --conn 1", t, 1), 1);
  cli_says("2 of 4 packets could not be opened: no CLIENT_TRAFFIC_SECRET_0 for client random 0202");
  cli_says("--keys FILE");
  tape_conn_free(&tls);
}

static void what_the_checks_find(void **state) {
  (void)state;
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .pn = 1, .frames = FRAMES(w_ping()));
  assert_int_equal(cli_run_tape("explain", t, 1), 1);
  cli_says("WRONG  Check pn-unique: ");
  cli_says("expected a number never sent before");
  cli_says("Why it is wrong: a number is never used again in its space (RFC 9000 12.3)");
  cli_says("Next: Who else sends on this connection");
}

static void damage_is_told(void **state) {
  (void)state;
  pkt_1rtt(&c, C, .bad_checksum = true, .frames = FRAMES(w_ping()));
  expect(1, "checksum", "1 datagram with a wrong checksum");
}

static void no_quic_at_all(void **state) {
  (void)state;
  for (size_t i = 0; i < t->n; i++)
    t->frames[i].file = 1; /* not written */
  expect(1, "file", "No QUIC connection");
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(a_clean_capture_is_short),
      CASE(a_silent_server),
      CASE(an_unfinished_handshake),
      CASE(loss_and_resends),
      CASE(data_behind_its_successor),
      CASE(a_packet_nobody_acknowledges),
      CASE(a_capture_that_dropped_packets),
      CASE(resets),
      CASE(flow_control),
      CASE(errors_at_the_end),
      CASE(who_caught_whom),
      CASE(the_cause_is_told_first),
      CASE(silence),
      CASE(used_up),
      CASE(http3_ends_with_a_code_of_its_own),
      CASE(the_secret_to_provide),
      CASE(what_the_checks_find),
      CASE(damage_is_told),
      CASE(no_quic_at_all),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_free();
  return failed;
}
