/* Reading: captures cut at every byte, merging, checksums, JSON lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/merge.h"
#include "pcap-tools/read/udp.h"
#include "pcap-tools/t/tape.h"

static const char *path_of(const char *name) {
  static char path[4][128];
  static unsigned turn;
  char *p = path[turn++ % 4];
  snprintf(p, sizeof path[0], "%s/%s", tape_dir(), name);
  return p;
}

static void write_file(const char *path, const void *data, size_t len) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  fclose(f);
}

static struct tape *small_tape(void) {
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_stream_fin(3, 0, "abc")));
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ack(1, 1)));
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_close(0)));
  tape_conn_free(&c);
  return t;
}

static void count_secrets(void *arg, const char *text, size_t len) {
  (void)text;
  *(size_t *)arg += len;
}

/* Every prefix of a file: what is in front of the cut is read, no crash, and
 * damage is told with its offset. */
static void a_capture_cut_at_every_byte(void **state) {
  (void)state;
  struct tape *t = small_tape();
  const char *whole = path_of("whole.pcapng"), *cut = path_of("cut.pcapng");
  tape_write(t, whole, 0, 0);
  struct stat st;
  assert_int_equal(stat(whole, &st), 0);
  size_t size = (size_t)st.st_size, damaged = 0;
  uint8_t *bytes = malloc(size);
  FILE *f = fopen(whole, "rb");
  assert_int_equal(fread(bytes, 1, size, f), size);
  fclose(f);
  uint64_t before = 0;
  for (size_t len = 0; len <= size; len++) {
    struct judge_report *r = NULL;
    char err[512] = "";
    size_t secrets = 0;
    write_file(cut, bytes, len);
    qp_blocks_secrets(cut, count_secrets, &secrets, err, sizeof err);
    if (judge_captures(&cut, 1, NULL, &r, err, sizeof err)) {
      assert_true(strlen(err) > 0); /* not even a header */
      continue;
    }
    assert_true(r->packets >= before);
    before = r->packets;
    const struct judge_check *honest = tape_check(r, "load-honest");
    if (honest->result == JUDGE_FAIL) {
      assert_non_null(strstr(honest->findings[0].actual, "offset"));
      damaged++;
    }
    judge_report_free(r);
  }
  assert_int_equal(before, 5);
  assert_true(damaged > size / 2);
  free(bytes);
  tape_free(t);
}

/* Every single byte of a file changed: no crash, whatever it says. */
static void a_capture_with_one_wrong_byte(void **state) {
  (void)state;
  struct tape *t = small_tape();
  const char *whole = path_of("whole.pcapng"), *bad = path_of("bad.pcapng");
  tape_write(t, whole, 0, 0);
  static uint8_t bytes[65536];
  FILE *f = fopen(whole, "rb");
  size_t size = fread(bytes, 1, sizeof bytes, f), judged = 0;
  fclose(f);
  for (size_t at = 0; at < size; at++) {
    struct judge_report *r = NULL;
    char err[512];
    bytes[at] ^= 0xff;
    write_file(bad, bytes, size);
    if (!judge_captures(&bad, 1, NULL, &r, err, sizeof err))
      judged++;
    judge_report_free(r);
    bytes[at] ^= 0xff;
  }
  assert_true(judged > size / 2);
  tape_free(t);
}

static void captures_merge_by_time(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  c.file[TAPE_CLIENT] = 1;
  for (int i = 0; i < 10; i++)
    pkt_1rtt(&c, i % 3 ? TAPE_SERVER : TAPE_CLIENT, .frames = FRAMES(w_ping()));
  const char *paths[2] = {path_of("a.pcapng"), path_of("b.pcapng")};
  tape_write(t, paths[0], 0, 0);
  tape_write(t, paths[1], 1, 0);
  struct qp_merge *m = qp_merge_open(paths, 2, NULL, NULL);
  const struct qp_frame *frame;
  uint64_t last = 0, n = 0;
  while ((frame = qp_merge_next(m))) {
    assert_true(frame->time_ns > last);
    last = frame->time_ns;
    n++;
  }
  assert_int_equal(n, 12);
  assert_int_equal(qp_merge_frames(m, 1), 4);
  assert_null(qp_merge_damage(m, 0));
  assert_true(last % 1000000000u == 12000000); /* nanoseconds survive */
  qp_merge_close(m);
  tape_free(t);
}

/* A capture of `n` one-byte frames; their times, in ns of one second, do not all differ. */
static void write_times(const char *path, const uint32_t *times, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  const uint32_t head[] = {0xa1b23c4d, 4u << 16 | 2, 0, 0, 65535, DLT_RAW};
  assert_int_equal(fwrite(head, sizeof head, 1, f), 1);
  for (size_t i = 0; i < n; i++) {
    const uint32_t record[] = {1, times[i], 1, 1};
    assert_int_equal(fwrite(record, sizeof record, 1, f), 1);
    assert_int_equal(fputc(0, f), 0);
  }
  fclose(f);
}

