/* Which of many is due first, without asking all of them.
 *
 * A timer's time is known by its owner only, and moves with whatever is done to the
 * owner: who does something notes it, which costs next to nothing, and the next question
 * asks the noted ones again. So a question costs what was touched since the last one.
 * Who forgets to note makes a timer late: whatever touches a connection or a ledger
 * goes through the few places of relay.c, client.c and copies.c that do it.
 *
 * Ownership: a timer lives within its owner, and leaves by timers_remove() before the
 * owner goes. Order: timers_open(), then any, timers_close(). */
#ifndef FANBENCH_RELAY_FANOUT_TIMERS_H
#define FANBENCH_RELAY_FANOUT_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
  uint64_t at_ns; /* when it was last asked; UINT64_MAX = never */
  uint32_t order; /* among those that are due together */
  size_t place;   /* in the heap, from 1; 0 = it is not in */
  size_t noted;   /* in the list of the noted, from 1; 0 = it is not */
};

struct timers {
  uint64_t (*ask)(const struct timer *timer);
  struct timer **heap, **list;
  size_t n, n_noted;
};

/* At most `most` timers at a time. 0, or -1: no memory. */
int timers_open(struct timers *timers, size_t most, uint64_t (*ask)(const struct timer *timer));
void timers_close(struct timers *timers);

/* Its time is asked at the next question; `order` is set. */
void timers_add(struct timers *timers, struct timer *timer);
void timers_remove(struct timers *timers, struct timer *timer); /* no-op if it is not in */
void timers_note(struct timers *timers, struct timer *timer);   /* no-op if it is not in */

/* The first time; UINT64_MAX = none. */
uint64_t timers_next(struct timers *timers);

/* All that are due at now_ns, by `order`; due has room for all timers. They stay in. */
size_t timers_due(struct timers *timers, uint64_t now_ns, struct timer **due);

#endif
