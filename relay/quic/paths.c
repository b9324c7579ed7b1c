#include "relay/quic/paths.h"

#include <string.h>

#define AMPLIFICATION 3

static struct paths_item *find(const struct paths *paths, const struct qc_path *path) {
  for (size_t i = 0; i < paths->n; i++) {
    const struct paths_item *item = &paths->items[i];
    if (qc_addr_equal(&item->path.remote, &path->remote) &&
        qc_addr_equal(&item->path.local, &path->local))
      return (struct paths_item *)(uintptr_t)item;
  }
  return NULL;
}

static bool is_older(const struct paths_item *a, const struct paths_item *b) {
  return a->proven != b->proven ? !a->proven : a->used < b->used;
}

/* An entry to write over: of those not validated the one unused for longest, then of the others. */
static struct paths_item *oldest(struct paths *paths, const struct paths_item *keep) {
  struct paths_item *old = NULL;

  for (size_t i = 0; i < PATHS_MAX; i++) {
    struct paths_item *item = &paths->items[i];
    if (item != keep && (!old || is_older(item, old)))
      old = item;
  }
  return old;
}

void paths_came(struct paths *paths, const struct qc_path *path, const struct qc_path *now,
                size_t len) {
  struct paths_item *item = find(paths, path);

  if (!item) {
    item = paths->n < PATHS_MAX ? &paths->items[paths->n++] : oldest(paths, find(paths, now));
    *item = (struct paths_item){.path = *path};
  }
  item->in += len;
  item->used = ++paths->calls;
}

void paths_asked(struct paths *paths, const struct qc_path *path) {
  struct paths_item *item = find(paths, path);

  if (item && item->asked < UINT8_MAX)
    item->asked++;
}

void paths_answered(struct paths *paths, const uint8_t challenge[PATHS_CHALLENGE_LEN]) {
  for (size_t i = 0; i < paths->n; i++) {
    struct paths_item *item = &paths->items[i];
    for (size_t k = 0; k < item->n_challenges; k++)
      if (memcmp(item->challenges[k], challenge, PATHS_CHALLENGE_LEN) == 0)
        item->proven = true;
  }
}

void paths_prove(struct paths *paths, const struct qc_path *path) {
  struct paths_item *item = find(paths, path);

  if (item)
    item->proven = true;
}

bool paths_all_proven(const struct paths *paths) {
  for (size_t i = 0; i < paths->n; i++)
    if (!paths->items[i].proven)
      return false;
  return true;
}

static size_t left(const struct paths_item *item) {
  const uint64_t most = AMPLIFICATION * item->in;

  if (item->proven)
    return SIZE_MAX;
  return most > item->out ? (size_t)(most - item->out) : 0;
}

size_t paths_left(const struct paths *paths, const struct qc_path *now) {
  const struct paths_item *current = find(paths, now);
  size_t least = current ? left(current) : 0;

  for (size_t i = 0; i < paths->n; i++)
    if (paths->items[i].asked && left(&paths->items[i]) < least)
      least = left(&paths->items[i]);
  return least;
}

void paths_went(struct paths *paths, const struct qc_path *path, size_t len) {
  struct paths_item *item = find(paths, path);

  if (!item)
    return;
  item->out += len;
  item->used = ++paths->calls;
  if (item->asked)
    item->asked--;
}

void paths_challenged(struct paths *paths, const struct qc_path *path,
                      const uint8_t challenge[PATHS_CHALLENGE_LEN]) {
  struct paths_item *item = find(paths, path);

  if (!item)
    return;
  if (item->n_challenges == PATHS_CHALLENGES) { /* the oldest goes */
    memmove(item->challenges[0], item->challenges[1],
            sizeof(item->challenges) - PATHS_CHALLENGE_LEN);
    item->n_challenges--;
  }
  memcpy(item->challenges[item->n_challenges++], challenge, PATHS_CHALLENGE_LEN);
}
