/* The datapaths on virtual time: `kernel` copies at ingress, `user` the same packets
 * after the process has woken up, `stock` makes no copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bench/sim/costs.h"
#include "bench/t/scenario_text.h"
#include "bench/t/sim_play.h"

#define WITH(datapath)                                                                             \
  "scenario: small\nduration: 500ms\n"                                                             \
  "nodes:\n  pub: { role: publisher }\n  relay: { role: relay, datapath: " datapath                \
  " }\n"                                                                                           \
  "  sub: { role: subscriber, count: 3 }\n" LINKS                                                  \
  "tracks:\n  bulk: { from: pub, as: datagrams, every: 10ms, size: 1000 }\n"                       \
  "subscriptions:\n  - { who: sub, tracks: [bulk] }\n"

/* A run of its own folder. */
static char dir[600];

static size_t lines_with(const char *file, const char *part) {
  char path[700], *line = NULL;
  size_t room = 0, n = 0;
  snprintf(path, sizeof path, "%s/%s", dir, file);
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  while (getline(&line, &room, from) > 0)
    n += strstr(line, part) != NULL;
  free(line);
  fclose(from);
  return n;
}

/* Every object is copied to each of three, and every subscriber gets each. */
static void play(const char *name, const char *text, size_t copies, struct sim_seen *seen) {
  snprintf(dir, sizeof dir, "%s/%s", text_dir(), name);
  assert_int_equal(mkdir(dir, 0755), 0);
  sim_play(text, 1, dir, NULL, seen);
  assert_string_equal(seen->outcome.ended, "");
  assert_int_equal(lines_with("relay-copies.jsonl", "\"decision\":\"send\""), copies);
  for (int i = 0; i < 3; i++) {
    char file[32];
    snprintf(file, sizeof file, "sub.%d-objects.jsonl", i);
    assert_int_equal(lines_with(file, "\"delivered\""), 50);
  }
}

static void kernel_copies_at_ingress(void **state) {
  (void)state;
  struct sim_seen seen;
  play("kernel", WITH("kernel"), 150, &seen);
  assert_int_equal(seen.soonest_ns, SIM_DATAPATH_NS + SIM_COPY_NS);
  assert_int_equal(lines_with("log/relay.txt", "decisions: send 150"), 1);
}

static void user_copies_after_waking_up(void **state) {
  (void)state;
  struct sim_seen seen;
  play("user", WITH("user"), 150, &seen);
  assert_true(seen.soonest_ns >= SIM_WAKE_NS);
  assert_true(seen.soonest_ns < SIM_WAKE_NS + SIM_WAKE_JITTER_NS + SIM_PACKET_OUT_NS);
  assert_int_equal(lines_with("log/relay.txt", "decisions: send 150"), 1);
}

static void stock_copies_nothing(void **state) {
  (void)state;
  struct sim_seen seen;
  play("stock", WITH("stock"), 0, &seen);
  assert_true(seen.soonest_ns >= SIM_WAKE_NS);
  assert_int_equal(lines_with("log/relay.txt", "decisions:"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(kernel_copies_at_ingress),
                                     cmocka_unit_test(user_copies_after_waking_up),
                                     cmocka_unit_test(stock_copies_nothing)};
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
