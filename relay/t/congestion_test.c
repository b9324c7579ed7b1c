/* Hand-computed vectors of RFC 9002 section 7 and RFC 9438. A packet has 1,000 bytes
 * unless said otherwise, so that a window in packets is easily read. */
#include "relay/fanout/congestion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS     1000000ull
#define SECOND 1000000000ull
#define PACKET 1200ull
#define NEVER  UINT64_MAX

static struct congestion fresh(bool cubic) {
  struct congestion c;
  congestion_init(&c, cubic, PACKET);
  return c;
}

/* `bytes` sent at sent_ns with the window used up, acknowledged at now_ns. */
static void used_and_acked(struct congestion *c, uint64_t sent_ns, uint64_t bytes,
                           uint64_t now_ns) {
  congestion_sent(c, sent_ns, c->now.cwnd);
  congestion_acked(c, sent_ns, bytes, 50 * MS, now_ns);
}

/* In congestion avoidance with a window of `packets`, nothing in recovery after 2 s. */
static struct congestion avoiding(bool cubic, uint64_t packets) {
  struct congestion c = fresh(cubic);
  c.now.cwnd = cubic ? packets * PACKET * 10 / 7 : packets * PACKET * 2;
  congestion_acked(&c, SECOND, 0, 0, SECOND);
  congestion_lost(&c, SECOND + MS, false, NEVER, 2 * SECOND);
  return c;
}

/* ---- the start ---- */

static void initial_window(void **state) {
  struct congestion c;
  (void)state;
  congestion_init(&c, false, 1200); /* ten packets */
  assert_int_equal(c.now.cwnd, 12000);
  congestion_init(&c, false, 1452); /* 14,520 < 14,720 */
  assert_int_equal(c.now.cwnd, 14520);
  congestion_init(&c, false, 1500); /* the bound of RFC 9002 7.2 */
  assert_int_equal(c.now.cwnd, 14720);
}

static void slow_start_doubles(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  for (int round = 1; round <= 4; round++) {
    uint64_t sent = (uint64_t)round * 50 * MS, window = c.now.cwnd;
    congestion_sent(&c, sent, window);
    for (uint64_t i = 0; i < window / PACKET; i++)
      congestion_acked(&c, sent, PACKET, 50 * MS, sent + 50 * MS);
    assert_int_equal(c.now.cwnd, 2 * window);
  }
}

/* ---- application-limited ---- */

static void unused_window_stays(void **state) {
  (void)state;
  for (int cubic = 0; cubic < 2; cubic++) {
    struct congestion c = fresh(cubic);
    congestion_sent(&c, 10 * MS, c.now.cwnd / 2 - 1); /* slow start: less than half */
    congestion_acked(&c, 10 * MS, PACKET, 50 * MS, 60 * MS);
    assert_int_equal(c.now.cwnd, 12000);
    congestion_sent(&c, 70 * MS, c.now.cwnd / 2);
    congestion_acked(&c, 70 * MS, PACKET, 50 * MS, 120 * MS);
    assert_int_equal(c.now.cwnd, 13200);
    /* What was sent later than the last use does not count, what was in flight then does. */
    congestion_sent(&c, 80 * MS, PACKET);
    congestion_acked(&c, 80 * MS, PACKET, 50 * MS, 130 * MS);
    assert_int_equal(c.now.cwnd, 13200);
    congestion_acked(&c, 69 * MS, PACKET, 50 * MS, 131 * MS);
    assert_int_equal(c.now.cwnd, 14400);
  }
}

static void avoidance_needs_it_all(void **state) {
  struct congestion c = avoiding(false, 10);
  (void)state;
  congestion_sent(&c, 3 * SECOND, 9 * PACKET); /* one more packet would fit exactly */
  congestion_acked(&c, 3 * SECOND, 12000, 50 * MS, 3 * SECOND + 50 * MS);
  assert_int_equal(c.now.cwnd, 12000);
  congestion_sent(&c, 4 * SECOND, 9 * PACKET + 1);
  congestion_acked(&c, 4 * SECOND, 12000, 50 * MS, 4 * SECOND + 50 * MS);
  assert_int_equal(c.now.cwnd, 13200);
}

static void pacing_is_no_limit_of_the_application(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  congestion_sent(&c, 10 * MS, PACKET);
  congestion_sent(&c, 10 * MS, c.now.cwnd / 2 - 1); /* there is not more to send */
  congestion_acked(&c, 10 * MS, PACKET, 50 * MS, 60 * MS);
  assert_int_equal(c.now.cwnd, 12000);
  congestion_sent(&c, 70 * MS, c.now.cwnd / 2);
  congestion_acked(&c, 70 * MS, PACKET, 50 * MS, 120 * MS);
  assert_int_equal(c.now.cwnd, 13200);
}

