/* Sweep files: what they mean, and each refusal with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/sweep.h"
#include "bench/t/scenario_text.h"

/* base.yaml: as SMALL, but called so and with a timeout. */
#define BASE                                                                                       \
  "scenario: base\nduration: 1s\n" NODES LINKS TRACKS                                              \
  "subscriptions:\n  - { who: sub, tracks: [chat], delivery_timeout: 200ms }\n"
#define HEAD "scenario: base.yaml\nseeds: 3..12\n"
#define VARY                                                                                       \
  "vary:\n  nodes.relay.policy: [none, deadline]\n  links.1.rate: [1mbit, 2mbit, 3mbit]\n"

static struct plan_sweep *load(const char *text, struct plan_error *err) {
  return plan_sweep_load(text_file("study.yaml", text, strlen(text)), err);
}

static void put_base(const char *text) {
  text_file("base.yaml", text, strlen(text));
}

static struct plan_sweep *good(const char *text) {
  struct plan_error err;
  struct plan_sweep *sweep = load(text, &err);
  if (!sweep)
    fail_msg("%u:%u: %s", err.line, err.column, err.text);
  return sweep;
}

/* "FILE:LINE:COL: TEXT" without the folder, or "FILE: TEXT". */
static void refused(const char *text, const char *expected) {
  struct plan_error err;
  char found[700], place[48] = "";
  struct plan_sweep *sweep = load(text, &err);
  assert_null(sweep);
  const char *file = strrchr(err.file, '/');
  if (err.line)
    snprintf(place, sizeof place, ":%u:%u", err.line, err.column);
  snprintf(found, sizeof found, "%s%s: %s", file ? file + 1 : err.file, place, err.text);
  plan_error_free(&err);
  char *dir;
  while ((dir = strstr(found, text_dir()))) /* in the text */
    memmove(dir, dir + strlen(text_dir()) + 1, strlen(dir + strlen(text_dir()) + 1) + 1);
  assert_string_equal(found, expected);
}

static void settings_and_seeds(void **state) {
  (void)state;
  put_base(BASE);
  struct plan_sweep *s = good(HEAD VARY);
  assert_string_equal(s->name, "study");
  assert_int_equal(s->seed_first, 3);
  assert_int_equal(s->seed_last, 12);
  assert_int_equal(s->n_paths, 2);
  assert_string_equal(s->paths[1].path, "links.1.rate");
  assert_int_equal(s->n_settings, 6);
  for (size_t i = 0; i < 6; i++) {
    size_t policy = plan_sweep_value(s, i, 0), rate = plan_sweep_value(s, i, 1);
    assert_int_equal(policy * 3 + rate, i); /* the last path fastest */
    assert_string_equal(s->settings[i]->nodes[1].policy, s->paths[0].values[policy]);
    assert_int_equal(s->settings[i]->links[1].forward.rate_bps, (rate + 1) * 1000000);
  }
  assert_int_equal(s->on_time_ns, 0);
  assert_false(plan_sweep_watches(s, 0, 0));
  assert_true(plan_sweep_watches(s, 0, 2));
  plan_sweep_free(s);
}

static void one_seed_and_some_subscribers(void **state) {
  (void)state;
  put_base(BASE);
  struct plan_sweep *s = good(
      "scenario: base.yaml\nseeds: 7\nvary: { nodes.sub.count: [2, 3] }\non_time: 50ms\n"
      "who: [\"sub[1]\"]\n");
  assert_int_equal(s->seed_first, 7);
  assert_int_equal(s->seed_last, 7);
  assert_int_equal(s->on_time_ns, 50000000);
  assert_false(plan_sweep_watches(s, 1, 2));
  assert_true(plan_sweep_watches(s, 1, 3));
  assert_false(plan_sweep_watches(s, 1, 4));
  plan_sweep_free(s);
  s = good(HEAD "vary: { nodes.sub.count: [2, 3] }\nwho: [sub]\n");
  assert_true(plan_sweep_watches(s, 0, 2));
  assert_true(plan_sweep_watches(s, 0, 3));
  plan_sweep_free(s);
}

