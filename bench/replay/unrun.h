/* Packets that went up unrun (JOURNAL_UNRUN): there is no run to compare with. But what the executors
 * would have done, with the state that the packet came upon, must be the same: reason, copies, records,
 * state. Then it is taken back, since the run did not do it. */
#ifndef FANBENCH_REPLAY_UNRUN_H
#define FANBENCH_REPLAY_UNRUN_H

#include "bench/replay/compare.h"

#define UNRUN_EXECUTORS 2

/* Zero: none waits. */
struct unrun {
  struct script frames; /* as steps: the access is the time */
  uint8_t *saved[JOURNAL_ARRAYS];
  struct outcome outcomes[UNRUN_EXECUTORS];
};

/* It waits until no run is open. No memory: it is not tried. */
void unrun_add(struct unrun *unrun, const void *frame, size_t len, uint64_t now_ns);
bool unrun_waits(const struct unrun *unrun);
/* All that wait. Returns how many were tried. */
size_t unrun_try(struct unrun *unrun, struct executor *const executors[UNRUN_EXECUTORS],
                 struct compare *compare);
void unrun_free(struct unrun *unrun);

#endif
