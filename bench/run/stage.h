/* One live run, from inside its cage: network, captures, relays, publishers,
 * subscribers, timeline, drain, stop, residue, pcapng, manifest. live.h starts it.
 *
 * Says over the channel: {"ev":"phase","text"}, {"ev":"namespaces","names":[[inode,cookie]..]},
 * {"ev":"holding","nodes":[{"name","fd"}]} and at the end {"ev":"end","code","text"}:
 *   code 0  it ran; text says why it ended early, "" if it did not
 *   code 3  this machine lacks what text says */
#ifndef FANBENCH_RUN_STAGE_H
#define FANBENCH_RUN_STAGE_H

#include <stdbool.h>

#include "bench/scenario/plan.h"
#include "bench/sim/nest.h"

struct stage_order {
  const struct plan *plan;
  const char *dir;                       /* made by rundir_make(), with scenario.yaml in it */
  const char *bindir;                    /* of fanbench-relay and fanbench-peer */
  bool hold;                             /* after the drain, until {"do":"release"} */
  const struct nest_list *interleavings; /* sim: instead of chance; NULL = none */
  bool journal;                          /* relays keep one of what reaches their datapath */
  uint64_t journal_size;                 /* bytes of it at most; 0 = as usual */
};

/* As many files as the system allows: about nine a host. */
void stage_raise_descriptor_limit(void);

/* arg: struct stage_order *. For cage_start(). */
int stage_inside(void *arg, int up);

#endif
