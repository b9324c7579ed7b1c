/* Bounds: every limit holds, nothing is slow to refuse, and no damaged file
 * does more than be read or be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/limits.h"
#include "bench/scenario/plan.h"
#include "bench/t/scenario_text.h"

/* Text that grows. */
struct text {
  char *bytes;
  size_t len, room;
};

static void add(struct text *text, const char *more) {
  size_t n = strlen(more);
  while (text->len + n + 1 > text->room) {
    text->room = text->room ? 2 * text->room : 4096;
    text->bytes = realloc(text->bytes, text->room);
    assert_non_null(text->bytes);
  }
  memcpy(text->bytes + text->len, more, n + 1);
  text->len += n;
}

static void refused_and_freed(struct text *text, const char *expected) {
  text_refused(text->bytes, expected);
  free(text->bytes);
}

static void file_size(void **state) {
  (void)state;
  struct text text = {0};
  add(&text, SMALL);
  while (text.len < PLAN_MAX_FILE_BYTES - 100)
    add(&text, "# comment\n");
  struct plan *plan = text_plan(text.bytes);
  plan_free(plan);
  while (text.len <= PLAN_MAX_FILE_BYTES)
    add(&text, "# comment\n");
  refused_and_freed(&text, "expected at most 8388608 bytes, found more");
}

static void depth(void **state) {
  (void)state;
  struct text flow = {0}, block = {0};
  add(&flow, "scenario: ");
  for (int i = 0; i < 100000; i++)
    add(&flow, "[");
  refused_and_freed(&flow, "1:22: expected at most 12 levels, found one more");
  for (int i = 0; i < 100000; i++)
    add(&block, "- ");
  refused_and_freed(&block, "1:25: expected at most 12 levels, found one more");
}

static void values(void **state) {
  (void)state;
  struct text text = {0};
  add(&text, "modes: [");
  for (int i = 0; i < 1100000; i++)
    add(&text, "x,");
  refused_and_freed(&text, "1:2097155: expected at most 1048576 values in a file");
}

static void keys(void **state) {
  (void)state;
  struct text text = {0};
  for (int i = 0; i < 1025; i++) {
    char key[20];
    snprintf(key, sizeof key, "k%d: 1\n", i);
    add(&text, key);
  }
  refused_and_freed(&text, "1025:1: expected at most 1024 keys in one mapping");
}

static void scalar(void **state) {
  (void)state;
  struct text text = {0};
  add(&text, "about: ");
  for (int i = 0; i < PLAN_MAX_SCALAR_BYTES + 1; i++)
    add(&text, "x");
  refused_and_freed(&text, "1:8: expected at most 4096 bytes in one value, found 4097");
}

/* Nine levels of ten: a billion values, had they been counted after the fact. */
static void alias_bomb(void **state) {
  (void)state;
  struct text text = {0};
  add(&text, "a0: &a0 x\n");
  for (int i = 1; i < 10; i++) {
    char line[100];
    snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1);
    add(&text, line);
  }
  refused_and_freed(&text,
                    "1:5: expected a value, found the anchor '&a0'; scenarios have no anchors "
                    "and aliases, write the value out");
}

static void links(void **state) {
  (void)state;
  text_refused(TOP
               "nodes:\n  relay: { role: relay, count: 200 }\n"
               "  hop: { role: router, count: 200 }\nlinks:\n  - { between: [hop, relay] }\n",
               "7:16: expected at most 32768 links in all, found more");
}

/* The largest networks are still quick to check: one with all nodes in a row
 * of routers, one where every node has a relay of its own. */
static void large_networks(void **state) {
  (void)state;
  struct text text = {0};
  add(&text, TOP
      "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"
      "  hop: { role: router, count: 900 }\nlinks:\n"
      "  - { between: [\"hop[899]\", relay] }\n");
  for (int i = 899; i > 0; i--) {
    char line[100];
    snprintf(line, sizeof line, "  - { between: [\"hop[%d]\", \"hop[%d]\"] }\n", i, i - 1);
    add(&text, line);
  }
  add(&text, "  - { between: [\"hop[0]\", pub] }\n");
  struct plan *plan = text_plan(text.bytes);
  assert_int_equal(plan->n_links, 901);
  plan_free(plan);
  free(text.bytes);
  plan = text_plan(TOP
                   "nodes:\n  relay: { role: relay }\n"
                   "  sub: { role: subscriber, count: 16383 }\nlinks:\n"
                   "  - { between: [relay, sub] }\n");
  assert_int_equal(plan->n_nodes, PLAN_MAX_NODES);
  assert_int_equal(plan->n_links, 16383);
  plan_free(plan);
}

static void tracks_and_subscriptions(void **state) {
  (void)state;
  struct text text = {0};
  char line[100];
  add(&text, TOP
      "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"
      "  sub: { role: subscriber, count: 4094 }\n" LINKS "tracks:\n");
  for (int i = 0; i < PLAN_MAX_TRACKS; i++) {
    snprintf(line, sizeof line, "  t%d: { from: pub, as: datagrams, every: 1s, size: 1 }\n", i);
    add(&text, line);
  }
  size_t len = text.len;
  add(&text, "  more: { from: pub, as: datagrams, every: 1s, size: 1 }\n");
  text_refused(text.bytes, "267:3: expected at most 256 tracks, found more");
  text.len = len;
  add(&text, "subscriptions:\n  - { who: sub, tracks: [t0");
  for (int i = 1; i < 65; i++) {
    snprintf(line, sizeof line, ", t%d", i);
    add(&text, line);
  }
  add(&text, "] }\n");
  refused_and_freed(&text, "268:25: expected at most 262144 subscriptions in all, found more");
}

