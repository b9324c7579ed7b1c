/* Bursts (Gilbert-Elliott): exact lengths for a seed, and that walking back from
 * packet N finds what walking on from packet 0 finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/fate/fate.h"

#define N 100000u

static const struct fate_packet full = {.len = 1228, .payload_len = 1200};

static struct fate_params burst(uint32_t enter_ppm, uint32_t leave_ppm, uint32_t loss_ppm) {
  return (struct fate_params){.burst = true,
                              .burst_enter_ppm = enter_ppm,
                              .burst_leave_ppm = leave_ppm,
                              .burst_loss_ppm = loss_ppm};
}

static struct fate_link opened(struct fate_params params) {
  struct fate_link link;
  assert_null(fate_link_open(&link, 7, "relay", "sub[0]", &params, NULL, 0));
  return link;
}

struct lengths {
  unsigned packets, bursts, longest, ones;
};

/* Of all bursts that end within N packets; packets counts the last one too. */
static struct lengths measure(struct fate_params params) {
  struct fate_link link = opened(params);
  struct lengths all = {0};
  unsigned length = 0;
  for (unsigned i = 0; i < N; i++) {
    if (fate_decide(&link, &full, 0).drop == FATE_DROP_BURST) {
      all.packets++;
      length++;
    } else if (length > 0) {
      all.bursts++;
      all.ones += length == 1;
      all.longest = length > all.longest ? length : all.longest;
      length = 0;
    }
  }
  return all;
}

/* Figures of a second implementation, in another language. The mean length is
 * near 1 / leave: 3.31 for 3.33, 1.25 for 1.25, 21.8 for 20. */
static void lengths_for_a_seed(void **state) {
  (void)state;
  static const struct {
    uint32_t enter_ppm, leave_ppm;
    struct lengths expected;
  } cases[] = {
      {10000, 300000, {3097, 935, 25, 278}},
      {700000, 800000, {46557, 37191, 7, 29697}},
      {5000, 50000, {9247, 425, 158, 17}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct lengths found = measure(burst(cases[i].enter_ppm, cases[i].leave_ppm, FATE_PPM));
    assert_int_equal(found.packets, cases[i].expected.packets);
    assert_int_equal(found.bursts, cases[i].expected.bursts);
    assert_int_equal(found.longest, cases[i].expected.longest);
    assert_int_equal(found.ones, cases[i].expected.ones);
  }
}

static void not_all_of_a_burst_is_lost(void **state) {
  (void)state;
  assert_int_equal(measure(burst(10000, 300000, 500000)).packets, 1554);
  assert_int_equal(measure(burst(10000, 300000, 0)).packets, 0);
}

static void ends_of_the_range(void **state) {
  (void)state;
  assert_int_equal(measure(burst(0, 0, FATE_PPM)).packets, 0);
  assert_int_equal(measure(burst(0, FATE_PPM, FATE_PPM)).packets, 0);
  assert_int_equal(measure(burst(FATE_PPM, 0, FATE_PPM)).packets, N);
  struct lengths turns = measure(burst(FATE_PPM, FATE_PPM, FATE_PPM));
  assert_int_equal(turns.packets, N / 2);
  assert_int_equal(turns.ones, N / 2);
  struct lengths single = measure(burst(10000, FATE_PPM, FATE_PPM));
  assert_int_equal(single.longest, 1);
  struct fate_params off = burst(FATE_PPM, 0, FATE_PPM);
  off.burst = false;
  assert_int_equal(measure(off).packets, 0);
}

static void walking_back_agrees(void **state) {
  (void)state;
  static const uint32_t shares[][2] = {{10000, 300000},      {300000, 10000},  {5000, 50000},
                                       {700000, 800000},     {999000, 998000}, {1000, 0},
                                       {FATE_PPM, FATE_PPM}, {FATE_PPM, 1000}, {500000, 500000}};
  for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
    struct fate_link on = opened(burst(shares[k][0], shares[k][1], FATE_PPM));
    const struct fate_link back = on;
    for (unsigned i = 0; i < 3000; i++)
      if (fate_decide(&on, &full, 0).drop != fate_at(&back, i).drop)
        fail_msg("enter %u leave %u: packet %u differs", shares[k][0], shares[k][1], i);
  }
}

/* After `set` a packet meets what it would have met with these from the start,
 * whenever the change came. */
static void set_is_as_if_from_the_start(void **state) {
  (void)state;
  const struct fate_params first = burst(300000, 20000, FATE_PPM);
  const struct fate_params then = burst(10000, 50000, FATE_PPM);
  const struct fate_link always = opened(then);
  for (unsigned change = 0; change < 300; change += 13) {
    struct fate_link link = opened(first);
    for (unsigned i = 0; i < change; i++)
      fate_decide(&link, &full, 0);
    assert_null(fate_link_set(&link, &then, 0));
    for (unsigned i = change; i < 600; i++)
      assert_int_equal(fate_decide(&link, &full, 0).drop, fate_at(&always, i).drop);
  }
}

/* Off for a while, then on again: nothing of the old state is left. */
static void off_and_on(void **state) {
  (void)state;
  struct fate_params on = burst(10000, 50000, FATE_PPM), off = on;
  off.burst = false;
  const struct fate_link always = opened(on);
  struct fate_link link = opened(on);
  for (unsigned i = 0; i < 3000; i++) {
    if (i == 1000)
      assert_null(fate_link_set(&link, &off, 0));
    if (i == 2000)
      assert_null(fate_link_set(&link, &on, 0));
    enum fate_drop expected = i >= 1000 && i < 2000 ? FATE_PASSES : fate_at(&always, i).drop;
    assert_int_equal(fate_decide(&link, &full, 0).drop, expected);
  }
}

static void burst_is_named_before_loss(void **state) {
  (void)state;
  struct fate_params params = burst(FATE_PPM, 0, FATE_PPM);
  params.loss_ppm = FATE_PPM;
  struct fate_link link = opened(params);
  assert_int_equal(fate_decide(&link, &full, 0).drop, FATE_DROP_BURST);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lengths_for_a_seed),          cmocka_unit_test(not_all_of_a_burst_is_lost),
      cmocka_unit_test(ends_of_the_range),           cmocka_unit_test(walking_back_agrees),
      cmocka_unit_test(set_is_as_if_from_the_start), cmocka_unit_test(off_and_on),
      cmocka_unit_test(burst_is_named_before_loss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
