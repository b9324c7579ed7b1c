#include "bench/report/samples.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Which object: MoQT numbers them within a track, whatever subgroup they are in. */
struct object_key {
  uint64_t track, group, object;
};

struct published {
  struct object_key key;
  size_t of; /* in out->objects */
  UT_hash_handle hh;
};

struct loading {
  const struct plan *plan;
  struct report_samples *out;
  size_t room, objects_room;
  struct published *published;
  int node; /* whose file is read */
};

/* One record of the file, what of it concerns us. */
struct record {
  struct object_key key;
  uint64_t t, size, priority;
};

static bool read_number(const json_t *line, const char *name, uint64_t *n) {
  const json_t *value = json_object_get(line, name);
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return false;
  *n = (uint64_t)json_integer_value(value);
  return true;
}

static int find_track(const struct plan *plan, const char *name) {
  for (size_t i = 0; name && i < plan->n_tracks; i++)
    if (!strcmp(plan->tracks[i].name, name))
      return (int)i;
  return -1;
}

/* When it was ready: what then waited for a stream has waited all the same. */
static bool read_time(const json_t *line, uint64_t *t) {
  uint64_t waited = 0;
  if (!read_number(line, "t", t))
    return false;
  if (read_number(line, "waited", &waited) && waited <= *t)
    *t -= waited;
  return true;
}

static bool read_record(const struct plan *plan, const json_t *line, struct record *rec) {
  int track = find_track(plan, json_string_value(json_object_get(line, "track")));
  if (track < 0)
    return false;
  rec->key.track = (uint64_t)track;
  rec->size = rec->priority = 0;
  read_number(line, "size", &rec->size);
  read_number(line, "priority", &rec->priority);
  return read_time(line, &rec->t) && read_number(line, "group", &rec->key.group) &&
         read_number(line, "object", &rec->key.object);
}

/* Room for one more element behind n; 0, or -1: no memory. */
static int reserve(void **list, size_t n, size_t *room, size_t size) {
  if (n < *room)
    return 0;
  size_t more = *room ? 2 * *room : 1024;
  void *grown = realloc(*list, more * size);
  if (!grown)
    return -1;
  *list = grown;
  *room = more;
  return 0;
}

/* All three return 0, or -1: no memory. */
static int keep_published(struct loading *l, const struct record *rec) {
  struct report_samples *out = l->out;
  struct published *known = NULL;
  HASH_FIND(hh, l->published, &rec->key, sizeof rec->key, known);
  if (known)
    return 0; /* the first one counts */
  known = calloc(1, sizeof *known);
  if (!known)
    return -1;
  if (reserve((void **)&out->objects, out->n_objects, &l->objects_room, sizeof *out->objects)) {
    free(known);
    return -1;
  }
  known->key = rec->key;
  known->of = out->n_objects;
  out->objects[out->n_objects++] = (struct report_object){.track = (int)rec->key.track,
                                                          .group = rec->key.group,
                                                          .object = rec->key.object,
                                                          .published_ns = rec->t,
                                                          .size = rec->size,
                                                          .priority = (uint8_t)rec->priority};
  HASH_ADD(hh, l->published, key, sizeof known->key, known);
  return 0;
}

static int keep_delivered(struct loading *l, const struct record *rec) {
  struct report_samples *out = l->out;
  struct published *from = NULL;
  HASH_FIND(hh, l->published, &rec->key, sizeof rec->key, from);
  uint64_t published = from ? out->objects[from->of].published_ns : 0;
  if (!from || rec->t < published) {
    *(from ? &out->backwards : &out->unpublished) += 1;
    return 0;
  }
  if (reserve((void **)&out->list, out->n, &l->room, sizeof *out->list))
    return -1;
  out->list[out->n++] = (struct report_sample){.node = l->node,
                                               .track = (int)rec->key.track,
                                               .group = rec->key.group,
                                               .object = rec->key.object,
                                               .published_ns = published,
                                               .latency_ns = rec->t - published,
                                               .of = from->of};
  return 0;
}

