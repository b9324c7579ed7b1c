#include "relay/fanout/arrivals.h"

#include <stdlib.h>
#include <string.h>

bool arrivals_add(struct arrivals *a, uint64_t from, uint64_t ns) {
  if (a->n && a->marks[a->n - 1].ns == ns)
    return true;
  if (a->n == a->room) {
    size_t room = a->room ? a->room * 2 : 8;
    struct arrival *grown = realloc(a->marks, room * sizeof *grown);
    if (!grown)
      return false;
    a->marks = grown;
    a->room = room;
  }
  a->marks[a->n++] = (struct arrival){.from = from, .ns = ns};
  return true;
}

/* The mark that holds the byte; a->n if it lies in front of all. */
static size_t find(const struct arrivals *a, uint64_t offset) {
  size_t lo = 0, hi = a->n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (a->marks[mid].from <= offset)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo ? lo - 1 : a->n;
}

uint64_t arrivals_at(const struct arrivals *a, uint64_t offset) {
  size_t i = find(a, offset);
  return i < a->n ? a->marks[i].ns : 0;
}

void arrivals_trim(struct arrivals *a, uint64_t offset) {
  size_t i = find(a, offset);
  if (i == 0 || i >= a->n)
    return;
  memmove(a->marks, a->marks + i, (a->n - i) * sizeof *a->marks);
  a->n -= i;
}

void arrivals_clear(struct arrivals *a) {
  free(a->marks);
  *a = (struct arrivals){0};
}
