#include "relay/fanout/pacer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS     1000000ull
#define PACKET 1000ull

/* 100,000 bytes in 100 ms times 5/4: a packet of 1,000 bytes lasts 0.8 ms. */
static const struct pacer_rate rate = {.cwnd = 100000, .rtt_ns = 100 * MS};

static void ten_at_once(void **state) {
  struct pacer pacer = {0};
  (void)state;
  for (int i = 0; i < 10; i++) {
    assert_true(pacer_due(&pacer, rate, PACKET) <= 500 * MS);
    pacer_sent(&pacer, rate, PACKET, 500 * MS);
  }
  assert_int_equal(pacer_due(&pacer, rate, PACKET), 500 * MS + MS * 8 / 10);
}

static void then_one_in_its_time(void **state) {
  struct pacer pacer = {0};
  uint64_t now = 500 * MS, n = 0;
  (void)state;
  for (; now < 600 * MS; now += MS / 10) {
    while (pacer_due(&pacer, rate, PACKET) <= now) {
      pacer_sent(&pacer, rate, PACKET, now);
      n++;
    }
  }
  /* 10 and one each 0.8 ms, the last of them at 599.2 ms. */
  assert_int_equal(n, 10 + 124);
}

static void small_packets_cost_less(void **state) {
  struct pacer pacer = {0};
  (void)state;
  pacer_sent(&pacer, rate, 10000, 500 * MS);
  uint64_t after_large = pacer_due(&pacer, rate, PACKET);
  pacer_sent(&pacer, rate, 100, 500 * MS);
  assert_int_equal(pacer_due(&pacer, rate, PACKET), after_large + MS * 8 / 100);
}

static void silence_saves_no_more_than_a_burst(void **state) {
  struct pacer pacer = {0};
  (void)state;
  pacer_sent(&pacer, rate, PACKET, 1 * MS);
  for (int i = 0; i < 10; i++)
    pacer_sent(&pacer, rate, PACKET, 9000 * MS);
  assert_true(pacer_due(&pacer, rate, PACKET) > 9000 * MS);
}

static void no_round_trip_known(void **state) {
  struct pacer pacer = {0};
  const struct pacer_rate unknown = {.cwnd = 100000};
  (void)state;
  for (int i = 0; i < 100; i++) {
    assert_true(pacer_due(&pacer, unknown, PACKET) <= 5 * MS);
    pacer_sent(&pacer, unknown, PACKET, 5 * MS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_at_once),
      cmocka_unit_test(then_one_in_its_time),
      cmocka_unit_test(small_packets_cost_less),
      cmocka_unit_test(silence_saves_no_more_than_a_burst),
      cmocka_unit_test(no_round_trip_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
