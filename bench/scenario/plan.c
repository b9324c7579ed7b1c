#include "bench/scenario/plan.h"

#include "bench/scenario/bytes.h"
#include "bench/scenario/impairs.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/override.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/schema.h"
#include "bench/scenario/section.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

/* The copy of a scenario in a run directory has this name, whatever it is of. */
static const char run_dir_name[] = "scenario.yaml";

/* A scenario is called as its file, so that a report's name finds it again. */
static bool check_name(struct plan_build *b, const struct plan_tree *name) {
  const char *slash = strrchr(b->plan->path, '/');
  const char *base = slash ? slash + 1 : b->plan->path;
  size_t len = strlen(base);
  if (len > 5 && strcmp(base + len - 5, ".yaml") == 0)
    len -= 5;
  else if (len > 4 && strcmp(base + len - 4, ".yml") == 0)
    len -= 4;
  if (!plan_read_name(b, name, "the scenario", true))
    return false;
  if (strcmp(base, run_dir_name) == 0 ||
      (strlen(name->text) == len && strncmp(base, name->text, len) == 0))
    return true;
  return plan_refuse(b->err, name, "expected '%.*s', the name of the file, found %s", (int)len,
                     base, plan_quote(name->text).text);
}

static bool read_modes(struct plan_build *b) {
  const struct plan_tree *modes = plan_tree_get(b->root, "modes");
  struct plan *plan = b->plan;
  plan->mode_live = plan->mode_sim = !modes;
  if (modes && modes->n == 0)
    return plan_refuse(b->err, modes, "expected live, sim or both, found none");
  for (size_t i = 0; modes && i < modes->n; i++) {
    int mode = 0;
    if (!plan_word_of(b->err, modes->items[i], plan_words_mode, &mode))
      return false;
    bool *flag = mode == 0 ? &plan->mode_live : &plan->mode_sim;
    if (*flag)
      return plan_refuse(b->err, modes->items[i], "expected each mode once, found %s again",
                         plan_quote(modes->items[i]->text).text);
    *flag = true;
  }
  return true;
}

static bool read_top(struct plan_build *b) {
  struct plan *plan = b->plan;
  struct plan_take from = {b->err, b->root};
  const struct plan_tree *about = plan_tree_get(b->root, "about");
  plan->seed = 1;
  plan->drain_ns = 5 * PLAN_SECOND_NS;
  if (!plan_take_must(from, "scenario", "its name") ||
      !check_name(b, plan_tree_get(b->root, "scenario")))
    return false;
  plan->name = plan_copy_text(plan_tree_get(b->root, "scenario")->text);
  plan->about = plan_copy_text(about ? about->text : "");
  return plan_take_count(from, "seed", 0, UINT64_MAX, &plan->seed) &&
         plan_take_must(from, "duration", "how long is published") &&
         plan_take_time(from, "duration", 1, PLAN_MAX_DURATION_NS, &plan->duration_ns) &&
         plan_take_time(from, "drain", 0, PLAN_MAX_DURATION_NS, &plan->drain_ns) &&
         plan_take_count32(from, "interleave", 0, PLAN_MAX_INTERLEAVE, &plan->interleave) &&
         read_modes(b);
}

static bool read_sections(struct plan_build *b) {
  return read_top(b) && plan_read_nodes(b) && plan_read_links(b) && plan_read_tracks(b) &&
         plan_read_subscriptions(b) && plan_read_events(b) && plan_read_expects(b);
}

static struct plan *build(const struct plan_tree *root, const char *path, struct plan_error *err) {
  struct plan_build b = {.plan = plan_new(1, sizeof *b.plan), .err = err, .root = root};
  char *copy;
  b.plan->path = realpath(path, NULL);
  if (!b.plan->path)
    b.plan->path = plan_copy_text(path);
  copy = plan_copy_text(b.plan->path);
  b.dir = dirname(copy);
  if (!read_sections(&b)) {
    plan_free(b.plan);
    b.plan = NULL;
  }
  plan_pairs_free(b.pairs);
  free(copy);
  return b.plan;
}

static struct plan *parse(const char *bytes, size_t len, const char *path,
                          const struct plan_override *sets, size_t n_sets, struct plan_error *err) {
  struct plan *plan = NULL;
  struct plan_tree *root = plan_tree_parse(bytes, len, err);
  bool ok = root && plan_schema_check(&plan_schema_scenario, root, err);
  for (size_t i = 0; i < n_sets && ok; i++)
    ok = plan_override_apply(root, &sets[i], err);
  if (ok)
    plan = build(root, path, err);
  plan_tree_free(root);
  if (plan)
    plan_error_free(err);
  return plan;
}

