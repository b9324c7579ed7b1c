/* Who sits at an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "relay/fanout/remotes.h"

static struct qc_addr at(uint32_t host, uint16_t port) {
  struct qc_addr addr = {.len = sizeof addr.in};
  addr.in.sin_family = AF_INET;
  addr.in.sin_addr.s_addr = htonl(host);
  addr.in.sin_port = htons(port);
  return addr;
}

static void everybody_is_found_where_he_is(void **state) {
  (void)state;
  enum { N = 600 };
  struct remotes remotes;
  assert_int_equal(remotes_open(&remotes, N), 0);
  for (uint32_t slot = 0; slot < N; slot++) {
    const struct qc_addr addr = at(slot / 3, (uint16_t)(slot % 3));
    remotes_set(&remotes, slot, &addr);
  }
  for (uint32_t slot = 0; slot < N; slot++) {
    const struct qc_addr addr = at(slot / 3, (uint16_t)(slot % 3));
    assert_int_equal(remotes_find(&remotes, &addr, 0, N), slot);
    assert_int_equal(remotes_find(&remotes, &addr, slot + 1, N), N);
    assert_int_equal(remotes_find(&remotes, &addr, 0, slot), slot); /* its end: not there */
  }
  const struct qc_addr nowhere = at(N, 0);
  assert_int_equal(remotes_find(&remotes, &nowhere, 0, N), N);
  remotes_close(&remotes);
}

static void two_at_one_address_and_one_that_moved(void **state) {
  (void)state;
  struct remotes remotes;
  const struct qc_addr here = at(1, 1), there = at(1, 2);
  assert_int_equal(remotes_open(&remotes, 8), 0);
  assert_int_equal(remotes_find(&remotes, &here, 0, 8), 8);
  remotes_set(&remotes, 2, &here);
  remotes_set(&remotes, 5, &here);
  assert_int_equal(remotes_find(&remotes, &here, 0, 8), 2);
  assert_int_equal(remotes_find(&remotes, &here, 3, 8), 5);
  remotes_set(&remotes, 2, &there);
  assert_int_equal(remotes_find(&remotes, &here, 0, 8), 5);
  assert_int_equal(remotes_find(&remotes, &there, 0, 8), 2);
  remotes_close(&remotes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everybody_is_found_where_he_is),
      cmocka_unit_test(two_at_one_address_and_one_that_moved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
