/* What many seeds of a scenario came to, for a person: how many were not as expected, which,
 * by which checks, and one line that replays the first. */
#ifndef FANBENCH_RUN_SUMMARY_H
#define FANBENCH_RUN_SUMMARY_H

#include <stdio.h>

#include "bench/run/suite.h"

/* Nothing for files of one seed and for those whose seeds are all as expected. */
void summary_print(FILE *to, const struct suite *suite);

#endif
