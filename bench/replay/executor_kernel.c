/* The kernel's program, run by BPF_PROG_TEST_RUN; its copies go to the map `emitted`. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/replay/executor.h"
#include "bpf/abi/emitted.h"
#include "bpf/program.h"

#define STEPS_LEN (FB_MAX_STEPS * sizeof(struct fb_step))

struct kernel {
  struct executor executor;
  struct relay *skel;
  struct {
    struct bpf_map *map;
    uint8_t *at; /* NULL: not mapped */
    size_t each, len;
  } arrays[JOURNAL_ARRAYS];
  struct fb_emitted *emitted;
  size_t emitted_len;
  struct fb_step *steps; /* NULL: its runs are not stopped */
  int cpus, ring_fd;
  unsigned cpu;                  /* it stays there */
  struct fb_cpu *before, *after; /* [cpus] */
  struct ring_buffer *ring;
  struct outcome *outcome; /* of the run that is on */
  struct fb_stream stream; /* as fetched last */
};

static struct kernel *of(struct executor *e) {
  return (struct kernel *)e;
}

/* ---- state ------------------------------------------------------------------------------------ */

static bool update(const struct bpf_map *map, const void *key, const void *value, uint64_t flags) {
  return bpf_map_update_elem(bpf_map__fd(map), key, value, flags) == 0;
}

static bool set(struct executor *e, uint32_t array, size_t offset, const void *bytes, size_t len) {
  struct kernel *k = of(e);
  const size_t each = k->arrays[array].each;
  if (offset + len > k->arrays[array].len)
    return false;
  if (k->arrays[array].at != NULL) {
    memcpy(k->arrays[array].at + offset, bytes, len);
    return true;
  }
  const uint32_t index = (uint32_t)(offset / each);
  return len == each &&
         update(k->arrays[array].map, &index, bytes, array == JOURNAL_CONFIG ? 0 : BPF_F_LOCK);
}

static bool cid_set(struct executor *e, const struct fb_cid_key *key,
                    const struct fb_cid_value *value) {
  return update(of(e)->skel->maps.cids, key, value, BPF_ANY);
}

static bool cid_del(struct executor *e, const struct fb_cid_key *key) {
  return bpf_map_delete_elem(bpf_map__fd(of(e)->skel->maps.cids), key) == 0;
}

static bool alias_set(struct executor *e, const struct fb_alias_key *key,
                      const struct fb_alias_value *value) {
  return update(of(e)->skel->maps.aliases, key, value, BPF_ANY);
}

static bool alias_del(struct executor *e, const struct fb_alias_key *key) {
  return bpf_map_delete_elem(bpf_map__fd(of(e)->skel->maps.aliases), key) == 0;
}

static const uint8_t *get(struct executor *e, uint32_t array, size_t offset, size_t len) {
  struct kernel *k = of(e);
  if (offset + len > k->arrays[array].len)
    return NULL;
  if (k->arrays[array].at != NULL)
    return k->arrays[array].at + offset;
  const uint32_t index = (uint32_t)(offset / sizeof k->stream);
  if (array != JOURNAL_STREAMS || len > sizeof k->stream ||
      bpf_map_lookup_elem_flags(bpf_map__fd(k->skel->maps.streams), &index, &k->stream,
                                BPF_F_LOCK) != 0)
    return NULL;
  return (const uint8_t *)&k->stream + offset % sizeof k->stream;
}

/* ---- what happens within a run ------------------------------------------------------------------ */

static const uint32_t step_of_array[JOURNAL_ARRAYS] = {
    FB_STEP_CONFIG,      FB_STEP_UPSTREAMS,  FB_STEP_SUBSCRIBERS, FB_STEP_SUBSCRIPTIONS,
    FB_STEP_STREAMS,     FB_STEP_COPY_INDEX, FB_STEP_COUNTERS,    FB_STEP_UPSTREAM_STATE,
    FB_STEP_TRACK_STATE, FB_STEP_DOWNS,      FB_STEP_OBJECTS,     FB_STEP_KEYS,
    FB_STEP_GHASH,       FB_STEP_KEYSTREAMS};

static uint32_t step_of_kind(uint32_t kind) {
  return kind == JOURNAL_CID_SET     ? FB_STEP_CID_SET
         : kind == JOURNAL_CID_DEL   ? FB_STEP_CID_DEL
         : kind == JOURNAL_ALIAS_SET ? FB_STEP_ALIAS_SET
                                     : FB_STEP_ALIAS_DEL;
}

/* Those of one change; false: there are too many. Words lie at multiples of 8 of their element. */
static bool put_steps(struct kernel *k, const struct script *within, size_t i) {
  struct fb_stepping *all = &k->skel->bss->fb_words.steps;
  const struct script_step *from = &within->steps[i];
  const bool sets = from->kind == JOURNAL_SET;
  const size_t each = sets ? k->arrays[from->array].each : from->len;
  for (size_t at = 0, n; at < from->len; at += n) {
    const size_t offset = sets ? (from->offset + at) % each : 0;
    n = from->len - at;
    n = n < each - offset ? n : each - offset;
    n = n < 8 * FB_STEP_WORDS ? n : 8 * FB_STEP_WORDS;
    if (all->n == FB_MAX_STEPS)
      return false;
    struct fb_step *step = &k->steps[all->n++];
    *step = (struct fb_step){.access = from->access,
                             .what = sets ? step_of_array[from->array] : step_of_kind(from->kind),
                             .index = sets ? (uint32_t)((from->offset + at) / each) : 0,
                             .offset = (uint32_t)offset,
                             .words = (uint32_t)(n / 8)};
    memcpy(step->value, within->bytes + from->at + at, n);
  }
  return true;
}

