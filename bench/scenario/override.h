/* --set PATH=VALUE: puts one value into the tree of a scenario file.
 *
 * PATH is keys joined by dots; an element of a list is its index from 0, as
 * ".0" or "[0]": links.1.loss, nodes.relay.datapath, expect.latency.p99. */
#ifndef FANBENCH_SCENARIO_OVERRIDE_H
#define FANBENCH_SCENARIO_OVERRIDE_H

#include "bench/scenario/tree.h"

/* root has passed plan_schema_check(). Sets the scalar at the path, present or
 * not. Refuses, without a place, a path that the schema does not know, that
 * names no single value, or that leads through an absent list element, node or
 * track. */
bool plan_override_apply(struct plan_tree *root, const struct plan_override *set,
                         struct plan_error *err);

#endif
