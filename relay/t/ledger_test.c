#include "relay/t/ledger_owner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- entering and settling ---- */

static void sent_and_acknowledged(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 9, LEDGER_FAST, 0);
  assert_int_equal(ledger_inflight(o->ledger), 10);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 10000);
  assert_true(ledger_largest_acked(o->ledger) == UINT64_MAX);
  owner_ack(o, 0, 4, 50 * MS);
  owner_fate(o, 0, 4, LEDGER_ACKED);
  owner_fate(o, 5, 9, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_floor(o->ledger), 5);
  assert_int_equal(ledger_inflight(o->ledger), 5);
  owner_ack(o, 0, 9, 60 * MS); /* what is told again changes nothing */
  assert_int_equal(o->settled_calls, 10);
  assert_int_equal(ledger_floor(o->ledger), 10);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  assert_int_equal(ledger_largest_acked(o->ledger), 9);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX);
}

static void number_used_twice_is_refused(void **state) {
  struct owner *o = *state;
  struct ledger_number n;

  owner_enter_all(o, 0, 5, LEDGER_FAST, 0);
  n = owner_number(3, LEDGER_SLOW, 1 * MS);
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, EEXIST);
  assert_int_equal(ledger_inflight(o->ledger), 6);
  owner_ack(o, 0, 5, 10 * MS); /* the table begins with 6 now */
  errno = 0;
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, EEXIST);
  assert_int_equal(o->settled_calls, 6);
}

static void what_is_too_much_is_refused(void **state) {
  struct owner *o = *state;
  struct ledger_number n = owner_number(1ull << 40, LEDGER_FAST, 0);
  static struct ledger_piece piece[32769];

  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, ERANGE);
  owner_ack(o, 1ull << 50, 1ull << 51, 1); /* a wild ACK takes no memory */
  assert_int_equal(o->settled_calls, 0);
  n = owner_number(0, LEDGER_FAST, 0);
  n.pieces = piece;
  n.n_pieces = 32769;
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, ERANGE);
  n.n_pieces = 32768;
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

static void ack_before_the_record(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_ack(o, 0, 3, 40 * MS);
  assert_int_equal(o->settled_calls, 1);
  assert_int_equal(ledger_floor(o->ledger), 1);
  owner_enter(o, 2, LEDGER_FAST, 1 * MS);
  owner_fate(o, 2, 2, LEDGER_ACKED);
  assert_int_equal(o->settled[2].fate_ns, 40 * MS);
  owner_enter(o, 1, LEDGER_SLOW, 1 * MS);
  assert_int_equal(ledger_floor(o->ledger), 3);
  owner_enter(o, 3, LEDGER_BURNED, 1 * MS); /* acknowledged all the same: the owner sees it */
  owner_fate(o, 1, 3, LEDGER_ACKED);
  assert_int_equal(ledger_inflight(o->ledger), 0);
  assert_int_equal(ledger_floor(o->ledger), 4);
}

static void failed_copies(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 1, LEDGER_FAST, 0);
  ledger_failed(o->ledger, 1, 2 * MS);
  owner_fate(o, 1, 1, LEDGER_NEVER_SENT);
  assert_int_equal(ledger_inflight(o->ledger), 1);
  ledger_failed(o->ledger, 2, 3 * MS); /* before its number */
  assert_int_equal(o->n_settled[2], 0);
  owner_enter(o, 2, LEDGER_FAST, 1 * MS);
  owner_fate(o, 2, 2, LEDGER_NEVER_SENT);
  assert_int_equal(o->settled[2].fate_ns, 3 * MS);
  assert_int_equal(ledger_inflight(o->ledger), 1);
  owner_ack(o, 0, 0, 10 * MS);
  ledger_failed(o->ledger, 0, 11 * MS); /* too late to matter */
  assert_int_equal(o->settled_calls, 3);
  assert_int_equal(ledger_floor(o->ledger), 3);
}

static void burned_numbers(void **state) {
  struct owner *o = *state;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_enter(o, 1, LEDGER_BURNED, 0);
  owner_enter(o, 2, LEDGER_FAST, 0);
  owner_fate(o, 1, 1, LEDGER_NEVER_SENT);
  assert_int_equal(ledger_inflight(o->ledger), 2);
  owner_ack(o, 0, 2, 10 * MS); /* a peer that acknowledges what was never sent */
  assert_int_equal(o->n_spurious[1], 1);
  assert_int_equal(ledger_floor(o->ledger), 3);
}

static void pieces_are_kept(void **state) {
  struct owner *o = *state;
  struct ledger_piece piece[40];
  struct ledger_number n;

  for (uint64_t pn = 0; pn < 200; pn++) {
    size_t count = pn % 41;
    for (size_t i = 0; i < count; i++)
      piece[i] = (struct ledger_piece){.kind = LEDGER_STREAM, .len = 7, .offset = pn * 100 + i};
    n = owner_number(pn, LEDGER_FAST, pn * MS);
    n.pieces = piece;
    n.n_pieces = count;
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
    memset(piece, 0xaa, sizeof(piece));
    if (pn >= 20)
      owner_ack(o, pn - 20, pn - 20, pn * MS); /* slots and blocks are used again */
  }
  for (uint64_t pn = 0; pn < 180; pn++) {
    assert_int_equal(o->settled[pn].n_pieces, pn % 41);
    if (pn % 41)
      assert_int_equal(o->first_piece[pn].offset, pn * 100 + pn % 41 - 1);
  }
}