/* False: it cannot be told them. */
static bool begin(struct kernel *k, const struct script *within) {
  struct fb_stepping *all = &k->skel->bss->fb_words.steps;
  *all = (struct fb_stepping){.at = within != NULL ? within->steps[0].access : ~0ull};
  if (within == NULL)
    return true;
  bool good = k->steps != NULL;
  for (size_t i = 0; good && i < within->n; i++)
    good = put_steps(k, within, i);
  return good;
}

/* False: it did not come to where something was to happen. */
static bool end(const struct kernel *k) {
  const struct fb_stepping *all = &k->skel->bss->fb_words.steps;
  return all->next == all->n;
}

static bool take(struct executor *e, struct fb_take *t, const struct script *within) {
  struct bpf_test_run_opts opts = {.sz = sizeof opts, .ctx_in = t, .ctx_size_in = sizeof *t};
  return begin(of(e), within) &&
         bpf_prog_test_run_opts(bpf_program__fd(of(e)->skel->progs.take_stream), &opts) == 0 &&
         end(of(e));
}

/* ---- one run ------------------------------------------------------------------------------------ */

static bool read_cpus(struct kernel *k, struct fb_cpu *to) {
  uint32_t zero = 0;
  return bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.cpus), &zero, to) == 0;
}

/* The reason that was counted; FB_PACKET_REASON_COUNT: none. */
static uint32_t counted(const struct kernel *k) {
  for (int c = 0; c < k->cpus; c++)
    for (uint32_t r = 0; r < FB_PACKET_REASON_COUNT; r++)
      if (k->before[c].packets[r] != k->after[c].packets[r])
        return r;
  return FB_PACKET_REASON_COUNT;
}

static int on_record(void *user, void *data, size_t len) {
  outcome_record(((struct kernel *)user)->outcome, data, len);
  return 0;
}

static void collect(struct kernel *k, struct outcome *o) {
  for (uint32_t i = 0; i < k->skel->bss->fb_words.emitted_count; i++) {
    const struct fb_emitted *c = &k->emitted[i];
    const struct journal_copy head = {c->slot, c->gen, c->ifindex, c->error, c->pn};
    outcome_copy(o, &head, fb_emitted_frame(c), c->head_len + c->payload_len);
  }
  k->skel->bss->fb_words.emitted_count = 0;
}

static void run(struct executor *e, const uint8_t *frame, size_t len, uint64_t now_ns,
                const struct script *within, struct outcome *o) {
  struct kernel *k = of(e);
  uint8_t out[FB_BUF_LEN] = {0};
  struct __sk_buff skb = {0};
  struct bpf_test_run_opts opts = {.sz = sizeof opts,
                                   .data_in = frame,
                                   .data_size_in = (uint32_t)len,
                                   .data_out = out,
                                   .data_size_out = sizeof out,
                                   .ctx_in = &skb,
                                   .ctx_size_in = sizeof skb,
                                   .repeat = 1};
  outcome_clear(o);
  k->outcome = o;
  k->skel->bss->fb_words.clock_ns = now_ns;
  o->failed = !begin(k, within) || !read_cpus(k, k->before) ||
              bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.ingress), &opts) != 0 ||
              !end(k) || !read_cpus(k, k->after) || ring_buffer__consume(k->ring) < 0 ||
              opts.data_size_out != len || memcmp(out, frame, len) != 0;
  o->reason = counted(k);
  collect(k, o);
}

/* ---- loading -------------------------------------------------------------------------------------- */

static void size_maps(struct kernel *k, const struct journal_head *head) {
  const struct dp_native_sizes *s = &head->sizes;
  struct relay *skel = k->skel;
  struct fb_constants *c = &skel->rodata->fb_constants;
  c->emit_to_map = 1;
  c->max_subscribers = s->subscribers;
  c->max_tracks = s->tracks;
  c->stream_slots = s->streams;
  c->policy = head->policy;
  c->protect = s->protect;
  c->keystreams_down = s->keystreams_down;
  c->keystreams_up = s->keystreams_up;
  bpf_map__set_max_entries(skel->maps.emitted,
                           s->subscribers > FB_MAX_EMITTED ? s->subscribers : FB_MAX_EMITTED);
  bpf_map__set_map_flags(skel->maps.emitted, BPF_F_MMAPABLE);
  bpf_map__set_max_entries(skel->maps.cids, s->cids);
  bpf_map__set_max_entries(skel->maps.aliases, s->aliases);
}

