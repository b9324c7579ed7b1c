/* timeout: 300
 * Captures cut at every byte, on the command line: whatever is whole is told, then
 * where the file breaks off, with exit code 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "pcap-tools/t/cli_run.h"

static const char *path_of(const char *name) {
  static char path[2][128];
  static unsigned turn;
  char *p = path[turn++ % 2];
  snprintf(p, sizeof path[0], "%s/%s", tape_dir(), name);
  return p;
}

/* A capture on disk and where its blocks begin. */
struct whole {
  uint8_t bytes[8192];
  size_t len, packets[16];
  unsigned n_packets;
};

static struct whole make_whole(void) {
  struct whole w = {0};
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_stream_fin(3, 0, "abc")));
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ack(1, 1)));
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_close(0)));
  tape_write(t, path_of("whole.pcapng"), 0, 0);
  FILE *f = fopen(path_of("whole.pcapng"), "rb");
  w.len = fread(w.bytes, 1, sizeof w.bytes, f);
  fclose(f);
  for (size_t at = 0; at < w.len;) {
    uint32_t type, len;
    memcpy(&type, w.bytes + at, 4);
    memcpy(&len, w.bytes + at + 4, 4);
    at += len;
    if (type == 6)
      w.packets[w.n_packets++] = at; /* its end */
  }
  tape_conn_free(&c);
  tape_free(t);
  return w;
}

static int run_cut(const struct whole *w, size_t len, const char *command) {
  char line[256];
  const char *path = path_of("cut.pcapng");
  FILE *f = fopen(path, "wb");
  assert_int_equal(fwrite(w->bytes, 1, len, f), len);
  fclose(f);
  snprintf(line, sizeof line, "quicpcap %s %s", command, path);
  return cli_run(line);
}

/* What `packets` shows of the first n packets of the whole file. */
static void keep_rows(const struct whole *w, char *rows[16]) {
  assert_int_equal(run_cut(w, w->len, "packets --json"), 0);
  assert_int_equal(cli_lines(), w->n_packets);
  char *line = cli_out;
  for (unsigned i = 0; i < w->n_packets; i++) {
    char *end = strchr(line, '\n');
    rows[i] = strndup(line, (size_t)(end - line));
    line = end + 1;
  }
}

static void packets_of_every_prefix(void **state) {
  (void)state;
  struct whole w = make_whole();
  char *rows[16];
  unsigned told = 0;
  keep_rows(&w, rows);
  for (size_t len = 1; len < w.len; len++) {
    int code = run_cut(&w, len, "packets --json");
    unsigned n = 0;
    bool between = false;
    for (; n < w.n_packets && w.packets[n] <= len; n++)
      between |= w.packets[n] == len;
    assert_int_equal(cli_lines(), n);
    for (unsigned i = 0; i < n; i++)
      assert_non_null(strstr(cli_out, rows[i]));
    if (n && !between) {
      assert_int_equal(code, 2);
      cli_talks("cut.pcapng: damaged after frame");
      cli_talks("offset");
      told++;
    }
  }
  assert_true(told > 100);
  for (unsigned i = 0; i < w.n_packets; i++)
    free(rows[i]);
}

static void every_command_says_where(void **state) {
  (void)state;
  static const char *const commands[] = {"summary", "acks",    "streams", "objects",
                                         "verify",  "explain", "packets"};
  struct whole w = make_whole();
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    for (size_t len = w.packets[1] + 1; len < w.len; len += 31) {
      int code = run_cut(&w, len, commands[i]);
      assert_int_equal(code, 2);
      assert_true(strlen(cli_out) > 0);
      if (!strstr(cli_talk, "offset") && !strstr(cli_out, "offset"))
        fail_msg("%s cut at %zu says no offset: %s", commands[i], len, cli_talk);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_of_every_prefix),
      cmocka_unit_test(every_command_says_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
