/* --set PATH=VALUE: every kind of path that exists, and those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench/scenario/plan.h"
#include "bench/t/scenario_text.h"

static const char base[] = TOP NODES
    "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], loss: 1%, reorder: 2% "
    "}\n" TRACKS SUBSCRIPTIONS
    "timeline:\n  - { at: 100ms, node: sub, do: reconnect }\n"
    "defects: [slow-agent: 200ms, orphan]\n"
    "expect: { latency: { p99: 1s }, closes: { \"sub[1]\": NO_ERROR } }\n";

static struct plan *with(const char *set) {
  return text_plan_set(base, (const char *const[]){set, NULL});
}

static void present(void **state) {
  (void)state;
  struct plan *plan = with("seed=9");
  assert_int_equal(plan->seed, 9);
  plan_free(plan);
  plan = with("nodes.sub.count=5");
  assert_int_equal(plan->n_nodes, 7);
  plan_free(plan);
  plan = with("links.1.loss=3%");
  assert_int_equal(plan->links[1].forward.loss_ppm, 30000);
  plan_free(plan);
  plan = with("links[1].loss=4%");
  assert_int_equal(plan->links[1].forward.loss_ppm, 40000);
  plan_free(plan);
  plan = with("links.1.reorder=5%");
  assert_int_equal(plan->links[1].forward.reorder_ppm, 50000);
  plan_free(plan);
  plan = with("links.0.between.1=relay");
  assert_int_equal(plan->links[0].b, 1);
  plan_free(plan);
}

static void in_lists_and_names(void **state) {
  (void)state;
  struct plan *plan = with("timeline.0.node=sub[2]");
  assert_int_equal(plan->n_events, 1);
  assert_int_equal(plan->events[0].node, 4);
  plan_free(plan);
  plan = with("defects.0.slow-agent=7ms");
  assert_string_equal(plan->defects[0].value, "7ms");
  plan_free(plan);
  plan = with("defects[1]=two-counters");
  assert_string_equal(plan->defects[1].name, "two-counters");
  plan_free(plan);
  plan = with("defects.0=stale-dcid");
  assert_string_equal(plan->defects[0].name, "stale-dcid");
  assert_null(plan->defects[0].value);
  plan_free(plan);
  plan = with("expect.closes.sub[1]=INTERNAL_ERROR");
  assert_string_equal(plan->closes[0].error, "INTERNAL_ERROR");
  plan_free(plan);
}

static void absent(void **state) {
  (void)state;
  struct plan *plan = with("nodes.relay.datapath=stock");
  assert_int_equal(plan->nodes[1].datapath, PLAN_DP_STOCK);
  plan_free(plan);
  plan = with("drain=1ms");
  assert_int_equal(plan->drain_ns, 1000000);
  plan_free(plan);
  plan = with("tracks.chat.priority=7");
  assert_int_equal(plan->tracks[0].priority, 7);
  plan_free(plan);
  plan = with("subscriptions.0.priority_limit=7");
  assert_int_equal(plan->subscriptions[2].priority_limit, 7);
  plan_free(plan);
  plan = with("links.0.backward.delay=2ms");
  assert_int_equal(plan->links[0].forward.delay_ns, 0);
  assert_int_equal(plan->links[0].backward.delay_ns, 2000000);
  plan_free(plan);
  plan = with("expect.latency.p50=1ms");
  assert_int_equal(plan->expects[0].p50_ns, 1000000);
  plan_free(plan);
  plan = with("expect.copy-count.skip=not today");
  assert_string_equal(plan->expects[1].skip_reason, "not today");
  plan_free(plan);
  plan = with("expect.examined.pn-unique=12");
  assert_int_equal(plan->examined[0].at_least, 12);
  plan_free(plan);
  plan = with("expect.closes.pub=0x3");
  assert_int_equal(plan->n_closes, 2);
  plan_free(plan);
}

/* Later ones win, and see what earlier ones made. */
static void several(void **state) {
  (void)state;
  struct plan *plan = text_plan_set(
      SMALL, (const char *const[]){"links.0.burst.enter=1%", "links.0.burst.leave=2%",
                                   "links.0.burst.enter=3%", "links.0.loss=50%", NULL});
  assert_int_equal(plan->links[0].forward.burst_enter_ppm, 30000);
  assert_int_equal(plan->links[0].forward.burst_leave_ppm, 20000);
  assert_int_equal(plan->links[0].forward.loss_ppm, 500000);
  plan_free(plan);
}

/* A value may hold '=' and dots, and may be empty text. */
static void odd_values(void **state) {
  (void)state;
  struct plan *plan = with("about=a=b.c");
  assert_string_equal(plan->about, "a=b.c");
  plan_free(plan);
  plan = with("about=");
  assert_string_equal(plan->about, "");
  plan_free(plan);
}

