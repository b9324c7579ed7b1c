/* A run that cannot go on says why and ends, though more goes wrong while it stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/t/scenario_text.h"
#include "bench/t/sim_play.h"

#define DEAF                                                                                       \
  TOP NODES                                                                                        \
      "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], loss: 100% }\n" TRACKS  \
          SUBSCRIPTIONS

static void first_reason_stays(void **state) {
  (void)state;
  struct sim_seen seen;
  sim_play(DEAF, 1, text_dir(), NULL, &seen);
  assert_non_null(strstr(seen.outcome.ended, "sub[0] ended"));
  assert_non_null(strstr(seen.outcome.ended, "handshake"));
  assert_int_equal(seen.outcome.start_ns, 0);
  assert_int_equal(seen.outcome.n_processes, 5);
}

static void sound_run_has_no_reason(void **state) {
  (void)state;
  struct sim_seen seen;
  sim_play(SMALL, 1, text_dir(), NULL, &seen);
  assert_string_equal(seen.outcome.ended, "");
  assert_false(seen.outcome.timed_out);
  assert_true(seen.outcome.start_ns > 0);
  assert_true(seen.outcome.end_ns > seen.outcome.start_ns);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(first_reason_stays),
                                     cmocka_unit_test(sound_run_has_no_reason)};
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
