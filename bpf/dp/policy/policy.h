/* Strategies that drop by priority, age or group when a subscriber lags behind. One strategy =
 * one pure function = one file of this folder; policy.c chooses. The datapath asks when a
 * packet arrives, user space asks for what waits (relay/fanout/drop.c): the same function.
 *
 * A strategy is asked only where the subscription has a delivery timeout: elsewhere nothing
 * may be dropped. PRIORITY_FILTER is none of its business and comes first. What a dropped
 * frame means is MoQT's: a datagram is gone; a subgroup that was not open is never opened; an
 * open one is cut off, all that follows with it.
 *
 * Times, in ms, cut, at most 2^32 - 1:
 *   age  of an object: since user space read the last byte of its header from the socket
 *        (for bytes whose header is not known yet: since they were read), as MoQT defines it. The
 *        datapath reads no object headers; user space tells it where the last object of a stream
 *        ends and when it came (struct fb_object). What arrives of that object later is as old;
 *        what lies behind its end, and a datagram, has just come: age 0. A frame with bytes of
 *        two objects is as old as the first. Time that a packet lies in the relay's socket is no
 *        age.
 *   lag  of a subscriber: the age of the oldest object that waits for it and may be dropped.
 *        User space tells the datapath when that object arrived; 0 = none waits. */
#ifndef FANBENCH_BPF_DP_POLICY_POLICY_H
#define FANBENCH_BPF_DP_POLICY_POLICY_H

#include "bpf/abi/types.h"
#include "bpf/port/target.h"

/* X(enum, "name") */
#define DP_POLICIES(X)                                                                             \
  X(NONE, "none")                                                                                  \
  X(PRIORITY_LIMIT, "priority-limit")                                                              \
  X(DEADLINE, "deadline")                                                                          \
  X(SKIP_TO_GROUP, "skip-to-group")

enum dp_policy {
#define DP_X(e, n) DP_POLICY_##e,
  DP_POLICIES(DP_X)
#undef DP_X
      DP_POLICY_COUNT
};

/* All that a strategy may look at. */
struct dp_policy_input {
  __u8 kind;     /* enum fb_frame_kind */
  __u8 header;   /* 1 = a subgroup that is not open for this subscriber */
  __u8 priority; /* of the subgroup or datagram; 0 is the most important */
  __u8 held;     /* 1 = it cannot leave at once: something waits, or a limit is reached */
  __u32 delivery_timeout_ms; /* of the subscription, not 0 */
  __u32 age_ms, lag_ms;      /* see above */
  __u64 group;
  __u64 newest_group; /* of the track */
};

/* 1 = drop the frame. */
PORT_GLOBAL int dp_policy_drops(__u32 policy, const struct dp_policy_input *in);

PORT_GLOBAL int dp_policy_none(const struct dp_policy_input *in);
PORT_GLOBAL int dp_policy_priority_limit(const struct dp_policy_input *in);
PORT_GLOBAL int dp_policy_deadline(const struct dp_policy_input *in);
PORT_GLOBAL int dp_policy_skip_to_group(const struct dp_policy_input *in);

/* From `since_ns` to `now_ns` in the unit of age and lag; 0 if `since_ns` is 0 or, by a
 * clock read a moment apart, later. */
PORT_INLINE __u32 dp_policy_ms(__u64 since_ns, __u64 now_ns) {
  __u64 apart = now_ns - since_ns, ms = apart / 1000000;
  if (since_ns == 0 || apart >> 63)
    return 0;
  return ms > 0xffffffffu ? 0xffffffffu : (__u32)ms;
}

#ifndef __bpf__
/* Names, for user space. "?" if out of range. */
static inline const char *dp_policy_name(unsigned policy) {
  static const char *const names[] = {
#define DP_X(e, n) n,
      DP_POLICIES(DP_X)
#undef DP_X
  };
  return policy < DP_POLICY_COUNT ? names[policy] : "?";
}
/* The strategy of that name; DP_POLICY_COUNT: there is none. */
static inline unsigned dp_policy_find(const char *name) {
  unsigned policy = 0;
  while (policy < DP_POLICY_COUNT && __builtin_strcmp(dp_policy_name(policy), name) != 0)
    policy++;
  return policy;
}
#endif

#endif
