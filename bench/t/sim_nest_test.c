/* Interleavings of fast and slow path: a counter without an atomic gives numbers twice
 * within few seeds, the real one never, and a recorded list replays to the byte.
 *
 * FANBENCH_TEST_FULL plays 10,000 seeds of the real one instead of a part.
 *
 * timeout: 600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/t/scenario_text.h"
#include "bench/t/sim_play.h"

#define SCENARIO                                                                                   \
  "scenario: small\nduration: 60ms\ndrain: 500ms\n"                                                \
  "nodes:\n  pub: { role: publisher }\n  relay: { role: relay, protection: none }\n"               \
  "  sub: { role: subscriber, count: 2 }\n"                                                        \
  "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub] }\n"                         \
  "tracks:\n"                                                                                      \
  "  chat: { from: pub, as: datagrams, every: 1ms, size: 200 }\n"                                  \
  "  lump: { from: pub, as: subgroups, subgroup: object, every: 3ms, size: 9000 }\n"               \
  "subscriptions:\n  - { who: sub, tracks: [chat, lump] }\n"
#define RACY SCENARIO "defects: [racy-pn]\n"

#define ONE_IN     24
#define RACY_SEEDS 100
#define SOME_SEEDS 200
#define ALL_SEEDS  10000

static const struct nest_config chance = {.one_in = ONE_IN};

static void racy_counter_is_found(void **state) {
  (void)state;
  struct sim_seen seen = {0};
  uint64_t seed = 0;
  while (seen.duplicates == 0 && seed < RACY_SEEDS)
    sim_play(RACY, ++seed, text_dir(), &chance, &seen);
  print_message("numbers twice with the racy counter at seed %llu of %d\n",
                (unsigned long long)seed, RACY_SEEDS);
  assert_true(seen.duplicates > 0);
}

/* Without interleavings even the racy one is right: it is they that find it. */
static void racy_counter_needs_interleavings(void **state) {
  (void)state;
  struct sim_seen seen;
  sim_play(RACY, 1, text_dir(), NULL, &seen);
  assert_int_equal(seen.duplicates, 0);
  assert_int_equal(seen.outcome.nested, 0);
}

static void real_counter_survives(void **state) {
  (void)state;
  const uint64_t seeds = getenv("FANBENCH_TEST_FULL") != NULL ? ALL_SEEDS : SOME_SEEDS;
  uint64_t nested = 0;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    struct sim_seen seen;
    sim_play(SCENARIO, seed, text_dir(), &chance, &seen);
    if (seen.duplicates > 0 || seen.outcome.ended[0] != '\0')
      fail_msg("seed %llu: %llu numbers twice; %s", (unsigned long long)seed,
               (unsigned long long)seen.duplicates, seen.outcome.ended);
    nested += seen.outcome.nested;
  }
  print_message("%llu nested runs in %llu seeds\n", (unsigned long long)nested,
                (unsigned long long)seeds);
  assert_true(nested > 100 * seeds);
}

static void list_replays(void **state) {
  (void)state;
  struct nest_list list = {0};
  struct sim_seen by_chance, by_list, plain;
  sim_play(SCENARIO, 5, text_dir(), &(struct nest_config){.one_in = ONE_IN, .record = &list},
           &by_chance);
  sim_play(SCENARIO, 5, text_dir(), &(struct nest_config){.replay = &list}, &by_list);
  assert_true(list.n > 0);
  assert_int_equal(by_chance.outcome.nested, list.n);
  assert_int_equal(by_list.outcome.nested, list.n);
  assert_true(by_chance.digest == by_list.digest);
  /* and a list without its last entry is another run */
  list.n /= 2;
  sim_play(SCENARIO, 5, text_dir(), &(struct nest_config){.replay = &list}, &plain);
  assert_true(plain.digest != by_chance.digest);
  nest_list_free(&list);
}

/* Each party runs within the other, and the datapath within itself. */
static void everything_interleaves(void **state) {
  (void)state;
  struct nest_list list = {0};
  struct sim_seen seen;
  unsigned pairs[2][2] = {{0}};
  sim_play(SCENARIO, 9, text_dir(), &(struct nest_config){.one_in = ONE_IN, .record = &list},
           &seen);
  for (size_t i = 0; i < list.n; i++)
    pairs[list.steps[i].within][list.steps[i].ran]++;
  assert_true(pairs[NEST_DATAPATH][NEST_DATAPATH] > 0);
  assert_true(pairs[NEST_DATAPATH][NEST_RELAY] > 0);
  assert_true(pairs[NEST_RELAY][NEST_DATAPATH] > 0);
  assert_int_equal(pairs[NEST_RELAY][NEST_RELAY], 0);
  nest_list_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(racy_counter_is_found), cmocka_unit_test(racy_counter_needs_interleavings),
      cmocka_unit_test(real_counter_survives), cmocka_unit_test(list_replays),
      cmocka_unit_test(everything_interleaves)};
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
