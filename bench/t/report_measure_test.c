/* The figures of a run, from objects put down by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/report/measure.h"
#include "bench/t/report_fixture.h"

#define MS UINT64_C(1000000)
enum { PUB, RELAY, SUB0, SUB1 }; /* nodes of the fixture */
enum { CHAT, VIDEO };

/* Both subscribers get both tracks; ten objects of chat, 100 ms apart, groups of five. */
struct stage {
  struct report_fixture f;
  struct plan_subscription subscriptions[2];
  int tracks[2];
  struct report_samples samples;
  struct report_object objects[32];
  struct report_sample list[128];
  struct report_start starts[8];
  struct measure m;
  struct measure_priority priorities[256];
};

static void publish(struct stage *s, int track, uint64_t group, uint64_t ms, uint64_t size,
                    uint8_t priority) {
  s->objects[s->samples.n_objects++] = (struct report_object){.track = track,
                                                              .group = group,
                                                              .published_ns = ms * MS + 1,
                                                              .size = size,
                                                              .priority = priority};
}

static void deliver(struct stage *s, int node, size_t of, uint64_t latency_ms) {
  const struct report_object *o = &s->objects[of];
  s->list[s->samples.n++] = (struct report_sample){.node = node,
                                                   .track = o->track,
                                                   .group = o->group,
                                                   .published_ns = o->published_ns,
                                                   .latency_ns = latency_ms * MS,
                                                   .of = of};
}

static void start(struct stage *s, int node, int track, uint64_t group) {
  s->starts[s->samples.n_starts++] =
      (struct report_start){.node = node, .track = track, .group = group};
}

static struct stage *begin(void) {
  static struct stage s;
  memset(&s, 0, sizeof s);
  report_fixture_make(&s.f);
  s.tracks[0] = CHAT;
  s.tracks[1] = VIDEO;
  for (int i = 0; i < 2; i++)
    s.subscriptions[i] = (struct plan_subscription){.who = SUB0 + i,
                                                    .tracks = s.tracks,
                                                    .n_tracks = 2,
                                                    .priority_limit = -1,
                                                    .delivery_timeout_ns = 200 * MS};
  s.f.plan.subscriptions = s.subscriptions;
  s.f.plan.n_subscriptions = 2;
  s.f.plan.duration_ns = 1000 * MS;
  s.samples.objects = s.objects;
  s.samples.list = s.list;
  s.samples.starts = s.starts;
  for (uint64_t i = 0; i < 10; i++)
    publish(&s, CHAT, i / 5, i * 100, 1000, i % 5 ? 7 : 3);
  for (int node = SUB0; node <= SUB1; node++)
    start(&s, node, CHAT, 0);
  s.f.subscribers[0].first_bytes_all = s.f.subscribers[1].first_bytes_all = 12000;
  s.f.subscribers[0].resent = s.f.subscribers[1].resent = 500;
  return &s;
}

static const struct measure *measured_for(struct stage *s, const bool *who, uint64_t on_time_ns) {
  const struct measure_request request = {.plan = &s->f.plan,
                                          .samples = &s->samples,
                                          .judged = &s->f.judged,
                                          .who = who,
                                          .on_time_ns = on_time_ns};
  assert_int_equal(measure_run(&request, &s->m, s->priorities), 0);
  return &s->m;
}

static const struct measure *measured(struct stage *s) {
  return measured_for(s, NULL, 0);
}

static void all_on_time(void **state) {
  (void)state;
  struct stage *s = begin();
  for (int node = SUB0; node <= SUB1; node++)
    for (size_t i = 0; i < 10; i++)
      deliver(s, node, i, i * 20); /* the last ones nearly late */
  const struct measure *m = measured(s);
  assert_int_equal(m->due, 20);
  assert_int_equal(m->on_time, 20);
  assert_int_equal(m->on_time_ppm, 1000000);
  assert_int_equal(m->stall_ppm, 0);
  assert_int_equal(m->latency_p50_ns, 100 * MS);
  assert_int_equal(m->latency_p99_ns, 180 * MS);
  assert_int_equal(m->goodput_bps, 80000); /* 10,000 bytes in a second, each */
  assert_int_equal(m->wasted_bytes, 2 * 12500 - 20000);
  assert_int_equal(m->jain_ppm, 1000000);
  assert_int_equal(s->priorities[3].due, 4);
  assert_int_equal(s->priorities[7].delivered, 16);
}

