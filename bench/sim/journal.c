#include "bench/sim/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays are looked at in pieces; most of them have not changed. */
#define PIECE 16384

#define FILE_BUFFER (256u << 10)

struct journal {
  FILE *file;
  struct dp_native *dp;
  struct journal_array arrays[JOURNAL_ARRAYS];
  uint8_t *known[JOURNAL_ARRAYS]; /* as the journal has them */
  enum journal_kind kind;         /* of what changes now */
  dp_native_emit_fn *emit;        /* whose place it has */
  void *emit_user;
  struct plane *plane;
  const struct plane_ops *inner;
  void *inner_ctx;
  struct plane_ops ops;
};

/* ---- arrays ------------------------------------------------------------------------------- */

void journal_arrays(const struct dp_native *dp, struct journal_array arrays[JOURNAL_ARRAYS]) {
  const struct dp_native_sizes *s = &dp->sizes;
  const size_t keys = fb_keys(s->subscribers, s->upstreams);
  const size_t keystreams =
      fb_keystreams(s->subscribers, s->upstreams, s->keystreams_down, s->keystreams_up);
#define ARRAY(id, field, count, looked, is_entry, runs)                                            \
  arrays[id] = (struct journal_array){                                                             \
      #field, (uint8_t *)dp->field, sizeof *dp->field, dp->field ? (count) : 0, looked, is_entry,  \
      runs}
  arrays[JOURNAL_CONFIG] = (struct journal_array){
      "config", (uint8_t *)&dp->config, sizeof dp->config, 1, sizeof dp->config, true, false};
  ARRAY(JOURNAL_UPSTREAMS, upstreams, s->upstreams, sizeof *dp->upstreams, true, false);
  ARRAY(JOURNAL_SUBSCRIBERS, subscribers, s->subscribers, sizeof *dp->subscribers, true, false);
  ARRAY(JOURNAL_SUBSCRIPTIONS, subscriptions, (size_t)s->subscribers * s->tracks,
        sizeof *dp->subscriptions, true, false);
  ARRAY(JOURNAL_STREAMS, streams, s->streams, sizeof *dp->streams, true, true);
  ARRAY(JOURNAL_COUNTERS, counters, s->subscribers, sizeof *dp->counters, false, true);
  ARRAY(JOURNAL_UPSTREAM_STATE, upstream_state, s->upstreams, sizeof *dp->upstream_state, false,
        true);
  ARRAY(JOURNAL_TRACK_STATE, track_state, s->tracks, sizeof *dp->track_state, false, true);
  ARRAY(JOURNAL_DOWNS, downs, (size_t)s->streams * s->subscribers, sizeof *dp->downs, false, true);
  ARRAY(JOURNAL_OBJECTS, objects, s->streams, sizeof *dp->objects, false, true);
  ARRAY(JOURNAL_KEYS, keys, keys, sizeof *dp->keys, true, false);
  ARRAY(JOURNAL_GHASH, ghash, keys, 256, true, false);
  ARRAY(JOURNAL_KEYSTREAMS, keystreams, keystreams, 96, true, false);
#undef ARRAY
}

/* The words of one element, first to last that differs. */
static void compare_element(const struct journal_array *a, uint32_t id, const uint8_t *other,
                            size_t offset, journal_changed *changed, void *arg) {
  const uint8_t *one = a->at + offset, *two = other + offset;
  size_t from = 0, to = a->each;
  if (memcmp(one, two, a->look) == 0)
    return;
  if (!a->entry) {
    while (memcmp(one + from, two + from, 8) == 0)
      from += 8;
    while (memcmp(one + to - 8, two + to - 8, 8) == 0)
      to -= 8;
  }
  changed(arg, id, offset + from, to - from);
}

