/* All processes of one run, and the loop that listens to them. Lives inside the
 * cage, whose init reaps whatever ends.
 *
 * The first process that ends though nobody asked it to ends the run: cast.ended
 * says why, and every cast_wait() from then on returns -1. So does a wait that
 * reaches its bound.
 *
 * Ownership: a cast owns its processes until cast_free(). */
#ifndef FANBENCH_RUN_CAST_H
#define FANBENCH_RUN_CAST_H

#include "bench/net/topology.h"
#include "bench/run/command.h"
#include "bench/run/process.h"
#include "bench/scenario/plan.h"

struct cast {
  const struct plan *plan;
  const struct topology *net;
  struct command_places at;
  int up;        /* channel to the outside */
  bool released; /* the outside said: go on */
  struct process **all;
  size_t n, room;
  struct process *wire; /* of impaired links, one of `all`; NULL: there is none */
  const char *doing;    /* what is waited for now */
  unsigned level;       /* which relays a cast_test of relays means: plan_relay_level() */
  char ended[512];      /* why the run ended early; "" = it did not */
  bool timed_out;
};

/* Starts one. NULL with a sentence in err. */
struct process *cast_start_node(struct cast *cast, int node, char *err, size_t err_len);
struct process *cast_start_capture(struct cast *cast, const char *name, int netns_fd,
                                   int (*inside)(void *, int), void *arg, char *err,
                                   size_t err_len);

/* The wire process, in net.wire; also as cast->wire. */
struct process *cast_start_wire(struct cast *cast, char *err, size_t err_len);

/* The newest process of a node, NULL if there was none. */
struct process *cast_of(const struct cast *cast, int node);

/* The timeline ended the relay that this endpoint dials, and has not started it again. */
bool cast_lost_relay(const struct cast *cast, const struct process *p);

/* Sends, and ends the run if the process cannot take it. */
void cast_tell(struct cast *cast, struct process *p, json_t *message);

/* Waits for the next thing to happen, at most until until_ns, and takes it in. */
void cast_turn(struct cast *cast, uint64_t until_ns);

/* Whether a process is as far as it is waited for. */
typedef bool cast_test(const struct cast *cast, const struct process *p);

/* Until `test` is true for every process that runs. 0, or -1: cast.ended says why. */
int cast_wait(struct cast *cast, cast_test *test, uint64_t bound_ns, const char *what);

/* Ends the run with a reason; the first one stays. */
__attribute__((format(printf, 2, 3))) void cast_end(struct cast *cast, const char *fmt, ...);

/* Tells every process that `which` picks to stop, gives all bound_ns together,
 * kills the rest. Works on a run that has ended, too. */
void cast_stop(struct cast *cast, cast_test *which, uint64_t bound_ns);

void cast_free(struct cast *cast);

#endif
