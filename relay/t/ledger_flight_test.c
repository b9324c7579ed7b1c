/* What is in flight on which path: bytes of all that elicits an ACK, whoever sent it, and what
 * a new path and persistent congestion change. */
#include "relay/fanout/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS   1000000ull
#define MOST 64

struct owner {
  struct ledger *ledger;
  struct ledger_number settled[MOST];
  unsigned n_settled[MOST], spurious_old, spurious_new;
};

static void on_settled(void *arg, const struct ledger_number *n) {
  struct owner *o = arg;

  o->settled[n->pn] = *n;
  o->n_settled[n->pn]++;
}

static void on_spurious(void *arg, const struct ledger_number *n) {
  struct owner *o = arg;

  if (n->other_path)
    o->spurious_old++;
  else
    o->spurious_new++;
}

static const struct ledger_ops ops = {.settled = on_settled, .spurious = on_spurious};

static int setup(void **state) {
  struct owner *o = calloc(1, sizeof(*o));
  const struct ledger_config config = {.ops = &ops,
                                       .arg = o,
                                       .initial_rtt_ns = 100 * MS,
                                       .max_ack_delay_ns = 25 * MS,
                                       .ack_delay_exponent = 3};

  o->ledger = ledger_new(&config);
  *state = o;
  return o->ledger ? 0 : -1;
}

static int teardown(void **state) {
  struct owner *o = *state;

  ledger_free(o->ledger);
  free(o);
  return 0;
}

static void enter(struct owner *o, uint64_t pn, enum ledger_origin origin, bool eliciting,
                  uint64_t sent_ns) {
  const struct ledger_number n = {.pn = pn,
                                  .own = pn,
                                  .origin = origin,
                                  .sent_ns = sent_ns,
                                  .bytes = 1000,
                                  .ack_eliciting = eliciting};

  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

static void ack(struct owner *o, uint64_t lo, uint64_t hi, uint64_t now_ns) {
  struct shim_range range = {lo, hi};

  ledger_ack(o->ledger, &range, 1, 0, now_ns);
}

/* ---- whose bytes ---- */

static void everybody_is_in_flight(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_OWN, true, 0);
  enter(o, 1, LEDGER_OWN, false, 0); /* an ACK */
  enter(o, 2, LEDGER_BURNED, false, 0);
  enter(o, 3, LEDGER_FAST, true, 0);
  enter(o, 4, LEDGER_SLOW, true, 0);
  enter(o, 5, LEDGER_PROBE, true, 0);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 4000);
  assert_int_equal(ledger_inflight(o->ledger), 3); /* of ours */
  ack(o, 0, 1, 10 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 3000);
}

static void own_numbers_are_lost_by_threshold(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_OWN, true, 0);
  enter(o, 1, LEDGER_OWN, false, 0);
  for (uint64_t pn = 2; pn < 6; pn++)
    enter(o, pn, LEDGER_FAST, true, 0);
  ack(o, 2, 5, 10 * MS);
  assert_int_equal(ledger_memory(o->ledger), 0); /* an ACK of it may come */
  assert_int_equal(o->n_settled[0], 1);
  assert_int_equal(o->settled[0].fate, LEDGER_LOST);
  assert_int_equal(o->n_settled[1], 0);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  ack(o, 0, 5, 11 * MS);
  assert_int_equal(o->spurious_new, 1);
  assert_int_equal(ledger_floor(o->ledger), 6);
}

/* ---- a new path ---- */

static void old_numbers_leave_the_flight(void **state) {
  struct owner *o = *state;

  for (uint64_t pn = 0; pn < 6; pn++)
    enter(o, pn, pn == 1 ? LEDGER_OWN : LEDGER_FAST, true, 0);
  ack(o, 0, 0, 10 * MS);
  ledger_new_path(o->ledger, 7, 333 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  assert_int_equal(ledger_inflight(o->ledger), 4); /* their data is still owed */
  enter(o, 6, LEDGER_FAST, true, 9 * MS);          /* its record came late */
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  enter(o, 7, LEDGER_FAST, true, 20 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 1000);
  ack(o, 4, 5, 30 * MS);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 1000);
  assert_int_equal(o->settled[5].fate, LEDGER_ACKED);
  assert_true(o->settled[5].other_path);
  assert_int_equal(o->settled[2].fate, LEDGER_LOST);
  assert_true(o->settled[2].other_path);
  ack(o, 7, 7, 60 * MS);
  assert_false(o->settled[7].other_path);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  ack(o, 2, 2, 61 * MS);
  assert_int_equal(o->spurious_old, 1);
  assert_int_equal(o->spurious_new, 0);
}

static void aside(void **state) {
  struct owner *o = *state;

  for (uint64_t pn = 0; pn < 3; pn++)
    enter(o, pn, LEDGER_OWN, true, 0);
  ledger_aside(o->ledger, 1);
  ledger_aside(o->ledger, 1);
  ledger_aside(o->ledger, 3); /* not entered */
  assert_int_equal(ledger_inflight_bytes(o->ledger), 2000);
  ack(o, 0, 1, 10 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0); /* the largest is no sample */
  assert_true(o->settled[1].other_path);
  assert_false(o->settled[0].other_path);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 1000);
}

static void old_numbers_are_no_samples(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_FAST, true, 0);
  enter(o, 1, LEDGER_FAST, true, 0);
  ack(o, 0, 0, 10 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 10 * MS);
  ledger_new_path(o->ledger, 2, 333 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  enter(o, 2, LEDGER_FAST, true, 20 * MS);
  ack(o, 1, 1, 30 * MS); /* over which path does not matter */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  ack(o, 2, 2, 90 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 70 * MS);
}

/* The loss timer set with the short round trip of the old path does not strike on the new one. */
static void loss_timer_follows(void **state) {
  struct owner *o = *state;

  for (uint64_t pn = 0; pn < 3; pn++)
    enter(o, pn, LEDGER_FAST, true, 0);
  ack(o, 0, 0, 8 * MS);
  ack(o, 2, 2, 8 * MS);
  assert_int_equal(ledger_deadline(o->ledger), 9 * MS);
  ledger_new_path(o->ledger, 3, 320 * MS);
  assert_int_equal(ledger_deadline(o->ledger), 360 * MS);
}

/* ---- probes ---- */

static void ngtcp2_probes_put_ours_off(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_FAST, true, 0);
  ack(o, 0, 0, 40 * MS);
  enter(o, 1, LEDGER_FAST, true, 100 * MS);
  assert_int_equal(ledger_deadline(o->ledger), (100 + 40 + 80 + 25) * MS);
  enter(o, 2, LEDGER_OWN, true, 200 * MS);
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

  enter(o, 0, LEDGER_FAST, true, 0);
  ack(o, 0, 0, 10 * MS);
  enter(o, 1, LEDGER_FAST, true, 100 * MS);
  ack(o, 1, 1, 150 * MS);
  ledger_forget_min_rtt(o->ledger);
  uint64_t before = ledger_smoothed_rtt(o->ledger);
  enter(o, 2, LEDGER_FAST, true, 200 * MS);
  ledger_ack(o->ledger, &range, 1, 20 * MS / 8000, 260 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), (7 * before + 60 * MS) / 8);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(everybody_is_in_flight),       TEST(own_numbers_are_lost_by_threshold),
      TEST(old_numbers_leave_the_flight), TEST(aside),
      TEST(old_numbers_are_no_samples),   TEST(loss_timer_follows),
      TEST(ngtcp2_probes_put_ours_off),   TEST(least_round_trip_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
