/* Scenarios by chance, and scenarios that are taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/explore/dice.h"
#include "bench/explore/generate.h"
#include "bench/scenario/limits.h"
#include "bench/t/scenario_equal.h"
#include "bench/t/scenario_text.h"

#define SEEDS   3000
#define LARGEST 1000

/* The plan that a model means; its text must be a scenario. */
static struct plan *plan_of(const struct model *m, char **text) {
  struct plan_error err = {0};
  size_t len = 0;
  *text = model_text(m, "scenario", "By chance, with \"quotes\" and a \\.", &len);
  assert_non_null(*text);
  assert_int_equal(strlen(*text), len);
  struct plan *plan = text_load(*text, len, NULL, &err);
  if (!plan) {
    plan_error_print(stderr, &err);
    fail_msg("what was written does not load:\n%s", *text);
  }
  return plan;
}

/* Its text means a plan, and that plan's model is the same text. */
static void check_fixed_point(const struct model *m) {
  char *text, *again;
  struct plan *plan = plan_of(m, &text);
  struct model *second = model_of(plan);
  struct plan *same = plan_of(second, &again);
  assert_string_equal(text, again);
  assert_null(plans_differ(second->plan, same));
  plan_free(same);
  model_free(second);
  free(text);
  free(again);
}

static void every_seed_is_a_scenario(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct model *m = generate(seed);
    assert_int_equal(m->plan->seed, seed);
    check_fixed_point(m);
    model_free(m);
  }
}

/* A subscriber leaves a track that it has, and comes back to one that it has left. */
static void check_leaves(const struct plan *plan, int node, size_t *leaves) {
  bool away = false;
  for (size_t i = 0; i < plan->n_events; i++) {
    const struct plan_event *e = &plan->events[i];
    if (e->node != node || (e->kind != PLAN_EV_UNSUBSCRIBE && e->kind != PLAN_EV_SUBSCRIBE))
      continue;
    assert_int_equal(away, e->kind == PLAN_EV_SUBSCRIBE);
    away = !away;
    *leaves += away;
  }
}

static void nobody_leaves_twice(void **state) {
  (void)state;
  size_t leaves = 0;
  for (uint64_t seed = 9000; seed < 9000 + SEEDS; seed++) {
    struct model *m = generate(seed);
    for (size_t n = 0; n < m->plan->n_nodes; n++)
      check_leaves(m->plan, (int)n, &leaves);
    model_free(m);
  }
  assert_in_range(leaves, 100, SEEDS);
}

static void a_seed_is_one_scenario(void **state) {
  (void)state;
  size_t len, differ = 0;
  char *before = NULL;
  for (uint64_t seed = 1; seed < 50; seed++) {
    struct model *a = generate(seed), *b = generate(seed);
    char *one = model_text(a, "x", "", &len), *other = model_text(b, "x", "", &len);
    assert_string_equal(one, other);
    differ += before && strcmp(strstr(before, "duration"), strstr(one, "duration")) != 0;
    free(before);
    before = one;
    free(other);
    model_free(a);
    model_free(b);
  }
  free(before);
  assert_int_equal(differ, 48); /* no two in a row are alike */
}

/* All there is must come up, or it is never tried. */
static void everything_comes_up(void **state) {
  (void)state;
  static const char *const words[] = {"role: router",
                                      "datapath: user",
                                      "datapath: stock",
                                      "upstream: relay",
                                      "congestion: cubic",
                                      "policy: deadline",
                                      "policy: skip-to-group",
                                      "window: 16KiB",
                                      "streams: 4",
                                      "cid_len: 0",
                                      "cid_len: 20",
                                      "ack_delay: 100ms",
                                      "ip: 6",
                                      "mtu: 1280",
                                      "jitter:",
                                      "loss: 15%",
                                      "duplicate:",
                                      "corrupt:",
                                      "reorder:",
                                      "burst: {",
                                      "rate:",
                                      "do: drop",
                                      "do: delay",
                                      "do: duplicate",
                                      "do: corrupt",
                                      "frame: STREAM",
                                      "frame: MAX_DATA",
                                      "index:",
                                      "as: datagrams",
                                      "subgroup: object",
                                      "size: 30000",
                                      "group: 1",
                                      "priority_limit: 0",
                                      "delivery_timeout",
                                      "priority_limit: none",
                                      "do: reconnect",
                                      "same_port: true",
                                      "do: migrate",
                                      "do: rebind",
                                      "do: rotate-cid",
                                      "do: stall",
                                      "do: kill",
                                      "do: restart",
                                      "do: die",
                                      "do: vanish",
                                      "do: unsubscribe",
                                      "do: subscribe",
                                      "do: down",
                                      "do: up",
                                      "set: { forward",
                                      "interleave: 24",
                                      "protection: tls",
                                      "cipher: aes128gcm",
                                      "do: update-key",
                                      "bob: { role: publisher"};
  bool seen[sizeof words / sizeof *words] = {false};
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct model *m = generate(seed);
    size_t len;
    char *text = model_text(m, "x", "", &len);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
      seen[w] = seen[w] || strstr(text, words[w]);
    free(text);
    model_free(m);
  }
  for (size_t w = 0; w < sizeof words / sizeof *words; w++)
    if (!seen[w])
      fail_msg("in %d scenarios there is never \"%s\"", SEEDS, words[w]);
}

