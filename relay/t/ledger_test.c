#include "relay/fanout/ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS   1000000ull
#define MOST 20000

/* The owner of a ledger and what it was told, by number. */
struct owner {
  struct ledger *ledger;
  struct ledger_number settled[MOST];
  struct ledger_piece first_piece[MOST];
  unsigned n_settled[MOST], n_spurious[MOST];
  unsigned settled_calls, spurious_calls, probe_calls, probes;
  uint64_t next, probe_ns;
  bool enter_probes;
};

static void on_settled(void *arg, const struct ledger_number *number) {
  struct owner *o = arg;

  assert_true(number->pn < MOST);
  assert_int_not_equal(number->fate, LEDGER_OUTSTANDING);
  o->settled[number->pn] = *number;
  if (number->n_pieces)
    o->first_piece[number->pn] = number->pieces[number->n_pieces - 1];
  o->n_settled[number->pn]++;
  o->settled_calls++;
}

static void on_spurious(void *arg, const struct ledger_number *number) {
  struct owner *o = arg;

  assert_int_equal(number->fate, LEDGER_ACKED);
  o->n_spurious[number->pn]++;
  o->spurious_calls++;
}

static void on_probe(void *arg, unsigned count) {
  struct owner *o = arg;

  o->probe_calls++;
  o->probes += count;
  while (o->enter_probes && count--) {
    struct ledger_number n = {.pn = o->next++,
                              .origin = LEDGER_PROBE,
                              .sent_ns = o->probe_ns,
                              .bytes = 30,
                              .ack_eliciting = true};
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
  }
}

static const struct ledger_ops ops = {
    .settled = on_settled, .spurious = on_spurious, .probe = on_probe};

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

static struct ledger_number number(uint64_t pn, enum ledger_origin origin, uint64_t sent_ns) {
  const bool eliciting = origin != LEDGER_BURNED;

  return (struct ledger_number){.pn = pn,
                                .own = pn,
                                .origin = origin,
                                .sent_ns = sent_ns,
                                .bytes = 1000,
                                .ack_eliciting = eliciting};
}

static void enter(struct owner *o, uint64_t pn, enum ledger_origin origin, uint64_t sent_ns) {
  struct ledger_number n = number(pn, origin, sent_ns);

  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

/* One of ngtcp2's that asks for no ACK. */
static void enter_unasked(struct owner *o, uint64_t pn) {
  struct ledger_number n = number(pn, LEDGER_OWN, 0);

  n.ack_eliciting = false;
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

static void enter_all(struct owner *o, uint64_t lo, uint64_t hi, enum ledger_origin origin,
                      uint64_t sent_ns) {
  for (uint64_t pn = lo; pn <= hi; pn++)
    enter(o, pn, origin, sent_ns);
}

static void ack(struct owner *o, uint64_t lo, uint64_t hi, uint64_t now_ns) {
  struct shim_range range = {lo, hi};

  ledger_ack(o->ledger, &range, 1, 0, now_ns);
}

static void assert_fate(const struct owner *o, uint64_t lo, uint64_t hi, enum ledger_fate fate) {
  for (uint64_t pn = lo; pn <= hi; pn++) {
    assert_int_equal(o->n_settled[pn], fate != LEDGER_OUTSTANDING);
    assert_int_equal(o->settled[pn].fate, fate);
  }
}

/* ---- entering and settling ---- */

static void sent_and_acknowledged(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 9, LEDGER_FAST, 0);
  assert_int_equal(ledger_inflight(o->ledger), 10);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 10000);
  assert_true(ledger_largest_acked(o->ledger) == UINT64_MAX);
  ack(o, 0, 4, 50 * MS);
  assert_fate(o, 0, 4, LEDGER_ACKED);
  assert_fate(o, 5, 9, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_floor(o->ledger), 5);
  assert_int_equal(ledger_inflight(o->ledger), 5);
  ack(o, 0, 9, 60 * MS); /* what is told again changes nothing */
  assert_int_equal(o->settled_calls, 10);
  assert_int_equal(ledger_floor(o->ledger), 10);
  assert_int_equal(ledger_inflight_bytes(o->ledger), 0);
  assert_int_equal(ledger_largest_acked(o->ledger), 9);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX);
}

