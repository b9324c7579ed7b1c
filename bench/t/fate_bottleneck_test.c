/* Rate and queue, to the nanosecond and the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/fate/bottleneck.h"

#define MS UINT64_C(1000000)

static struct fate_bottleneck at_rate(uint64_t rate_bps, uint64_t queue_bytes) {
  struct fate_bottleneck b = {0};
  fate_bottleneck_set(&b, rate_bps, queue_bytes, 0);
  return b;
}

static void leaves(struct fate_bottleneck *b, uint32_t len, uint64_t now_ns, uint64_t expected_ns) {
  uint64_t leaves_ns = 4711;
  if (!fate_bottleneck_take(b, len, now_ns, &leaves_ns))
    fail_msg("refused at %llu", (unsigned long long)now_ns);
  assert_int_equal(leaves_ns, expected_ns);
}

static void refused(struct fate_bottleneck *b, uint32_t len, uint64_t now_ns) {
  const uint64_t backlog = fate_bottleneck_backlog(b, now_ns), free_ns = b->free_ns;
  uint64_t leaves_ns = 4711;
  assert_false(fate_bottleneck_take(b, len, now_ns, &leaves_ns));
  assert_int_equal(leaves_ns, 4711);
  assert_int_equal(fate_bottleneck_backlog(b, now_ns), backlog);
  assert_int_equal(b->free_ns, free_ns);
}

static void unlimited_is_at_once(void **state) {
  (void)state;
  struct fate_bottleneck b = {0};
  for (int i = 0; i < 3; i++)
    leaves(&b, 1500, 7, 7);
  assert_int_equal(fate_bottleneck_backlog(&b, 7), 0);
}

static void packets_follow_each_other(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(20000000, 0); /* 1,250 bytes = 500 us */
  leaves(&b, 1250, 100, 500100);
  leaves(&b, 1250, 100, 1000100);
  leaves(&b, 125, 200000, 1050100);
  leaves(&b, 1250, 1050100, 1550100); /* just as it gets free */
  leaves(&b, 1250, 9 * MS, 9 * MS + 500000);
}

/* 100 bytes at 3 bit/ns and a bit: 266.67 ns each, never 267 times three. */
static void fractions_are_kept(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(3000000000, 0);
  leaves(&b, 100, 0, 267);
  leaves(&b, 100, 0, 534);
  leaves(&b, 100, 0, 800);
  leaves(&b, 100, 800, 1067); /* free at 800 exactly */
  leaves(&b, 100, 1066, 1334);
  struct fate_bottleneck seventh = at_rate(7, 0);
  uint64_t leaves_ns = 0;
  for (int i = 0; i < 7000; i++)
    assert_true(fate_bottleneck_take(&seventh, 1, 0, &leaves_ns));
  assert_int_equal(leaves_ns, UINT64_C(8000) * 1000 * MS);
}

/* An idle line forgets the fraction: nothing of it is owed. */
static void idle_starts_whole(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(3000000000, 0);
  leaves(&b, 100, 0, 267);
  leaves(&b, 100, 267, 534); /* 266 2/3 has passed */
  leaves(&b, 100, 10000, 10267);
  leaves(&b, 100, 10000, 10534);
}

static void backlog_is_what_has_not_left(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(8000000, 0); /* a byte in 1,000 ns */
  leaves(&b, 1000, 0, MS);
  leaves(&b, 500, 0, MS + 500000);
  assert_int_equal(fate_bottleneck_backlog(&b, 0), 1500);
  assert_int_equal(fate_bottleneck_backlog(&b, 1), 1500);
  assert_int_equal(fate_bottleneck_backlog(&b, 1000), 1499);
  assert_int_equal(fate_bottleneck_backlog(&b, MS), 500);
  assert_int_equal(fate_bottleneck_backlog(&b, MS + 499999), 1);
  assert_int_equal(fate_bottleneck_backlog(&b, MS + 500000), 0);
  assert_int_equal(fate_bottleneck_backlog(&b, 9 * MS), 0);
}

static void full_queue_refuses(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(8000000, 2500);
  leaves(&b, 1000, 0, MS);
  leaves(&b, 1000, 0, 2 * MS);
  refused(&b, 501, 0);
  leaves(&b, 500, 0, 2 * MS + 500000); /* full to the byte */
  refused(&b, 1, 0);
  refused(&b, 1, 999); /* a byte that is leaving still is there */
  leaves(&b, 1, 1000, 2 * MS + 501000);
  leaves(&b, 2500, 9 * MS, 11 * MS + 500000);
}

/* A queue smaller than a packet lets through what finds the line free. */
static void free_line_needs_no_room(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(8000000, 100);
  leaves(&b, 1000, 0, MS);
  refused(&b, 1000, 0);
  refused(&b, 1000, MS - 1);
  leaves(&b, 1000, MS, 2 * MS);
  leaves(&b, 50, 2 * MS - 50000, 2 * MS + 50000);
}

