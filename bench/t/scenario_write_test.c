/* plan_write(): what it writes loads again and means the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/plan.h"
#include "bench/scenario/sweep.h"
#include "bench/t/scenario_equal.h"
#include "bench/t/scenario_text.h"

static struct plan *load(const char *path) {
  struct plan_error err;
  struct plan *plan = plan_load(path, NULL, 0, &err);
  if (!plan) {
    plan_error_print(stderr, &err);
    fail_msg("%s does not load", path);
  }
  return plan;
}

/* Writes, loads, compares; then writes again and compares the texts. */
static void check_round_trip(const struct plan *plan) {
  char *text[2] = {NULL, NULL};
  size_t len[2];
  const struct plan *from = plan;
  struct plan *again = NULL;
  for (int i = 0; i < 2; i++) {
    struct plan_error err;
    FILE *to = open_memstream(&text[i], &len[i]);
    assert_non_null(to);
    assert_int_equal(plan_write(from, to), 0);
    fclose(to);
    struct plan *next = text_load(text[i], len[i], NULL, &err);
    if (!next) {
      plan_error_print(stderr, &err);
      fail_msg("%s: what was written does not load:\n%s", plan->name, text[i]);
      return;
    }
    const char *field = plans_differ(plan, next);
    if (field)
      fail_msg("%s: '%s' differs after writing:\n%s", plan->name, field, text[i]);
    plan_free(again);
    from = again = next;
  }
  assert_string_equal(text[0], text[1]);
  plan_free(again);
  free(text[0]);
  free(text[1]);
}

/* Beside scenarios for sweeps lie the sweeps; they load as such. */
static bool is_sweep(const char *path) {
  struct plan_error err;
  if (!strstr(path, "/sweeps/"))
    return false;
  struct plan_sweep *sweep = plan_sweep_load(path, &err);
  plan_error_free(&err);
  plan_sweep_free(sweep);
  return sweep != NULL;
}

static void every_scenario(void **state) {
  (void)state;
  static const char *const folders[] = {"scenarios/first/*.yaml", "scenarios/[!fb]*/*.yaml"};
  glob_t files;
  for (int i = 0; i < 2; i++)
    assert_int_equal(glob(text_source(folders[i]), i ? GLOB_APPEND : 0, NULL, &files), 0);
  assert_true(files.gl_pathc >= 16);
  for (size_t i = 0; i < files.gl_pathc; i++) {
    if (is_sweep(files.gl_pathv[i]))
      continue;
    struct plan *plan = load(files.gl_pathv[i]);
    if (!*plan->about)
      fail_msg("%s has no 'about'", files.gl_pathv[i]);
    check_round_trip(plan);
    plan_free(plan);
  }
  globfree(&files);
}

/* NAME-DATAPATH.yaml is NAME.yaml but for the datapath. */
static void check_twins(const char *datapath, size_t at_least) {
  char pattern[64], other[600];
  glob_t files;
  snprintf(pattern, sizeof pattern, "scenarios/first/*-%s.yaml", datapath);
  assert_int_equal(glob(text_source(pattern), 0, NULL, &files), 0);
  assert_true(files.gl_pathc >= at_least);
  for (size_t i = 0; i < files.gl_pathc; i++) {
    const char *path = files.gl_pathv[i];
    const size_t stem = strlen(path) - strlen(datapath) - strlen("-.yaml");
    struct plan *twin = load(path);
    snprintf(other, sizeof other, "%.*s.yaml", (int)stem, path);
    struct plan_error err;
    const struct plan_override set = {"nodes.relay.datapath", datapath};
    struct plan *plan = plan_load(other, &set, 1, &err);
    assert_non_null(plan);
    assert_string_not_equal(plan->name, twin->name);
    free(plan->name);
    free(plan->about);
    plan->name = strdup(twin->name);
    plan->about = strdup(twin->about);
    const char *field = plans_differ(plan, twin);
    if (field)
      fail_msg("%s: '%s' is not as in %s", path, field, other);
    plan_free(plan);
    plan_free(twin);
  }
  globfree(&files);
}

static void twins_are_twins(void **state) {
  (void)state;
  check_twins("stock", 7);
  check_twins("user", 1);
}