static bool flip(struct dice *d, bool *parts, size_t n) {
  bool any = false;
  for (size_t i = 0; i < n; i++)
    any |= parts[i] = dice_says(d, 25);
  return any;
}

/* Whatever is left out, no name dangles: what is refused lacks a publisher, a subscriber, a
 * track or a way. */
static void parts_can_be_left_out(void **state) {
  (void)state;
  size_t loaded = 0;
  for (uint64_t seed = 0; seed < 1000; seed++) {
    struct model *m = generate(seed);
    struct dice d = dice_of(~seed);
    struct plan_error err = {0};
    size_t len = 0;
    flip(&d, m->no_node, m->plan->n_nodes);
    flip(&d, m->no_link, m->plan->n_links);
    flip(&d, m->no_track, m->plan->n_tracks);
    flip(&d, m->no_subscription, m->plan->n_subscriptions);
    flip(&d, m->no_event, m->plan->n_events);
    char *text = model_text(m, "scenario", "", &len);
    struct plan *plan = text_load(text, len, NULL, &err);
    loaded += plan != NULL;
    if (!plan && (strstr(err.text, "the name of a") || strstr(err.text, "key")))
      fail_msg("seed %d: %s\n%s", (int)seed, err.text, text);
    plan_error_free(&err);
    plan_free(plan);
    free(text);
    model_free(m);
  }
  assert_true(loaded > 50);
}

static void what_hangs_on_a_part_goes_with_it(void **state) {
  (void)state;
  static const char *const text =
      "scenario: small\nduration: 1s\n"
      "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"
      "  sub: { role: subscriber, count: 2 }\n  other: { role: publisher }\n"
      "links:\n  - { between: [pub, relay] }\n  - { between: [other, relay] }\n"
      "  - { between: [relay, sub], delay: 5ms, forward: { loss: 1% } }\n"
      "tracks:\n  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }\n"
      "  talk: { from: other, as: datagrams, every: 20ms, size: 200 }\n"
      "subscriptions:\n  - { who: sub, tracks: [chat, talk] }\n"
      "timeline:\n  - { at: 500ms, node: \"sub[1]\", do: reconnect, same_port: true }\n"
      "  - { at: 600ms, node: sub, do: unsubscribe, tracks: [talk] }\n";
  struct model *m = model_of(text_plan(text));
  size_t len;
  m->no_node[plan_node_find(m->plan, "other")] = true;
  char *left = model_text(m, "small", "", &len);
  assert_null(strstr(left, "other"));
  assert_null(strstr(left, "talk"));
  assert_null(strstr(left, "unsubscribe"));
  assert_non_null(strstr(left, "  - { at: 500ms, node: sub-1, do: reconnect, same_port: true }\n"));
  assert_non_null(strstr(left,
                         "  - { between: [relay, sub-1], forward: { delay: 5ms, loss: 1% }, "
                         "backward: { delay: 5ms } }\n"));
  assert_non_null(strstr(left, "  - { who: sub-0, tracks: [chat] }\n"));
  free(left);
  m->no_node[plan_node_find(m->plan, "relay")] = true; /* all dial it */
  left = model_text(m, "small", "", &len);
  assert_null(strstr(left, "role:"));
  free(left);
  model_free(m);
}

/* What is at hand must be taken apart, too. */
static void every_scenario_of_the_catalogue(void **state) {
  (void)state;
  glob_t files;
  size_t n = 0;
  assert_int_equal(glob(text_source("scenarios/[!b]*/*.yaml"), 0, NULL, &files), 0);
  for (size_t i = 0; i < files.gl_pathc; i++) {
    struct plan_error err = {0};
    struct plan *plan = plan_load(files.gl_pathv[i], NULL, 0, &err);
    plan_error_free(&err);
    if (!plan)
      continue;                          /* a sweep */
    if (plan->n_nodes > PLAN_MAX_KEYS) { /* too many for entries of their own */
      plan_free(plan);
      continue;
    }
    struct model *m = model_of(plan);
    check_fixed_point(m);
    model_free(m);
    n++;
  }
  assert_true(n >= 100);
  globfree(&files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_seed_is_a_scenario),
      cmocka_unit_test(nobody_leaves_twice),
      cmocka_unit_test(a_seed_is_one_scenario),
      cmocka_unit_test(everything_comes_up),
      cmocka_unit_test(parts_can_be_left_out),
      cmocka_unit_test(what_hangs_on_a_part_goes_with_it),
      cmocka_unit_test(every_scenario_of_the_catalogue),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
