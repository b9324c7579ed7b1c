#include "bpf/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every frame type with all its fields. A number is {value, place, length}; places count
 * from the frame's first byte. */
#define NUM(value, place, length)                                                                  \
  { .v = (value), .at = (place), .len = (length) }

struct vector {
  const char *name;
  size_t len;
  uint8_t bytes[64];
  struct wire_frame want;
};

static const struct vector vectors[] = {
    {"PADDING", 3, {0, 0, 0}, {.type = 0}},
    {"PING", 1, {1}, {.type = 1}},
    {"ACK",
     8,
     {0x02, 0x41, 0x00, 0x19, 0x01, 0x05, 0x03, 0x02},
     {.type = 2,
      .largest = NUM(256, 1, 2),
      .delay = NUM(25, 3, 1),
      .ranges = NUM(1, 4, 1),
      .first_range = NUM(5, 5, 1),
      .data_at = 6,
      .data_len = 2}},
    {"ACK_ECN",
     9,
     {0x03, 0x0a, 0x00, 0x00, 0x00, 0x01, 0x40, 0x02, 0x03},
     {.type = 3,
      .largest = NUM(10, 1, 1),
      .delay = NUM(0, 2, 1),
      .ranges = NUM(0, 3, 1),
      .first_range = NUM(0, 4, 1),
      .data_at = 5,
      .extra_at = 5}},
    {"RESET_STREAM",
     5,
     {0x04, 0x07, 0x41, 0x00, 0x09},
     {.type = 4, .id = NUM(7, 1, 1), .code = NUM(256, 2, 2), .final_size = NUM(9, 4, 1)}},
    {"STOP_SENDING", 3, {0x05, 0x07, 0x01}, {.type = 5, .id = NUM(7, 1, 1), .code = NUM(1, 2, 1)}},
    {"CRYPTO",
     6,
     {0x06, 0x40, 0x10, 0x02, 0xaa, 0xbb},
     {.type = 6,
      .offset = NUM(16, 1, 2),
      .data_length = NUM(2, 3, 1),
      .data_at = 4,
      .data_len = 2}},
    {"NEW_TOKEN",
     4,
     {0x07, 0x02, 0xaa, 0xbb},
     {.type = 7, .data_length = NUM(2, 1, 1), .data_at = 2, .data_len = 2}},
    {"STREAM",
     4,
     {0x08, 0x02, 0xaa, 0xbb},
     {.type = 8, .id = NUM(2, 1, 1), .data_at = 2, .data_len = 2}},
    {"STREAM fin", 2, {0x09, 0x02}, {.type = 9, .id = NUM(2, 1, 1), .data_at = 2, .fin = 1}},
    {"STREAM len",
     4,
     {0x0a, 0x02, 0x01, 0xaa},
     {.type = 10, .id = NUM(2, 1, 1), .data_length = NUM(1, 2, 1), .data_at = 3, .data_len = 1}},
    {"STREAM len fin",
     3,
     {0x0b, 0x02, 0x00},
     {.type = 11, .id = NUM(2, 1, 1), .data_length = NUM(0, 2, 1), .data_at = 3, .fin = 1}},
    {"STREAM off",
     5,
     {0x0c, 0x02, 0x40, 0x64, 0xaa},
     {.type = 12, .id = NUM(2, 1, 1), .offset = NUM(100, 2, 2), .data_at = 4, .data_len = 1}},
    {"STREAM off fin",
     5,
     {0x0d, 0x02, 0x40, 0x64, 0xaa},
     {.type = 13,
      .id = NUM(2, 1, 1),
      .offset = NUM(100, 2, 2),
      .data_at = 4,
      .data_len = 1,
      .fin = 1}},
    {"STREAM off len",
     6,
     {0x0e, 0x40, 0x02, 0x05, 0x01, 0xaa},
     {.type = 14,
      .id = NUM(2, 1, 2),
      .offset = NUM(5, 3, 1),
      .data_length = NUM(1, 4, 1),
      .data_at = 5,
      .data_len = 1}},
    {"STREAM off len fin",
     5,
     {0x0f, 0x02, 0x05, 0x01, 0xaa},
     {.type = 15,
      .id = NUM(2, 1, 1),
      .offset = NUM(5, 2, 1),
      .data_length = NUM(1, 3, 1),
      .data_at = 4,
      .data_len = 1,
      .fin = 1}},
    {"MAX_DATA", 3, {0x10, 0x44, 0x00}, {.type = 16, .limit = NUM(1024, 1, 2)}},
    {"MAX_STREAM_DATA",
     4,
     {0x11, 0x03, 0x44, 0x00},
     {.type = 17, .id = NUM(3, 1, 1), .limit = NUM(1024, 2, 2)}},
    {"MAX_STREAMS bidi", 2, {0x12, 0x10}, {.type = 18, .limit = NUM(16, 1, 1)}},
    {"MAX_STREAMS uni",
     9,
     {0x13, 0xd0, 0, 0, 0, 0, 0, 0, 0},
     {.type = 19, .limit = NUM(1ull << 60, 1, 8)}},
    {"DATA_BLOCKED", 2, {0x14, 0x10}, {.type = 20, .limit = NUM(16, 1, 1)}},
    {"STREAM_DATA_BLOCKED",
     3,
     {0x15, 0x03, 0x10},
     {.type = 21, .id = NUM(3, 1, 1), .limit = NUM(16, 2, 1)}},
    {"STREAMS_BLOCKED bidi", 2, {0x16, 0x10}, {.type = 22, .limit = NUM(16, 1, 1)}},
    {"STREAMS_BLOCKED uni", 2, {0x17, 0x10}, {.type = 23, .limit = NUM(16, 1, 1)}},
    {"NEW_CONNECTION_ID",
     24,
     {0x18, 0x05, 0x02, 0x04, 1,    2,    3,    4,    0xf0, 0xf1, 0xf2, 0xf3,
      0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff},
     {.type = 24,
      .id = NUM(5, 1, 1),
      .retire_prior_to = NUM(2, 2, 1),
      .data_at = 4,
      .data_len = 4,
      .extra_at = 8}},
    {"RETIRE_CONNECTION_ID", 2, {0x19, 0x05}, {.type = 25, .id = NUM(5, 1, 1)}},
    {"PATH_CHALLENGE",
     9,
     {0x1a, 1, 2, 3, 4, 5, 6, 7, 8},
     {.type = 26, .data_at = 1, .data_len = 8}},
    {"PATH_RESPONSE", 9, {0x1b, 1, 2, 3, 4, 5, 6, 7, 8}, {.type = 27, .data_at = 1, .data_len = 8}},
    {"CONNECTION_CLOSE",
     6,
     {0x1c, 0x0a, 0x08, 0x02, 'n', 'o'},
     {.type = 28,
      .code = NUM(10, 1, 1),
      .closed_type = NUM(8, 2, 1),
      .reason_length = NUM(2, 3, 1),
      .data_at = 4,
      .data_len = 2}},
    {"CONNECTION_CLOSE app",
     4,
     {0x1d, 0x40, 0x03, 0x00},
     {.type = 29, .code = NUM(3, 1, 2), .reason_length = NUM(0, 3, 1), .data_at = 4}},
    {"HANDSHAKE_DONE", 1, {0x1e}, {.type = 30}},
    {"DATAGRAM", 3, {0x30, 0xaa, 0xbb}, {.type = 48, .data_at = 1, .data_len = 2}},
    {"DATAGRAM len",
     4,
     {0x31, 0x02, 0xaa, 0xbb},
     {.type = 49, .data_length = NUM(2, 1, 1), .data_at = 2, .data_len = 2}},
};
#define EACH(i) for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)

