/* One order for all: by time, then by when it was put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/sim/draw.h"
#include "bench/sim/events.h"

#define MANY   5000
#define ALARMS 40

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

/* Events and alarms as a walk over all of them sees them. */
struct walk {
  struct events events;
  struct alarm alarms[ALARMS];
  uint64_t puts[MANY]; /* times of events by their order; UINT64_MAX: an alarm's, or taken */
  size_t waiting;      /* events that were not taken */
};

static void do_something(struct walk *w, struct draw *draw) {
  struct alarm *alarm = &w->alarms[draw_below(draw, ALARMS)];
  const uint64_t at = draw_below(draw, 1000), order = w->events.order;
  switch (draw_below(draw, 3)) {
  case 0:
    events_put(&w->events, at, nothing, NULL, NULL);
    w->puts[order] = at;
    w->waiting++;
    break;
  case 1:
    events_clear_alarm(&w->events, alarm);
    break;
  default:
    events_set_alarm(&w->events, alarm, at);
    assert_int_equal(alarm->at_ns, at);
    assert_int_equal(alarm->order, order);
    break;
  }
}

static struct event find_first(const struct walk *w) {
  struct event first = {.at_ns = UINT64_MAX};
  size_t set = 0;
  for (uint64_t k = 0; k < w->events.order; k++)
    if (w->puts[k] < first.at_ns)
      first = (struct event){.at_ns = w->puts[k], .order = k};
  for (size_t k = 0; k < ALARMS; k++) {
    const struct alarm *alarm = &w->alarms[k];
    set += alarm->place != 0;
    if (alarm->place != 0 &&
        (alarm->at_ns < first.at_ns || (alarm->at_ns == first.at_ns && alarm->order < first.order)))
      first = (struct event){.at_ns = alarm->at_ns, .order = alarm->order, .self = alarm->self};
  }
  assert_int_equal(w->events.n, w->waiting);
  assert_int_equal(w->events.n_alarms, set);
  return first;
}

static void alarms_ring_once_and_in_order(void **state) {
  (void)state;
  static struct walk w;
  struct draw draw = draw_open(1, "test", "alarms");
  size_t rang = 0;
  for (size_t i = 0; i < ALARMS; i++)
    w.alarms[i] = (struct alarm){.call = nothing, .self = &w.alarms[i]};
  memset(w.puts, 0xff, sizeof w.puts);
  for (size_t i = 0; i < MANY; i++) {
    do_something(&w, &draw);
    const struct event first = find_first(&w);
    assert_true(events_next(&w.events) == first.at_ns);
    if (first.at_ns == UINT64_MAX || draw_below(&draw, 2) == 0)
      continue;
    const struct event event = events_take(&w.events);
    assert_true(event.at_ns == first.at_ns && event.order == first.order);
    assert_ptr_equal(event.self, first.self);
    if (event.self != NULL) {
      assert_int_equal(((struct alarm *)event.self)->place, 0);
      rang++;
    } else {
      w.puts[event.order] = UINT64_MAX;
      w.waiting--;
    }
  }
  assert_true(rang > 100);
  events_free(&w.events);
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
                                     cmocka_unit_test(alarms_ring_once_and_in_order),
                                     cmocka_unit_test(streams_do_not_disturb_each_other),
                                     cmocka_unit_test(bytes_do_not_depend_on_pieces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
