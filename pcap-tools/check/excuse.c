#include "pcap-tools/check/excuse.h"

/* The runner does an event a little late; a connection that began in this time
 * after the planned moment may still be its victim. */
enum { EVENT_LATE_NS = 100000000 };

static bool names(const char *planned, const char *node) {
  size_t n = strlen(planned);
  return n && !strncmp(planned, node, n) && (node[n] == 0 || node[n] == '[');
}

static bool ends_connections(const char *kind) {
  static const char *const kinds[] = {"reconnect", "die", "vanish", "kill", "restart"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kind, kinds[i]))
      return true;
  return false;
}

bool qp_excused(const struct qp_evidence *e, const struct qp_conn *conn) {
  const struct qp_manifest *m = e->manifest;
  if (!m)
    return false;
  const struct qp_node *ends[2] = {qp_node_at(e, conn, QP_CLIENT), qp_node_at(e, conn, QP_SERVER)};
  for (size_t i = 0; i < m->n_events; i++) {
    const struct qp_event_info *ev = &m->events[i];
    uint64_t t = m->start_ns + ev->at_ns + (uint64_t)m->realtime_minus_monotonic_ns;
    bool ours =
        (ends[0] && names(ev->node, ends[0]->name)) || (ends[1] && names(ev->node, ends[1]->name));
    /* a connection made after the event is not its victim */
    if (ours && ends_connections(ev->kind) && conn->first.time_ns < t + EVENT_LATE_NS)
      return true;
  }
  return false;
}

bool qp_planned(const struct qp_manifest *m, const char *node, const char *kind) {
  for (size_t i = 0; i < m->n_events; i++)
    if (!strcmp(m->events[i].kind, kind) && names(m->events[i].node, node))
      return true;
  return false;
}

bool qp_timed_out(const struct qp_evidence *e) {
  return e->manifest && e->manifest->timed_out;
}

bool qp_lossless(const struct qp_manifest *m) {
  for (size_t i = 0; i < m->n_links; i++)
    if (!m->links[i].plain)
      return false;
  return true;
}