static void expect_num(struct wire_num got, struct wire_num want, size_t base) {
  assert_true(got.v == want.v);
  assert_int_equal(got.len, want.len);
  if (want.len)
    assert_int_equal(got.at, want.at + base);
}

static void expect_frame(const struct vector *v, const struct wire_frame *got, size_t base) {
  assert_true(got->type == v->want.type);
  assert_int_equal(got->at, base);
  assert_int_equal(got->end, base + v->len);
  expect_num(got->id, v->want.id, base);
  expect_num(got->offset, v->want.offset, base);
  expect_num(got->limit, v->want.limit, base);
  expect_num(got->first_range, v->want.first_range, base);
  assert_int_equal(got->data_at, v->want.data_at ? v->want.data_at + base : 0);
  assert_int_equal(got->data_len, v->want.data_len);
  assert_int_equal(got->extra_at, v->want.extra_at ? v->want.extra_at + base : 0);
  assert_int_equal(got->fin, v->want.fin);
}

static void each_frame(void **state) {
  (void)state;
  EACH(i) {
    struct wire_frame f;
    uint8_t at_end[80]; /* behind 7 bytes that are not its own */
    memset(at_end, 0xff, 7);
    memcpy(at_end + 7, vectors[i].bytes, vectors[i].len);
    struct wire_cursor c = wire_cursor(at_end, 7, 7 + vectors[i].len);
    assert_int_equal(wire_frame_next(&c, &f), WIRE_FRAME_OK);
    expect_frame(&vectors[i], &f, 7);
    assert_int_equal(wire_frame_next(&c, &f), WIRE_FRAME_END);
  }
}

