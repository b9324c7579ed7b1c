#include "bpf/abi/emitted.h"
#include "bpf/t/world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/program.h"

struct kernel {
  struct relay *skel;
  int ring_fds[FB_MAX_CPUS], n_rings;
  struct ring_buffer *rings;
  struct bpf_link *link;
  bool live;
  void *counters, *downs, *objects, *state, *tracks; /* mapped */
  void *keys, *ghash, *keystreams;                   /* of a sealed world */
};

static struct kernel *kernel_of(struct world *w) {
  return w->impl;
}

/* ---- entries ---------------------------------------------------------------------- */

static void put(const struct bpf_map *map, uint32_t slot, const void *value, size_t len,
                uint64_t flags) {
  assert_int_equal(bpf_map__update_elem(map, &slot, sizeof(slot), value, len, flags), 0);
}

static void set_config(struct world *w, const struct fb_config *v) {
  put(kernel_of(w)->skel->maps.config, 0, v, sizeof(*v), 0);
}
static void set_upstream(struct world *w, uint32_t slot, const struct fb_upstream *v) {
  struct fb_upstream sealed = world_sealed_upstream(w, slot, v);
  put(kernel_of(w)->skel->maps.upstreams, slot, &sealed, sizeof(sealed), BPF_F_LOCK);
}
static void set_subscriber(struct world *w, uint32_t slot, const struct fb_subscriber *v) {
  struct fb_subscriber sealed = world_sealed_subscriber(w, slot, v);
  put(kernel_of(w)->skel->maps.subscribers, slot, &sealed, sizeof(sealed), BPF_F_LOCK);
}
static void set_subscription(struct world *w, uint32_t slot, uint32_t track,
                             const struct fb_subscription *v) {
  put(kernel_of(w)->skel->maps.subscriptions, slot * WORLD_TRACKS + track, v, sizeof(*v),
      BPF_F_LOCK);
}
static void set_stream(struct world *w, uint32_t slot, const struct fb_stream *v) {
  put(kernel_of(w)->skel->maps.streams, slot, v, sizeof(*v), BPF_F_LOCK);
}
static void set_cid(struct world *w, const struct fb_cid_key *key, const struct fb_cid_value *v) {
  assert_int_equal(
      bpf_map__update_elem(kernel_of(w)->skel->maps.cids, key, sizeof(*key), v, sizeof(*v), 0), 0);
}
static void set_alias(struct world *w, const struct fb_alias_key *key,
                      const struct fb_alias_value *v) {
  assert_int_equal(
      bpf_map__update_elem(kernel_of(w)->skel->maps.aliases, key, sizeof(*key), v, sizeof(*v), 0),
      0);
}
static void get_stream(struct world *w, uint32_t slot, struct fb_stream *v) {
  assert_int_equal(bpf_map__lookup_elem(kernel_of(w)->skel->maps.streams, &slot, sizeof(slot), v,
                                        sizeof(*v), BPF_F_LOCK),
                   0);
}
static struct fb_counters *counters(struct world *w) {
  return kernel_of(w)->counters;
}
static struct fb_down *downs(struct world *w) {
  return kernel_of(w)->downs;
}
static struct fb_object *objects(struct world *w) {
  return kernel_of(w)->objects;
}
static struct fb_upstream_state *state(struct world *w) {
  return kernel_of(w)->state;
}
static struct fb_track_state *tracks(struct world *w) {
  return kernel_of(w)->tracks;
}

static struct fb_key *keys(struct world *w) {
  return kernel_of(w)->keys;
}
static struct fb_ghash *ghash(struct world *w) {
  return kernel_of(w)->ghash;
}
static struct fb_keystream *keystreams(struct world *w) {
  return kernel_of(w)->keystreams;
}

#define WORLD_KEYS fb_keys(WORLD_SUBSCRIBERS, WORLD_UPSTREAMS)
#define WORLD_ALL_KEYSTREAMS                                                                       \
  fb_keystreams(WORLD_SUBSCRIBERS, WORLD_UPSTREAMS, WORLD_KEYSTREAMS, WORLD_KEYSTREAMS)
#define KEYS_LEN       (WORLD_KEYS * sizeof(struct fb_key))
#define GHASH_LEN      (WORLD_KEYS * sizeof(struct fb_ghash))
#define KEYSTREAMS_LEN (WORLD_ALL_KEYSTREAMS * sizeof(struct fb_keystream))

static void take_stream(struct world *w, struct fb_take *take) {
  struct bpf_test_run_opts opts = {
      .sz = sizeof(opts), .ctx_in = take, .ctx_size_in = sizeof(*take)};
  assert_int_equal(
      bpf_prog_test_run_opts(bpf_program__fd(kernel_of(w)->skel->progs.take_stream), &opts), 0);
}

