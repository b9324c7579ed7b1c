/* Interleavings of fast and slow path, without threads.
 *
 * Datapath and relay call a hook before each access to a word that they share. There,
 * by seed, another party that has something to do now is run to its end: the datapath
 * on the next frame at the relay's ingress (on another CPU), or the relay's next step.
 * So all interleavings are of whole runs at access points, and every one is
 * sequentially consistent: what weaker memory orders could do is not shown.
 *
 * Bounds: at most NEST_DEPTH runs within one; no party within itself but the datapath,
 * which has a CPU for each depth; never under a lock, since the hook comes before it is
 * taken and nothing hooked happens until it is released. A barrier (quiesce) of a
 * relay's step that runs within the datapath lets that run of the datapath end first, as
 * the real one does by waiting: the datapath has a stack of its own for that.
 *
 * What was run at which access is a list that replays: with the same plan and seed, and
 * the list instead of chance, the run is the same to the byte. */
#ifndef FANBENCH_SIM_NEST_H
#define FANBENCH_SIM_NEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEST_DEPTH 2

enum nest_actor { NEST_DATAPATH, NEST_RELAY };

/* One nested run: at this access (counted from 0 over both parties of one life of one
 * relay), of `within`, `ran` was run. */
struct nest_step {
  int node;      /* the relay, in the plan */
  uint32_t life; /* how many times it was started, from 1 */
  uint64_t access;
  enum nest_actor within, ran;
};

/* In the order of the run; those of one life of one relay in order of their accesses. */
struct nest_list {
  struct nest_step *steps;
  size_t n, room;
  bool failed; /* no memory: steps are missing */
};
void nest_list_add(struct nest_list *list, const struct nest_step *step);
void nest_list_free(struct nest_list *list);

struct nest_config {
  /* One access in so many runs something else if there is something; 0 = never. */
  uint32_t one_in;
  const struct nest_list *replay; /* instead of chance; NULL = none */
  struct nest_list *record;       /* NULL = not kept */
};

#endif