/* Of many files, some empty: always the earliest first frame, of equal ones that of the first file. */
static void many_captures_merge_by_time_and_place(void **state) {
  (void)state;
  enum { FILES = 9, FRAMES_EACH = 40 };
  uint32_t times[FILES][FRAMES_EACH], seed = 7;
  size_t had[FILES] = {0}, n[FILES];
  char names[FILES][160];
  const char *paths[FILES];
  for (size_t i = 0; i < FILES; i++) {
    n[i] = i % 4 == 3 ? 0 : FRAMES_EACH - 3 * i;
    for (size_t k = 0; k < n[i]; k++) { /* one in eight steps goes back */
      seed = seed * 1664525u + 1013904223u;
      times[i][k] = (k ? times[i][k - 1] : 50) + (seed >> 16) % 8 - ((seed >> 8) % 8 == 0);
    }
    snprintf(names[i], sizeof names[i], "%s/many-%zu.pcap", tape_dir(), i);
    paths[i] = names[i];
    write_times(paths[i], times[i], n[i]);
  }
  struct qp_merge *m = qp_merge_open(paths, FILES, NULL, NULL);
  const struct qp_frame *frame;
  while ((frame = qp_merge_next(m))) {
    size_t first = FILES;
    for (size_t i = 0; i < FILES; i++)
      if (had[i] < n[i] && (first == FILES || times[i][had[i]] < times[first][had[first]]))
        first = i;
    assert_int_equal(frame->file, first);
    assert_int_equal(frame->time_ns, 1000000000u + times[first][had[first]]);
    had[first]++;
  }
  assert_memory_equal(had, n, sizeof had);
  qp_merge_close(m);
}

static enum qp_udp_kind parse(const struct word *w, int linktype, struct qp_udp *u) {
  struct qp_frame f = {.linktype = linktype, .data = w->b, .len = w->len, .wire_len = w->len};
  return qp_udp_parse(&f, u);
}

#define IP4  "4500 0021 0000 4000 4011 26ca 0a000001 0a000002"
#define UDP4 "1151 4e20 000d"

static void link_types(void **state) {
  (void)state;
  struct qp_udp u;
  struct word ip = w_hex(IP4 UDP4 "0000 68656c6c6f");
  struct word eth = JOIN(w_hex("020000000001 020000000002 0800"), ip);
  struct word vlan = JOIN(w_hex("020000000001 020000000002 8100 0005 0800"), ip);
  struct word sll = JOIN(w_hex("0000 0001 0006 020000000001 0000 0800"), ip);
  struct word sll2 = JOIN(w_hex("0800 0000 00000001 0001 00 06 0200000000010000"), ip);
  const struct {
    const struct word *w;
    int linktype;
  } rows[] = {{&ip, DLT_RAW},        {&eth, DLT_EN10MB},      {&vlan, DLT_EN10MB},
              {&sll, DLT_LINUX_SLL}, {&sll2, DLT_LINUX_SLL2}, {&ip, DLT_IPV4}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(parse(rows[i].w, rows[i].linktype, &u), QP_UDP);
    assert_int_equal(u.len, 5);
    assert_memory_equal(u.payload, "hello", 5);
    assert_int_equal(u.tuple.src.port, 4433);
    assert_int_equal(u.tuple.dst.port, 20000);
    assert_int_equal(u.sum, QP_SUM_ABSENT);
    assert_false(u.ip_sum_wrong);
    for (size_t cut = 0; cut < rows[i].w->len; cut++) {
      struct word shorter = *rows[i].w;
      shorter.len = cut;
      enum qp_udp_kind kind = parse(&shorter, rows[i].linktype, &u);
      assert_true(kind != QP_UDP || u.cut);
    }
  }
}

static void fragments_and_others(void **state) {
  (void)state;
  struct qp_udp u;
  struct word more = w_hex("4500 0021 0000 2000 4011 0000 0a000001 0a000002" UDP4 "0000");
  struct word later = w_hex("4500 0021 0000 0003 4011 0000 0a000001 0a000002" UDP4 "0000");
  struct word tcp = w_hex("4500 0021 0000 4000 4006 0000 0a000001 0a000002" UDP4 "0000");
  struct word lying = w_hex("4500 0021 0000 4000 4011 0000 0a000001 0a000002 1151 4e20 00ff 0000");
  assert_int_equal(parse(&more, DLT_RAW, &u), QP_UDP_FRAGMENT);
  assert_int_equal(parse(&later, DLT_RAW, &u), QP_UDP_FRAGMENT);
  assert_int_equal(parse(&tcp, DLT_RAW, &u), QP_UDP_OTHER);
  assert_int_equal(parse(&lying, DLT_RAW, &u), QP_UDP_MALFORMED);
}

