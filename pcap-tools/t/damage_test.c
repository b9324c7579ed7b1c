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

/* A capture without secrets, and the key log beside it. */
static size_t write_pair(char *keys, size_t room) {
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_ping()));
  assert_true(strlen(t->secrets) + 8 < room);
  stpcpy(stpcpy(keys, "# NSS\n"), t->secrets);
  t->secrets[0] = 0;
  tape_write(t, path_of("closed.pcapng"), 0, 0);
  tape_conn_free(&c);
  tape_free(t);
  return strlen(keys);
}

static int run_with_keys(const char *keys, size_t len) {
  char line[512], name[128];
  snprintf(name, sizeof name, "%s", path_of("keys.log"));
  FILE *f = fopen(name, "wb");
  assert_int_equal(fwrite(keys, 1, len, f), len);
  fclose(f);
  snprintf(line, sizeof line, "quicpcap packets --json --keys %s %s", name,
           path_of("closed.pcapng"));
  return cli_run(line);
}

static void a_key_log_cut_at_every_byte(void **state) {
  (void)state;
  char keys[4096];
  size_t size = write_pair(keys, sizeof keys), told = 0;
  for (size_t len = 0; len <= size; len++) {
    int code = run_with_keys(keys, len);
    bool whole = len == 0 || keys[len - 1] == '\n' || keys[len] == '\n';
    const char *line = len ? memrchr(keys, '\n', len - 1) : NULL;
    bool comment = (line ? line[1] : keys[0]) == '#';
    assert_int_equal(cli_lines(), 4); /* packets, closed ones too */
    if (whole || comment) {
      assert_int_equal(code, 0);
      continue;
    }
    char offset[32];
    snprintf(offset, sizeof offset, "at offset %zu:", (size_t)(line + 1 - keys));
    assert_int_equal(code, 2);
    cli_talks("keys.log: bad key log line");
    cli_talks(offset);
    told++;
  }
  assert_true(told > 200);
}

static void keys_of_somebody_else(void **state) {
  (void)state;
  char keys[4096];
  size_t size = write_pair(keys, sizeof keys);
  assert_int_equal(run_with_keys(keys, size), 0);
  /* the last digits of both secrets */
  keys[size - 2] = keys[size - 2] == '0' ? '1' : '0';
  assert_int_equal(run_with_keys(keys, size), 2);
  assert_int_equal(cli_lines(), 4);
  cli_talks("closed.pcapng frame 4: the SERVER_TRAFFIC_SECRET_0 for client random 0101");
  cli_talks("opens no packet of connection 0");
}

static void keys_by_environment(void **state) {
  (void)state;
  char keys[4096], line[256];
  run_with_keys(keys, write_pair(keys, sizeof keys));
  snprintf(line, sizeof line, "quicpcap packets %s", path_of("closed.pcapng"));
  assert_int_equal(cli_run(line), 0);
  cli_talks("2 of 4 QUIC packets could not be opened");
  setenv("SSLKEYLOGFILE", path_of("keys.log"), 1);
  assert_int_equal(cli_run(line), 0);
  assert_null(strstr(cli_talk, "could not be opened"));
  setenv("SSLKEYLOGFILE", "/nonexistent", 1);
  assert_int_equal(cli_run(line), 0);
  unsetenv("SSLKEYLOGFILE");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_of_every_prefix),     cmocka_unit_test(every_command_says_where),
      cmocka_unit_test(a_key_log_cut_at_every_byte), cmocka_unit_test(keys_of_somebody_else),
      cmocka_unit_test(keys_by_environment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