/* Cut anywhere, the frame is refused, nothing is reported and nothing beyond is read. */
static void each_truncation(void **state) {
  (void)state;
  static const struct wire_frame zero;
  EACH(i) {
    /* what has no length field is as long as the packet */
    int open_end =
        vectors[i].want.type == WIRE_PADDING || vectors[i].want.type == WIRE_DATAGRAM ||
        (wire_is_stream(vectors[i].want.type) && !(vectors[i].want.type & WIRE_STREAM_LEN));
    size_t least =
        open_end ? (vectors[i].want.data_at ? vectors[i].want.data_at : 1) : vectors[i].len;
    for (size_t cut = 1; cut < least; cut++) {
      struct wire_frame f;
      uint8_t *exact = malloc(cut);
      assert_non_null(exact);
      memcpy(exact, vectors[i].bytes, cut);
      struct wire_cursor c = wire_cursor(exact, 0, cut);
      memset(&f, 0xaa, sizeof(f));
      if (wire_frame_next(&c, &f) != WIRE_FRAME_TRUNCATED)
        fail_msg("%s cut to %zu bytes", vectors[i].name, cut);
      assert_memory_equal(&f, &zero, sizeof(f));
      assert_int_equal(c.at, 0);
      free(exact);
    }
  }
}

static void one_behind_the_other(void **state) {
  (void)state;
  uint8_t packet[1024];
  size_t len = 0, n = 0, want = 0;
  EACH(i) {
    if (vectors[i].want.type == WIRE_PADDING)
      continue; /* runs together with what is zero */
    if (!vectors[i].want.data_length.len &&
        (wire_is_stream(vectors[i].want.type) || vectors[i].want.type == WIRE_DATAGRAM))
      continue;
    memcpy(packet + len, vectors[i].bytes, vectors[i].len);
    len += vectors[i].len;
    want++;
  }
  struct wire_cursor c = wire_cursor(packet, 0, len);
  struct wire_frame f;
  enum wire_frame_error err;
  uint32_t end = 0;
  while ((err = wire_frame_next(&c, &f)) == WIRE_FRAME_OK) {
    assert_int_equal(f.at, end);
    end = f.end;
    n++;
  }
  assert_int_equal(err, WIRE_FRAME_END);
  assert_int_equal(end, len);
  assert_int_equal(n, want);
}

