#include "bench/scenario/sweep.h"

#include "bench/scenario/bytes.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/schema.h"
#include "bench/scenario/take.h"
#include "bench/scenario/unit.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

static const struct plan_schema scalar = {.kind = PLAN_TREE_SCALAR, .what = "a single value"};
static const struct plan_schema scalars = {
    .kind = PLAN_TREE_LIST, .what = "a list of values", .item = &scalar};
static const struct plan_schema vary = {
    .kind = PLAN_TREE_MAP, .what = "a mapping of PATH: [values]", .item = &scalars};
static const struct plan_schema_key sweep_keys[] = {{"scenario", &scalar}, {"seeds", &scalar},
                                                    {"vary", &vary},       {"on_time", &scalar},
                                                    {"who", &scalars},     {NULL, NULL}};
static const struct plan_schema sweep_schema = {
    .kind = PLAN_TREE_MAP, .what = "a sweep", .keys = sweep_keys};

struct reading {
  struct plan_sweep *sweep;
  const struct plan_tree *root;
  struct plan_error *err;
};

/* ---- the file ------------------------------------------------------------------- */

static char *beside(const char *file, const char *name) {
  char *copy = plan_copy_text(file);
  const char *dir = dirname(copy);
  size_t room = strlen(dir) + strlen(name) + 2;
  char *path = plan_new(room, 1);
  if (name[0] == '/' || strcmp(dir, ".") == 0)
    snprintf(path, room, "%s", name);
  else
    snprintf(path, room, "%s/%s", dir, name);
  free(copy);
  return path;
}

static char *stem(const char *file) {
  const char *slash = strrchr(file, '/');
  char *name = plan_copy_text(slash ? slash + 1 : file);
  char *dot = strrchr(name, '.');
  if (dot && dot != name)
    *dot = '\0';
  return name;
}

static bool read_seeds(struct reading *r) {
  const struct plan_tree *seeds = plan_tree_get(r->root, "seeds");
  struct plan_sweep *sweep = r->sweep;
  const char *expected =
      plan_unit_range(seeds->text, plan_unit_count, &sweep->seed_first, &sweep->seed_last);
  if (expected)
    return plan_refuse(r->err, seeds, "expected seeds such as 1..20, found %s",
                       plan_quote(seeds->text).text);
  if (sweep->seed_last - sweep->seed_first >= PLAN_MAX_SWEEP_SEEDS)
    return plan_refuse(r->err, seeds, "expected at most %d seeds, found %s", PLAN_MAX_SWEEP_SEEDS,
                       plan_quote(seeds->text).text);
  return true;
}

static bool read_path(struct reading *r, const struct plan_tree *key,
                      const struct plan_tree *list) {
  struct plan_sweep *sweep = r->sweep;
  if (list->n == 0 || list->n > PLAN_MAX_SWEEP_VALUES)
    return plan_refuse(r->err, list, "expected 1 to %d values, found %zu", PLAN_MAX_SWEEP_VALUES,
                       list->n);
  if (strcmp(key->text, "seed") == 0)
    return plan_refuse(r->err, key, "expected a path other than 'seed': the seeds are in 'seeds'");
  sweep->paths = plan_grow(sweep->paths, sweep->n_paths, sizeof *sweep->paths);
  struct plan_sweep_path *path = &sweep->paths[sweep->n_paths++];
  path->path = plan_copy_text(key->text);
  path->values = plan_new(list->n, sizeof *path->values);
  for (size_t i = 0; i < list->n; i++) {
    for (size_t k = 0; k < i; k++)
      if (strcmp(path->values[k], list->items[i]->text) == 0)
        return plan_refuse(r->err, list->items[i], "expected each value once, found %s again",
                           plan_quote(list->items[i]->text).text);
    path->values[path->n++] = plan_copy_text(list->items[i]->text);
  }
  return true;
}

static bool read_vary(struct reading *r) {
  const struct plan_tree *map = plan_tree_get(r->root, "vary");
  if (map->n == 0 || map->n > PLAN_MAX_SWEEP_PATHS)
    return plan_refuse(r->err, map, "expected 1 to %d paths, found %zu", PLAN_MAX_SWEEP_PATHS,
                       map->n);
  for (size_t i = 0; i < map->n; i++)
    if (!read_path(r, map->keys[i], map->items[i]))
      return false;
  return true;
}

