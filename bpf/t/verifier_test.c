/* What the verifier has to look at before it believes the datapath. The kernel's bound is a
 * million instructions; a change that explodes it shows here first, strategy by strategy. */
#include "bpf/abi/defects.h"
#include "bpf/abi/limits.h"
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

/* Instructions processed for the program on tcx ingress; 0: not possible here. */
static unsigned processed(uint32_t policy) {
  char *log = calloc(1, LOG_BYTES);
  struct relay *skel = relay__open();
  assert_true(log && skel);
  skel->rodata->fb_policy = policy;
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
    fail_msg("the datapath's program does not load with policy %u: %s", policy, strerror(-err));
  return n;
}

static void stays_in_its_budget(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("skipped: needs root to load BPF programs\n");
    skip();
  }
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++) {
    unsigned n = processed(policy);
    if (n == 0) {
      print_message("skipped: this root may not load BPF programs\n");
      skip();
    }
    print_message("           %s: %u instructions verified\n", dp_policy_name(policy), n);
    if (n > BUDGET)
      fail_msg("policy %s: the verifier processed %u instructions, more than %u",
               dp_policy_name(policy), n, BUDGET);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stays_in_its_budget)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
