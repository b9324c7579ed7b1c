#include "relay/host/kernel_journal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "bpf/abi/limits.h"
#include "relay/fanout/journal_plane.h"

#define LOOK_NS 50000000ull

struct kernel_journal {
  struct journal_file file;
  struct kernel_journal_of of;
  struct journal_plane user_space;
  struct ring_buffer *ring;
  uint64_t looked_ns;
};

/* ---- what runs did ---------------------------------------------------------------------------- */

static void put_copy(struct kernel_journal *j, const struct fb_emitted *copy) {
  const struct journal_copy head = {copy->slot, copy->gen, copy->ifindex, copy->error, copy->pn};
  journal_put_copy(&j->file, &head, fb_emitted_frame(copy), copy->head_len + copy->payload_len);
}

static int on_entry(void *ctx, void *data, size_t len) {
  struct kernel_journal *j = ctx;
  const struct fb_journal_frame *frame = data;
  switch (frame->magic) {
  case FB_JOURNAL_FRAME:
    journal_put_frame(&j->file, frame->run, frame->bytes,
                      frame->len < FB_BUF_LEN ? frame->len : FB_BUF_LEN, frame->now_ns);
    break;
  case FB_JOURNAL_UNRUN:
    journal_put(&j->file,
                &(struct journal_item){.kind = JOURNAL_UNRUN,
                                       .offset = frame->now_ns,
                                       .len = frame->len < FB_BUF_LEN ? frame->len : FB_BUF_LEN},
                frame->bytes);
    break;
  case FB_JOURNAL_COPY:
    put_copy(j, &((const struct fb_journal_copy *)data)->copy);
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

/* ---- exclusion -------------------------------------------------------------------------------- */

/* A run ends soon: nobody takes its CPU from it, but on a kernel whose softirqs are threads, which
 * get it while we sleep. */
static void enter(void *arg) {
  struct kernel_journal *j = arg;
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

static void leave(void *arg) {
  struct kernel_journal *j = arg;
  __atomic_store_n(&j->of.shared->lock, FB_JOURNAL_FREE, __ATOMIC_SEQ_CST);
}

static const struct journal_plane_ops hooks = {.enter = enter, .leave = leave};

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

static void give(struct kernel_journal *j) {
  ring_buffer__free(j->ring);
  free(j);
}

struct kernel_journal *kernel_journal_open(const struct journal_place *place,
                                           const struct kernel_journal_of *of) {
  struct kernel_journal *j = calloc(1, sizeof *j);
  if (j == NULL)
    return NULL;
  j->of = *of;
  const struct dp_native shape = shape_of(of);
  journal_arrays(&shape, j->user_space.arrays);
  j->user_space.arrays[JOURNAL_CONFIG].n = j->user_space.arrays[JOURNAL_COPY_INDEX].n = 0;
  j->ring = ring_buffer__new(of->ring_fd, on_entry, j, NULL);
  struct journal_head head = {.policy = of->constants->policy,
                              .by = JOURNAL_BY_KERNEL,
                              .sizes = shape.sizes,
                              .defects = of->constants->defects};
  if (j->ring == NULL || !journal_file_open(&j->file, place, &head)) {
    give(j);
    return NULL;
  }
  if (journal_plane_open(&j->user_space, &j->file, of->plane, of->constants->max_tracks, &hooks, j))
    return j;
  journal_file_close(&j->file);
  give(j);
  return NULL;
}

/* Streams have a lock, so they are fetched. */
static void put_streams(struct kernel_journal *j) {
  const size_t n = j->of.constants->stream_slots;
  struct fb_stream *all = calloc(n, sizeof *all);
  bool whole = all != NULL;
  for (uint32_t i = 0; whole && i < n; i++)
    whole = bpf_map_lookup_elem_flags(j->of.streams_fd, &i, &all[i], BPF_F_LOCK) == 0;
  if (whole)
    journal_put_whole(&j->file, JOURNAL_STREAMS,
                      &(struct journal_array){.each = sizeof *all, .n = n}, (uint8_t *)all);
  else
    j->file.count.lost++;
  free(all);
}

/* All arrays, as they are left. No run is in flight. */
static void put_whole(struct kernel_journal *j) {
  put_streams(j);
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (j->user_space.known[id] != NULL)
      journal_put_whole(&j->file, id, &j->user_space.arrays[id], j->user_space.arrays[id].at);
}

void kernel_journal_turn(struct kernel_journal *j, uint64_t now_ns) {
  if (j == NULL)
    return;
  ring_buffer__consume(j->ring);
  fflush(j->file.to); /* here, where no packet waits for it; an error stays with the stream */
  if (now_ns < j->looked_ns + LOOK_NS)
    return;
  enter(j);
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    journal_plane_look(&j->user_space, id);
  if (journal_file_fills(&j->file)) {
    put_whole(j);
    j->file.full = true;
  }
  leave(j);
  j->looked_ns = now_ns;
}

bool kernel_journal_close(struct kernel_journal *j) {
  if (j == NULL)
    return true;
  enter(j);
  put_whole(j);
  journal_plane_close(&j->user_space);
  j->file.count.declined = __atomic_load_n(&j->of.shared->declined, __ATOMIC_SEQ_CST);
  j->file.count.lost += __atomic_load_n(&j->of.shared->lost, __ATOMIC_SEQ_CST);
  const bool good = journal_file_close(&j->file);
  leave(j); /* who outlives the relay by a defect goes on */
  give(j);
  return good;
}
