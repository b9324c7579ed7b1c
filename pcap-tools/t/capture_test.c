/* Captures as they come: gzip, pipes, both byte orders, interfaces of several
 * kinds, comments, and files that break off anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/dlt.h>
#include <zlib.h>

#include "pcap-tools/read/capture.h"
#include "pcap-tools/read/udp.h"
#include "pcap-tools/t/tape.h"

/* A file in memory. */
struct bytes {
  uint8_t b[16384];
  size_t len;
  bool big_endian;
};

static void put(struct bytes *f, const void *data, size_t len) {
  assert_true(f->len + len <= sizeof f->b);
  memcpy(f->b + f->len, data, len);
  f->len += len;
}

static void num(struct bytes *f, uint64_t v, size_t len) {
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = (uint8_t)(v >> 8 * (f->big_endian ? len - 1 - i : i));
    put(f, &byte, 1);
  }
}

static void block(struct bytes *f, uint32_t type, const struct bytes *body) {
  static const uint8_t zeros[4];
  size_t pad = (4 - body->len % 4) % 4, total = 12 + body->len + pad;
  num(f, type, 4);
  num(f, total, 4);
  put(f, body->b, body->len);
  put(f, zeros, pad);
  num(f, total, 4);
}

static void option(struct bytes *f, unsigned code, const char *text) {
  static const uint8_t zeros[4];
  size_t n = strlen(text);
  num(f, code, 2);
  num(f, n, 2);
  put(f, text, n);
  put(f, zeros, (4 - n % 4) % 4);
}

static void section(struct bytes *f, const char *comment) {
  struct bytes b = {.big_endian = f->big_endian};
  num(&b, 0x1a2b3c4d, 4);
  num(&b, 1, 2);
  num(&b, 0, 2);
  num(&b, UINT64_MAX, 8);
  if (comment) {
    option(&b, 1, comment);
    option(&b, 0, "");
  }
  block(f, 0x0a0d0d0a, &b);
}

static void interface(struct bytes *f, unsigned linktype, unsigned snaplen, const char *name) {
  struct bytes b = {.big_endian = f->big_endian};
  num(&b, linktype, 2);
  num(&b, 0, 2);
  num(&b, snaplen, 4);
  option(&b, 2, name);
  num(&b, 9, 2); /* if_tsresol: ns */
  num(&b, 1, 2);
  put(&b, "\x09\0\0\0", 4);
  option(&b, 0, "");
  block(f, 1, &b);
}

static void packet(struct bytes *f, unsigned number, uint64_t time_ns, struct word data,
                   const char *comment) {
  static const uint8_t zeros[4];
  struct bytes b = {.big_endian = f->big_endian};
  num(&b, number, 4);
  num(&b, time_ns >> 32, 4);
  num(&b, time_ns & UINT32_MAX, 4);
  num(&b, data.len, 4);
  num(&b, data.len, 4);
  put(&b, data.b, data.len);
  put(&b, zeros, (4 - data.len % 4) % 4);
  if (comment) {
    option(&b, 1, comment);
    option(&b, 0, "");
  }
  block(f, 6, &b);
}

static void secrets(struct bytes *f, const char *text) {
  struct bytes b = {.big_endian = f->big_endian};
  num(&b, 0x544c534b, 4);
  num(&b, strlen(text), 4);
  put(&b, text, strlen(text));
  block(f, 10, &b);
}

static const char *path_of(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", tape_dir(), name);
  return path;
}

