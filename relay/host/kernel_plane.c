#include "relay/host/kernel_plane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bpf/program.h"

#define MAX_LINKS 128

struct kernel_plane {
  struct plane plane;
  struct relay *skel;
  struct bpf_link *links[MAX_LINKS];
  unsigned n_links;
  int cpus;
  struct fb_cpu *cpu_now, *cpu_then; /* [cpus] */
  int ring_fds[FB_MAX_CPUS];
  struct ring_buffer *rings;
  struct kernel_journal *journal; /* NULL: none is kept */
  size_t mapped_counters, mapped_state, mapped_tracks, mapped_downs, mapped_objects;
  size_t mapped_keys, mapped_ghash, mapped_keystreams;
  /* of the drain that is running */
  plane_sink *sink;
  void *sink_arg;
};

/* ---- maps -------------------------------------------------------------------------- */

static int update(struct bpf_map *map, const void *key, const void *value, uint64_t flags) {
  return bpf_map_update_elem(bpf_map__fd(map), key, value, flags) ? -errno : 0;
}

static int put_config(void *ctx, const struct fb_config *config) {
  struct kernel_plane *k = ctx;
  uint32_t zero = 0;
  return update(k->skel->maps.config, &zero, config, BPF_ANY);
}

static int put_upstream(void *ctx, uint32_t slot, const struct fb_upstream *value) {
  struct kernel_plane *k = ctx;
  return update(k->skel->maps.upstreams, &slot, value, BPF_F_LOCK);
}

static int put_subscriber(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  struct kernel_plane *k = ctx;
  return update(k->skel->maps.subscribers, &slot, value, BPF_F_LOCK);
}

static int put_subscription(void *ctx, uint32_t slot, uint32_t track,
                            const struct fb_subscription *value) {
  struct kernel_plane *k = ctx;
  uint32_t index = slot * FB_MAX_TRACKS + track;
  return update(k->skel->maps.subscriptions, &index, value, BPF_F_LOCK);
}

static int add_cid(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value) {
  struct kernel_plane *k = ctx;
  return update(k->skel->maps.cids, key, value, BPF_ANY);
}

static int del_cid(void *ctx, const struct fb_cid_key *key) {
  struct kernel_plane *k = ctx;
  return bpf_map_delete_elem(bpf_map__fd(k->skel->maps.cids), key) ? -errno : 0;
}

static int add_alias(void *ctx, const struct fb_alias_key *key,
                     const struct fb_alias_value *value) {
  struct kernel_plane *k = ctx;
  return update(k->skel->maps.aliases, key, value, BPF_ANY);
}

static int del_alias(void *ctx, const struct fb_alias_key *key) {
  struct kernel_plane *k = ctx;
  return bpf_map_delete_elem(bpf_map__fd(k->skel->maps.aliases), key) ? -errno : 0;
}

static int take_stream(void *ctx, struct fb_take *take) {
  struct kernel_plane *k = ctx;
  /* The kernel writes it back in place; a ctx_out it refuses for programs of this kind. */
  struct bpf_test_run_opts run = {.sz = sizeof run, .ctx_in = take, .ctx_size_in = sizeof *take};
  return bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.take_stream), &run);
}

/* ---- barrier and rings --------------------------------------------------------------- */

static void read_cpus(struct kernel_plane *k, struct fb_cpu *to) {
  uint32_t zero = 0;
  bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.cpus), &zero, to);
}

/* A run that was in flight has an odd sequence and has ended when it changes. */
static void quiesce(void *ctx) {
  struct kernel_plane *k = ctx;
  __sync_synchronize();
  read_cpus(k, k->cpu_then);
  for (bool waiting = true; waiting;) {
    waiting = false;
    read_cpus(k, k->cpu_now);
    for (int c = 0; c < k->cpus; c++)
      waiting |= k->cpu_then[c].sequence & 1 && k->cpu_now[c].sequence == k->cpu_then[c].sequence;
  }
}