/* To the nanosecond: the budget itself is on time, one more is late. */
static void late_is_delivered_and_of_no_use(void **state) {
  (void)state;
  struct stage *s = begin();
  for (int node = SUB0; node <= SUB1; node++)
    for (size_t i = 0; i < 10; i++)
      deliver(s, node, i, 200);
  assert_int_equal(measured(s)->on_time_ppm, 1000000);
  s->list[3].latency_ns++;
  assert_int_equal(measured(s)->on_time, 19);
  assert_int_equal(s->m.delivered, 20);
  assert_int_equal(s->m.on_time_ppm, 950000);
  assert_int_equal(s->m.wasted_bytes, 2 * 12500 - 19000);
  assert_int_equal(measured_for(s, NULL, 100 * MS)->on_time, 0);
  assert_int_equal(s->m.jain_ppm, 1000000); /* all have the same: nothing */
  assert_int_equal(measured_for(s, NULL, 300 * MS)->on_time, 20);
}

static void one_of_two_gets_nothing(void **state) {
  (void)state;
  struct stage *s = begin();
  for (size_t i = 0; i < 10; i++)
    deliver(s, SUB0, i, 10);
  const struct measure *m = measured(s);
  assert_int_equal(m->due, 20);
  assert_int_equal(m->on_time_ppm, 500000);
  assert_int_equal(m->stall_ppm, 500000); /* one stalls all the time */
  assert_int_equal(m->goodput_bps, 40000);
  assert_int_equal(m->jain_ppm, 500000);
  static const bool first[4] = {[SUB0] = true};
  m = measured_for(s, first, 0);
  assert_int_equal(m->due, 10);
  assert_int_equal(m->on_time_ppm, 1000000);
  assert_int_equal(m->wasted_bytes, 2500);
}

/* Budget 200 ms, gap 100 ms: what came is fresh for 300 ms. Objects 0, 1 and 9 come at once:
 * fresh until 400 ms, then again at 900; judged from 200 to 1100. */
static void a_stall(void **state) {
  (void)state;
  struct stage *s = begin();
  static const bool first[4] = {[SUB0] = true};
  deliver(s, SUB0, 0, 0);
  deliver(s, SUB0, 9, 0); /* logs need not be in order of time */
  deliver(s, SUB0, 1, 0);
  assert_int_equal(measured_for(s, first, 0)->stall_ppm, 500000 * 10 / 9);
  deliver(s, SUB0, 4, 250); /* late: of no use */
  assert_int_equal(measured_for(s, first, 0)->stall_ppm, 500000 * 10 / 9);
  deliver(s, SUB0, 5, 100); /* at 600: until 900 */
  assert_int_equal(measured_for(s, first, 0)->stall_ppm, 200000 * 10 / 9);
}

static void what_is_due(void **state) {
  (void)state;
  struct stage *s = begin();
  s->starts[0].group = 1; /* joined behind the first group */
  s->subscriptions[1].priority_limit = 3;
  const struct measure *m = measured(s);
  assert_int_equal(m->due, 5 + 2);
  assert_int_equal(s->priorities[7].due, 4);
  publish(s, VIDEO, 0, 50, 5000, 3); /* no answer came for that track */
  assert_int_equal(measured(s)->due, 7);
  start(s, SUB1, VIDEO, 0);
  assert_int_equal(measured(s)->due, 8);
}

static void twice_counts_once(void **state) {
  (void)state;
  struct stage *s = begin();
  deliver(s, SUB0, 0, 10);
  deliver(s, SUB0, 0, 20);
  assert_int_equal(measured(s)->delivered, 1);
  assert_int_equal(s->m.latency_p99_ns, 10 * MS);
}

static void nothing_at_all(void **state) {
  (void)state;
  struct stage *s = begin();
  s->samples.n_objects = 0;
  const struct measure *m = measured(s);
  assert_int_equal(m->due, 0);
  assert_int_equal(m->on_time_ppm, 1000000);
  assert_false(m->has_latency);
  assert_int_equal(m->goodput_bps, 0);
  static const bool nobody[4] = {false};
  assert_int_equal(measured_for(s, nobody, 0)->jain_ppm, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_on_time),
      cmocka_unit_test(late_is_delivered_and_of_no_use),
      cmocka_unit_test(one_of_two_gets_nothing),
      cmocka_unit_test(a_stall),
      cmocka_unit_test(what_is_due),
      cmocka_unit_test(twice_counts_once),
      cmocka_unit_test(nothing_at_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
