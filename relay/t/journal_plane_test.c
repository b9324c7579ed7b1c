/* What user space changes stands in the journal, when it changes it; what failed does not. What runs
 * changed before is told first, and of the arrays that are left, all that is not zero. */
#include "relay/fanout/journal_plane.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/fanout/native_plane.h"

struct rig {
  char path[64];
  struct journal_file file;
  struct dp_native *dp;
  struct native_plane native;
  struct journal_plane jp;
  uint64_t most; /* bytes of the journal */
  int inside, entered, takes;
  uint8_t *bytes; /* once it is closed */
  size_t len, at;
};

static void enter(void *arg) {
  struct rig *rig = arg;
  assert_int_equal(rig->inside++, 0);
  rig->entered++;
}

static void leave(void *arg) {
  assert_int_equal(--((struct rig *)arg)->inside, 0);
}

static void on_take(void *arg) {
  struct rig *rig = arg;
  assert_int_equal(rig->inside, 1);
  rig->takes++;
}

static const struct journal_plane_ops hooks = {enter, leave, on_take, on_take};

static void open_rig(struct rig *rig) {
  *rig = (struct rig){.path = "/tmp/journal_plane_test.XXXXXX"};
  struct journal_head head = {.by = JOURNAL_BY_SIM};
  rig->dp = dp_native_new(&(struct dp_native_sizes){.subscribers = 4, .cids = 1});
  assert_non_null(rig->dp);
  native_plane_init(&rig->native, rig->dp);
  close(mkstemp(rig->path));
  assert_true(journal_file_open(&rig->file, &(struct journal_place){rig->path, rig->most}, &head));
  journal_arrays(rig->dp, rig->jp.arrays);
  assert_true(
      journal_plane_open(&rig->jp, &rig->file, &rig->native.plane, FB_MAX_TRACKS, &hooks, rig));
}

/* Closes the journal, and reads it. */
static void read_rig(struct rig *rig) {
  assert_int_equal(rig->inside, 0);
  journal_plane_close(&rig->jp);
  assert_true(journal_file_close(&rig->file));
  FILE *from = fopen(rig->path, "re");
  assert_non_null(from);
  rig->bytes = calloc(1, 1 << 20);
  assert_non_null(rig->bytes);
  rig->len = fread(rig->bytes, 1, 1 << 20, from);
  fclose(from);
  unlink(rig->path);
  rig->at = sizeof(struct journal_head);
}

static void close_rig(struct rig *rig) {
  free(rig->bytes);
  dp_native_free(rig->dp);
}

/* The next item, which must be that one: its bytes. */
static const void *next(struct rig *rig, enum journal_kind kind, uint32_t array, size_t offset,
                        size_t len) {
  const struct journal_item *item = (const void *)(rig->bytes + rig->at);
  assert_true(rig->at + sizeof *item <= rig->len);
  assert_int_equal(item->kind, kind);
  assert_int_equal(item->array, array);
  assert_int_equal(item->offset, offset);
  assert_int_equal(item->len, len);
  rig->at += sizeof *item + journal_body_len(item);
  return item + 1;
}

static void entries_and_tables(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig);
  const struct plane *plane = &rig.native.plane;
  const struct fb_cid_key cid = {.len = 1}, other = {.len = 2};
  assert_int_equal(plane->ops->put_config(plane->ctx, &(struct fb_config){.on = 1}), 0);
  assert_int_equal(plane->ops->put_subscriber(plane->ctx, 3, &(struct fb_subscriber){.gen = 9}), 0);
  assert_int_equal(
      plane->ops->put_subscription(plane->ctx, 1, 2, &(struct fb_subscription){.gen = 9}), 0);
  assert_int_equal(plane->ops->add_cid(plane->ctx, &cid, &(struct fb_cid_value){0}), 0);
  assert_int_equal(plane->ops->add_cid(plane->ctx, &other, &(struct fb_cid_value){0}), -E2BIG);
  assert_int_equal(plane->ops->del_cid(plane->ctx, &other), -ENOENT);
  assert_int_equal(plane->ops->del_cid(plane->ctx, &cid), 0);
  assert_int_equal(plane->ops->take_stream(plane->ctx, &(struct fb_take){.ordinal = 5}), 0);
  assert_int_equal(rig.entered, 8);
  assert_int_equal(rig.takes, 2);
  assert_int_equal(rig.dp->subscribers[3].gen, 9);
  read_rig(&rig);
  assert_ptr_not_equal(plane->ctx, &rig.jp); /* the plane is as it was */
  assert_null(plane->writes);
  next(&rig, JOURNAL_SET, JOURNAL_CONFIG, 0, sizeof(struct fb_config));
  next(&rig, JOURNAL_SET, JOURNAL_SUBSCRIBERS, 3 * sizeof(struct fb_subscriber),
       sizeof(struct fb_subscriber));
  next(&rig, JOURNAL_SET, JOURNAL_SUBSCRIPTIONS,
       (FB_MAX_TRACKS + 2) * sizeof(struct fb_subscription), sizeof(struct fb_subscription));
  next(&rig, JOURNAL_CID_SET, 0, 0, sizeof cid + sizeof(struct fb_cid_value));
  next(&rig, JOURNAL_CID_DEL, 0, 0, sizeof cid); /* what failed is not there */
  const struct fb_take *take = next(&rig, JOURNAL_TAKE, 0, 0, sizeof *take);
  assert_int_equal(take->ordinal, 5);
  next(&rig, JOURNAL_REASON, FB_TAKE_OURS, 0, 0);
  next(&rig, JOURNAL_DONE, 0, 0, 0);
  close_rig(&rig);
}

