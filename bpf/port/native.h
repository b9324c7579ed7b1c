/* The native target: an instance of the datapath inside a process.
 *
 * An instance holds the same arrays as the maps of the kernel program, element for
 * element, in memory of its own; a process may hold many. Whoever owns the instance
 * plays user space: it writes entries, reads counters, drains the rings.
 *
 *   struct dp_native *dp = dp_native_new(&sizes);
 *   dp->config = ...; dp_native_set_subscriber(dp, slot, &entry); ...
 *   dp_native_on_emit(dp, emit, user);
 *   reason = dp_native_packet(dp, &path, payload, len, now_ns, cpu);
 *   dp_native_drain(dp, cpu, record, user);
 *   dp_native_free(dp);
 *
 * Nothing here reads a clock or sends anything. All words that are shared in the
 * kernel are accessed by sequentially consistent atomics, so one thread may run the
 * datapath while another plays user space. The ID and alias tables are the exception:
 * change them only between packets. */
#ifndef FANBENCH_BPF_PORT_NATIVE_H
#define FANBENCH_BPF_PORT_NATIVE_H

#include "bpf/abi/counters.h"
#include "bpf/abi/defects.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/keys.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A batch has a number of 8 bits in its record. */
#define DP_NATIVE_MAX_SUBSCRIBERS (256 * FB_BATCH)

/* How large the arrays are; 0 = the kernel's size. Each is at least 1 then. */
struct dp_native_sizes {
  uint32_t subscribers; /* FB_MAX_SUBSCRIBERS */
  uint32_t tracks;      /* FB_MAX_TRACKS */
  uint32_t streams;     /* FB_STREAM_SLOTS */
  uint32_t upstreams;   /* FB_MAX_UPSTREAMS */
  uint32_t cids;        /* FB_MAX_UPSTREAM_CIDS */
  uint32_t aliases;     /* tracks * upstreams */
  uint32_t cpus;        /* 1 */
  uint32_t ring_bytes;  /* FB_RING_BYTES, each CPU; taken as needed */
  /* Of keys.h; here 0 means none. Without `protect` there is no array of keys. */
  uint32_t protect, keystreams_down, keystreams_up;
};

/* One copy, as it is handed to the network. Valid during the call. */
struct dp_native_copy {
  uint32_t slot, gen; /* of the subscriber */
  uint32_t ifindex;
  uint64_t pn;            /* joint number */
  struct fb_path path;    /* local = from, remote = to */
  const uint8_t *payload; /* UDP payload */
  size_t len;
  /* The whole Ethernet frame, if the packet came by dp_native_frame(); else NULL. */
  const uint8_t *frame;
  size_t frame_len;
};

/* Sends one copy. Returns 0, or -errno: the copy is lost and a failed record is written. */
typedef int dp_native_emit_fn(void *user, const struct dp_native_copy *copy);
/* Takes one record (struct fb_record or struct fb_failed: see the magic). */
typedef void dp_native_record_fn(void *user, const void *record, size_t len);
/* Called before each access to a shared word: a simulation may let another party run
 * here. `word` is what is about to be accessed. */
typedef void dp_native_access_fn(void *user, const volatile void *word);

/* A cipher of the process's own, one with AES instructions for example, in place of
 * bpf/crypt: who sends from user space should not be measured by what BPF lacks. `key` is a
 * place in `keys`, whose element says which cipher and generation it is; the key itself lies
 * there too. It works its keystreams out by itself, those made ahead stay unused. */
struct dp_native_aead {
  /* Seals `len` bytes of `from` into `to`, the tag behind them, as packet `pn`; the header is
   * the associated data. 0, or -1: the copy is lost. */
  int (*seal)(void *user, uint32_t key, uint64_t pn, uint8_t *to, const uint8_t *from, size_t len,
              const uint8_t *head, size_t head_len);
  /* The opposite; the tag is behind `from`. 0 = authentic. */
  int (*open)(void *user, uint32_t key, uint64_t pn, uint8_t *to, const uint8_t *from, size_t len,
              const uint8_t *head, size_t head_len);
  /* Mask of header protection, the first byte lowest. */
  uint64_t (*mask)(void *user, uint32_t key, const uint8_t sample[16]);
};

struct dp_native_table; /* ID and alias tables */
struct dp_native_ring;

struct dp_native {
  struct dp_native_sizes sizes; /* as allocated; do not change */

  struct fb_config config;
  struct fb_defects defects;
  __u64 copy_index; /* of the defect global-counter alone */
  uint32_t policy;  /* enum dp_policy of bpf/dp/policy/policy.h; 0 = none */

  struct fb_upstream *upstreams;
  struct fb_upstream_state *upstream_state;
  struct fb_track_state *track_state;
  struct fb_subscriber *subscribers;
  struct fb_subscription *subscriptions; /* dp_native_subscription() finds one */
  struct fb_counters *counters;
  struct fb_stream *streams;
  struct fb_down *downs;     /* dp_native_down() finds one */
  struct fb_object *objects; /* [streams] */
  struct fb_cpu *cpus;
  /* As keys.h says; NULL without protection (ghash: without AES-128-GCM). */
  struct fb_key *keys;
  struct fb_ghash *ghash;
  struct fb_keystream *keystreams;

