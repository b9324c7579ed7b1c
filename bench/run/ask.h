/* Does this scenario fail in the same way? Scenarios are run on virtual time and judged, some at a
 * time, in a folder of their own that goes again.
 *
 *   struct ask ask = {.bindir, .path, .at_a_time, .until_ns}
 *   ask_open(&ask, ...)
 *   ask_play(&ask, plan, &seen)         what a run of it shows; choose ask.check
 *   ask_first(&ask, texts, n)           as reduce.h wants it; ask_matches() of each run
 *   ask_seen_free(&seen)  ask_close(&ask)
 *
 * Interrupted (SIGINT, SIGTERM) or at until_ns, all that runs is killed. Single-threaded callers only. */
#ifndef FANBENCH_RUN_ASK_H
#define FANBENCH_RUN_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/run/live.h"
#include "bench/scenario/plan.h"
#include "pcap-tools/judge.h"

/* As a check: the run ended early. */
#define ASK_DIED "died"

struct ask {
  const char *bindir;
  const char *path;          /* where texts would lie */
  size_t at_a_time;          /* 1 at least */
  uint64_t until_ns;         /* clock_now() at the end of it all; 0: never */
  const char *check;         /* must fail; or ASK_DIED */
  const char *layer, *field; /* of one of its findings; NULL: of any */
  bool may_die;              /* runs that end early count as well */
  char dir[512];             /* "" = none */
  uint64_t longest_ns; /* of a run; those that take over 20 times as long do not fail; 0: any */
  struct ask_slot *slots;
};

/* What a run showed. */
struct ask_seen {
  struct judge_report *judged; /* NULL: it could not be judged */
  char died[1024];             /* why it ended early; "" = it did not */
};

/* 0, or -1 with a sentence in err. Watches SIGINT and SIGTERM from now on. */
int ask_open(struct ask *ask, char *err, size_t err_len);
void ask_close(struct ask *ask);

/* 0; 2 or 3 with a sentence in err: it cannot be run; REDUCE_STOP's meaning is -1. */
int ask_play(struct ask *ask, const struct plan *plan, struct ask_seen *seen, char *err,
             size_t err_len);
void ask_seen_free(struct ask_seen *seen);

/* The check of that name, or NULL. */
const struct judge_check *ask_check(const struct ask_seen *seen, const char *name);
/* The finding that makes it the same failure; NULL: none has to, or none does. */
const struct judge_finding *ask_finding(const struct ask *ask, const struct ask_seen *seen);
bool ask_matches(const struct ask *ask, const struct ask_seen *seen);

/* reduce_asker.first; arg: struct ask. */
size_t ask_first(void *arg, char *const *texts, size_t n);

#endif