static void visit_outstanding(void *arg, const struct ledger_number *n) {
  uint64_t *seen = arg;

  *seen = *seen * 10 + n->pn;
}

static void outstanding(void **state) {
  struct owner *o = *state;
  uint64_t seen = 0;

  owner_enter(o, 0, LEDGER_FAST, 0);
  owner_enter_unasked(o, 1);
  owner_enter(o, 2, LEDGER_PROBE, 0);
  owner_enter(o, 4, LEDGER_FAST, 0);
  owner_enter(o, 5, LEDGER_SLOW, 0);
  owner_ack(o, 5, 5,
            1 * MS); /* 0, 1 and 2 are 3 or more below: 0 and 2 are lost, 1 was never in flight */
  ledger_each_outstanding(o->ledger, visit_outstanding, &seen);
  assert_int_equal(seen, 14);
}

/* ---- losses ---- */

static void packet_threshold(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 9, LEDGER_FAST, 0);
  owner_ack(o, 4, 4, 10 * MS);
  owner_fate(o, 0, 1, LEDGER_LOST); /* 3 or more below 4 */
  owner_fate(o, 2, 3, LEDGER_OUTSTANDING);
  owner_ack(o, 9, 9, 11 * MS);
  owner_fate(o, 2, 3, LEDGER_LOST);
  owner_fate(o, 5, 6, LEDGER_LOST);
  owner_fate(o, 7, 8, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_inflight(o->ledger), 2);
}

static void time_threshold(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 1, LEDGER_FAST, 0);
  owner_ack(o, 1, 1, 80 * MS);
  owner_fate(o, 0, 0, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_deadline(o->ledger), 90 * MS); /* 9/8 of 80 ms */
  ledger_expiry(o->ledger, 90 * MS - 1);
  assert_int_equal(o->settled_calls, 1);
  ledger_expiry(o->ledger, 90 * MS);
  owner_fate(o, 0, 0, LEDGER_LOST);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX);
}

static void time_threshold_is_one_ms_at_least(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 1, LEDGER_FAST, 0);
  owner_ack(o, 1, 1, MS / 100);
  assert_int_equal(ledger_deadline(o->ledger), MS);
}

static void late_record_is_watched(void **state) {
  struct owner *o = *state;

  owner_enter(o, 9, LEDGER_FAST, 5 * MS);
  owner_ack(o, 9, 9, 45 * MS);
  owner_enter(o, 2, LEDGER_FAST, 4 * MS); /* far below: lost as soon as somebody looks */
  assert_true(ledger_deadline(o->ledger) <= 45 * MS);
  ledger_expiry(o->ledger, 46 * MS);
  owner_fate(o, 2, 2, LEDGER_LOST);
  owner_enter(o, 8, LEDGER_FAST, 5 * MS); /* within the threshold: its time */
  assert_int_equal(ledger_deadline(o->ledger), 50 * MS);
}

static void spurious_loss_raises_the_threshold(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 30, LEDGER_FAST, 0);
  owner_ack(o, 1, 9, 10 * MS);
  owner_fate(o, 0, 0, LEDGER_LOST);
  owner_ack(o, 0, 9, 10 * MS); /* 0 came after 9: a distance of 9 */
  assert_int_equal(o->n_spurious[0], 1);
  assert_int_equal(o->n_settled[0], 1);
  owner_ack(o, 11, 19, 10 * MS); /* 10 is 9 below: not yet lost */
  owner_fate(o, 10, 10, LEDGER_OUTSTANDING);
  owner_ack(o, 20, 20, 10 * MS);
  owner_fate(o, 10, 10, LEDGER_LOST);
  owner_ack(o, 0, 20, 10 * MS);
  assert_int_equal(o->n_spurious[10], 1);
  assert_int_equal(o->spurious_calls, 2);
}

static void threshold_has_a_bound(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 2000, LEDGER_FAST, 0);
  owner_ack(o, 1, 1000, 10 * MS);
  owner_ack(o, 0, 1000, 10 * MS);
  assert_int_equal(o->n_spurious[0], 1);
  owner_ack(o, 1002, 1001 + LEDGER_MAX_THRESHOLD - 1, 10 * MS);
  owner_fate(o, 1001, 1001, LEDGER_OUTSTANDING);
  owner_ack(o, 1001 + LEDGER_MAX_THRESHOLD, 1001 + LEDGER_MAX_THRESHOLD, 10 * MS);
  owner_fate(o, 1001, 1001, LEDGER_LOST);
}

