/* The strategies alone, asked with BPF_PROG_TEST_RUN. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/t/policy.h"

#include "bpf/dp/policy/deadline.c"
#include "bpf/dp/policy/none.c"
#include "bpf/dp/policy/policy.c"
#include "bpf/dp/policy/priority_limit.c"
#include "bpf/dp/policy/skip_to_group.c"

char LICENSE[] SEC("license")
= "Dual MIT/GPL";

SEC("syscall")
int ask(struct policy_question *question) {
  struct dp_policy_input input = question->input;
  question->drops = (__u32)dp_policy_drops(question->policy, &input);
  return 0;
}
