/* One run on virtual time (bench/sim), with the same artefacts as a live one. live.h
 * starts it in a child of its own; it needs no privilege.
 *
 * Says over the channel what stage.h says, without namespaces and hold. */
#ifndef FANBENCH_RUN_VIRTUAL_H
#define FANBENCH_RUN_VIRTUAL_H

#include "bench/run/stage.h"

/* arg: struct stage_order *. For cage_start_open(). */
int virtual_inside(void *arg, int up);

#endif