static uint16_t fold(uint32_t sum) {
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

/* The one trap: a right checksum may equal the pseudo-header sum by chance. */
static void checksums(void **state) {
  (void)state;
  struct qp_udp u;
  struct word w = w_hex(IP4 UDP4 "0000 68656c6c6f");
  uint32_t pseudo = fold(0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 13);
  uint32_t full = fold(pseudo + 0x1151 + 0x4e20 + 0x000d + 0x6865 + 0x6c6c + 0x6f00);
  uint8_t *field = w.b + 26;
  uint16_t right = (uint16_t)~full;
  field[0] = (uint8_t)(right >> 8), field[1] = (uint8_t)right;
  parse(&w, DLT_RAW, &u);
  assert_int_equal(u.sum, QP_SUM_RIGHT);
  field[1] ^= 1;
  parse(&w, DLT_RAW, &u);
  assert_int_equal(u.sum, QP_SUM_WRONG);
  assert_int_equal(u.sum_want, right);
  field[0] = (uint8_t)(pseudo >> 8), field[1] = (uint8_t)pseudo;
  parse(&w, DLT_RAW, &u);
  assert_int_equal(u.sum, QP_SUM_PARTIAL);
  /* choose the payload's first word so that the full sum makes pseudo the right value */
  uint32_t rest = fold(pseudo + 0x1151 + 0x4e20 + 0x000d + 0x6c6c + 0x6f00);
  uint16_t word = (uint16_t)fold((uint32_t)(uint16_t)~pseudo + (uint16_t)~rest);
  w.b[28] = (uint8_t)(word >> 8), w.b[29] = (uint8_t)word;
  parse(&w, DLT_RAW, &u);
  assert_int_equal(u.sum, QP_SUM_RIGHT);
  /* IPv6 knows no absent checksum */
  struct word v6 = w_hex(
      "60000000 000d 11 40 fd000000000000000000000000000001 "
      "fd000000000000000000000000000002" UDP4 "0000 68656c6c6f");
  assert_int_equal(parse(&v6, DLT_RAW, &u), QP_UDP);
  assert_int_equal(u.sum, QP_SUM_WRONG);
  char text[QP_END_TEXT];
  assert_string_equal(qp_end_text(&u.tuple.src, text), "[fd00::1]:4433");
}

static void json_lines(void **state) {
  (void)state;
  const char *text =
      "{\"ev\":\"copy\",\"t\":18446744073709551615,\"a\":[1,{\"b\":\"}]\"}], "
      "\"name\":\"sub\\u0041\\\"x\" ,\"n\":null,\"h\":\"00ff\"}";
  struct qp_line line;
  uint64_t v = 0;
  char name[32];
  uint8_t hex[4];
  assert_true(qp_line_parse(text, strlen(text), &line));
  assert_true(qp_line_is(&line, "ev", "copy"));
  assert_false(qp_line_is(&line, "ev", "cop"));
  assert_true(qp_line_u64(&line, "t", &v));
  assert_true(v == UINT64_MAX);
  assert_false(qp_line_u64(&line, "n", &v));
  assert_int_equal(qp_line_get(&line, "a")->type, '[');
  assert_string_equal(qp_line_text(&line, "name", name, sizeof name), "subA\"x");
  assert_int_equal(qp_line_hex(&line, "h", hex, sizeof hex), 2);
  assert_int_equal(hex[1], 0xff);
  for (size_t cut = 0; cut < strlen(text); cut++)
    assert_false(qp_line_parse(text, cut, &line));
  assert_false(qp_line_parse("{\"a\":1}x", 8, &line));
  assert_false(qp_line_parse("[1]", 3, &line));
}

static void a_killed_writers_last_line(void **state) {
  (void)state;
  const char *path = path_of("killed.jsonl");
  const char *text = "{\"a\":1}\n\n{\"a\":2}\n{\"a\":";
  struct qp_lines *lines;
  struct qp_line line;
  char err[256];
  write_file(path, text, strlen(text));
  assert_int_equal(qp_lines_open(path, &lines, err, sizeof err), 0);
  assert_int_equal(qp_lines_next(lines, &line, err, sizeof err), 1);
  assert_int_equal(qp_lines_next(lines, &line, err, sizeof err), 1);
  assert_int_equal(line.number, 3);
  assert_int_equal(qp_lines_next(lines, &line, err, sizeof err), 0);
  assert_true(qp_lines_cut(lines));
  qp_lines_close(lines);
  write_file(path, "{\"a\":1}\nnonsense\n", 17);
  assert_int_equal(qp_lines_open(path, &lines, err, sizeof err), 0);
  assert_int_equal(qp_lines_next(lines, &line, err, sizeof err), 1);
  assert_int_equal(qp_lines_next(lines, &line, err, sizeof err), -1);
  assert_non_null(strstr(err, "killed.jsonl:2:"));
  qp_lines_close(lines);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_capture_cut_at_every_byte),
      cmocka_unit_test(a_capture_with_one_wrong_byte),
      cmocka_unit_test(captures_merge_by_time),
      cmocka_unit_test(many_captures_merge_by_time_and_place),
      cmocka_unit_test(link_types),
      cmocka_unit_test(fragments_and_others),
      cmocka_unit_test(checksums),
      cmocka_unit_test(json_lines),
      cmocka_unit_test(a_killed_writers_last_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