static void refused_paths(void **state) {
  (void)state;
  static const struct {
    const char *set, *expected;
  } rows[] = {
      {"nodes.relay.datapth=user",
       "--set 'nodes.relay.datapth=user': a scenario has no such path; unknown key 'datapth'; did "
       "you "
       "mean 'datapath'?"},
      {"sed=1",
       "--set 'sed=1': a scenario has no such path; unknown key 'sed'; did you mean 'seed'?"},
      {"nodes.rely.datapath=user", "--set 'nodes.rely.datapath=user': the scenario has no 'rely'"},
      {"nodes.sub[1].count=2", "--set 'nodes.sub[1].count=2': the scenario has no 'sub[1]'"},
      {"tracks.audio.every=1ms", "--set 'tracks.audio.every=1ms': the scenario has no 'audio'"},
      {"links.2.loss=1%", "--set 'links.2.loss=1%': the list is shorter; there is no element 2"},
      {"links.99999999999999999999.loss=1%",
       "--set 'links.99999999999999999999.loss=1%': the list is shorter; there is no element "
       "99999999999999999999"},
      {"links.x.loss=1%",
       "--set 'links.x.loss=1%': expected the index of an element, from 0, found 'x'"},
      {"links.-1.loss=1%",
       "--set 'links.-1.loss=1%': expected the index of an element, from 0, found '-1'"},
      {"links[0.loss=1%",
       "--set 'links[0.loss=1%': expected a path such as nodes.relay.datapath, found '[0.loss'"},
      {"nodes=x",
       "--set 'nodes=x': expected the path of a single value, found that of a mapping of "
       "nodes"},
      {"modes=live",
       "--set 'modes=live': expected the path of a single value, found that of a list of names"},
      {"seed.x=1",
       "--set 'seed.x=1': expected the path to end at a single value, found more: '.x'"},
      {"links.1.reorder.by=1ms",
       "--set 'links.1.reorder.by=1ms': expected the path to end at a "
       "single value, found more: '.by'"},
      {"=1", "--set '=1': expected PATH=VALUE"},
      {"nodes..role=relay",
       "--set 'nodes..role=relay': expected a path such as "
       "nodes.relay.datapath, found '..role'"},
      {"nodes.relay.=relay",
       "--set 'nodes.relay.=relay': expected a path such as "
       "nodes.relay.datapath, found '.'"},
      {"links.0.faults.0.do=drop",
       "--set 'links.0.faults.0.do=drop': the list is shorter; there is no element 0"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    text_refused_set(base, rows[i].set, rows[i].expected);
}

/* A wrong value has no place in the file: the error names the option. */
static void refused_values(void **state) {
  (void)state;
  static const struct {
    const char *set, *expected;
  } rows[] = {
      {"nodes.relay.datapath=usr",
       "--set 'nodes.relay.datapath=usr': expected one of kernel, user, "
       "stock, found 'usr'; did you mean 'user'?"},
      {"duration=-1s", "--set 'duration=-1s': expected at least 1ns, found '-1s'"},
      {"nodes.sub.count=0", "--set 'nodes.sub.count=0': expected at least 1, found '0'"},
      {"nodes.sub.datapath=user",
       "--set 'nodes.sub.datapath=user': expected no key 'datapath': it "
       "belongs to a relay, and this is a subscriber"},
      {"expect.latncy.p99=1s",
       "--set 'expect.latncy.p99=1s': expected the name of a check, found "
       "'latncy'; did you mean 'latency'?"},
      {"expect.closes.nobody=1",
       "--set 'expect.closes.nobody=1': expected the name of a node, found 'nobody'"},
      {"links.1.jitter=1ms",
       "--set 'links.1.jitter=1ms': expected a jitter of at most the delay, 0, found 1ms"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    text_refused_set(base, rows[i].set, rows[i].expected);
}

/* The file itself must be good before anything is put into it. */
static void file_first(void **state) {
  (void)state;
  text_refused_set(
      "scenario: small\nseeed: 1\n", "seed=1",
      "2:1: expected a key of a scenario (scenario, about, seed, duration, drain, "
      "modes, interleave, nodes, links, tracks, subscriptions, timeline, defects, expect), "
      "found "
      "'seeed'; did you mean 'seed'?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(present),        cmocka_unit_test(in_lists_and_names),
      cmocka_unit_test(absent),         cmocka_unit_test(several),
      cmocka_unit_test(odd_values),     cmocka_unit_test(refused_paths),
      cmocka_unit_test(refused_values), cmocka_unit_test(file_first),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
