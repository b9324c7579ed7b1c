/* Events of a timeline on virtual time: what faults.jsonl says, and what went on. */
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

#define MS       INT64_C(1000000)
#define TIMELINE SMALL "timeline:\n"

/* Lines of a JSON Lines file of the run with member `key` equal to `value`; *t: times of the
 * first `room` of them. */
static size_t lines(const char *file, const char *key, const char *value, json_int_t *t,
                    size_t room) {
  char path[600], text[4096];
  size_t n = 0;
  snprintf(path, sizeof path, "%s/%s", text_dir(), file);
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  while (fgets(text, sizeof text, from) != NULL) {
    json_t *line = json_loads(text, 0, NULL);
    const char *is = json_string_value(json_object_get(line, key));
    assert_non_null(line);
    if (is != NULL && strcmp(is, value) == 0 && n++ < room)
      t[n - 1] = json_integer_value(json_object_get(line, "t"));
    json_decref(line);
  }
  fclose(from);
  return n;
}

static size_t count(const char *file, const char *key, const char *value) {
  return lines(file, key, value, NULL, 0);
}

/* Endpoints that are started again go on with their files, so old ones go first. */
static void play(const char *text, struct sim_seen *seen) {
  for (int i = 0; i < 3; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s/sub.%d-objects.jsonl", text_dir(), i);
    remove(path);
  }
  sim_play(text, 1, text_dir(), NULL, seen);
  assert_string_equal(seen->outcome.ended, "");
}

/* The relay's user space stands still: its datapath goes on, and so does it afterwards. */
static void a_stalled_relay_copies(void **state) {
  (void)state;
  struct sim_seen seen;
  json_int_t from, to, copies[200];
  play(TIMELINE "  - { at: 300ms, node: relay, do: stall, for: 200ms }\n", &seen);
  assert_int_equal(lines("faults.jsonl", "kind", "stall", &from, 1), 1);
  assert_int_equal(lines("faults.jsonl", "kind", "resume", &to, 1), 1);
  assert_int_equal(to - from, 200 * MS);
  const size_t n = lines("relay-copies.jsonl", "ev", "copy", copies, 200);
  size_t during = 0;
  for (size_t i = 0; i < n && i < 200; i++)
    during += copies[i] > from + MS && copies[i] < to - MS;
  assert_true(during >= 3 * 8); /* three subscribers, an object each 20 ms */
  for (int i = 0; i < 3; i++) {
    char file[32];
    snprintf(file, sizeof file, "sub.%d-objects.jsonl", i);
    assert_int_equal(count(file, "ev", "delivered"), 50);
  }
}

/* A subscriber that stands still delivers nothing meanwhile, and all of it later. */
static void a_stalled_subscriber_waits(void **state) {
  (void)state;
  struct sim_seen seen;
  json_int_t from[2], to, delivered[60];
  play(TIMELINE
       "  - { at: 300ms, node: \"sub[1]\", do: stall, for: 100ms }\n"
       "  - { at: 350ms, node: \"sub[1]\", do: stall, for: 150ms }\n",
       &seen);
  assert_int_equal(lines("faults.jsonl", "kind", "stall", from, 2), 2);
  /* both together are one that lasts to the end of the last */
  assert_int_equal(lines("faults.jsonl", "kind", "resume", &to, 1), 1);
  assert_int_equal(to - from[0], 200 * MS);
  const size_t n = lines("sub.1-objects.jsonl", "ev", "delivered", delivered, 60);
  assert_int_equal(n, 50);
  for (size_t i = 0; i < n; i++)
    assert_false(delivered[i] > from[0] && delivered[i] < to);
}

/* Killing what stands still is no wait; its stall is over with it. */
static void a_stall_ends_with_its_process(void **state) {
  (void)state;
  struct sim_seen seen;
  play(TIMELINE
       "  - { at: 300ms, node: \"sub[1]\", do: stall, for: 9s }\n"
       "  - { at: 400ms, node: \"sub[1]\", do: kill }\n",
       &seen);
  assert_int_equal(count("faults.jsonl", "kind", "resume"), 0);
  assert_false(seen.outcome.timed_out);
  assert_true(seen.outcome.end_ns - seen.outcome.start_ns < 9000 * (uint64_t)MS);
}

/* All of one millisecond, in the order of the file. */
static void many_in_a_millisecond(void **state) {
  (void)state;
  static const char *const kinds[] = {"migrate", "update-key", "rotate-cid",
                                      "rebind",  "reconnect",  "stall"};
  struct sim_seen seen;
  play(TIMELINE
       "  - { at: 300ms, node: \"sub[0]\", do: migrate }\n"
       "  - { at: 300ms, node: \"sub[0]\", do: update-key }\n"
       "  - { at: 300ms, node: pub, do: rotate-cid }\n"
       "  - { at: 300ms, node: \"sub[1]\", do: rebind }\n"
       "  - { at: 300ms, node: \"sub[2]\", do: reconnect, same_port: true }\n"
       "  - { at: 300ms, node: relay, do: stall, for: 5ms }\n",
       &seen);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    assert_int_equal(count("faults.jsonl", "kind", kinds[i]), 1);
  assert_int_equal(count("faults.jsonl", "kind", "resume"), 1);
}

/* What a relay is told, and whether copies are made after it. */
static void events_of_a_relay(void **state) {
  (void)state;
  static const struct {
    const char *what;
    bool copies;
  } cases[] = {{"update-key", true}, {"vanish", false}, {"die", false}, {"kill", false}};
  char text[2048];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct sim_seen seen;
    json_int_t at, copies[200];
    size_t late = 0;
    /* the publisher goes soon after: nobody waits for acknowledgements that never come */
    snprintf(text, sizeof text,
             TIMELINE
             "  - { at: 500ms, node: relay, do: %s }\n"
             "  - { at: 700ms, node: pub, do: vanish }\n",
             cases[i].what);
    play(text, &seen);
    assert_true(lines("faults.jsonl", "kind", cases[i].what, &at, 1) > 0);
    const size_t n = lines("relay-copies.jsonl", "ev", "copy", copies, 200);
    assert_true(n > 60 && n < 200);
    for (size_t k = 0; k < n; k++)
      late += copies[k] > at + MS;
    assert_int_equal(late > 0, cases[i].copies);
  }
}

/* An event that cannot be done ends the run, and faults.jsonl says which. */
static void an_impossible_event_ends_the_run(void **state) {
  (void)state;
  struct sim_seen seen;
  sim_play(TIMELINE
           "  - { at: 300ms, node: sub, do: kill }\n"
           "  - { at: 400ms, node: \"sub[0]\", do: stall, for: 5ms }\n",
           1, text_dir(), NULL, &seen);
  assert_non_null(strstr(seen.outcome.ended, "event stall of node sub[0]"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stalled_relay_copies),
      cmocka_unit_test(a_stalled_subscriber_waits),
      cmocka_unit_test(a_stall_ends_with_its_process),
      cmocka_unit_test(many_in_a_millisecond),
      cmocka_unit_test(events_of_a_relay),
      cmocka_unit_test(an_impossible_event_ends_the_run),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
