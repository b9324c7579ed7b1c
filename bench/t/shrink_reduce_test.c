/* Scenarios made smaller, with somebody who knows by rule whether one fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/explore/generate.h"
#include "bench/shrink/edit.h"
#include "bench/shrink/reduce.h"

#define PATH      "small.yaml"
#define MOST_ASKS 5000

/* A rule, and a diary of what was asked. */
struct rule {
  bool (*fails)(const struct plan *plan);
  char *asked[MOST_ASKS];
  size_t n;
  size_t asks;      /* times that there was a question */
  size_t stop_at;   /* answers REDUCE_STOP at this ask; 0: never */
  size_t tell_once; /* from the second ask on nothing fails */
};

static struct plan *parsed(const char *text) {
  struct plan_error why = {0};
  struct plan *plan = plan_parse(text, strlen(text), PATH, NULL, 0, &why);
  if (!plan) {
    plan_error_print(stderr, &why);
    fail_msg("asked about what is no scenario:\n%s", text);
  }
  return plan;
}

static bool rule_says(const struct rule *rule, const char *text) {
  struct plan *plan = parsed(text);
  const bool fails = rule->fails(plan);
  plan_free(plan);
  return fails;
}

static size_t first(void *arg, char *const *texts, size_t n) {
  struct rule *rule = arg;
  if (++rule->asks == rule->stop_at)
    return REDUCE_STOP;
  if (rule->tell_once && rule->asks > 1)
    return n;
  for (size_t i = 0; i < n; i++) {
    assert_true(rule->n < MOST_ASKS);
    rule->asked[rule->n++] = strdup(texts[i]);
    if (rule_says(rule, texts[i]))
      return i;
  }
  return n;
}

static void rule_clear(struct rule *rule) {
  while (rule->n > 0)
    free(rule->asked[--rule->n]);
}

/* What becomes of it; free() the text. */
struct outcome {
  enum reduce_result result;
  uint64_t asked;
  struct reduce_size before, after;
  char *text;
};

static struct outcome reduce(struct model *model, struct rule *rule, size_t at_once,
                             uint64_t most) {
  const struct reduce_asker asker = {
      .arg = rule, .at_once = at_once, .first = first, .path = PATH, .tail = ""};
  struct outcome out;
  size_t len;
  char *was = model_text(model, "x", "", &len);
  struct reduction *r = reduce_new(model, &asker, most);
  out.before = reduce_size(r);
  out.result = reduce_run(r);
  out.after = reduce_size(r);
  out.asked = reduce_asked(r);
  out.text = reduce_text(r, "", &len);
  reduce_free(r);
  char *is = model_text(model, "x", "", &len);
  assert_string_equal(was, is); /* nothing of the model has changed */
  free(was);
  free(is);
  return out;
}

static const char big[] =
    "scenario: small\n"
    "seed: 7\n"
    "duration: 3s\n"
    "interleave: 40\n"
    "nodes:\n"
    "  pub:   { role: publisher, relay: top, window: 64KiB }\n"
    "  other: { role: publisher, relay: top }\n"
    "  top:   { role: relay, datapath: user, cache: 1MiB }\n"
    "  low:   { role: relay, datapath: user, upstream: top, congestion: cubic }\n"
    "  hub:   { role: router }\n"
    "  sub:   { role: subscriber, count: 6, relay: low, cid_len: 4, ack_delay: 10ms }\n"
    "  bad:   { role: rogue, relay: low, does: [ack-flood, bad-frame, never-ack] }\n"
    "links:\n"
    "  - { between: [pub, top], delay: 5ms, loss: 1% }\n"
    "  - { between: [other, top] }\n"
    "  - { between: [top, low], delay: 10ms, jitter: 3ms }\n"
    "  - { between: [low, hub], rate: 20mbit, queue: 64KiB }\n"
    "  - { between: [hub, sub], delay: 7123us, mtu: 1400, faults: [{ do: drop, index: 3 },\n"
    "      { do: delay, index: 40..60 }, { do: corrupt, index: 9 }] }\n"
    "  - { between: [hub, bad] }\n"
    "tracks:\n"
    "  chat:  { from: pub, as: datagrams, every: 20ms, size: 200, group: 50, priority: 1 }\n"
    "  video: { from: pub, as: subgroups, subgroup: object, every: 30ms, size: 1000..9000 }\n"
    "  noise: { from: other, as: datagrams, every: 7ms, size: 99 }\n"
    "subscriptions:\n"
    "  - { who: sub, tracks: [chat, video, noise], at: 100ms, priority_limit: 200 }\n"
    "  - { who: bad, tracks: [chat] }\n"
    "timeline:\n"
    "  - { at: 1s, link: [low, hub], set: { loss: 20% } }\n"
    "  - { at: 1500ms, node: sub, do: reconnect, same_port: true }\n"
    "  - { at: 2s, node: \"sub[2]\", set: { priority_limit: 2 } }\n";

static struct model *model_from(const char *text) {
  return model_of(parsed(text));
}