void journal_compare(const struct journal_array *a, uint32_t id, const uint8_t *other,
                     journal_changed *changed, void *arg) {
  const size_t piece = a->look == a->each ? (PIECE + a->each - 1) / a->each : 1;
  for (size_t i = 0; i < a->n; i += piece) {
    const size_t n = a->n - i < piece ? a->n - i : piece;
    if (n > 1 && memcmp(a->at + i * a->each, other + i * a->each, n * a->each) == 0)
      continue;
    for (size_t k = i; k < i + n; k++)
      compare_element(a, id, other, k * a->each, changed, arg);
  }
}

/* ---- writing ------------------------------------------------------------------------------- */

/* The stream remembers what went wrong; journal_close() asks it. */
static void put(struct journal *j, const struct journal_item *item, const void *bytes) {
  fwrite(item, sizeof *item, 1, j->file);
  fwrite(bytes, item->len, 1, j->file);
}

static void put_mark(struct journal *j, enum journal_kind kind, uint32_t reason) {
  const struct journal_item item = {.kind = kind, .array = reason};
  fwrite(&item, sizeof item, 1, j->file);
}

static void put_two(struct journal *j, enum journal_kind kind, const void *a, size_t a_len,
                    const void *b, size_t b_len) {
  const struct journal_item item = {.kind = kind, .len = (uint32_t)(a_len + b_len)};
  fwrite(&item, sizeof item, 1, j->file);
  fwrite(a, a_len, 1, j->file);
  if (b_len > 0)
    fwrite(b, b_len, 1, j->file);
}

static void on_changed(void *arg, uint32_t array, size_t offset, size_t len) {
  struct journal *j = arg;
  const uint8_t *now = j->arrays[array].at + offset;
  put(j, &(struct journal_item){j->kind, array, offset, (uint32_t)len, 0}, now);
  memcpy(j->known[array] + offset, now, len);
}

static void put_changes(struct journal *j, enum journal_kind kind) {
  j->kind = kind;
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (kind == JOURNAL_SET || j->arrays[id].by_runs)
      journal_compare(&j->arrays[id], id, j->known[id], on_changed, j);
}

static void put_done(struct journal *j) {
  put_changes(j, JOURNAL_SEEN);
  put_mark(j, JOURNAL_DONE, 0);
}

static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct journal *j = user;
  const int rc = j->emit(j->emit_user, copy);
  const struct journal_copy head = {copy->slot, copy->gen, copy->ifindex, (uint32_t)-rc, copy->pn};
  put_two(j, JOURNAL_COPY, &head, sizeof head, copy->frame, copy->frame_len);
  return rc;
}

enum fb_packet_reason journal_frame(struct journal *j, struct dp_native *dp, const uint8_t *frame,
                                    size_t len, uint64_t now_ns, unsigned cpu) {
  if (j == NULL)
    return dp_native_frame(dp, frame, len, false, now_ns, cpu);
  put_changes(j, JOURNAL_SET);
  put(j, &(struct journal_item){JOURNAL_FRAME, 0, now_ns, (uint32_t)len, 0}, frame);
  const enum fb_packet_reason reason = dp_native_frame(dp, frame, len, false, now_ns, cpu);
  put_mark(j, JOURNAL_REASON, reason);
  put_done(j);
  return reason;
}

/* ---- calls of the plane ---------------------------------------------------------------------- */

static int put_config(void *ctx, const struct fb_config *config) {
  struct journal *j = ctx;
  return j->inner->put_config(j->inner_ctx, config);
}

static int put_upstream(void *ctx, uint32_t slot, const struct fb_upstream *value) {
  struct journal *j = ctx;
  return j->inner->put_upstream(j->inner_ctx, slot, value);
}

static int put_subscriber(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  struct journal *j = ctx;
  return j->inner->put_subscriber(j->inner_ctx, slot, value);
}

static int put_subscription(void *ctx, uint32_t slot, uint32_t track,
                            const struct fb_subscription *value) {
  struct journal *j = ctx;
  return j->inner->put_subscription(j->inner_ctx, slot, track, value);
}

