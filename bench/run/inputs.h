/* The files that a scenario names, copied into the run directory: DIR/input/NAME. So the
 * directory needs nothing else, and may be moved.
 *
 * Ownership: inputs_take() fills *inputs, inputs_free() gives it back. */
#ifndef FANBENCH_RUN_INPUTS_H
#define FANBENCH_RUN_INPUTS_H

#include <stddef.h>

#include "bench/scenario/plan.h"

#define INPUTS_FOLDER "input"

/* Of track k the names within DIR ("input/720p25.csv"), or NULL. */
struct inputs {
  char **traces, **files;
  size_t n; /* tracks */
};

/* Copies, and removes what else is in DIR/input; a source may itself lie there. A source of
 * several tracks is copied once. 0, or -1 with a sentence in err and nothing to free. */
int inputs_take(struct inputs *inputs, const char *dir, const struct plan *plan, char *err,
                size_t err_len);
void inputs_free(struct inputs *inputs);

#endif
