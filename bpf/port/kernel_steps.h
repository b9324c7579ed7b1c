/* The kernel target's part of abi/steps.h. Without FB_STEPS all of it is nothing.
 *
 *   port_access()   before each access to a shared word, where native_run.h has one, too */
#ifndef FANBENCH_BPF_PORT_KERNEL_STEPS_H
#define FANBENCH_BPF_PORT_KERNEL_STEPS_H

#include "bpf/abi/steps.h"

#ifndef FB_STEPS

#define port_access() ((void)0)

#else

#define PORT_STEP_ENTRY(map, flags) bpf_map_update_elem(&(map), &s->index, s->value, flags)

#define PORT_STEP_WORDS(map, type)                                                                 \
  do {                                                                                             \
    __u8 *at_ = bpf_map_lookup_elem(&(map), &s->index);                                            \
    PORT_NO_UNROLL                                                                                 \
    for (__u32 k_ = 0; at_ && k_ < FB_STEP_WORDS && k_ < s->words; k_++) {                         \
      __u64 off_ = s->offset + 8ull * k_;                                                          \
      if (off_ > sizeof(type) - 8)                                                                 \
        break;                                                                                     \
      *(port_any64 *)(at_ + off_) = s->value[k_];                                                  \
    }                                                                                              \
  } while (0)

PORT_INLINE void port_step_entry(const struct fb_step *s) {
  switch (s->what) {
  case FB_STEP_CONFIG:
    PORT_STEP_ENTRY(config, BPF_ANY);
    break;
  case FB_STEP_UPSTREAMS:
    PORT_STEP_ENTRY(upstreams, BPF_F_LOCK);
    break;
  case FB_STEP_SUBSCRIBERS:
    PORT_STEP_ENTRY(subscribers, BPF_F_LOCK);
    break;
  case FB_STEP_SUBSCRIPTIONS:
    PORT_STEP_ENTRY(subscriptions, BPF_F_LOCK);
    break;
  case FB_STEP_STREAMS:
    PORT_STEP_ENTRY(streams, BPF_F_LOCK);
    break;
  case FB_STEP_CID_SET:
    bpf_map_update_elem(&cids, s->value, (const __u8 *)s->value + sizeof(struct fb_cid_key),
                        BPF_ANY);
    break;
  case FB_STEP_CID_DEL:
    bpf_map_delete_elem(&cids, s->value);
    break;
  case FB_STEP_ALIAS_SET:
    bpf_map_update_elem(&aliases, s->value, (const __u8 *)s->value + sizeof(struct fb_alias_key),
                        BPF_ANY);
    break;
  case FB_STEP_ALIAS_DEL:
    bpf_map_delete_elem(&aliases, s->value);
    break;
  default:
    break;
  }
}

PORT_INLINE void port_step_words(const struct fb_step *s) {
  switch (s->what) {
  case FB_STEP_COPY_INDEX:
    fb_words.copy_index = s->value[0];
    break;
  case FB_STEP_COUNTERS:
    PORT_STEP_WORDS(counters, struct fb_counters);
    break;
  case FB_STEP_UPSTREAM_STATE:
    PORT_STEP_WORDS(upstream_state, struct fb_upstream_state);
    break;
  case FB_STEP_TRACK_STATE:
    PORT_STEP_WORDS(track_state, struct fb_track_state);
    break;
  case FB_STEP_DOWNS:
    PORT_STEP_WORDS(downs, struct fb_down);
    break;
  case FB_STEP_OBJECTS:
    PORT_STEP_WORDS(objects, struct fb_object);
    break;
  case FB_STEP_KEYS:
    PORT_STEP_WORDS(keys, struct fb_key);
    break;
  case FB_STEP_GHASH:
    PORT_STEP_WORDS(ghash, struct fb_ghash);
    break;
  case FB_STEP_KEYSTREAMS:
    PORT_STEP_WORDS(keystreams, struct fb_keystream);
    break;
  default:
    break;
  }
}

static long port_step(__u64 round, void *none) {
  (void)round, (void)none;
  __u32 n = fb_words.steps.next;
  const struct fb_step *s = bpf_map_lookup_elem(&steps, &n);
  if (!s || n >= fb_words.steps.n) {
    fb_words.steps.at = ~0ull;
    return 1;
  }
  fb_words.steps.at = s->access;
  if (s->access != fb_words.steps.access)
    return 1;
  fb_words.steps.next = n + 1;
  port_step_entry(s);
  port_step_words(s);
  return 0;
}

/* Never under a lock: nothing may be called there. */
PORT_GLOBAL int port_count_access(void) {
  if (fb_words.steps.access == fb_words.steps.at)
    bpf_loop(FB_MAX_STEPS + 1, port_step, 0, 0);
  fb_words.steps.access++;
  return 0;
}

#define port_access() port_count_access()

#endif
#endif