/* ---- NewReno ---- */

static void reno_halves_once_a_round_trip(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  c.now.cwnd = 100 * PACKET;
  congestion_lost(&c, 100 * MS, false, NEVER, 200 * MS);
  assert_int_equal(c.now.cwnd, 50 * PACKET);
  assert_int_equal(c.now.ssthresh, 50 * PACKET);
  congestion_lost(&c, 150 * MS, true, NEVER, 201 * MS); /* sent before the event */
  congestion_lost(&c, 200 * MS, true, NEVER, 240 * MS);
  assert_int_equal(c.now.cwnd, 50 * PACKET);
  congestion_lost(&c, 201 * MS, true, NEVER, 300 * MS); /* sent after it */
  assert_int_equal(c.now.cwnd, 25 * PACKET);
}

static void recovery_does_not_grow(void **state) {
  (void)state;
  for (int cubic = 0; cubic < 2; cubic++) {
    struct congestion c = fresh(cubic);
    congestion_sent(&c, 100 * MS, c.now.cwnd);
    congestion_lost(&c, 100 * MS, false, NEVER, 200 * MS);
    uint64_t after = c.now.cwnd;
    assert_int_equal(after, cubic ? 8400 : 6000);
    for (int i = 0; i < 50; i++)
      used_and_acked(&c, 200 * MS, PACKET, 250 * MS);
    assert_int_equal(c.now.cwnd, after);
    for (int i = 0; i < 50; i++)
      used_and_acked(&c, 201 * MS, PACKET, 260 * MS);
    assert_true(c.now.cwnd > after);
  }
}

static void reno_adds_one_packet_a_window(void **state) {
  struct congestion c = avoiding(false, 10);
  (void)state;
  assert_int_equal(c.now.cwnd, 10 * PACKET);
  for (int i = 0; i < 9; i++)
    used_and_acked(&c, 3 * SECOND, PACKET, 3 * SECOND + 50 * MS);
  assert_int_equal(c.now.cwnd, 10 * PACKET);
  used_and_acked(&c, 3 * SECOND, PACKET, 3 * SECOND + 50 * MS);
  assert_int_equal(c.now.cwnd, 11 * PACKET);
  for (int i = 0; i < 11; i++)
    used_and_acked(&c, 4 * SECOND, PACKET, 4 * SECOND + 50 * MS);
  assert_int_equal(c.now.cwnd, 12 * PACKET);
}

static void two_packets_are_the_least(void **state) {
  (void)state;
  for (int cubic = 0; cubic < 2; cubic++) {
    struct congestion c = fresh(cubic);
    for (uint64_t i = 1; i < 30; i++)
      congestion_lost(&c, i * SECOND, false, NEVER, i * SECOND + 1);
    assert_int_equal(c.now.cwnd, 2 * PACKET);
  }
}

/* ---- persistent congestion ---- */

/* RFC 9002 7.6.3, with its figures in units of 100 ms: PTO 2, so 6 are needed; packets sent at
 * 1..8, all but the first lost, or one in between acknowledged. */
static uint64_t rfc_example(bool one_arrives, uint64_t persistent_ns) {
  struct congestion c = fresh(false);
  const uint64_t unit = 100 * MS;
  c.now.cwnd = 100 * PACKET;
  congestion_acked(&c, unit, PACKET, unit, 2 * unit - 1);
  for (uint64_t t = 2; t <= 8; t++) {
    if (one_arrives && t == 5)
      continue;
    congestion_lost(&c, t * unit, t > 2 && !(one_arrives && t == 6), persistent_ns, 13 * unit);
  }
  return c.now.cwnd;
}

static void persistent(void **state) {
  (void)state;
  assert_int_equal(rfc_example(false, 600 * MS), 2 * PACKET);
  assert_int_equal(rfc_example(false, 600 * MS + 1), 50 * PACKET);
  assert_int_equal(rfc_example(true, 600 * MS), 50 * PACKET);
}

static void not_before_the_first_sample(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  for (uint64_t t = 1; t < 100; t++)
    congestion_lost(&c, t * 100 * MS, t > 1, 600 * MS, 20 * SECOND);
  assert_int_equal(c.now.cwnd, 6000);
}

/* After the collapse: slow start up to half of what was; the same batch does not count again. */
static void after_the_collapse(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  c.now.cwnd = 100 * PACKET;
  congestion_acked(&c, 1, 0, MS, 1);
  congestion_lost(&c, 1 * SECOND, false, SECOND, 10 * SECOND);
  congestion_lost(&c, 3 * SECOND, true, SECOND, 10 * SECOND);
  congestion_lost(&c, 4 * SECOND, true, SECOND, 10 * SECOND);
  assert_int_equal(c.now.cwnd, 2 * PACKET);
  assert_int_equal(c.now.ssthresh, 50 * PACKET);
  used_and_acked(&c, 9 * SECOND, 2 * PACKET, 11 * SECOND);
  assert_int_equal(c.now.cwnd, 4 * PACKET);
}

