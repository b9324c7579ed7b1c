#include "bench/sim/events.h"

#include <stdlib.h>

static bool before(const struct event *a, const struct event *b) {
  return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

/* Doubles an array; false: no memory. */
static bool grow(void **array, size_t *room, size_t size) {
  const size_t more = *room * 2 + 256;
  void *bigger = realloc(*array, more * size);
  if (bigger == NULL)
    return false;
  *array = bigger;
  *room = more;
  return true;
}

/* ---- events: a heap of four children, half as deep as one of two ---------------------------- */

void events_put(struct events *events, uint64_t at_ns, event_call *call, void *self, void *data) {
  if (events->n == events->room &&
      !grow((void **)&events->heap, &events->room, sizeof *events->heap)) {
    events->failed = true;
    return;
  }
  const struct event event = {at_ns, events->order++, call, self, data};
  size_t at = events->n++;
  while (at > 0 && before(&event, &events->heap[(at - 1) / 4])) {
    events->heap[at] = events->heap[(at - 1) / 4];
    at = (at - 1) / 4;
  }
  events->heap[at] = event;
}

static size_t first_child(const struct events *events, size_t at) {
  size_t first = 4 * at + 1, end = first + 4 < events->n ? first + 4 : events->n;
  for (size_t i = first + 1; i < end; i++)
    if (before(&events->heap[i], &events->heap[first]))
      first = i;
  return first;
}

static struct event take_event(struct events *events) {
  const struct event first = events->heap[0];
  const struct event last = events->heap[--events->n];
  size_t at = 0;
  while (4 * at + 1 < events->n) {
    const size_t child = first_child(events, at);
    if (!before(&events->heap[child], &last))
      break;
    events->heap[at] = events->heap[child];
    at = child;
  }
  if (events->n > 0)
    events->heap[at] = last;
  return first;
}

/* ---- alarms: places from 1, the children of i are 2i and 2i + 1 -------------------------------- */

static bool rings_before(const struct alarm *a, const struct alarm *b) {
  return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void put_alarm(struct events *events, size_t at, struct alarm *alarm) {
  events->alarms[at] = alarm;
  alarm->place = at;
}

static void sift_up(struct events *events, struct alarm *alarm) {
  size_t at = alarm->place;
  for (; at > 1 && rings_before(alarm, events->alarms[at / 2]); at /= 2)
    put_alarm(events, at, events->alarms[at / 2]);
  put_alarm(events, at, alarm);
}

static void sift_down(struct events *events, struct alarm *alarm) {
  size_t at = alarm->place;
  for (size_t child; (child = 2 * at) <= events->n_alarms; at = child) {
    if (child < events->n_alarms && rings_before(events->alarms[child + 1], events->alarms[child]))
      child++;
    if (!rings_before(events->alarms[child], alarm))
      break;
    put_alarm(events, at, events->alarms[child]);
  }
  put_alarm(events, at, alarm);
}

void events_set_alarm(struct events *events, struct alarm *alarm, uint64_t at_ns) {
  if (alarm->place == 0) {
    if (events->n_alarms + 1 >= events->room_alarms &&
        !grow((void **)&events->alarms, &events->room_alarms, sizeof(struct alarm *))) {
      events->failed = true;
      return;
    }
    alarm->place = ++events->n_alarms;
  }
  alarm->at_ns = at_ns;
  alarm->order = events->order++;
  sift_up(events, alarm);
  sift_down(events, alarm);
}

void events_clear_alarm(struct events *events, struct alarm *alarm) {
  if (alarm->place == 0)
    return;
  struct alarm *last = events->alarms[events->n_alarms--];
  if (last != alarm) {
    put_alarm(events, alarm->place, last);
    sift_up(events, last);
    sift_down(events, last);
  }
  alarm->place = 0;
}

/* ---- both ------------------------------------------------------------------------------------------ */

static bool alarm_is_first(const struct events *events) {
  if (events->n_alarms == 0 || events->n == 0)
    return events->n_alarms > 0;
  const struct alarm *alarm = events->alarms[1];
  const struct event *event = &events->heap[0];
  return alarm->at_ns != event->at_ns ? alarm->at_ns < event->at_ns : alarm->order < event->order;
}

uint64_t events_next(const struct events *events) {
  if (alarm_is_first(events))
    return events->alarms[1]->at_ns;
  return events->n > 0 ? events->heap[0].at_ns : UINT64_MAX;
}

struct event events_take(struct events *events) {
  if (!alarm_is_first(events))
    return take_event(events);
  struct alarm *alarm = events->alarms[1];
  events_clear_alarm(events, alarm);
  return (struct event){alarm->at_ns, alarm->order, alarm->call, alarm->self, NULL};
}

void events_free(struct events *events) {
  free(events->heap);
  free(events->alarms);
  *events = (struct events){0};
}