static void words(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig);
  struct plane *plane = &rig.native.plane;
  const size_t second = sizeof(struct fb_counters);
  plane_store(plane, &plane->counters[1].credit, 7);
  plane->counters[1].next_pn = 40; /* a run */
  plane_add(plane, &plane->counters[1].next_pn, 1);
  plane->counters[2].next_pn = 3;
  plane->downs[5].id = 1;
  journal_plane_look(&rig.jp, JOURNAL_COUNTERS);
  journal_plane_look_at(&rig.jp, JOURNAL_DOWNS, 4);
  journal_plane_look_at(&rig.jp, JOURNAL_DOWNS, 5);
  journal_plane_look(&rig.jp, JOURNAL_COUNTERS); /* nothing new */
  assert_int_equal(journal_plane_array(&rig.jp, &plane->objects[1]), JOURNAL_OBJECTS);
  assert_int_equal(journal_plane_array(&rig.jp, plane), JOURNAL_ARRAYS);
  read_rig(&rig);
  const size_t credit = second + offsetof(struct fb_counters, credit);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SET, JOURNAL_COUNTERS, credit, 8), 7);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SEEN, JOURNAL_COUNTERS, second, 8), 40);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SET, JOURNAL_COUNTERS, second, 8), 41);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SEEN, JOURNAL_COUNTERS, 2 * second, 8), 3);
  assert_int_equal(
      *(const uint64_t *)next(&rig, JOURNAL_SEEN, JOURNAL_DOWNS, 5 * sizeof(struct fb_down), 8), 1);
  next(&rig, JOURNAL_END, 0, 0, sizeof(struct journal_end));
  close_rig(&rig);
}

/* Of an array with something in its middle that, to its end; of an empty one that it ends. */
static void what_is_left(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig);
  const struct journal_array *downs = &rig.jp.arrays[JOURNAL_DOWNS];
  const size_t len = downs->n * downs->each;
  rig.dp->downs[2000].id = 1;
  journal_put_whole(&rig.file, JOURNAL_DOWNS, downs, downs->at);
  journal_put_whole(&rig.file, JOURNAL_OBJECTS, &rig.jp.arrays[JOURNAL_OBJECTS],
                    rig.jp.arrays[JOURNAL_OBJECTS].at);
  rig.dp->downs[0].id = 2;
  rig.dp->downs[downs->n - 1].id = 3;
  journal_put_whole(&rig.file, JOURNAL_DOWNS, downs, downs->at);
  read_rig(&rig);
  const size_t piece = 16384, at = 2000 * sizeof(struct fb_down) / piece * piece;
  const uint8_t *bytes = next(&rig, JOURNAL_WHOLE, JOURNAL_DOWNS, at, piece);
  assert_int_equal(((const struct fb_down *)(const void *)(bytes))[2000 - at / 32].id, 1);
  next(&rig, JOURNAL_WHOLE, JOURNAL_DOWNS, len, 0);
  next(&rig, JOURNAL_WHOLE, JOURNAL_OBJECTS, FB_STREAM_SLOTS * sizeof(struct fb_object), 0);
  next(&rig, JOURNAL_WHOLE, JOURNAL_DOWNS, 0, piece);
  next(&rig, JOURNAL_WHOLE, JOURNAL_DOWNS, at, piece);
  next(&rig, JOURNAL_WHOLE, JOURNAL_DOWNS, len - piece, piece);
  next(&rig, JOURNAL_END, 0, 0, sizeof(struct journal_end));
  close_rig(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_and_tables),
      cmocka_unit_test(words),
      cmocka_unit_test(what_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
