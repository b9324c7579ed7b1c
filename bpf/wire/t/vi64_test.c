#include "bpf/wire/vi64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The draft's examples, and the edges of each length. */
static const struct {
  uint64_t value;
  size_t len;
  uint8_t bytes[9];
  int shortest;
} vectors[] = {
    {0, 1, {0x00}, 1},
    {127, 1, {0x7f}, 1},
    {128, 2, {0x80, 0x80}, 1},
    {12032, 2, {0xaf, 0x00}, 1},
    {16383, 2, {0xbf, 0xff}, 1},
    {16384, 3, {0xc0, 0x40, 0x00}, 1},
    {2097151, 3, {0xdf, 0xff, 0xff}, 1},
    {2097152, 4, {0xe0, 0x20, 0x00, 0x00}, 1},
    {(1ull << 28) - 1, 4, {0xef, 0xff, 0xff, 0xff}, 1},
    {321601064, 5, {0xf0, 0x13, 0x2b, 0x3e, 0x28}, 1},
    {(1ull << 35) - 1, 5, {0xf7, 0xff, 0xff, 0xff, 0xff}, 1},
    {1ull << 35, 6, {0xf8, 0x08, 0, 0, 0, 0}, 1},
    {1ull << 42, 7, {0xfc, 0x04, 0, 0, 0, 0, 0}, 1},
    {1ull << 49, 8, {0xfe, 0x02, 0, 0, 0, 0, 0, 0}, 1},
    {(1ull << 56) - 1, 8, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1},
    {1ull << 56, 9, {0xff, 0x01, 0, 0, 0, 0, 0, 0, 0}, 1},
    {~0ull, 9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1},
    {37, 2, {0x80, 0x25}, 0},
    {1, 4, {0xe0, 0, 0, 1}, 0},
    {0, 9, {0xff}, 0},
};
#define EACH(i) for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)

static void get(void **state) {
  (void)state;
  EACH(i) {
    uint64_t v = 0;
    assert_int_equal(wire_vi64_get(vectors[i].bytes, vectors[i].len, &v), vectors[i].len);
    assert_true(v == vectors[i].value);
    v = 1;
    for (size_t cut = 0; cut < vectors[i].len; cut++)
      assert_int_equal(wire_vi64_get(vectors[i].bytes, cut, &v), 0);
    assert_true(v == 1);
  }
}

static void put(void **state) {
  (void)state;
  EACH(i) {
    uint8_t out[10];
    memset(out, 0xee, sizeof(out));
    if (vectors[i].shortest) {
      assert_int_equal(wire_vi64_len(vectors[i].value), vectors[i].len);
      assert_int_equal(wire_vi64_put(out, vectors[i].value), vectors[i].len);
    } else {
      assert_int_equal(wire_vi64_put_width(out, vectors[i].len, vectors[i].value), vectors[i].len);
    }
    assert_memory_equal(out, vectors[i].bytes, vectors[i].len);
    assert_int_equal(out[vectors[i].len], 0xee);
  }
}

/* The width that a first byte announces is the number of its leading ones, plus one. */
static void widths(void **state) {
  (void)state;
  for (unsigned first = 0; first < 256; first++) {
    size_t ones = 0;
    while (ones < 8 && (first & (0x80u >> ones)))
      ones++;
    assert_int_equal(wire_vi64_width((uint8_t)first), ones + 1);
  }
}

static void refuses(void **state) {
  (void)state;
  uint8_t out[9] = {0xee};
  for (size_t width = 1; width <= 8; width++) {
    assert_int_equal(wire_vi64_put_width(out, width, 1ull << (7 * width)), 0);
    assert_false(wire_vi64_fits(width, 1ull << (7 * width)));
    assert_true(wire_vi64_fits(width, (1ull << (7 * width)) - 1));
  }
  assert_int_equal(wire_vi64_put_width(out, 0, 0), 0);
  assert_int_equal(wire_vi64_put_width(out, 10, 0), 0);
  assert_int_equal(out[0], 0xee);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(get), cmocka_unit_test(put),
                                     cmocka_unit_test(widths), cmocka_unit_test(refuses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
