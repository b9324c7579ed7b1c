#include "bench/scenario/override.h"

#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/schema.h"

#include <stdlib.h>
#include <string.h>

struct step {
  struct plan_tree *tree;              /* where we are */
  const struct plan_schema *schema;    /* its schema */
  const char *rest;                    /* what of the path is left */
  char name[PLAN_MAX_NAME_BYTES + 16]; /* the part taken last */
  char *override;                      /* "PATH=VALUE" */
  struct plan_error *err;
};

static bool refuse(struct step *s, const char *why, const char *what, const char *guess) {
  return plan_refuse_at(s->err, 0, 0, "--set %s: %s %s%s", plan_quote(s->override).text, why, what,
                        guess);
}

/* Takes the next part off the path. In a mapping whose keys are anybody's
 * names "sub[0]" is one part, elsewhere "links[0]" is two. */
static bool next_part(struct step *s) {
  bool any_name = s->schema->kind == PLAN_TREE_MAP && !s->schema->keys;
  const char *from = s->rest;
  if (*from == '.')
    from++;
  bool bracket = *from == '[' && s->schema->kind == PLAN_TREE_LIST;
  if (bracket)
    from++;
  const char *end = from + strcspn(from, bracket ? "]" : any_name ? "." : ".[");
  size_t len = (size_t)(end - from);
  if (len == 0 || len >= sizeof s->name || (bracket && *end != ']'))
    return refuse(s, "expected a path such as nodes.relay.datapath, found",
                  plan_quote(s->rest).text, "");
  memcpy(s->name, from, len);
  s->name[len] = 0;
  s->rest = bracket ? end + 1 : end;
  return true;
}

static bool enter_list(struct step *s) {
  char *end;
  unsigned long i = strtoul(s->name, &end, 10);
  if (s->name[0] < '0' || s->name[0] > '9' || *end)
    return refuse(s, "expected the index of an element, from 0, found", plan_quote(s->name).text,
                  "");
  if (i >= s->tree->n)
    return refuse(s, "the list is shorter; there is no element", s->name, "");
  s->tree = s->tree->items[i];
  s->schema = s->schema->item;
  return true;
}

/* A key without a place: whatever is wrong with it is the override's fault. */
static struct plan_tree *new_node(const struct step *s, enum plan_tree_kind kind,
                                  const char *text) {
  struct plan_tree *node =
      text ? plan_tree_new_text(text, strlen(text), 0, 0) : plan_tree_new(kind, 0, 0);
  node->override = plan_copy_text(s->override);
  return node;
}

static bool enter_map(struct step *s) {
  const struct plan_schema *inner = plan_schema_of_key(s->schema, s->name);
  char guess[96];
  if (!inner)
    return refuse(s, "a scenario has no such path; unknown key", plan_quote(s->name).text,
                  plan_schema_guess(s->schema, s->name, &guess));
  struct plan_tree *next = plan_tree_get(s->tree, s->name);
  if (!next) {
    bool known = inner != s->schema->item;
    if (!known && !s->schema->grows)
      return refuse(s, "the scenario has no", plan_quote(s->name).text, "");
    if (s->tree->n >= PLAN_MAX_KEYS)
      return refuse(s, "too many keys beside", plan_quote(s->name).text, "");
    enum plan_tree_kind kind = *s->rest ? inner->kind : PLAN_TREE_SCALAR;
    next = new_node(s, kind, kind == PLAN_TREE_SCALAR ? "" : NULL);
    plan_tree_add(s->tree, new_node(s, PLAN_TREE_SCALAR, s->name), next);
  }
  s->tree = next;
  s->schema = inner;
  return true;
}

static bool walk(struct step *s) {
  while (*s->rest) {
    if (s->schema->kind == PLAN_TREE_SCALAR || s->tree->kind == PLAN_TREE_SCALAR)
      return refuse(s, "expected the path to end at a single value, found more:",
                    plan_quote(s->rest).text, "");
    if (!next_part(s) || !(s->schema->kind == PLAN_TREE_LIST ? enter_list(s) : enter_map(s)))
      return false;
  }
  if (s->schema->kind != PLAN_TREE_SCALAR && !s->schema->scalar_too)
    return refuse(s, "expected the path of a single value, found that of", s->schema->what, "");
  return true;
}

/* Turns the node at the end of the path into the new value. */
static void put(struct step *s, const char *value) {
  struct plan_tree *at = s->tree;
  for (size_t i = 0; i < at->n; i++) {
    plan_tree_free(at->items[i]);
    if (at->keys)
      plan_tree_free(at->keys[i]);
  }
  free(at->items);
  free(at->keys);
  free(at->text);
  free(at->override);
  *at = (struct plan_tree){.kind = PLAN_TREE_SCALAR,
                           .text = plan_copy_text(value),
                           .override = plan_copy_text(s->override)};
}

bool plan_override_apply(struct plan_tree *root, const struct plan_override *set,
                         struct plan_error *err) {
  size_t len = strlen(set->path) + 1 + strlen(set->value) + 1;
  struct step s = {.tree = root,
                   .schema = &plan_schema_scenario,
                   .rest = set->path,
                   .override = plan_new(len, 1),
                   .err = err};
  snprintf(s.override, len, "%s=%s", set->path, set->value);
  bool ok = *set->path ? walk(&s) : refuse(&s, "expected", "PATH=VALUE", "");
  if (ok && strlen(set->value) > PLAN_MAX_SCALAR_BYTES)
    ok = refuse(&s, "the value is", "too long", "");
  if (ok)
    put(&s, set->value);
  free(s.override);
  return ok;
}
