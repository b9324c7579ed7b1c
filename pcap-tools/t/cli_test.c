/* quicpcap's command line: exit codes, tables, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pcap-tools/t/cli_run.h"

static struct scene good_scene(void) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  scene_close(&s);
  return s;
}

static void command_lines(void **state) {
  (void)state;
  assert_int_equal(cli_run("quicpcap --help"), 0);
  cli_says("examples:");
  assert_int_equal(cli_run("quicpcap"), 2);
  assert_int_equal(cli_run("quicpcap frobnicate x"), 2);
  cli_talks("unknown command \"frobnicate\"");
  assert_int_equal(cli_run("quicpcap packets"), 2);
  assert_int_equal(cli_run("quicpcap packets --fast x"), 2);
  assert_int_equal(cli_run("quicpcap packets x --keys"), 2);
  assert_int_equal(cli_run("quicpcap packets /nonexistent.pcap"), 2);
  cli_talks("/nonexistent.pcap");
  assert_int_equal(cli_run("quicpcap verify --keys /nonexistent.log /nonexistent.pcap"), 2);
}

static void packets_has_one_row_a_packet(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli_run_tape("packets", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + s.t->n);
  cli_says("STREAM 6 @0+12 FIN");
  cli_says("CONNECTION_CLOSE application 0");
  scene_free(&s);
}

static void json_lines_parse(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli_run_tape("packets --json", s.t, 1), 0);
  assert_int_equal(cli_json_rows("type", "1-RTT"), s.t->n - 4);
  assert_int_equal(cli_run_tape("streams --json", s.t, 1), 0);
  assert_int_equal(cli_json_rows("kind", "subgroup"), 2);
  assert_int_equal(cli_json_rows("about", "chat group 0 subgroup 0"), 2);
  assert_int_equal(cli_json_rows("about", "SUBSCRIBE chat, accepted"), 4);
  assert_int_equal(cli_run_tape("verify --json", s.t, 1), 0);
  assert_int_equal(cli_json_rows("verdict", "pass"), 1);
  scene_free(&s);
}

/* Filters of `packets`, one by one; each also refuses something. */
static void packets_are_chosen(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli_run_tape("packets --conn 1 --from server", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + 3); /* Initial, SUBSCRIBE_OK, the object */
  assert_int_equal(cli_run_tape("packets --stream 7", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + 1);
  cli_says("STREAM 7 @0+12 FIN");
  assert_int_equal(cli_run_tape("packets --frame connection_close", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + 2);
  assert_int_equal(cli_run_tape("packets --number 2..3 --conn 0 --from client", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + 2);
  assert_int_equal(cli_run_tape("packets --since 1", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + 2); /* the closes */
  assert_int_equal(cli_run_tape("packets --until 0.004", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1 + 4);
  assert_int_equal(cli_run_tape("packets --conn 7", s.t, 1), 0);
  assert_int_equal(cli_lines(), 1);
  scene_free(&s);
}

static void bad_filters_are_refused(void **state) {
  (void)state;
  assert_int_equal(cli_run("quicpcap packets --from relay x"), 2);
  cli_talks("expected client or server, found \"relay\"");
  assert_int_equal(cli_run("quicpcap packets --number 9..3 x"), 2);
  assert_int_equal(cli_run("quicpcap packets --frame STREAMS x"), 2);
  assert_int_equal(cli_run("quicpcap packets --since -1 x"), 2);
  assert_int_equal(cli_run("quicpcap packets --until"), 2);
  assert_int_equal(cli_run("quicpcap summary --number 3 x"), 2);
  cli_talks("quicpcap summary: --number changes nothing here");
  assert_int_equal(cli_run("quicpcap packets --hex x"), 2);
  assert_int_equal(cli_run("quicpcap packets --conn 1 --conn=2 x"), 2);
  cli_talks("--conn: expected once, found twice");
  assert_int_equal(cli_run("quicpcap packets --json=yes x"), 2);
  cli_talks("--json: expected no value");
  assert_int_equal(cli_run("quicpcap packets --conn= x"), 2);
  cli_talks("--conn: expected a connection's number, as in `summary`, found \"\"");
  assert_int_equal(cli_run("quicpcap packets --since 2 --until=1.5 x"), 2);
  cli_talks("--until: expected a time behind --since");
  assert_int_equal(cli_run("quicpcap qlog --qlog=json x"), 2);
  cli_talks("--qlog: expected draft, hybrid or qvis, found \"json\"");
  assert_int_equal(cli_run("quicpcap mutate --places 0 x"), 2);
  assert_int_equal(cli_run("quicpcap packets -- --json"), 2);
  cli_talks("--json"); /* a file of that name */
}

static void each_command_has_help(void **state) {
  (void)state;
  static const char *const names[] = {"summary", "explain", "packets", "acks",
                                      "streams", "objects", "follow",  "diff",
                                      "verify",  "mutate",  "qlog"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char line[64], usage[64];
    snprintf(line, sizeof line, "quicpcap %s --help", names[i]);
    snprintf(usage, sizeof usage, "usage: quicpcap %s", names[i]);
    assert_int_equal(cli_run(line), 0);
    cli_says(usage);
    cli_says("example: quicpcap");
  }
}

static void verify_tells_by_exit_code(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli_run_tape("verify", s.t, 1), 0);
  cli_says("\npass: ");
  pkt_1rtt(&s.sub, TAPE_SERVER, .pn = 2, .frames = FRAMES(w_ping()));
  assert_int_equal(cli_run_tape("verify", s.t, 1), 1);
  cli_says("\nfail: ");
  cli_says("packet number: expected a number never sent before");
  assert_int_equal(cli_run_tape("verify --json", s.t, 1), 1);
  assert_int_equal(cli_json_rows("finding", "pn-unique"), 1);
  scene_free(&s);
}

static void a_cut_capture_is_inconclusive(void **state) {
  (void)state;
  struct scene s = good_scene();
  char path[128], line[256];
  snprintf(path, sizeof path, "%s/cut.pcapng", tape_dir());
  snprintf(line, sizeof line, "quicpcap verify %s", path);
  tape_write(s.t, path, 0, 0);
  FILE *f = fopen(path, "r+b");
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  assert_int_equal(ftruncate(fileno(f), size - 10), 0);
  fclose(f);
  assert_int_equal(cli_run(line), 2);
  cli_says("inconclusive: ");
  cli_talks("offset");
  char packets[256];
  snprintf(packets, sizeof packets, "quicpcap packets %s", path);
  assert_int_equal(cli_run(packets), 2);
  cli_talks("offset");
  cli_says("STREAM 6 @0+12 FIN"); /* all in front of the cut */
  scene_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(command_lines),
      cmocka_unit_test(packets_has_one_row_a_packet),
      cmocka_unit_test(json_lines_parse),
      cmocka_unit_test(packets_are_chosen),
      cmocka_unit_test(bad_filters_are_refused),
      cmocka_unit_test(each_command_has_help),
      cmocka_unit_test(verify_tells_by_exit_code),
      cmocka_unit_test(a_cut_capture_is_inconclusive),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_free();
  return failed;
}