static const char rich[] =
    "scenario: rich\n"
    "about: \"quotes \\\" and \\\\, a tab \\t, a line\\nbreak, "
    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7 "
    "\\u2028 \\x85 \\x01 # : - end \"\n"
    "seed: 18446744073709551615\nduration: 2500ms\ndrain: 1ns\nmodes: [sim]\ninterleave: 7\n"
    "nodes:\n"
    "  pub: { role: publisher, relay: top, window: 300KiB, streams: 7, cid_len: 0, ack_delay: 1ms "
    "}\n"
    "  top: { role: relay, datapath: user, protection: none, cipher: aes128gcm, congestion: cubic, "
    "cache: 1MB }\n"
    "  low: { role: relay, count: 2, protection: none, upstream: top, datapath: stock }\n"
    "  hop: { role: router }\n"
    "  sub: { role: subscriber, count: 7, per_host: 3, relay: \"low[1]\" }\n"
    "  bad: { role: rogue, does: [ack-flood, double-fin], relay: \"low[0]\", count: 2, per_host: 2 "
    "}\n"
    "links:\n"
    "  - { between: [pub, top], delay: 5ms, jitter: 1ms, loss: 0.25%, duplicate: 1%, corrupt: 2%,"
    " rate: 20mbit, queue: 64KiB, reorder: 3%, burst: { enter: 1%, leave: 30% }, mtu: 1400 }\n"
    "  - { between: [top, low], ip: 6, forward: { delay: 1us, reorder: { share: 1%, by: 5ms } },"
    " backward: { loss: 1%, faults: [{ do: drop, frame: ACK, nth: 3 }] } }\n"
    "  - { between: [\"low[1]\", hop], faults: [{ do: delay, index: 40..60, by: 7ms },"
    " { do: corrupt, frame: STREAM }, { do: duplicate, index: 5 }, { do: delay, index: 1 }] }\n"
    "  - { between: [hop, sub] }\n"
    "  - { between: [\"low[0]\", bad] }\n"
    "tracks:\n"
    "  chat: { from: pub, as: datagrams, every: 20ms, size: 20..200, group: 50, priority: 0 }\n"
    "  svc: { from: pub, as: subgroups, subgroup: layer, layers: 3, every: 40ms, size: 3KiB, "
    "objects: 9 }\n"
    "  ware: { from: pub, as: subgroups, file: scenario.yaml, every: 1ms, size: 100 }\n"
    "subscriptions:\n"
    "  - { who: sub, tracks: [chat, svc], priority_limit: 4, delivery_timeout: 300ms }\n"
    "  - { who: \"sub[2]\", tracks: [ware], at: 2s, start: next-group }\n"
    "  - { who: bad, tracks: [svc], priority_limit: none }\n"
    "timeline:\n"
    "  - { at: 2s, link: [hop, sub], set: { loss: 20%, forward: { delay: 9ms } } }\n"
    "  - { at: 1s, link: [sub, hop], set: { loss: 10%, forward: { delay: 4ms }, burst: off } }\n"
    "  - { at: 1s, link: [top, pub], set: { burst: off, reorder: 0, rate: 0 } }\n"
    "  - { at: 1100ms, link: [\"low[0]\", top], do: down }\n"
    "  - { at: 1200ms, link: [top, \"low[0]\"], do: up }\n"
    "  - { at: 100ms, every: 200ms, times: 3, node: sub, do: reconnect, same_port: true }\n"
    "  - { at: 300ms, node: \"sub[1]\", set: { priority_limit: 2 } }\n"
    "  - { at: 400ms, node: \"sub[1]\", set: { priority_limit: none } }\n"
    "  - { at: 500ms, node: pub, do: stall, for: 30ms }\n"
    "  - { at: 600ms, node: \"sub[0]\", do: subscribe, tracks: [ware] }\n"
    "  - { at: 700ms, node: \"sub[0]\", do: unsubscribe, tracks: [ware, chat] }\n"
    "  - { at: 0, node: \"low[0]\", do: kill }\n  - { at: 0, node: top, do: update-key }\n"
    "  - { at: 0, node: pub, do: die }\n  - { at: 0, node: pub, do: vanish }\n"
    "  - { at: 0, node: pub, do: restart }\n  - { at: 0, node: pub, do: rotate-cid }\n"
    "  - { at: 0, node: pub, do: rebind }\n  - { at: 0, node: bad, do: migrate }\n"
    "defects: [two-counters, slow-agent: 200ms, pn-guess: 7]\n"
    "expect:\n"
    "  latency: { p50: 1ms, p99: 500ms, max: 1s }\n"
    "  cid-supply: { skip: 'not yet: \"why\"' }\n"
    "  isolated: {}\n"
    "  convict: [pn-unique, no-needless-retransmit]\n  also: [copy-count]\n"
    "  closes: { bad: PROTOCOL_VIOLATION, pub: 0x1c, \"sub[3]\": \"12\" }\n"
    "  examined: { pn-unique: 1000 }\n"
    "  subscribers: { \"sub[1]\": { fast_path: 12.5%..100%, sendings: 2 }, \"sub[3]\": {} }\n";

