/* What a LOCATION_FILTER selects; declared in params.h. */
#include "relay/moqt/params.h"

int moqt_location_cmp(struct moqt_location a, struct moqt_location b) {
  if (a.group != b.group)
    return a.group < b.group ? -1 : 1;
  return a.object < b.object ? -1 : a.object > b.object;
}

bool moqt_location_in(const struct moqt_location_range *range, struct moqt_location at) {
  return moqt_location_cmp(range->start, at) <= 0 && moqt_location_cmp(at, range->end) <= 0;
}

/* One number: 0 = the next group, n = n-1 groups before the current one. */
static struct moqt_location relative_start(uint64_t n, const struct moqt_location *largest) {
  struct moqt_location start = {0};

  if (!largest)
    return start;
  if (n == 0)
    start.group = largest->group == UINT64_MAX ? UINT64_MAX : largest->group + 1;
  else if (largest->group >= n - 1)
    start.group = largest->group - (n - 1);
  return start;
}

bool moqt_location_resolve(const struct moqt_location_filter *filter,
                           const struct moqt_location *largest, struct moqt_location_range *out) {
  const uint64_t *v = filter->v;

  *out = (struct moqt_location_range){.end = {UINT64_MAX, UINT64_MAX}};
  switch (filter->n) {
  case 0:
    return true;
  case 1:
    out->start = relative_start(v[0], largest);
    return true;
  case 2:
    if (v[0] == 0 && v[1] == 0) { /* the next object */
      if (largest && largest->object < UINT64_MAX)
        out->start = (struct moqt_location){largest->group, largest->object + 1};
      else if (largest)
        out->start = relative_start(0, largest);
      return true;
    }
    break;
  default:
    if (v[2] > UINT64_MAX - v[0])
      return false;
    out->end.group = v[0] + v[2];
    if (filter->n == 4)
      out->end.object = v[3];
    break;
  }
  out->start = (struct moqt_location){v[0], v[1]};
  return true;
}
