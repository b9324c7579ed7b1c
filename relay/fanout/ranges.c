#include "relay/fanout/ranges.h"

#include <stdlib.h>
#include <string.h>

const struct ranges_span *ranges_at(const struct ranges *set) {
  return set->heap ? set->heap : set->inside;
}

static struct ranges_span *spans_of(struct ranges *set) {
  return set->heap ? set->heap : set->inside;
}

/* Index of the first span that ends at or behind `value`; n if there is none. */
static size_t find(const struct ranges *set, uint64_t value) {
  const struct ranges_span *span = ranges_at(set);
  size_t lo = 0, hi = set->n;

  if (hi && span[hi - 1].hi < value)
    return hi;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (span[mid].hi < value)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

/* Makes room for one more span. */
static bool grow(struct ranges *set) {
  size_t room = set->heap ? set->room : RANGES_INLINE;
  struct ranges_span *heap;

  if (set->n < room)
    return true;
  room *= 2;
  heap = realloc(set->heap, room * sizeof(*heap));
  if (!heap)
    return false;
  if (!set->heap)
    memcpy(heap, set->inside, set->n * sizeof(*heap));
  set->heap = heap;
  set->room = room;
  return true;
}

uint64_t ranges_add(struct ranges *set, uint64_t lo, uint64_t hi) {
  struct ranges_span *span;
  uint64_t added = hi - lo;
  size_t first, end;

  if (lo >= hi)
    return 0;
  first = find(set, lo);
  span = spans_of(set);
  if (first == set->n || span[first].lo > hi) { /* touches nothing: a span of its own */
    if (!grow(set))
      return UINT64_MAX;
    span = spans_of(set);
    memmove(span + first + 1, span + first, (set->n - first) * sizeof(*span));
    span[first] = (struct ranges_span){lo, hi};
    set->n++;
    return added;
  }
  for (end = first; end < set->n && span[end].lo <= hi; end++) {
    uint64_t a = span[end].lo > lo ? span[end].lo : lo;
    uint64_t b = span[end].hi < hi ? span[end].hi : hi;
    if (a < b)
      added -= b - a;
  }
  if (span[first].lo < lo)
    lo = span[first].lo;
  if (span[end - 1].hi > hi)
    hi = span[end - 1].hi;
  span[first] = (struct ranges_span){lo, hi};
  memmove(span + first + 1, span + end, (set->n - end) * sizeof(*span));
  set->n -= end - first - 1;
  return added;
}

bool ranges_remove(struct ranges *set, uint64_t lo, uint64_t hi) {
  struct ranges_span *span = spans_of(set);
  size_t first, end;

  if (lo >= hi)
    return true;
  first = find(set, lo);
  if (first < set->n && span[first].lo < lo && span[first].hi > hi) { /* a hole inside */
    if (!grow(set))
      return false;
    span = spans_of(set);
    memmove(span + first + 1, span + first, (set->n - first) * sizeof(*span));
    span[first].hi = lo;
    span[first + 1].lo = hi;
    set->n++;
    return true;
  }
  if (first < set->n && span[first].lo < lo) {
    span[first].hi = lo;
    first++;
  }
  for (end = first; end < set->n && span[end].hi <= hi; end++)
    ;
  if (end < set->n && span[end].lo < hi)
    span[end].lo = hi;
  memmove(span + first, span + end, (set->n - end) * sizeof(*span));
  set->n -= end - first;
  return true;
}

bool ranges_contains(const struct ranges *set, uint64_t lo, uint64_t hi) {
  uint64_t gap_lo, gap_hi;

  return !ranges_next_gap(set, lo, hi, &gap_lo, &gap_hi);
}

bool ranges_next_gap(const struct ranges *set, uint64_t lo, uint64_t hi, uint64_t *gap_lo,
                     uint64_t *gap_hi) {
  const struct ranges_span *span = ranges_at(set);
  size_t i;

  if (lo >= hi)
    return false;
  i = find(set, lo);
  if (i < set->n && span[i].hi == lo)
    i++;
  if (i < set->n && span[i].lo <= lo) { /* lo lies inside: the gap begins where the span ends */
    lo = span[i++].hi;
    if (lo >= hi)
      return false;
  }
  *gap_lo = lo;
  *gap_hi = i < set->n && span[i].lo < hi ? span[i].lo : hi;
  return true;
}

uint64_t ranges_end(const struct ranges *set) {
  return set->n ? ranges_at(set)[set->n - 1].hi : 0;
}

size_t ranges_count(const struct ranges *set) {
  return set->n;
}

void ranges_clear(struct ranges *set) {
  free(set->heap);
  memset(set, 0, sizeof(*set));
}
