/* A scenario file as a tree of scalars, lists and mappings, each with its
 * place. Nothing is interpreted: a scalar is its text, whatever its quotes.
 *
 * Ownership: the root owns everything below; plan_tree_free() gives it back. */
#ifndef FANBENCH_SCENARIO_TREE_H
#define FANBENCH_SCENARIO_TREE_H

#include "bench/scenario/plan.h"

enum plan_tree_kind { PLAN_TREE_SCALAR, PLAN_TREE_LIST, PLAN_TREE_MAP };

struct plan_tree {
  enum plan_tree_kind kind;
  uint32_t line, column;    /* from 1; 0 = put in by an override */
  char *override;           /* "PATH=VALUE" that made this node, or NULL */
  char *text;               /* scalar: never contains NUL; map key: the same */
  struct plan_tree **keys;  /* map: scalars, all different */
  struct plan_tree **items; /* list: elements; map: values, one a key */
  size_t n;
};

/* Reads one YAML document of `len` bytes. NULL with *err filled in (file
 * excepted) for anything but one mapping, list or scalar without anchors,
 * aliases, tags and duplicate keys, within limits.h. */
struct plan_tree *plan_tree_parse(const char *bytes, size_t len, struct plan_error *err);
void plan_tree_free(struct plan_tree *tree);

/* Value of a key, or NULL. */
struct plan_tree *plan_tree_get(const struct plan_tree *map, const char *key);
/* The key's own node (for its place), or NULL. */
const struct plan_tree *plan_tree_key(const struct plan_tree *map, const char *key);

struct plan_tree *plan_tree_new(enum plan_tree_kind kind, uint32_t line, uint32_t column);
struct plan_tree *plan_tree_new_text(const char *text, size_t len, uint32_t line, uint32_t column);
/* Takes over key (NULL in a list) and item. */
void plan_tree_add(struct plan_tree *to, struct plan_tree *key, struct plan_tree *item);

const char *plan_tree_kind_name(enum plan_tree_kind kind);

#endif