/* ---- CUBIC ---- */

/* W_cubic(t) of RFC 9438 in packets of 1,200 bytes after an event at 1,000 packets: the window falls
 * to 700, K = cbrt(300 / 0.4) = 9.0856 s. Reno's estimate is kept out of the way. Every row:
 * seconds since the epoch, 0.4 (t - K)^3 + 1000 in bytes. */
static void cubic_follows_its_curve(void **state) {
  static const struct {
    uint64_t s, bytes;
  } row[] = {
      {1, 946266},   {2, 1029245},  {3, 1091818},  {4, 1136865},  {5, 1167265},
      {6, 1185898},  {7, 1195645},  {8, 1199385},  {9, 1199999},  {10, 1200366},
      {11, 1203367}, {12, 1211881}, {13, 1228789}, {15, 1299305},
  };
  struct congestion c = avoiding(true, 700);
  (void)state;
  assert_in_range(c.now.cwnd, 839998, 840000);
  assert_in_range(c.now.w_max, 1199998, 1200000);
  const uint64_t epoch = 3 * SECOND;
  congestion_sent(&c, epoch, c.now.cwnd);
  congestion_acked(&c, epoch, 0, 0, epoch);
  assert_in_range(c.now.k_ticks, 9302, 9304); /* 9.0856 * 1,024 = 9,303.6 */
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    /* A whole window acknowledged at a time: the window reaches its target at once. */
    uint64_t at = epoch + row[i].s * SECOND;
    c.now.w_est = 0;
    congestion_sent(&c, at, c.now.cwnd);
    congestion_acked(&c, at, c.now.cwnd, 0, at);
    assert_in_range(c.now.cwnd, row[i].bytes - 100, row[i].bytes + 100);
  }
}

static void cubic_target_is_clipped(void **state) {
  struct congestion c = avoiding(true, 70);
  (void)state;
  congestion_sent(&c, 3 * SECOND, c.now.cwnd);
  congestion_acked(&c, 3 * SECOND, 0, 0, 3 * SECOND);
  uint64_t before = c.now.cwnd;
  congestion_sent(&c, 100 * SECOND, before);
  congestion_acked(&c, 100 * SECOND, before, 0, 100 * SECOND);
  assert_int_equal(c.now.cwnd, before + before / 2);
}

/* On a short path Reno is faster: a = 9/17 of a packet a window until 100 packets, then one. */
static void cubic_is_friendly(void **state) {
  struct congestion c = avoiding(true, 70);
  (void)state;
  uint64_t from = c.now.cwnd, at = 3 * SECOND;
  for (int i = 0; i < 17; i++, at += MS)
    used_and_acked(&c, at, c.now.cwnd, at);
  assert_in_range(c.now.cwnd, from + 9 * PACKET - 20, from + 9 * PACKET);
  for (int i = 0; i < 60; i++, at += MS)
    used_and_acked(&c, at, c.now.cwnd, at);
  uint64_t high = c.now.cwnd; /* beyond 100 packets now */
  assert_true(high > 100 * PACKET);
  for (int i = 0; i < 10; i++, at += MS)
    used_and_acked(&c, at, c.now.cwnd, at);
  assert_in_range(c.now.cwnd, high + 10 * PACKET - 20, high + 10 * PACKET);
}

static void cubic_converges_fast(void **state) {
  struct congestion c = avoiding(true, 70);
  (void)state;
  assert_in_range(c.now.w_max, 100 * PACKET - 2, 100 * PACKET);
  congestion_lost(&c, 3 * SECOND, false, NEVER, 4 * SECOND); /* below the last plateau */
  assert_in_range(c.now.w_max, 70 * PACKET * 17 / 20 - 2, 70 * PACKET * 17 / 20);
  assert_in_range(c.now.cwnd, 49 * PACKET - 2, 49 * PACKET);
}

/* Ten seconds without use do not bring the window nearer to its plateau. */
static void cubic_clock_stands_when_unused(void **state) {
  struct congestion a = avoiding(true, 700), b = avoiding(true, 700);
  (void)state;
  used_and_acked(&a, 3 * SECOND, 0, 3 * SECOND);
  used_and_acked(&b, 3 * SECOND, 0, 3 * SECOND);
  uint64_t at = 4 * SECOND, later = 14 * SECOND;
  congestion_sent(&b, 3 * SECOND + MS, PACKET);
  congestion_acked(&b, 3 * SECOND + MS, PACKET, 0, at - MS);
  used_and_acked(&a, at, a.now.cwnd, at);
  used_and_acked(&b, later, b.now.cwnd, later - MS);
  assert_true(a.now.cwnd >= b.now.cwnd);
  assert_in_range(a.now.cwnd - b.now.cwnd, 0, 100); /* a millisecond of the curve */
}

