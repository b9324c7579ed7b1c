/* Every shared layout, member by member: X(type, member). Compiled for both targets;
 * layout_test.c compares what each makes of it. */
#ifndef FANBENCH_BPF_T_LAYOUT_H
#define FANBENCH_BPF_T_LAYOUT_H

#include "bpf/abi/counters.h"
#include "bpf/abi/defects.h"
#include "bpf/abi/emitted.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/journal.h"
#include "bpf/abi/keys.h"
#include "bpf/abi/record.h"
#include "bpf/abi/steps.h"

/* clang-format off */
#define LAYOUT(X)                                                                                 \
  X(fb_path, local_addr) X(fb_path, remote_addr) X(fb_path, local_port)                           \
  X(fb_path, remote_port) X(fb_path, family)                                                      \
  X(fb_cid_key, data)                                                                             \
  X(fb_upstream, protection) X(fb_upstream, phase) X(fb_upstream, path)                           \
  X(fb_upstream_state, window) X(fb_track_state, newest_group)                                    \
  X(fb_alias_key, alias) X(fb_alias_key, upstream) X(fb_alias_key, upstream_gen)                  \
  X(fb_alias_value, default_priority)                                                             \
  X(fb_subscription, lock) X(fb_subscription, gen) X(fb_subscription, start_group)                \
  X(fb_subscription, on) X(fb_subscription, forward) X(fb_subscription, delivery_timeout_ms)      \
  X(fb_subscriber, lock) X(fb_subscriber, gen) X(fb_subscriber, state)                            \
  X(fb_subscriber, family) X(fb_subscriber, protection) X(fb_subscriber, spin)                    \
  X(fb_subscriber, phase) X(fb_subscriber, ifindex) X(fb_subscriber, key_slot)                    \
  X(fb_subscriber, dst_mac) X(fb_subscriber, src_mac) X(fb_subscriber, dst_addr)                  \
  X(fb_subscriber, src_addr) X(fb_subscriber, dst_port) X(fb_subscriber, dcid)                    \
  X(fb_subscriber, flow_label) X(fb_subscriber, initial_max_stream_data)                          \
  X(fb_stream, lock) X(fb_stream, upstream) X(fb_stream, upstream_gen) X(fb_stream, claim)        \
  X(fb_stream, group) X(fb_stream, subgroup) X(fb_stream, track) X(fb_stream, priority)           \
  X(fb_stream, used) X(fb_stream, slow) X(fb_stream, past_gen) X(fb_stream, past_next)            \
  X(fb_down, id) X(fb_down, limit) X(fb_object, end) X(fb_object, since_ns)                       \
  X(fb_take, upstream) X(fb_take, upstream_gen) X(fb_take, fin) X(fb_take, frontier)              \
  X(fb_config, on) X(fb_config, port) X(fb_config, subscribers)                                   \
  X(fb_counters, next_pn) X(fb_counters, next_stream) X(fb_counters, own_pn)                      \
  X(fb_counters, pn_limit) X(fb_counters, max_data) X(fb_counters, oldest_ns)                     \
  X(fb_counters, decisions) X(fb_counters, copies)                                                \
  X(fb_frame, kind) X(fb_frame, fin) X(fb_frame, index) X(fb_frame, track)                        \
  X(fb_frame, subgroup) X(fb_frame, priority)                                                     \
  X(fb_record_sub, slot) X(fb_record_sub, decision) X(fb_record_sub, charged)                     \
  X(fb_record_sub, down)                                                                          \
  X(fb_record, upstream) X(fb_record, upstream_gen) X(fb_record, time_ns)                         \
  X(fb_record, payload_len) X(fb_record, n_frames) X(fb_record, frames) X(fb_record, subs)        \
  X(fb_failed, gen)                                                                               \
  X(fb_emitted, head_len) X(fb_emitted, error) X(fb_journal_copy, copy)                            \
  X(fb_step, what) X(fb_step, words) X(fb_step, value) X(fb_stepping, at) X(fb_stepping, n)       \
  X(fb_key, generation) X(fb_key, until) X(fb_key, cipher) X(fb_key, iv) X(fb_key, key)           \
  X(fb_key, hp) X(fb_ghash, products) X(fb_keystream, tag) X(fb_keystream, once)                  \
  X(fb_keystream, bytes) X(fb_counters, ks_ready) X(fb_upstream_state, ks_ready)
/* clang-format on */

struct member_layout {
  __u32 offset, size; /* of the member */
  __u32 type_size, type_align;
};
#define LAYOUT_ROW(type, member)                                                                   \
  {__builtin_offsetof(struct type, member), sizeof(((struct type *)0)->member),                    \
   sizeof(struct type), _Alignof(struct type)},
#define LAYOUT_ONE(type, member) +1
#define LAYOUT_ROWS              (0 LAYOUT(LAYOUT_ONE))

#endif
