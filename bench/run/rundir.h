/* The run directory: made, and cleared of what an earlier run left in it. */
#ifndef FANBENCH_RUN_RUNDIR_H
#define FANBENCH_RUN_RUNDIR_H

#include <stddef.h>

#include "bench/scenario/plan.h"

/* Makes dir (and its parents), capture/, log/, qlog/ and received/ in it. A directory
 * that holds something but no scenario.yaml or manifest.json is no run
 * directory and is refused. Of an old run exactly the artefacts go; anything else
 * stays, and its input/: the plan may have come from there. 0, or -1 with a sentence in
 * err. */
int rundir_make(const char *dir, char *err, size_t err_len);

/* Writes DIR/scenario.yaml, and DIR/input/ with what it names (bench/run/inputs.h). */
int rundir_write_plan(const char *dir, const struct plan *plan, char *err, size_t err_len);

/* Removes a run directory: what is its own, and the rest of it if nothing else is there; then
 * parents that are empty, but not `top` (NULL: none). What cannot go, stays. */
void rundir_remove(const char *dir, const char *top);

/* Like mkdir -p. 0, or -1 with errno. */
int rundir_mkdirs(const char *path);

#endif