/* The arrays, each as large as the native one. */
static void find_arrays(struct kernel *k, const struct dp_native *like) {
  struct relay *skel = k->skel;
  struct bpf_map *maps[JOURNAL_ARRAYS] = {
      skel->maps.config,        skel->maps.upstreams,      skel->maps.subscribers,
      skel->maps.subscriptions, skel->maps.streams,        NULL,
      skel->maps.counters,      skel->maps.upstream_state, skel->maps.track_state,
      skel->maps.downs,         skel->maps.objects,        skel->maps.keys,
      skel->maps.ghash,         skel->maps.keystreams};
  struct journal_array arrays[JOURNAL_ARRAYS];
  journal_arrays(like, arrays);
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++) {
    k->arrays[id].map = maps[id];
    k->arrays[id].each = arrays[id].each;
    k->arrays[id].len = arrays[id].n * arrays[id].each;
    if (arrays[id].n > 0 && maps[id] != NULL)
      bpf_map__set_max_entries(maps[id], (uint32_t)arrays[id].n);
  }
}

static void *map_array(const struct bpf_map *map, size_t len) {
  void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  return at == MAP_FAILED ? NULL : at;
}

static bool map_arrays(struct kernel *k) {
  for (size_t id = JOURNAL_COUNTERS; id < JOURNAL_ARRAYS; id++)
    if (k->arrays[id].len > 0 &&
        (k->arrays[id].at = map_array(k->arrays[id].map, k->arrays[id].len)) == NULL)
      return false;
  k->arrays[JOURNAL_COPY_INDEX].at = (uint8_t *)&k->skel->bss->fb_words.copy_index;
  if (bpf_map__fd(k->skel->maps.steps) >= 0 &&
      (k->steps = map_array(k->skel->maps.steps, STEPS_LEN)) == NULL)
    return false;
  k->emitted_len = bpf_map__max_entries(k->skel->maps.emitted) * sizeof(struct fb_emitted);
  k->emitted = map_array(k->skel->maps.emitted, k->emitted_len);
  return k->emitted != NULL;
}

/* Each CPU has a ring: whoever moved between two runs would find another one. */
static bool make_ring(struct kernel *k, uint32_t bytes) {
  cpu_set_t one;
  const int cpu = sched_getcpu();
  k->cpu = cpu < 0 ? 0 : (unsigned)cpu;
  CPU_ZERO(&one);
  CPU_SET(k->cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0)
    return false;
  k->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, bytes, NULL);
  if (k->ring_fd < 0 || !update(k->skel->maps.rings, &k->cpu, &k->ring_fd, 0))
    return false;
  k->ring = ring_buffer__new(k->ring_fd, on_record, k, NULL);
  return k->ring != NULL;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args) {
  (void)level;
  (void)fmt;
  (void)args;
  return 0;
}

static const char *load(struct kernel *k, const struct journal_head *head) {
  libbpf_set_print(quiet);
  k->cpus = libbpf_num_possible_cpus();
  k->before = k->cpus > 0 ? calloc((size_t)k->cpus, sizeof *k->before) : NULL;
  k->after = k->cpus > 0 ? calloc((size_t)k->cpus, sizeof *k->after) : NULL;
  struct dp_native *like = dp_native_new(&head->sizes);
  k->skel = head->stops ? program_open_stepped(&head->defects) : program_open(&head->defects);
  if (k->before == NULL || k->after == NULL || like == NULL || k->skel == NULL) {
    dp_native_free(like);
    return "no memory for the kernel's executor";
  }
  size_maps(k, head);
  find_arrays(k, like);
  dp_native_free(like);
  if (relay__load(k->skel))
    return "the kernel refuses the BPF program; it needs root and Linux 6.6 or later (`fanbench "
           "doctor` tells what is missing)";
  if (!make_ring(k, head->sizes.ring_bytes))
    return "the ring buffer cannot be made";
  return map_arrays(k) ? NULL : "the shared arrays cannot be mapped";
}

static void close_kernel(struct executor *e) {
  struct kernel *k = of(e);
  ring_buffer__free(k->ring);
  if (k->ring_fd >= 0)
    close(k->ring_fd);
  for (size_t id = JOURNAL_COUNTERS; id < JOURNAL_ARRAYS; id++)
    if (k->arrays[id].at != NULL)
      munmap(k->arrays[id].at, k->arrays[id].len);
  if (k->emitted != NULL)
    munmap(k->emitted, k->emitted_len);
  if (k->steps != NULL)
    munmap(k->steps, STEPS_LEN);
  if (k->skel != NULL)
    relay__destroy(k->skel);
  free(k->before);
  free(k->after);
  free(k);
}

struct executor *executor_kernel(const struct journal_head *head, const char **why) {
  struct kernel *k = calloc(1, sizeof *k);
  if (k == NULL) {
    *why = "no memory";
    return NULL;
  }
  k->ring_fd = -1;
  k->executor = (struct executor){"TEST_RUN", set,  cid_set, cid_del, alias_set,
                                  alias_del,  take, run,     get,     close_kernel};
  *why = load(k, head);
  if (*why == NULL)
    return &k->executor;
  close_kernel(&k->executor);
  return NULL;
}