static bool has_event_of(const struct plan *plan, const char *node, enum plan_event_kind kind) {
  for (size_t i = 0; i < plan->n_events; i++)
    if (plan->events[i].kind == kind && plan->events[i].node >= 0 &&
        strcmp(plan->nodes[plan->events[i].node].name, node) == 0)
      return true;
  return false;
}

static bool anything(const struct plan *plan) {
  return plan->n_nodes > 0;
}

/* sub-3 reconnects while it has video, of at least 700 bytes, and packet 9 is corrupted. */
static bool picky(const struct plan *plan) {
  const int video = plan_track_find(plan, "video");
  bool has = false, corrupts = false;
  if (video < 0 || plan->tracks[video].size_max < 700 || plan->duration_ns < 50000000)
    return false;
  for (size_t i = 0; i < plan->n_subscriptions; i++)
    for (size_t k = 0; k < plan->subscriptions[i].n_tracks; k++)
      has = has || plan->subscriptions[i].tracks[k] == video;
  for (size_t i = 0; i < plan->n_links; i++)
    for (size_t k = 0; k < plan->links[i].n_forward_faults; k++) {
      const struct plan_fault *f = &plan->links[i].forward_faults[k];
      corrupts = corrupts || (f->what == PLAN_FAULT_CORRUPT && f->index_lo == 9);
    }
  return has && corrupts && has_event_of(plan, "sub-3", PLAN_EV_RECONNECT);
}

static bool nothing(const struct plan *plan) {
  (void)plan;
  return false;
}

static bool is_rogue(const struct plan *plan) {
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (plan->nodes[i].does >> PLAN_DEED_BAD_FRAME & 1)
      return true;
  return false;
}

/* Two subscribers behind something that forwards, on a late line. */
static bool two_behind_late_router(const struct plan *plan) {
  size_t n = 0, late = 0;
  for (size_t i = 0; i < plan->n_nodes; i++)
    n += plan->nodes[i].role == PLAN_SUBSCRIBER;
  for (size_t i = 0; i < plan->n_links; i++)
    late += plan->links[i].forward.delay_ns >= 6000000;
  return n >= 2 && late >= 1;
}

static void finds_the_known_minimum(void **state) {
  (void)state;
  struct rule rule = {.fails = picky};
  struct model *model = model_from(big);
  struct outcome out = reduce(model, &rule, 1, 0);
  assert_int_equal(out.result, REDUCE_MINIMAL);
  assert_string_equal(out.text,
                      "scenario: small\n"
                      "about: \"\"\n"
                      "seed: 7\n"
                      "duration: 50ms\n"
                      "nodes:\n"
                      "  pub: { role: publisher }\n"
                      "  low: { role: relay, datapath: kernel, protection: none }\n"
                      "  sub-3: { role: subscriber }\n"
                      "links:\n"
                      "  - { between: [pub, low] }\n"
                      "  - { between: [low, sub-3], forward: { faults: "
                      "[{ do: corrupt, index: 9..9 }] } }\n"
                      "tracks:\n"
                      "  video: { from: pub, as: subgroups, every: 50ms, size: 700 }\n"
                      "subscriptions:\n"
                      "  - { who: sub-3, tracks: [video] }\n"
                      "timeline:\n"
                      "  - { at: 0, node: sub-3, do: reconnect }\n");
  assert_int_equal(out.before.nodes, 12);
  assert_int_equal(out.after.nodes, 3);
  assert_int_equal(out.before.events, 8);
  assert_int_equal(out.after.events, 1);
  assert_int_equal(out.before.faults, 36);
  assert_int_equal(out.after.faults, 1);
  assert_int_equal(out.after.lines, 17);
  free(out.text);
  rule_clear(&rule);
  model_free(model);
}