static void number_used_twice_is_refused(void **state) {
  struct owner *o = *state;
  struct ledger_number n;

  enter_all(o, 0, 5, LEDGER_FAST, 0);
  n = number(3, LEDGER_SLOW, 1 * MS);
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, EEXIST);
  assert_int_equal(ledger_inflight(o->ledger), 6);
  ack(o, 0, 5, 10 * MS); /* the table begins with 6 now */
  errno = 0;
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, EEXIST);
  assert_int_equal(o->settled_calls, 6);
}

static void what_is_too_much_is_refused(void **state) {
  struct owner *o = *state;
  struct ledger_number n = number(1ull << 40, LEDGER_FAST, 0);
  static struct ledger_piece piece[32769];

  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, ERANGE);
  ack(o, 1ull << 50, 1ull << 51, 1); /* a wild ACK takes no memory */
  assert_int_equal(o->settled_calls, 0);
  n = number(0, LEDGER_FAST, 0);
  n.pieces = piece;
  n.n_pieces = 32769;
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, ERANGE);
  n.n_pieces = 32768;
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

static void ack_before_the_record(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_FAST, 0);
  ack(o, 0, 3, 40 * MS);
  assert_int_equal(o->settled_calls, 1);
  assert_int_equal(ledger_floor(o->ledger), 1);
  enter(o, 2, LEDGER_FAST, 1 * MS);
  assert_fate(o, 2, 2, LEDGER_ACKED);
  assert_int_equal(o->settled[2].fate_ns, 40 * MS);
  enter(o, 1, LEDGER_SLOW, 1 * MS);
  assert_int_equal(ledger_floor(o->ledger), 3);
  enter(o, 3, LEDGER_BURNED, 1 * MS); /* acknowledged all the same: the owner sees it */
  assert_fate(o, 1, 3, LEDGER_ACKED);
  assert_int_equal(ledger_inflight(o->ledger), 0);
  assert_int_equal(ledger_floor(o->ledger), 4);
}

static void failed_copies(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 1, LEDGER_FAST, 0);
  ledger_failed(o->ledger, 1, 2 * MS);
  assert_fate(o, 1, 1, LEDGER_NEVER_SENT);
  assert_int_equal(ledger_inflight(o->ledger), 1);
  ledger_failed(o->ledger, 2, 3 * MS); /* before its number */
  assert_int_equal(o->n_settled[2], 0);
  enter(o, 2, LEDGER_FAST, 1 * MS);
  assert_fate(o, 2, 2, LEDGER_NEVER_SENT);
  assert_int_equal(o->settled[2].fate_ns, 3 * MS);
  assert_int_equal(ledger_inflight(o->ledger), 1);
  ack(o, 0, 0, 10 * MS);
  ledger_failed(o->ledger, 0, 11 * MS); /* too late to matter */
  assert_int_equal(o->settled_calls, 3);
  assert_int_equal(ledger_floor(o->ledger), 3);
}

static void burned_numbers(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_FAST, 0);
  enter(o, 1, LEDGER_BURNED, 0);
  enter(o, 2, LEDGER_FAST, 0);
  assert_fate(o, 1, 1, LEDGER_NEVER_SENT);
  assert_int_equal(ledger_inflight(o->ledger), 2);
  ack(o, 0, 2, 10 * MS); /* a peer that acknowledges what was never sent */
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
    n = number(pn, LEDGER_FAST, pn * MS);
    n.pieces = piece;
    n.n_pieces = count;
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
    memset(piece, 0xaa, sizeof(piece));
    if (pn >= 20)
      ack(o, pn - 20, pn - 20, pn * MS); /* slots and blocks are used again */
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

  enter(o, 0, LEDGER_FAST, 0);
  enter_unasked(o, 1);
  enter(o, 2, LEDGER_PROBE, 0);
  enter(o, 4, LEDGER_FAST, 0);
  enter(o, 5, LEDGER_SLOW, 0);
  ack(o, 5, 5,
      1 * MS); /* 0, 1 and 2 are 3 or more below: 0 and 2 are lost, 1 was never in flight */
  ledger_each_outstanding(o->ledger, visit_outstanding, &seen);
  assert_int_equal(seen, 14);
}

/* ---- losses ---- */

