#include "relay/fanout/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire/frame.h"
#include "relay/t/seeded.h"

#define TAG 16

static const uint8_t cid[8] = {0xc1, 2, 3, 4, 5, 6, 7, 8};
static uint8_t text[1500];

/* A builder with a payload of `room` bytes; behind it and the tag stands a guard. */
static struct builder begin(uint8_t *buf, size_t room) {
  struct builder b;

  memset(buf, 0xee, 1600);
  builder_begin(&b, buf, sizeof(cid) + 5 + room + TAG, cid, sizeof(cid), false, false, 7);
  return b;
}

static void header_bytes(void **state) {
  static const uint8_t want[] = {0x67, 0xc1, 2, 3, 4, 5, 6, 7, 8, 0x89, 0xab, 0xcd, 0xef, 0x00};
  uint8_t buf[64];
  struct builder b;
  size_t payload;

  (void)state;
  builder_begin(&b, buf, sizeof(buf), cid, sizeof(cid), true, true, 0x0123456789abcdef);
  assert_true(builder_is_empty(&b));
  assert_int_equal(builder_end(&b, &payload), 13);
  assert_int_equal(payload, 1); /* an empty payload would be no packet */
  assert_memory_equal(buf, want, sizeof(want));
  builder_begin(&b, buf, sizeof(buf), NULL, 0, false, false, 1);
  assert_int_equal(builder_end(&b, &payload), 5);
  assert_int_equal(buf[0], 0x43);
}

static void frame_bytes(void **state) {
  static const uint8_t want[] = {
      0x0a, 0x03, 0x03, 'a',  'b',  'c',              /* offset 0 takes no room */
      0x0f, 0x07, 0x40, 0x40, 0x00,                   /* empty, FIN */
      0x31, 0x02, 'x',  'y',                          /* DATAGRAM with length */
      0x04, 0x0b, 0x7b, 0xbd, 0x80, 0x00, 0x40, 0x00, /* RESET_STREAM */
      0x01,
  };
  uint8_t buf[1600];
  struct builder b = begin(buf, 100);
  size_t payload, hdr;

  (void)state;
  assert_true(builder_stream(&b, 3, 0, (const uint8_t *)"abc", 3, false));
  assert_false(builder_is_empty(&b));
  assert_true(builder_stream(&b, 7, 64, NULL, 0, true));
  assert_true(builder_datagram(&b, (const uint8_t *)"xy", 2));
  assert_true(builder_reset_stream(&b, 11, 0x3bbd, 16384));
  assert_true(builder_ping(&b));
  hdr = builder_end(&b, &payload);
  assert_int_equal(payload, sizeof(want));
  assert_memory_equal(buf + hdr, want, sizeof(want));
}

static void what_does_not_fit_is_refused(void **state) {
  uint8_t buf[1600], before[1600];
  struct builder b = begin(buf, 6);
  size_t len = b.len;

  (void)state;
  memcpy(before, buf, sizeof(buf));
  assert_false(builder_stream(&b, 3, 0, text, 4, false));
  assert_false(builder_datagram(&b, text, 5));
  assert_false(builder_datagram(&b, text, SIZE_MAX));
  assert_false(builder_reset_stream(&b, 3, 1, 1 << 20));
  assert_false(builder_reset_stream(&b, 3, 1ull << 62, 1));
  assert_false(builder_stream(&b, 1ull << 62, 0, text, 1, false));
  assert_false(builder_stream(&b, 3, WIRE_VARINT_MAX, text, 1, false));
  assert_int_equal(builder_stream_room(&b, 3, 1ull << 40), -1);
  assert_int_equal(b.len, len);
  assert_memory_equal(buf, before, sizeof(buf));

  assert_int_equal(builder_stream_room(&b, 3, 0), 3);
  assert_true(builder_stream(&b, 3, 0, text, 3, false));
  assert_false(builder_ping(&b));
  assert_int_equal(builder_stream_room(&b, 3, 0), -1);
}

static void no_room_for_a_header(void **state) {
  uint8_t buf[64];
  struct builder b;

  (void)state;
  builder_begin(&b, buf, 20, cid, sizeof(cid), false, false, 1);
  assert_false(builder_ping(&b));
  assert_int_equal(builder_stream_room(&b, 0, 0), -1);
}

/* The room told is exact on both sides of every border of the length field. */
static void stream_room_is_exact(void **state) {
  uint8_t buf[1600];
  uint64_t seed = 5;

  (void)state;
  for (size_t room = 1; room < 1450; room += room < 200 ? 1 : 37) {
    uint64_t sid = seeded_next(&seed) >> (2 + seeded_below(&seed, 62));
    uint64_t offset = (seeded_next(&seed) >> (3 + seeded_below(&seed, 61))) & ~1ull;
    struct builder b = begin(buf, room);
    long fits = builder_stream_room(&b, sid, offset);
    size_t payload;

    if (fits < 0) {
      assert_false(builder_stream(&b, sid, offset, text, 0, true));
      continue;
    }
    assert_false(builder_stream(&b, sid, offset, text, (size_t)fits + 1, false));
    assert_true(builder_stream(&b, sid, offset, text, (size_t)fits, false));
    /* One byte is left over at most: where a longer length field would begin. */
    assert_in_range(b.room - b.len, 0, 1);
    builder_end(&b, &payload);
    assert_in_range(payload, room - 1, room);
    for (size_t i = b.room; i < sizeof(buf); i++)
      assert_int_equal(buf[i], 0xee);
  }
}

/* Random packets come out of the frame parser as they went in. */
static void parser_agrees(void **state) {
  uint8_t buf[1600];
  uint64_t seed = 11;

  (void)state;
  for (size_t i = 0; i < sizeof(text); i++)
    text[i] = (uint8_t)(i * 31 + 1);
  for (int round = 0; round < 500; round++) {
    struct builder b = begin(buf, 1200);
    uint64_t sid[64], offset[64];
    size_t len[64], n = 0, payload, hdr;
    struct wire_cursor c;
    struct wire_frame f;

    while (n < 64) {
      sid[n] = seeded_next(&seed) >> (2 + seeded_below(&seed, 62));
      offset[n] = seeded_next(&seed) >> (3 + seeded_below(&seed, 61));
      len[n] = seeded_below(&seed, 200);
      if (!builder_stream(&b, sid[n], offset[n], text, len[n], n % 3 == 0))
        break;
      n++;
    }
    hdr = builder_end(&b, &payload);
    c = wire_cursor(buf, hdr, hdr + payload);
    for (size_t i = 0; i < n; i++) {
      assert_int_equal(wire_frame_next(&c, &f), WIRE_FRAME_OK);
      assert_true(f.id.v == sid[i] && f.offset.v == offset[i] && f.data_len == len[i]);
      assert_int_equal(f.fin, i % 3 == 0);
      assert_memory_equal(buf + f.data_at, text, len[i]);
    }
    assert_int_equal(wire_frame_next(&c, &f), WIRE_FRAME_END);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(header_bytes),
      cmocka_unit_test(frame_bytes),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(no_room_for_a_header),
      cmocka_unit_test(stream_room_is_exact),
      cmocka_unit_test(parser_agrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
