/* Room for what a check keeps of each connection. Zero-initialised = empty;
 * pointers stay valid until it is cleared. */
#ifndef FANBENCH_PCAP_CHECK_PER_CONN_H
#define FANBENCH_PCAP_CHECK_PER_CONN_H

#include "pcap-tools/track/conn.h"

struct qp_per_conn {
  void **items;
  size_t room;
};

__attribute__((returns_nonnull)) void *qp_per_conn_make(struct qp_per_conn *p,
                                                        const struct qp_conn *conn, size_t size);

/* The connection's own bytes if they exist, else NULL. */
static inline void *qp_per_conn_peek(const struct qp_per_conn *p, const struct qp_conn *conn) {
  return conn->index < p->room ? p->items[conn->index] : NULL;
}

/* The connection's own `size` bytes, zeroed at first. */
__attribute__((returns_nonnull)) static inline void *
qp_per_conn(struct qp_per_conn *p, const struct qp_conn *conn, size_t size) {
  void *item = qp_per_conn_peek(p, conn);
  return item ? item : qp_per_conn_make(p, conn, size);
}
/* drop: gives back what an item owns, not the item; may be NULL. */
void qp_per_conn_clear(struct qp_per_conn *p, void (*drop)(void *item));

#endif
