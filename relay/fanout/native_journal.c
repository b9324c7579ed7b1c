#include "relay/fanout/native_journal.h"

#include <stdlib.h>
#include <string.h>

struct native_journal {
  struct journal_file file;
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

/* ---- runs ----------------------------------------------------------------------------------- */

static void on_changed(void *arg, uint32_t array, size_t offset, size_t len) {
  struct native_journal *j = arg;
  const uint8_t *now = j->arrays[array].at + offset;
  journal_put(&j->file, &(struct journal_item){j->kind, array, offset, (uint32_t)len, 0}, now);
  memcpy(j->known[array] + offset, now, len);
}

static void put_changes(struct native_journal *j, enum journal_kind kind) {
  j->kind = kind;
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (kind == JOURNAL_SET || j->arrays[id].by_runs)
      journal_compare(&j->arrays[id], id, j->known[id], on_changed, j);
}

static void put_done(struct native_journal *j) {
  put_changes(j, JOURNAL_SEEN);
  journal_put_mark(&j->file, JOURNAL_DONE, 0);
}

static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct native_journal *j = user;
  const int rc = j->emit(j->emit_user, copy);
  const struct journal_copy head = {copy->slot, copy->gen, copy->ifindex, (uint32_t)-rc, copy->pn};
  uint8_t made[DP_NATIVE_WRAPPED];
  if (copy->frame != NULL)
    journal_put_copy(&j->file, &head, copy->frame, copy->frame_len);
  else
    journal_put_copy(&j->file, &head, made,
                     dp_native_wrap(&copy->path, copy->payload, copy->len, made));
  return rc;
}

static enum fb_packet_reason put_outcome(struct native_journal *j, enum fb_packet_reason reason) {
  journal_put_mark(&j->file, JOURNAL_REASON, reason);
  put_done(j);
  return reason;
}

enum fb_packet_reason native_journal_frame(struct native_journal *j, struct dp_native *dp,
                                           const uint8_t *frame, size_t len, uint64_t now_ns,
                                           unsigned cpu) {
  if (j == NULL)
    return dp_native_frame(dp, frame, len, false, now_ns, cpu);
  put_changes(j, JOURNAL_SET);
  journal_put_frame(&j->file, j->file.count.runs + 1, frame, len, now_ns);
  return put_outcome(j, dp_native_frame(dp, frame, len, false, now_ns, cpu));
}

enum fb_packet_reason native_journal_packet(struct native_journal *j, struct dp_native *dp,
                                            const struct fb_path *path, const uint8_t *payload,
                                            size_t len, uint64_t now_ns, unsigned cpu) {
  uint8_t made[DP_NATIVE_WRAPPED];
  if (j == NULL)
    return dp_native_packet(dp, path, payload, len, now_ns, cpu);
  put_changes(j, JOURNAL_SET);
  struct fb_path from = {
      .local_port = path->remote_port, .remote_port = path->local_port, .family = path->family};
  memcpy(from.local_addr, path->remote_addr, sizeof from.local_addr);
  memcpy(from.remote_addr, path->local_addr, sizeof from.remote_addr);
  /* What is too long is so by a byte, too. */
  const size_t kept = len <= FB_MAX_PAYLOAD ? len : FB_MAX_PAYLOAD + 1;
  journal_put_frame(&j->file, j->file.count.runs + 1, made,
                    dp_native_wrap(&from, payload, kept, made), now_ns);
  return put_outcome(j, dp_native_packet(dp, path, payload, len, now_ns, cpu));
}

/* ---- calls of the plane ---------------------------------------------------------------------- */

static int put_config(void *ctx, const struct fb_config *config) {
  struct native_journal *j = ctx;
  return j->inner->put_config(j->inner_ctx, config);
}

static int put_upstream(void *ctx, uint32_t slot, const struct fb_upstream *value) {
  struct native_journal *j = ctx;
  return j->inner->put_upstream(j->inner_ctx, slot, value);
}

static int put_subscriber(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  struct native_journal *j = ctx;
  return j->inner->put_subscriber(j->inner_ctx, slot, value);
}

static int put_subscription(void *ctx, uint32_t slot, uint32_t track,
                            const struct fb_subscription *value) {
  struct native_journal *j = ctx;
  return j->inner->put_subscription(j->inner_ctx, slot, track, value);
}

/* What failed changed nothing. */
static int add_cid(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value) {
  struct native_journal *j = ctx;
  const int rc = j->inner->add_cid(j->inner_ctx, key, value);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_CID_SET, key, sizeof *key, value, sizeof *value);
  return rc;
}

static int del_cid(void *ctx, const struct fb_cid_key *key) {
  struct native_journal *j = ctx;
  const int rc = j->inner->del_cid(j->inner_ctx, key);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_CID_DEL, key, sizeof *key, NULL, 0);
  return rc;
}

static int add_alias(void *ctx, const struct fb_alias_key *key,
                     const struct fb_alias_value *value) {
  struct native_journal *j = ctx;
  const int rc = j->inner->add_alias(j->inner_ctx, key, value);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_ALIAS_SET, key, sizeof *key, value, sizeof *value);
  return rc;
}

static int del_alias(void *ctx, const struct fb_alias_key *key) {
  struct native_journal *j = ctx;
  const int rc = j->inner->del_alias(j->inner_ctx, key);
  if (rc == 0)
    journal_put_two(&j->file, JOURNAL_ALIAS_DEL, key, sizeof *key, NULL, 0);
  return rc;
}

static int take_stream(void *ctx, struct fb_take *take) {
  struct native_journal *j = ctx;
  put_changes(j, JOURNAL_SET);
  const int rc = j->inner->take_stream(j->inner_ctx, take);
  journal_put_two(&j->file, JOURNAL_TAKE, take, sizeof *take, NULL, 0);
  put_done(j);
  return rc;
}

static void quiesce(void *ctx) {
  struct native_journal *j = ctx;
  j->inner->quiesce(j->inner_ctx);
}

static void drain(void *ctx, plane_sink *sink, void *arg) {
  struct native_journal *j = ctx;
  j->inner->drain(j->inner_ctx, sink, arg);
}

/* ---- begin and end ----------------------------------------------------------------------------- */

static void step_between(struct native_journal *j, struct plane *plane) {
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

static void give(struct native_journal *j) {
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++)
    free(j->known[id]);
  free(j);
}

struct native_journal *native_journal_open(const char *path, struct dp_native *dp,
                                           struct plane *plane, enum journal_by by) {
  struct native_journal *j = calloc(1, sizeof *j);
  if (j == NULL)
    return NULL;
  j->dp = dp;
  journal_arrays(dp, j->arrays);
  bool whole = true;
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++) {
    j->known[id] = calloc(j->arrays[id].n + 1, j->arrays[id].each);
    whole = whole && j->known[id] != NULL;
  }
  struct journal_head head = {
      .policy = dp->policy, .by = by, .sizes = dp->sizes, .defects = dp->defects};
  if (!whole || !journal_file_open(&j->file, path, &head)) {
    give(j);
    return NULL;
  }
  step_between(j, plane);
  return j;
}

bool native_journal_close(struct native_journal *j) {
  if (j == NULL)
    return true;
  dp_native_on_emit(j->dp, j->emit, j->emit_user);
  j->plane->ops = j->inner;
  j->plane->ctx = j->inner_ctx;
  put_changes(j, JOURNAL_SET);
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    journal_put_whole(&j->file, id, &j->arrays[id]);
  const bool good = journal_file_close(&j->file);
  give(j);
  return good;
}
