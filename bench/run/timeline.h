/* The timeline of a run: at its time each event is sent to its process, or done
 * to it by a signal, and written to faults.jsonl with its outcome.
 *
 *   kill             SIGKILL
 *   restart          a new process in the old one's place (which is killed if it runs)
 *   die, vanish      told to the process, which then ends; any end is expected
 *   stall            SIGSTOP, and SIGCONT when its time is over: line "resume". The
 *                    kernel goes on meanwhile: sockets fill, the datapath copies
 *   set, down, up    the wire process does it by itself, to the microsecond, and says "did"
 *   all others       told to the process, which answers "did"
 *
 * An event that fails ends the run. Order: timeline_open(), timeline_turn() after
 * each turn of the cast, timeline_close(). */
#ifndef FANBENCH_RUN_TIMELINE_H
#define FANBENCH_RUN_TIMELINE_H

#include <stdint.h>
#include <stdio.h>

#include "bench/run/cast.h"

struct timeline {
  struct cast *cast;
  uint64_t t0_ns;
  size_t next;                /* first event not yet begun */
  struct timeline_open *open; /* [n_open] begun and not yet answered */
  size_t n_open;
  FILE *faults;
};

int timeline_open(struct timeline *tl, struct cast *cast, uint64_t t0_ns, char *err,
                  size_t err_len);

/* Does what is due at now_ns. */
void timeline_turn(struct timeline *tl, uint64_t now_ns);

/* When the next event is due; UINT64_MAX: none is left. */
uint64_t timeline_next(const struct timeline *tl);

/* Every event has happened and was answered. */
bool timeline_over(const struct timeline *tl);

/* What is still unanswered is written as failed. */
void timeline_close(struct timeline *tl);

#endif
