/* One table of questions; each strategy answers natively and in the kernel. */
#include "bpf/t/policy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy.skel.h"

#define MOST_MS 0xffffffffu

struct row {
  const char *about;
  enum dp_policy policy;
  struct dp_policy_input in;
  int drops;
};

#define ASK(policy, waits, timeout, ...)                                                           \
  DP_POLICY_##policy, {                                                                            \
    .held = (waits), .delivery_timeout_ms = (timeout), __VA_ARGS__                                 \
  }
#define NONE(...)  ASK(NONE, 1, 1, __VA_ARGS__)
#define LIMIT(...) ASK(PRIORITY_LIMIT, 1, 800, __VA_ARGS__)
#define AGED(...)  ASK(DEADLINE, 1, 400, __VA_ARGS__)
#define SKIP(...)  ASK(SKIP_TO_GROUP, 1, 400, __VA_ARGS__)

static const struct row rows[] = {
    {"none: whatever waits",
     NONE(.priority = 255, .age_ms = MOST_MS, .lag_ms = MOST_MS, .newest_group = 9), 0},
    {"no lag: all priorities", LIMIT(.priority = 255), 0},
    {"just short of an eighth", LIMIT(.priority = 255, .lag_ms = 99), 0},
    {"an eighth: 127", LIMIT(.priority = 127, .lag_ms = 100), 0},
    {"an eighth: not 128", LIMIT(.priority = 128, .lag_ms = 100), 1},
    {"two eighths: 63", LIMIT(.priority = 63, .lag_ms = 200), 0},
    {"two eighths: not 64", LIMIT(.priority = 64, .lag_ms = 200), 1},
    {"just short of three: 32", LIMIT(.priority = 32, .lag_ms = 299), 0},
    {"three eighths: not 32", LIMIT(.priority = 32, .lag_ms = 300), 1},
    {"half: 15", LIMIT(.priority = 15, .lag_ms = 400), 0},
    {"half: not 16", LIMIT(.priority = 16, .lag_ms = 400), 1},
    {"five eighths: not 8", LIMIT(.priority = 8, .lag_ms = 500), 1},
    {"six eighths: 3", LIMIT(.priority = 3, .lag_ms = 600), 0},
    {"six eighths: not 4", LIMIT(.priority = 4, .lag_ms = 600), 1},
    {"seven eighths: 1", LIMIT(.priority = 1, .lag_ms = 700), 0},
    {"seven eighths: not 2", LIMIT(.priority = 2, .lag_ms = 700), 1},
    {"just short of the timeout: 1", LIMIT(.priority = 1, .lag_ms = 799), 0},
    {"the timeout: not 1", LIMIT(.priority = 1, .lag_ms = 800), 1},
    {"the timeout: 0", LIMIT(.priority = 0, .lag_ms = 800), 0},
    {"any lag: 0", LIMIT(.priority = 0, .lag_ms = MOST_MS), 0},
    {"any lag: not 1", LIMIT(.priority = 1, .lag_ms = MOST_MS), 1},
    {"the longest timeout, less lag",
     ASK(PRIORITY_LIMIT, 1, MOST_MS, .priority = 255, .lag_ms = MOST_MS / 8), 0},
    {"the longest timeout, an eighth",
     ASK(PRIORITY_LIMIT, 1, MOST_MS, .priority = 255, .lag_ms = MOST_MS / 8 + 1), 1},
    {"what can leave at once", ASK(PRIORITY_LIMIT, 0, 800, .priority = 255, .lag_ms = MOST_MS), 0},
    {"age and group do not matter", LIMIT(.priority = 0, .age_ms = MOST_MS, .newest_group = 9), 0},
    {"just come", AGED(.group = 0), 0},
    {"a moment short", AGED(.age_ms = 399), 0},
    {"as old as the timeout", AGED(.age_ms = 400), 1},
    {"also if it could leave", ASK(DEADLINE, 0, 400, .age_ms = 400), 1},
    {"and priority 0", AGED(.priority = 0, .age_ms = MOST_MS), 1},
    {"whatever the lag", AGED(.priority = 255, .lag_ms = MOST_MS, .newest_group = 9), 0},
    {"the longest timeout", ASK(DEADLINE, 0, MOST_MS, .age_ms = MOST_MS - 1), 0},
    {"keeps up", SKIP(.group = 3, .newest_group = 4), 0},
    {"a little behind", SKIP(.group = 3, .newest_group = 4, .lag_ms = 199), 0},
    {"lags: the older group", SKIP(.group = 3, .newest_group = 4, .lag_ms = 200), 1},
    {"lags: the newest group", SKIP(.group = 4, .newest_group = 4, .lag_ms = MOST_MS), 0},
    {"lags: one newer than known", SKIP(.group = 5, .newest_group = 4, .lag_ms = MOST_MS), 0},
    {"lags: far behind", SKIP(.group = 0, .newest_group = 1ull << 62, .lag_ms = MOST_MS), 1},
    {"what can leave at once",
     ASK(SKIP_TO_GROUP, 0, 400, .group = 3, .newest_group = 4, .lag_ms = 400), 0},
    {"an odd timeout", ASK(SKIP_TO_GROUP, 1, 5, .newest_group = 1, .lag_ms = 2), 0},
    {"an odd timeout, over half", ASK(SKIP_TO_GROUP, 1, 5, .newest_group = 1, .lag_ms = 3), 1},
    {"the longest timeout",
     ASK(SKIP_TO_GROUP, 1, MOST_MS, .newest_group = 1, .lag_ms = MOST_MS / 2), 0},
    {"priority 0 too", SKIP(.newest_group = 1, .priority = 0, .lag_ms = 200), 1},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void expect(const struct row *row, int drops, const char *where) {
  if (drops != row->drops)
    fail_msg("%s, %s, %s: expected %s, found %s", where, dp_policy_name(row->policy), row->about,
             row->drops ? "a drop" : "no drop", drops ? "a drop" : "no drop");
}

static void natively(void **state) {
  (void)state;
  for (size_t i = 0; i < N_ROWS; i++)
    expect(&rows[i], dp_policy_drops(rows[i].policy, &rows[i].in), "natively");
}

static void in_the_kernel(void **state) {
  (void)state;
  struct policy *skel = geteuid() == 0 ? policy__open_and_load() : NULL;
  if (!skel) {
    print_message("skipped: needs root to load BPF programs\n");
    skip();
  }
  for (size_t i = 0; i < N_ROWS; i++) {
    struct policy_question q = {.input = rows[i].in, .policy = rows[i].policy, .drops = 2};
    struct bpf_test_run_opts opts = {
        .sz = sizeof(opts), .ctx_in = &q, .ctx_size_in = sizeof(q)}; /* comes back in place */
    assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.ask), &opts), 0);
    expect(&rows[i], (int)q.drops, "in the kernel");
  }
  policy__destroy(skel);
}