static const char *write_bytes(const char *name, const void *data, size_t len) {
  const char *path = path_of(name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  fclose(f);
  return path;
}

#define IP "4500 0021 0000 4000 4011 26ca 0a000001 0a000002 1151 4e20 000d 0000 68656c6c6f"

static const char *const eth = "020000000001 020000000002 0800" IP;

/* Five interfaces that libpcap alone would refuse. */
static struct bytes many_kinds(bool big_endian) {
  struct bytes f = {.big_endian = big_endian};
  section(&f, "made by hand\nfor a test");
  secrets(&f, "#one\n");
  interface(&f, 1, 0, "eth0");
  interface(&f, 101, 1500, "tun0");
  packet(&f, 0, 1000000001, w_hex(eth), NULL);
  packet(&f, 1, 1000000002, w_hex(IP), "a tunnel");
  interface(&f, 113, 96, "any");
  interface(&f, 276, 0, "any2");
  interface(&f, 101, 0, "tun1");
  packet(&f, 2, 1000000003, w_hex("0000 0001 0006 020000000001 0000 0800" IP), NULL);
  secrets(&f, "#two\n");
  packet(&f, 3, 1000000004, w_hex("0800 0000 00000001 0001 00 06 0200000000010000" IP), NULL);
  packet(&f, 4, 1000000005, w_hex(IP), NULL);
  return f;
}

static void gather(void *arg, const char *text, size_t len) {
  strncat(arg, text, len);
}

static void expect_many_kinds(const char *path) {
  static const int linktypes[5] = {DLT_EN10MB, DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW};
  struct qp_capture *c;
  struct qp_frame frame;
  char err[256] = "", text[64] = "";
  size_t n;
  assert_int_equal(qp_capture_open(path, 0, gather, text, &c, err, sizeof err), 0);
  for (unsigned i = 0; i < 5; i++) {
    struct qp_udp u;
    if (qp_capture_next(c, &frame, err, sizeof err) != 1)
      fail_msg("frame %u: %s", i + 1, err);
    assert_int_equal(frame.time_ns, 1000000001 + i);
    assert_int_equal(frame.linktype, linktypes[i]);
    assert_int_equal(frame.interface, i);
    assert_int_equal(qp_udp_parse(&frame, &u), QP_UDP);
    assert_memory_equal(u.payload, "hello", 5);
    assert_int_equal(frame.comment != NULL, i == 1);
    if (frame.comment)
      assert_string_equal(frame.comment, "a tunnel");
  }
  assert_int_equal(qp_capture_next(c, &frame, err, sizeof err), 0);
  assert_string_equal(text, "#one\n#two\n");
  const struct qp_blocks *b = qp_capture_blocks(c);
  const struct qp_interface *interfaces = qp_blocks_interfaces(b, &n);
  assert_int_equal(n, 5);
  assert_string_equal(interfaces[2].name, "any");
  assert_int_equal(interfaces[2].snaplen, 96);
  assert_true(qp_blocks_late_secrets(b));
  qp_capture_close(c);
}

static void interfaces_of_several_kinds(void **state) {
  (void)state;
  for (int big = 0; big < 2; big++) {
    struct bytes f = many_kinds(big != 0);
    expect_many_kinds(write_bytes("kinds.pcapng", f.b, f.len));
  }
}

/* Members one after the other, as logrotate and `cat a.gz b.gz` make them. */
static const char *write_gzip(const char *name, const struct bytes *f, size_t member) {
  const char *path = path_of(name);
  for (size_t at = 0; at < f->len; at += member) {
    gzFile gz = gzopen(path, at ? "ab" : "wb");
    size_t n = f->len - at < member ? f->len - at : member;
    assert_int_equal(gzwrite(gz, f->b + at, (unsigned)n), n);
    gzclose(gz);
  }
  return path;
}

static void gzip(void **state) {
  (void)state;
  struct bytes f = many_kinds(false);
  expect_many_kinds(write_gzip("whole.pcapng.gz", &f, f.len));
  expect_many_kinds(write_gzip("parts.pcapng.gz", &f, 100));
}

/* A pipe that gives a few bytes at a time, as standard input. */
static void standard_input(void **state) {
  (void)state;
  struct bytes f = many_kinds(false);
  int ends[2], was = dup(STDIN_FILENO);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (!child) {
    for (size_t at = 0; at < f.len; at += 7)
      if (write(ends[1], f.b + at, f.len - at < 7 ? f.len - at : 7) < 0)
        _exit(1);
    _exit(0);
  }
  close(ends[1]);
  dup2(ends[0], STDIN_FILENO);
  expect_many_kinds("-");
  dup2(was, STDIN_FILENO);
  close(ends[0]), close(was);
  waitpid(child, NULL, 0);
}

/* Reads all; the number of frames. message: why it ended, "" = whole. */
static unsigned frames_of(const char *path, char message[256]) {
  struct qp_capture *c;
  struct qp_frame frame;
  unsigned n = 0;
  message[0] = 0;
  if (qp_capture_open(path, 0, NULL, NULL, &c, message, 256))
    return 0;
  while (qp_capture_next(c, &frame, message, 256) == 1)
    n++;
  qp_capture_close(c);
  return n;
}

static struct bytes classic(bool big_endian) {
  struct bytes f = {.big_endian = big_endian};
  num(&f, 0xa1b2c3d4, 4);
  num(&f, 2, 2);
  num(&f, 4, 2);
  num(&f, 0, 8);
  num(&f, 65535, 4);
  num(&f, 1, 4);
  for (unsigned i = 0; i < 3; i++) {
    struct word w = w_hex(eth);
    num(&f, 1, 4);
    num(&f, i, 4);
    num(&f, w.len, 4);
    num(&f, w.len, 4);
    put(&f, w.b, w.len);
  }
  return f;
}

/* Where the records of a file begin, and where it ends. */
static void expect_cuts(const struct bytes *f, const size_t *records, unsigned n) {
  char message[256], offset[32];
  for (size_t len = 0; len <= f->len; len++) {
    unsigned got = frames_of(write_bytes("cut", f->b, len), message), whole = 0;
    while (whole < n && records[whole + 1] <= len)
      whole++;
    assert_int_equal(got, whole);
    bool between = len == f->len;
    for (unsigned i = 0; i <= n; i++)
      between |= len == records[i];
    if (len < records[0]) {
      assert_true(between || strlen(message) > 0);
      continue;
    }
    snprintf(offset, sizeof offset, "offset %zu:", records[whole]);
    if (between ? message[0] != 0 : !strstr(message, offset))
      fail_msg("cut at %zu: %s", len, message);
  }
}

static void classic_cut_at_every_byte(void **state) {
  (void)state;
  for (int big = 0; big < 2; big++) {
    struct bytes f = classic(big != 0);
    size_t each = 16 + w_hex(eth).len, records[4] = {24, 24 + each, 24 + 2 * each, 24 + 3 * each};
    expect_cuts(&f, records, 3);
  }
}

static void pcapng_cut_at_every_byte(void **state) {
  (void)state;
  struct bytes f = {0};
  size_t records[5];
  section(&f, NULL);
  interface(&f, 1, 0, "eth0");
  for (unsigned i = 0; i < 4; i++) {
    records[i] = f.len;
    packet(&f, 0, i, w_hex(eth), i == 2 ? "cut here" : NULL);
  }
  records[4] = f.len;
  expect_cuts(&f, records, 4);
}

static void gzip_cut_at_every_byte(void **state) {
  (void)state;
  struct bytes f = many_kinds(false);
  static uint8_t packed[16384];
  char message[256];
  FILE *file = fopen(write_gzip("whole.gz", &f, f.len), "rb");
  size_t size = fread(packed, 1, sizeof packed, file);
  unsigned before = 0;
  fclose(file);
  for (size_t len = 0; len < size; len++) {
    unsigned n = frames_of(write_bytes("cut.gz", packed, len), message);
    assert_true(n >= before && strlen(message) > 0);
    before = n;
  }
  assert_int_equal(before, 5); /* only the end of the packing is missing */
  assert_non_null(strstr(message, "of the unpacked data: the gzip data breaks off"));
}

/* Lengths that lie: a message with the offset, and what stands in front. */
static void lying_lengths(void **state) {
  (void)state;
  static const uint32_t lies[] = {0, 1, 8, 13, 0x7fffffff, 0xffffffff, 0xfffffffc};
  char message[256], offset[32];
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    struct bytes f = {0};
    section(&f, NULL);
    interface(&f, 1, 0, "eth0");
    packet(&f, 0, 1, w_hex(eth), NULL);
    size_t at = f.len;
    packet(&f, 0, 2, w_hex(eth), NULL);
    memcpy(f.b + at + 4, &lies[i], 4);
    assert_int_equal(frames_of(write_bytes("lies.pcapng", f.b, f.len), message), 1);
    snprintf(offset, sizeof offset, "offset %zu:", at);
    if (!strstr(message, offset))
      fail_msg("length %#x: %s", lies[i], message);
    f = classic(false);
    memcpy(f.b + 24 + 8, &lies[i], 4);
    frames_of(write_bytes("lies.pcap", f.b, f.len), message); /* no crash; some are believed */
  }
}

static void no_capture_at_all(void **state) {
  (void)state;
  char message[256];
  assert_int_equal(frames_of(write_bytes("text", "hello, world, hello, world", 26), message), 0);
  assert_non_null(strstr(message, "expected a pcap or pcapng file"));
  frames_of("/nonexistent", message);
  assert_non_null(strstr(message, "/nonexistent: No such file"));
  frames_of("/", message);
  assert_non_null(strstr(message, "Is a directory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(interfaces_of_several_kinds),
      cmocka_unit_test(gzip),
      cmocka_unit_test(standard_input),
      cmocka_unit_test(classic_cut_at_every_byte),
      cmocka_unit_test(pcapng_cut_at_every_byte),
      cmocka_unit_test(gzip_cut_at_every_byte),
      cmocka_unit_test(lying_lengths),
      cmocka_unit_test(no_capture_at_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