static void packet_threshold(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 9, LEDGER_FAST, 0);
  ack(o, 4, 4, 10 * MS);
  assert_fate(o, 0, 1, LEDGER_LOST); /* 3 or more below 4 */
  assert_fate(o, 2, 3, LEDGER_OUTSTANDING);
  ack(o, 9, 9, 11 * MS);
  assert_fate(o, 2, 3, LEDGER_LOST);
  assert_fate(o, 5, 6, LEDGER_LOST);
  assert_fate(o, 7, 8, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_inflight(o->ledger), 2);
}

static void time_threshold(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 1, LEDGER_FAST, 0);
  ack(o, 1, 1, 80 * MS);
  assert_fate(o, 0, 0, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_deadline(o->ledger), 90 * MS); /* 9/8 of 80 ms */
  ledger_expiry(o->ledger, 90 * MS - 1);
  assert_int_equal(o->settled_calls, 1);
  ledger_expiry(o->ledger, 90 * MS);
  assert_fate(o, 0, 0, LEDGER_LOST);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX);
}

static void time_threshold_is_one_ms_at_least(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 1, LEDGER_FAST, 0);
  ack(o, 1, 1, MS / 100);
  assert_int_equal(ledger_deadline(o->ledger), MS);
}

static void late_record_is_watched(void **state) {
  struct owner *o = *state;

  enter(o, 9, LEDGER_FAST, 5 * MS);
  ack(o, 9, 9, 45 * MS);
  enter(o, 2, LEDGER_FAST, 4 * MS); /* far below: lost as soon as somebody looks */
  assert_true(ledger_deadline(o->ledger) <= 45 * MS);
  ledger_expiry(o->ledger, 46 * MS);
  assert_fate(o, 2, 2, LEDGER_LOST);
  enter(o, 8, LEDGER_FAST, 5 * MS); /* within the threshold: its time */
  assert_int_equal(ledger_deadline(o->ledger), 50 * MS);
}

static void spurious_loss_raises_the_threshold(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 30, LEDGER_FAST, 0);
  ack(o, 1, 9, 10 * MS);
  assert_fate(o, 0, 0, LEDGER_LOST);
  ack(o, 0, 9, 10 * MS); /* 0 came after 9: a distance of 9 */
  assert_int_equal(o->n_spurious[0], 1);
  assert_int_equal(o->n_settled[0], 1);
  ack(o, 11, 19, 10 * MS); /* 10 is 9 below: not yet lost */
  assert_fate(o, 10, 10, LEDGER_OUTSTANDING);
  ack(o, 20, 20, 10 * MS);
  assert_fate(o, 10, 10, LEDGER_LOST);
  ack(o, 0, 20, 10 * MS);
  assert_int_equal(o->n_spurious[10], 1);
  assert_int_equal(o->spurious_calls, 2);
}

static void threshold_has_a_bound(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 2000, LEDGER_FAST, 0);
  ack(o, 1, 1000, 10 * MS);
  ack(o, 0, 1000, 10 * MS);
  assert_int_equal(o->n_spurious[0], 1);
  ack(o, 1002, 1001 + LEDGER_MAX_THRESHOLD - 1, 10 * MS);
  assert_fate(o, 1001, 1001, LEDGER_OUTSTANDING);
  ack(o, 1001 + LEDGER_MAX_THRESHOLD, 1001 + LEDGER_MAX_THRESHOLD, 10 * MS);
  assert_fate(o, 1001, 1001, LEDGER_LOST);
}

/* ---- round-trip time and probes ---- */

static void rtt_samples(void **state) {
  struct owner *o = *state;
  struct shim_range r = {0, 0};

  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  enter_all(o, 0, 20, LEDGER_FAST, 0);
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
  struct ledger_number n = number(1, LEDGER_OWN, 0);

  n.ack_eliciting = false;
  enter(o, 0, LEDGER_FAST, 0);
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
  n.pn = 2;
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
  ack(o, 1, 1, 30 * MS);
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 0);
  ack(o, 0, 2, 40 * MS); /* 0 is: the sample is of the largest */
  assert_int_equal(ledger_smoothed_rtt(o->ledger), 40 * MS);
}

