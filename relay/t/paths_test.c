/* Bytes before validation: what counts, what proves a path, what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/quic/paths.h"

static struct qc_path path_to(uint16_t port) {
  struct qc_path path = {0};
  path.local.len = path.remote.len = sizeof path.local.in;
  path.local.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(4433)};
  path.remote.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  return path;
}

static void three_times_what_came(void **state) {
  struct paths paths = {0};
  const struct qc_path path = path_to(1);
  (void)state;
  assert_int_equal(paths_left(&paths, &path), 0);
  paths_came(&paths, &path, &path, 41);
  assert_int_equal(paths_left(&paths, &path), 123);
  paths_went(&paths, &path, 48);
  assert_int_equal(paths_left(&paths, &path), 75);
  paths_went(&paths, &path, 75);
  assert_int_equal(paths_left(&paths, &path), 0);
  paths_came(&paths, &path, &path, 1);
  assert_int_equal(paths_left(&paths, &path), 3);
  paths_prove(&paths, &path);
  assert_int_equal(paths_left(&paths, &path), SIZE_MAX);
}

static void its_own_challenge_proves_a_path(void **state) {
  struct paths paths = {0};
  const struct qc_path a = path_to(1), b = path_to(2);
  uint8_t challenge[PATHS_CHALLENGE_LEN] = {0};
  (void)state;
  paths_came(&paths, &a, &a, 100);
  paths_came(&paths, &b, &a, 100);
  for (uint8_t i = 0; i <= PATHS_CHALLENGES; i++) {
    challenge[0] = i;
    paths_challenged(&paths, &b, challenge);
  }
  challenge[0] = 0; /* the first of nine is forgotten */
  paths_answered(&paths, challenge);
  assert_int_equal(paths_left(&paths, &b), 300);
  challenge[0] = PATHS_CHALLENGES + 1; /* never made */
  paths_answered(&paths, challenge);
  assert_int_equal(paths_left(&paths, &b), 300);
  challenge[0] = 1;
  paths_answered(&paths, challenge);
  assert_int_equal(paths_left(&paths, &b), SIZE_MAX);
  assert_int_equal(paths_left(&paths, &a), 300);
}

/* The answer to a probe may be the next packet, whatever the path in use allows. */
static void a_probe_that_waits_binds_too(void **state) {
  struct paths paths = {0};
  const struct qc_path now = path_to(1), probed = path_to(2);
  (void)state;
  paths_came(&paths, &now, &now, 1200);
  paths_prove(&paths, &now);
  paths_came(&paths, &probed, &now, 60);
  assert_int_equal(paths_left(&paths, &now), SIZE_MAX);
  paths_asked(&paths, &probed);
  assert_int_equal(paths_left(&paths, &now), 180);
  paths_went(&paths, &probed, 180);
  assert_int_equal(paths_left(&paths, &now), SIZE_MAX);
}

/* Many addresses push out neither the path in use nor those that are validated. */
static void what_is_forgotten(void **state) {
  struct paths paths = {0};
  const struct qc_path now = path_to(1), old = path_to(2);
  (void)state;
  paths_came(&paths, &old, &old, 10);
  paths_prove(&paths, &old);
  paths_came(&paths, &now, &now, 10);
  for (uint16_t port = 3; port < 100; port++) {
    const struct qc_path other = path_to(port);
    paths_came(&paths, &other, &now, 10);
    assert_int_equal(paths_left(&paths, &other), 30);
  }
  assert_int_equal(paths.n, PATHS_MAX);
  assert_int_equal(paths_left(&paths, &now), 30);
  assert_int_equal(paths_left(&paths, &old), SIZE_MAX);
  const struct qc_path gone = path_to(3);
  assert_int_equal(paths_left(&paths, &gone), 0);
}

/* One that is not validated makes all the difference, also behind one that is. */
static void all_are_proven_or_not(void **state) {
  struct paths paths = {0};
  const struct qc_path now = path_to(1), other = path_to(2);
  (void)state;
  paths_came(&paths, &now, &now, 10);
  assert_false(paths_all_proven(&paths));
  paths_prove(&paths, &now);
  assert_true(paths_all_proven(&paths));
  paths_came(&paths, &other, &now, 10);
  assert_false(paths_all_proven(&paths));
  paths_prove(&paths, &other);
  assert_true(paths_all_proven(&paths));
  /* a challenge from a validated path takes nothing away */
  paths_asked(&paths, &other);
  assert_int_equal(paths_left(&paths, &now), SIZE_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_times_what_came),
      cmocka_unit_test(its_own_challenge_proves_a_path),
      cmocka_unit_test(a_probe_that_waits_binds_too),
      cmocka_unit_test(what_is_forgotten),
      cmocka_unit_test(all_are_proven_or_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
