/* The timeline on virtual time: what bench/run/timeline.h does to processes, done to
 * nodes. Each event and its outcome is a line of faults.jsonl.
 *
 * Order: open, turn after each thing that happened, close. An event that fails ends
 * the run. */
#ifndef FANBENCH_SIM_TIMELINE_SIM_H
#define FANBENCH_SIM_TIMELINE_SIM_H

#include <stdio.h>

#include "bench/sim/world.h"

struct timeline_sim_open;

struct timeline_sim {
  struct world *world;
  uint64_t t0_ns;
  size_t next; /* first event not yet begun */
  struct timeline_sim_open *open;
  size_t n_open;
  FILE *faults;
};

int timeline_sim_open(struct timeline_sim *tl, struct world *world, uint64_t t0_ns);
void timeline_sim_turn(struct timeline_sim *tl);
uint64_t timeline_sim_next(const struct timeline_sim *tl); /* UINT64_MAX: none is left */
bool timeline_sim_over(const struct timeline_sim *tl);
void timeline_sim_close(struct timeline_sim *tl);

#endif