static void probe_timeout_backs_off(void **state) {
  struct owner *o = *state;
  /* 100 + 4 * 50 + 25 */
  const uint64_t pto = 325 * MS;

  enter(o, 0, LEDGER_FAST, 10 * MS);
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

  ack(o, 1, 1, o->probe_ns + 4 * pto + 20 * MS); /* something came: back to the start */
  assert_fate(o, 1, 1, LEDGER_ACKED);
  enter(o, 10, LEDGER_FAST, 10000 * MS);
  ack(o, 10, 10, 10040 * MS);
  enter(o, 11, LEDGER_FAST, 20000 * MS);
  assert_true(ledger_deadline(o->ledger) > 20000 * MS);
  assert_true(ledger_deadline(o->ledger) < 20000 * MS + 4 * ledger_smoothed_rtt(o->ledger));
}

static void no_probe_for_ngtcp2(void **state) {
  struct owner *o = *state;

  enter_all(o, 0, 5, LEDGER_OWN, 0);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX);
  ledger_expiry(o->ledger, 100000 * MS);
  assert_int_equal(o->probe_calls, 0);
  assert_int_equal(o->settled_calls, 0);
}

/* ---- the floor waits for nobody for ever ---- */

static void unasked_numbers_are_not_lost_by_threshold(void **state) {
  struct owner *o = *state;

  enter_unasked(o, 0);
  enter_all(o, 1, 100, LEDGER_FAST, 0);
  ack(o, 1, 100, 10 * MS);
  assert_fate(o, 0, 0, LEDGER_OUTSTANDING);
  assert_int_equal(ledger_floor(o->ledger), 0);
  assert_int_equal(ledger_inflight(o->ledger), 0);
  ack(o, 0, 100, 11 * MS);
  assert_fate(o, 0, 0, LEDGER_ACKED);
  assert_int_equal(ledger_floor(o->ledger), 101);
}

static void unasked_number_is_given_up_by_distance(void **state) {
  struct owner *o = *state;

  enter_unasked(o, 0);
  enter_all(o, 1, LEDGER_PATIENCE + 1, LEDGER_FAST, 0);
  ack(o, 1, LEDGER_PATIENCE, 10 * MS);
  assert_fate(o, 0, 0, LEDGER_OUTSTANDING);
  ack(o, 1, LEDGER_PATIENCE + 1, 10 * MS);
  assert_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(ledger_floor(o->ledger), LEDGER_PATIENCE + 2);
  ack(o, 0, LEDGER_PATIENCE + 1, 11 * MS);
  assert_int_equal(o->n_spurious[0], 1);
}

static void unasked_number_is_given_up_by_time(void **state) {
  struct owner *o = *state;
  uint64_t due;

  enter_unasked(o, 0);
  enter_all(o, 1, 5, LEDGER_FAST, 0);
  ack(o, 1, 5, 40 * MS);
  due = ledger_deadline(o->ledger); /* 3 * (40 + 4 * 20 + 25) ms */
  assert_int_equal(due, 435 * MS);
  ledger_expiry(o->ledger, due - 1);
  assert_fate(o, 0, 0, LEDGER_OUTSTANDING);
  ledger_expiry(o->ledger, due);
  assert_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(o->probe_calls, 0);
  assert_int_equal(ledger_floor(o->ledger), 6);
}

static void unasked_numbers_above_all_acks(void **state) {
  struct owner *o = *state;
  struct ledger_number n = number(0, LEDGER_OWN, 0);

  n.ack_eliciting = false;
  for (; n.pn < LEDGER_UNASKED; n.pn++)
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
  assert_true(ledger_deadline(o->ledger) == UINT64_MAX); /* a few may wait */
  for (; n.pn < 2 * LEDGER_UNASKED; n.pn++)
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
  assert_int_equal(ledger_deadline(o->ledger), 975 * MS); /* 3 PTO */
  ledger_expiry(o->ledger, 975 * MS);
  assert_int_equal(ledger_floor(o->ledger), LEDGER_UNASKED);
  assert_fate(o, 0, LEDGER_UNASKED - 1, LEDGER_LOST);
}

static void missing_record_by_time(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_FAST, 0);
  enter_all(o, 3, 9, LEDGER_FAST, 7 * MS);
  ack(o, 3, 9, 40 * MS);
  assert_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(ledger_floor(o->ledger), 1);
  assert_int_equal(ledger_deadline(o->ledger), 7 * MS + LEDGER_RECORD_WAIT_NS);
  ledger_expiry(o->ledger, 7 * MS + LEDGER_RECORD_WAIT_NS);
  assert_int_equal(ledger_missing(o->ledger), 2);
  assert_int_equal(ledger_floor(o->ledger), 10);
  /* It comes after all: not in flight any more, its data goes out again. */
  enter(o, 2, LEDGER_FAST, 6 * MS);
  assert_fate(o, 2, 2, LEDGER_LOST);
  assert_int_equal(ledger_missing(o->ledger), 1);
  assert_int_equal(ledger_inflight(o->ledger), 0);
}

