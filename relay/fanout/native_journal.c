#include "relay/fanout/native_journal.h"

#include <stdlib.h>
#include <string.h>

#include "relay/fanout/journal_plane.h"

/* An element that the run may have changed. */
struct place {
  uint32_t array;
  size_t element;
};

struct native_journal {
  struct journal_file file;
  struct journal_plane user_space;
  struct dp_native *dp;
  dp_native_emit_fn *emit; /* whose place it has */
  void *emit_user;
  dp_native_access_fn *access;
  void *access_user;
  struct place *touched; /* since the last look */
  size_t n_touched, room;
  /* Of runs that have begun, the innermost last: its accesses so far. */
  uint64_t accesses[JOURNAL_OPEN_RUNS];
  unsigned open;
};

/* ---- runs ----------------------------------------------------------------------------------- */

/* Elements of these are many, and hooked at each access; statistics are not, they lie in the
 * others. */
static bool is_large(uint32_t array) {
  return array == JOURNAL_STREAMS || array == JOURNAL_DOWNS || array == JOURNAL_OBJECTS;
}

static void touch(struct native_journal *j, uint32_t array, size_t element) {
  if (j->n_touched == j->room) {
    struct place *grown = realloc(j->touched, (j->room * 2 + 64) * sizeof *grown);
    if (grown == NULL) {
      j->file.count.lost++;
      return;
    }
    j->touched = grown;
    j->room = j->room * 2 + 64;
  }
  j->touched[j->n_touched++] = (struct place){array, element};
}

/* What the run changes here it changes when others, whom the hook may let run, are through. */
static void on_access(void *user, const volatile void *word) {
  struct native_journal *j = user;
  const uint8_t *at = (const uint8_t *)word;
  const uint32_t array = journal_plane_array(&j->user_space, at);
  j->accesses[j->open - 1]++;
  if (j->access != NULL)
    j->access(j->access_user, word);
  if (is_large(array)) {
    const struct journal_array *a = &j->user_space.arrays[array];
    touch(j, array, (size_t)(at - a->at) / a->each);
  }
}

static void look(struct native_journal *j) {
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (!is_large(id))
      journal_plane_look(&j->user_space, id);
  for (size_t i = 0; i < j->n_touched; i++)
    journal_plane_look_at(&j->user_space, j->touched[i].array, j->touched[i].element);
  j->n_touched = 0;
}

static void begin_run(void *arg) {
  struct native_journal *j = arg;
  j->accesses[j->open++] = 0;
}

static void end_run(void *arg) {
  struct native_journal *j = arg;
  look(j);
  j->open--;
}

static const struct journal_plane_ops hooks = {.take_begins = begin_run, .take_ends = end_run};

void native_journal_stop(struct native_journal *j) {
  if (j == NULL)
    return;
  look(j);
  const uint64_t access = j->accesses[j->open - 1] - 1;
  journal_put(&j->file, &(struct journal_item){.kind = JOURNAL_STOP, .offset = access}, NULL);
}

void native_journal_go(struct native_journal *j) {
  if (j != NULL)
    journal_put_mark(&j->file, JOURNAL_GO, 0);
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

static void put_whole(struct native_journal *j) {
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++)
    if (j->user_space.known[id] != NULL)
      journal_put_whole(&j->file, id, &j->user_space.arrays[id], j->user_space.arrays[id].at);
}

static void put_frame(struct native_journal *j, const void *frame, size_t len, uint64_t now_ns) {
  if (j->open == 0 && journal_file_fills(&j->file)) {
    put_whole(j);
    j->file.full = true;
  }
  journal_put_frame(&j->file, j->file.count.runs + 1, frame, len, now_ns);
  begin_run(j);
}

static enum fb_packet_reason put_outcome(struct native_journal *j, enum fb_packet_reason reason) {
  journal_put_mark(&j->file, JOURNAL_REASON, reason);
  end_run(j);
  journal_put_mark(&j->file, JOURNAL_DONE, 0);
  return reason;
}

enum fb_packet_reason native_journal_frame(struct native_journal *j, struct dp_native *dp,
                                           const uint8_t *frame, size_t len, uint64_t now_ns,
                                           unsigned cpu) {
  if (j == NULL)
    return dp_native_frame(dp, frame, len, false, now_ns, cpu);
  put_frame(j, frame, len, now_ns);
  return put_outcome(j, dp_native_frame(dp, frame, len, false, now_ns, cpu));
}

enum fb_packet_reason native_journal_packet(struct native_journal *j, struct dp_native *dp,
                                            const struct fb_path *path, const uint8_t *payload,
                                            size_t len, uint64_t now_ns, unsigned cpu) {
  uint8_t made[DP_NATIVE_WRAPPED];
  if (j == NULL)
    return dp_native_packet(dp, path, payload, len, now_ns, cpu);
  struct fb_path from = {
      .local_port = path->remote_port, .remote_port = path->local_port, .family = path->family};
  memcpy(from.local_addr, path->remote_addr, sizeof from.local_addr);
  memcpy(from.remote_addr, path->local_addr, sizeof from.remote_addr);
  /* What is too long is so by a byte, too. */
  const size_t kept = len <= FB_MAX_PAYLOAD ? len : FB_MAX_PAYLOAD + 1;
  put_frame(j, made, dp_native_wrap(&from, payload, kept, made), now_ns);
  return put_outcome(j, dp_native_packet(dp, path, payload, len, now_ns, cpu));
}

/* ---- begin and end ----------------------------------------------------------------------------- */

struct native_journal *native_journal_open(const struct journal_place *place, struct dp_native *dp,
                                           struct plane *plane, enum journal_by by, bool stops) {
  struct native_journal *j = calloc(1, sizeof *j);
  if (j == NULL)
    return NULL;
  j->dp = dp;
  journal_arrays(dp, j->user_space.arrays);
  struct journal_head head = {
      .policy = dp->policy, .by = by, .stops = stops, .sizes = dp->sizes, .defects = dp->defects};
  if (!journal_file_open(&j->file, place, &head)) {
    free(j);
    return NULL;
  }
  if (!journal_plane_open(&j->user_space, &j->file, plane, dp->sizes.tracks, &hooks, j)) {
    journal_file_close(&j->file);
    free(j);
    return NULL;
  }
  j->emit = dp->emit;
  j->emit_user = dp->emit_user;
  j->access = dp->access;
  j->access_user = dp->access_user;
  dp_native_on_emit(dp, on_emit, j);
  dp_native_on_access(dp, on_access, j);
  return j;
}

void native_journal_write(struct native_journal *j) {
  if (j != NULL)
    fflush(j->file.to); /* an error stays with the stream */
}

bool native_journal_close(struct native_journal *j) {
  if (j == NULL)
    return true;
  dp_native_on_emit(j->dp, j->emit, j->emit_user);
  dp_native_on_access(j->dp, j->access, j->access_user);
  put_whole(j);
  journal_plane_close(&j->user_space);
  const bool good = journal_file_close(&j->file);
  free(j->touched);
  free(j);
  return good;
}
