#include "bpf/port/native.h"
#include "bpf/t/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct dp_native *dp_of(struct world *w) {
  return w->impl;
}

static int on_emit(void *user, const struct dp_native_copy *c) {
  struct world *w = user;
  if (w->n_copies == w->most_copies)
    return -ENOSPC; /* as the kernel's test map */
  struct copy *out = &w->copies[w->n_copies++];
  memset(out, 0, sizeof(*out));
  out->slot = c->slot;
  out->gen = c->gen;
  out->ifindex = c->ifindex;
  out->pn = c->pn;
  out->len = c->frame_len;
  memcpy(out->frame, c->frame, c->frame_len);
  return 0;
}

static void reset(struct world *w) {
  struct dp_native_sizes sizes = {.subscribers = WORLD_SUBSCRIBERS,
                                  .tracks = WORLD_TRACKS,
                                  .streams = WORLD_STREAMS,
                                  .upstreams = WORLD_UPSTREAMS,
                                  .ring_bytes = WORLD_RING_BYTES};
  if (w->seal) {
    sizes.protect = 1u << FB_PROTECT_CHACHA20 | 1u << FB_PROTECT_AES128GCM;
    sizes.keystreams_down = sizes.keystreams_up = WORLD_KEYSTREAMS;
  }
  dp_native_free(w->impl);
  w->impl = dp_native_new(&sizes);
  assert_non_null(w->impl);
  dp_of(w)->defects = w->defects;
  dp_of(w)->policy = w->policy;
  dp_native_on_emit(w->impl, on_emit, w);
  if (w->own_aead)
    dp_native_use_aead(w->impl, &protect_aead, dp_of(w)->keys);
}

/* As the kernel's: what a fixture says of lags is a time before now. */
static uint64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void set_config(struct world *w, const struct fb_config *v) {
  dp_of(w)->config = *v;
}
static void set_upstream(struct world *w, uint32_t slot, const struct fb_upstream *v) {
  struct fb_upstream sealed = world_sealed_upstream(w, slot, v);
  dp_native_set_upstream(dp_of(w), slot, &sealed);
}
static void set_cid(struct world *w, const struct fb_cid_key *key, const struct fb_cid_value *v) {
  assert_true(dp_native_cid_set(dp_of(w), key, v));
}
static void set_alias(struct world *w, const struct fb_alias_key *key,
                      const struct fb_alias_value *v) {
  assert_true(dp_native_alias_set(dp_of(w), key, v));
}
static void set_subscriber(struct world *w, uint32_t slot, const struct fb_subscriber *v) {
  struct fb_subscriber sealed = world_sealed_subscriber(w, slot, v);
  dp_native_set_subscriber(dp_of(w), slot, &sealed);
}
static void set_subscription(struct world *w, uint32_t slot, uint32_t track,
                             const struct fb_subscription *v) {
  dp_native_set_subscription(dp_of(w), slot, track, v);
}
static void get_stream(struct world *w, uint32_t slot, struct fb_stream *v) {
  *v = dp_of(w)->streams[slot];
}
static void set_stream(struct world *w, uint32_t slot, const struct fb_stream *v) {
  dp_of(w)->streams[slot] = *v;
}
static void take_stream(struct world *w, struct fb_take *take) {
  dp_native_take_stream(dp_of(w), take);
}
static struct fb_counters *counters(struct world *w) {
  return dp_of(w)->counters;
}
static struct fb_down *downs(struct world *w) {
  return dp_of(w)->downs;
}
static struct fb_object *objects(struct world *w) {
  return dp_of(w)->objects;
}
static struct fb_upstream_state *state(struct world *w) {
  return dp_of(w)->upstream_state;
}
static struct fb_track_state *tracks(struct world *w) {
  return dp_of(w)->track_state;
}

static struct fb_key *keys(struct world *w) {
  return dp_of(w)->keys;
}
static struct fb_ghash *ghash(struct world *w) {
  return dp_of(w)->ghash;
}
static struct fb_keystream *keystreams(struct world *w) {
  return dp_of(w)->keystreams;
}

static enum fb_packet_reason run(struct world *w, const struct piece *frame, bool gso) {
  struct fb_cpu before = dp_of(w)->cpus[0];
  /* A buffer of its own length, so that a sanitizer sees a read beyond it. */
  uint8_t *exact = malloc(frame->len);
  assert_non_null(exact);
  memcpy(exact, frame->bytes, frame->len);
  enum fb_packet_reason reason =
      dp_native_frame(dp_of(w), exact, frame->len, gso, monotonic_ns(), 0);
  assert_memory_equal(exact, frame->bytes, frame->len);
  free(exact);
  assert_int_equal(dp_of(w)->cpus[0].packets[reason], before.packets[reason] + 1);
  assert_int_equal(dp_of(w)->cpus[0].sequence, before.sequence + 2);
  return reason;
}

static void on_record(void *user, const void *record, size_t len) {
  world_note_record(user, record, len);
}
static void drain(struct world *w) {
  dp_native_drain(dp_of(w), 0, on_record, w);
}
/* At the second access of the packet to the counter, which the first one set to 0. */
static void on_access(void *user, const volatile void *word) {
  struct world *w = user;
  if (word == &dp_of(w)->copy_index && ++w->counter_accesses == 2)
    dp_of(w)->copy_index++;
}

static void count_copy(struct world *w) {
  w->counter_accesses = 0;
  dp_native_on_access(dp_of(w), on_access, w);
}

static void limit_copies(struct world *w, uint32_t most) {
  w->most_copies = most;
}
static void close_world(struct world *w) {
  dp_native_free(w->impl);
}

struct world *world_native(const struct fb_defects *defects) {
  static const struct world_ops ops = {.name = "native",
                                       .reset = reset,
                                       .set_config = set_config,
                                       .set_upstream = set_upstream,
                                       .set_cid = set_cid,
                                       .set_alias = set_alias,
                                       .set_subscriber = set_subscriber,
                                       .set_subscription = set_subscription,
                                       .get_stream = get_stream,
                                       .set_stream = set_stream,
                                       .take_stream = take_stream,
                                       .counters = counters,
                                       .downs = downs,
                                       .objects = objects,
                                       .state = state,
                                       .tracks = tracks,
                                       .keys = keys,
                                       .ghash = ghash,
                                       .keystreams = keystreams,
                                       .run = run,
                                       .limit_copies = limit_copies,
                                       .count_copy = count_copy,
                                       .drain = drain,
                                       .close = close_world};
  struct world *w = calloc(1, sizeof(*w));
  assert_non_null(w);
  w->ops = &ops;
  if (defects)
    w->defects = *defects;
  return w;
}

struct world *world_native_policy(uint32_t policy) {
  struct world *w = world_native(NULL);
  w->policy = policy;
  return w;
}

struct world *world_native_sealed(enum fb_protection cipher) {
  struct world *w = world_native(NULL);
  w->seal = cipher;
  return w;
}
