#include "bench/sim/events.h"

#include <stdlib.h>

static bool before(const struct event *a, const struct event *b) {
  return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void events_put(struct events *events, uint64_t at_ns, event_call *call, void *self, void *data) {
  if (events->n == events->room) {
    const size_t room = events->room * 2 + 256;
    struct event *bigger = realloc(events->heap, room * sizeof *bigger);
    if (bigger == NULL) {
      events->failed = true;
      return;
    }
    events->heap = bigger;
    events->room = room;
  }
  const struct event event = {at_ns, events->order++, call, self, data};
  size_t at = events->n++;
  while (at > 0 && before(&event, &events->heap[(at - 1) / 2])) {
    events->heap[at] = events->heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  events->heap[at] = event;
}

struct event events_take(struct events *events) {
  const struct event first = events->heap[0];
  const struct event last = events->heap[--events->n];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= events->n)
      break;
    if (child + 1 < events->n && before(&events->heap[child + 1], &events->heap[child]))
      child++;
    if (!before(&events->heap[child], &last))
      break;
    events->heap[at] = events->heap[child];
    at = child;
  }
  if (events->n > 0)
    events->heap[at] = last;
  return first;
}

void events_free(struct events *events) {
  free(events->heap);
  *events = (struct events){0};
}