static void faults(void **state) {
  (void)state;
  struct text text = {0};
  add(&text, TOP NODES "links:\n  - between: [pub, relay]\n    faults:\n");
  for (int i = 0; i <= PLAN_MAX_FAULTS; i++)
    add(&text, "      - { do: drop, index: 1 }\n");
  refused_and_freed(&text, "266:9: expected at most 256 faults in one direction, found 257");
}

/* ---- damage ---- */

static const char everything[] =
    TOP "about: 'some \xc3\xa9 text'\nseed: 7\nmodes: [live]\n" NODES
        "  hop: { role: router }\n  bad: { role: rogue, does: ack-flood, per_host: 2, count: 2 }\n"
        "links:\n  - { between: [pub, relay], delay: 5ms, faults: [{ do: drop, index: 4..6 }] }\n"
        "  - { between: [relay, sub], loss: 1%, burst: { enter: 1%, leave: 2% }, reorder: 1% }\n"
        "  - { between: [relay, hop], ip: 6 }\n  - { between: [hop, bad], ip: 6 }\n" TRACKS
        "  t: { from: pub, as: subgroups, trace: t.csv }\n"
        "subscriptions:\n  - { who: sub, tracks: [chat, t], priority_limit: 4 }\n"
        "timeline:\n  - { at: 1s, every: 1ms, times: 3, link: [relay, sub], set: { loss: 2% } }\n"
        "  - { at: 1s, node: sub, do: subscribe, tracks: [chat] }\n"
        "defects: [orphan, slow-agent: 1s]\nexpect:\n  latency: { p99: 1s }\n"
        "  isolated: { skip: why }\n  convict: [pn-unique]\n  closes: { sub: 0x3 }\n"
        "  examined: { pn-unique: 3 }\n";

/* Loads; anything but a plan or one placed line of error fails the test. */
static bool survives(const char *bytes, size_t len) {
  struct plan_error err;
  struct plan *plan = text_load(bytes, len, NULL, &err);
  if (plan) {
    plan_free(plan);
    return true;
  }
  assert_true(err.line > 0 && err.column > 0);
  assert_true(err.text[0] != 0 && !strchr(err.text, '\n'));
  plan_error_free(&err);
  return false;
}

static void put_trace(void) {
  static const char csv[] = "time_us,size,type,group,priority\n0,900,I,0,0\n";
  text_file("t.csv", csv, strlen(csv));
}

static void cut_anywhere(void **state) {
  (void)state;
  size_t read = 0;
  put_trace();
  assert_true(survives(everything, strlen(everything)));
  for (size_t len = 0; len < strlen(everything); len++)
    read += survives(everything, len);
  assert_true(read > 0 && read < strlen(everything));
}

static void changed_anywhere(void **state) {
  (void)state;
  static const char with[] = "\0\t \n:-,[]{}#&*!|>'\"%@`?~0a9.\xff\xc3\x80";
  size_t refused = 0;
  put_trace();
  for (size_t at = 0; at < strlen(everything); at++) {
    char copy[sizeof everything];
    memcpy(copy, everything, sizeof copy);
    copy[at] = with[at % (sizeof with - 1)];
    refused += !survives(copy, strlen(everything));
    copy[at] = with[(at * 7 + 3) % (sizeof with - 1)];
    refused += !survives(copy, strlen(everything));
  }
  assert_true(refused > strlen(everything) / 2);
}

/* Lines out of order, doubled or missing: deep in the readers, where single
 * bytes seldom get. */
static void shuffled_lines(void **state) {
  (void)state;
  enum { ROUNDS = 1500, MAX_LINES = 100 };
  const char *lines[MAX_LINES];
  size_t n = 0, read = 0;
  uint64_t random = 7;
  put_trace();
  for (const char *at = everything; *at; at = strchr(at, '\n') + 1)
    lines[n++] = at;
  for (int round = 0; round < ROUNDS; round++) {
    struct text text = {0};
    for (size_t i = 0; i < n; i++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      uint64_t dice = random >> 58; /* 0..63 */
      const char *line = dice == 1 ? lines[(random >> 40) % n] : lines[i];
      char copy[200];
      snprintf(copy, sizeof copy, "%.*s", (int)(strchr(line, '\n') - line + 1), line);
      if (dice != 0)
        add(&text, copy);
      if (dice == 2)
        add(&text, copy);
    }
    read += survives(text.bytes, text.len);
    free(text.bytes);
  }
  assert_in_range(read, 1, ROUNDS - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(file_size),
      cmocka_unit_test(depth),
      cmocka_unit_test(values),
      cmocka_unit_test(keys),
      cmocka_unit_test(scalar),
      cmocka_unit_test(alias_bomb),
      cmocka_unit_test(links),
      cmocka_unit_test(large_networks),
      cmocka_unit_test(tracks_and_subscriptions),
      cmocka_unit_test(faults),
      cmocka_unit_test(cut_anywhere),
      cmocka_unit_test(changed_anywhere),
      cmocka_unit_test(shuffled_lines),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
