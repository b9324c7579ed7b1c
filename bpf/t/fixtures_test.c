/* Runs the table of fixtures natively, then in the kernel, and compares what they saw. */
#include "bpf/dp/policy/policy.h"
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  const struct fixture *fixtures;
  enum dp_policy policy;
} tables[] = {
    {fixtures_packet, DP_POLICY_NONE},       {fixtures_copy, DP_POLICY_NONE},
    {fixtures_stream, DP_POLICY_NONE},       {fixtures_choose, DP_POLICY_NONE},
    {fixtures_none, DP_POLICY_NONE},         {fixtures_priority_limit, DP_POLICY_PRIORITY_LIMIT},
    {fixtures_deadline, DP_POLICY_DEADLINE}, {fixtures_skip_to_group, DP_POLICY_SKIP_TO_GROUP}};

/* A strategy is a constant of the program: a world each. */
static struct world *native[DP_POLICY_COUNT], *kernel[DP_POLICY_COUNT];

static void run_fixture(struct world *w, const struct fixture *f) {
  print_message("           %s: %s\n", w->ops->name, f->name);
  f->run(w);
  world_end(w);
}

static void each_fixture(bool both) {
  for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
    for (const struct fixture *f = tables[t].fixtures; f->name; f++) {
      struct world *a = native[tables[t].policy], *b = kernel[tables[t].policy];
      run_fixture(a, f);
      if (!both)
        continue;
      run_fixture(b, f);
      assert_int_equal(a->transcript.len, b->transcript.len);
      assert_memory_equal(a->transcript.bytes, b->transcript.bytes, a->transcript.len);
    }
}

static void natively(void **state) {
  (void)state;
  each_fixture(false);
}

static void in_the_kernel_just_the_same(void **state) {
  (void)state;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++) {
    const char *why = NULL;
    kernel[policy] = world_kernel_policy(policy, &why);
    if (kernel[policy])
      continue;
    print_message("skipped: %s\n", why);
    skip();
  }
  each_fixture(true);
}

/* What no fixture can bring about. */
static const uint32_t unreachable_reasons =
    1u << FB_PKT_LOAD_FAILED /* the kernel can't read its own packet */
    | 1u << FB_PKT_RESTORE_FAILED /* or not write it */;
static const uint32_t unreachable_decisions = 1u << FB_DEC_CONTENDED /* contention_test.c */;

static void all_reasons_and_decisions_are_met(void **state) {
  (void)state;
  uint32_t reasons = unreachable_reasons, decisions = unreachable_decisions;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++) {
    reasons |= native[policy]->seen_reasons;
    decisions |= native[policy]->seen_decisions;
  }
  for (unsigned r = 0; r < FB_PACKET_REASON_COUNT; r++)
    if (!(reasons >> r & 1))
      fail_msg("no fixture meets %s", fb_packet_reason_name(r));
  for (unsigned d = 0; d < FB_DECISION_COUNT; d++)
    if (!(decisions >> d & 1))
      fail_msg("no fixture meets %s", fb_decision_name(d));
}

static int setup(void **state) {
  (void)state;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++)
    if (!(native[policy] = world_native_policy(policy)))
      return -1;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++) {
    world_free(native[policy]);
    world_free(kernel[policy]);
  }
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(natively),
                                     cmocka_unit_test(in_the_kernel_just_the_same),
                                     cmocka_unit_test(all_reasons_and_decisions_are_met)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
