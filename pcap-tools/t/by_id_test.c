/* Connection IDs as keys: against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/track/by_id.h"

/* IDs of every length that share their first bytes, and the same ID of several. */
static struct qp_cid id_of(uint32_t i) {
  struct qp_cid id = {.len = (uint8_t)(i % 21)};
  for (uint8_t at = 0; at < id.len; at++)
    id.data[at] = (uint8_t)(at + 4 < id.len ? 7 : i >> (at % 4 * 8));
  return id;
}

static uint32_t plain(const struct qp_by_id *b, uint32_t whose, const struct qp_cid *id) {
  for (size_t i = 0; i < b->n; i++)
    if (b->entries[i].whose == whose && qp_cid_equal(&b->entries[i].id, id))
      return b->entries[i].value;
  return QP_MAP_NONE;
}

static void each_is_found_under_its_own_name(void **state) {
  (void)state;
  struct qp_by_id b = {0};
  for (uint32_t i = 0; i < 2000; i++) {
    const struct qp_cid id = id_of(i);
    qp_by_id_set(&b, i % 3, &id, i);
    assert_int_equal(qp_by_id_get(&b, i % 3, &id), i);
  }
  for (uint32_t i = 0; i < 2000; i++)
    for (uint32_t whose = 0; whose < 4; whose++) {
      const struct qp_cid id = id_of(i);
      assert_int_equal(qp_by_id_get(&b, whose, &id), plain(&b, whose, &id));
    }
  qp_by_id_clear(&b);
}

static void what_is_set_again_has_the_new_value(void **state) {
  (void)state;
  struct qp_by_id b = {0};
  const struct qp_cid id = id_of(19), other = id_of(20);
  assert_int_equal(qp_by_id_get(&b, 0, &id), QP_MAP_NONE);
  qp_by_id_set(&b, 0, &id, 1);
  qp_by_id_set(&b, 0, &id, 2);
  assert_int_equal(qp_by_id_get(&b, 0, &id), 2);
  assert_int_equal(b.n, 1);
  assert_int_equal(qp_by_id_get(&b, 1, &id), QP_MAP_NONE);
  assert_int_equal(qp_by_id_get(&b, 0, &other), QP_MAP_NONE);
  qp_by_id_clear(&b);
  assert_int_equal(qp_by_id_get(&b, 0, &id), QP_MAP_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_found_under_its_own_name),
      cmocka_unit_test(what_is_set_again_has_the_new_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