static int on_record(void *ctx, void *data, size_t len) {
  struct kernel_plane *k = ctx;
  uint32_t magic = len >= sizeof magic ? *(const uint32_t *)data : 0;
  if (magic == FB_RECORD_COPY && len >= FB_RECORD_LEN(0) &&
      len >= FB_RECORD_LEN(((const struct fb_record *)data)->n_subs))
    k->sink(k->sink_arg, data, NULL);
  else if (magic == FB_RECORD_FAILED && len >= sizeof(struct fb_failed))
    k->sink(k->sink_arg, NULL, data);
  return 0;
}

static void drain(void *ctx, plane_sink *sink, void *arg) {
  struct kernel_plane *k = ctx;
  plane_sink *outer = k->sink; /* a sink may drain again */
  if (outer)
    return; /* the records come in order to the outer one */
  k->sink = sink;
  k->sink_arg = arg;
  ring_buffer__consume(k->rings);
  k->sink = NULL;
}

static const struct plane_ops ops = {
    .put_config = put_config,
    .put_upstream = put_upstream,
    .put_subscriber = put_subscriber,
    .put_subscription = put_subscription,
    .add_cid = add_cid,
    .del_cid = del_cid,
    .add_alias = add_alias,
    .del_alias = del_alias,
    .take_stream = take_stream,
    .quiesce = quiesce,
    .drain = drain,
};

/* ---- life ------------------------------------------------------------------------------ */

static void *map_array(struct bpf_map *map, size_t *bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t value = (bpf_map__value_size(map) + 7u) & ~7u;
  *bytes = (value * bpf_map__max_entries(map) + page - 1) / page * page;
  void *at = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  return at == MAP_FAILED ? NULL : at;
}