static bool read_file(struct reading *r, const char *file) {
  struct plan_take from = {r->err, r->root};
  const struct plan_tree *who = plan_tree_get(r->root, "who");
  if (!plan_take_must(from, "scenario", "the file to run") ||
      !plan_take_must(from, "seeds", "A..B") ||
      !plan_take_must(from, "vary", "what differs between runs"))
    return false;
  r->sweep->name = stem(file);
  r->sweep->scenario = beside(file, plan_tree_get(r->root, "scenario")->text);
  if (!read_seeds(r) || !read_vary(r) ||
      !plan_take_time(from, "on_time", 1, PLAN_MAX_DURATION_NS, &r->sweep->on_time_ns))
    return false;
  for (size_t i = 0; who && i < who->n; i++) {
    r->sweep->who = plan_grow(r->sweep->who, r->sweep->n_who, sizeof *r->sweep->who);
    r->sweep->who[r->sweep->n_who++] = plan_copy_text(who->items[i]->text);
  }
  return true;
}

/* ---- with the scenario ------------------------------------------------------------- */

/* What a value brought about, said at its place. */
static bool refuse_value(struct reading *r, const struct plan_tree *at, const char *what,
                         struct plan_error *why) {
  const char *text = why->text, *behind = strstr(text, "': ");
  if (strncmp(text, "--set ", 6) == 0 && behind)
    text = behind + 3; /* who reads has written no --set */
  if (why->line)
    plan_refuse(r->err, at, "%s: %s:%u:%u: %s", what, why->file, why->line, why->column, text);
  else
    plan_refuse(r->err, at, "%s: %s", what, text);
  plan_error_free(why);
  return false;
}

/* Each value by itself, so that a wrong one has its place. */
static bool try_values(struct reading *r) {
  const struct plan_tree *map = plan_tree_get(r->root, "vary");
  for (size_t p = 0; p < r->sweep->n_paths; p++) {
    const struct plan_sweep_path *path = &r->sweep->paths[p];
    for (size_t v = 0; v < path->n; v++) {
      struct plan_override set = {.path = path->path, .value = path->values[v]};
      struct plan_error why = {0};
      struct plan *plan = plan_load(r->sweep->scenario, &set, 1, &why);
      if (!plan)
        return refuse_value(r, map->items[p]->items[v], path->path, &why);
      plan_free(plan);
    }
  }
  return true;
}

size_t plan_sweep_value(const struct plan_sweep *sweep, size_t setting, size_t p) {
  for (size_t i = sweep->n_paths - 1; i > p; i--)
    setting /= sweep->paths[i].n;
  return setting % sweep->paths[p].n;
}

static const char *name_values(const struct plan_override *sets, size_t n, char *text,
                               size_t room) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < n && used < room; i++)
    used += (size_t)snprintf(text + used, room - used, "%s%s=%s", i ? " with " : "", sets[i].path,
                             sets[i].value);
  return text;
}

static bool load_settings(struct reading *r) {
  struct plan_sweep *sweep = r->sweep;
  const struct plan_tree *map = plan_tree_get(r->root, "vary");
  size_t n = 1;
  for (size_t p = 0; p < sweep->n_paths; p++)
    n *= sweep->paths[p].n;
  sweep->settings = plan_new(n, sizeof(struct plan *));
  while (sweep->n_settings < n) {
    struct plan_override sets[PLAN_MAX_SWEEP_PATHS];
    struct plan_error why = {0};
    for (size_t p = 0; p < sweep->n_paths; p++)
      sets[p] = (struct plan_override){
          .path = sweep->paths[p].path,
          .value = sweep->paths[p].values[plan_sweep_value(sweep, sweep->n_settings, p)]};
    struct plan *plan = plan_load(sweep->scenario, sets, sweep->n_paths, &why);
    if (!plan) {
      char what[200];
      return refuse_value(r, map, name_values(sets, sweep->n_paths, what, sizeof what), &why);
    }
    sweep->settings[sweep->n_settings++] = plan;
  }
  return true;
}

static bool is_called(const struct plan_node *node, const char *name) {
  return strcmp(node->name, name) == 0 || strcmp(node->group, name) == 0;
}