static int keep_start(struct loading *l, const json_t *line) {
  struct report_samples *out = l->out;
  int track = find_track(l->plan, json_string_value(json_object_get(line, "track")));
  const json_t *largest = json_array_get(json_object_get(line, "largest"), 0);
  if (track < 0)
    return 0;
  for (size_t i = 0; i < out->n_starts; i++)
    if (out->starts[i].node == l->node && out->starts[i].track == track)
      return 0;
  struct report_start *grown = realloc(out->starts, (out->n_starts + 1) * sizeof *grown);
  if (!grown)
    return -1;
  out->starts = grown;
  out->starts[out->n_starts++] =
      (struct report_start){.node = l->node,
                            .track = track,
                            .group = largest ? (uint64_t)json_integer_value(largest) + 1 : 0};
  return 0;
}

static int read_line(struct loading *l, const char *text, size_t len, const char *event) {
  json_t *line = json_loadb(text, len, 0, NULL);
  const char *ev = json_string_value(json_object_get(line, "ev"));
  struct record rec;
  int rc = 0;
  if (!ev)
    l->out->unreadable++;
  else if (!strcmp(ev, "subscribed"))
    rc = keep_start(l, line);
  else if (!strcmp(ev, event) && !read_record(l->plan, line, &rec))
    l->out->unreadable++;
  else if (!strcmp(ev, event))
    rc = !strcmp(event, "published") ? keep_published(l, &rec) : keep_delivered(l, &rec);
  json_decref(line);
  return rc;
}

/* Reads the `event` records of one endpoint. */
static int read_file(struct loading *l, const char *dir, const char *event) {
  const char *name = l->plan->nodes[l->node].file_name;
  char *path = NULL, *text = NULL;
  size_t room = 0, path_room = strlen(dir) + strlen(name) + sizeof "/-objects.jsonl";
  ssize_t len;
  int rc = -1;
  FILE *from = NULL;
  if (!(path = malloc(path_room)))
    goto out;
  snprintf(path, path_room, "%s/%s-objects.jsonl", dir, name);
  from = fopen(path, "r");
  if (!from) {
    l->out->missing += errno == ENOENT;
    rc = errno == ENOENT ? 0 : -1;
    goto out;
  }
  while ((len = getline(&text, &room, from)) >= 0)
    if (read_line(l, text, (size_t)len, event) < 0)
      goto out;
  rc = ferror(from) ? -1 : 0;
out:
  if (from)
    fclose(from);
  free(text);
  free(path);
  return rc;
}

static bool publishes(const struct plan *plan, int node) {
  for (size_t i = 0; i < plan->n_tracks; i++)
    if (plan->tracks[i].from == node)
      return true;
  return plan->nodes[node].role == PLAN_PUBLISHER;
}

static bool subscribes(const struct plan *plan, int node) {
  for (size_t i = 0; i < plan->n_subscriptions; i++)
    if (plan->subscriptions[i].who == node)
      return true;
  return plan->nodes[node].role == PLAN_SUBSCRIBER;
}

int report_samples_load(const char *dir, const struct plan *plan, struct report_samples *samples) {
  struct loading l = {.plan = plan, .out = samples};
  int rc = 0;
  *samples = (struct report_samples){0};
  for (l.node = 0; !rc && l.node < (int)plan->n_nodes; l.node++)
    if (publishes(plan, l.node))
      rc = read_file(&l, dir, "published");
  for (l.node = 0; !rc && l.node < (int)plan->n_nodes; l.node++)
    if (subscribes(plan, l.node))
      rc = read_file(&l, dir, "delivered");
  int why = errno;
  struct published *at = NULL, *next = NULL;
  HASH_ITER(hh, l.published, at, next) {
    HASH_DEL(l.published, at);
    free(at);
  }
  if (rc)
    report_samples_free(samples);
  errno = why;
  return rc;
}

void report_samples_free(struct report_samples *samples) {
  free(samples->list);
  free(samples->objects);
  free(samples->starts);
  *samples = (struct report_samples){0};
}