static int make_rings(struct kernel_plane *k) {
  for (int c = 0; c < k->cpus; c++) {
    k->ring_fds[c] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, FB_RING_BYTES, NULL);
    if (k->ring_fds[c] < 0)
      return -1;
    if (update(k->skel->maps.rings, &c, &k->ring_fds[c], BPF_ANY))
      return -1;
    int failed = 0;
    if (!k->rings)
      k->rings = ring_buffer__new(k->ring_fds[c], on_record, k, NULL);
    else
      failed = ring_buffer__add(k->rings, k->ring_fds[c], on_record, k);
    if (failed || !k->rings)
      return -1;
  }
  return 0;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args) {
  return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* bpf/abi/keys.h. Arrays of one element stay unmapped. */
static void size_keys(struct relay *skel, uint32_t subscribers,
                      const struct plane_protection *protection) {
  const uint32_t n = fb_keys(subscribers, FB_MAX_UPSTREAMS);
  const uint32_t streams = fb_keystreams(subscribers, FB_MAX_UPSTREAMS, protection->keystreams_down,
                                         protection->keystreams_up);
  if (!protection->protect)
    return;
  skel->rodata->fb_constants.protect = protection->protect;
  skel->rodata->fb_constants.keystreams_down = protection->keystreams_down;
  skel->rodata->fb_constants.keystreams_up = protection->keystreams_up;
  bpf_map__set_max_entries(skel->maps.keys, n);
  if (protection->protect >> FB_PROTECT_AES128GCM & 1)
    bpf_map__set_max_entries(skel->maps.ghash, n);
  if (streams)
    bpf_map__set_max_entries(skel->maps.keystreams, streams);
}

static int map_keys(struct kernel_plane *k, const struct plane_protection *protection) {
  const bool aes = protection->protect >> FB_PROTECT_AES128GCM & 1;
  const bool ahead = protection->keystreams_down || protection->keystreams_up;
  k->plane.keystreams_down = protection->keystreams_down;
  k->plane.keystreams_up = protection->keystreams_up;
  k->plane.keys = map_array(k->skel->maps.keys, &k->mapped_keys);
  if (aes)
    k->plane.ghash = map_array(k->skel->maps.ghash, &k->mapped_ghash);
  if (ahead)
    k->plane.keystreams = map_array(k->skel->maps.keystreams, &k->mapped_keystreams);
  return k->plane.keys && (k->plane.ghash || !aes) && (k->plane.keystreams || !ahead) ? 0 : -1;
}

static const char *begin_journal(struct kernel_plane *k, const struct journal_place *place) {
  if (!place)
    return NULL;
  const struct kernel_journal_of of = {.plane = &k->plane,
                                       .constants = (const void *)&k->skel->rodata->fb_constants,
                                       .shared = &k->skel->bss->fb_words.journal,
                                       .ring_fd = bpf_map__fd(k->skel->maps.journal),
                                       .streams_fd = bpf_map__fd(k->skel->maps.streams)};
  k->journal = kernel_journal_open(place, &of);
  return k->journal ? NULL : "the journal's file cannot be made";
}

static const char *fill(struct kernel_plane *k, uint32_t max_subscribers,
                        const struct fb_defects *defects, uint32_t policy,
                        const struct plane_protection *protection,
                        const struct journal_place *journal) {
  k->cpus = libbpf_num_possible_cpus();
  if (k->cpus < 1 || k->cpus > FB_MAX_CPUS)
    return "the number of processors is out of range";
  k->cpu_now = calloc((size_t)k->cpus, sizeof *k->cpu_now);
  k->cpu_then = calloc((size_t)k->cpus, sizeof *k->cpu_then);
  if (!k->cpu_now || !k->cpu_then)
    return "no memory";
  libbpf_set_print(quiet);
  static const struct fb_defects none;
  const struct fb_defects *with = defects ? defects : &none;
  k->skel = journal ? program_open_journal(with) : program_open(with);
  if (!k->skel)
    return "the linked-in BPF object cannot be opened";
  struct relay *skel = k->skel;
  skel->rodata->fb_constants.max_subscribers = max_subscribers;
  skel->rodata->fb_constants.policy = policy;
  bpf_map__set_max_entries(skel->maps.subscribers, max_subscribers);
  bpf_map__set_max_entries(skel->maps.counters, max_subscribers);
  bpf_map__set_max_entries(skel->maps.subscriptions, max_subscribers * FB_MAX_TRACKS);
  bpf_map__set_max_entries(skel->maps.downs, max_subscribers * FB_STREAM_SLOTS);
  size_keys(skel, max_subscribers, protection);
  if (relay__load(skel))
    return "the kernel refuses the BPF program; it needs root and Linux 6.6 or later (`fanbench "
           "doctor` tells what is missing)";
  if (make_rings(k))
    return "the ring buffers cannot be made";
  k->plane.counters = map_array(skel->maps.counters, &k->mapped_counters);
  k->plane.upstream_state = map_array(skel->maps.upstream_state, &k->mapped_state);
  k->plane.track_state = map_array(skel->maps.track_state, &k->mapped_tracks);
  k->plane.downs = map_array(skel->maps.downs, &k->mapped_downs);
  k->plane.objects = map_array(skel->maps.objects, &k->mapped_objects);
  if (!k->plane.counters || !k->plane.upstream_state || !k->plane.track_state || !k->plane.downs ||
      !k->plane.objects || (protection->protect && map_keys(k, protection)))
    return "the shared arrays cannot be mapped";
  return begin_journal(k, journal);
}

struct kernel_plane *kernel_plane_open(uint32_t max_subscribers, const struct fb_defects *defects,
                                       uint32_t policy, const struct plane_protection *protection,
                                       const struct journal_place *journal, char *err,
                                       size_t err_len) {
  struct kernel_plane *k = calloc(1, sizeof *k);
  if (!k) {
    snprintf(err, err_len, "no memory");
    return NULL;
  }
  for (int c = 0; c < FB_MAX_CPUS; c++)
    k->ring_fds[c] = -1;
  k->plane.ops = &ops;
  k->plane.ctx = k;
  k->plane.max_subscribers = max_subscribers;
  const char *why = fill(k, max_subscribers, defects, policy, protection, journal);
  if (!why)
    return k;
  snprintf(err, err_len, "datapath: %s", why);
  kernel_plane_close(k);
  return NULL;
}

static void unmap(void *at, size_t len) {
  if (at)
    munmap(at, len);
}

/* The map may live on for a moment, and its memory is the kernel's again. */
static void forget(void *at, size_t len) {
  if (at)
    explicit_bzero(at, len);
  unmap(at, len);
}

struct kernel_journal *kernel_plane_journal(struct kernel_plane *k) {
  return k->journal;
}

bool kernel_plane_end_journal(struct kernel_plane *k) {
  const bool good = kernel_journal_close(k->journal);
  k->journal = NULL;
  return good;
}

bool kernel_plane_close(struct kernel_plane *k) {
  if (!k)
    return true;
  const bool good = kernel_plane_end_journal(k);
  for (unsigned i = 0; i < k->n_links; i++)
    bpf_link__destroy(k->links[i]);
  ring_buffer__free(k->rings);
  for (int c = 0; c < FB_MAX_CPUS; c++) {
    if (k->ring_fds[c] >= 0)
      close(k->ring_fds[c]);
  }
  unmap(k->plane.counters, k->mapped_counters);
  unmap(k->plane.upstream_state, k->mapped_state);
  unmap(k->plane.track_state, k->mapped_tracks);
  unmap(k->plane.downs, k->mapped_downs);
  unmap(k->plane.objects, k->mapped_objects);
  forget(k->plane.keys, k->mapped_keys);
  forget(k->plane.ghash, k->mapped_ghash);
  forget(k->plane.keystreams, k->mapped_keystreams);
  if (k->skel)
    relay__destroy(k->skel);
  free(k->cpu_now);
  free(k->cpu_then);
  free(k);
  return good;
}

int kernel_plane_attach(struct kernel_plane *k, const char *ifname, char *err, size_t err_len) {
  unsigned ifindex = if_nametoindex(ifname);
  if (ifindex == 0) {
    snprintf(err, err_len, "no interface \"%s\"", ifname);
    return -1;
  }
  if (k->n_links == MAX_LINKS) {
    snprintf(err, err_len, "more than %d interfaces", MAX_LINKS);
    return -1;
  }
  struct bpf_link *link = bpf_program__attach_tcx(k->skel->progs.ingress, (int)ifindex, NULL);
  if (!link) {
    snprintf(err, err_len, "cannot attach to %s by tcx: %s; Linux 6.6 or later is needed", ifname,
             strerror(errno));
    return -1;
  }
  k->links[k->n_links++] = link;
  return 0;
}

/* Nobody may wait for ever: a run is over long before. */
#define ORPHAN_S 60

void kernel_plane_orphan(struct kernel_plane *k) {
  pid_t child = fork();
  if (child != 0)
    return; /* no holder, no orphan */
  prctl(PR_SET_NAME, "fanbench-orphan");
  int last = 2;
  for (unsigned i = 0; i < k->n_links; i++) {
    int fd = bpf_link__fd(k->links[i]);
    close_range((unsigned)last + 1, (unsigned)fd - 1, 0);
    last = fd;
  }
  close_range((unsigned)last + 1, ~0u, 0);
  close_range(0, 2, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGALRM, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  alarm(ORPHAN_S);
  for (;;)
    pause();
}

struct plane *kernel_plane_interface(struct kernel_plane *k) {
  return &k->plane;
}

void kernel_plane_print(struct kernel_plane *k, FILE *to) {
  read_cpus(k, k->cpu_now);
  fputs("packets:", to);
  for (unsigned r = 0; r < FB_PACKET_REASON_COUNT; r++) {
    uint64_t n = 0;
    for (int c = 0; c < k->cpus; c++)
      n += k->cpu_now[c].packets[r];
    if (n)
      fprintf(to, " %s %" PRIu64, fb_packet_reason_name(r), n);
  }
  fputs("\ndecisions:", to);
  for (unsigned d = 0; d < FB_DECISION_COUNT; d++) {
    uint64_t n = 0;
    for (uint32_t s = 0; s < k->plane.max_subscribers; s++)
      n += k->plane.counters[s].decisions[d];
    if (n)
      fprintf(to, " %s %" PRIu64, fb_decision_name(d), n);
  }
  fputc('\n', to);
}