bool plan_sweep_watches(const struct plan_sweep *sweep, size_t setting, int node) {
  const struct plan_node *of = &sweep->settings[setting]->nodes[node];
  if (of->role != PLAN_SUBSCRIBER)
    return false;
  for (size_t i = 0; i < sweep->n_who; i++)
    if (is_called(of, sweep->who[i]))
      return true;
  return sweep->n_who == 0;
}

static bool check_who(struct reading *r, size_t setting) {
  const struct plan *plan = r->sweep->settings[setting];
  for (size_t i = 0; i < r->sweep->n_who; i++) {
    bool found = false;
    struct plan_guess guess;
    plan_guess_start(&guess, r->sweep->who[i]);
    for (size_t k = 0; k < plan->n_nodes; k++)
      if (plan->nodes[k].role == PLAN_SUBSCRIBER) {
        found |= is_called(&plan->nodes[k], r->sweep->who[i]);
        plan_guess_offer(&guess, plan->nodes[k].name);
      }
    if (!found)
      return plan_refuse(r->err, plan_tree_get(r->root, "who")->items[i],
                         "expected the name of a subscriber, found %s%s",
                         plan_quote(r->sweep->who[i]).text, plan_guess_text(&guess));
  }
  return true;
}

/* Whoever is looked at has a measure of what is on time. */
static bool check_budgets(struct reading *r, size_t setting) {
  const struct plan *plan = r->sweep->settings[setting];
  for (size_t i = 0; !r->sweep->on_time_ns && i < plan->n_subscriptions; i++) {
    const struct plan_subscription *sub = &plan->subscriptions[i];
    if (!sub->delivery_timeout_ns && plan_sweep_watches(r->sweep, setting, sub->who))
      return plan_refuse(r->err, r->root,
                         "expected the key 'on_time' (how old an object may be to be of use): a "
                         "subscription of '%s' has no delivery_timeout to take it from",
                         plan->nodes[sub->who].name);
  }
  return true;
}

static bool check_settings(struct reading *r) {
  for (size_t i = 0; i < r->sweep->n_settings; i++) {
    if (r->sweep->settings[i]->n_defects)
      return plan_refuse(r->err, plan_tree_get(r->root, "scenario"),
                         "expected a scenario without defects, found one with '%s'",
                         r->sweep->settings[i]->defects[0].name);
    if (!check_who(r, i) || !check_budgets(r, i))
      return false;
  }
  return true;
}

/* The scenario has to be right before anything is changed in it. */
static bool check_scenario(struct reading *r) {
  struct plan_error why = {0};
  struct plan *plan = plan_load(r->sweep->scenario, NULL, 0, &why);
  if (plan) {
    plan_free(plan);
    return true;
  }
  if (!why.line)
    return refuse_value(r, plan_tree_get(r->root, "scenario"), r->sweep->scenario, &why);
  plan_error_free(r->err);
  *r->err = why;
  return false;
}

struct plan_sweep *plan_sweep_load(const char *path, struct plan_error *err) {
  struct reading r = {.err = err};
  size_t len;
  *err = (struct plan_error){0};
  plan_error_set_file(err, path);
  char *bytes = plan_bytes_read(path, PLAN_MAX_FILE_BYTES, &len, err);
  if (!bytes)
    return NULL;
  struct plan_tree *root = plan_tree_parse(bytes, len, err);
  free(bytes);
  r.root = root;
  r.sweep = plan_new(1, sizeof *r.sweep);
  bool ok = root && plan_schema_check(&sweep_schema, root, err) && read_file(&r, path) &&
            check_scenario(&r) && try_values(&r) && load_settings(&r) && check_settings(&r);
  plan_tree_free(root);
  if (ok) {
    plan_error_free(err);
    return r.sweep;
  }
  plan_sweep_free(r.sweep);
  return NULL;
}

void plan_sweep_free(struct plan_sweep *sweep) {
  if (!sweep)
    return;
  for (size_t p = 0; p < sweep->n_paths; p++) {
    for (size_t v = 0; v < sweep->paths[p].n; v++)
      free(sweep->paths[p].values[v]);
    free(sweep->paths[p].values);
    free(sweep->paths[p].path);
  }
  for (size_t i = 0; i < sweep->n_settings; i++)
    plan_free(sweep->settings[i]);
  for (size_t i = 0; i < sweep->n_who; i++)
    free(sweep->who[i]);
  free(sweep->settings);
  free(sweep->paths);
  free(sweep->who);
  free(sweep->scenario);
  free(sweep->name);
  free(sweep);
}
