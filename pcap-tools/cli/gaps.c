#include "pcap-tools/cli/gaps.h"

bool qp_gap_next(const struct qp_ranges *set, uint64_t at, uint64_t end, uint64_t *lo,
                 uint64_t *hi) {
  if (at > end || qp_ranges_cover(set, at, end, lo))
    return false;
  size_t first = 0, last = set->n;
  while (first < last) { /* the first span behind *lo */
    size_t mid = (first + last) / 2;
    if (set->spans[mid].lo > *lo)
      last = mid;
    else
      first = mid + 1;
  }
  *hi = first < set->n && set->spans[first].lo <= end ? set->spans[first].lo - 1 : end;
  return true;
}

uint64_t qp_gap_count(const struct qp_ranges *a, const struct qp_ranges *b, uint64_t limit,
                      uint64_t *first) {
  uint64_t n = 0, lo, hi;
  for (size_t i = 0; i < a->n && a->spans[i].lo <= limit; i++) {
    uint64_t end = a->spans[i].hi < limit ? a->spans[i].hi : limit;
    for (uint64_t at = a->spans[i].lo; qp_gap_next(b, at, end, &lo, &hi); at = hi + 1) {
      if (!n)
        *first = lo;
      n += hi - lo + 1;
    }
  }
  return n;
}
