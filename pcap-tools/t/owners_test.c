/* Whose an address is: against a walk over all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/read/owners.h"

static struct qp_end end_of(uint8_t family, uint8_t last, uint16_t port) {
  struct qp_end end = {.family = family, .port = port};
  end.addr[family == 4 ? 3 : 15] = last;
  return end;
}

static uint32_t plain(const struct qp_end *all, size_t n, const struct qp_end *end) {
  for (size_t i = 0; i < n; i++)
    if (qp_end_equal(&all[i], end))
      return (uint32_t)(i / 2); /* two of each node */
  return QP_NOBODY;
}

static uint32_t plain_alone(const struct qp_end *all, size_t n, const struct qp_end *end) {
  uint32_t found = QP_NOBODY;
  for (size_t i = 0; i < n; i++)
    if (qp_addr_equal(&all[i], end)) {
      if (found != QP_NOBODY)
        return QP_NOBODY;
      found = (uint32_t)(i / 2);
    }
  return found;
}

/* Nodes on one host differ by the port, some share both. */
static void the_first_node_of_an_address(void **state) {
  (void)state;
  enum { N = 400 };
  static struct qp_end all[N];
  struct qp_owners owners = {0};
  for (uint32_t i = 0; i < N; i++) {
    all[i] = end_of(i % 3 ? 4 : 6, (uint8_t)(i * 37 % 150), (uint16_t)(i * 11 % 5));
    qp_owners_add(&owners, &all[i], i / 2);
  }
  qp_owners_sort(&owners);
  for (unsigned family = 4; family <= 6; family += 2)
    for (unsigned last = 0; last < 160; last++)
      for (uint16_t port = 0; port < 6; port++) {
        const struct qp_end end = end_of((uint8_t)family, (uint8_t)last, port);
        assert_int_equal(qp_owners_find(&owners, &end), plain(all, N, &end));
        assert_int_equal(qp_owners_alone(&owners, &end), plain_alone(all, N, &end));
      }
  qp_owners_clear(&owners);
}

static void nobody_owns_anything(void **state) {
  (void)state;
  struct qp_owners owners = {0};
  const struct qp_end end = end_of(4, 1, 1);
  qp_owners_sort(&owners);
  assert_int_equal(qp_owners_find(&owners, &end), QP_NOBODY);
  assert_int_equal(qp_owners_alone(&owners, &end), QP_NOBODY);
  qp_owners_clear(&owners);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_node_of_an_address),
      cmocka_unit_test(nobody_owns_anything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
