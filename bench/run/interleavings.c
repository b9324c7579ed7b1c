#include "bench/run/interleavings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const actors[] = {[NEST_DATAPATH] = "datapath", [NEST_RELAY] = "relay"};

int interleavings_write(const char *dir, const struct plan *plan, const struct nest_list *list,
                        char *err, size_t err_len) {
  char *path = NULL;
  FILE *to = NULL;
  if (asprintf(&path, "%s/" INTERLEAVINGS_FILE, dir) >= 0)
    to = fopen(path, "we");
  for (size_t i = 0; to != NULL && i < list->n; i++) {
    const struct nest_step *step = &list->steps[i];
    fprintf(to,
            "{\"node\":\"%s\",\"life\":%" PRIu32 ",\"access\":%" PRIu64
            ",\"within\":\"%s\",\"ran\":\"%s\"}\n",
            plan->nodes[step->node].name, step->life, step->access, actors[step->within],
            actors[step->ran]);
  }
  const bool whole = to != NULL && !list->failed && !ferror(to);
  if ((to == NULL || fclose(to) == 0) && whole) {
    free(path);
    return 0;
  }
  snprintf(err, err_len, "cannot write %s/" INTERLEAVINGS_FILE ": %s", dir,
           list->failed ? "no memory for all of them" : strerror(errno));
  free(path);
  return -1;
}

static bool read_actor(const json_t *line, const char *key, enum nest_actor *actor) {
  const char *text = json_string_value(json_object_get(line, key));
  *actor = text != NULL && strcmp(text, actors[NEST_RELAY]) == 0 ? NEST_RELAY : NEST_DATAPATH;
  return text != NULL && strcmp(text, actors[*actor]) == 0;
}

/* NULL, or what was expected. */
static const char *read_step(const json_t *line, const struct plan *plan, struct nest_step *step) {
  const char *node = json_string_value(json_object_get(line, "node"));
  const json_t *life = json_object_get(line, "life"), *access = json_object_get(line, "access");
  step->node = node != NULL ? plan_node_find(plan, node) : -1;
  if (step->node < 0 || plan->nodes[step->node].role != PLAN_RELAY)
    return "a relay of the scenario in \"node\"";
  if (!json_is_integer(life) || json_integer_value(life) < 1 ||
      json_integer_value(life) > UINT32_MAX)
    return "a number from 1 in \"life\"";
  if (!json_is_integer(access) || json_integer_value(access) < 0)
    return "a number in \"access\"";
  step->life = (uint32_t)json_integer_value(life);
  step->access = (uint64_t)json_integer_value(access);
  if (!read_actor(line, "within", &step->within) || !read_actor(line, "ran", &step->ran))
    return "\"datapath\" or \"relay\" in \"within\" and \"ran\"";
  return NULL;
}

int interleavings_read(const char *path, const struct plan *plan, struct nest_list *list, char *err,
                       size_t err_len) {
  char *line = NULL;
  const char *expected = NULL;
  size_t room = 0, number = 0;
  FILE *from = fopen(path, "re");
  if (from == NULL) {
    snprintf(err, err_len,
             "--interleave: expected a number or the interleavings.jsonl of a run, "
             "found %s: %s",
             path, strerror(errno));
    return -1;
  }
  while (expected == NULL && getline(&line, &room, from) > 0) {
    struct nest_step step = {0};
    json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    number++;
    expected = json_is_object(o) ? read_step(o, plan, &step) : "a JSON object";
    json_decref(o);
    if (expected == NULL)
      nest_list_add(list, &step);
  }
  if (expected == NULL && ferror(from))
    expected = "a file that can be read";
  if (expected == NULL && list->failed)
    expected = "a list that fits the memory";
  if (expected != NULL)
    snprintf(err, err_len, "%s:%zu: expected %s", path, number, expected);
  free(line);
  fclose(from);
  return expected == NULL ? 0 : -1;
}
