/* What live mode cannot do yet, asked before a run begins: nothing is done half.
 *
 * Returns true if this build can run the plan live, else a sentence that names what it
 * needs in `why`. */
#ifndef FANBENCH_RUN_ABILITY_H
#define FANBENCH_RUN_ABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/scenario/plan.h"

bool ability_live(const struct plan *plan, char *why, size_t why_len);

/* Whether the runner executes events of this kind. */
bool ability_event(enum plan_event_kind kind);

#endif
