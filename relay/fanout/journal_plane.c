#include "relay/fanout/journal_plane.h"

#include <stdlib.h>
#include <string.h>

/* ---- what runs changed ------------------------------------------------------------------------ */

static void put_seen(void *arg, uint32_t array, size_t offset, size_t len) {
  struct journal_plane *jp = arg;
  const uint8_t *now = jp->arrays[array].at + offset;
  journal_put(jp->file, &(struct journal_item){JOURNAL_SEEN, array, offset, (uint32_t)len, 0}, now);
  memcpy(jp->known[array] + offset, now, len);
}

void journal_plane_look(struct journal_plane *jp, uint32_t array) {
  if (jp->known[array] != NULL)
    journal_compare(&jp->arrays[array], array, jp->known[array], put_seen, jp);
}

void journal_plane_look_at(struct journal_plane *jp, uint32_t array, size_t element) {
  if (jp->known[array] != NULL)
    journal_compare_element(&jp->arrays[array], array, jp->known[array], element, put_seen, jp);
}

uint32_t journal_plane_array(const struct journal_plane *jp, const void *at) {
  const uint8_t *byte = at;
  uint32_t id = 0;
  while (id < JOURNAL_ARRAYS &&
         (jp->arrays[id].n == 0 || byte < jp->arrays[id].at ||
          byte >= jp->arrays[id].at + jp->arrays[id].n * jp->arrays[id].each))
    id++;
  return id;
}

/* ---- writes to arrays ------------------------------------------------------------------------- */

static void enter(struct journal_plane *jp) {
  if (jp->hooks->enter != NULL)
    jp->hooks->enter(jp->arg);
}

static void leave(struct journal_plane *jp) {
  if (jp->hooks->leave != NULL)
    jp->hooks->leave(jp->arg);
}

static void on_begin(void *arg, const void *at, size_t len) {
  struct journal_plane *jp = arg;
  enter(jp);
  const uint32_t id = journal_plane_array(jp, at);
  if (id == JOURNAL_ARRAYS || jp->known[id] == NULL)
    return;
  const size_t offset = (size_t)((const uint8_t *)at - jp->arrays[id].at);
  if (memcmp(at, jp->known[id] + offset, len) != 0)
    put_seen(jp, id, offset, len);
}

static void on_wrote(void *arg, const void *at, size_t len) {
  struct journal_plane *jp = arg;
  const uint32_t id = journal_plane_array(jp, at);
  if (id < JOURNAL_ARRAYS) {
    const size_t offset = (size_t)((const uint8_t *)at - jp->arrays[id].at);
    if (jp->known[id] != NULL)
      memcpy(jp->known[id] + offset, at, len);
    journal_put(jp->file, &(struct journal_item){JOURNAL_SET, id, offset, (uint32_t)len, 0}, at);
  }
  leave(jp);
}

/* ---- calls of the plane: what failed changed nothing -------------------------------------------- */

/* An entry that was put, or why not; then others may. */
static int put_entry(struct journal_plane *jp, int rc, uint32_t array, size_t index,
                     const void *value, size_t len) {
  if (rc == 0)
    journal_put(jp->file, &(struct journal_item){JOURNAL_SET, array, index * len, (uint32_t)len, 0},
                value);
  leave(jp);
  return rc;
}

/* The same for a change of a table. */
static int put_table(struct journal_plane *jp, int rc, enum journal_kind kind, const void *key,
                     size_t key_len, const void *value, size_t value_len) {
  if (rc == 0)
    journal_put_two(jp->file, kind, key, key_len, value, value_len);
  leave(jp);
  return rc;
}

static int put_config(void *ctx, const struct fb_config *config) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_entry(jp, jp->inner->put_config(jp->inner_ctx, config), JOURNAL_CONFIG, 0, config,
                   sizeof *config);
}

static int put_upstream(void *ctx, uint32_t slot, const struct fb_upstream *value) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_entry(jp, jp->inner->put_upstream(jp->inner_ctx, slot, value), JOURNAL_UPSTREAMS, slot,
                   value, sizeof *value);
}

