/* summary, acks, objects, follow and diff on packets made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/cli_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static struct scene good_scene(void) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  scene_up(&s, 1, 0, "data");
  scene_down(&s, 1, 0, "data");
  scene_close(&s);
  return s;
}

static void summary_counts(void **state) {
  (void)state;
  struct scene s = good_scene();
  pkt_1rtt(&s.sub, S, .pn = 9, .frames = FRAMES(w_ping())); /* 4 to 8 are not there */
  assert_int_equal(cli_run_tape("summary", s.t, 1), 0);
  cli_says("connection 0  10.0.0.2:20000 > 10.0.0.1:4433  QUIC version 1");
  cli_says("protocol moqt-20, TLS_AES_128_GCM_SHA256, 1-RTT protection: none");
  cli_says("client SUBSCRIBE chat (accepted)");
  cli_says("by the client, application error code NO_ERROR (0)");
  assert_int_equal(cli_run_tape("summary --json --conn 1", s.t, 1), 0);
  assert_int_equal(cli_lines(), 2); /* the connection and the file */
  assert_int_equal(cli_json_rows("alpn", "moqt-20"), 1);
  assert_int_equal(cli_json_number("server_packets"), 5);
  assert_int_equal(cli_json_number("server_gaps"), 5);
  assert_int_equal(cli_json_number("client_gaps"), 0);
  assert_int_equal(cli_json_number("server_objects"), 2);
  assert_int_equal(cli_json_number("server_datagrams"), 1);
  assert_int_equal(cli_json_number("frames"), (long long)s.t->n);
  scene_free(&s);
}

/* An ACK of 300 ranges, each of one number and next but one to the last, and 300 PINGs
 * behind it: a program gets them all, a table says where it breaks off. */
static void many_frames_are_all_told(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  struct word all = JOIN(w_varint(2), w_varint(1000), w_varint(0), w_varint(299), w_varint(0));
  for (int i = 0; i < 299; i++)
    all = JOIN(all, w_varint(0), w_varint(0));
  for (int i = 0; i < 300; i++)
    all = JOIN(all, w_ping());
  pkt_1rtt(&c, C, .frames = all);
  assert_int_equal(cli_run_tape("packets --json --frame ACK --from client", t, 1), 0);
  cli_says("ACK 1000 998 996 ");
  cli_says(" 404 402, PING, PING");
  size_t pings = 0;
  for (const char *at = cli_out; (at = strstr(at, "PING")); at++)
    pings++;
  assert_int_equal(pings, 300);
  assert_int_equal(cli_run_tape("packets --frame ACK --from client", t, 1), 0);
  cli_says("...\n");
  tape_conn_free(&c);
  tape_free(t);
}

/* The name of the ClientHello that summary shows; a second kind of name is none. */
static void server_names_are_read(void **state) {
  (void)state;
  struct qp_hello hello = {.client_hello = false};
  struct word random = {.len = 32};
  struct word host = w_hex("0000 0009 0007 00 0004 61 2e 01 64"); /* a.<1>d */
  struct word hello_body =
      JOIN(w_hex("01 00003a 0303"), random, w_hex("00 0002 1301 0100 000d"), host);
  hello_body.b[3] = (uint8_t)(hello_body.len - 4);
  assert_int_equal(qp_hello_message(&hello, hello_body.b, hello_body.len), hello_body.len);
  assert_true(hello.client_hello);
  assert_string_equal(hello.sni, "a.?d");
  struct qp_hello other = {.client_hello = false};
  hello_body.b[hello_body.len - 7] = 1; /* not a host name */
  assert_int_equal(qp_hello_message(&other, hello_body.b, hello_body.len), hello_body.len);
  assert_string_equal(other.sni, "");
}

static void summary_names_the_missing_secret(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, C, .frames = FRAMES(w_stream_fin(2, 0, "abc")));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  assert_int_equal(cli_run_tape("summary", t, 1), 0);
  cli_says("1-RTT protection: opened");
  assert_null(strstr(cli_out, "not opened"));
  char *line = strstr(t->secrets, "SERVER_TRAFFIC_SECRET_0");
  *line = 0; /* the client's stays */
  assert_int_equal(cli_run_tape("summary", t, 1), 0);
  cli_says("1 1-RTT packets of the server: no SERVER_TRAFFIC_SECRET_0 for client random 0101");
  assert_null(strstr(cli_out, "no CLIENT_TRAFFIC_SECRET_0"));
  tape_conn_free(&c);
  tape_free(t);
}