/* What failed changed nothing. */
static int add_cid(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value) {
  struct journal *j = ctx;
  const int rc = j->inner->add_cid(j->inner_ctx, key, value);
  if (rc == 0)
    put_two(j, JOURNAL_CID_SET, key, sizeof *key, value, sizeof *value);
  return rc;
}

static int del_cid(void *ctx, const struct fb_cid_key *key) {
  struct journal *j = ctx;
  const int rc = j->inner->del_cid(j->inner_ctx, key);
  if (rc == 0)
    put_two(j, JOURNAL_CID_DEL, key, sizeof *key, NULL, 0);
  return rc;
}

static int add_alias(void *ctx, const struct fb_alias_key *key,
                     const struct fb_alias_value *value) {
  struct journal *j = ctx;
  const int rc = j->inner->add_alias(j->inner_ctx, key, value);
  if (rc == 0)
    put_two(j, JOURNAL_ALIAS_SET, key, sizeof *key, value, sizeof *value);
  return rc;
}

static int del_alias(void *ctx, const struct fb_alias_key *key) {
  struct journal *j = ctx;
  const int rc = j->inner->del_alias(j->inner_ctx, key);
  if (rc == 0)
    put_two(j, JOURNAL_ALIAS_DEL, key, sizeof *key, NULL, 0);
  return rc;
}

static int take_stream(void *ctx, struct fb_take *take) {
  struct journal *j = ctx;
  put_changes(j, JOURNAL_SET);
  const int rc = j->inner->take_stream(j->inner_ctx, take);
  put_two(j, JOURNAL_TAKE, take, sizeof *take, NULL, 0);
  put_done(j);
  return rc;
}

static void quiesce(void *ctx) {
  struct journal *j = ctx;
  j->inner->quiesce(j->inner_ctx);
}

static void drain(void *ctx, plane_sink *sink, void *arg) {
  struct journal *j = ctx;
  j->inner->drain(j->inner_ctx, sink, arg);
}

/* ---- begin and end ----------------------------------------------------------------------------- */

static void step_between(struct journal *j, struct plane *plane) {
  j->emit = j->dp->emit;
  j->emit_user = j->dp->emit_user;
  dp_native_on_emit(j->dp, on_emit, j);
  j->plane = plane;
  j->inner = plane->ops;
  j->inner_ctx = plane->ctx;
  j->ops = (struct plane_ops){put_config,  put_upstream, put_subscriber, put_subscription,
                              add_cid,     del_cid,      add_alias,      del_alias,
                              take_stream, quiesce,      drain};
  plane->ops = &j->ops;
  plane->ctx = j;
}

static void give(struct journal *j) {
  if (j->file != NULL)
    fclose(j->file);
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++)
    free(j->known[id]);
  free(j);
}

struct journal *journal_open(const char *path, struct dp_native *dp, struct plane *plane) {
  struct journal *j = calloc(1, sizeof *j);
  if (j == NULL)
    return NULL;
  j->dp = dp;
  journal_arrays(dp, j->arrays);
  j->file = fopen(path, "we");
  bool whole = j->file != NULL;
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++) {
    j->known[id] = calloc(j->arrays[id].n + 1, j->arrays[id].each);
    whole = whole && j->known[id] != NULL;
  }
  if (!whole) {
    give(j);
    return NULL;
  }
  setvbuf(j->file, NULL, _IOFBF, FILE_BUFFER);
  struct journal_head head = {JOURNAL_MAGIC, sizeof head, dp->policy, dp->sizes, dp->defects};
  fwrite(&head, sizeof head, 1, j->file);
  step_between(j, plane);
  return j;
}

bool journal_close(struct journal *j) {
  if (j == NULL)
    return true;
  dp_native_on_emit(j->dp, j->emit, j->emit_user);
  j->plane->ops = j->inner;
  j->plane->ctx = j->inner_ctx;
  bool good = !ferror(j->file);
  good = fclose(j->file) == 0 && good;
  j->file = NULL;
  give(j);
  return good;
}