static int put_subscriber(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_entry(jp, jp->inner->put_subscriber(jp->inner_ctx, slot, value), JOURNAL_SUBSCRIBERS,
                   slot, value, sizeof *value);
}

static int put_subscription(void *ctx, uint32_t slot, uint32_t track,
                            const struct fb_subscription *value) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_entry(jp, jp->inner->put_subscription(jp->inner_ctx, slot, track, value),
                   JOURNAL_SUBSCRIPTIONS, (size_t)slot * jp->tracks + track, value, sizeof *value);
}

static int add_cid(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_table(jp, jp->inner->add_cid(jp->inner_ctx, key, value), JOURNAL_CID_SET, key,
                   sizeof *key, value, sizeof *value);
}

static int del_cid(void *ctx, const struct fb_cid_key *key) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_table(jp, jp->inner->del_cid(jp->inner_ctx, key), JOURNAL_CID_DEL, key, sizeof *key,
                   NULL, 0);
}

static int add_alias(void *ctx, const struct fb_alias_key *key,
                     const struct fb_alias_value *value) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_table(jp, jp->inner->add_alias(jp->inner_ctx, key, value), JOURNAL_ALIAS_SET, key,
                   sizeof *key, value, sizeof *value);
}

static int del_alias(void *ctx, const struct fb_alias_key *key) {
  struct journal_plane *jp = ctx;
  enter(jp);
  return put_table(jp, jp->inner->del_alias(jp->inner_ctx, key), JOURNAL_ALIAS_DEL, key,
                   sizeof *key, NULL, 0);
}

static int take_stream(void *ctx, struct fb_take *take) {
  struct journal_plane *jp = ctx;
  enter(jp);
  journal_put_two(jp->file, JOURNAL_TAKE, take, sizeof *take, NULL, 0);
  if (jp->hooks->take_begins != NULL)
    jp->hooks->take_begins(jp->arg);
  const int rc = jp->inner->take_stream(jp->inner_ctx, take);
  journal_put_mark(jp->file, JOURNAL_REASON, take->result);
  if (jp->hooks->take_ends != NULL)
    jp->hooks->take_ends(jp->arg);
  journal_put_mark(jp->file, JOURNAL_DONE, 0);
  leave(jp);
  return rc;
}

static void quiesce(void *ctx) {
  struct journal_plane *jp = ctx;
  jp->inner->quiesce(jp->inner_ctx);
}

static void drain(void *ctx, plane_sink *sink, void *arg) {
  struct journal_plane *jp = ctx;
  jp->inner->drain(jp->inner_ctx, sink, arg);
}

/* ---- begin and end ---------------------------------------------------------------------------- */

static void give(struct journal_plane *jp) {
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++)
    free(jp->known[id]);
  memset(jp->known, 0, sizeof jp->known);
}

bool journal_plane_open(struct journal_plane *jp, struct journal_file *file, struct plane *plane,
                        uint32_t tracks, const struct journal_plane_ops *hooks, void *arg) {
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (jp->arrays[id].by_runs && jp->arrays[id].n > 0 &&
        (jp->known[id] = calloc(jp->arrays[id].n, jp->arrays[id].each)) == NULL) {
      give(jp);
      return false;
    }
  jp->file = file;
  jp->plane = plane;
  jp->tracks = tracks;
  jp->hooks = hooks;
  jp->arg = arg;
  jp->inner = plane->ops;
  jp->inner_ctx = plane->ctx;
  jp->ops = (struct plane_ops){put_config,  put_upstream, put_subscriber, put_subscription,
                               add_cid,     del_cid,      add_alias,      del_alias,
                               take_stream, quiesce,      drain};
  jp->writes = (struct plane_writes){on_begin, on_wrote, jp};
  plane->ops = &jp->ops;
  plane->ctx = jp;
  plane->writes = &jp->writes;
  return true;
}

void journal_plane_close(struct journal_plane *jp) {
  if (jp->plane != NULL) {
    jp->plane->ops = jp->inner;
    jp->plane->ctx = jp->inner_ctx;
    jp->plane->writes = NULL;
    jp->plane = NULL;
  }
  give(jp);
}
