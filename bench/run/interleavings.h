/* interleavings.jsonl of a run directory: which nested run happened at which access, a line
 * each, so that it can be replayed (bench/sim/nest.h).
 *
 *   {"node":"relay","life":1,"access":N,"within":"datapath|relay","ran":"datapath|relay"} */
#ifndef FANBENCH_RUN_INTERLEAVINGS_H
#define FANBENCH_RUN_INTERLEAVINGS_H

#include "bench/scenario/plan.h"
#include "bench/sim/nest.h"

#define INTERLEAVINGS_FILE "interleavings.jsonl"

/* Both: 0, or -1 with a sentence in err. read fills *list, which was zero: nest_list_free(),
 * also after an error. */
int interleavings_write(const char *dir, const struct plan *plan, const struct nest_list *list,
                        char *err, size_t err_len);
int interleavings_read(const char *path, const struct plan *plan, struct nest_list *list, char *err,
                       size_t err_len);

#endif
