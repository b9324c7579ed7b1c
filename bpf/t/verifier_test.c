/* What the verifier has to look at before it believes the datapath. The kernel's bound is a
 * million instructions; a change that explodes it shows here first, strategy by strategy. */
#include "bpf/abi/constants.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/words.h"
#include "bpf/dp/policy/policy.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay.skel.h"

#define LOG_STATS 4 /* BPF_LOG_STATS of the kernel: the summary alone */
#define LOG_BYTES 65536
/* About twice what it takes today, a fifth of what the kernel allows. */
#define BUDGET 200000u
/* The same with ciphers in it: a third. */
#define BUDGET_SEALED 330000u

/* Instructions processed for the program on tcx ingress; 0: not possible here. */
static unsigned processed(uint32_t policy, uint32_t protect) {
  char *log = calloc(1, LOG_BYTES);
  struct relay *skel = relay__open();
  assert_true(log && skel);
  skel->rodata->fb_constants.policy = policy;
  skel->rodata->fb_constants.protect = protect;
  skel->rodata->fb_constants.keystreams_down = skel->rodata->fb_constants.keystreams_up = 64;
  bpf_map__set_max_entries(skel->maps.downs, FB_MAX_SUBSCRIBERS);
  bpf_program__set_log_buf(skel->progs.ingress, log, LOG_BYTES);
  bpf_program__set_log_level(skel->progs.ingress, LOG_STATS);
  unsigned n = 0;
  int err = relay__load(skel);
  const char *line = strstr(log, "processed ");
  if (!err && line)
    n = (unsigned)strtoul(line + strlen("processed "), NULL, 10);
  relay__destroy(skel);
  free(log);
  if (err && err != -EPERM)
    fail_msg("the datapath's program does not load with policy %u, protection %#x: %s", policy,
             protect, strerror(-err));
  return n;
}

/* Fails if it takes more than `budget`; 0: not possible here. */
static unsigned within(uint32_t policy, uint32_t protect, unsigned budget) {
  unsigned n = geteuid() == 0 ? processed(policy, protect) : 0;
  if (n == 0) {
    print_message("skipped: needs a root that may load BPF programs\n");
    skip();
  }
  if (n > budget)
    fail_msg("policy %s, protection %#x: the verifier processed %u instructions, more than %u",
             dp_policy_name(policy), protect, n, budget);
  return n;
}

static void stays_in_its_budget(void **state) {
  (void)state;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++)
    print_message("           %s: %u instructions verified\n", dp_policy_name(policy),
                  within(policy, 0, BUDGET));
}

static void sealed_too(void **state) {
  static const struct {
    const char *name;
    uint32_t protect;
  } rows[] = {{"chacha20", 1u << FB_PROTECT_CHACHA20},
              {"aes128gcm", 1u << FB_PROTECT_AES128GCM},
              {"both", 1u << FB_PROTECT_CHACHA20 | 1u << FB_PROTECT_AES128GCM}};
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    print_message("           %s: %u instructions verified\n", rows[i].name,
                  within(DP_POLICY_NONE, rows[i].protect, BUDGET_SEALED));
}

/* A run without protection pays nothing for it: the verifier does not even see the code. */
static void unsealed_is_pruned(void **state) {
  (void)state;
  unsigned none = within(DP_POLICY_NONE, 0, BUDGET);
  unsigned sealed = within(DP_POLICY_NONE, 1u << FB_PROTECT_CHACHA20, BUDGET_SEALED);
  assert_true(none < sealed);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stays_in_its_budget),
                                     cmocka_unit_test(sealed_too),
                                     cmocka_unit_test(unsealed_is_pruned)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
