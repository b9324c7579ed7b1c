/* Section `tracks`: who publishes what, out of which source. */
#include "bench/scenario/bytes.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"
#include "bench/scenario/trace.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <stdlib.h>
#include <string.h>

/* A path of the file -> absolute path, new memory; a relative one starts at
 * the scenario's folder. */
static char *absolute_path(const struct plan_build *b, const char *path) {
  size_t len = strlen(b->dir) + 1 + strlen(path) + 1;
  char *joined = plan_new(len, 1);
  if (path[0] == '/')
    snprintf(joined, len, "%s", path);
  else
    snprintf(joined, len, "%s/%s", b->dir, path);
  char *real = realpath(joined, NULL);
  if (!real)
    return joined;
  free(joined);
  return real;
}

static uint64_t max_object(const struct plan_track *track) {
  return track->as == PLAN_DATAGRAMS ? PLAN_MAX_DATAGRAM_BYTES : PLAN_MAX_OBJECT_BYTES;
}

static bool read_from(struct plan_build *b, const struct plan_tree *map, struct plan_track *track) {
  struct plan_take from = {b->err, map};
  const struct plan_tree *name = plan_tree_get(map, "from");
  if (!plan_take_must(from, "from", "its publisher") || !plan_resolve_one(b, name, &track->from))
    return false;
  enum plan_role role = b->plan->nodes[track->from].role;
  return role == PLAN_PUBLISHER || role == PLAN_ROGUE ||
         plan_refuse(b->err, name, "expected a publisher or a rogue, found %s, a %s",
                     plan_quote(name->text).text, plan_words_role[role]);
}

/* How objects travel. */
static bool read_form(struct plan_build *b, const struct plan_tree *map, struct plan_track *track) {
  struct plan_take from = {b->err, map};
  int as = 0, subgroup = PLAN_SUBGROUP_GROUP;
  track->layers = 1;
  if (!plan_take_must(from, "as", "datagrams or subgroups") ||
      !plan_take_word(from, "as", plan_words_as, &as) ||
      !plan_take_word(from, "subgroup", plan_words_subgroup, &subgroup) ||
      !plan_take_count32(from, "layers", 1, PLAN_MAX_LAYERS, &track->layers))
    return false;
  track->as = (enum plan_track_as)as;
  track->subgroup = (enum plan_subgroup)subgroup;
  if (as == PLAN_DATAGRAMS && !plan_take_not(from, "subgroup", "datagrams have no subgroups"))
    return false;
  return track->subgroup == PLAN_SUBGROUP_LAYER ||
         plan_take_not(from, "layers", "only 'subgroup: layer' has them");
}

static bool read_trace(struct plan_build *b, const struct plan_tree *map,
                       struct plan_track *track) {
  static const char why[] = "the trace gives it";
  struct plan_take from = {b->err, map};
  const struct plan_tree *name = plan_tree_get(map, "trace");
  if (!plan_take_not(from, "every", why) || !plan_take_not(from, "size", why) ||
      !plan_take_not(from, "group", why) || !plan_take_not(from, "priority", why) ||
      !plan_take_not(from, "file", "a track has one source, and 'trace' is given"))
    return false;
  track->trace_path = absolute_path(b, name->text);
  struct plan_error inner = {0};
  track->trace = plan_trace_load(track->trace_path, max_object(track), &track->n_trace, &inner);
  if (track->trace)
    return true;
  if (inner.line) { /* the trace is wrong, not the scenario */
    plan_error_free(b->err);
    *b->err = inner;
    return false;
  }
  plan_refuse(b->err, name, "expected a frame trace, found %s: %s", plan_quote(name->text).text,
              inner.text);
  plan_error_free(&inner);
  return false;
}

static bool read_file(struct plan_build *b, const struct plan_tree *name,
                      struct plan_track *track) {
  const char *why;
  uint64_t len;
  track->file = absolute_path(b, name->text);
  bool regular = plan_bytes_regular(track->file, &len, &why);
  if (!regular || len == 0)
    return plan_refuse(b->err, name, "expected a file to publish, found %s: %s",
                       plan_quote(name->text).text, regular ? "it is empty" : why);
  if (len / track->size_max >= PLAN_MAX_OBJECTS)
    return plan_refuse(b->err, name, "expected a file of at most %d objects, found more",
                       PLAN_MAX_OBJECTS);
  return true;
}

