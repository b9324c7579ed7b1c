/* Lists in flow style as scenario files spell them, for whoever writes one: plan_write()
 * (plan.h), and the explorer, which leaves out what is the default. */
#ifndef FANBENCH_SCENARIO_WRITE_H
#define FANBENCH_SCENARIO_WRITE_H

#include <stdio.h>

#include "bench/scenario/plan.h"

/* [{ do: drop, frame: ACK, nth: 3 }, ...] */
void plan_write_faults(FILE *to, const struct plan_fault *faults, size_t n);
/* [optimistic-ack, ...]; does: bits 1 << enum plan_deed. */
void plan_write_deeds(FILE *to, uint32_t does);

#endif
