/* The feeder on the native datapath's arrays. */
#include "relay/fanout/feeder.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/fanout/native_plane.h"
#include "relay/quic/keystream.h"

#define RING   64u
#define MARGIN 16u
#define AHEAD  (RING - MARGIN)
#define GEN    7u

static const struct protect_keys keys = {.tx = true, .key_len = 32, .key = {1, 2, 3}, .iv = {4, 5}};
static const struct feeder_line down = {.slot = 2}, up = {.up = true, .slot = 1};

struct rig {
  struct dp_native *dp;
  struct native_plane native;
  struct feeder *feeder;
};

static int open_rig(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  r->dp = dp_native_new(&(struct dp_native_sizes){.subscribers = 4,
                                                  .protect = 1u << FB_PROTECT_CHACHA20,
                                                  .keystreams_down = RING,
                                                  .keystreams_up = 2 * RING});
  native_plane_init(&r->native, r->dp);
  r->feeder = feeder_new(&r->native.plane);
  *state = r;
  return r->feeder ? 0 : -1;
}

static int close_rig(void **state) {
  struct rig *r = *state;
  feeder_free(r->feeder);
  dp_native_free(r->dp);
  free(r);
  return 0;
}

static struct fb_keystream *down_at(const struct rig *r, uint64_t pn) {
  return &r->dp->keystreams[fb_keystream_down(RING, down.slot, pn)];
}

static void run_dry(struct rig *r) {
  while (feeder_step(r->feeder, 1000))
    continue;
}

static bool is_zero(const void *at, size_t len) {
  const uint8_t *bytes = at;
  for (size_t i = 0; i < len; i++)
    if (bytes[i])
      return false;
  return true;
}

static void expect_made(const struct fb_keystream *e, uint64_t pn) {
  uint8_t once[KEYSTREAM_ONCE], bytes[FB_KEYSTREAM_LEN];
  struct keystream *k = keystream_new(&keys);
  keystream_make(k, pn, once, bytes, sizeof bytes);
  assert_int_equal(e->tag, fb_keystream_tag(GEN, pn));
  assert_memory_equal(e->once, once, sizeof once);
  assert_memory_equal(e->bytes, bytes, sizeof bytes);
  keystream_free(k);
}

static void makes_what_comes_next(void **state) {
  struct rig *r = *state;
  r->dp->counters[down.slot].next_pn = 1000;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 1000, UINT64_MAX));
  run_dry(r);
  for (uint64_t pn = 1000; pn < 1000 + AHEAD; pn++)
    expect_made(down_at(r, pn), pn);
  assert_int_equal(down_at(r, 1000 + AHEAD)->tag, 0);
  assert_int_equal(feeder_sums(r->feeder).made, AHEAD);
}

static void follows_the_datapath(void **state) {
  struct rig *r = *state;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 0, UINT64_MAX));
  run_dry(r);
  r->dp->counters[down.slot].next_pn = 40;
  run_dry(r);
  expect_made(down_at(r, 40), 40);
  expect_made(down_at(r, 40 + AHEAD - 1), 40 + AHEAD - 1);
  assert_int_equal(feeder_sums(r->feeder).made, 40 + AHEAD);
  /* far ahead of what was made: nobody needs what lies between */
  r->dp->counters[down.slot].next_pn = 1000000;
  run_dry(r);
  expect_made(down_at(r, 1000000), 1000000);
  assert_int_equal(feeder_sums(r->feeder).made, 40 + 2 * AHEAD);
}

static void used_ones_become_zero(void **state) {
  struct rig *r = *state;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 0, UINT64_MAX));
  run_dry(r);
  r->dp->counters[down.slot].next_pn = 5;
  feeder_step(r->feeder, 1000);                                   /* makes five more */
  assert_int_equal(down_at(r, 4)->tag, fb_keystream_tag(GEN, 4)); /* perhaps still in use */
  assert_int_equal(feeder_step(r->feeder, 1000), 0);
  for (uint64_t pn = 0; pn < 5; pn++)
    assert_true(is_zero(down_at(r, pn), sizeof(struct fb_keystream)));
  expect_made(down_at(r, 5), 5);
}

static void keeps_to_its_key(void **state) {
  struct rig *r = *state;
  r->dp->counters[down.slot].next_pn = 10;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 10, 13));
  run_dry(r);
  expect_made(down_at(r, 12), 12);
  assert_int_equal(down_at(r, 13)->tag, 0);
  r->dp->counters[down.slot].next_pn = 13;
  run_dry(r);
  assert_int_equal(feeder_sums(r->feeder).made, 3);
  /* a number that fits no tag has no keystream */
  r->dp->counters[down.slot].next_pn = FB_KEYSTREAM_NUMBERS - 1;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 0, UINT64_MAX));
  run_dry(r);
  expect_made(down_at(r, FB_KEYSTREAM_NUMBERS - 1), FB_KEYSTREAM_NUMBERS - 1);
  assert_int_equal(feeder_sums(r->feeder).made, 4);
}