struct plan *plan_parse(const char *bytes, size_t len, const char *path,
                        const struct plan_override *sets, size_t n_sets, struct plan_error *err) {
  *err = (struct plan_error){0};
  plan_error_set_file(err, path);
  if (len <= PLAN_MAX_FILE_BYTES)
    return parse(bytes, len, path, sets, n_sets, err);
  plan_refuse_at(err, 0, 0, "expected at most %u bytes, found %zu", PLAN_MAX_FILE_BYTES, len);
  return NULL;
}

struct plan *plan_load(const char *path, const struct plan_override *sets, size_t n_sets,
                       struct plan_error *err) {
  size_t len;
  *err = (struct plan_error){0};
  plan_error_set_file(err, path);
  char *bytes = plan_bytes_read(path, PLAN_MAX_FILE_BYTES, &len, err);
  if (!bytes)
    return NULL;
  struct plan *plan = parse(bytes, len, path, sets, n_sets, err);
  free(bytes);
  return plan;
}

static void free_texts(char **texts, size_t n) {
  for (size_t i = 0; i < n; i++)
    free(texts[i]);
  free(texts);
}

static void free_network(struct plan *plan) {
  for (size_t i = 0; i < plan->n_nodes; i++) {
    free(plan->nodes[i].name);
    free(plan->nodes[i].file_name);
    free(plan->nodes[i].group);
    free(plan->nodes[i].policy);
  }
  free(plan->nodes);
  for (size_t i = 0; i < plan->n_links; i++) {
    plan_faults_free(plan->links[i].forward_faults, plan->links[i].n_forward_faults);
    plan_faults_free(plan->links[i].backward_faults, plan->links[i].n_backward_faults);
  }
  free(plan->links);
}

static void free_media(struct plan *plan) {
  for (size_t i = 0; i < plan->n_tracks; i++) {
    free(plan->tracks[i].name);
    free(plan->tracks[i].trace);
    free(plan->tracks[i].trace_path);
    free(plan->tracks[i].file);
  }
  free(plan->tracks);
  for (size_t i = 0; i < plan->n_subscriptions; i++)
    free(plan->subscriptions[i].tracks);
  free(plan->subscriptions);
  for (size_t i = 0; i < plan->n_events; i++)
    free(plan->events[i].tracks);
  free(plan->events);
}

uint64_t plan_defect_number(const struct plan_defect *defect) {
  uint64_t number = 0;
  if (defect->value && plan_unit_count(defect->value, &number))
    plan_unit_time(defect->value, &number);
  return number;
}

static void free_expectations(struct plan *plan) {
  for (size_t i = 0; i < plan->n_defects; i++) {
    free(plan->defects[i].name);
    free(plan->defects[i].value);
  }
  free(plan->defects);
  for (size_t i = 0; i < plan->n_expects; i++) {
    free(plan->expects[i].check);
    free(plan->expects[i].skip_reason);
  }
  free(plan->expects);
  free_texts(plan->convict, plan->n_convict);
  free_texts(plan->also, plan->n_also);
  for (size_t i = 0; i < plan->n_closes; i++)
    free(plan->closes[i].error);
  free(plan->closes);
  for (size_t i = 0; i < plan->n_examined; i++)
    free(plan->examined[i].check);
  free(plan->examined);
  free(plan->figures);
}

void plan_free(struct plan *plan) {
  if (!plan)
    return;
  free_network(plan);
  free_media(plan);
  free_expectations(plan);
  free(plan->path);
  free(plan->name);
  free(plan->about);
  free(plan);
}

int plan_node_find(const struct plan *plan, const char *name) {
  for (size_t i = 0; i < plan->n_nodes; i++) {
    if (strcmp(plan->nodes[i].name, name) == 0)
      return (int)i;
  }
  return -1;
}

unsigned plan_relay_level(const struct plan *plan, int node) {
  unsigned level = 0;
  for (int at = plan->nodes[node].relay; at >= 0; at = plan->nodes[at].relay)
    level++;
  return level;
}

unsigned plan_relay_levels(const struct plan *plan) {
  unsigned most = 0;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    const unsigned level = plan->nodes[i].role == PLAN_RELAY ? plan_relay_level(plan, (int)i) : 0;
    most = level > most ? level : most;
  }
  return most;
}

enum plan_role plan_part(const struct plan *plan, int node) {
  if (plan->nodes[node].role != PLAN_ROGUE)
    return plan->nodes[node].role;
  for (size_t i = 0; i < plan->n_tracks; i++)
    if (plan->tracks[i].from == node)
      return PLAN_PUBLISHER;
  return PLAN_SUBSCRIBER;
}

int plan_track_find(const struct plan *plan, const char *name) {
  for (size_t i = 0; i < plan->n_tracks; i++) {
    if (strcmp(plan->tracks[i].name, name) == 0)
      return (int)i;
  }
  return -1;
}