static void everything_there_is(void **state) {
  (void)state;
  /* The plan of `rich` names its own file as one to publish, so keep that. */
  char path[600];
  snprintf(path, sizeof path, "%s", text_file("rich.yaml", rich, strlen(rich)));
  text_file("scenario.yaml", rich, strlen(rich));
  struct plan *plan = load(path);
  check_round_trip(plan);
  plan_free(plan);
}

static size_t count(const char *text, const char *part) {
  size_t n = 0;
  for (; (text = strstr(text, part)) != NULL; text += strlen(part))
    n++;
  return n;
}

/* The text of a plan; the caller's to free. */
static char *written(const struct plan *plan) {
  char *text = NULL;
  size_t len;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  assert_int_equal(plan_write(plan, to), 0);
  fclose(to);
  return text;
}

/* What NAME expanded to is one entry again, unless its parts became different. */
static void names_stay_short(void **state) {
  (void)state;
  static const char start[] = TOP
      "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"
      "  sub: { role: subscriber, count: 2000, per_host: 3 }\nlinks:\n"
      "  - { between: [pub, relay] }\n  - { between: [sub, relay], delay: 5ms }\n" TRACKS
          SUBSCRIPTIONS
      "timeline:\n  - { at: 1s, node: sub, do: die }\n"
      "  - { at: 2s, link: [sub, relay], set: { loss: 1% } }\n"
      "  - { at: 3s, link: [relay, sub], do: down }\n";
  struct plan *plan = text_plan(start);
  char *text = written(plan);
  assert_int_equal(plan->n_events, 2000 + 667 + 667);
  assert_int_equal(count(text, "between"), 2);
  assert_int_equal(count(text, "who:"), 1);
  assert_int_equal(count(text, "- { at: "), 3);
  assert_non_null(strstr(text, "link: [\"sub\", \"relay\"], set"));
  assert_non_null(strstr(text, "link: [\"relay\", \"sub\"], do: down"));
  check_round_trip(plan);
  free(text);
  /* One link, subscription or event that differs is written out with its kin. */
  plan->links[5].mtu = 1400;
  plan->subscriptions[7].at_ns = 1;
  plan->events[1].kind = PLAN_EV_KILL;
  plan->events[2005].set.loss_ppm = 7;
  text = written(plan);
  assert_int_equal(count(text, "between"), 1 + 667);
  assert_int_equal(count(text, "who:"), 2000);
  assert_int_equal(count(text, "node: "), 2000);
  assert_int_equal(count(text, "loss: 0.0007%"), 1);
  assert_int_equal(count(text, "do: down"), 1);
  check_round_trip(plan);
  free(text);
  plan_free(plan);
}

/* The longest timeline there may be is still read again. */
static void longest_timeline(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      SMALL
      "timeline:\n  - { at: 1ns, every: 1ns, times: 10000, link: [pub, relay], set: { delay: "
      "59.999999999s, jitter: 59.999999998s, loss: 0.0001%, duplicate: 0.0001%, corrupt: "
      "0.0001%, rate: 999999999999bit, queue: 1073741823, reorder: { share: 0.0001%, by: "
      "59.999999999s }, burst: { enter: 0.0001%, leave: 0.0001%, loss: 0.0001% } } }\n");
  assert_int_equal(plan->n_events, 10000);
  check_round_trip(plan);
  plan_free(plan);
}

static void too_long_to_read_again(void **state) {
  (void)state;
  struct plan *plan = text_plan(SMALL);
  FILE *nowhere = fopen("/dev/null", "w");
  assert_non_null(nowhere);
  free(plan->about);
  plan->about = calloc(9 << 20, 1);
  assert_non_null(plan->about);
  memset(plan->about, 'x', (9 << 20) - 1);
  errno = 0;
  assert_int_equal(plan_write(plan, nowhere), -1);
  assert_int_equal(errno, EFBIG);
  fclose(nowhere);
  plan_free(plan);
}

static void write_errors_are_told(void **state) {
  (void)state;
  struct plan *plan = text_plan(SMALL);
  FILE *full = fopen("/dev/full", "w");
  assert_non_null(full);
  assert_int_equal(plan_write(plan, full), -1);
  fclose(full);
  plan_free(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_scenario),        cmocka_unit_test(twins_are_twins),
      cmocka_unit_test(everything_there_is),   cmocka_unit_test(names_stay_short),
      cmocka_unit_test(longest_timeline),      cmocka_unit_test(too_long_to_read_again),
      cmocka_unit_test(write_errors_are_told),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
