/* A journal of the datapath in the kernel, which ran live beside its user space: it plays without a
 * difference, and what is changed in it, or is not in it, is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/replay/t/planted.h"

static struct planted live;

static int setup(void **state) {
  (void)state;
  return planted_open(&live, "scenarios/first/no-protection.yaml --mode live --set duration=1s")
             ? 0
             : -1;
}

static int teardown(void **state) {
  (void)state;
  return planted_close(&live) ? 0 : -1;
}

static void nothing_differs(void **state) {
  (void)state;
  planted_plays(&live);
  const struct replay_result *r = &live.result;
  assert_true(r->packets > 200 && r->copies > 200 && r->records > 100 && r->words > 200);
}

static void a_byte_of_a_copy(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  uint8_t *copy = (uint8_t *)(planted_find(&live, JOURNAL_COPY, 0, 0, 3) + 1);
  copy[sizeof(struct journal_copy) + 42 + 20] ^= 0x10;
  assert_int_equal(planted_play(&live, live.len), 0);
  copy[sizeof(struct journal_copy) + 42 + 20] ^= 0x10;
  planted_says(&live, "payload byte 20: run ");
  planted_says(&live, ", native ");
  planted_says(&live, ", TEST_RUN ");
  assert_int_equal(live.result.differences, 2);
}

static void a_decision_of_the_run(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  struct fb_record *record = (void *)(planted_find(&live, JOURNAL_RECORD, 0, 0, 5) + 1);
  record->subs[0].decision[0] ^= 1;
  assert_int_equal(planted_play(&live, live.len), 0);
  record->subs[0].decision[0] ^= 1;
  planted_says(&live, "record: subs[0].decision[0]: run ");
  assert_int_equal(live.result.differences, 1); /* both executors agree with each other */
}

/* A write that user space made between two runs is gone. */
static void a_write_that_is_missing(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  uint64_t *next_pn = (uint64_t *)(void *)(planted_taken(&live) + 1);
  *next_pn -= 1; /* as it was before user space took a number */
  assert_int_equal(planted_play(&live, live.len), 0);
  *next_pn += 1;
  assert_true(live.result.differences > 0);
  planted_says(&live, "joint number: run ");
}

/* What happened in between is not known: it is refused, and no difference is invented. */
static void a_run_that_is_missing(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  uint8_t *from = (uint8_t *)planted_find(&live, JOURNAL_FRAME, 100, 0, 0);
  uint8_t *to = (uint8_t *)planted_find(&live, JOURNAL_FRAME, 101, 0, 0);
  const size_t gone = (size_t)(to - from), len = live.len;
  uint8_t *kept = test_malloc(gone);
  memcpy(kept, from, gone);
  memmove(from, to, (size_t)(live.journal + len - to));
  assert_int_equal(planted_play(&live, len - gone), 3);
  memmove(to, from, (size_t)(live.journal + len - to));
  memcpy(from, kept, gone);
  test_free(kept);
  assert_int_equal(live.result.differences, 0);
  assert_non_null(strstr(live.err, "order is not known"));
}

static void an_entry_that_was_lost(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  struct journal_end *end = (void *)(planted_find(&live, JOURNAL_END, 0, 0, 0) + 1);
  end->lost = 1;
  assert_int_equal(planted_play(&live, live.len), 3);
  end->lost = 0;
  assert_non_null(strstr(live.err, "entries of it were lost"));
}

static void a_packet_that_met_a_full_ring(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  struct journal_item *reason = planted_find(&live, JOURNAL_REASON, FB_PKT_FANNED, 0, 9);
  reason->array = FB_PKT_RING_FULL;
  assert_int_equal(planted_play(&live, live.len), 3);
  reason->array = FB_PKT_FANNED;
  assert_non_null(strstr(live.err, "met a full ring"));
}

static void a_journal_that_was_cut(void **state) {
  (void)state;
  PLANTED_NEEDED(&live);
  assert_int_equal(planted_play(&live, live.len / 2), 2);
  assert_non_null(strstr(live.err, "cut short"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_differs),
      cmocka_unit_test(a_byte_of_a_copy),
      cmocka_unit_test(a_decision_of_the_run),
      cmocka_unit_test(a_write_that_is_missing),
      cmocka_unit_test(a_run_that_is_missing),
      cmocka_unit_test(an_entry_that_was_lost),
      cmocka_unit_test(a_packet_that_met_a_full_ring),
      cmocka_unit_test(a_journal_that_was_cut),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
