#include "relay/host/kernel_journal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpf/abi/limits.h"

#define LOOK_NS 50000000ull

struct kernel_journal {
  struct journal_file file;
  struct kernel_journal_of of;
  struct ring_buffer *ring;
  struct journal_array arrays[JOURNAL_ARRAYS];
  uint8_t *known[JOURNAL_ARRAYS]; /* as the journal has them; NULL: not looked at */
  struct plane_writes writes;
  const struct plane_ops *inner;
  void *inner_ctx;
  struct plane_ops ops;
  uint64_t looked_ns;
};

/* ---- what runs did ---------------------------------------------------------------------------- */

static void put_copy(struct kernel_journal *j, const struct fb_journal_copy *copy) {
  const struct journal_copy head = {copy->slot, copy->gen, copy->ifindex, copy->error, copy->pn};
  journal_put_copy(&j->file, &head, copy->buf + FB_MAX_HEADERS - copy->head_len,
                   copy->head_len + copy->payload_len);
}

static int on_entry(void *ctx, void *data, size_t len) {
  struct kernel_journal *j = ctx;
  const struct fb_journal_frame *frame = data;
  switch (frame->magic) {
  case FB_JOURNAL_FRAME:
    journal_put_frame(&j->file, frame->run, frame->bytes,
                      frame->len < FB_BUF_LEN ? frame->len : FB_BUF_LEN, frame->now_ns);
    break;
  case FB_JOURNAL_COPY:
    put_copy(j, data);
    break;
  case FB_JOURNAL_END:
    journal_put_mark(&j->file, JOURNAL_REASON, ((const struct fb_journal_end *)data)->reason);
    journal_put_mark(&j->file, JOURNAL_DONE, 0);
    break;
  default: /* FB_RECORD_COPY, FB_RECORD_FAILED */
    journal_put_two(&j->file, JOURNAL_RECORD, data, len, NULL, 0);
  }
  return 0;
}

static void put_changed(void *arg, uint32_t array, size_t offset, size_t len) {
  struct kernel_journal *j = arg;
  const uint8_t *now = j->arrays[array].at + offset;
  journal_put(&j->file, &(struct journal_item){JOURNAL_SEEN, array, offset, (uint32_t)len, 0}, now);
  memcpy(j->known[array] + offset, now, len);
}

/* No run is in flight. */
static void look(struct kernel_journal *j) {
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (j->arrays[id].by_runs && j->known[id] != NULL)
      journal_compare(&j->arrays[id], id, j->known[id], put_changed, j);
}

/* ---- exclusion -------------------------------------------------------------------------------- */

/* A run ends soon: nobody takes its CPU from it, but on a kernel whose softirqs are threads, which
 * get it while we sleep. */
static void enter(struct kernel_journal *j) {
  __u64 was = FB_JOURNAL_FREE;
  ring_buffer__consume(j->ring); /* most of it while packets still may come */
  for (unsigned n = 1; !__atomic_compare_exchange_n(&j->of.shared->lock, &was, FB_JOURNAL_WRITING,
                                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
       n++) {
    was = FB_JOURNAL_FREE;
    if (n % 1024 == 0)
      nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    else
      sched_yield();
  }
  ring_buffer__consume(j->ring);
}

static void leave(struct kernel_journal *j) {
  __atomic_store_n(&j->of.shared->lock, FB_JOURNAL_FREE, __ATOMIC_SEQ_CST);
}

/* ---- writes to arrays --------------------------------------------------------------------------- */

/* The array with the place `at`; JOURNAL_ARRAYS: none. */
static uint32_t array_of(const struct kernel_journal *j, const uint8_t *at) {
  uint32_t id = 0;
  while (id < JOURNAL_ARRAYS && (j->known[id] == NULL || at < j->arrays[id].at ||
                                 at >= j->arrays[id].at + j->arrays[id].n * j->arrays[id].each))
    id++;
  return id;
}

static void on_begin(void *arg, const void *at, size_t len) {
  struct kernel_journal *j = arg;
  enter(j);
  const uint32_t id = array_of(j, at);
  if (id == JOURNAL_ARRAYS || !j->arrays[id].by_runs)
    return;
  const size_t offset = (size_t)((const uint8_t *)at - j->arrays[id].at);
  if (memcmp(at, j->known[id] + offset, len) != 0)
    put_changed(j, id, offset, len);
}

static void on_wrote(void *arg, const void *at, size_t len) {
  struct kernel_journal *j = arg;
  const uint32_t id = array_of(j, at);
  if (id < JOURNAL_ARRAYS) {
    const size_t offset = (size_t)((const uint8_t *)at - j->arrays[id].at);
    memcpy(j->known[id] + offset, at, len);
    journal_put(&j->file, &(struct journal_item){JOURNAL_SET, id, offset, (uint32_t)len, 0}, at);
  }
  leave(j);
}

/* ---- calls of the plane ---------------------------------------------------------------------- */

static void put_entry(struct kernel_journal *j, uint32_t array, size_t index, const void *value,
                      size_t len) {
  journal_put(&j->file, &(struct journal_item){JOURNAL_SET, array, index * len, (uint32_t)len, 0},
              value);
}

static int put_config(void *ctx, const struct fb_config *config) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->put_config(j->inner_ctx, config);
  if (rc == 0)
    put_entry(j, JOURNAL_CONFIG, 0, config, sizeof *config);
  leave(j);
  return rc;
}