static void queue_without_rate_is_no_limit(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(0, 10);
  leaves(&b, 1500, 5, 5);
  leaves(&b, 1500, 5, 5);
}

/* What was promised stands, and is counted as it leaves: 2,000 bytes until 2 ms. */
static void slower_keeps_promises(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(8000000, 2500);
  leaves(&b, 1000, 0, MS);
  leaves(&b, 1000, 0, 2 * MS);
  fate_bottleneck_set(&b, 800000, 2500, 0);
  assert_int_equal(fate_bottleneck_backlog(&b, 0), 2000);
  assert_int_equal(fate_bottleneck_backlog(&b, MS), 1000);
  leaves(&b, 500, 0, 7 * MS);
  assert_int_equal(fate_bottleneck_backlog(&b, MS), 1500);
  assert_int_equal(fate_bottleneck_backlog(&b, 2 * MS), 500);
  assert_int_equal(fate_bottleneck_backlog(&b, 3 * MS), 400);
  refused(&b, 1001, MS);
  leaves(&b, 1000, MS, 17 * MS);
}

static void faster_keeps_order(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(800000, 0); /* 1,000 bytes = 10 ms */
  leaves(&b, 1000, 0, 10 * MS);
  fate_bottleneck_set(&b, 8000000, 1500, 5 * MS);
  assert_int_equal(fate_bottleneck_backlog(&b, 5 * MS), 500);
  refused(&b, 1001, 5 * MS);
  leaves(&b, 1000, 5 * MS, 11 * MS);
  fate_bottleneck_set(&b, 0, 0, 6 * MS); /* twice in one backlog, now unlimited */
  assert_int_equal(fate_bottleneck_backlog(&b, 6 * MS), 1400);
  assert_int_equal(fate_bottleneck_backlog(&b, 11 * MS), 0);
  leaves(&b, 1000, 7 * MS, 11 * MS);
  leaves(&b, 1000, 12 * MS, 12 * MS);
}

static void rounding_up_at_a_change(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(3000000000, 0);
  leaves(&b, 100, 0, 267);
  fate_bottleneck_set(&b, 8000000, 0, 0);
  leaves(&b, 1, 0, 1267);
  assert_int_equal(fate_bottleneck_backlog(&b, 266), 1 + 1);
  assert_int_equal(fate_bottleneck_backlog(&b, 267), 1);
}

/* Only the queue changes: not even the fraction is lost. */
static void same_rate_is_no_change(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(3000000000, 0);
  leaves(&b, 100, 0, 267);
  fate_bottleneck_set(&b, 3000000000, 99, 0);
  refused(&b, 1, 0);
  fate_bottleneck_set(&b, 3000000000, 0, 0);
  leaves(&b, 100, 0, 534);
  leaves(&b, 100, 0, 800);
}

static void a_fraction_of_a_byte_is_one(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(3000000000, 0);
  leaves(&b, 100, 0, 267);
  assert_int_equal(fate_bottleneck_backlog(&b, 266), 1); /* 2/3 ns are left */
  assert_int_equal(fate_bottleneck_backlog(&b, 267), 0);
  fate_bottleneck_set(&b, 8000000, 0, 0);
  assert_int_equal(fate_bottleneck_backlog(&b, 266), 1); /* 800 bits over 267 ns */
  assert_int_equal(fate_bottleneck_backlog(&b, 133), 51);
  assert_int_equal(fate_bottleneck_backlog(&b, 264), 2); /* 8.99 bits */
  assert_int_equal(fate_bottleneck_backlog(&b, 267), 0);
}

/* A bit a second, more bits than there are seconds: the end of time, no wrap. */
static void never_wraps(void **state) {
  (void)state;
  struct fate_bottleneck b = at_rate(1, 0);
  uint64_t before = 0, leaves_ns = 0;
  for (int i = 0; i < 5; i++) {
    assert_true(fate_bottleneck_take(&b, INT32_MAX, 0, &leaves_ns));
    assert_true(leaves_ns >= before);
    before = leaves_ns;
  }
  assert_int_equal(leaves_ns, UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unlimited_is_at_once),
      cmocka_unit_test(packets_follow_each_other),
      cmocka_unit_test(fractions_are_kept),
      cmocka_unit_test(idle_starts_whole),
      cmocka_unit_test(backlog_is_what_has_not_left),
      cmocka_unit_test(full_queue_refuses),
      cmocka_unit_test(free_line_needs_no_room),
      cmocka_unit_test(queue_without_rate_is_no_limit),
      cmocka_unit_test(slower_keeps_promises),
      cmocka_unit_test(faster_keeps_order),
      cmocka_unit_test(rounding_up_at_a_change),
      cmocka_unit_test(same_rate_is_no_change),
      cmocka_unit_test(a_fraction_of_a_byte_is_one),
      cmocka_unit_test(never_wraps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
