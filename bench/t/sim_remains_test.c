/* What a simulation leaves behind is seen, and a sound one leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/sim/frame.h"
#include "bench/t/scenario_text.h"
#include "bench/t/sim_play.h"
#include "relay/fanout/native_plane.h"

static void sound_run_leaves_nothing(void **state) {
  (void)state;
  static const char *const datapaths[] = {"kernel", "user", "stock"};
  for (size_t i = 0; i < 3; i++) {
    char text[2048];
    struct sim_seen seen;
    snprintf(text, sizeof text,
             TOP
             "nodes:\n  pub: { role: publisher }\n  relay: { role: relay, datapath: %s }\n"
             "  sub: { role: subscriber, count: 3 }\n" LINKS TRACKS SUBSCRIPTIONS
             "timeline:\n  - { at: 500ms, node: \"sub[0]\", do: kill }\n"
             "  - { at: 600ms, node: \"sub[1]\", do: reconnect }\n",
             datapaths[i]);
    sim_play(text, 1, text_dir(), NULL, &seen);
    if (seen.outcome.remains.n > 0)
      fail_msg("datapath %s: %s", datapaths[i], seen.outcome.remains.left[0]);
    assert_false(seen.outcome.remains.failed);
  }
}

static int leaked = -1;

static void leak(void) {
  if (leaked < 0)
    leaked = dup(STDIN_FILENO);
}

static void open_descriptor_is_seen(void **state) {
  (void)state;
  struct sim_seen seen;
  sim_play_each = leak;
  sim_play(SMALL, 1, text_dir(), NULL, &seen);
  sim_play_each = NULL;
  assert_true(leaked >= 0);
  assert_int_equal(seen.outcome.remains.n, 1);
  assert_string_equal(seen.outcome.remains.left[0], "1 descriptors");
  remains_free(&seen.outcome.remains);
  close(leaked);
}

static void lost_frames_and_commands_are_seen(void **state) {
  (void)state;
  struct frame_pool pool = {0};
  struct remains remains;
  struct frame *kept = frame_new(&pool), *lost = frame_new(&pool);
  frame_give(&pool, kept);
  assert_int_equal(pool.out, 1);
  remains_begin(&remains);
  remains_end(&remains, pool.out, 2);
  assert_int_equal(remains.n, 2);
  assert_string_equal(remains.left[0], "1 frames");
  assert_string_equal(remains.left[1], "2 commands");
  remains_free(&remains);
  frame_give(&pool, lost);
  assert_int_equal(pool.out, 0);
  frame_pool_free(&pool);
}

static void entries_of_a_datapath_are_counted(void **state) {
  (void)state;
  struct native_plane native;
  struct native_left left;
  const struct fb_cid_key id = {.len = 20, .data = {1}};
  const struct fb_alias_key alias = {.alias = 7, .upstream = 1, .upstream_gen = 1};
  const struct fb_subscriber joining = {.gen = 3, .state = FB_SUB_JOINING}, gone = {.gen = 3};
  const struct fb_upstream active = {.gen = 1, .active = 1}, over = {.gen = 1};
  struct dp_native *dp = dp_native_new(&(struct dp_native_sizes){.subscribers = 8});
  assert_non_null(dp);
  native_plane_init(&native, dp);
  native_plane_left(&native, &left);
  assert_int_equal(left.subscribers + left.upstreams + left.ids + left.aliases, 0);
  assert_true(dp_native_cid_set(dp, &id, &(struct fb_cid_value){.upstream = 1, .gen = 1}));
  assert_true(dp_native_alias_set(dp, &alias, &(struct fb_alias_value){.track = 1}));
  dp_native_set_subscriber(dp, 5, &joining);
  dp_native_set_upstream(dp, 1, &active);
  native_plane_left(&native, &left);
  assert_int_equal(left.subscribers, 1);
  assert_int_equal(left.upstreams, 1);
  assert_int_equal(left.ids, 1);
  assert_int_equal(left.aliases, 1);
  assert_true(dp_native_cid_delete(dp, &id));
  assert_true(dp_native_alias_delete(dp, &alias));
  dp_native_set_subscriber(dp, 5, &gone);
  dp_native_set_upstream(dp, 1, &over);
  native_plane_left(&native, &left);
  assert_int_equal(left.subscribers + left.upstreams + left.ids + left.aliases, 0);
  dp_native_free(dp);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sound_run_leaves_nothing),
                                     cmocka_unit_test(open_descriptor_is_seen),
                                     cmocka_unit_test(lost_frames_and_commands_are_seen),
                                     cmocka_unit_test(entries_of_a_datapath_are_counted)};
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