static void missing_record_by_distance(void **state) {
  struct owner *o = *state;
  struct ledger_number n;

  enter_all(o, 2, LEDGER_PATIENCE + 2, LEDGER_FAST, 0);
  ack(o, 1, LEDGER_PATIENCE, 10 * MS); /* 1 is acknowledged, its record has not come */
  assert_int_equal(ledger_floor(o->ledger), 0);
  ack(o, 1, LEDGER_PATIENCE + 2, 10 * MS);
  assert_int_equal(ledger_missing(o->ledger), 2);
  assert_int_equal(ledger_floor(o->ledger), LEDGER_PATIENCE + 3);
  n = number(0, LEDGER_FAST, 0); /* its slot is gone, but it is no second use */
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
  assert_fate(o, 0, 0, LEDGER_LOST);
  assert_int_equal(ledger_missing(o->ledger), 1);
  assert_int_equal(ledger_enter(o->ledger, &n), -1);
  assert_int_equal(errno, EEXIST);
}

static void acked_missing_record_in_the_table(void **state) {
  struct owner *o = *state;

  enter(o, 0, LEDGER_FAST, 0);
  enter_all(o, 3, 9, LEDGER_FAST, 2000 * MS);
  ack(o, 2, 9, 2010 * MS);
  enter(o, 1, LEDGER_FAST, 1999 * MS);
  ledger_expiry(o->ledger, 2950 * MS);
  assert_fate(o, 0, 1, LEDGER_LOST); /* a fresh loss keeps the table from moving on */
  ledger_expiry(o->ledger, 2000 * MS + LEDGER_RECORD_WAIT_NS);
  assert_int_equal(ledger_missing(o->ledger), 1);
  assert_int_equal(ledger_floor(o->ledger), 10);
  enter(o, 2, LEDGER_FAST, 1999 * MS);
  assert_int_equal(ledger_missing(o->ledger), 0);
  assert_fate(o, 2, 2, LEDGER_ACKED);
}

static void sixty_four_ranges(void **state) {
  struct owner *o = *state;
  struct shim_range r[80];

  enter_all(o, 0, 799, LEDGER_FAST, 0);
  for (size_t i = 0; i < 80; i++)
    r[i] = (struct shim_range){(79 - i) * 10 + 5, (79 - i) * 10 + 9};
  ledger_ack(o->ledger, r, 80, 0, 20 * MS);
  for (uint64_t pn = 0; pn < 797; pn++)
    assert_fate(o, pn, pn, pn % 10 >= 5 ? LEDGER_ACKED : LEDGER_LOST);
  assert_int_equal(o->settled_calls, 800);
  ack(o, 0, 799, 21 * MS);
  assert_int_equal(o->spurious_calls, 400);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(sent_and_acknowledged),
      TEST(number_used_twice_is_refused),
      TEST(what_is_too_much_is_refused),
      TEST(ack_before_the_record),
      TEST(failed_copies),
      TEST(burned_numbers),
      TEST(pieces_are_kept),
      TEST(outstanding),
      TEST(packet_threshold),
      TEST(time_threshold),
      TEST(time_threshold_is_one_ms_at_least),
      TEST(late_record_is_watched),
      TEST(spurious_loss_raises_the_threshold),
      TEST(threshold_has_a_bound),
      TEST(rtt_samples),
      TEST(no_sample_without_ack_eliciting),
      TEST(probe_timeout_backs_off),
      TEST(no_probe_for_ngtcp2),
      TEST(unasked_numbers_are_not_lost_by_threshold),
      TEST(unasked_number_is_given_up_by_distance),
      TEST(unasked_number_is_given_up_by_time),
      TEST(unasked_numbers_above_all_acks),
      TEST(missing_record_by_time),
      TEST(missing_record_by_distance),
      TEST(acked_missing_record_in_the_table),
      TEST(sixty_four_ranges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
