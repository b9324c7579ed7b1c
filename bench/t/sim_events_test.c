/* One order for all: by time, then by when it was put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/sim/draw.h"
#include "bench/sim/events.h"

#define MANY 5000

static void nothing(void *self, void *data, uint64_t now_ns) {
  (void)self;
  (void)data;
  (void)now_ns;
}

static void order_is_total(void **state) {
  (void)state;
  struct events events = {0};
  struct draw draw = draw_open(1, "test", "events");
  uint64_t at = 0, order = 0;
  assert_true(events_next(&events) == UINT64_MAX);
  for (int i = 0; i < MANY; i++) {
    const uint64_t when = draw_below(&draw, 100); /* many at one time */
    events_put(&events, when, nothing, NULL, NULL);
  }
  for (int i = 0; i < MANY; i++) {
    const struct event event = events_take(&events);
    assert_true(event.at_ns > at || (event.at_ns == at && (i == 0 || event.order > order)));
    at = event.at_ns;
    order = event.order;
  }
  assert_int_equal(events.n, 0);
  events_free(&events);
}

static void streams_do_not_disturb_each_other(void **state) {
  (void)state;
  struct draw a = draw_open(7, "wake", "sub[0]"), same = draw_open(7, "wake", "sub[0]");
  struct draw other = draw_open(7, "wake", "sub[1]"), seed = draw_open(8, "wake", "sub[0]");
  struct draw what = draw_open(7, "random", "sub[0]");
  int equal = 0;
  for (int i = 0; i < 100; i++) {
    const uint64_t value = draw_below(&a, UINT64_MAX);
    assert_true(value == draw_below(&same, UINT64_MAX));
    equal += value == draw_below(&other, UINT64_MAX);
    equal += value == draw_below(&seed, UINT64_MAX);
    equal += value == draw_below(&what, UINT64_MAX);
  }
  assert_int_equal(equal, 0);
}

static void bytes_do_not_depend_on_pieces(void **state) {
  (void)state;
  struct draw whole = draw_open(1, "test", "bytes"), pieces = whole;
  uint8_t a[24], b[24];
  draw_bytes(&whole, a, 24);
  for (int i = 0; i < 3; i++)
    draw_bytes(&pieces, b + (size_t)i * 8, 8);
  assert_memory_equal(a, b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(order_is_total),
                                     cmocka_unit_test(streams_do_not_disturb_each_other),
                                     cmocka_unit_test(bytes_do_not_depend_on_pieces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
