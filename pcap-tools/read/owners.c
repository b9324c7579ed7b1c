#include "pcap-tools/read/owners.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

static int compare(const struct qp_end *a, const struct qp_end *b) {
  if (a->family != b->family)
    return a->family < b->family ? -1 : 1;
  const int address = memcmp(a->addr, b->addr, sizeof a->addr);
  return address ? address : (a->port > b->port) - (a->port < b->port);
}

static int by_end_and_node(const void *a, const void *b) {
  const struct qp_owner *x = a, *y = b;
  const int end = compare(&x->end, &y->end);
  return end ? end : (x->node > y->node) - (x->node < y->node);
}

void qp_owners_add(struct qp_owners *o, const struct qp_end *end, uint32_t node) {
  qp_grow((void **)&o->items, &o->room, o->n + 1, sizeof *o->items);
  o->items[o->n++] = (struct qp_owner){*end, node};
}

void qp_owners_sort(struct qp_owners *o) {
  if (o->n)
    qsort(o->items, o->n, sizeof *o->items, by_end_and_node);
}

/* The first that is not before `end`. */
static size_t lower_bound(const struct qp_owners *o, const struct qp_end *end) {
  size_t lo = 0, hi = o->n;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (compare(&o->items[mid].end, end) < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

uint32_t qp_owners_find(const struct qp_owners *o, const struct qp_end *end) {
  const size_t i = lower_bound(o, end);
  return i < o->n && qp_end_equal(&o->items[i].end, end) ? o->items[i].node : QP_NOBODY;
}

uint32_t qp_owners_alone(const struct qp_owners *o, const struct qp_end *end) {
  struct qp_end first = *end;
  first.port = 0;
  const size_t i = lower_bound(o, &first);
  if (i >= o->n || !qp_addr_equal(&o->items[i].end, end))
    return QP_NOBODY;
  const bool shared = i + 1 < o->n && qp_addr_equal(&o->items[i + 1].end, end);
  return shared ? QP_NOBODY : o->items[i].node;
}

void qp_owners_clear(struct qp_owners *o) {
  free(o->items);
  *o = (struct qp_owners){0};
}
