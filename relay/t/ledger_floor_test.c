/* The ledger's floor waits for nobody for ever: neither for an ACK that nobody asked for, nor for a
 * record that does not come. */
#include "relay/t/ledger_owner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void unasked_numbers_are_not_lost_by_threshold(void **state) {
  struct owner *o = *state;

  owner_enter_unasked(o, 0);
  owner_enter_all(o, 1, 100, LEDGER_FAST, 0);
  owner_ack(o, 1, 100, 10 * MS);
  owner_fate(o, 0, 0, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_floor(o->ledger), 0);
  assert_int_equal(ledger_inflight(o->ledger), 0);
  owner_ack(o, 0, 100, 11 * MS);
  owner_fate(o, 0, 0, LEDGER_ACKED);
  assert_int_equal(ledger_floor(o->ledger), 101);
}

static void unasked_number_is_given_up_by_distance(void **state) {
  struct owner *o = *state;

  owner_enter_unasked(o, 0);
  owner_enter_all(o, 1, LEDGER_PATIENCE + 1, LEDGER_FAST, 0);
  owner_ack(o, 1, LEDGER_PATIENCE, 10 * MS);
  owner_fate(o, 0, 0, LEDGER_OUTSTANDING);
  owner_ack(o, 1, LEDGER_PATIENCE + 1, 10 * MS);
  owner_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(ledger_floor(o->ledger), LEDGER_PATIENCE + 2);
  owner_ack(o, 0, LEDGER_PATIENCE + 1, 11 * MS);
  assert_int_equal(o->n_spurious[0], 1);
}

static void unasked_number_is_given_up_by_time(void **state) {
  struct owner *o = *state;
  uint64_t due;

  owner_enter_unasked(o, 0);
  owner_enter_all(o, 1, 5, LEDGER_FAST, 0);
  owner_ack(o, 1, 5, 40 * MS);
  due = ledger_deadline(o->ledger); /* 3 * (40 + 4 * 20 + 25) ms */
  assert_int_equal(due, 435 * MS);
  ledger_expiry(o->ledger, due - 1);
  owner_fate(o, 0, 0, LEDGER_OUTSTANDING);
  ledger_expiry(o->ledger, due);
  owner_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(o->probe_calls, 0);
  assert_int_equal(ledger_floor(o->ledger), 6);
}

static void unasked_numbers_above_all_acks(void **state) {
  struct owner *o = *state;
  struct ledger_number n = owner_number(0, LEDGER_OWN, 0);

  n.ack_eliciting = false;
  for (; n.pn < LEDGER_UNASKED; n.pn++)
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX); /* a few may wait */
  for (; n.pn < 2 * LEDGER_UNASKED; n.pn++)
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
  assert_int_equal(ledger_deadline(o->ledger), 975 * MS); /* 3 PTO */
  ledger_expiry(o->ledger, 975 * MS);
  assert_int_equal(ledger_floor(o->ledger), LEDGER_UNASKED);
  owner_fate(o, 0, LEDGER_UNASKED - 1, LEDGER_LOST);
}

static void missing_record_by_time(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_enter_all(o, 3, 9, LEDGER_FAST, 7 * MS);
  owner_ack(o, 3, 9, 40 * MS);
  owner_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(ledger_floor(o->ledger), 1);
  assert_int_equal(ledger_deadline(o->ledger), 7 * MS + LEDGER_RECORD_WAIT_NS);
  ledger_expiry(o->ledger, 7 * MS + LEDGER_RECORD_WAIT_NS);
  assert_int_equal(ledger_missing(o->ledger), 2);
  assert_int_equal(ledger_floor(o->ledger), 10);
  /* It comes after all: not in flight any more, its data goes out again. */
  owner_enter(o, 2, LEDGER_FAST, 6 * MS);
  owner_fate(o, 2, 2, LEDGER_LOST);
  assert_int_equal(ledger_missing(o->ledger), 1);
  assert_int_equal(ledger_inflight(o->ledger), 0);
}

static void missing_record_by_distance(void **state) {
  struct owner *o = *state;
  struct ledger_number n;

  owner_enter_all(o, 2, LEDGER_PATIENCE + 2, LEDGER_FAST, 0);
  owner_ack(o, 1, LEDGER_PATIENCE, 10 * MS); /* 1 is acknowledged, its record has not come */
  assert_int_equal(ledger_floor(o->ledger), 0);
  owner_ack(o, 1, LEDGER_PATIENCE + 2, 10 * MS);
  assert_int_equal(ledger_missing(o->ledger), 2);
  assert_int_equal(ledger_floor(o->ledger), LEDGER_PATIENCE + 3);
  n = owner_number(0, LEDGER_FAST, 0); /* its slot is gone, but it is no second use */
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
  owner_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(ledger_missing(o->ledger), 1);
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, EEXIST);
}

static void acked_missing_record_in_the_table(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_enter_all(o, 3, 9, LEDGER_FAST, 2000 * MS);
  owner_ack(o, 2, 9, 2010 * MS);
  owner_enter(o, 1, LEDGER_FAST, 1999 * MS);
  ledger_expiry(o->ledger, 2950 * MS);
  owner_fate(o, 0, 1, LEDGER_LOST); /* a fresh loss keeps the table from moving on */
  ledger_expiry(o->ledger, 2000 * MS + LEDGER_RECORD_WAIT_NS);
  assert_int_equal(ledger_missing(o->ledger), 1);
  assert_int_equal(ledger_floor(o->ledger), 10);
  owner_enter(o, 2, LEDGER_FAST, 1999 * MS);
  assert_int_equal(ledger_missing(o->ledger), 0);
  owner_fate(o, 2, 2, LEDGER_ACKED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      OWNER_TEST(unasked_numbers_are_not_lost_by_threshold),
      OWNER_TEST(unasked_number_is_given_up_by_distance),
      OWNER_TEST(unasked_number_is_given_up_by_time),
      OWNER_TEST(unasked_numbers_above_all_acks),
      OWNER_TEST(missing_record_by_time),
      OWNER_TEST(missing_record_by_distance),
      OWNER_TEST(acked_missing_record_in_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
