/* How often bytes were sent. */
#include "pcap-tools/track/sendings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void counts_the_byte_sent_most_often(void **state) {
  (void)state;
  struct qp_sendings s = {0};
  assert_int_equal(qp_sendings_most(&s, 0), 0);
  assert_int_equal(qp_sendings_most(&s, 100), 1);
  qp_sendings_again(&s, 10, 19);
  assert_int_equal(qp_sendings_most(&s, 100), 2);
  qp_sendings_again(&s, 20, 29); /* beside it */
  assert_int_equal(qp_sendings_most(&s, 100), 2);
  qp_sendings_again(&s, 0, 10); /* one byte in common */
  assert_int_equal(qp_sendings_most(&s, 100), 3);
  qp_sendings_again(&s, 11, 29);
  assert_int_equal(qp_sendings_most(&s, 100), 3);
  qp_sendings_again(&s, 5, 40); /* spans that touch and do not */
  assert_int_equal(qp_sendings_most(&s, 100), 4);
  qp_sendings_clear(&s);
  assert_int_equal(qp_sendings_most(&s, 100), 1);
}

static void stops_counting_at_its_bound(void **state) {
  (void)state;
  struct qp_sendings s = {0};
  for (unsigned i = 1; i < QP_SENDINGS_MOST; i++) {
    qp_sendings_again(&s, 7, 7);
    assert_int_equal(qp_sendings_most(&s, 8), i + 1);
  }
  qp_sendings_again(&s, 7, 7);
  assert_int_equal(qp_sendings_most(&s, 8), QP_SENDINGS_MOST);
  qp_sendings_clear(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_the_byte_sent_most_often),
      cmocka_unit_test(stops_counting_at_its_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