/* ---- start again -------------------------------------------------------------------- */

static void clear_hash(const struct bpf_map *map, size_t key_len) {
  uint8_t key[64];
  assert_true(key_len <= sizeof(key));
  while (bpf_map__get_next_key(map, NULL, key, key_len) == 0)
    assert_int_equal(bpf_map__delete_elem(map, key, key_len, 0), 0);
}

static int on_record(void *user, void *data, size_t len) {
  struct world *w = user;
  if (w->keep_records)
    return 0;
  world_note_record(w, data, len);
  return 0;
}

static void drain(struct world *w) {
  assert_true(ring_buffer__consume(kernel_of(w)->rings) >= 0);
}

static void reset(struct world *w) {
  struct kernel *k = kernel_of(w);
  static const union {
    struct fb_upstream upstream;
    struct fb_subscriber subscriber;
    struct fb_subscription subscription;
    struct fb_stream stream;
  } zero;
  memset(k->counters, 0, WORLD_SUBSCRIBERS * sizeof(struct fb_counters));
  memset(k->downs, 0, (size_t)WORLD_STREAMS * WORLD_SUBSCRIBERS * sizeof(struct fb_down));
  memset(k->objects, 0, WORLD_STREAMS * sizeof(struct fb_object));
  memset(k->state, 0, WORLD_UPSTREAMS * sizeof(struct fb_upstream_state));
  memset(k->tracks, 0, WORLD_TRACKS * sizeof(struct fb_track_state));
  if (w->seal) {
    memset(k->keys, 0, KEYS_LEN);
    memset(k->ghash, 0, GHASH_LEN);
    memset(k->keystreams, 0, KEYSTREAMS_LEN);
  }
  for (uint32_t i = 0; i < WORLD_UPSTREAMS; i++)
    set_upstream(w, i, &zero.upstream);
  for (uint32_t i = 0; i < WORLD_STREAMS; i++)
    set_stream(w, i, &zero.stream);
  for (uint32_t i = 0; i < WORLD_SUBSCRIBERS; i++) {
    set_subscriber(w, i, &zero.subscriber);
    for (uint32_t t = 0; t < WORLD_TRACKS; t++)
      set_subscription(w, i, t, &zero.subscription);
  }
  clear_hash(k->skel->maps.cids, sizeof(struct fb_cid_key));
  clear_hash(k->skel->maps.aliases, sizeof(struct fb_alias_key));
  w->keep_records = true; /* throw away what is in the rings */
  drain(w);
  w->keep_records = false;
}

/* ---- one packet ----------------------------------------------------------------------- */

static struct fb_cpu cpu_sum(struct world *w) {
  struct fb_cpu sum = {0};
  uint32_t zero = 0;
  int n = libbpf_num_possible_cpus();
  struct fb_cpu *all = calloc((size_t)n, sizeof(*all));
  assert_non_null(all);
  assert_int_equal(bpf_map__lookup_elem(kernel_of(w)->skel->maps.cpus, &zero, sizeof(zero), all,
                                        (size_t)n * sizeof(*all), 0),
                   0);
  for (int i = 0; i < n; i++) {
    assert_int_equal(all[i].sequence % 2, 0);
    sum.sequence += all[i].sequence;
    for (int r = 0; r < FB_PACKET_REASON_COUNT; r++)
      sum.packets[r] += all[i].packets[r];
  }
  free(all);
  return sum;
}

static void collect_copies(struct world *w) {
  struct relay *skel = kernel_of(w)->skel;
  for (uint32_t i = WORLD_COPIES - w->most_copies; i < skel->bss->fb_words.emitted_count; i++) {
    struct fb_emitted e;
    assert_int_equal(bpf_map__lookup_elem(skel->maps.emitted, &i, sizeof(i), &e, sizeof(e), 0), 0);
    struct copy *c = &w->copies[w->n_copies++];
    memset(c, 0, sizeof(*c));
    c->slot = e.slot;
    c->gen = e.gen;
    c->ifindex = e.ifindex;
    c->pn = e.pn;
    c->len = e.head_len + e.payload_len;
    memcpy(c->frame, fb_emitted_frame(&e), c->len);
  }
  skel->bss->fb_words.emitted_count = WORLD_COPIES - w->most_copies;
}

