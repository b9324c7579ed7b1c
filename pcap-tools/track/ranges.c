#include "pcap-tools/track/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"

size_t qp_ranges_at(const struct qp_ranges *r, uint64_t value) {
  size_t lo = 0, hi = r->n;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (r->spans[mid].hi < value)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static void insert(struct qp_ranges *r, size_t at, uint64_t lo, uint64_t hi) {
  qp_grow((void **)&r->spans, &r->room, r->n + 1, sizeof *r->spans);
  memmove(&r->spans[at + 1], &r->spans[at], (r->n - at) * sizeof *r->spans);
  r->spans[at] = (struct qp_span){lo, hi};
  r->n++;
}

uint64_t qp_ranges_add(struct qp_ranges *r, uint64_t lo, uint64_t hi) {
  if (r->n && lo == r->spans[r->n - 1].hi + 1) {
    r->spans[r->n - 1].hi = hi;
    return hi - lo + 1;
  }
  if (!r->n || lo > r->spans[r->n - 1].hi) {
    insert(r, r->n, lo, hi);
    return hi - lo + 1;
  }
  size_t first = qp_ranges_at(r, lo ? lo - 1 : 0); /* touches or overlaps from the left */
  size_t end = first;
  uint64_t had = 0, new_lo = lo, new_hi = hi;
  while (end < r->n && (r->spans[end].lo <= hi || r->spans[end].lo - 1 == hi)) {
    struct qp_span s = r->spans[end++];
    uint64_t a = s.lo > lo ? s.lo : lo, b = s.hi < hi ? s.hi : hi;
    had += a <= b ? b - a + 1 : 0;
    new_lo = s.lo < new_lo ? s.lo : new_lo;
    new_hi = s.hi > new_hi ? s.hi : new_hi;
  }
  if (end == first) {
    insert(r, first, lo, hi);
    return hi - lo + 1;
  }
  r->spans[first] = (struct qp_span){new_lo, new_hi};
  memmove(&r->spans[first + 1], &r->spans[end], (r->n - end) * sizeof *r->spans);
  r->n -= end - first - 1;
  return hi - lo + 1 - had;
}

bool qp_ranges_has(const struct qp_ranges *r, uint64_t value) {
  size_t i = qp_ranges_at(r, value);
  return i < r->n && r->spans[i].lo <= value;
}

bool qp_ranges_cover(const struct qp_ranges *r, uint64_t lo, uint64_t hi, uint64_t *missing) {
  size_t i = qp_ranges_at(r, lo);
  if (i == r->n || r->spans[i].lo > lo) {
    *missing = lo;
    return false;
  }
  *missing = r->spans[i].hi + 1;
  return r->spans[i].hi >= hi;
}

uint64_t qp_ranges_count(const struct qp_ranges *r) {
  uint64_t n = 0;
  for (size_t i = 0; i < r->n; i++)
    n += r->spans[i].hi - r->spans[i].lo + 1;
  return n;
}

void qp_ranges_clear(struct qp_ranges *r) {
  free(r->spans);
  memset(r, 0, sizeof *r);
}
