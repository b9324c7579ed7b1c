#include "relay/fanout/timers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "relay/t/seeded.h"

#define OWNERS 60
#define NEVER  UINT64_MAX

/* What a timer is within: the time as its owner knows it. */
struct owner {
  struct timer timer;
  uint64_t due_ns;
  bool in;
  unsigned asked;
};

static uint64_t ask(const struct timer *timer) {
  struct owner *owner = (struct owner *)(uintptr_t)timer; /* the first member */
  owner->asked++;
  return owner->due_ns;
}

static void nobody_is_due(void **state) {
  struct timers timers;
  struct timer *due[1];

  (void)state;
  assert_int_equal(timers_open(&timers, 1, ask), 0);
  assert_true(timers_next(&timers) == NEVER);
  assert_int_equal(timers_due(&timers, NEVER - 1, due), 0);
  timers_close(&timers);
}

/* The question costs what was noted; what was not noted keeps its time. */
static void only_the_noted_are_asked(void **state) {
  struct timers timers;
  struct owner owners[3] = {{.due_ns = 30}, {.due_ns = 10}, {.due_ns = 20}};

  (void)state;
  assert_int_equal(timers_open(&timers, 3, ask), 0);
  for (int i = 0; i < 3; i++)
    timers_add(&timers, &owners[i].timer);
  assert_int_equal(timers_next(&timers), 10);
  owners[1].due_ns = 40;
  owners[2].due_ns = 50;
  assert_int_equal(timers_next(&timers), 10);
  timers_note(&timers, &owners[1].timer);
  timers_note(&timers, &owners[1].timer);
  assert_int_equal(timers_next(&timers), 20);
  timers_note(&timers, &owners[2].timer);
  assert_int_equal(timers_next(&timers), 30);
  assert_int_equal(owners[0].asked, 1);
  assert_int_equal(owners[1].asked, 2);
  assert_int_equal(owners[2].asked, 2);
  timers_close(&timers);
}

static void who_left_is_not_asked(void **state) {
  struct timers timers;
  struct owner owners[2] = {{.due_ns = 5}, {.due_ns = 7}};

  (void)state;
  assert_int_equal(timers_open(&timers, 2, ask), 0);
  timers_add(&timers, &owners[0].timer);
  timers_add(&timers, &owners[1].timer);
  timers_remove(&timers, &owners[0].timer);
  timers_remove(&timers, &owners[0].timer);
  timers_note(&timers, &owners[0].timer);
  assert_int_equal(timers_next(&timers), 7);
  assert_int_equal(owners[0].asked, 0);
  timers_add(&timers, &owners[0].timer);
  assert_int_equal(timers_next(&timers), 5);
  timers_close(&timers);
}

/* All that are due and nobody else, in the owners' order and not in that of time. */
static void due_come_in_order(void **state) {
  struct timers timers;
  struct owner owners[OWNERS];
  struct timer *due[OWNERS];

  (void)state;
  assert_int_equal(timers_open(&timers, OWNERS, ask), 0);
  for (unsigned i = 0; i < OWNERS; i++) {
    owners[i] = (struct owner){.due_ns = (i * 37) % OWNERS, .timer.order = OWNERS - i};
    timers_add(&timers, &owners[i].timer);
  }
  assert_int_equal(timers_due(&timers, 9, due), 10);
  for (size_t i = 0; i < 10; i++) {
    assert_true(due[i]->at_ns <= 9);
    if (i > 0)
      assert_true(due[i]->order > due[i - 1]->order);
  }
  assert_int_equal(timers_due(&timers, OWNERS, due), OWNERS);
  timers_close(&timers);
}

/* Against a walk over all, for as long as everything that moves is noted. */
static void as_a_walk_over_all(void **state) {
  struct timers timers;
  struct owner owners[OWNERS] = {0};
  struct timer *due[OWNERS];
  uint64_t random = 7;

  (void)state;
  assert_int_equal(timers_open(&timers, OWNERS, ask), 0);
  for (uint32_t i = 0; i < OWNERS; i++)
    owners[i].timer.order = i;
  for (int step = 0; step < 200000; step++) {
    struct owner *owner = &owners[seeded_below(&random, OWNERS)];
    switch (seeded_below(&random, 8)) {
    case 0:
      if (!owner->in)
        timers_add(&timers, &owner->timer);
      owner->in = true;
      break;
    case 1:
      timers_remove(&timers, &owner->timer);
      owner->in = false;
      break;
    default:
      owner->due_ns = seeded_below(&random, 50) == 0 ? NEVER : seeded_below(&random, 1000);
      timers_note(&timers, &owner->timer);
      break;
    }
    if (seeded_below(&random, 3) != 0)
      continue;
    const uint64_t now = seeded_below(&random, 1000);
    uint64_t first = NEVER;
    size_t n = 0;
    const size_t got = timers_due(&timers, now, due);
    for (size_t i = 0; i < OWNERS; i++) {
      if (owners[i].in && owners[i].due_ns < first)
        first = owners[i].due_ns;
      if (!owners[i].in || owners[i].due_ns > now)
        continue;
      assert_true(n < got);
      assert_ptr_equal(due[n++], &owners[i].timer);
    }
    assert_int_equal(got, n);
    assert_true(timers_next(&timers) == first);
  }
  timers_close(&timers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_due),         cmocka_unit_test(only_the_noted_are_asked),
      cmocka_unit_test(who_left_is_not_asked), cmocka_unit_test(due_come_in_order),
      cmocka_unit_test(as_a_walk_over_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