static enum fb_packet_reason run(struct world *w, const struct piece *frame, bool gso) {
  struct __sk_buff skb = {.gso_size = gso ? 1200 : 0};
  uint8_t out[PIECE_MAX];
  struct bpf_test_run_opts opts = {.sz = sizeof(opts),
                                   .data_in = frame->bytes,
                                   .data_size_in = (__u32)frame->len,
                                   .data_out = out,
                                   .data_size_out = sizeof(out),
                                   .ctx_in = &skb,
                                   .ctx_size_in = sizeof(skb),
                                   .repeat = 1};
  struct fb_cpu before = cpu_sum(w);
  int err = bpf_prog_test_run_opts(bpf_program__fd(kernel_of(w)->skel->progs.ingress), &opts);
  if (err)
    fail_msg("BPF_PROG_TEST_RUN: %s", strerror(-err));
  assert_int_equal((int)opts.retval, TCX_NEXT);
  w->ns = opts.duration;
  assert_int_equal(opts.data_size_out, frame->len);
  assert_memory_equal(out, frame->bytes, frame->len);
  struct fb_cpu after = cpu_sum(w);
  assert_int_equal(after.sequence, before.sequence + 2);
  collect_copies(w);
  for (uint32_t r = 0; r < FB_PACKET_REASON_COUNT; r++)
    if (after.packets[r] != before.packets[r])
      return (enum fb_packet_reason)r;
  fail_msg("no reason was counted");
  return FB_PACKET_REASON_COUNT;
}

/* ---- loading ---------------------------------------------------------------------------- */

static void limit_copies(struct world *w, uint32_t most) {
  w->most_copies = most;
  kernel_of(w)->skel->bss->fb_words.emitted_count = WORLD_COPIES - most;
}

static void close_world(struct world *w) {
  struct kernel *k = kernel_of(w);
  bpf_link__destroy(k->link);
  ring_buffer__free(k->rings);
  for (int i = 0; i < k->n_rings; i++)
    close(k->ring_fds[i]);
  if (k->counters)
    munmap(k->counters, WORLD_SUBSCRIBERS * sizeof(struct fb_counters));
  if (k->downs)
    munmap(k->downs, (size_t)WORLD_STREAMS * WORLD_SUBSCRIBERS * sizeof(struct fb_down));
  if (k->objects)
    munmap(k->objects, WORLD_STREAMS * sizeof(struct fb_object));
  if (k->state)
    munmap(k->state, WORLD_UPSTREAMS * sizeof(struct fb_upstream_state));
  if (k->tracks)
    munmap(k->tracks, WORLD_TRACKS * sizeof(struct fb_track_state));
  if (k->keys)
    munmap(k->keys, KEYS_LEN);
  if (k->ghash)
    munmap(k->ghash, GHASH_LEN);
  if (k->keystreams)
    munmap(k->keystreams, KEYSTREAMS_LEN);
  relay__destroy(k->skel);
  free(k);
}

static void shrink(struct relay *skel, bool live) {
  skel->rodata->fb_constants.emit_to_map = !live;
  skel->rodata->fb_constants.max_subscribers = WORLD_SUBSCRIBERS;
  skel->rodata->fb_constants.max_tracks = WORLD_TRACKS;
  skel->rodata->fb_constants.stream_slots = WORLD_STREAMS;
  bpf_map__set_max_entries(skel->maps.subscribers, WORLD_SUBSCRIBERS);
  bpf_map__set_max_entries(skel->maps.counters, WORLD_SUBSCRIBERS);
  bpf_map__set_max_entries(skel->maps.subscriptions, WORLD_SUBSCRIBERS * WORLD_TRACKS);
  bpf_map__set_max_entries(skel->maps.streams, WORLD_STREAMS);
  bpf_map__set_max_entries(skel->maps.downs, WORLD_STREAMS * WORLD_SUBSCRIBERS);
  bpf_map__set_max_entries(skel->maps.objects, WORLD_STREAMS);
  bpf_map__set_max_entries(skel->maps.upstreams, WORLD_UPSTREAMS);
  bpf_map__set_max_entries(skel->maps.upstream_state, WORLD_UPSTREAMS);
  bpf_map__set_max_entries(skel->maps.track_state, WORLD_TRACKS);
}

static void size_keys(struct relay *skel) {
  skel->rodata->fb_constants.protect = 1u << FB_PROTECT_CHACHA20 | 1u << FB_PROTECT_AES128GCM;
  skel->rodata->fb_constants.keystreams_down = skel->rodata->fb_constants.keystreams_up =
      WORLD_KEYSTREAMS;
  bpf_map__set_max_entries(skel->maps.keys, WORLD_KEYS);
  bpf_map__set_max_entries(skel->maps.ghash, WORLD_KEYS);
  bpf_map__set_max_entries(skel->maps.keystreams, WORLD_ALL_KEYSTREAMS);
}

static void *map_array(const struct bpf_map *map, size_t len) {
  void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  return p == MAP_FAILED ? NULL : p;
}

