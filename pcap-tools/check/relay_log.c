#include "pcap-tools/check/relay_log.h"

#include "pcap-tools/check/excuse.h"

static bool keeps(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side) {
  const struct qp_node *node = e->manifest ? qp_node_at(e, conn, side) : NULL;
  return node && !strcmp(node->role, "relay") && strcmp(node->datapath, "stock") != 0 &&
         e->ledger.n_conns + e->copies.n_conns > 0;
}

/* A relay that is started again begins new files. */
static void bounds(const struct qp_evidence *e, const char *node, struct qp_relay_log *log) {
  log->until_ns = UINT64_MAX;
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, node, NULL, f));) {
    const uint64_t t = qp_capture_time(e, f->t);
    if (!strcmp(f->kind, "restart")) {
      log->from_ns = t;
      log->until_ns = UINT64_MAX;
    } else if (qp_ends_process(f)) {
      log->until_ns = t - QP_UNFLUSHED_NS;
    }
  }
}

bool qp_relay_log(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                  struct qp_relay_log *log) {
  if (log->asked)
    return log->kept;
  *log = (struct qp_relay_log){.asked = true, .kept = keeps(e, conn, side)};
  if (!log->kept)
    return false;
  const struct qp_node *node = qp_node_at(e, conn, side);
  uint32_t relay = (uint32_t)(node - e->manifest->nodes);
  log->copies = qp_copies_find(&e->copies, relay, &conn->odcid);
  log->ledger = qp_ledger_find(&e->ledger, relay, &conn->odcid);
  bounds(e, node->name, log);
  return true;
}

int qp_relay_side(const struct qp_evidence *e, const struct qp_conn *conn, uint32_t relay) {
  for (unsigned side = 0; side < 2; side++)
    if (keeps(e, conn, side) && qp_node_at(e, conn, side) == &e->manifest->nodes[relay])
      return (int)side;
  return -1;
}
