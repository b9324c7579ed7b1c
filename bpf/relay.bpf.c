/* The kernel's side of the relay: programs and maps. What they do is in bpf/dp/.
 *
 * Whoever includes the skeleton made of this includes bpf/abi/constants.h and words.h first. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi/constants.h"
#include "bpf/abi/counters.h"
#include "bpf/abi/emitted.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/keys.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/record.h"
#include "bpf/abi/words.h"

char LICENSE[] SEC("license")
= "Dual MIT/GPL";

/* ---- constants, set before loading ----------------------------------------------- */

const volatile struct fb_constants fb_constants = {.max_subscribers = FB_MAX_SUBSCRIBERS,
                                                   .max_tracks = FB_MAX_TRACKS,
                                                   .stream_slots = FB_STREAM_SLOTS};

struct fb_words fb_words;

/* ---- maps ------------------------------------------------------------------------ */

#define FB_ARRAY(NAME, TYPE, VALUE, ENTRIES, FLAGS)                                                \
  struct {                                                                                         \
    __uint(type, TYPE);                                                                            \
    __uint(map_flags, FLAGS);                                                                      \
    __uint(max_entries, ENTRIES);                                                                  \
    __type(key, __u32);                                                                            \
    __type(value, VALUE);                                                                          \
  } NAME SEC(".maps")

#define FB_HASH(NAME, KEY, VALUE, ENTRIES)                                                         \
  struct {                                                                                         \
    __uint(type, BPF_MAP_TYPE_HASH);                                                               \
    __uint(max_entries, ENTRIES);                                                                  \
    __type(key, KEY);                                                                              \
    __type(value, VALUE);                                                                          \
  } NAME SEC(".maps")

FB_ARRAY(config, BPF_MAP_TYPE_ARRAY, struct fb_config, 1, 0);
FB_HASH(cids, struct fb_cid_key, struct fb_cid_value, FB_MAX_UPSTREAM_CIDS);
FB_ARRAY(upstreams, BPF_MAP_TYPE_ARRAY, struct fb_upstream, FB_MAX_UPSTREAMS, 0);
FB_ARRAY(upstream_state, BPF_MAP_TYPE_ARRAY, struct fb_upstream_state, FB_MAX_UPSTREAMS,
         BPF_F_MMAPABLE);
FB_HASH(aliases, struct fb_alias_key, struct fb_alias_value, FB_MAX_UPSTREAMS *FB_MAX_TRACKS);
FB_ARRAY(track_state, BPF_MAP_TYPE_ARRAY, struct fb_track_state, FB_MAX_TRACKS, BPF_F_MMAPABLE);
/* [subscriber * max_tracks + track] */
FB_ARRAY(subscriptions, BPF_MAP_TYPE_ARRAY, struct fb_subscription,
         FB_MAX_SUBSCRIBERS *FB_MAX_TRACKS, 0);
FB_ARRAY(subscribers, BPF_MAP_TYPE_ARRAY, struct fb_subscriber, FB_MAX_SUBSCRIBERS, 0);
FB_ARRAY(counters, BPF_MAP_TYPE_ARRAY, struct fb_counters, FB_MAX_SUBSCRIBERS, BPF_F_MMAPABLE);
FB_ARRAY(streams, BPF_MAP_TYPE_ARRAY, struct fb_stream, FB_STREAM_SLOTS, 0);
/* [stream slot * max_subscribers + subscriber] */
FB_ARRAY(downs, BPF_MAP_TYPE_ARRAY, struct fb_down, FB_STREAM_SLOTS *FB_MAX_SUBSCRIBERS,
         BPF_F_MMAPABLE);