static void acks_tell_what_is_new(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  for (int i = 0; i < 6; i++)
    pkt_1rtt(&c, S, .frames = FRAMES(w_ping())); /* 1 to 6 */
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 2)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 6)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 6)));
  assert_int_equal(cli_run_tape("acks --from client", t, 1), 0);
  cli_says("[1-2]\n");
  cli_says("[3-6] 1-2\n");
  cli_says("1-6\n");
  assert_int_equal(cli_lines(), 1 + 3);
  assert_int_equal(cli_run_tape("acks --json --from client --number 2", t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("new"), 4);
  assert_int_equal(cli_json_number("largest"), 6);
  assert_int_equal(cli_json_number("rtt_us"), 2000); /* two packets of 1 ms */
  assert_int_equal(cli_run_tape("acks --json --from client --number 3", t, 1), 0);
  cli_says("\"rtt_us\":null"); /* nothing new */
  tape_conn_free(&c);
  tape_free(t);
}

/* Only ACKs are no reason for a sample, RFC 9002 5.1. */
static void acks_of_acks_have_no_sample(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ack(1, 1)));
  pkt_1rtt(&c, C, .frames = FRAMES(w_ack(1, 1)));
  assert_int_equal(cli_run_tape("acks --json --since 0.003", t, 1), 0);
  assert_int_equal(cli_json_rows("ranges", "[1]"), 2);
  assert_int_equal(cli_json_number("rtt_us"), 1000); /* the server's ACK of the PING */
  assert_int_equal(cli_run_tape("acks --json --from client", t, 1), 0);
  cli_says("\"rtt_us\":null");
  tape_conn_free(&c);
  tape_free(t);
}

static void objects_whole_cut_and_reset(void **state) {
  (void)state;
  struct scene s = good_scene();
  struct word w = JOIN(o_header(DOWN_ALIAS, 2, 0, 1), o_object(0, "0123456789"));
  w.len -= 4;
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(11, 0, w, false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(15, 0, w, false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_reset(15, 2, w.len)));
  assert_int_equal(cli_run_tape("objects --json --from server", s.t, 1), 0);
  assert_int_equal(cli_lines(), 4);
  assert_int_equal(cli_json_rows("track", "chat"), 4);
  assert_int_equal(cli_json_rows("as", "datagram"), 1);
  assert_int_equal(cli_json_rows("end", "whole"), 2);
  assert_int_equal(cli_json_rows("end", "cut"), 1);
  assert_int_equal(cli_json_rows("end", "reset"), 1);
  assert_int_equal(cli_run_tape("objects --json --stream 11", s.t, 1), 0);
  assert_int_equal(cli_json_number("size"), 10);
  assert_int_equal(cli_json_number("got"), 6);
  assert_int_equal(cli_json_number("group"), 2);
  scene_free(&s);
}

/* An object over two packets: the row comes with the last byte. */
static void objects_have_two_times(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  struct word w = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "0123456789"));
  struct word front = w, back = w_bytes(w.b + w.len - 3, 3);
  front.len -= 3;
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, front, false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, front.len, back, true)));
  assert_int_equal(cli_run_tape("objects --json", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("last_frame"), cli_json_number("first_frame") + 1);
  assert_int_equal(cli_json_number("last_ns"), cli_json_number("first_ns") + 1000000);
  scene_free(&s);
}

static void follow_puts_bytes_in_order(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .frames = FRAMES(w_stream(2, 0, "one ")));
  pkt_1rtt(&c, C, .frames = FRAMES(w_stream_fin(2, 8, "three")));
  assert_int_equal(cli_run_tape("follow --stream 2", t, 1), 1);
  assert_string_equal(cli_out, "one ");
  cli_talks("bytes from offset 4 on are missing; the stream reaches to 13");
  pkt_1rtt(&c, C, .frames = FRAMES(w_stream(2, 2, "e two ")));
  assert_int_equal(cli_run_tape("follow --stream 2 --conn 0", t, 1), 0);
  assert_string_equal(cli_out, "one two three");
  assert_int_equal(cli_run_tape("follow --stream 2 --hex", t, 1), 0);
  cli_says("00000000  6f 6e 65 20");
  assert_int_equal(cli_run_tape("follow --stream 2 --json", t, 1), 0);
  assert_int_equal(cli_json_rows("hex", "6f6e6520"), 1);
  assert_int_equal(cli_run_tape("follow --stream 6", t, 1), 2);
  cli_talks("no bytes of the client on stream 6");
  assert_int_equal(cli_run_tape("follow", t, 1), 2);
  cli_talks("expected --stream N");
  tape_conn_free(&c);
  tape_free(t);
}

