#include "pcap-tools/check/per_conn.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

void *qp_per_conn_make(struct qp_per_conn *p, const struct qp_conn *conn, size_t size) {
  size_t had = p->room;
  qp_grow((void **)&p->items, &p->room, (size_t)conn->index + 1, sizeof *p->items);
  if (p->room > had)
    memset(p->items + had, 0, (p->room - had) * sizeof *p->items);
  if (!p->items[conn->index])
    p->items[conn->index] = qp_alloc(1, size);
  return p->items[conn->index];
}

void qp_per_conn_clear(struct qp_per_conn *p, void (*drop)(void *item)) {
  for (size_t i = 0; i < p->room; i++) {
    if (p->items[i] && drop)
      drop(p->items[i]);
    free(p->items[i]);
  }
  free(p->items);
  memset(p, 0, sizeof *p);
}