/* ---- taking back ---- */

static void spurious_event_is_taken_back(void **state) {
  (void)state;
  for (int cubic = 0; cubic < 2; cubic++) {
    struct congestion c = fresh(cubic);
    congestion_lost(&c, 100 * MS, false, NEVER, 200 * MS);
    congestion_lost(&c, 101 * MS, true, NEVER, 200 * MS);
    uint64_t low = c.now.cwnd;
    congestion_spurious(&c, 100 * MS);
    assert_int_equal(c.now.cwnd, low); /* one was a real loss, as far as known */
    congestion_spurious(&c, 101 * MS);
    assert_int_equal(c.now.cwnd, 12000);
    assert_int_equal(c.now.ssthresh, UINT64_MAX);
    congestion_spurious(&c, 101 * MS); /* nothing more to take back */
    assert_int_equal(c.now.cwnd, 12000);
  }
}

/* A number of an earlier event says nothing about this one. */
static void spurious_of_an_older_event(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  congestion_lost(&c, 100 * MS, false, NEVER, 200 * MS);
  congestion_lost(&c, 300 * MS, false, NEVER, 400 * MS);
  congestion_spurious(&c, 100 * MS);
  assert_int_equal(c.now.cwnd, 3000);
  congestion_spurious(&c, 300 * MS);
  assert_int_equal(c.now.cwnd, 6000);
}

/* ---- credit ---- */

/* Three copies of 1,000 bytes, their records in late, one acknowledged: at no time is more
 * allowed than the window. */
/* Jitter makes a loss that was none, and a burst takes packets of the same flight: the event is
 * taken back before they are known to be lost, and they are one. */
static void real_loss_behind_a_spurious_one(void **state) {
  (void)state;
  for (int cubic = 0; cubic < 2; cubic++) {
    struct congestion c;
    congestion_init(&c, cubic, PACKET);
    congestion_lost(&c, 100 * MS, false, NEVER, 200 * MS);
    congestion_spurious(&c, 100 * MS);
    assert_int_equal(c.now.cwnd, 12000);
    congestion_lost(&c, 110 * MS, false, NEVER, 210 * MS);
    assert_int_equal(c.now.cwnd, cubic ? 8400 : 6000);
    congestion_lost(&c, 120 * MS, false, NEVER, 215 * MS); /* of the same event */
    assert_int_equal(c.now.cwnd, cubic ? 8400 : 6000);
  }
}

static void credit_counts_once(void **state) {
  struct congestion c = fresh(false);
  (void)state;
  assert_int_equal(congestion_credit(&c, 0, 0), 12000);
  assert_int_equal(congestion_credit(&c, 1000, 1000), 12000); /* a record does not change it */
  assert_int_equal(congestion_credit(&c, 3000, 3000), 12000);
  assert_int_equal(congestion_credit(&c, 3000, 2000), 13000); /* an ACK does */
  assert_int_equal(congestion_credit(&c, 3000, 5000), 10000); /* so does the slow path */
  assert_int_equal(congestion_credit(&c, 3000, 15001), 0);
  assert_int_equal(congestion_room(&c, 12001), 0);
  assert_int_equal(congestion_room(&c, 11000), 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(initial_window),
      cmocka_unit_test(slow_start_doubles),
      cmocka_unit_test(unused_window_stays),
      cmocka_unit_test(avoidance_needs_it_all),
      cmocka_unit_test(pacing_is_no_limit_of_the_application),
      cmocka_unit_test(reno_halves_once_a_round_trip),
      cmocka_unit_test(recovery_does_not_grow),
      cmocka_unit_test(reno_adds_one_packet_a_window),
      cmocka_unit_test(two_packets_are_the_least),
      cmocka_unit_test(persistent),
      cmocka_unit_test(not_before_the_first_sample),
      cmocka_unit_test(after_the_collapse),
      cmocka_unit_test(cubic_follows_its_curve),
      cmocka_unit_test(cubic_target_is_clipped),
      cmocka_unit_test(cubic_is_friendly),
      cmocka_unit_test(cubic_converges_fast),
      cmocka_unit_test(cubic_clock_stands_when_unused),
      cmocka_unit_test(spurious_event_is_taken_back),
      cmocka_unit_test(spurious_of_an_older_event),
      cmocka_unit_test(real_loss_behind_a_spurious_one),
      cmocka_unit_test(credit_counts_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
