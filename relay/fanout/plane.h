/* One datapath instance as user space sees it: the kernel's maps, or the
 * native instance of bpf/port/native.h.
 *
 * The arrays are shared memory; every access to them goes through the
 * port_load / port_add / port_cas functions below (sequentially consistent).
 * Entries are written whole, under their lock. */
#ifndef FANBENCH_RELAY_FANOUT_PLANE_H
#define FANBENCH_RELAY_FANOUT_PLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bpf/abi/counters.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/keys.h"
#include "bpf/abi/record.h"

/* What a drained ring yields; exactly one pointer is not NULL. Valid during the call. */
typedef void plane_sink(void *arg, const struct fb_record *copy, const struct fb_failed *failed);

struct plane_ops {
  /* All return 0, or -errno. */
  int (*put_config)(void *ctx, const struct fb_config *config);
  int (*put_upstream)(void *ctx, uint32_t slot, const struct fb_upstream *value);
  int (*put_subscriber)(void *ctx, uint32_t slot, const struct fb_subscriber *value);
  int (*put_subscription)(void *ctx, uint32_t slot, uint32_t track,
                          const struct fb_subscription *value);
  int (*add_cid)(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value);
  int (*del_cid)(void *ctx, const struct fb_cid_key *key);
  int (*add_alias)(void *ctx, const struct fb_alias_key *key, const struct fb_alias_value *value);
  int (*del_alias)(void *ctx, const struct fb_alias_key *key);
  /* Makes a stream user space's own; see struct fb_take. */
  int (*take_stream)(void *ctx, struct fb_take *take);
  /* Returns when every program run that was in flight at the call has ended. */
  void (*quiesce)(void *ctx);
  /* Hands over everything finished in all rings. */
  void (*drain)(void *ctx, plane_sink *sink, void *arg);
};

/* Who keeps a journal of a datapath that runs beside user space (relay/host/kernel_journal.h) hears
 * of each write to the arrays below: no run is in flight from `begin` to `wrote`. */
struct plane_writes {
  void (*begin)(void *arg, const void *at, size_t len);
  void (*wrote)(void *arg, const void *at, size_t len);
  void *arg;
};

struct plane {
  const struct plane_ops *ops;
  void *ctx;
  uint32_t max_subscribers;                 /* entry slots */
  struct fb_counters *counters;             /* [max_subscribers] */
  struct fb_upstream_state *upstream_state; /* [FB_MAX_UPSTREAMS] */
  struct fb_track_state *track_state;       /* [FB_MAX_TRACKS] */
  struct fb_down *downs;                    /* [FB_STREAM_SLOTS * max_subscribers] */
  struct fb_object *objects;                /* [FB_STREAM_SLOTS] */
  /* Packet protection, sizes and rules in bpf/abi/keys.h; NULL: the datapath has none (ghash:
   * none of AES-128-GCM; keystreams: it computes all itself). */
  struct fb_key *keys;
  struct fb_ghash *ghash;
  struct fb_keystream *keystreams;
  uint32_t keystreams_down, keystreams_up;
  /* Called before each access to a shared word; NULL outside of a simulation. */
  void (*access)(void *arg, const void *word);
  void *access_arg;
  const struct plane_writes *writes; /* NULL: nobody wants to know */
};

/* Packet protection that a datapath is made for. */
struct plane_protection {
  uint32_t protect;                        /* bits 1 << enum fb_protection; 0 = none */
  uint32_t keystreams_down, keystreams_up; /* of each subscriber, upstream: powers of two, or 0 */
};

/* ---- shared words --------------------------------------------------------------- */

/* Every access of user space to a word that the datapath shares. A simulation may
 * let another party run before it (plane->access). */
static inline void plane_yield(const struct plane *plane, const void *word) {
  if (plane->access)
    plane->access(plane->access_arg, word);
}

/* Around a write to [at, at + len) of an array: the functions below, and who writes more than
 * a word. One thread; not one within another. */
static inline void plane_write_begin(const struct plane *plane, const void *at, size_t len) {
  if (plane->writes)
    plane->writes->begin(plane->writes->arg, at, len);
}

static inline void plane_wrote(const struct plane *plane, const void *at, size_t len) {
  if (plane->writes)
    plane->writes->wrote(plane->writes->arg, at, len);
}

/* Key material [at, at + len) of an array: zero, and no trace of it left. */
static inline void plane_wipe(const struct plane *plane, void *at, size_t len) {
  plane_write_begin(plane, at, len);
  explicit_bzero(at, len);
  plane_wrote(plane, at, len);
}

static inline __u64 plane_load(const struct plane *plane, const __u64 *word) {
  plane_yield(plane, word);
  return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void plane_store(const struct plane *plane, __u64 *word, __u64 value) {
  plane_yield(plane, word);
  plane_write_begin(plane, word, sizeof *word);
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
  plane_wrote(plane, word, sizeof *word);
}

/* Returns the value before. */
static inline __u64 plane_add(const struct plane *plane, __u64 *word, __u64 value) {
  plane_yield(plane, word);
  plane_write_begin(plane, word, sizeof *word);
  const __u64 before = __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
  plane_wrote(plane, word, sizeof *word);
  return before;
}

static inline void plane_sub(const struct plane *plane, __u64 *word, __u64 value) {
  plane_yield(plane, word);
  plane_write_begin(plane, word, sizeof *word);
  __atomic_fetch_sub(word, value, __ATOMIC_SEQ_CST);
  plane_wrote(plane, word, sizeof *word);
}

/* Writes `want` if the word is *old; else *old gets what it is. */
static inline bool plane_cas(const struct plane *plane, __u64 *word, __u64 *old, __u64 want) {
  plane_yield(plane, word);
  plane_write_begin(plane, word, sizeof *word);
  const bool done =
      __atomic_compare_exchange_n(word, old, want, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  plane_wrote(plane, word, sizeof *word);
  return done;
}

#endif
