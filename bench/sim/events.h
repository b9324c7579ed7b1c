/* What will happen, in one total order: by time, and at one time in the order in
 * which it was put in. Nothing depends on addresses or on how a heap breaks ties.
 *
 * An alarm is an event of which its owner has one, and which is moved more often than it
 * rings: put aside as events, a thousand processes' old alarms would be most of the heap.
 *
 * Ownership: the queue owns its arrays only; alarms, `self` and `data` are the caller's. */
#ifndef FANBENCH_SIM_EVENTS_H
#define FANBENCH_SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void event_call(void *self, void *data, uint64_t now_ns);

struct event {
  uint64_t at_ns, order;
  event_call *call;
  void *self, *data;
};

/* Zeroed but for call and self: it is not set. */
struct alarm {
  uint64_t at_ns, order;
  size_t place;     /* among the alarms, from 1; 0 = it is not set */
  event_call *call; /* with data = NULL */
  void *self;
};

struct events {
  struct event *heap;
  size_t n, room;
  struct alarm **alarms;
  size_t n_alarms, room_alarms;
  uint64_t order;
  bool failed; /* out of memory: an event was lost, the run is worthless */
};

void events_put(struct events *events, uint64_t at_ns, event_call *call, void *self, void *data);

/* Sets it, or moves it: it counts as put in now. */
void events_set_alarm(struct events *events, struct alarm *alarm, uint64_t at_ns);
void events_clear_alarm(struct events *events, struct alarm *alarm); /* no-op if it is not set */

/* UINT64_MAX: none. */
uint64_t events_next(const struct events *events);

/* The first one, taken out; there must be one. An alarm is not set any more. */
struct event events_take(struct events *events);

void events_free(struct events *events);

#endif
