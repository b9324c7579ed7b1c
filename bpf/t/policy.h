/* The table of what each strategy answers, and the question as it goes into the kernel. */
#ifndef FANBENCH_BPF_T_POLICY_H
#define FANBENCH_BPF_T_POLICY_H

#include "bpf/dp/policy/policy.h"

struct policy_question {
  struct dp_policy_input input;
  __u32 policy;
  __u32 drops; /* out */
};

#endif
