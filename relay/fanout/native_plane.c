#include "relay/fanout/native_plane.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

static struct dp_native *dp_of(void *ctx) {
  return ((struct native_plane *)ctx)->dp;
}

static int put_config(void *ctx, const struct fb_config *config) {
  dp_of(ctx)->config = *config;
  return 0;
}

static int put_upstream(void *ctx, uint32_t slot, const struct fb_upstream *value) {
  dp_native_set_upstream(dp_of(ctx), slot, value);
  return 0;
}

static int put_subscriber(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  dp_native_set_subscriber(dp_of(ctx), slot, value);
  return 0;
}

static int put_subscription(void *ctx, uint32_t slot, uint32_t track,
                            const struct fb_subscription *value) {
  dp_native_set_subscription(dp_of(ctx), slot, track, value);
  return 0;
}

static int add_cid(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value) {
  return dp_native_cid_set(dp_of(ctx), key, value) ? 0 : -E2BIG;
}

static int del_cid(void *ctx, const struct fb_cid_key *key) {
  return dp_native_cid_delete(dp_of(ctx), key) ? 0 : -ENOENT;
}

static int add_alias(void *ctx, const struct fb_alias_key *key,
                     const struct fb_alias_value *value) {
  return dp_native_alias_set(dp_of(ctx), key, value) ? 0 : -E2BIG;
}

static int del_alias(void *ctx, const struct fb_alias_key *key) {
  return dp_native_alias_delete(dp_of(ctx), key) ? 0 : -ENOENT;
}

static int take_stream(void *ctx, struct fb_take *take) {
  dp_native_take_stream(dp_of(ctx), take);
  return 0;
}

static void quiesce(void *ctx) {
  (void)ctx;
}

struct sink {
  plane_sink *call;
  void *arg;
};

static void on_record(void *user, const void *record, size_t len) {
  struct sink *sink = user;
  (void)len;
  if (*(const uint32_t *)record == FB_RECORD_COPY)
    sink->call(sink->arg, record, NULL);
  else
    sink->call(sink->arg, NULL, record);
}

static void drain(void *ctx, plane_sink *call, void *arg) {
  struct dp_native *dp = dp_of(ctx);
  struct sink sink = {call, arg};
  for (unsigned cpu = 0; cpu < dp->sizes.cpus; cpu++)
    dp_native_drain(dp, cpu, on_record, &sink);
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

void native_plane_init(struct native_plane *native, struct dp_native *dp) {
  native->dp = dp;
  native->plane = (struct plane){
      .ops = &ops,
      .ctx = native,
      .max_subscribers = dp->sizes.subscribers,
      .counters = dp->counters,
      .upstream_state = dp->upstream_state,
      .track_state = dp->track_state,
      .downs = dp->downs,
      .objects = dp->objects,
      .keys = dp->keys,
      .ghash = dp->ghash,
      .keystreams = dp->keystreams,
      .keystreams_down = dp->sizes.keystreams_down,
      .keystreams_up = dp->sizes.keystreams_up,
  };
}

void native_plane_left(const struct native_plane *native, struct native_left *out) {
  const struct dp_native *dp = native->dp;
  *out = (struct native_left){.ids = dp_native_cids(dp), .aliases = dp_native_aliases(dp)};
  for (uint32_t s = 0; s < dp->sizes.subscribers; s++)
    out->subscribers += dp->subscribers[s].state != FB_SUB_FREE;
  for (uint32_t u = 0; u < dp->sizes.upstreams; u++)
    out->upstreams += dp->upstreams[u].active;
}

void native_plane_print(const struct native_plane *native, FILE *to) {
  const struct dp_native *dp = native->dp;
  fputs("packets:", to);
  for (unsigned r = 0; r < FB_PACKET_REASON_COUNT; r++) {
    uint64_t n = 0;
    for (unsigned cpu = 0; cpu < dp->sizes.cpus; cpu++)
      n += dp->cpus[cpu].packets[r];
    if (n)
      fprintf(to, " %s %" PRIu64, fb_packet_reason_name(r), n);
  }
  fputs("\ndecisions:", to);
  for (unsigned d = 0; d < FB_DECISION_COUNT; d++) {
    uint64_t n = 0;
    for (uint32_t s = 0; s < dp->sizes.subscribers; s++)
      n += dp->counters[s].decisions[d];
    if (n)
      fprintf(to, " %s %" PRIu64, fb_decision_name(d), n);
  }
  fputc('\n', to);
}
