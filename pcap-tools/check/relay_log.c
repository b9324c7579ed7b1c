#include "pcap-tools/check/relay_log.h"

#include "pcap-tools/check/excuse.h"

static bool keeps(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side) {
  const struct qp_node *node = e->manifest ? qp_node_at(e, conn, side) : NULL;
  return node && !strcmp(node->role, "relay") && strcmp(node->datapath, "stock") != 0 &&
         e->ledger.n_conns + e->copies.n_conns > 0;
}

/* A relay that is started again begins new files. */
static void bounds(const struct qp_evidence *e, const char *node, struct qp_relay_log *log) {
  bool unflushed;
  uint64_t t = 0, restarted = 0;
  log->until_ns = UINT64_MAX;
  while ((t = qp_node_broken_at(e, node, t, &unflushed)) != UINT64_MAX) {
    bool restart = false;
    for (size_t i = 0; i < e->faults.n; i++)
      restart |= e->faults.items[i].t == t && !strcmp(e->faults.items[i].kind, "restart");
    if (restart)
      restarted = t;
    else if (unflushed)
      log->until_ns = qp_capture_time(e, t) - QP_UNFLUSHED_NS;
    if (restart)
      log->until_ns = UINT64_MAX;
    t++;
  }
  log->from_ns = restarted ? qp_capture_time(e, restarted) : 0;
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
