/* links.jsonl of a simulation: the lines that the wire process of a live run writes, and
 * totals that agree with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "bench/t/scenario_text.h"
#include "bench/t/sim_play.h"

#define MS UINT64_C(1000000)

#define LOSSY                                                                                      \
  TOP NODES_CLEAR                                                                                  \
      "links:\n  - { between: [pub, relay] }\n"                                                    \
      "  - between: [relay, sub]\n    delay: 3ms\n    loss: 10%\n    duplicate: 5%\n"              \
      "    forward: { faults: [{ do: drop, frame: DATAGRAM, nth: 4 }] }\n" TRACKS SUBSCRIPTIONS    \
      "timeline:\n  - { at: 500ms, link: [relay, \"sub[1]\"], do: down }\n"                        \
      "  - { at: 600ms, link: [relay, \"sub[1]\"], do: up }\n"

struct told {
  json_int_t packets, dropped, doubled; /* of packet lines, of one direction */
  json_t *total;
};

static const char *text_of(const json_t *line, const char *key) {
  const char *text = json_string_value(json_object_get(line, key));
  assert_non_null(text);
  return text;
}

static json_int_t number_of(const json_t *line, const char *key) {
  const json_t *value = json_object_get(line, key);
  assert_true(json_is_integer(value));
  return json_integer_value(value);
}

/* Sums up what the file tells of one direction. Totals are its last lines. */
static void read_way(const char *way, struct told *told) {
  char path[600], *line = NULL;
  size_t room = 0;
  *told = (struct told){0};
  snprintf(path, sizeof path, "%s/links.jsonl", text_dir());
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  while (getline(&line, &room, from) > 0) {
    json_t *o = json_loads(line, 0, NULL);
    assert_non_null(o);
    const char *ev = text_of(o, "ev");
    if (strcmp(text_of(o, "link"), way) == 0) {
      assert_null(told->total);
      if (strcmp(ev, "packet") == 0) {
        told->packets++;
        told->dropped += number_of(o, "copies") == 0;
        told->doubled += number_of(o, "copies") == 2;
        assert_int_equal(strlen(text_of(o, "hash")), 16);
      } else if (strcmp(ev, "total") == 0)
        told->total = json_incref(o);
    }
    json_decref(o);
  }
  free(line);
  fclose(from);
}

static void totals_agree_with_lines(void **state) {
  (void)state;
  static const char *const ways[] = {"relay>sub[0]", "sub[0]>relay", "relay>sub[1]",
                                     "sub[1]>relay"};
  struct sim_seen seen;
  sim_play(LOSSY, 3, text_dir(), NULL, &seen);
  assert_string_equal(seen.outcome.ended, "");
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct told told;
    json_int_t sum = 0;
    const char *why;
    json_t *n;
    read_way(ways[i], &told);
    assert_non_null(told.total);
    json_object_foreach(json_object_get(told.total, "dropped"), why, n) sum +=
        json_integer_value(n);
    assert_true(told.dropped > 0);
    assert_int_equal(sum, told.dropped);
    assert_int_equal(number_of(told.total, "doubled"), told.doubled);
    assert_int_equal(number_of(told.total, "packets"), number_of(told.total, "passed") + sum);
    assert_int_equal(number_of(json_object_get(told.total, "dropped"), "fault"), i % 2 == 0);
    if (i == 2) /* who hears nothing sends nothing */
      assert_true(number_of(json_object_get(told.total, "dropped"), "down") > 0);
    json_decref(told.total);
  }
}

static void plain_links_have_no_total(void **state) {
  (void)state;
  struct told told;
  struct sim_seen seen;
  sim_play(LOSSY, 3, text_dir(), NULL, &seen);
  read_way("pub>relay", &told);
  assert_int_equal(told.packets, 0);
  assert_null(told.total);
}

/* What a subscriber said last is on its way for longer than it waits itself: the relay
 * is stopped when nothing is on a link any more. */
static void stop_lets_arrive(void **state) {
  (void)state;
  struct sim_seen seen;
  sim_play(TOP "drain: 50ms\n" NODES
               "links:\n  - { between: [pub, relay] }\n"
               "  - { between: [relay, sub], delay: 3ms }\n" TRACKS SUBSCRIPTIONS
               "timeline:\n  - { at: 990ms, link: [relay, sub], set: { delay: 3s } }\n",
           3, text_dir(), NULL, &seen);
  assert_string_equal(seen.outcome.ended, "");
  assert_true(seen.outcome.end_ns - seen.outcome.start_ns > (1000 + 3000 + 1000) * MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(totals_agree_with_lines),
                                     cmocka_unit_test(plain_links_have_no_total),
                                     cmocka_unit_test(stop_lets_arrive)};
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
