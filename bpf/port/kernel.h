/* The kernel target: port.h for a program on tcx ingress.
 *
 * The maps are those of relay.bpf.c, which includes this file behind them. */
#ifndef FANBENCH_BPF_PORT_KERNEL_H
#define FANBENCH_BPF_PORT_KERNEL_H

#include "bpf/abi/emitted.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/keys.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/record.h"
#include "bpf/port/target.h"
#include "bpf/wire/cursor.h"

_Static_assert(WIRE_BUF_LEN == FB_BUF_LEN, "parsers and packet buffers differ in size");

typedef struct __sk_buff port_t;

#define port_max_subscribers(p) (({ port_unused(p); }), fb_constants.max_subscribers)
#define port_max_tracks(p)      (({ port_unused(p); }), fb_constants.max_tracks)
#define port_stream_slots(p)    (({ port_unused(p); }), fb_constants.stream_slots)
#ifdef FB_WITHOUT_DEFECTS
#define port_defect(p, name) (({ port_unused(p); }), 0)
#else
#define port_defect(p, name) (({ port_unused(p); }), fb_constants.defects.name)
#endif
#define port_policy(p)          (({ port_unused(p); }), fb_constants.policy)
#define port_protects(p, which) (({ port_unused(p); }), fb_constants.protect >> (which)&1)
#define port_protects_any(p)    (({ port_unused(p); }), fb_constants.protect)
#define port_keystreams_down(p) (({ port_unused(p); }), fb_constants.keystreams_down)
#define port_keystreams_up(p)   (({ port_unused(p); }), fb_constants.keystreams_up)

#include "bpf/port/kernel_steps.h"

/* ---- shared words ---------------------------------------------------------------- */

PORT_INLINE __u64 port_load(port_t *p, const __u64 *word) {
  port_unused(p);
  port_access();
  return *(const volatile __u64 *)word;
}

/* A store alone orders nothing; the exchange does. */
PORT_INLINE void port_store(port_t *p, __u64 *word, __u64 v) {
  port_unused(p);
  port_access();
  (void)__sync_lock_test_and_set(word, v);
}

PORT_INLINE __u64 port_add(port_t *p, __u64 *word, __u64 v) {
  port_unused(p);
  port_access();
  return __sync_fetch_and_add(word, v);
}

PORT_INLINE int port_cas(port_t *p, __u64 *word, __u64 old, __u64 v) {
  port_unused(p);
  port_access();
  return __sync_val_compare_and_swap(word, old, v) == old;
}

PORT_INLINE void port_count(port_t *p, __u64 *word, __u64 v) {
  port_unused(p);
  __sync_fetch_and_add(word, v);
}

#define port_lock(p, lock)                                                                         \
  (({                                                                                              \
     port_unused(p);                                                                               \
     port_access();                                                                                \
   }),                                                                                             \
   bpf_spin_lock(lock))
#define port_unlock(p, lock) (({ port_unused(p); }), bpf_spin_unlock(lock))

/* ---- maps ------------------------------------------------------------------------ */

PORT_INLINE const struct fb_config *port_config(port_t *p) {
  port_unused(p);
  __u32 zero = 0;
  return bpf_map_lookup_elem(&config, &zero);
}

PORT_INLINE __u64 *port_copy_index(port_t *p) {
  port_unused(p);
  return &fb_words.copy_index;
}

PORT_INLINE const struct fb_cid_value *port_cid(port_t *p, const struct fb_cid_key *key) {
  port_unused(p);
  return bpf_map_lookup_elem(&cids, key);
}

PORT_INLINE const struct fb_alias_value *port_alias(port_t *p, const struct fb_alias_key *key) {
  port_unused(p);
  return bpf_map_lookup_elem(&aliases, key);
}

PORT_INLINE struct fb_upstream_state *port_upstream_state(port_t *p, __u32 slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&upstream_state, &slot);
}

PORT_INLINE const struct fb_track_state *port_track_state(port_t *p, __u32 track) {
  port_unused(p);
  return bpf_map_lookup_elem(&track_state, &track);
}

PORT_INLINE struct fb_counters *port_counters(port_t *p, __u32 slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&counters, &slot);
}

PORT_INLINE struct fb_stream *port_stream(port_t *p, __u32 slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&streams, &slot);
}

