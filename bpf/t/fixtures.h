/* The table of packet fixtures. Each is a story in one world; all of them together meet
 * every packet reason and every decision that can be met. */
#ifndef FANBENCH_BPF_T_FIXTURES_H
#define FANBENCH_BPF_T_FIXTURES_H

#include "bpf/t/world.h"

struct fixture {
  const char *name;
  void (*run)(struct world *w);
};

/* One table a file, each ended by a NULL name. */
extern const struct fixture fixtures_packet[]; /* L2 to packet number: packet reasons */
extern const struct fixture fixtures_copy[];   /* what a copy looks like */
extern const struct fixture fixtures_stream[]; /* frontier, claims, headers */
extern const struct fixture fixtures_choose[]; /* decisions */
extern const struct fixture fixtures_sealed[]; /* keys, phases, keystreams: sealed worlds */
/* Under a strategy each. */
extern const struct fixture fixtures_none[], fixtures_priority_limit[], fixtures_deadline[],
    fixtures_skip_to_group[];

#endif
