/* The native target: port.h on an instance of native.h. Private to the datapath.
 *
 * Every access to a shared word first calls the instance's access hook. */
#ifndef FANBENCH_BPF_PORT_NATIVE_RUN_H
#define FANBENCH_BPF_PORT_NATIVE_RUN_H

#include "bpf/port/native.h"
#include "bpf/port/target.h"
#include "bpf/wire/cursor.h"

#include <string.h>

/* One packet in an instance. */
typedef struct port_run {
  struct dp_native *dp;
  uint64_t now_ns;
  unsigned cpu;
  int framed; /* it came as an Ethernet frame: copies leave as frames */
  const uint8_t *payload;
  size_t payload_len;
} port_t;

#define port_max_subscribers(p) ((p)->dp->sizes.subscribers)
#define port_max_tracks(p)      ((p)->dp->sizes.tracks)
#define port_stream_slots(p)    ((p)->dp->sizes.streams)
#define port_defect(p, name)    ((p)->dp->defects.name)
#define port_policy(p)          ((p)->dp->policy)
#define port_protects(p, which) ((p)->dp->sizes.protect >> (which)&1)
#define port_protects_any(p)    ((p)->dp->sizes.protect)
#define port_keystreams_down(p) ((p)->dp->sizes.keystreams_down)
#define port_keystreams_up(p)   ((p)->dp->sizes.keystreams_up)

PORT_INLINE void port_access(port_t *p, const volatile void *word) {
  if (p->dp->access)
    p->dp->access(p->dp->access_user, word);
}

/* ---- shared words ---------------------------------------------------------------- */

