#include "relay/quic/shim_runs.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 32

/* Room for one more: the forgotten front is used again before memory grows. */
static bool make_room(struct shim_runs *runs) {
  size_t used = runs->end - runs->first, room = runs->room ? runs->room * 2 : FIRST_ROOM;
  struct shim_run *run;

  if (runs->end < runs->room)
    return true;
  if (runs->first > runs->room / 2) {
    memmove(runs->run, runs->run + runs->first, used * sizeof(*runs->run));
    runs->first = 0;
    runs->end = used;
    return true;
  }
  run = realloc(runs->run, room * sizeof(*run));
  if (!run)
    return false;
  runs->run = run;
  runs->room = room;
  return true;
}

bool shim_runs_add(struct shim_runs *runs, uint64_t own, uint64_t joint) {
  if (runs->end > runs->first) {
    struct shim_run *last = &runs->run[runs->end - 1];
    if (last->own + last->len == own && last->joint + last->len == joint) {
      last->len++;
      return true;
    }
  }
  if (!make_room(runs))
    return false;
  runs->run[runs->end++] = (struct shim_run){own, joint, 1};
  return true;
}

/* Index of the first run that ends above `joint`; runs->end if there is none. */
static size_t find(const struct shim_runs *runs, uint64_t joint) {
  size_t lo = runs->first, hi = runs->end;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (runs->run[mid].joint + runs->run[mid].len <= joint)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

bool shim_runs_own(const struct shim_runs *runs, uint64_t joint, uint64_t *own) {
  size_t i = find(runs, joint);

  if (i == runs->end || runs->run[i].joint > joint)
    return false;
  *own = runs->run[i].own + (joint - runs->run[i].joint);
  return true;
}

bool shim_runs_within(const struct shim_runs *runs, uint64_t lo, uint64_t hi, uint64_t *own_lo,
                      uint64_t *own_hi) {
  size_t i = find(runs, lo), j = find(runs, hi);

  if (i == runs->end || runs->run[i].joint > hi)
    return false;
  *own_lo = runs->run[i].own + (lo > runs->run[i].joint ? lo - runs->run[i].joint : 0);
  if (j < runs->end && runs->run[j].joint <= hi)
    *own_hi = runs->run[j].own + (hi - runs->run[j].joint);
  else /* hi lies between two runs, or above all: the run before ends below it */
    *own_hi = runs->run[j - 1].own + runs->run[j - 1].len - 1;
  return true;
}

void shim_runs_forget(struct shim_runs *runs, uint64_t joint) {
  while (runs->first < runs->end &&
         runs->run[runs->first].joint + runs->run[runs->first].len <= joint)
    runs->first++;
}

void shim_runs_free(struct shim_runs *runs) {
  free(runs->run);
  memset(runs, 0, sizeof(*runs));
}
