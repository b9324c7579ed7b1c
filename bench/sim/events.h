/* What will happen, in one total order: by time, and at one time in the order in
 * which it was put in. Nothing depends on addresses or on how a heap breaks ties.
 *
 * Ownership: the queue owns its array only; `self` and `data` are the caller's. */
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

struct events {
  struct event *heap;
  size_t n, room;
  uint64_t order;
  bool failed; /* out of memory: an event was lost, the run is worthless */
};

void events_put(struct events *events, uint64_t at_ns, event_call *call, void *self, void *data);

/* UINT64_MAX: none. */
static inline uint64_t events_next(const struct events *events) {
  return events->n > 0 ? events->heap[0].at_ns : UINT64_MAX;
}

/* The first one, taken out; there must be one. */
struct event events_take(struct events *events);

void events_free(struct events *events);

#endif
