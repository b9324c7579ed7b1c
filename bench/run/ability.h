/* What this build cannot do yet, asked before a run begins: nothing is done half.
 *
 * True if it can, else a sentence that names what is missing in `why`. */
#ifndef FANBENCH_RUN_ABILITY_H
#define FANBENCH_RUN_ABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/scenario/plan.h"

bool ability_live(const struct plan *plan, char *why, size_t why_len);
bool ability_sim(const struct plan *plan, char *why, size_t why_len);

/* Whether the runner, in either mode, executes events of this kind. */
bool ability_event(enum plan_event_kind kind);

#endif
