/* The shape of a scenario file: which keys exist where, and whether a value is
 * a scalar, a list or a mapping. What the values mean is checked later, by the
 * section that reads them. The same tables tell --set which paths exist. */
#ifndef FANBENCH_SCENARIO_SCHEMA_H
#define FANBENCH_SCENARIO_SCHEMA_H

#include "bench/scenario/tree.h"

struct plan_schema_key;

struct plan_schema {
  enum plan_tree_kind kind;
  bool scalar_too;  /* a mapping or list that may also be one value */
  bool grows;       /* --set may add a key that no file names */
  const char *what; /* for errors: "a link" with keys, "a list of links" without */
  const struct plan_schema_key *keys; /* mapping: known keys; ends with a NULL */
  const struct plan_schema *item;     /* list: of each element; mapping: of every
                                         key not in `keys`; NULL = there are no others */
};

struct plan_schema_key {
  const char *name;
  const struct plan_schema *schema;
};

extern const struct plan_schema plan_schema_scenario;

bool plan_schema_check(const struct plan_schema *schema, const struct plan_tree *tree,
                       struct plan_error *err);

/* Schema of a mapping's key, or NULL. */
const struct plan_schema *plan_schema_of_key(const struct plan_schema *schema, const char *key);

/* Puts "; did you mean" for a key into guess->text. */
const char *plan_schema_guess(const struct plan_schema *schema, const char *key, char (*text)[96]);

#endif