  /* private */
  struct dp_native_table *cids, *aliases;
  struct dp_native_ring *rings;
  void **scratch; /* one each CPU, made at its first packet */
  dp_native_emit_fn *emit;
  void *emit_user;
  dp_native_access_fn *access;
  void *access_user;
  const struct dp_native_aead *aead;
  void *aead_user;
};

/* Everything is zero: the datapath is off, all slots are free. NULL: out of memory, or
 * more subscribers than DP_NATIVE_MAX_SUBSCRIBERS (a process may hold many instances). */
struct dp_native *dp_native_new(const struct dp_native_sizes *sizes);
void dp_native_free(struct dp_native *dp); /* NULL is fine */

void dp_native_on_emit(struct dp_native *dp, dp_native_emit_fn *emit, void *user);
void dp_native_on_access(struct dp_native *dp, dp_native_access_fn *access, void *user);

/* NULL: bpf/crypt, as before. Between packets alone. */
void dp_native_use_aead(struct dp_native *dp, const struct dp_native_aead *aead, void *user);

/* Gives the datapath a UDP payload that arrived on `path` at `now_ns` on `cpu`
 * (below sizes.cpus). What the kernel sends "up" is the caller's to handle whatever
 * the reason is. Counts the reason in cpus[cpu].packets. */
enum fb_packet_reason dp_native_packet(struct dp_native *dp, const struct fb_path *path,
                                       const uint8_t *payload, size_t len, uint64_t now_ns,
                                       unsigned cpu);

/* The same for a raw Ethernet frame: L2 to L4 are parsed, and copies come with theirs,
 * byte for byte as the kernel program builds them. `gso` = it is a super-packet. */
enum fb_packet_reason dp_native_frame(struct dp_native *dp, const uint8_t *frame, size_t len,
                                      bool gso, uint64_t now_ns, unsigned cpu);

/* The Ethernet frame in which `payload`, at most FB_MAX_PAYLOAD + 1 bytes, leaves on `path` (local =
 * from): as the datapath builds its copies, but hardware addresses and flow label are zero. Returns
 * its length. */
#define DP_NATIVE_WRAPPED (FB_MAX_HEADERS + FB_MAX_PAYLOAD + 1)
size_t dp_native_wrap(const struct fb_path *path, const uint8_t *payload, size_t len,
                      uint8_t frame[DP_NATIVE_WRAPPED]);

/* Gives all records of this CPU's ring, oldest first, and empties it. Returns how many. */
size_t dp_native_drain(struct dp_native *dp, unsigned cpu, dp_native_record_fn *record, void *user);

/* See struct fb_take. */
void dp_native_take_stream(struct dp_native *dp, struct fb_take *take);

/* Write a slot as the kernel's BPF_F_LOCK does: all fields but the lock at once. */
void dp_native_set_upstream(struct dp_native *dp, uint32_t slot, const struct fb_upstream *value);
void dp_native_set_subscriber(struct dp_native *dp, uint32_t slot,
                              const struct fb_subscriber *value);
void dp_native_set_subscription(struct dp_native *dp, uint32_t subscriber, uint32_t track,
                                const struct fb_subscription *value);

/* Tables. Set returns false if the table is full; delete, if the key is not there. */
bool dp_native_cid_set(struct dp_native *dp, const struct fb_cid_key *key,
                       const struct fb_cid_value *value);
bool dp_native_cid_delete(struct dp_native *dp, const struct fb_cid_key *key);
bool dp_native_alias_set(struct dp_native *dp, const struct fb_alias_key *key,
                         const struct fb_alias_value *value);
bool dp_native_alias_delete(struct dp_native *dp, const struct fb_alias_key *key);
/* NULL: the key is not there. Valid until the table changes. */
const struct fb_cid_value *dp_native_cid(const struct dp_native *dp, const struct fb_cid_key *key);
const struct fb_alias_value *dp_native_alias(const struct dp_native *dp,
                                             const struct fb_alias_key *key);
size_t dp_native_cids(const struct dp_native *dp); /* entries */
size_t dp_native_aliases(const struct dp_native *dp);

/* Elements of the two-dimensional arrays; indices in range. */
static inline struct fb_subscription *dp_native_subscription(const struct dp_native *dp,
                                                             uint32_t subscriber, uint32_t track) {
  return &dp->subscriptions[(size_t)subscriber * dp->sizes.tracks + track];
}
static inline struct fb_down *dp_native_down(const struct dp_native *dp, uint32_t stream_slot,
                                             uint32_t subscriber) {
  return &dp->downs[(size_t)stream_slot * dp->sizes.subscribers + subscriber];
}

#endif