static int put_upstream(void *ctx, uint32_t slot, const struct fb_upstream *value) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->put_upstream(j->inner_ctx, slot, value);
  if (rc == 0)
    put_entry(j, JOURNAL_UPSTREAMS, slot, value, sizeof *value);
  leave(j);
  return rc;
}

static int put_subscriber(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->put_subscriber(j->inner_ctx, slot, value);
  if (rc == 0)
    put_entry(j, JOURNAL_SUBSCRIBERS, slot, value, sizeof *value);
  leave(j);
  return rc;
}

static int put_subscription(void *ctx, uint32_t slot, uint32_t track,
                            const struct fb_subscription *value) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->put_subscription(j->inner_ctx, slot, track, value);
  if (rc == 0)
    put_entry(j, JOURNAL_SUBSCRIPTIONS, (size_t)slot * j->of.constants->max_tracks + track, value,
              sizeof *value);
  leave(j);
  return rc;
}

static int add_cid(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->add_cid(j->inner_ctx, key, value);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_CID_SET, key, sizeof *key, value, sizeof *value);
  leave(j);
  return rc;
}

static int del_cid(void *ctx, const struct fb_cid_key *key) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->del_cid(j->inner_ctx, key);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_CID_DEL, key, sizeof *key, NULL, 0);
  leave(j);
  return rc;
}

static int add_alias(void *ctx, const struct fb_alias_key *key,
                     const struct fb_alias_value *value) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->add_alias(j->inner_ctx, key, value);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_ALIAS_SET, key, sizeof *key, value, sizeof *value);
  leave(j);
  return rc;
}

static int del_alias(void *ctx, const struct fb_alias_key *key) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->del_alias(j->inner_ctx, key);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_ALIAS_DEL, key, sizeof *key, NULL, 0);
  leave(j);
  return rc;
}

static int take_stream(void *ctx, struct fb_take *take) {
  struct kernel_journal *j = ctx;
  enter(j);
  const int rc = j->inner->take_stream(j->inner_ctx, take);
  journal_put_two(&j->file, JOURNAL_TAKE, take, sizeof *take, NULL, 0);
  journal_put_mark(&j->file, JOURNAL_DONE, 0);
  leave(j);
  return rc;
}

static void quiesce(void *ctx) {
  struct kernel_journal *j = ctx;
  j->inner->quiesce(j->inner_ctx);
}

static void drain(void *ctx, plane_sink *sink, void *arg) {
  struct kernel_journal *j = ctx;
  j->inner->drain(j->inner_ctx, sink, arg);
}

/* ---- begin and end ----------------------------------------------------------------------------- */

