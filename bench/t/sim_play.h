/* Simulations inside a test: a plan's text, played in this process. */
#ifndef FANBENCH_T_SIM_PLAY_H
#define FANBENCH_T_SIM_PLAY_H

#include "bench/sim/sim.h"

#define SIM_BULK 900

/* What went by. */
struct sim_seen {
  struct sim_outcome outcome; /* its processes are freed; remains.left is the test's to free */
  uint64_t frames;
  uint64_t digest;     /* of all frames at captured interfaces, with time and place */
  uint64_t duplicates; /* numbers of 1-RTT packets (null protection, IPv4, 8-byte IDs) that a
                          relay sent twice to one port of one host */
  uint64_t soonest_ns; /* from a packet of over SIM_BULK bytes that came in at a relay to the
                          next one that left it; UINT64_MAX: there is none */
};

/* Called for each frame that is captured; NULL: nobody. */
extern void (*sim_play_each)(void);

/* dir: where the run's files go; emptied of nothing. Fails the test if it cannot run. */
void sim_play(const char *text, uint64_t seed, const char *dir, const struct nest_config *nest,
              struct sim_seen *seen);

#endif
