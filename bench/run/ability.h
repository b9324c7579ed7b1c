/* What this build cannot do yet, asked before a run begins: nothing is done half.
 *
 * True if it can, else a sentence that names what is missing in `why`. */
#ifndef FANBENCH_RUN_ABILITY_H
#define FANBENCH_RUN_ABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/scenario/plan.h"

/* In either mode: what can be run live can be run on virtual time. */
bool ability_run(const struct plan *plan, char *why, size_t why_len);

#endif
