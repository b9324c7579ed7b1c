/* Hex digits as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/read/hex.h"

static void digits_of_either_case(void **state) {
  (void)state;
  const uint8_t want[] = {0x00, 0x9a, 0xfA, 0xBf};
  uint8_t got[4];
  assert_int_equal(qp_unhex("009afABF", 8, got, sizeof got), 4);
  assert_memory_equal(got, want, 4);
  assert_int_equal(qp_unhex("009afABF", 4, got, 2), 2);
}

static void anything_else_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"", "0", "00a", "0g", "g0", " 0", "0x", "/0", ":0", "@0", "`0"};
  uint8_t got[8];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(qp_unhex(bad[i], strlen(bad[i]), got, sizeof got), 0);
  assert_int_equal(qp_unhex("0011", 4, got, 1), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digits_of_either_case),
      cmocka_unit_test(anything_else_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
