#include "bpf/wire/moqt_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum wire_moqt_result read_subgroup(const uint8_t *p, size_t len,
                                           struct wire_subgroup_header *h) {
  struct wire_cursor c = wire_cursor(p, 0, len);
  enum wire_moqt_result r = wire_subgroup_header_get(&c, h);
  assert_int_equal(c.at, r == WIRE_MOQT_OK ? h->len : 0);
  return r;
}

static enum wire_moqt_result read_datagram(const uint8_t *p, size_t len,
                                           struct wire_datagram_header *h) {
  struct wire_cursor c = wire_cursor(p, 0, len);
  enum wire_moqt_result r = wire_datagram_header_get(&c, h);
  assert_int_equal(c.at, r == WIRE_MOQT_OK ? h->payload_at : 0);
  return r;
}

/* The worked examples of the draft's text. */
static void subgroup_examples(void **state) {
  (void)state;
  static const uint8_t plain[] = {0x78, 0x07, 0x2a, 0x00, 0x05, 'h'};
  static const uint8_t full[] = {0x55, 0x07, 0x81, 0x2c, 0x03, 0x80, 0x05};
  struct wire_subgroup_header h;
  assert_int_equal(read_subgroup(plain, sizeof(plain), &h), WIRE_MOQT_OK);
  assert_int_equal(h.len, 3);
  assert_true(h.alias.v == 7 && h.alias.at == 1 && h.alias.len == 1);
  assert_true(h.group.v == 42 && h.subgroup.v == 0 && h.subgroup.len == 0);
  assert_false(h.subgroup_by_object);
  assert_false(h.priority_given);
  assert_int_equal(read_subgroup(full, sizeof(full), &h), WIRE_MOQT_OK);
  assert_int_equal(h.len, 6);
  assert_true(h.group.v == 300 && h.group.at == 2 && h.group.len == 2);
  assert_true(h.subgroup.v == 3 && h.subgroup.at == 4);
  assert_true(h.priority_given && h.priority == 128);
}

/* 10-15 18-1D 30-35 38-3D 50-55 58-5D 70-75 78-7D are valid; with bit 4 the others are
 * errors; without it they begin something else. */
static void subgroup_flags(void **state) {
  (void)state;
  uint8_t bytes[16] = {0, 1, 2, 3, 4};
  struct wire_subgroup_header h;
  for (unsigned flags = 0; flags < 0x80; flags++) {
    bytes[0] = (uint8_t)flags;
    enum wire_moqt_result want = !(flags & 0x10)    ? WIRE_MOQT_OTHER
                                 : (flags & 6) == 6 ? WIRE_MOQT_INVALID
                                                    : WIRE_MOQT_OK;
    assert_int_equal(read_subgroup(bytes, sizeof(bytes), &h), want);
    if (want != WIRE_MOQT_OK)
      continue;
    size_t len = 3u + ((flags & 6) == 4) + !(flags & 0x20);
    assert_int_equal(h.len, len);
    assert_int_equal(h.subgroup_by_object, (flags & 6) == 2);
    for (size_t cut = 0; cut < len; cut++)
      assert_int_equal(read_subgroup(bytes, cut, &h), WIRE_MOQT_SHORT);
  }
  static const uint8_t control[] = {0xaf, 0x00, 0, 1}, fetch[] = {0x05, 4},
                       pad[] = {0xf0, 0x13, 0x2b, 0x3e, 0x28};
  assert_int_equal(read_subgroup(control, sizeof(control), &h), WIRE_MOQT_OTHER);
  assert_int_equal(read_subgroup(control, 1, &h), WIRE_MOQT_SHORT);
  assert_int_equal(read_subgroup(fetch, sizeof(fetch), &h), WIRE_MOQT_OTHER);
  assert_int_equal(read_subgroup(pad, sizeof(pad), &h), WIRE_MOQT_OTHER);
  /* 0x90 has bit 4, but is above the range */
  static const uint8_t above[] = {0x80, 0x90, 1, 2, 3};
  assert_int_equal(read_subgroup(above, sizeof(above), &h), WIRE_MOQT_OTHER);
  /* flags may be written long */
  static const uint8_t wide[] = {0x80, 0x70, 0xc0, 0x00, 0x07, 0x2a};
  assert_int_equal(read_subgroup(wide, sizeof(wide), &h), WIRE_MOQT_OK);
  assert_true(h.alias.v == 7 && h.alias.at == 2 && h.alias.len == 3);
}

