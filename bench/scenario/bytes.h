/* A whole file in memory, bounded. */
#ifndef FANBENCH_SCENARIO_BYTES_H
#define FANBENCH_SCENARIO_BYTES_H

#include "bench/scenario/plan.h"

/* Returns the bytes (owned by the caller; a NUL follows), or NULL with a text
 * and no place in *err: not there, no regular file, longer than max. */
char *plan_bytes_read(const char *path, size_t max, size_t *len, struct plan_error *err);

/* Is it a regular file that may be read? Its length, or why not (static). */
bool plan_bytes_regular(const char *path, uint64_t *len, const char **why);

#endif