/* Both captures at the relay: file 0 the publisher's link, file 1 the subscriber's. */
static struct scene copied_scene(void) {
  struct scene s = {.t = tape_new()};
  s.pub = tape_conn(s.t);
  s.sub = tape_conn(s.t);
  s.sub.file[C] = s.sub.file[S] = 1;
  for (size_t i = 2; i < 4; i++) /* the subscriber's handshake */
    s.t->frames[i].file = 1;
  pkt_1rtt(&s.pub, S,
           .frames = FRAMES(w_stream_of(1, 0, m_subscribe(1, "chat", p_next_group()), false)));
  pkt_1rtt(&s.pub, C,
           .frames = FRAMES(w_stream_of(1, 0, m_subscribe_ok(UP_ALIAS, p_none()), false)));
  pkt_1rtt(&s.sub, C,
           .frames = FRAMES(w_stream_of(0, 0, m_subscribe(0, "chat", p_next_group()), false)));
  pkt_1rtt(&s.sub, S,
           .frames = FRAMES(w_stream_of(0, 0, m_subscribe_ok(DOWN_ALIAS, p_none()), false)));
  return s;
}

static void diff_pairs_copies(void **state) {
  (void)state;
  struct scene s = copied_scene();
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  assert_int_equal(cli_run_tape("diff --json", s.t, 2), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_rows("changed", "stream 6>7"), 1);
  assert_int_equal(cli_json_rows("changed", "alias 1>7"), 1);
  assert_int_equal(cli_json_rows("changed", "DCID c3"), 1);
  assert_int_equal(cli_json_number("left_out"), 0);
  assert_int_equal(cli_json_number("delay_us"), 1000);
  cli_talks("1 pairs; without a partner: 0 packets");
  scene_free(&s);
}

static void diff_shows_padded_and_alone(void **state) {
  (void)state;
  struct scene s = copied_scene();
  struct word up = o_datagram(UP_ALIAS, 0, 0, 1, "kept"),
              gone = o_datagram(UP_ALIAS, 0, 1, 1, "gone");
  pkt_1rtt(&s.pub, C,
           .frames = FRAMES(JOIN(w_hex("31"), w_varint(gone.len), gone), w_datagram(up)));
  pkt_1rtt(&s.sub, S,
           .frames = FRAMES(w_padding(gone.len + 2),
                            w_datagram(o_datagram(DOWN_ALIAS, 0, 0, 1, "kept"))));
  scene_up(&s, 5, 0, "dropped");
  scene_down(&s, 6, 0, "from the cache");
  assert_int_equal(cli_run_tape("diff", s.t, 2), 0);
  cli_says("1 of 2 frames left out (padded)");
  cli_talks("1 pairs; without a partner: 1 packets");
  assert_int_equal(cli_lines(), 1 + 3);
  scene_free(&s);
}

static void diff_needs_something_in_common(void **state) {
  (void)state;
  struct scene s = copied_scene();
  scene_up(&s, 5, 0, "one");
  scene_down(&s, 5, 0, "two");
  assert_int_equal(cli_run_tape("diff", s.t, 2), 1);
  cli_talks("nothing in common");
  assert_int_equal(cli_run_tape("diff", s.t, 1), 2);
  cli_talks("expected two different captures");
  scene_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(summary_counts),
      cmocka_unit_test(many_frames_are_all_told),
      cmocka_unit_test(server_names_are_read),
      cmocka_unit_test(summary_names_the_missing_secret),
      cmocka_unit_test(acks_tell_what_is_new),
      cmocka_unit_test(acks_of_acks_have_no_sample),
      cmocka_unit_test(objects_whole_cut_and_reset),
      cmocka_unit_test(objects_have_two_times),
      cmocka_unit_test(follow_puts_bytes_in_order),
      cmocka_unit_test(diff_pairs_copies),
      cmocka_unit_test(diff_shows_padded_and_alone),
      cmocka_unit_test(diff_needs_something_in_common),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_free();
  return failed;
}
