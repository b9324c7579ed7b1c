/* A journal of a simulation with interleavings: runs that were stopped in their middle are played as
 * they were, by both executors. What is changed in what happened then, or where, is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/replay/t/planted.h"

static struct planted sim;

static int setup(void **state) {
  (void)state;
  return planted_open(&sim, "scenarios/network/interleaved.yaml --mode sim --interleave 8") ? 0
                                                                                            : -1;
}

static int teardown(void **state) {
  (void)state;
  return planted_close(&sim) ? 0 : -1;
}

static struct journal_item *after(const struct journal_item *item) {
  return (struct journal_item *)(void *)((uint8_t *)(uintptr_t)(item + 1) + journal_body_len(item));
}

/* The n-th STOP behind which an item of that kind is next. */
static struct journal_item *stop_before(enum journal_kind kind, size_t n) {
  for (size_t i = 0;; i++) {
    struct journal_item *stop = planted_find(&sim, JOURNAL_STOP, 0, 0, i);
    if (after(stop)->kind == kind && n-- == 0)
      return stop;
  }
}

static void nothing_differs(void **state) {
  (void)state;
  planted_plays(&sim);
  const struct replay_result *r = &sim.result;
  assert_true(r->packets > 500 && r->copies > 200 && r->takes > 0);
  assert_true(r->interrupted > 100 && r->interrupted < r->packets);
  /* all three deep */
  unsigned open = 0, deepest = 0;
  for (size_t at = sizeof(struct journal_head); at < sim.len;) {
    const struct journal_item *item = (void *)(sim.journal + at);
    open += item->kind == JOURNAL_FRAME || item->kind == JOURNAL_TAKE;
    open -= item->kind == JOURNAL_DONE;
    deepest = open > deepest ? open : deepest;
    at += sizeof *item + journal_body_len(item);
  }
  assert_int_equal(deepest, JOURNAL_OPEN_RUNS);
}

/* The n-th SET of a next_pn while a run is stopped. NULL: there are not so many. */
static struct journal_item *number_taken_within(size_t n) {
  unsigned stopped = 0;
  for (size_t at = sizeof(struct journal_head); at < sim.len;) {
    struct journal_item *item = (void *)(sim.journal + at);
    stopped += item->kind == JOURNAL_STOP;
    stopped -= item->kind == JOURNAL_GO;
    if (stopped > 0 && item->kind == JOURNAL_SET && item->array == JOURNAL_COUNTERS &&
        item->offset % sizeof(struct fb_counters) == 0 && n-- == 0)
      return item;
    at += sizeof *item + journal_body_len(item);
  }
  return NULL;
}

/* The relay takes another number while a run is stopped: what the run takes then is another one. */
static void what_happened_within(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *set;
  size_t told = 0;
  for (size_t n = 0; told == 0 && (set = number_taken_within(n)) != NULL; n++) {
    uint64_t *next_pn = (uint64_t *)(void *)(set + 1);
    *next_pn += 1;
    assert_int_equal(planted_play(&sim, sim.len), 0);
    *next_pn -= 1;
    told += strstr(sim.told, "joint number: run ") != NULL;
  }
  assert_true(told > 0);
}

/* take_stream is played, too, and its answer compared. */
static void an_answer(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *reason = planted_find(&sim, JOURNAL_TAKE, 0, 0, 0);
  unsigned stopped = 0;
  while (reason->kind != JOURNAL_REASON || stopped > 0) {
    stopped += reason->kind == JOURNAL_STOP;
    stopped -= reason->kind == JOURNAL_GO;
    reason = after(reason);
  }
  reason->array ^= 1;
  assert_int_equal(planted_play(&sim, sim.len), 0);
  reason->array ^= 1;
  planted_says(&sim, "take_stream of ordinal ");
  assert_int_equal(sim.result.differences, 2);
}

/* A run that took its numbers before another one did takes those behind it, if it is stopped sooner. */
static void where_it_happened(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  size_t told = 0;
  for (size_t n = 0; n < 100 && told == 0; n++) {
    struct journal_item *stop = planted_find(&sim, JOURNAL_STOP, 0, 0, n);
    const uint64_t at = stop->offset;
    stop->offset = 0;
    const int rc = planted_play(&sim, sim.len);
    stop->offset = at;
    assert_true(rc == 0 || rc == 2); /* 2: the run was stopped before, at a later access */
    told = sim.result.differences;
  }
  assert_true(told > 0);
}

/* At an access that the run does not come to, nothing can happen. */
static void an_access_that_is_none(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *stop = NULL;
  for (size_t n = 0; stop == NULL; n++) { /* the last one of its run, with something in it */
    struct journal_item *go = planted_find(&sim, JOURNAL_GO, 0, 0, n);
    stop = planted_find(&sim, JOURNAL_STOP, 0, 0, n);
    if (after(stop) == go || after(go)->kind != JOURNAL_REASON || after(stop)->kind != JOURNAL_SET)
      stop = NULL;
  }
  const uint64_t at = stop->offset;
  stop->offset = 1000000;
  assert_int_equal(planted_play(&sim, sim.len), 0);
  stop->offset = at;
  planted_says(&sim, "native could not run it");
  planted_says(&sim, "TEST_RUN could not run it");
}

static void refused(const char *why) {
  assert_int_equal(planted_play(&sim, sim.len), 2);
  assert_non_null(strstr(sim.err, why));
  assert_int_equal(sim.result.differences, 0);
}

static void what_cannot_be(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *stop = planted_find(&sim, JOURNAL_STOP, 0, 0, 0);
  struct journal_item *go = planted_find(&sim, JOURNAL_GO, 0, 0, 0);
  struct journal_item *done = planted_find(&sim, JOURNAL_DONE, 0, 0, 0);
  stop->kind = JOURNAL_GO;
  refused("a run is stopped, or goes on, that does not run");
  stop->kind = JOURNAL_STOP;
  go->kind = JOURNAL_STOP;
  refused("a run is stopped, or goes on, that does not run");
  go->kind = JOURNAL_GO;
  done->kind = JOURNAL_REASON;
  refused("a run ends that does not run");
  done->kind = JOURNAL_DONE;
  struct journal_item *reason = planted_find(&sim, JOURNAL_REASON, FB_PKT_FANNED, 0, 0);
  reason->kind = JOURNAL_DONE;
  refused("a run is done that has not ended");
  reason->kind = JOURNAL_REASON;
  struct journal_head *head = (void *)sim.journal;
  head->stops = 0;
  refused("its head says that none is");
  head->stops = 1;
}

static void a_run_within_one_that_runs(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *stop = stop_before(JOURNAL_FRAME, 0);
  stop->kind = JOURNAL_SEEN; /* of nothing */
  stop->array = JOURNAL_COUNTERS;
  const uint64_t at = stop->offset;
  stop->offset = 0;
  refused("a run begins within one that is not stopped");
  stop->kind = JOURNAL_STOP;
  stop->array = 0;
  stop->offset = at;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_differs),
      cmocka_unit_test(what_happened_within),
      cmocka_unit_test(an_answer),
      cmocka_unit_test(where_it_happened),
      cmocka_unit_test(an_access_that_is_none),
      cmocka_unit_test(what_cannot_be),
      cmocka_unit_test(a_run_within_one_that_runs),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