PORT_INLINE struct fb_down *port_down(port_t *p, __u32 stream_slot, __u32 subscriber) {
  port_unused(p);
  __u32 key = stream_slot * fb_constants.max_subscribers + subscriber;
  return bpf_map_lookup_elem(&downs, &key);
}

PORT_INLINE struct fb_object *port_object(port_t *p, __u32 stream_slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&objects, &stream_slot);
}

PORT_INLINE const struct fb_key *port_key(port_t *p, __u32 slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&keys, &slot);
}

PORT_INLINE const struct fb_ghash *port_ghash(port_t *p, __u32 slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&ghash, &slot);
}

PORT_INLINE const struct fb_keystream *port_keystream(port_t *p, __u32 slot) {
  port_unused(p);
  return bpf_map_lookup_elem(&keystreams, &slot);
}

/* Everything behind the lock word; a spin lock itself must not be touched. */
#define PORT_COPY_BODY(out, entry)                                                                 \
  do {                                                                                             \
    (out)->gen = (entry)->gen;                                                                     \
    __builtin_memcpy((__u8 *)(out) + 8, (const __u8 *)(entry) + 8, sizeof(*(entry)) - 8);          \
  } while (0)

PORT_INLINE int port_get_upstream(port_t *p, __u32 slot, struct fb_upstream_copy *out) {
  port_unused(p);
  struct fb_upstream *entry = bpf_map_lookup_elem(&upstreams, &slot);
  if (!entry)
    return 0;
  port_access();
  bpf_spin_lock(&entry->lock);
  PORT_COPY_BODY(out, entry);
  bpf_spin_unlock(&entry->lock);
  return 1;
}

PORT_INLINE int port_get_subscriber(port_t *p, __u32 slot, struct fb_subscriber_copy *out) {
  port_unused(p);
  struct fb_subscriber *entry = bpf_map_lookup_elem(&subscribers, &slot);
  if (!entry)
    return 0;
  port_access();
  bpf_spin_lock(&entry->lock);
  PORT_COPY_BODY(out, entry);
  bpf_spin_unlock(&entry->lock);
  return 1;
}

PORT_INLINE int port_get_subscription(port_t *p, __u32 subscriber, __u32 track,
                                      struct fb_subscription *out) {
  port_unused(p);
  __u32 key = subscriber * fb_constants.max_tracks + track;
  struct fb_subscription *entry = bpf_map_lookup_elem(&subscriptions, &key);
  if (!entry)
    return 0;
  port_access();
  bpf_spin_lock(&entry->lock);
  PORT_COPY_BODY(out, entry);
  bpf_spin_unlock(&entry->lock);
  return 1;
}

/* ---- a cipher of the process's own: there is no process here ------------------------ */

#define port_own_aead(p)                             (({ port_unused(p); }), 0)
#define port_own_seal(p, key, pn, to, from, at, len) (-1)
#define port_own_open(p, key, pn, to, from, at, len) (-1)
#define port_own_mask(p, key, sample)                0

/* ---- clock, CPU, ring ------------------------------------------------------------ */

PORT_INLINE __u64 port_now_ns(port_t *p) {
  port_unused(p);
#ifdef FB_KEEPS_JOURNAL
  return fb_words.clock_ns; /* one time for all of a run */
#endif
  if (fb_constants.emit_to_map && fb_words.clock_ns)
    return fb_words.clock_ns;
  return bpf_ktime_get_ns();
}

PORT_INLINE __u32 port_cpu_id(port_t *p) {
  port_unused(p);
  return bpf_get_smp_processor_id();
}

PORT_INLINE int port_ring_room(port_t *p, __u64 bytes) {
  __u32 cpu = port_cpu_id(p);
  void *ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring)
    return 0;
  return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + bytes <=
         bpf_ringbuf_query(ring, BPF_RB_RING_SIZE);
}

/* ---- buffers --------------------------------------------------------------------- */

/* A packet buffer, so that the verifier knows its size. */
struct port_buf {
  __u8 b[FB_BUF_LEN];
};

/* Words from `at` on, while there are `n` of them and they lie in the buffer; m is the
 * place of each. */
#define PORT_EACH_WORD(m, at, n)                                                                   \
  PORT_NO_UNROLL                                                                                   \
  for (__u32 k_ = 0, m = 0; k_ < FB_BUF_LEN / 8; k_++)                                             \
    if (k_ >= (n) || (m = (__u32)wire_mask((at) + 8 * k_)) > FB_BUF_LEN - 8)                       \
      break;                                                                                       \
    else