/* The maps as an instance. */
static struct dp_native shape_of(const struct kernel_journal_of *of) {
  const struct fb_constants *c = of->constants;
  const struct plane *plane = of->plane;
  return (struct dp_native){.sizes = {.subscribers = c->max_subscribers,
                                      .tracks = c->max_tracks,
                                      .streams = c->stream_slots,
                                      .upstreams = FB_MAX_UPSTREAMS,
                                      .cids = FB_MAX_UPSTREAM_CIDS,
                                      .aliases = FB_MAX_UPSTREAMS * FB_MAX_TRACKS,
                                      .cpus = 1,
                                      .ring_bytes = FB_RING_BYTES,
                                      .protect = c->protect,
                                      .keystreams_down = c->keystreams_down,
                                      .keystreams_up = c->keystreams_up},
                            .counters = plane->counters,
                            .upstream_state = plane->upstream_state,
                            .track_state = plane->track_state,
                            .downs = plane->downs,
                            .objects = plane->objects,
                            .keys = plane->keys,
                            .ghash = plane->ghash,
                            .keystreams = plane->keystreams};
}

static void step_between(struct kernel_journal *j) {
  struct plane *plane = j->of.plane;
  j->inner = plane->ops;
  j->inner_ctx = plane->ctx;
  j->ops = (struct plane_ops){put_config,  put_upstream, put_subscriber, put_subscription,
                              add_cid,     del_cid,      add_alias,      del_alias,
                              take_stream, quiesce,      drain};
  j->writes = (struct plane_writes){on_begin, on_wrote, j};
  plane->ops = &j->ops;
  plane->ctx = j;
  plane->writes = &j->writes;
}

static void give(struct kernel_journal *j) {
  ring_buffer__free(j->ring);
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++)
    free(j->known[id]);
  free(j);
}

struct kernel_journal *kernel_journal_open(const char *path, const struct kernel_journal_of *of) {
  struct kernel_journal *j = calloc(1, sizeof *j);
  if (j == NULL)
    return NULL;
  j->of = *of;
  const struct dp_native shape = shape_of(of);
  journal_arrays(&shape, j->arrays);
  j->ring = ring_buffer__new(of->ring_fd, on_entry, j, NULL);
  bool whole = j->ring != NULL;
  for (size_t id = JOURNAL_COUNTERS; id < JOURNAL_ARRAYS; id++)
    if (j->arrays[id].n > 0) {
      j->known[id] = calloc(j->arrays[id].n, j->arrays[id].each);
      whole = whole && j->known[id] != NULL;
    }
  struct journal_head head = {.policy = of->constants->policy,
                              .by = JOURNAL_BY_KERNEL,
                              .sizes = shape.sizes,
                              .defects = of->constants->defects};
  if (!whole || !journal_file_open(&j->file, path, &head)) {
    give(j);
    return NULL;
  }
  step_between(j);
  return j;
}

void kernel_journal_turn(struct kernel_journal *j, uint64_t now_ns) {
  if (j == NULL)
    return;
  ring_buffer__consume(j->ring);
  fflush(j->file.to); /* here, where no packet waits for it; an error stays with the stream */
  if (now_ns < j->looked_ns + LOOK_NS)
    return;
  enter(j);
  look(j);
  leave(j);
  j->looked_ns = now_ns;
}

/* Streams have a lock, so they are fetched. */
static void put_streams(struct kernel_journal *j) {
  const size_t n = j->of.constants->stream_slots;
  struct fb_stream *all = calloc(n, sizeof *all);
  bool whole = all != NULL;
  for (uint32_t i = 0; whole && i < n; i++)
    whole = bpf_map_lookup_elem_flags(j->of.streams_fd, &i, &all[i], BPF_F_LOCK) == 0;
  if (whole)
    journal_put(
        &j->file,
        &(struct journal_item){JOURNAL_WHOLE, JOURNAL_STREAMS, 0, (uint32_t)(n * sizeof *all), 0},
        all);
  else
    j->file.count.lost++;
  free(all);
}

bool kernel_journal_close(struct kernel_journal *j) {
  if (j == NULL)
    return true;
  enter(j);
  j->of.plane->ops = j->inner;
  j->of.plane->ctx = j->inner_ctx;
  j->of.plane->writes = NULL;
  put_streams(j);
  for (uint32_t id = JOURNAL_COUNTERS; id < JOURNAL_ARRAYS; id++)
    journal_put_whole(&j->file, id, &j->arrays[id]);
  j->file.count.declined = __atomic_load_n(&j->of.shared->declined, __ATOMIC_SEQ_CST);
  j->file.count.lost += __atomic_load_n(&j->of.shared->lost, __ATOMIC_SEQ_CST);
  const bool good = journal_file_close(&j->file);
  leave(j); /* who outlives the relay by a defect goes on */
  give(j);
  return good;
}