static bool make_rings(struct world *w) {
  struct kernel *k = kernel_of(w);
  int cpus = libbpf_num_possible_cpus();
  for (int i = 0; i < cpus && i < FB_MAX_CPUS; i++) {
    int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, WORLD_RING_BYTES, NULL);
    if (fd < 0)
      return false;
    k->ring_fds[k->n_rings++] = fd;
    uint32_t cpu = (uint32_t)i;
    if (bpf_map__update_elem(k->skel->maps.rings, &cpu, sizeof(cpu), &fd, sizeof(fd), 0))
      return false;
    if (k->rings ? ring_buffer__add(k->rings, fd, on_record, w)
                 : !(k->rings = ring_buffer__new(fd, on_record, w, NULL)))
      return false;
  }
  return true;
}

static bool load(struct world *w) {
  struct kernel *k = kernel_of(w);
  k->skel = program_open(&w->defects);
  if (!k->skel)
    return false;
  shrink(k->skel, k->live);
  k->skel->rodata->fb_constants.policy = w->policy;
  if (w->seal)
    size_keys(k->skel);
  if (relay__load(k->skel) || !make_rings(w))
    return false;
  k->counters = map_array(k->skel->maps.counters, WORLD_SUBSCRIBERS * sizeof(struct fb_counters));
  k->downs = map_array(k->skel->maps.downs,
                       (size_t)WORLD_STREAMS * WORLD_SUBSCRIBERS * sizeof(struct fb_down));
  k->objects = map_array(k->skel->maps.objects, WORLD_STREAMS * sizeof(struct fb_object));
  k->state =
      map_array(k->skel->maps.upstream_state, WORLD_UPSTREAMS * sizeof(struct fb_upstream_state));
  k->tracks = map_array(k->skel->maps.track_state, WORLD_TRACKS * sizeof(struct fb_track_state));
  bool plain = k->counters && k->downs && k->objects && k->state && k->tracks;
  if (!w->seal)
    return plain;
  k->keys = map_array(k->skel->maps.keys, KEYS_LEN);
  k->ghash = map_array(k->skel->maps.ghash, GHASH_LEN);
  k->keystreams = map_array(k->skel->maps.keystreams, KEYSTREAMS_LEN);
  return plain && k->keys && k->ghash && k->keystreams;
}

/* There is a ring for each CPU: a test that is moved between two packets would find another
 * ring, with other room, than the native world has. */
static void stay_on_this_cpu(void) {
  cpu_set_t one;
  int cpu = sched_getcpu();
  CPU_ZERO(&one);
  CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &one);
  assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* The verifier's own words stay on stderr: whoever sees a load fail needs them. */
static struct world *open_world(const struct fb_defects *defects, uint32_t policy,
                                enum fb_protection seal, bool live, const char **why) {
  static const struct world_ops ops = {.name = "kernel",
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
                                       .drain = drain,
                                       .close = close_world};
  if (geteuid() != 0) {
    *why = "needs root to load BPF programs";
    return NULL;
  }
  struct world *w = calloc(1, sizeof(*w));
  struct kernel *k = calloc(1, sizeof(*k));
  assert_true(w && k);
  w->ops = &ops;
  w->impl = k;
  k->live = live;
  w->policy = policy;
  w->seal = seal;
  if (defects)
    w->defects = *defects;
  if (!live)
    stay_on_this_cpu();
  if (load(w))
    return w;
  if (errno != EPERM)
    fail_msg("the datapath's program does not load, see above: %s", strerror(errno));
  *why = "this root may not load BPF programs";
  world_free(w);
  return NULL;
}

struct world *world_kernel(const struct fb_defects *defects, const char **why) {
  return open_world(defects, 0, FB_PROTECT_NONE, false, why);
}

struct world *world_kernel_policy(uint32_t policy, const char **why) {
  return open_world(NULL, policy, FB_PROTECT_NONE, false, why);
}

struct world *world_kernel_sealed(enum fb_protection cipher, const char **why) {
  return open_world(NULL, 0, cipher, false, why);
}

struct world *world_live(const char **why) {
  return open_world(NULL, 0, FB_PROTECT_NONE, true, why);
}

struct world *world_live_sealed(enum fb_protection cipher, const char **why) {
  return open_world(NULL, 0, cipher, true, why);
}

void world_live_attach(struct world *w, int ifindex) {
  struct kernel *k = kernel_of(w);
  k->link = bpf_program__attach_tcx(k->skel->progs.ingress, ifindex, NULL);
  if (!k->link)
    fail_msg("tcx ingress of interface %d: %s", ifindex, strerror(errno));
}
