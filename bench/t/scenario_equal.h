/* Are two plans the same, but for where their files lie? */
#ifndef FANBENCH_T_SCENARIO_EQUAL_H
#define FANBENCH_T_SCENARIO_EQUAL_H

#include "bench/scenario/plan.h"

/* NULL if equal, else the name of the first field that differs. */
const char *plans_differ(const struct plan *a, const struct plan *b);

#endif