PORT_INLINE __u64 port_load(port_t *p, const __u64 *word) {
  port_access(p, word);
  return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

PORT_INLINE void port_store(port_t *p, __u64 *word, __u64 v) {
  port_access(p, word);
  __atomic_store_n(word, v, __ATOMIC_SEQ_CST);
}

PORT_INLINE __u64 port_add(port_t *p, __u64 *word, __u64 v) {
  port_access(p, word);
  return __atomic_fetch_add(word, v, __ATOMIC_SEQ_CST);
}

PORT_INLINE int port_cas(port_t *p, __u64 *word, __u64 old, __u64 v) {
  port_access(p, word);
  return __atomic_compare_exchange_n(word, &old, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

PORT_INLINE void port_count(port_t *p, __u64 *word, __u64 v) {
  (void)p;
  __atomic_fetch_add(word, v, __ATOMIC_RELAXED);
}

PORT_INLINE void port_lock(port_t *p, fb_lock *lock) {
  port_access(p, lock);
  while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE))
    continue;
}

PORT_INLINE void port_unlock(port_t *p, fb_lock *lock) {
  (void)p;
  __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

/* ---- maps ------------------------------------------------------------------------ */

PORT_INLINE const struct fb_config *port_config(port_t *p) {
  return &p->dp->config;
}

PORT_INLINE __u64 *port_copy_index(port_t *p) {
  return &p->dp->copy_index;
}

const struct fb_cid_value *port_cid(port_t *p, const struct fb_cid_key *key);
const struct fb_alias_value *port_alias(port_t *p, const struct fb_alias_key *key);

PORT_INLINE struct fb_upstream_state *port_upstream_state(port_t *p, __u32 slot) {
  return slot < p->dp->sizes.upstreams ? &p->dp->upstream_state[slot] : NULL;
}

PORT_INLINE const struct fb_track_state *port_track_state(port_t *p, __u32 track) {
  return track < p->dp->sizes.tracks ? &p->dp->track_state[track] : NULL;
}

PORT_INLINE struct fb_counters *port_counters(port_t *p, __u32 slot) {
  return slot < p->dp->sizes.subscribers ? &p->dp->counters[slot] : NULL;
}

PORT_INLINE struct fb_stream *port_stream(port_t *p, __u32 slot) {
  return slot < p->dp->sizes.streams ? &p->dp->streams[slot] : NULL;
}

PORT_INLINE struct fb_down *port_down(port_t *p, __u32 stream_slot, __u32 subscriber) {
  if (stream_slot >= p->dp->sizes.streams || subscriber >= p->dp->sizes.subscribers)
    return NULL;
  return dp_native_down(p->dp, stream_slot, subscriber);
}

PORT_INLINE struct fb_object *port_object(port_t *p, __u32 stream_slot) {
  return stream_slot < p->dp->sizes.streams ? &p->dp->objects[stream_slot] : NULL;
}

PORT_INLINE const struct fb_key *port_key(port_t *p, __u32 slot) {
  const struct dp_native_sizes *s = &p->dp->sizes;
  return slot < fb_keys(s->subscribers, s->upstreams) && p->dp->keys ? &p->dp->keys[slot] : NULL;
}

PORT_INLINE const struct fb_ghash *port_ghash(port_t *p, __u32 slot) {
  const struct dp_native_sizes *s = &p->dp->sizes;
  return slot < fb_keys(s->subscribers, s->upstreams) && p->dp->ghash ? &p->dp->ghash[slot] : NULL;
}

PORT_INLINE const struct fb_keystream *port_keystream(port_t *p, __u32 slot) {
  const struct dp_native_sizes *s = &p->dp->sizes;
  __u32 n = fb_keystreams(s->subscribers, s->upstreams, s->keystreams_down, s->keystreams_up);
  return slot < n && p->dp->keystreams ? &p->dp->keystreams[slot] : NULL;
}

/* Copies `len` bytes behind the lock word. */
PORT_INLINE void port_get_body(port_t *p, fb_lock *lock, void *out, size_t len) {
  port_lock(p, lock);
  memcpy((uint8_t *)out + sizeof(*lock), (const uint8_t *)lock + sizeof(*lock),
         len - sizeof(*lock));
  port_unlock(p, lock);
}

PORT_INLINE int port_get_upstream(port_t *p, __u32 slot, struct fb_upstream_copy *out) {
  if (slot >= p->dp->sizes.upstreams)
    return 0;
  port_get_body(p, &p->dp->upstreams[slot].lock, out, sizeof(*out));
  return 1;
}

PORT_INLINE int port_get_subscriber(port_t *p, __u32 slot, struct fb_subscriber_copy *out) {
  if (slot >= p->dp->sizes.subscribers)
    return 0;
  port_get_body(p, &p->dp->subscribers[slot].lock, out, sizeof(*out));
  return 1;
}

PORT_INLINE int port_get_subscription(port_t *p, __u32 subscriber, __u32 track,
                                      struct fb_subscription *out) {
  if (subscriber >= p->dp->sizes.subscribers || track >= p->dp->sizes.tracks)
    return 0;
  port_get_body(p, &dp_native_subscription(p->dp, subscriber, track)->lock, out, sizeof(*out));
  return 1;
}

/* ---- a cipher of the process's own ------------------------------------------------ */

#define port_own_aead(p) ((p)->dp->aead != NULL)

PORT_INLINE int port_own_seal(port_t *p, __u32 key, __u64 pn, __u8 *to, const __u8 *from, __u32 at,
                              __u32 len) {
  return p->dp->aead->seal(p->dp->aead_user, key, pn, to + at, from + at, len, to + FB_MAX_HEADERS,
                           at - FB_MAX_HEADERS);
}

PORT_INLINE int port_own_open(port_t *p, __u32 key, __u64 pn, __u8 *to, const __u8 *from, __u32 at,
                              __u32 len) {
  return p->dp->aead->open(p->dp->aead_user, key, pn, to + at, from + at, len, to + FB_MAX_HEADERS,
                           at - FB_MAX_HEADERS);
}

PORT_INLINE __u64 port_own_mask(port_t *p, __u32 key, const __u8 *sample) {
  return p->dp->aead->mask(p->dp->aead_user, key, sample);
}

/* ---- clock, CPU, ring ------------------------------------------------------------ */

PORT_INLINE __u64 port_now_ns(port_t *p) {
  return p->now_ns;
}
PORT_INLINE __u32 port_cpu_id(port_t *p) {
  return p->cpu;
}

int port_ring_room(port_t *p, uint64_t bytes);
long port_ring_write(port_t *p, const void *data, uint64_t len);

/* ---- buffers --------------------------------------------------------------------- */

PORT_INLINE void port_zero(uint8_t *buf, uint32_t at, uint32_t end) {
  if (at < end)
    memset(buf + at, 0, end - at);
}

PORT_INLINE void port_copy(uint8_t *to, const uint8_t *from, uint32_t at, uint32_t end) {
  if (at < end)
    memcpy(to + at, from + at, end - at);
}

/* ---- L2 to L4 -------------------------------------------------------------------- */

PORT_INLINE __u64 l4_sum_bytes(const __u8 *buf, __u32 at, __u32 len, __u32 seed) {
  const __u32 __attribute__((may_alias)) *w = (const void *)(buf + at);
  __u64 sum = seed;
  for (__u32 i = 0; i < len / 4; i++)
    sum += w[i];
  return sum;
}

#define L4_INLINE PORT_INLINE
#include "bpf/port/l4.h"

PORT_INLINE int port_load_payload(port_t *p, uint8_t *buf, uint32_t family, uint32_t len) {
  (void)family;
  if (len > p->payload_len)
    return -1;
  memcpy(buf + FB_MAX_HEADERS, p->payload, len);
  return 0;
}

long port_emit(port_t *p, uint8_t *buf, const struct fb_subscriber_copy *sub, uint32_t slot,
               uint64_t pn, uint32_t payload_len, uint8_t partial);

/* The caller's packet was never touched. */
PORT_INLINE int port_restore(port_t *p, const uint8_t *buf, uint32_t family, uint32_t payload_len) {
  (void)p, (void)buf, (void)family, (void)payload_len;
  return 1;
}

#endif