static void expect_error(enum wire_frame_error want, size_t len, const uint8_t *bytes) {
  struct wire_cursor c = wire_cursor(bytes, 0, len);
  struct wire_frame f;
  assert_int_equal(wire_frame_next(&c, &f), want);
  assert_int_equal(c.at, 0);
}
#define REFUSE(error, ...)                                                                         \
  expect_error(WIRE_FRAME_##error, sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

static void bad_values(void **state) {
  (void)state;
  REFUSE(UNKNOWN, 0x1f);
  REFUSE(UNKNOWN, 0x24, 0, 0, 0, 0); /* RESET_STREAM_AT is not RFC 9000 */
  REFUSE(UNKNOWN, 0x2f);
  REFUSE(UNKNOWN, 0x32);
  REFUSE(UNKNOWN, 0x40, 0xaf); /* ACK_FREQUENCY */
  REFUSE(TYPE_LEN, 0x40, 0x01);
  REFUSE(TYPE_LEN, 0x80, 0, 0, 0x08, 0x02);
  REFUSE(TRUNCATED, 0x40);
  REFUSE(VALUE, 0x02, 0x05, 0x00, 0x00, 0x06);             /* first range below 0 */
  REFUSE(VALUE, 0x02, 0x05, 0x00, 0x01, 0x03, 0x01, 0x00); /* gap below 0 */
  REFUSE(VALUE, 0x02, 0x05, 0x00, 0x01, 0x03, 0x00, 0x01); /* range below 0 */
  REFUSE(TRUNCATED, 0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00,
         0x00);
  REFUSE(VALUE, 0x12, 0xd0, 0, 0, 0, 0, 0, 0, 1); /* 2^60 + 1 streams */
  REFUSE(VALUE, 0x17, 0xd0, 0, 0, 0, 0, 0, 0, 1);
  REFUSE(VALUE, 0x07, 0x00); /* empty token */
  REFUSE(VALUE, 0x0e, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
         0xaa); /* beyond 2^62 - 1 */
  REFUSE(VALUE, 0x06, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0xaa);
  REFUSE(VALUE, 0x18, 0x05, 0x06, 0x04, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
         14, 15); /* retires itself */
  REFUSE(VALUE, 0x18, 0x05, 0x00, 0x00, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  REFUSE(VALUE, 0x18, 0x05, 0x00, 0x15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  REFUSE(TRUNCATED, 0x0a, 0x02, 0x02, 0xaa);
  REFUSE(TRUNCATED, 0x31, 0xc0, 0, 0, 1, 0, 0, 0, 0, 0xaa); /* length beyond 32 bits */
}

/* ACK of 100, 97..98, 90..95: as an ACK writer would do it. */
static void ack_ranges(void **state) {
  (void)state;
  static const uint8_t ack[] = {0x02, 0x40, 0x64, 0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x05};
  static const uint64_t want[][2] = {{100, 100}, {97, 98}, {90, 95}};
  struct wire_cursor c = wire_cursor(ack, 0, sizeof(ack));
  struct wire_frame f;
  assert_int_equal(wire_frame_next(&c, &f), WIRE_FRAME_OK);
  struct wire_ack_iter it = wire_ack_iter(ack, &f);
  uint64_t low, high;
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(wire_ack_next(&it, &low, &high), 1);
    assert_true(low == want[i][0] && high == want[i][1]);
  }
  assert_int_equal(wire_ack_next(&it, &low, &high), 0);
  assert_int_equal(wire_ack_next(&it, &low, &high), 0);
}

static void what_a_server_alone_sends(void **state) {
  (void)state;
  for (uint64_t type = 0; type < 64; type++)
    assert_int_equal(wire_frame_server_only(type), type == 7 || type == 0x1e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_frame),           cmocka_unit_test(each_truncation),
      cmocka_unit_test(one_behind_the_other), cmocka_unit_test(bad_values),
      cmocka_unit_test(ack_ranges),           cmocka_unit_test(what_a_server_alone_sends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