static bool read_size(struct plan_build *b, const struct plan_tree *map, struct plan_track *track) {
  const struct plan_tree *size = plan_tree_get(map, "size");
  uint64_t most = max_object(track);
  if (!plan_take_must((struct plan_take){b->err, map}, "size", "bytes of an object, N or A..B"))
    return false;
  bool negative = size->text[0] == '-';
  const char *expected =
      plan_unit_range(size->text, plan_unit_size, &track->size_min, &track->size_max);
  if (expected)
    return plan_refuse(b->err, size, "expected %s, found %s",
                       negative ? "a size of at least 0" : expected,
                       *size->text ? plan_quote(size->text).text : "nothing");
  if (track->size_max > most && track->as == PLAN_DATAGRAMS)
    return plan_refuse(b->err, size,
                       "expected at most %llu bytes, what a datagram carries on every path, "
                       "found %s",
                       (unsigned long long)most, plan_quote(size->text).text);
  if (track->size_max > most)
    return plan_refuse(b->err, size, "expected at most %s, found %s",
                       plan_unit_size_text(most).text, plan_quote(size->text).text);
  return true;
}

/* Objects at a steady pace: made up, or cut from a file. */
static bool read_paced(struct plan_build *b, const struct plan_tree *map,
                       struct plan_track *track) {
  struct plan_take from = {b->err, map};
  const struct plan_tree *file = plan_tree_get(map, "file");
  const struct plan_tree *every = plan_tree_get(map, "every");
  uint32_t priority = 128;
  track->group_objects = 25;
  if (!every)
    return plan_refuse(b->err, map,
                       "expected a source: 'every' (an object each), 'file' with 'every', or "
                       "'trace'; found none");
  if (!plan_take_time(from, "every", PLAN_MIN_EVERY_NS, PLAN_MAX_DURATION_NS, &track->every_ns) ||
      !read_size(b, map, track) ||
      !plan_take_count32(from, "group", 1, UINT32_MAX, &track->group_objects) ||
      !plan_take_count32(from, "priority", 0, 255, &priority))
    return false;
  track->priority = (uint8_t)priority;
  uint64_t planned = b->plan->duration_ns / track->every_ns + 1;
  if (track->objects && track->objects < planned)
    planned = track->objects;
  if (planned > PLAN_MAX_OBJECTS)
    return plan_refuse(b->err, every, "expected at most %d objects in %s, found %llu",
                       PLAN_MAX_OBJECTS, plan_unit_time_text(b->plan->duration_ns).text,
                       (unsigned long long)planned);
  if (!file)
    return true;
  if (track->size_min != track->size_max || track->size_max == 0)
    return plan_refuse(b->err, plan_tree_get(map, "size"),
                       "expected one size of at least 1 to cut a file into, found %s",
                       plan_quote(plan_tree_get(map, "size")->text).text);
  return read_file(b, file, track);
}

static bool read_track(struct plan_build *b, const struct plan_tree *key,
                       const struct plan_tree *map) {
  struct plan *plan = b->plan;
  if (!plan_read_name(b, key, "a track", false))
    return false;
  if (plan->n_tracks == PLAN_MAX_TRACKS)
    return plan_refuse(b->err, key, "expected at most %d tracks, found more", PLAN_MAX_TRACKS);
  plan->tracks = plan_grow(plan->tracks, plan->n_tracks, sizeof *plan->tracks);
  struct plan_track *track = &plan->tracks[plan->n_tracks++];
  track->name = plan_copy_text(key->text);
  track->priority = 128;
  track->group_objects = 1;
  if (!read_from(b, map, track) || !read_form(b, map, track) ||
      !plan_take_count((struct plan_take){b->err, map}, "objects", 0, PLAN_MAX_OBJECTS,
                       &track->objects))
    return false;
  return plan_tree_get(map, "trace") ? read_trace(b, map, track) : read_paced(b, map, track);
}

bool plan_read_tracks(struct plan_build *b) {
  const struct plan_tree *tracks = plan_tree_get(b->root, "tracks");
  for (size_t i = 0; tracks && i < tracks->n; i++) {
    if (!read_track(b, tracks->keys[i], tracks->items[i]))
      return false;
  }
  return true;
}
