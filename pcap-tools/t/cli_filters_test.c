/* Filters of the commands other than packets and qlog: the same names, and what each
 * chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/cli_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static void acks_are_chosen_by_their_packet(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, C, .pn = 10, .frames = FRAMES(w_ack(1, 1)));
  pkt_1rtt(&c, C, .pn = 11, .frames = FRAMES(w_ack(1, 2), w_stream(0, 0, "x")));
  assert_int_equal(cli_run_tape("acks --json --from client --number 10..", t, 1), 0);
  assert_int_equal(cli_lines(), 2);
  assert_int_equal(cli_run_tape("acks --json --from client --stream 0", t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("number"), 11);
  assert_int_equal(cli_json_number("new"), 1); /* the one before counts, though it is not shown */
  assert_int_equal(cli_run_tape("acks --json --frame stream", t, 1), 0);
  assert_int_equal(cli_json_number("number"), 11);
  assert_int_equal(cli_run_tape("acks --json --frame reset_stream", t, 1), 0);
  assert_int_equal(cli_lines(), 0);
  tape_conn_free(&c);
  tape_free(t);
}

static void streams_are_chosen_by_their_frames(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .pn = 10, .frames = FRAMES(w_stream(0, 0, "x")));
  pkt_1rtt(&c, C, .pn = 11, .frames = FRAMES(w_stream(4, 0, "x")));
  pkt_1rtt(&c, S, .pn = 20, .frames = FRAMES(w_stream(0, 0, "y")));
  pkt_1rtt(&c, C, .pn = 12, .frames = FRAMES(w_reset(4, 1, 1)));
  assert_int_equal(cli_run_tape("streams --json", t, 1), 0);
  assert_int_equal(cli_lines(), 3);
  assert_int_equal(cli_run_tape("streams --json --frame RESET_STREAM", t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("stream"), 4);
  assert_int_equal(cli_run_tape("streams --json --number 10..11 --from client", t, 1), 0);
  assert_int_equal(cli_lines(), 2);
  assert_int_equal(cli_run_tape("streams --json --number 20", t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_rows("from", "server"), 1);
  assert_int_equal(cli_run_tape("streams --json --until 0.003", t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("stream"), 0);
  tape_conn_free(&c);
  tape_free(t);
}

static void objects_are_chosen_by_their_last_packet(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_down_stream(&s, 7, 0, "hello");
  scene_down(&s, 1, 0, "data");
  pkt_1rtt(&s.sub, S, .pn = 50,
           .frames = FRAMES(
               w_stream_of(11, 0, JOIN(o_header(DOWN_ALIAS, 2, 0, 1), o_object(0, "abc")), true)));
  assert_int_equal(cli_run_tape("objects --json", s.t, 1), 0);
  assert_int_equal(cli_lines(), 3);

  assert_int_equal(cli_run_tape("objects --json --frame datagram", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("group"), 1);
  assert_int_equal(cli_run_tape("objects --json --number 50..60", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_number("group"), 2);
  assert_int_equal(cli_run_tape("objects --json --number 51", s.t, 1), 0);
  assert_int_equal(cli_lines(), 0);
  scene_free(&s);
}

static void follow_writes_what_chosen_packets_brought(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .pn = 10, .frames = FRAMES(w_stream(2, 0, "abc")));
  pkt_1rtt(&c, C, .pn = 11, .frames = FRAMES(w_stream(2, 6, "ghi")));
  pkt_1rtt(&c, C, .pn = 12, .frames = FRAMES(w_stream_fin(2, 3, "def")));
  assert_int_equal(cli_run_tape("follow --stream 2", t, 1), 0);
  assert_string_equal(cli_out, "abcdefghi");
  assert_int_equal(cli_run_tape("follow --stream 2 --number 12", t, 1), 0);
  assert_string_equal(cli_out, "defghi"); /* 11 waited for it */
  assert_int_equal(cli_run_tape("follow --stream 2 --number 12 --json", t, 1), 0);
  assert_int_equal(cli_json_number("offset"), 3);
  assert_int_equal(cli_run_tape("follow --stream 2 --until 0.003", t, 1), 0);
  assert_string_equal(cli_out, "abc");
  assert_int_equal(cli_run_tape("follow --stream 2 --frame STREAM", t, 1), 2);
  cli_talks("--frame changes nothing here");
  tape_conn_free(&c);
  tape_free(t);
}

static void explain_keeps_what_points_to_chosen_packets(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, C, .pn = 10, .frames = FRAMES(w_stream(0, 0, "x")));
  pkt_1rtt(&c, C, .pn = 11, .frames = FRAMES(w_reset(0, 2, 1)));
  pkt_1rtt(&c, S, .pn = 20, .frames = FRAMES(w_close(3)));
  assert_int_equal(cli_run_tape("explain --json", t, 1), 1);
  assert_true(cli_json_rows("about", "close") >= 1);
  assert_int_equal(cli_json_rows("about", "reset"), 1);
  assert_int_equal(cli_run_tape("explain --json --frame connection_close", t, 1), 1);
  assert_int_equal(cli_json_rows("about", "close"), 1);
  assert_int_equal(cli_json_rows("about", "reset"), 0);
  cli_run_tape("explain --json --stream 0", t, 1);
  assert_int_equal(cli_json_rows("about", "close"), 0);
  assert_int_equal(cli_json_rows("about", "reset"), 1);
  cli_run_tape("explain --json --from client --number 11", t, 1);
  assert_int_equal(cli_lines(), 1);
  assert_int_equal(cli_json_rows("about", "reset"), 1);
  assert_int_equal(cli_run_tape("explain --json --since 1", t, 1), 0);
  assert_int_equal(cli_lines(), 0);
  tape_conn_free(&c);
  tape_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acks_are_chosen_by_their_packet),
      cmocka_unit_test(streams_are_chosen_by_their_frames),
      cmocka_unit_test(objects_are_chosen_by_their_last_packet),
      cmocka_unit_test(follow_writes_what_chosen_packets_brought),
      cmocka_unit_test(explain_keeps_what_points_to_chosen_packets),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_free();
  return failed;
}