static void takes_deeds_routers_and_delays(void **state) {
  (void)state;
  struct rule rogue = {.fails = is_rogue}, late = {.fails = two_behind_late_router};
  struct model *model = model_from(big);
  struct outcome out = reduce(model, &rogue, 1, 0);
  assert_non_null(strstr(out.text, "does: [bad-frame]"));
  assert_null(strstr(out.text, "router"));
  assert_int_equal(out.after.nodes, 3);
  free(out.text);
  out = reduce(model, &late, 1, 0);
  assert_null(strstr(out.text, "router"));
  assert_null(strstr(out.text, "upstream"));
  assert_non_null(strstr(out.text, "forward: { delay: 6ms }"));
  assert_int_equal(out.after.nodes, 4);
  assert_int_equal(out.after.duration_ns, 1000000);
  free(out.text);
  rule_clear(&rogue);
  rule_clear(&late);
  model_free(model);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The whole is asked about twice, and no other text. */
static void asks_nothing_twice(void **state) {
  (void)state;
  struct rule rule = {.fails = picky};
  struct model *model = model_from(big);
  struct outcome out = reduce(model, &rule, 1, 0);
  assert_int_equal(out.asked, rule.n);
  assert_string_equal(rule.asked[0], rule.asked[1]);
  qsort(rule.asked, rule.n, sizeof *rule.asked, by_text);
  size_t same = 0;
  for (size_t i = 1; i < rule.n; i++)
    same += strcmp(rule.asked[i - 1], rule.asked[i]) == 0;
  assert_int_equal(same, 1);
  free(out.text);
  rule_clear(&rule);
  model_free(model);
}

static void many_at_once_find_the_same(void **state) {
  (void)state;
  struct rule alone = {.fails = picky};
  struct model *model = model_from(big);
  const struct outcome want = reduce(model, &alone, 1, 0);
  for (size_t at_once = 2; at_once < 9; at_once += 3) {
    struct rule rule = {.fails = picky};
    struct outcome out = reduce(model, &rule, at_once, 0);
    assert_string_equal(out.text, want.text);
    assert_int_equal(out.asked, want.asked);
    free(out.text);
    rule_clear(&rule);
  }
  free(want.text);
  rule_clear(&alone);
  model_free(model);
}

/* Whatever ends it, what it has still fails. */
static void bounds_are_kept(void **state) {
  (void)state;
  struct model *model = model_from(big);
  uint64_t lines = UINT64_MAX;
  for (uint64_t most = 2; most < 40; most += 7) {
    struct rule rule = {.fails = picky};
    struct outcome out = reduce(model, &rule, 3, most);
    assert_int_equal(out.result, REDUCE_BOUNDED);
    assert_int_equal(out.asked, most);
    assert_true(rule_says(&rule, out.text));
    assert_true(out.after.lines <= lines);
    lines = out.after.lines;
    free(out.text);
    rule_clear(&rule);
  }
  for (size_t at = 1; at < 30; at += 4) {
    struct rule rule = {.fails = picky, .stop_at = at};
    struct outcome out = reduce(model, &rule, 1, 0);
    assert_int_equal(out.result, REDUCE_BOUNDED);
    assert_int_equal(rule.asks, at);
    rule.stop_at = 0;
    assert_true(at < 3 || rule_says(&rule, out.text));
    free(out.text);
    rule_clear(&rule);
  }
  model_free(model);
}

static void what_does_not_fail_stays(void **state) {
  (void)state;
  struct rule passes = {.fails = nothing}, flaky = {.fails = anything, .tell_once = 1};
  struct model *model = model_from(big);
  struct outcome out = reduce(model, &passes, 1, 0);
  assert_int_equal(out.result, REDUCE_PASSES);
  assert_int_equal(out.asked, 1);
  assert_int_equal(out.after.lines, out.before.lines);
  free(out.text);
  out = reduce(model, &flaky, 1, 0);
  assert_int_equal(out.result, REDUCE_FLAKY);
  assert_int_equal(out.asked, 2);
  assert_int_equal(out.after.lines, out.before.lines);
  free(out.text);
  rule_clear(&passes);
  rule_clear(&flaky);
  model_free(model);
}

/* A minimum is one: shrunk again, it is the same. */
static void a_minimum_stays(void **state) {
  (void)state;
  struct rule rule = {.fails = picky};
  struct model *model = model_from(big);
  struct outcome out = reduce(model, &rule, 1, 0);
  struct model *smaller = model_from(out.text);
  rule_clear(&rule);
  struct outcome again = reduce(smaller, &rule, 1, 0);
  assert_int_equal(again.result, REDUCE_MINIMAL);
  assert_string_equal(again.text, out.text);
  free(out.text);
  free(again.text);
  rule_clear(&rule);
  model_free(smaller);
  model_free(model);
}

/* If everything fails, little is left of whatever chance has made. */
static void scenarios_by_chance(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct rule rule = {.fails = anything};
    struct model *made = generate(seed);
    size_t len;
    char *text = model_text(made, "small", "", &len);
    struct model *model = model_from(text);
    struct outcome out = reduce(model, &rule, 2, 0);
    assert_int_equal(out.result, REDUCE_MINIMAL);
    assert_true(out.asked < 200);
    assert_true(out.after.lines <= 13);
    assert_int_equal(out.after.events, 0);
    assert_int_equal(out.after.faults, 0);
    free(out.text);
    free(text);
    rule_clear(&rule);
    model_free(model);
    model_free(made);
  }
}

static void edits_come_back(void **state) {
  (void)state;
  char text[] = "abcdef";
  struct edit one = {0}, more = {0};
  edit_put(&one, text + 1, "XYZ", 3);
  edit_put(&more, text + 2, "12", 2);
  edit_join(&one, &more);
  edit_apply(&one);
  assert_string_equal(text, "aX12ef");
  edit_revert(&one);
  assert_string_equal(text, "abcdef");
  edit_free(&one);
  edit_free(&more);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(edits_come_back),
      cmocka_unit_test(finds_the_known_minimum),
      cmocka_unit_test(takes_deeds_routers_and_delays),
      cmocka_unit_test(asks_nothing_twice),
      cmocka_unit_test(many_at_once_find_the_same),
      cmocka_unit_test(bounds_are_kept),
      cmocka_unit_test(what_does_not_fail_stays),
      cmocka_unit_test(a_minimum_stays),
      cmocka_unit_test(scenarios_by_chance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
