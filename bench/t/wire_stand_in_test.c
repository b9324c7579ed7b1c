/* Who works when the first thread is held up, and that nobody does behind its back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "bench/net/wire/stand_in.h"

#define SECOND_NS UINT64_C(1000000000)
#define PATIENCE  30000 /* ms; only a test that fails waits so long */

struct desk {
  struct stand_in stand_in;
  _Atomic int works, elsewhere; /* how often, and how often on another thread */
  pthread_t first;
};

static uint64_t now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void work(void *arg) {
  struct desk *desk = arg;
  desk->works++;
  desk->elsewhere += pthread_equal(pthread_self(), desk->first) == 0;
  stand_in_note(&desk->stand_in, now(), UINT64_MAX);
}

static void open_desk(struct desk *desk) {
  cpu_set_t may;
  CPU_ZERO(&may);
  if (sched_getaffinity(0, sizeof may, &may) == 0 && CPU_COUNT(&may) < 2) {
    print_message("needs two CPUs\n");
    skip();
  }
  *desk = (struct desk){.first = pthread_self()};
  stand_in_start(&desk->stand_in, work, desk);
  /* for the next test: the call has pinned this thread */
  assert_int_equal(sched_setaffinity(0, sizeof may, &may), 0);
}

static void wait_for_more_than(_Atomic int *count, int n) {
  for (int ms = 0; ms < PATIENCE && *count <= n; ms++)
    poll(NULL, 0, 1);
  assert_true(*count > n);
}

static void what_is_overdue_is_done_by_the_other(void **state) {
  (void)state;
  static struct desk desk;
  open_desk(&desk);
  stand_in_lock(&desk.stand_in);
  stand_in_note(&desk.stand_in, now(), now() - SECOND_NS);
  stand_in_unlock(&desk.stand_in);
  /* the first thread sleeps and does nothing */
  wait_for_more_than(&desk.elsewhere, 0);
  stand_in_stop(&desk.stand_in);
  assert_true(desk.stand_in.times >= 1);
}

static void it_looks_though_nothing_is_due(void **state) {
  (void)state;
  static struct desk desk;
  open_desk(&desk);
  wait_for_more_than(&desk.elsewhere, 2);
  stand_in_stop(&desk.stand_in);
  assert_int_equal(desk.stand_in.times, 0); /* nothing was overdue */
}

static void nobody_works_while_the_first_does(void **state) {
  (void)state;
  static struct desk desk;
  open_desk(&desk);
  for (int i = 0; i < 50; i++) {
    stand_in_lock(&desk.stand_in);
    stand_in_note(&desk.stand_in, now() - SECOND_NS, now() - SECOND_NS); /* overdue */
    const int before = desk.works;
    poll(NULL, 0, 2);
    assert_int_equal(desk.works, before);
    stand_in_unlock(&desk.stand_in);
  }
  stand_in_stop(&desk.stand_in);
}

static void nobody_works_after_the_end(void **state) {
  (void)state;
  static struct desk desk;
  open_desk(&desk);
  wait_for_more_than(&desk.elsewhere, 0);
  stand_in_stop(&desk.stand_in);
  const int before = desk.works;
  poll(NULL, 0, 20);
  assert_int_equal(desk.works, before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_overdue_is_done_by_the_other),
      cmocka_unit_test(it_looks_though_nothing_is_due),
      cmocka_unit_test(nobody_works_while_the_first_does),
      cmocka_unit_test(nobody_works_after_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
