#include "bpf/wire/varint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 9000 A.1, and the edges of each length. */
static const struct {
  uint64_t value;
  size_t len;
  uint8_t bytes[8];
  int shortest;
} vectors[] = {
    {151288809941952652ull, 8, {0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 1},
    {494878333, 4, {0x9d, 0x7f, 0x3e, 0x7d}, 1},
    {15293, 2, {0x7b, 0xbd}, 1},
    {37, 1, {0x25}, 1},
    {37, 2, {0x40, 0x25}, 0},
    {0, 1, {0}, 1},
    {63, 1, {0x3f}, 1},
    {64, 2, {0x40, 0x40}, 1},
    {16383, 2, {0x7f, 0xff}, 1},
    {16384, 4, {0x80, 0x00, 0x40, 0x00}, 1},
    {(1 << 30) - 1, 4, {0xbf, 0xff, 0xff, 0xff}, 1},
    {1 << 30, 8, {0xc0, 0, 0, 0, 0x40, 0, 0, 0}, 1},
    {WIRE_VARINT_MAX, 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1},
};
#define EACH(i) for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)

static void get(void **state) {
  (void)state;
  EACH(i) {
    uint64_t v = 0;
    assert_int_equal(wire_varint_get(vectors[i].bytes, vectors[i].len, &v), vectors[i].len);
    assert_true(v == vectors[i].value);
    v = 1;
    for (size_t cut = 0; cut < vectors[i].len; cut++)
      assert_int_equal(wire_varint_get(vectors[i].bytes, cut, &v), 0);
    assert_true(v == 1); /* untouched */
  }
}

static void put(void **state) {
  (void)state;
  EACH(i) {
    uint8_t out[9];
    memset(out, 0xee, sizeof(out));
    if (vectors[i].shortest) {
      assert_int_equal(wire_varint_len(vectors[i].value), vectors[i].len);
      assert_int_equal(wire_varint_put(out, vectors[i].value), vectors[i].len);
    } else {
      assert_int_equal(wire_varint_put_width(out, vectors[i].len, vectors[i].value),
                       vectors[i].len);
    }
    assert_memory_equal(out, vectors[i].bytes, vectors[i].len);
    assert_int_equal(out[vectors[i].len], 0xee);
  }
}

static void refuses(void **state) {
  (void)state;
  uint8_t out[8] = {0xee};
  assert_int_equal(wire_varint_len(WIRE_VARINT_MAX + 1), 0);
  assert_int_equal(wire_varint_put(out, WIRE_VARINT_MAX + 1), 0);
  assert_int_equal(wire_varint_put_width(out, 1, 64), 0);
  assert_int_equal(wire_varint_put_width(out, 2, 16384), 0);
  assert_int_equal(wire_varint_put_width(out, 4, 1 << 30), 0);
  assert_int_equal(wire_varint_put_width(out, 8, WIRE_VARINT_MAX + 1), 0);
  assert_int_equal(wire_varint_put_width(out, 3, 1), 0);
  assert_int_equal(wire_varint_put_width(out, 0, 1), 0);
  assert_int_equal(wire_varint_put_width(out, 16, 1), 0);
  assert_int_equal(out[0], 0xee);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(get), cmocka_unit_test(put),
                                     cmocka_unit_test(refuses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
