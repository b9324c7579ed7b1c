#include "bench/scenario/tree.h"

#include "bench/scenario/memory.h"

#include <stdlib.h>
#include <string.h>

struct plan_tree *plan_tree_new(enum plan_tree_kind kind, uint32_t line, uint32_t column) {
  struct plan_tree *tree = plan_new(1, sizeof *tree);
  tree->kind = kind;
  tree->line = line;
  tree->column = column;
  return tree;
}

struct plan_tree *plan_tree_new_text(const char *text, size_t len, uint32_t line, uint32_t column) {
  struct plan_tree *tree = plan_tree_new(PLAN_TREE_SCALAR, line, column);
  tree->text = plan_new(len + 1, 1);
  memcpy(tree->text, text, len);
  return tree;
}

void plan_tree_add(struct plan_tree *to, struct plan_tree *key, struct plan_tree *item) {
  if (to->kind == PLAN_TREE_MAP) {
    to->keys = plan_grow(to->keys, to->n, sizeof *to->keys);
    to->keys[to->n] = key;
  }
  to->items = plan_grow(to->items, to->n, sizeof(struct plan_tree *));
  to->items[to->n++] = item;
}

/* Depth is bounded by PLAN_MAX_DEPTH. */
void plan_tree_free(struct plan_tree *tree) {
  if (!tree)
    return;
  for (size_t i = 0; i < tree->n; i++) {
    plan_tree_free(tree->items[i]);
    if (tree->keys)
      plan_tree_free(tree->keys[i]);
  }
  free(tree->items);
  free(tree->keys);
  free(tree->text);
  free(tree->override);
  free(tree);
}

static size_t find(const struct plan_tree *map, const char *key) {
  size_t i = 0;
  if (map->kind != PLAN_TREE_MAP)
    return map->n;
  while (i < map->n && strcmp(map->keys[i]->text, key) != 0)
    i++;
  return i;
}

struct plan_tree *plan_tree_get(const struct plan_tree *map, const char *key) {
  size_t i = find(map, key);
  return i < map->n ? map->items[i] : NULL;
}

const struct plan_tree *plan_tree_key(const struct plan_tree *map, const char *key) {
  size_t i = find(map, key);
  return i < map->n ? map->keys[i] : NULL;
}

const char *plan_tree_kind_name(enum plan_tree_kind kind) {
  static const char *const names[] = {"a single value", "a list", "a mapping"};
  return names[kind];
}
