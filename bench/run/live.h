/* A run, live or on virtual time, from outside: started, followed, finished. Several may run at a
 * time; each is one child process (cage.h) and dies with the caller.
 *
 *   live_start(&run, ...)         0
 *   while (!run.over) { poll run.cage.fd; live_follow(&run); }
 *   live_finish(&run)             then run.code, run.died are final
 *   live_free(&run)
 *
 * Single-threaded callers only. */
#ifndef FANBENCH_RUN_LIVE_H
#define FANBENCH_RUN_LIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/net/netns.h"
#include "bench/run/cage.h"
#include "bench/scenario/plan.h"
#include "bench/sim/nest.h"

struct live_options {
  const char *dir;    /* the run directory */
  const char *bindir; /* of fanbench-relay and fanbench-peer */
  bool hold;
  bool virtual_time;                     /* mode sim: in an open cage, without privilege */
  const struct nest_list *interleavings; /* mode sim: instead of chance; NULL = none */
  bool journal;                          /* relays keep one of what reaches their datapath */
  uint64_t journal_size;                 /* bytes of it at most; 0 = as usual */
};

struct live_run {
  struct cage cage;
  char *dir;
  bool virtual_time;
  int code;       /* 0: there is a run directory to judge; 3: died says what the machine lacks */
  char died[512]; /* why the run ended early; "" = it did not */
  char phase[64]; /* what it is doing */
  bool over;      /* nothing more will come */
  bool holding;   /* until live_release() */
  bool told_end;
  json_t *held; /* nodes of a held run: [{"name","fd"}] */
  struct netns_name *namespaces;
  size_t n_namespaces;
};

/* Makes the run directory and starts. 0; 2: the directory cannot be used; 3: the machine
 * lacks something. err has a sentence. */
int live_start(struct live_run *run, const struct plan *plan, const struct live_options *options,
               char *err, size_t err_len);

/* Takes in what the run said; never waits. */
void live_follow(struct live_run *run);

/* Ends the hold. */
void live_release(struct live_run *run);

/* Waits for the child, looks for what it left behind, completes the manifest. */
void live_finish(struct live_run *run);

void live_free(struct live_run *run);

#endif