static void sixty_four_ranges(void **state) {
  struct owner *o = *state;
  struct shim_range r[80];

  owner_enter_all(o, 0, 799, LEDGER_FAST, 0);
  for (size_t i = 0; i < 80; i++)
    r[i] = (struct shim_range){(79 - i) * 10 + 5, (79 - i) * 10 + 9};
  ledger_ack(o->ledger, r, 80, 0, 20 * MS);
  for (uint64_t pn = 0; pn < 797; pn++)
    owner_fate(o, pn, pn, pn % 10 >= 5 ? LEDGER_ACKED : LEDGER_LOST);
  assert_int_equal(o->settled_calls, 800);
  owner_ack(o, 0, 799, 21 * MS);
  assert_int_equal(o->spurious_calls, 400);
}

/* ---- round-trip time and probes ---- */

static void rtt_samples(void **state) {
  struct owner *o = *state;
  struct shim_range r = {0, 0};

  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  owner_enter_all(o, 0, 20, LEDGER_FAST, 0);
  ledger_ack(o->ledger, &r, 1, 1000, 40 * MS); /* the first ignores the delay */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 40 * MS);
  r.hi = 1;
  ledger_ack(o->ledger, &r, 1, 1000, 56 * MS); /* 1000 << 3 us = 8 ms */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 41 * MS);
  ledger_ack(o->ledger, &r, 1, 0, 500 * MS); /* nothing new: no sample */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 41 * MS);
  r = (struct shim_range){2, 2};
  ledger_ack(o->ledger, &r, 1, UINT64_MAX >> 2, 74 * MS); /* no more than max_ack_delay */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 42 * MS);
}

static void no_sample_without_ack_eliciting(void **state) {
  struct owner *o = *state;
  struct ledger_number n = owner_number(1, LEDGER_OWN, 0);

  n.ack_eliciting = false;
  owner_enter(o, 0, LEDGER_FAST, 0);
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
  n.pn = 2;
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
  owner_ack(o, 1, 1, 30 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  owner_ack(o, 0, 2, 40 * MS); /* 0 is: the sample is of the largest */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 40 * MS);
}

static void probe_timeout_backs_off(void **state) {
  struct owner *o = *state;
  /* 100 + 4 * 50 + 25 */
  const uint64_t pto = 325 * MS;

  owner_enter(o, 0, LEDGER_FAST, 10 * MS);
  assert_int_equal(ledger_deadline(o->ledger), 10 * MS + pto);
  ledger_expiry(o->ledger, 10 * MS + pto - 1);
  assert_int_equal(o->probe_calls, 0);
  ledger_expiry(o->ledger, 10 * MS + pto);
  assert_int_equal(o->probes, 1); /* one number in flight, one probe */
  /* Even if the owner could not send. */
  assert_int_equal(ledger_deadline(o->ledger), 10 * MS + pto + 2 * pto);

  o->enter_probes = true;
  o->next = 1;
  o->probe_ns = 10 * MS + 3 * pto;
  ledger_expiry(o->ledger, o->probe_ns);
  assert_int_equal(o->next, 2);
  assert_int_equal(ledger_inflight(o->ledger), 2);
  assert_int_equal(ledger_deadline(o->ledger), o->probe_ns + 4 * pto);
  assert_int_equal(o->settled_calls, 0); /* a PTO is no loss */
  ledger_expiry(o->ledger, o->probe_ns + 4 * pto);
  assert_int_equal(o->probes, 4);
  o->enter_probes = false;

  owner_ack(o, 1, 1, o->probe_ns + 4 * pto + 20 * MS); /* something came: back to the start */
  owner_fate(o, 1, 1, LEDGER_ACKED);
  owner_enter(o, 10, LEDGER_FAST, 10000 * MS);
  owner_ack(o, 10, 10, 10040 * MS);
  owner_enter(o, 11, LEDGER_FAST, 20000 * MS);
  assert_true(ledger_deadline(o->ledger) > 20000 * MS);
  assert_true(ledger_deadline(o->ledger) < 20000 * MS + 4 * ledger_smoothed_rtt(o->ledger));
}

static void no_probe_for_ngtcp2(void **state) {
  struct owner *o = *state;

  owner_enter_all(o, 0, 5, LEDGER_OWN, 0);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX);
  ledger_expiry(o->ledger, 100000 * MS);
  assert_int_equal(o->probe_calls, 0);
  assert_int_equal(o->settled_calls, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      OWNER_TEST(sent_and_acknowledged),
      OWNER_TEST(number_used_twice_is_refused),
      OWNER_TEST(what_is_too_much_is_refused),
      OWNER_TEST(ack_before_the_record),
      OWNER_TEST(failed_copies),
      OWNER_TEST(burned_numbers),
      OWNER_TEST(pieces_are_kept),
      OWNER_TEST(outstanding),
      OWNER_TEST(packet_threshold),
      OWNER_TEST(time_threshold),
      OWNER_TEST(time_threshold_is_one_ms_at_least),
      OWNER_TEST(late_record_is_watched),
      OWNER_TEST(spurious_loss_raises_the_threshold),
      OWNER_TEST(threshold_has_a_bound),
      OWNER_TEST(rtt_samples),
      OWNER_TEST(no_sample_without_ack_eliciting),
      OWNER_TEST(probe_timeout_backs_off),
      OWNER_TEST(no_probe_for_ngtcp2),
      OWNER_TEST(sixty_four_ranges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