/* The last bytes, less than a word: which bits stay. Later bytes are higher ones. */
PORT_INLINE __u64 port_tail_mask(__u32 len) {
  return ~0ull << (8 * (len % 8));
}

PORT_GLOBAL int port_zero_words(struct port_buf *buf, __u32 at, __u32 end) {
  if (!buf || at >= end)
    return 0;
  __u32 words = (end - at) / 8;
  PORT_EACH_WORD(m, at, words) * (port_any64 *)(buf->b + m) = 0;
  __u64 tail = wire_mask(at + 8 * words);
  if (tail <= FB_BUF_LEN - 8)
    *(port_any64 *)(buf->b + tail) &= port_tail_mask(end - at);
  return 0;
}

PORT_GLOBAL int port_copy_words(struct port_buf *to, const struct port_buf *from, __u32 at,
                                __u32 end) {
  if (!to || !from || at >= end)
    return 0;
  __u32 words = (end - at) / 8;
  PORT_EACH_WORD(m, at, words) * (port_any64 *)(to->b + m) = *(const port_any64 *)(from->b + m);
  __u64 tail = wire_mask(at + 8 * words), keep = port_tail_mask(end - at);
  if (tail > FB_BUF_LEN - 8)
    return 0;
  port_any64 *last = (port_any64 *)(to->b + tail);
  *last = (*last & keep) | (*(const port_any64 *)(from->b + tail) & ~keep);
  return 0;
}

#define port_zero(buf, at, end) port_zero_words((struct port_buf *)(buf), at, end)
#define port_copy(to, from, at, end)                                                               \
  port_copy_words((struct port_buf *)(to), (const struct port_buf *)(from), at, end)

/* ---- L2 to L4 -------------------------------------------------------------------- */

/* bpf_csum_diff() took at most 512 bytes for long. */
#define PORT_CSUM_STEP 512

PORT_INLINE __u64 l4_sum_bytes(const __u8 *buf, __u32 at, __u32 len, __u32 seed) {
  __s64 sum = seed;
  PORT_NO_UNROLL
  for (__u32 k = 0; k < FB_BUF_LEN / PORT_CSUM_STEP; k++) {
    if (k * PORT_CSUM_STEP >= len)
      break;
    __u64 n = len - k * PORT_CSUM_STEP;
    if (n > PORT_CSUM_STEP)
      n = PORT_CSUM_STEP;
    __asm__ volatile("%0 &= 1023" : "+r"(n)); /* for the verifier, which forgot */
    if (n > PORT_CSUM_STEP)
      break;
    sum = bpf_csum_diff(0, 0, (__be32 *)(buf + at + k * PORT_CSUM_STEP), (__u32)n, (__u32)sum);
  }
  return (__u32)sum;
}

#define L4_INLINE PORT_INLINE
#include "bpf/port/l4.h"

/* A copy as user space takes it, from a map or a journal. */
PORT_INLINE void port_put_emitted(struct fb_emitted *e, const __u8 *buf,
                                  const struct fb_subscriber_copy *sub, __u32 slot, __u64 pn,
                                  __u32 payload_len, long error) {
  e->slot = slot;
  e->gen = sub->gen;
  e->ifindex = sub->ifindex;
  e->head_len = l4_head_len(sub->family);
  e->payload_len = payload_len;
  e->error = (__u32)(error < 0 ? -error : error);
  e->pn = pn;
  PORT_EACH_WORD(m, 0, (FB_MAX_HEADERS + FB_MAX_PAYLOAD) / 8)
  *(port_any64 *)(e->buf + m) = *(const port_any64 *)(buf + m);
}

#include "bpf/port/kernel_journal.h"

/* Reads the packet's headers and payload into `buf` (payload at FB_MAX_HEADERS).
 * FB_PKT_FANNED: path, length and partial are set. */
