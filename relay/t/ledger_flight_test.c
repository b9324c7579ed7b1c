/* What is in flight on which path: bytes of all that elicits an ACK, whoever sent it, and what
 * a new path and persistent congestion change. */
#include "relay/t/ledger_owner.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- whose bytes ---- */

static void everybody_is_in_flight(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_OWN, 0);
  owner_enter_unasked(o, 1); /* an ACK */
  owner_enter(o, 2, LEDGER_BURNED, 0);
  owner_enter(o, 3, LEDGER_FAST, 0);
  owner_enter(o, 4, LEDGER_SLOW, 0);
  owner_enter(o, 5, LEDGER_PROBE, 0);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 4000);
  assert_int_equal(ledger_inflight(o->ledger), 3); /* of ours */
  owner_ack(o, 0, 1, 10 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 3000);
}

static void own_numbers_are_lost_by_threshold(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_OWN, 0);
  owner_enter_unasked(o, 1);
  for (uint64_t pn = 2; pn < 6; pn++)
    owner_enter(o, pn, LEDGER_FAST, 0);
  owner_ack(o, 2, 5, 10 * MS);
  assert_int_equal(ledger_memory(o->ledger), 0); /* an ACK of it may come */
  assert_int_equal(o->n_settled[0], 1);
  assert_int_equal(o->settled[0].fate, LEDGER_LOST);
  assert_int_equal(o->n_settled[1], 0);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  owner_ack(o, 0, 5, 11 * MS);
  assert_int_equal(o->spurious_calls, 1);
  assert_int_equal(o->spurious_old, 0);
  assert_int_equal(ledger_floor(o->ledger), 6);
}

/* ---- a new path ---- */

static void old_numbers_leave_the_flight(void **state) {
  struct owner *o = *state;

  for (uint64_t pn = 0; pn < 6; pn++)
    owner_enter(o, pn, pn == 1 ? LEDGER_OWN : LEDGER_FAST, 0);
  owner_ack(o, 0, 0, 10 * MS);
  ledger_new_path(o->ledger, 7, 333 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  assert_int_equal(ledger_inflight(o->ledger), 4); /* their data is still owed */
  owner_enter(o, 6, LEDGER_FAST, 9 * MS);          /* its record came late */
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  owner_enter(o, 7, LEDGER_FAST, 20 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 1000);
  owner_ack(o, 4, 5, 30 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 1000);
  assert_int_equal(o->settled[5].fate, LEDGER_ACKED);
  assert_true(o->settled[5].other_path);
  assert_int_equal(o->settled[2].fate, LEDGER_LOST);
  assert_true(o->settled[2].other_path);
  owner_ack(o, 7, 7, 60 * MS);
  assert_false(o->settled[7].other_path);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  owner_ack(o, 2, 2, 61 * MS);
  assert_int_equal(o->spurious_old, 1);
  assert_int_equal(o->spurious_calls, 1);
}

static void aside(void **state) {
  struct owner *o = *state;

  for (uint64_t pn = 0; pn < 3; pn++)
    owner_enter(o, pn, LEDGER_OWN, 0);
  ledger_aside(o->ledger, 1);
  ledger_aside(o->ledger, 1);
  ledger_aside(o->ledger, 3); /* not entered */
  assert_int_equal(ledger_inflight_bytes(o->ledger), 2000);
  owner_ack(o, 0, 1, 10 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0); /* the largest is no sample */
  assert_true(o->settled[1].other_path);
  assert_false(o->settled[0].other_path);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 1000);
}

static void old_numbers_are_no_samples(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_enter(o, 1, LEDGER_FAST, 0);
  owner_ack(o, 0, 0, 10 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 10 * MS);
  ledger_new_path(o->ledger, 2, 333 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  owner_enter(o, 2, LEDGER_FAST, 20 * MS);
  owner_ack(o, 1, 1, 30 * MS); /* over which path does not matter */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  owner_ack(o, 2, 2, 90 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 70 * MS);
}

/* The loss timer set with the short round trip of the old path does not strike on the new one. */
static void loss_timer_follows(void **state) {
  struct owner *o = *state;

  for (uint64_t pn = 0; pn < 3; pn++)
    owner_enter(o, pn, LEDGER_FAST, 0);
  owner_ack(o, 0, 0, 8 * MS);
  owner_ack(o, 2, 2, 8 * MS);
  assert_int_equal(ledger_deadline(o->ledger), 9 * MS);
  ledger_new_path(o->ledger, 3, 320 * MS);
  assert_int_equal(ledger_deadline(o->ledger), 360 * MS);
}

/* ---- probes ---- */

static void ngtcp2_probes_put_ours_off(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_ack(o, 0, 0, 40 * MS);
  owner_enter(o, 1, LEDGER_FAST, 100 * MS);
  assert_int_equal(ledger_deadline(o->ledger), (100 + 40 + 80 + 25) * MS);
  owner_enter(o, 2, LEDGER_OWN, 200 * MS);
  assert_int_equal(ledger_deadline(o->ledger), (200 + 40 + 80 + 25) * MS);
  assert_true(ledger_may_probe(o->ledger, 345 * MS));
  ledger_expiry(o->ledger, 345 * MS);
  assert_false(ledger_may_probe(o->ledger, 345 * MS));
  assert_false(ledger_may_probe(o->ledger, (345 + 2 * 145) * MS - 1));
  assert_true(ledger_may_probe(o->ledger, (345 + 2 * 145) * MS));
}

/* ---- persistent congestion ---- */

/* 20 ms of ACK delay off 60 would be less than the least round trip, which is 50 now, not 10. */
static void least_round_trip_is_forgotten(void **state) {
  struct owner *o = *state;
  struct shim_range range = {2, 2};

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_ack(o, 0, 0, 10 * MS);
  owner_enter(o, 1, LEDGER_FAST, 100 * MS);
  owner_ack(o, 1, 1, 150 * MS);
  ledger_forget_min_rtt(o->ledger);
  uint64_t before = ledger_smoothed_rtt(o->ledger);
  owner_enter(o, 2, LEDGER_FAST, 200 * MS);
  ledger_ack(o->ledger, &range, 1, 20 * MS / 8000, 260 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), (7 * before + 60 * MS) / 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      OWNER_TEST(everybody_is_in_flight),       OWNER_TEST(own_numbers_are_lost_by_threshold),
      OWNER_TEST(old_numbers_leave_the_flight), OWNER_TEST(aside),
      OWNER_TEST(old_numbers_are_no_samples),   OWNER_TEST(loss_timer_follows),
      OWNER_TEST(ngtcp2_probes_put_ours_off),   OWNER_TEST(least_round_trip_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
