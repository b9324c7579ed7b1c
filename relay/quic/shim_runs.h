/* Inside of the shim: which joint number stands for which of ngtcp2's own.
 *
 * Own numbers enter without a gap, so the own numbers inside any range of joint
 * ones are again one range: two binary searches, however long the range. */
#ifndef FANBENCH_RELAY_QUIC_SHIM_RUNS_H
#define FANBENCH_RELAY_QUIC_SHIM_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both sequences grow by one for `len` packets. */
struct shim_run {
  uint64_t own, joint, len;
};

/* A zero-initialised struct is the empty table. */
struct shim_runs {
  struct shim_run *run; /* [first, end) in ascending order */
  size_t first, end, room;
};

/* Appends a pair. own is one above the last one, joint is above the last one.
 * False: no memory. */
bool shim_runs_add(struct shim_runs *runs, uint64_t own, uint64_t joint);

bool shim_runs_own(const struct shim_runs *runs, uint64_t joint, uint64_t *own);

/* Own numbers behind the joint ones [lo, hi], both included. False: there is none. */
bool shim_runs_within(const struct shim_runs *runs, uint64_t lo, uint64_t hi, uint64_t *own_lo,
                      uint64_t *own_hi);

/* Drops runs that lie wholly below `joint`. */
void shim_runs_forget(struct shim_runs *runs, uint64_t joint);

void shim_runs_free(struct shim_runs *runs);

#endif