PORT_INLINE enum fb_packet_reason port_receive(port_t *p, __u8 *buf, struct fb_path *path,
                                               __u32 *payload_len, __u8 *partial) {
  const struct fb_config *c = port_config(p);
  if (!c || !c->on)
    return FB_PKT_OFF;
  __u32 family = p->protocol == bpf_htons(0x0800) ? 4 : p->protocol == bpf_htons(0x86dd) ? 6 : 0;
  if (!family || p->vlan_present)
    return FB_PKT_NOT_IP;
  __u32 frame_len = p->len, len = 0;
  if (frame_len < l4_head_len(family))
    return FB_PKT_NOT_UDP;
  long err =
      family == 6
          ? bpf_skb_load_bytes(p, 0, buf + L4_IP6 - L4_ETH_LEN, L4_ETH_LEN + 40 + L4_UDP_LEN)
          : bpf_skb_load_bytes(p, 0, buf + L4_IP4 - L4_ETH_LEN, L4_ETH_LEN + 20 + L4_UDP_LEN);
  if (err)
    return FB_PKT_LOAD_FAILED;
  enum fb_packet_reason reason = l4_parse(buf, family, frame_len, p->gso_size, c->port, path, &len);
  if (reason != FB_PKT_FANNED)
    return reason;
  if (len == 0)
    return FB_PKT_LENGTH;
  __u64 bounded = port_index(len, FB_BUF_LEN);
  if (bounded == 0 || bounded > FB_MAX_PAYLOAD)
    return FB_PKT_LENGTH;
  if (bpf_skb_load_bytes(p, l4_head_len(family), buf + FB_MAX_HEADERS, (__u32)bounded))
    return FB_PKT_LOAD_FAILED;
  *payload_len = len;
  return l4_check(buf, family, len, partial);
}

PORT_INLINE int port_load_payload(port_t *p, __u8 *buf, __u32 family, __u32 len) {
  __u64 bounded = port_index(len, FB_BUF_LEN);
  if (bounded == 0 || bounded > FB_MAX_PAYLOAD)
    return -1;
  return (int)bpf_skb_load_bytes(p, l4_head_len(family), buf + FB_MAX_HEADERS, (__u32)bounded);
}

/* Writes headers and payload of `buf` over the packet. */
PORT_INLINE long port_store_frame(port_t *p, const __u8 *buf, __u32 family, __u32 payload_len) {
  __u32 head = l4_head_len(family);
  __u64 len = port_index(head + payload_len, FB_BUF_LEN);
  if (len == 0 || len > FB_MAX_HEADERS + FB_MAX_PAYLOAD)
    return -1;
  return family == 6 ? bpf_skb_store_bytes(p, 0, buf + L4_IP6 - L4_ETH_LEN, (__u32)len, 0)
                     : bpf_skb_store_bytes(p, 0, buf + L4_IP4 - L4_ETH_LEN, (__u32)len, 0);
}

/* ---- what leaves ------------------------------------------------------------------- */

/* 0, or a negative error. Nobody is woken: user space polls behind its socket. */
PORT_INLINE long port_ring_write(port_t *p, const void *data, __u64 len) {
  __u32 cpu = port_cpu_id(p);
  void *ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring)
    return -1;
  long err = bpf_ringbuf_output(ring, (void *)data, len, BPF_RB_NO_WAKEUP);
  if (!err)
    port_journal_record(data, len);
  return err;
}

/* For tests: the copy goes into a map instead of out of an interface. */
PORT_INLINE long port_emit_to_map(const __u8 *buf, const struct fb_subscriber_copy *sub, __u32 slot,
                                  __u64 pn, __u32 payload_len) {
  __u32 index = fb_words.emitted_count;
  struct fb_emitted *e = bpf_map_lookup_elem(&emitted, &index);
  if (!e)
    return -28; /* ENOSPC */
  port_put_emitted(e, buf, sub, slot, pn, payload_len, 0);
  fb_words.emitted_count = index + 1;
  return 0;
}

/* Puts the headers in front of the payload in `buf`, sends it. 0, or a negative error.
 * The packet's own bytes are gone afterwards. */
PORT_INLINE long port_emit(port_t *p, __u8 *buf, const struct fb_subscriber_copy *sub, __u32 slot,
                           __u64 pn, __u32 payload_len, __u8 partial) {
  l4_build(buf, sub->family, sub, payload_len, partial);
  if (fb_constants.emit_to_map)
    return port_emit_to_map(buf, sub, slot, pn, payload_len);
  long err = port_store_frame(p, buf, sub->family, payload_len);
  if (!err)
    err = bpf_clone_redirect(p, sub->ifindex, 0);
  port_journal_copy(buf, sub, slot, pn, payload_len, err);
  return err;
}

PORT_INLINE int port_restore(port_t *p, const __u8 *buf, __u32 family, __u32 payload_len) {
  return port_store_frame(p, buf, family, payload_len) == 0;
}

#endif
