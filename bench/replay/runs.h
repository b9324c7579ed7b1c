/* Runs of the datapath that have begun, one within another, as a journal tells them: while one is
 * stopped at an access (JOURNAL_STOP), user space writes and other runs are played to their end.
 *
 *   runs_begin(...)           FRAME, TAKE
 *   runs_stop, runs_go        STOP, GO: in between, what changes goes into the script of the run
 *   runs_note(...)            each change of state that the journal tells, in its order
 *   runs_rewind(...)          executors have the state with which the innermost run began: now they
 *                             run it, with its script
 *   runs_end(...)             DONE
 *
 * An executor cannot wait in the middle of a run. So a run is played when it has ended: what happened
 * within is taken back, and the executor lets it happen again at the same accesses. For that, all that
 * the journal says of the state is kept here as well. */
#ifndef FANBENCH_REPLAY_RUNS_H
#define FANBENCH_REPLAY_RUNS_H

#include "bench/replay/executor.h"
#include "bench/replay/script.h"

struct run {
  uint64_t number, ns; /* of a packet */
  bool takes;          /* JOURNAL_TAKE */
  struct fb_take take;
  uint8_t *frame;
  size_t len, room;
  struct outcome was;
  struct script within;
  uint64_t access; /* where it is stopped */
  bool stopped;    /* now */
  bool cut;        /* it was, or its first changes were told */
  bool ran;        /* its REASON was there */
  size_t undo;     /* steps of `undo` from before it */
};

struct runs {
  struct dp_native *state; /* as the journal tells it; tables, too */
  struct journal_array arrays[JOURNAL_ARRAYS];
  struct run stack[JOURNAL_OPEN_RUNS];
  unsigned open;
  struct script undo; /* what it was before, while a run is open */
};

/* False: no memory; runs_free() all the same. */
bool runs_open(struct runs *runs, const struct dp_native_sizes *sizes);
void runs_free(struct runs *runs);

/* The innermost; NULL: none has begun. */
struct run *runs_top(struct runs *runs);
/* frame may be NULL. NULL: too many within each other, or no memory. */
struct run *runs_begin(struct runs *runs, const uint8_t *frame, size_t len);
/* False: there is none to be stopped there, or to go on. */
bool runs_stop(struct runs *runs, uint64_t access);
bool runs_go(struct runs *runs);
/* step: all but access and `at`; what it names is there. */
void runs_note(struct runs *runs, const struct script_step *step, const uint8_t *bytes);
/* False: no memory was left for what happened meanwhile. */
bool runs_rewind(struct runs *runs, struct executor *const executors[], size_t n);
void runs_end(struct runs *runs);

#endif
