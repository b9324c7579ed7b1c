#include "bench/peer/source.h"

#include <stdlib.h>
#include <string.h>

struct source_row {
  uint64_t object;
  uint8_t priority; /* that the object carries */
  bool group_last, subgroup_first, subgroup_last, subgroup_has_end;
};

/* ---- frame trace ------------------------------------------------------------------ */

static uint64_t row_subgroup(const struct plan_track *track, const struct source_row *row) {
  switch (track->subgroup) {
  case PLAN_SUBGROUP_OBJECT:
    return row->object;
  case PLAN_SUBGROUP_LAYER:
    return row->priority;
  default:
    return 0;
  }
}

/* Rows [from, to) are one group. */
static void link_group(const struct plan_track *track, struct source_row *rows, uint64_t from,
                       uint64_t to) {
  const bool own = track->subgroup == PLAN_SUBGROUP_OBJECT;
  uint64_t last_of[256] = {0}; /* by priority, as a subgroup of a layer */
  bool seen[256] = {false};
  for (uint64_t i = from; i < to; i++) {
    struct source_row *row = &rows[i];
    row->object = i - from;
    row->priority = track->trace[i].priority;
    if (track->as == PLAN_SUBGROUPS && track->subgroup == PLAN_SUBGROUP_GROUP)
      row->priority = track->trace[from].priority;
    row->subgroup_first = own || !seen[row->priority];
    seen[row->priority] = true;
    last_of[row->priority] = i;
  }
  rows[to - 1].group_last = true;
  for (uint64_t i = from; i < to; i++) {
    rows[i].subgroup_last = own || last_of[rows[i].priority] == i;
    rows[i].subgroup_has_end = own ? i == to - 1 : rows[i].priority == rows[to - 1].priority;
  }
}

static int init_trace(struct source *source) {
  const struct plan_track *track = source->track;
  uint64_t n = 0;
  while (n < track->n_trace && track->trace[n].time_ns < source->plan->duration_ns)
    n++;
  source->count = n;
  source->rows = calloc(n + 1, sizeof *source->rows);
  if (!source->rows)
    return -1;
  return 0;
}

static void link_trace(struct source *source) {
  const struct plan_trace_row *trace = source->track->trace;
  uint64_t from = 0;
  for (uint64_t i = 1; i <= source->count; i++)
    if (i == source->count || trace[i].group != trace[from].group) {
      link_group(source->track, source->rows, from, i);
      from = i;
    }
}

static void get_row(const struct source *source, uint64_t n, struct source_object *out) {
  const struct plan_trace_row *trace = &source->track->trace[n];
  const struct source_row *row = &source->rows[n];
  *out = (struct source_object){
      .due_ns = trace->time_ns,
      .group = trace->group,
      .object = row->object,
      .subgroup = row_subgroup(source->track, row),
      .size = trace->size,
      .priority = row->priority,
      .group_last = row->group_last,
      .subgroup_first = row->subgroup_first,
      .subgroup_last = row->subgroup_last,
      .subgroup_has_end = row->subgroup_has_end,
  };
}

/* ---- a steady pace: synthetic or file ------------------------------------------------ */

/* The finaliser of SplitMix64; sizes must not depend on the objects before. */
static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static uint64_t synthetic_size(const struct source *source, uint64_t n) {
  const struct plan_track *track = source->track;
  const uint64_t span = track->size_max - track->size_min;
  uint64_t key = source->plan->seed;
  if (span == 0)
    return track->size_min;
  for (const char *c = track->name; *c; c++)
    key = mix(key ^ (unsigned char)*c) + 0x9e3779b97f4a7c15u;
  return track->size_min + mix(key + n * 0x9e3779b97f4a7c15u) % (span + 1);
}

static uint64_t file_size(const struct source *source, uint64_t n) {
  const uint64_t at = n * source->track->size_max;
  const uint64_t left = source->file_len - at;
  return left < source->track->size_max ? left : source->track->size_max;
}

static void get_paced(const struct source *source, uint64_t n, struct source_object *out) {
  const struct plan_track *track = source->track;
  const uint64_t group = n / track->group_objects, object = n % track->group_objects;
  const uint64_t left = source->count - group * track->group_objects;
  const uint64_t last = (left < track->group_objects ? left : track->group_objects) - 1;
  uint64_t layers = 1;
  *out = (struct source_object){
      .due_ns = n * track->every_ns,
      .group = group,
      .object = object,
      .size = source->file ? file_size(source, n) : synthetic_size(source, n),
      .priority = track->priority,
      .group_last = object == last,
  };
  if (track->as == PLAN_SUBGROUPS && track->subgroup == PLAN_SUBGROUP_OBJECT) {
    out->subgroup = object;
    out->subgroup_first = out->subgroup_last = true;
    out->subgroup_has_end = object == last;
    return;
  }
  if (track->subgroup == PLAN_SUBGROUP_LAYER)
    layers = track->layers;
  out->subgroup = object % layers;
  if (out->subgroup > (uint64_t)(UINT8_MAX - track->priority))
    out->priority = UINT8_MAX;
  else
    out->priority = (uint8_t)(track->priority + out->subgroup);
  out->subgroup_first = object < layers;
  out->subgroup_last = object + layers > last;
  out->subgroup_has_end = last % layers == out->subgroup;
}

/* ---- all ---------------------------------------------------------------------------------- */

int source_init(struct source *source, const struct plan *plan, const struct plan_track *track,
                const uint8_t *file, size_t file_len) {
  *source = (struct source){.plan = plan, .track = track, .file = file, .file_len = file_len};
  if (track->trace) {
    if (init_trace(source))
      return -1;
  } else if (file)
    source->count = (file_len + track->size_max - 1) / track->size_max;
  else
    source->count = (plan->duration_ns + track->every_ns - 1) / track->every_ns;
  if (track->objects && track->objects < source->count)
    source->count = track->objects;
  if (track->trace)
    link_trace(source);
  return 0;
}

void source_free(struct source *source) {
  free(source->rows);
  source->rows = NULL;
}

void source_get(const struct source *source, uint64_t n, struct source_object *out) {
  if (source->rows)
    get_row(source, n, out);
  else
    get_paced(source, n, out);
}

uint64_t source_group_start(const struct source *source, uint64_t n) {
  const uint64_t size = source->track->group_objects;
  if (source->rows)
    while (n < source->count && source->rows[n].object != 0)
      n++;
  else
    n = (n + size - 1) / size * size;
  return n < source->count ? n : source->count;
}

uint64_t source_due_from(const struct source *source, uint64_t due_ns) {
  uint64_t low = 0, high = source->count;
  if (!source->rows)
    low = (due_ns + source->track->every_ns - 1) / source->track->every_ns;
  else
    while (low < high) {
      const uint64_t mid = low + (high - low) / 2;
      if (source->track->trace[mid].time_ns < due_ns)
        low = mid + 1;
      else
        high = mid;
    }
  return low < source->count ? low : source->count;
}

void source_fill(const struct source *source, const struct source_object *object, uint8_t *buf) {
  if (source->file) {
    const uint64_t n = object->group * source->track->group_objects + object->object;
    memcpy(buf, source->file + n * source->track->size_max, object->size);
  } else
    plan_object_fill(source->plan, source->track, object->group, object->object, buf, object->size);
}
