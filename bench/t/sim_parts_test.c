/* Where the processor time of a simulation goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "bench/sim/parts.h"

/* Works until the process has had so much more processor time. */
static void work_ms(long ms) {
  struct timespec now, begin;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  do
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static void work_counts_where_it_is_done(void **state) {
  (void)state;
  struct sim_parts parts;
  parts_begin();
  work_ms(200);
  parts_started();
  const sig_atomic_t outer = parts_enter(SIM_PART_RELAY);
  const sig_atomic_t inner = parts_enter(SIM_PART_DATAPATH);
  work_ms(200);
  parts_leave(inner);
  work_ms(200);
  parts_leave(outer);
  parts_end(&parts);
  work_ms(50); /* nobody counts any more */
  assert_true(parts.samples[SIM_PART_START] > 0);
  assert_true(parts.samples[SIM_PART_DATAPATH] > 0);
  assert_true(parts.samples[SIM_PART_RELAY] > 0);
  assert_int_equal(parts.samples[SIM_PART_ENDPOINTS], 0);
  assert_int_equal(parts.samples[SIM_PART_LINKS], 0);
  assert_int_equal(parts.samples[SIM_PART_WRITING], 0);
}

static void the_start_is_one_part(void **state) {
  (void)state;
  struct sim_parts parts;
  parts_begin();
  const sig_atomic_t outer = parts_enter(SIM_PART_ENDPOINTS);
  assert_int_equal(sim_part_now, SIM_PART_START);
  parts_leave(outer);
  parts_started();
  const sig_atomic_t now = parts_enter(SIM_PART_ENDPOINTS);
  assert_int_equal(sim_part_now, SIM_PART_ENDPOINTS);
  parts_leave(now);
  assert_int_equal(sim_part_now, SIM_PART_REST);
  parts_end(&parts);
}

static void another_run_begins_with_nothing(void **state) {
  (void)state;
  struct sim_parts parts;
  parts_begin();
  work_ms(50);
  parts_end(&parts);
  parts_begin();
  parts_end(&parts);
  for (int i = 1; i < SIM_PARTS; i++)
    if (i != SIM_PART_START) /* a sample may fall even into that moment */
      assert_int_equal(parts.samples[i], 0);
  assert_true(parts.samples[SIM_PART_START] < 20);
}

static void every_part_has_a_name(void **state) {
  (void)state;
  for (int i = 0; i < SIM_PARTS; i++)
    for (int k = 0; k <= i; k++)
      assert_int_equal(strcmp(sim_part_names[i], sim_part_names[k]) == 0, i == k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(work_counts_where_it_is_done),
      cmocka_unit_test(the_start_is_one_part),
      cmocka_unit_test(another_run_begins_with_nothing),
      cmocka_unit_test(every_part_has_a_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
