/* The machinery of nest.h for one relay. Private to bench/sim.
 *
 * Order: nest_open(); nest_datapath() instead of a plain call of the datapath;
 * nest_access() from the hooks; nest_barrier() from quiesce; nest_close(). */
#ifndef FANBENCH_SIM_NEST_RUN_H
#define FANBENCH_SIM_NEST_RUN_H

#include <ucontext.h>

#include "bench/sim/draw.h"
#include "bench/sim/nest.h"

struct nest_ops {
  /* Whether the actor has something to do now. */
  bool (*pending)(void *arg, enum nest_actor actor);
  /* Does it. cpu: for the datapath, 0 .. NEST_DEPTH. */
  void (*run)(void *arg, enum nest_actor actor, unsigned cpu);
  /* A run of the datapath, or of take_stream, is stopped at the access that was hooked last; it goes
   * on. In between something is run. */
  void (*stops)(void *arg);
  void (*goes_on)(void *arg);
};

struct nest {
  const struct nest_config *config; /* NULL: off */
  const struct nest_ops *ops;
  void *arg;
  struct draw draw;
  int node; /* whose, of which life */
  uint32_t life;
  uint64_t accesses;
  size_t replayed;    /* steps of config->replay, those of others included */
  unsigned depth;     /* runs within a run */
  unsigned datapaths; /* runs of the datapath that have not ended */
  bool relay;         /* a relay's step has not ended */
  bool barrier;       /* runs end without another one within */
  uint64_t nested;

  /* the outermost run of the datapath */
  void *stack;
  ucontext_t home, away;
  bool away_runs;   /* it was begun and has not ended */
  bool wants_relay; /* it stopped to let the relay's step run */
};

/* 0, or -1: no memory. */
int nest_open(struct nest *nest, const struct nest_config *config, const struct nest_ops *ops,
              void *arg, int node, uint32_t life, struct draw draw);
void nest_close(struct nest *nest);

/* Runs the datapath, on a stack of its own, to its end. */
void nest_datapath(struct nest *nest);
/* Marks the relay's own, outermost step. */
void nest_relay_begins(struct nest *nest);
void nest_relay_ends(struct nest *nest);

/* From the hook of `actor`. */
void nest_access(struct nest *nest, enum nest_actor actor);
/* From quiesce: every run of the datapath ends. */
void nest_barrier(struct nest *nest);

#endif