/* Each strategy is met with both answers; `none` has only one. */
static void the_table_is_whole(void **state) {
  (void)state;
  unsigned met[DP_POLICY_COUNT] = {0};
  for (size_t i = 0; i < N_ROWS; i++)
    met[rows[i].policy] |= 1u << rows[i].drops;
  assert_int_equal(met[DP_POLICY_NONE], 1);
  for (unsigned policy = DP_POLICY_NONE + 1; policy < DP_POLICY_COUNT; policy++)
    if (met[policy] != 3)
      fail_msg("no row shows when %s %s", dp_policy_name(policy),
               met[policy] & 1 ? "drops" : "does not drop");
}

static void unknown_strategies_drop_nothing(void **state) {
  (void)state;
  const struct dp_policy_input in = {
      .held = 1, .priority = 255, .age_ms = MOST_MS, .lag_ms = MOST_MS, .delivery_timeout_ms = 1};
  assert_int_equal(dp_policy_drops(DP_POLICY_COUNT, &in), 0);
  assert_int_equal(dp_policy_drops(MOST_MS, &in), 0);
  for (unsigned policy = 0; policy < DP_POLICY_COUNT; policy++)
    assert_int_equal(dp_policy_drops(policy, NULL), 0);
}

static void names(void **state) {
  (void)state;
  assert_string_equal(dp_policy_name(DP_POLICY_SKIP_TO_GROUP), "skip-to-group");
  assert_string_equal(dp_policy_name(DP_POLICY_COUNT), "?");
  for (unsigned policy = 0; policy < DP_POLICY_COUNT; policy++)
    assert_int_equal(dp_policy_find(dp_policy_name(policy)), policy);
  assert_int_equal(dp_policy_find("?"), DP_POLICY_COUNT);
  assert_int_equal(dp_policy_find(""), DP_POLICY_COUNT);
}

static void milliseconds(void **state) {
  (void)state;
  assert_int_equal(dp_policy_ms(0, 5000000), 0); /* nothing waits */
  assert_int_equal(dp_policy_ms(1000000, 1999999), 0);
  assert_int_equal(dp_policy_ms(1000000, 2000000), 1);
  assert_int_equal(dp_policy_ms(2000000, 1000000), 0); /* another CPU's clock, a moment ahead */
  assert_int_equal(dp_policy_ms(1, 1 + (1ull << 62)), MOST_MS);
  /* A test says "hours ago" on a machine that has run for minutes. */
  assert_int_equal(dp_policy_ms(0 - 7000000ull, 3000000), 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(natively),
      cmocka_unit_test(in_the_kernel),
      cmocka_unit_test(the_table_is_whole),
      cmocka_unit_test(unknown_strategies_drop_nothing),
      cmocka_unit_test(names),
      cmocka_unit_test(milliseconds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
