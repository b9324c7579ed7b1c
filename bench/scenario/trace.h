/* A frame trace: CSV with the header time_us,size,type,group,priority.
 *
 * time_us  when the frame is due, from the start of publishing; never falls
 * size     bytes, 1 or more
 * type     I P B or -
 * group    from 0, rises by at most 1
 * priority 0 (most important) to 255 */
#ifndef FANBENCH_SCENARIO_TRACE_H
#define FANBENCH_SCENARIO_TRACE_H

#include "bench/scenario/plan.h"

/* Reads and checks a file. Returns rows (owned by the caller, *n > 0), or NULL
 * with *err filled in; its file and place are then the trace's. max_size bounds
 * each frame. A file that cannot be read gives NULL, line 0 and a text. */
struct plan_trace_row *plan_trace_load(const char *path, uint64_t max_size, size_t *n,
                                       struct plan_error *err);

/* The same for bytes at hand. */
struct plan_trace_row *plan_trace_parse(const char *bytes, size_t len, uint64_t max_size, size_t *n,
                                        struct plan_error *err);

#endif