static void datagram_examples(void **state) {
  (void)state;
  static const uint8_t plain[] = {0x00, 0x07, 0x2a, 0x81, 0x2c, 0xc8, 0xde, 0xad};
  static const uint8_t last[] = {0x0e, 0x07, 0x2b, 0xbe, 0xef};
  static const uint8_t end[] = {0x28, 0x07, 0x2b, 0x01, 0x04};
  struct wire_datagram_header h;
  assert_int_equal(read_datagram(plain, sizeof(plain), &h), WIRE_MOQT_OK);
  assert_true(h.alias.v == 7 && h.group.v == 42 && h.object.v == 300 && h.object.at == 3 &&
              h.object.len == 2);
  assert_true(h.priority_given && h.priority == 200);
  assert_int_equal(h.payload_at, 6);
  assert_int_equal(read_datagram(last, sizeof(last), &h), WIRE_MOQT_OK);
  assert_true(h.object.v == 0 && h.object.len == 0 && !h.priority_given);
  assert_int_equal(h.payload_at, 3);
  assert_int_equal(read_datagram(end, sizeof(end), &h), WIRE_MOQT_OK);
  assert_true(h.status == 4 && h.payload_at == 5);
}

/* 00-0F 20 21 24 25 28 29 2C 2D are valid. */
static void datagram_flags(void **state) {
  (void)state;
  struct wire_datagram_header h;
  for (unsigned flags = 0; flags < 0x80; flags++) {
    uint8_t bytes[16] = {(uint8_t)flags, 1, 2};
    size_t len = 3;
    if (!(flags & 4))
      bytes[len++] = 3;
    if (!(flags & 8))
      bytes[len++] = 4;
    if (flags & 1) {
      bytes[len++] = 2;
      bytes[len++] = 0x3c;
      bytes[len++] = 0;
    }
    if (flags & 0x20)
      bytes[len++] = 0;
    int valid = flags <= 0x0f || (flags >= 0x20 && flags <= 0x2d && !(flags & 2));
    assert_int_equal(read_datagram(bytes, sizeof(bytes), &h),
                     valid ? WIRE_MOQT_OK : WIRE_MOQT_INVALID);
    if (!valid)
      continue;
    assert_int_equal(h.payload_at, len);
    for (size_t cut = 0; cut < len; cut++)
      assert_int_equal(read_datagram(bytes, cut, &h), WIRE_MOQT_SHORT);
  }
}

static void datagram_rules(void **state) {
  (void)state;
  struct wire_datagram_header h;
  static const uint8_t empty_properties[] = {0x0d, 1, 2, 0};
  static const uint8_t status_with_properties[] = {0x2d, 1, 2, 2, 0x3c, 0, 3};
  static const uint8_t padding[] = {0xf0, 0x13, 0x2b, 0x3e, 0x29, 0, 0};
  static const uint8_t properties_too_long[] = {0x0d, 1, 2, 5, 0x3c, 0};
  static const uint8_t above[] = {0x80, 0x80, 1, 2, 3};
  assert_int_equal(read_datagram(empty_properties, sizeof(empty_properties), &h),
                   WIRE_MOQT_INVALID);
  assert_int_equal(read_datagram(status_with_properties, sizeof(status_with_properties), &h),
                   WIRE_MOQT_INVALID);
  assert_int_equal(read_datagram(padding, sizeof(padding), &h), WIRE_MOQT_OTHER);
  assert_int_equal(read_datagram(properties_too_long, sizeof(properties_too_long), &h),
                   WIRE_MOQT_SHORT);
  assert_int_equal(read_datagram(above, sizeof(above), &h), WIRE_MOQT_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(subgroup_examples), cmocka_unit_test(subgroup_flags),
      cmocka_unit_test(datagram_examples), cmocka_unit_test(datagram_flags),
      cmocka_unit_test(datagram_rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