static void wrong_files(void **state) {
  (void)state;
  put_base(BASE);
  refused("",
          "study.yaml:1:1: expected a mapping that begins with the key 'scenario', found an empty "
          "file");
  refused("seeds: 1..2\n",
          "study.yaml:1:1: expected the key 'scenario' (the file to run), found none");
  refused("scenario: base.yaml\nvary: { seed: [1] }\n",
          "study.yaml:1:1: expected the key 'seeds' (A..B), found none");
  refused(HEAD, "study.yaml:1:1: expected the key 'vary' (what differs between runs), found none");
  refused("sceanrio: base.yaml\n",
          "study.yaml:1:1: expected a key of a sweep (scenario, seeds, vary, on_time, who), found "
          "'sceanrio'; did you mean 'scenario'?");
  refused("scenario: base.yaml\nseeds: 9..3\n" VARY,
          "study.yaml:2:8: expected seeds such as 1..20, found '9..3'");
  refused("scenario: base.yaml\nseeds: many\n" VARY,
          "study.yaml:2:8: expected seeds such as 1..20, found 'many'");
  refused("scenario: base.yaml\nseeds: 0..100000\n" VARY,
          "study.yaml:2:8: expected at most 100000 seeds, found '0..100000'");
  refused(HEAD "vary: {}\n", "study.yaml:3:7: expected 1 to 3 paths, found 0");
  refused(HEAD "vary: { a: [1], b: [1], c: [1], d: [1] }\n",
          "study.yaml:3:7: expected 1 to 3 paths, found 4");
  refused(HEAD "vary: { links.1.rate: 1mbit }\n",
          "study.yaml:3:23: expected a list of values, found '1mbit'");
  refused(HEAD "vary: { links.1.rate: [] }\n", "study.yaml:3:23: expected 1 to 16 values, found 0");
  refused(HEAD "vary: { links.1.rate: [1mbit, 2mbit, 1mbit] }\n",
          "study.yaml:3:38: expected each value once, found '1mbit' again");
  refused(HEAD "vary: { seed: [1, 2] }\n",
          "study.yaml:3:9: expected a path other than 'seed': the seeds are in 'seeds'");
  refused(HEAD VARY "on_time: soon\n",
          "study.yaml:6:10: expected a time such as 250ms (ns us ms s min h), found 'soon'");
  refused(HEAD VARY "who: [sup]\n",
          "study.yaml:6:7: expected the name of a subscriber, found 'sup'");
  refused(HEAD VARY "who: [relay]\n",
          "study.yaml:6:7: expected the name of a subscriber, found 'relay'");
}

static void wrong_paths_and_values(void **state) {
  (void)state;
  put_base(BASE);
  refused(HEAD "vary:\n  nodes.relay.policy: [none, random]\n",
          "study.yaml:4:30: nodes.relay.policy: expected one of none, priority-limit, deadline, "
          "skip-to-group, found 'random'");
  refused(HEAD "vary:\n  nodes.relais.policy: [none]\n",
          "study.yaml:4:25: nodes.relais.policy: the scenario has no 'relais'");
  refused(HEAD "vary:\n  links.7.rate: [1mbit]\n",
          "study.yaml:4:18: links.7.rate: the list is shorter; there is no element 7");
  /* a value that makes something else wrong */
  refused(HEAD "vary:\n  nodes.sub.role: [publisher]\n",
          "study.yaml:4:20: nodes.sub.role: base.yaml:13:12: expected a subscriber or a rogue, "
          "found 'sub', a publisher");
  /* each right, together wrong */
  put_base(
      "scenario: base\nduration: 1s\n" NODES
      "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], delay: 5ms }\n" TRACKS
          SUBSCRIPTIONS);
  refused(HEAD "vary: { links.1.delay: [5ms, 1ms], links.1.jitter: [0ms, 3ms] }\n",
          "study.yaml:3:7: links.1.delay=1ms with links.1.jitter=3ms: expected a jitter of at most "
          "the delay, 1ms, found 3ms");
}

static void wrong_scenarios(void **state) {
  (void)state;
  put_base("scenario: base\nduration: 1s\nnodes: 7\n");
  refused(HEAD VARY, "base.yaml:3:8: expected a mapping of nodes, found '7'");
  refused("scenario: none.yaml\nseeds: 1..2\n" VARY,
          "study.yaml:1:11: none.yaml: cannot read the file: No such file or directory");
  put_base(BASE "defects: [orphan]\n");
  refused(HEAD VARY,
          "study.yaml:1:11: expected a scenario without defects, found one with 'orphan'");
  put_base("scenario: base\nduration: 1s\n" NODES LINKS TRACKS SUBSCRIPTIONS);
  refused(HEAD VARY,
          "study.yaml:1:1: expected the key 'on_time' (how old an object may be to be of use): a "
          "subscription of 'sub[0]' has no delivery_timeout to take it from");
  plan_sweep_free(good(HEAD VARY "on_time: 1s\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(settings_and_seeds), cmocka_unit_test(one_seed_and_some_subscribers),
      cmocka_unit_test(wrong_files),        cmocka_unit_test(wrong_paths_and_values),
      cmocka_unit_test(wrong_scenarios),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
