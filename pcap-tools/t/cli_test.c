/* quicpcap's command line: exit codes, tables, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/t/scene.h"

static char *out_text, *talk_text;

/* Words separated by blanks; the texts stay until the next call. */
static int cli(const char *line) {
  static char words[512];
  char *argv[16];
  int argc = 0;
  size_t n;
  free(out_text);
  free(talk_text);
  FILE *out = open_memstream(&out_text, &n), *talk = open_memstream(&talk_text, &n);
  snprintf(words, sizeof words, "%s", line);
  for (char *w = strtok(words, " "); w && argc < 15; w = strtok(NULL, " "))
    argv[argc++] = w;
  argv[argc] = NULL;
  int code = qp_cli(argc, argv, out, talk);
  fclose(out);
  fclose(talk);
  return code;
}

static const char *file_command(const char *command, const struct tape *t) {
  static char line[256];
  char path[128];
  snprintf(path, sizeof path, "%s/cli.pcapng", tape_dir());
  tape_write(t, path, 0, 0);
  snprintf(line, sizeof line, "quicpcap %s %s", command, path);
  return line;
}

static struct scene good_scene(void) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  scene_close(&s);
  return s;
}

static void command_lines(void **state) {
  (void)state;
  assert_int_equal(cli("quicpcap --help"), 0);
  assert_non_null(strstr(out_text, "examples:"));
  assert_int_equal(cli("quicpcap"), 2);
  assert_int_equal(cli("quicpcap frobnicate x"), 2);
  assert_non_null(strstr(talk_text, "unknown command \"frobnicate\""));
  assert_int_equal(cli("quicpcap explain x"), 2);
  assert_non_null(strstr(talk_text, "not built yet"));
  assert_int_equal(cli("quicpcap packets"), 2);
  assert_int_equal(cli("quicpcap packets --fast x"), 2);
  assert_int_equal(cli("quicpcap packets x --keys"), 2);
  assert_int_equal(cli("quicpcap packets /nonexistent.pcap"), 2);
  assert_non_null(strstr(talk_text, "/nonexistent.pcap"));
  assert_int_equal(cli("quicpcap verify --keys /nonexistent.log /nonexistent.pcap"), 2);
}

static void packets_has_one_row_a_packet(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli(file_command("packets", s.t)), 0);
  size_t rows = 0;
  for (const char *p = out_text; *p; p++)
    rows += *p == '\n';
  assert_int_equal(rows, 1 + s.t->n);
  assert_non_null(strstr(out_text, "STREAM 6 @0+12 FIN"));
  assert_non_null(strstr(out_text, "CONNECTION_CLOSE application 0"));
  scene_free(&s);
}

/* Every line is an object, and a row holds what the table shows. */
static size_t json_rows(const char *key, const char *text) {
  size_t rows = 0;
  char *copy = strdup(out_text);
  for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
    json_error_t err;
    json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, &err);
    assert_non_null(o);
    const char *value = json_string_value(json_object_get(o, key));
    rows += value && strstr(value, text) != NULL;
    json_decref(o);
  }
  free(copy);
  return rows;
}

static void json_lines_parse(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli(file_command("packets --json", s.t)), 0);
  assert_int_equal(json_rows("type", "1-RTT"), s.t->n - 4);
  assert_int_equal(cli(file_command("streams --json", s.t)), 0);
  assert_int_equal(json_rows("kind", "subgroup"), 2);
  assert_int_equal(json_rows("about", "chat group 0 subgroup 0"), 2);
  assert_int_equal(json_rows("about", "SUBSCRIBE chat, accepted"), 4);
  assert_int_equal(cli(file_command("verify --json", s.t)), 0);
  assert_int_equal(json_rows("verdict", "pass"), 1);
  scene_free(&s);
}

static void verify_tells_by_exit_code(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(cli(file_command("verify", s.t)), 0);
  assert_non_null(strstr(out_text, "\npass: "));
  pkt_1rtt(&s.sub, TAPE_SERVER, .pn = 2, .frames = FRAMES(w_ping()));
  assert_int_equal(cli(file_command("verify", s.t)), 1);
  assert_non_null(strstr(out_text, "\nfail: "));
  assert_non_null(strstr(out_text, "packet number: expected a number never sent before"));
  assert_int_equal(cli(file_command("verify --json", s.t)), 1);
  assert_int_equal(json_rows("finding", "pn-unique"), 1);
  scene_free(&s);
}

static void a_cut_capture_is_inconclusive(void **state) {
  (void)state;
  struct scene s = good_scene();
  const char *line = file_command("verify", s.t);
  const char *path = strrchr(line, ' ') + 1;
  FILE *f = fopen(path, "r+b");
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  assert_int_equal(ftruncate(fileno(f), size - 10), 0);
  fclose(f);
  assert_int_equal(cli(line), 4);
  char packets[256];
  snprintf(packets, sizeof packets, "quicpcap packets %s", path);
  assert_int_equal(cli(packets), 2);
  assert_non_null(strstr(talk_text, "offset"));
  assert_non_null(strstr(out_text, "STREAM 6 @0+12 FIN")); /* all in front of the cut */
  scene_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(command_lines),
      cmocka_unit_test(packets_has_one_row_a_packet),
      cmocka_unit_test(json_lines_parse),
      cmocka_unit_test(verify_tells_by_exit_code),
      cmocka_unit_test(a_cut_capture_is_inconclusive),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(out_text);
  free(talk_text);
  return failed;
}
