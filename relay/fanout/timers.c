#include "relay/fanout/timers.h"

#include <stdlib.h>

int timers_open(struct timers *timers, size_t most, uint64_t (*ask)(const struct timer *timer)) {
  *timers = (struct timers){.ask = ask};
  timers->heap = calloc(most + 1, sizeof *timers->heap);
  timers->list = calloc(most + 1, sizeof *timers->list);
  if (timers->heap && timers->list)
    return 0;
  timers_close(timers);
  return -1;
}

void timers_close(struct timers *timers) {
  free(timers->heap);
  free(timers->list);
  *timers = (struct timers){0};
}

/* ---- the heap: places from 1, the children of i are 2i and 2i + 1 ------------------------- */

static void put(struct timers *timers, size_t at, struct timer *timer) {
  timers->heap[at] = timer;
  timer->place = at;
}

static void sift_up(struct timers *timers, struct timer *timer) {
  size_t at = timer->place;
  for (; at > 1 && timer->at_ns < timers->heap[at / 2]->at_ns; at /= 2)
    put(timers, at, timers->heap[at / 2]);
  put(timers, at, timer);
}

static void sift_down(struct timers *timers, struct timer *timer) {
  size_t at = timer->place;
  for (;;) {
    size_t child = 2 * at;
    if (child > timers->n)
      break;
    if (child < timers->n && timers->heap[child + 1]->at_ns < timers->heap[child]->at_ns)
      child++;
    if (timers->heap[child]->at_ns >= timer->at_ns)
      break;
    put(timers, at, timers->heap[child]);
    at = child;
  }
  put(timers, at, timer);
}

/* ---- in, out, noted --------------------------------------------------------------------------- */

void timers_add(struct timers *timers, struct timer *timer) {
  timer->at_ns = UINT64_MAX;
  timer->noted = 0;
  put(timers, ++timers->n, timer);
  timers_note(timers, timer);
}

void timers_note(struct timers *timers, struct timer *timer) {
  if (timer->place == 0 || timer->noted)
    return;
  timers->list[timers->n_noted] = timer;
  timer->noted = ++timers->n_noted;
}

void timers_remove(struct timers *timers, struct timer *timer) {
  if (timer->place == 0)
    return;
  if (timer->noted) {
    struct timer *last = timers->list[--timers->n_noted];
    last->noted = timer->noted;
    timers->list[last->noted - 1] = last;
  }
  struct timer *last = timers->heap[timers->n--];
  if (last != timer) {
    put(timers, timer->place, last);
    sift_up(timers, last);
    sift_down(timers, last);
  }
  timer->place = timer->noted = 0;
}

/* ---- questions ---------------------------------------------------------------------------------- */

static void refresh(struct timers *timers) {
  for (size_t i = 0; i < timers->n_noted; i++) {
    struct timer *timer = timers->list[i];
    const uint64_t before = timer->at_ns;
    timer->noted = 0;
    timer->at_ns = timers->ask(timer);
    if (timer->at_ns < before)
      sift_up(timers, timer);
    else if (timer->at_ns > before)
      sift_down(timers, timer);
  }
  timers->n_noted = 0;
}

uint64_t timers_next(struct timers *timers) {
  refresh(timers);
  return timers->n > 0 ? timers->heap[1]->at_ns : UINT64_MAX;
}

static int by_order(const void *a, const void *b) {
  const struct timer *const *one = a, *const *other = b;
  return (*one)->order < (*other)->order ? -1 : (*one)->order > (*other)->order;
}

/* Below one that is not due nobody is: the walk ends there. */
static size_t collect(const struct timers *timers, size_t at, uint64_t now_ns, struct timer **due,
                      size_t n) {
  for (; at <= timers->n && timers->heap[at]->at_ns <= now_ns; at = 2 * at + 1) {
    due[n++] = timers->heap[at];
    n = collect(timers, 2 * at, now_ns, due, n);
  }
  return n;
}

size_t timers_due(struct timers *timers, uint64_t now_ns, struct timer **due) {
  refresh(timers);
  const size_t n = collect(timers, 1, now_ns, due, 0);
  qsort(due, n, sizeof(struct timer *), by_order);
  return n;
}
