#include "bpf/wire/packet_number.h"
#include "bpf/wire/short_header.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The low 8n bits, which stand on the wire. */
static uint64_t truncated(uint64_t pn, size_t n) {
  return pn & (~0ull >> (64 - 8 * n));
}

static void rfc_example(void **state) {
  (void)state;
  assert_true(wire_pn_expand(0xa82f30eb, 0x9b32, 2) == 0xa82f9b32); /* A.3 */
}

/* What is less than half a window ahead or behind is recovered (A.2: that is how long a number has to
 * be), at both ends of the window. */
static void expand_undoes_truncate(void **state) {
  (void)state;
  static const uint64_t largest[] = {
      0, 1, 127, 128, 255, 256, 0xffff, 0x10000, 0xabe8b3, 1ull << 32, WIRE_PN_MAX - 200};
  for (size_t i = 0; i < sizeof(largest) / sizeof(largest[0]); i++)
    for (size_t n = 1; n <= 4; n++) {
      uint64_t half = 1ull << (8 * n - 1);
      const uint64_t steps[] = {1, 2, 100, half / 2, half};
      for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        uint64_t pn = largest[i] + steps[s];
        if (pn > WIRE_PN_MAX)
          continue;
        assert_true(wire_pn_expand(largest[i] + 1, truncated(pn, n), n) == pn);
        /* an older one, reordered */
        uint64_t old = largest[i] + 1 >= steps[s] ? largest[i] + 1 - steps[s] : 0;
        if (steps[s] < half)
          assert_true(wire_pn_expand(largest[i] + 1, truncated(old, n), n) == old);
      }
    }
}

static void stays_in_range(void **state) {
  (void)state;
  assert_true(wire_pn_expand(WIRE_PN_MAX, 0, 1) == WIRE_PN_MAX - 255);
  assert_true(wire_pn_expand(0, 0xff, 1) == 0xff);
}

static void short_header(void **state) {
  (void)state;
  assert_int_equal(wire_short_first(0, 0, 4), 0x43);
  assert_int_equal(wire_short_first(1, 1, 1), 0x64);
  for (uint8_t n = 1; n <= 4; n++)
    assert_int_equal(wire_short_pn_len(wire_short_first(1, 0, n)), n);
  assert_int_equal(wire_short_phase(0x44), 1);
  assert_int_equal(wire_short_phase(0x40), 0);
  assert_true(wire_is_short_header(0x40) && wire_is_short_header(0x7f));
  assert_false(wire_is_short_header(0x3f) || wire_is_short_header(0xc0));
  assert_true(wire_is_long_header(0x80) && !wire_is_long_header(0x7f));
  assert_int_equal(wire_short_header_len(8, 4), 13);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc_example), cmocka_unit_test(expand_undoes_truncate),
      cmocka_unit_test(stays_in_range), cmocka_unit_test(short_header)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
