/* A journal of one run, in which a test changes something before it is played. */
#ifndef FANBENCH_REPLAY_T_PLANTED_H
#define FANBENCH_REPLAY_T_PLANTED_H

#include "bench/replay/replay.h"
#include "relay/fanout/journal.h"

struct planted {
  char dir[40];     /* of its own, with the run below it */
  uint8_t *journal; /* NULL: this machine cannot make it, or cannot play it */
  size_t len;
  /* of the last planted_play() */
  char told[8192], err[512];
  struct replay_result result;
};

/* Runs `fanbench run WORDS --journal` and reads relay-1.journal. False: it failed. Without root
 * nothing is done. */
bool planted_open(struct planted *p, const char *words);
bool planted_close(struct planted *p);

/* Plays the first `len` bytes of the journal as it is now: what replay_journal() returns. */
int planted_play(struct planted *p, size_t len);
/* Fails unless it told so. */
void planted_says(const struct planted *p, const char *what);
/* Plays it all: no difference. Skips this test and all others where the kernel's program cannot be
 * run. */
void planted_plays(struct planted *p);

/* The n-th item (from 0) of a kind, and of an array whose element begins with what it holds. Fails
 * if there is none. */
struct journal_item *planted_find(const struct planted *p, enum journal_kind kind, uint32_t array,
                                  size_t each, size_t n);

/* SET of a next_pn that user space raised, before a packet that has a copy for that subscriber. */
struct journal_item *planted_taken(const struct planted *p);

#define PLANTED_NEEDED(p)                                                                          \
  if ((p)->journal == NULL)                                                                        \
  skip()

#endif
