/* Strategies that drop by priority under pressure. One strategy = one pure function =
 * one file of this folder; policy.c chooses. A strategy is asked only where the
 * subscription has a delivery timeout: elsewhere nothing may be dropped. */
#ifndef FANBENCH_BPF_DP_POLICY_POLICY_H
#define FANBENCH_BPF_DP_POLICY_POLICY_H

#include "bpf/abi/types.h"
#include "bpf/port/port.h"

enum dp_policy {
  DP_POLICY_NONE = 0, /* drops nothing */
  DP_POLICY_COUNT,
};

/* All that a strategy may look at. */
struct dp_policy_input {
  __u8 kind;     /* enum fb_frame_kind */
  __u8 header;   /* 1 = a subgroup that begins */
  __u8 priority; /* 0 is the most important */
  __u8 held;     /* user space has data queued for this subscriber */
  __u32 len;     /* data bytes of the frame */
  __u32 delivery_timeout_ms;
  __u32 pad;
  __u64 group;
  __u64 credit_left; /* bytes that congestion control still allows */
};

/* 1 = drop the frame. A dropped header drops the whole subgroup; a dropped frame of an
 * open subgroup drops its tail. */
PORT_GLOBAL int dp_policy_drops(__u32 policy, const struct dp_policy_input *in);

PORT_GLOBAL int dp_policy_none(const struct dp_policy_input *in);

#endif