FB_ARRAY(objects, BPF_MAP_TYPE_ARRAY, struct fb_object, FB_STREAM_SLOTS, BPF_F_MMAPABLE);
/* Whoever sets `protect` sizes them: keys.h. */
FB_ARRAY(keys, BPF_MAP_TYPE_ARRAY, struct fb_key, 1, BPF_F_MMAPABLE);
FB_ARRAY(ghash, BPF_MAP_TYPE_ARRAY, struct fb_ghash, 1, BPF_F_MMAPABLE);
FB_ARRAY(keystreams, BPF_MAP_TYPE_ARRAY, struct fb_keystream, 1, BPF_F_MMAPABLE);
FB_ARRAY(cpus, BPF_MAP_TYPE_PERCPU_ARRAY, struct fb_cpu, 1, 0);
FB_ARRAY(emitted, BPF_MAP_TYPE_ARRAY, struct fb_emitted, FB_MAX_EMITTED, 0);

/* Of bpf/journal.bpf.c alone: nobody else makes it. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, FB_JOURNAL_BYTES);
} journal SEC(".maps");
/* Of bpf/stepped.bpf.c alone. */
FB_ARRAY(steps, BPF_MAP_TYPE_ARRAY, struct fb_step, FB_MAX_STEPS, BPF_F_MMAPABLE);

struct fb_ring {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, FB_RING_BYTES);
};
/* One ring a CPU, made by user space: a CPU without one copies nothing (ring-full). */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, FB_MAX_CPUS);
  __type(key, __u32);
  __array(values, struct fb_ring);
} rings SEC(".maps");

/* ---- the datapath ---------------------------------------------------------------- */

#include "bpf/crypt/aes.c"
#include "bpf/crypt/chacha20.c"
#include "bpf/crypt/gcm.c"
#include "bpf/crypt/poly1305.c"
#include "bpf/dp/admit.c"
#include "bpf/dp/charge.c"
#include "bpf/dp/choose.c"
#include "bpf/dp/dp.c"
#include "bpf/dp/emit.c"
#include "bpf/dp/number.c"
#include "bpf/dp/open.c"
#include "bpf/dp/open_aes128gcm.c"
#include "bpf/dp/open_chacha20.c"
#include "bpf/dp/open_none.c"
#include "bpf/dp/parse.c"
#include "bpf/dp/policy/deadline.c"
#include "bpf/dp/policy/none.c"
#include "bpf/dp/policy/policy.c"
#include "bpf/dp/policy/priority_limit.c"
#include "bpf/dp/policy/skip_to_group.c"
#include "bpf/dp/rewrite.c"
#include "bpf/dp/seal.c"
#include "bpf/dp/seal_aes128gcm.c"
#include "bpf/dp/seal_chacha20.c"
#include "bpf/dp/seal_none.c"
#include "bpf/dp/walk.c"
#include "bpf/dp/window.c"

FB_ARRAY(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, struct dp_scratch, 1, 0);

/* ---- programs -------------------------------------------------------------------- */

/* A frame of its own on the stack, of which all calls together have 512 bytes: it is gone
 * before the datapath begins. */
PORT_GLOBAL int receive(struct __sk_buff *skb, struct dp_scratch *s) {
  return s ? (int)port_receive(skb, s->raw, &s->path, &s->len, &s->partial_csum) : FB_PKT_OFF;
}

SEC("tcx/ingress")
int ingress(struct __sk_buff *skb) {
  __u32 zero = 0;
  struct fb_cpu *cpu = bpf_map_lookup_elem(&cpus, &zero);
  struct dp_scratch *s = bpf_map_lookup_elem(&scratch, &zero);
  if (!cpu || !s || !port_journal_begin(skb))
    return TCX_NEXT;
  port_add(skb, &cpu->sequence, 1); /* odd: inside. A full barrier, as is the one below */
  int reason = receive(skb, s);
  if (reason == FB_PKT_FANNED)
    reason = dp_packet(skb, s);
  port_count(skb, &cpu->packets[(__u32)reason & 31], 1);
  port_add(skb, &cpu->sequence, 1);
  port_journal_end(skb, (__u32)reason);
  return reason == FB_PKT_RESTORE_FAILED ? TCX_DROP : TCX_NEXT;
}

/* Run by user space with BPF_PROG_TEST_RUN; see struct fb_take. */
SEC("syscall")
int take_stream(struct fb_take *arg) {
  struct fb_take take = *arg;
  dp_take_stream(0, &take);
  arg->result = take.result;
  return 0;
}