static void stopped_all_is_zero(void **state) {
  struct rig *r = *state;
  const size_t all =
      fb_keystreams(4, FB_MAX_UPSTREAMS, RING, 2 * RING) * sizeof(struct fb_keystream);
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 0, UINT64_MAX));
  assert_true(feeder_start(r->feeder, up, &keys, GEN, 0, UINT64_MAX));
  run_dry(r);
  assert_int_equal(feeder_sums(r->feeder).lines, 2);
  assert_false(is_zero(r->dp->keystreams, all));
  feeder_stop(r->feeder, down);
  feeder_stop(r->feeder, up);
  assert_true(is_zero(r->dp->keystreams, all));
  assert_int_equal(feeder_sums(r->feeder).lines, 0);
  assert_int_equal(feeder_step(r->feeder, 10), 0);
  feeder_stop(r->feeder, up); /* at rest already */
}

static void a_new_key_replaces_the_old(void **state) {
  struct rig *r = *state;
  assert_true(feeder_start(r->feeder, down, &keys, GEN - 1, 0, UINT64_MAX));
  run_dry(r);
  r->dp->counters[down.slot].next_pn = 20;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 20, UINT64_MAX));
  assert_int_equal(down_at(r, 30)->tag, 0); /* of the old key nothing is left */
  run_dry(r);
  expect_made(down_at(r, 20), 20);
}

static void upstream_follows_expected(void **state) {
  struct rig *r = *state;
  r->dp->upstream_state[up.slot].expected = 300;
  assert_true(feeder_start(r->feeder, up, &keys, GEN, 0, UINT64_MAX));
  run_dry(r);
  expect_made(&r->dp->keystreams[fb_keystream_up(4, RING, 2 * RING, up.slot, 300)], 300);
  const uint64_t last = 300 + 2 * RING - MARGIN - 1;
  expect_made(&r->dp->keystreams[fb_keystream_up(4, RING, 2 * RING, up.slot, last)], last);
}

static void takes_turns(void **state) {
  struct rig *r = *state;
  static const struct feeder_line other = {.slot = 0};
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 0, UINT64_MAX));
  assert_true(feeder_start(r->feeder, other, &keys, GEN, 0, UINT64_MAX));
  assert_int_equal(feeder_step(r->feeder, 32), 32);
  expect_made(down_at(r, 0), 0);
  expect_made(&r->dp->keystreams[fb_keystream_down(RING, 0, 0)], 0);
}

/* A thread steps while another one takes numbers, reads, stops and starts: whoever finds the
 * tag before and after has the right bytes. */
struct racers {
  struct rig *rig;
  atomic_bool stop;
};

static void *step_on(void *arg) {
  struct racers *racers = arg;
  while (!atomic_load(&racers->stop))
    feeder_step(racers->rig->feeder, 8);
  return NULL;
}

/* The next keystream is not there yet. */
static bool is_behind(const struct rig *r) {
  const uint64_t next = __atomic_load_n(&r->dp->counters[down.slot].next_pn, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&down_at(r, next)->tag, __ATOMIC_SEQ_CST) != fb_keystream_tag(GEN, next);
}

static void no_torn_keystream_is_believed(void **state) {
  struct racers racers = {.rig = *state};
  struct rig *r = racers.rig;
  struct keystream *k = keystream_new(&keys);
  uint8_t once[KEYSTREAM_ONCE], bytes[FB_KEYSTREAM_LEN], seen[FB_KEYSTREAM_LEN];
  pthread_t thread;
  unsigned found = 0;
  assert_true(feeder_start(r->feeder, down, &keys, GEN, 0, UINT64_MAX));
  assert_int_equal(pthread_create(&thread, NULL, step_on, &racers), 0);
  for (unsigned i = 0; i < 20000; i++) {
    if (i % 64 == 0) /* the thread has a turn now and then, also on a busy machine */
      while (is_behind(r))
        sched_yield();
    uint64_t pn = __atomic_fetch_add(&r->dp->counters[down.slot].next_pn, 1, __ATOMIC_SEQ_CST);
    struct fb_keystream *e = down_at(r, pn);
    if (i % 5000 == 4999)
      assert_true(feeder_start(r->feeder, down, &keys, GEN, pn + 1, UINT64_MAX));
    if (__atomic_load_n(&e->tag, __ATOMIC_SEQ_CST) != fb_keystream_tag(GEN, pn))
      continue;
    memcpy(seen, e->bytes, sizeof seen);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&e->tag, __ATOMIC_SEQ_CST) != fb_keystream_tag(GEN, pn))
      continue;
    keystream_make(k, pn, once, bytes, sizeof bytes);
    assert_memory_equal(seen, bytes, sizeof bytes);
    found++;
  }
  atomic_store(&racers.stop, true);
  pthread_join(thread, NULL);
  keystream_free(k);
  assert_true(found > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
  const struct CMUnitTest tests[] = {
      TEST(makes_what_comes_next),         TEST(follows_the_datapath),
      TEST(used_ones_become_zero),         TEST(keeps_to_its_key),
      TEST(stopped_all_is_zero),           TEST(a_new_key_replaces_the_old),
      TEST(upstream_follows_expected),     TEST(takes_turns),
      TEST(no_torn_keystream_is_believed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
