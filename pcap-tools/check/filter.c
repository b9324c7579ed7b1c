#include "pcap-tools/check/filter.h"

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/track/session.h"

/* A relay takes a filter change into account at once, also for queued objects. */
#define FILTER_AHEAD_NS 1000000000u

bool qp_filtered(const struct qp_request *r, const struct qp_object *o, int priority, uint64_t t) {
  struct qp_location at = {o->group, o->object};
  for (size_t i = 0; i < r->n_filters; i++) {
    const struct qp_filter *f = &r->filters[i];
    if (f->refused || (i && f->asked.time_ns > t + FILTER_AHEAD_NS))
      continue;
    const struct qp_filter *next = i + 1 < r->n_filters ? f + 1 : NULL;
    if (next && !next->refused && next->answered.frame && next->answered.time_ns < t)
      continue; /* replaced before */
    if (!f->forward || !qp_filter_admits(f, priority) || qp_filter_past_end(f, at))
      return true;
  }
  return false;
}

bool qp_has_filter(const struct qp_request *r) {
  for (size_t i = 0; i < r->n_filters; i++)
    if (r->filters[i].n_priority || !r->filters[i].forward)
      return true;
  return false;
}

bool qp_admitted(const struct qp_request *r, int priority, uint64_t t) {
  for (size_t i = 0; i < r->n_filters; i++) {
    const struct qp_filter *f = &r->filters[i];
    const struct qp_filter *next = i + 1 < r->n_filters ? f + 1 : NULL;
    if (f->refused || (i && f->asked.time_ns > t))
      continue;
    if (next && !next->refused && next->answered.frame && next->answered.time_ns + QP_TURN_NS < t)
      continue; /* replaced before */
    if (f->forward && qp_filter_admits(f, priority))
      return true;
  }
  return false;
}

uint64_t qp_narrowed_at(const struct qp_request *r, int priority, uint64_t t, uint64_t until) {
  for (size_t i = 1; i < r->n_filters; i++) {
    const struct qp_filter *f = &r->filters[i];
    if (!f->refused && f->asked.time_ns > t && f->asked.time_ns < until &&
        (!f->forward || !qp_filter_admits(f, priority)))
      return f->asked.time_ns;
  }
  return UINT64_MAX;
}
