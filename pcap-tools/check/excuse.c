#include "pcap-tools/check/excuse.h"

static bool names(const char *told, const char *node) {
  size_t n = strlen(told);
  return n && !strncmp(told, node, n) && (node[n] == 0 || node[n] == '[');
}

static bool among(const char *kind, const char *const *kinds, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!strcmp(kind, kinds[i]))
      return true;
  return false;
}

static bool ends_connections(const struct qp_fault *f) {
  static const char *const kinds[] = {"reconnect", "die", "vanish", "kill", "restart"};
  return among(f->kind, kinds, sizeof kinds / sizeof *kinds);
}

uint64_t qp_capture_time(const struct qp_evidence *e, uint64_t monotonic_ns) {
  if (monotonic_ns == UINT64_MAX || !e->manifest)
    return monotonic_ns;
  return monotonic_ns + (uint64_t)e->manifest->realtime_minus_monotonic_ns;
}

static uint64_t find_break(const struct qp_evidence *e, const struct qp_conn *conn) {
  const struct qp_node *ends[2] = {qp_node_at(e, conn, QP_CLIENT), qp_node_at(e, conn, QP_SERVER)};
  for (size_t i = 0; i < e->faults.n; i++) {
    const struct qp_fault *f = &e->faults.items[i];
    uint64_t t = qp_capture_time(e, f->t);
    bool ours =
        (ends[0] && names(f->node, ends[0]->name)) || (ends[1] && names(f->node, ends[1]->name));
    /* a connection made after the event is not its victim */
    if (ours && ends_connections(f) && conn->first.time_ns < t)
      return t;
  }
  return UINT64_MAX;
}

uint64_t qp_broken_at(const struct qp_evidence *e, const struct qp_conn *conn) {
  struct qp_ends_of *of = qp_ends_of(e, conn);
  if (!of)
    return UINT64_MAX;
  if (!of->asked_broken)
    of->broken_at = find_break(e, conn);
  of->asked_broken = true;
  return of->broken_at;
}

bool qp_excused(const struct qp_evidence *e, const struct qp_conn *conn) {
  return qp_broken_at(e, conn) != UINT64_MAX;
}

const struct qp_fault *qp_next_fault(const struct qp_evidence *e, const char *node,
                                     const char *kind, const struct qp_fault *last) {
  const struct qp_fault *end = e->faults.items + e->faults.n;
  for (const struct qp_fault *f = last ? last + 1 : e->faults.items; f < end; f++)
    if (names(f->node, node) && (!kind || !strcmp(f->kind, kind)))
      return f;
  return NULL;
}

bool qp_ends_process(const struct qp_fault *f) {
  static const char *const kinds[] = {"die", "kill", "restart"};
  return among(f->kind, kinds, sizeof kinds / sizeof *kinds);
}

uint64_t qp_node_broken_at(const struct qp_evidence *e, const char *node, uint64_t t,
                           bool *unflushed) {
  *unflushed = false;
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, node, NULL, f));) {
    if (!ends_connections(f) || f->t < t)
      continue;
    *unflushed = qp_ends_process(f);
    return f->t;
  }
  return UINT64_MAX;
}

bool qp_happened(const struct qp_evidence *e, const char *node, const char *kind) {
  return qp_next_fault(e, node, kind, NULL) != NULL;
}

bool qp_is_rogue(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side) {
  struct qp_ends_of *of = qp_ends_of(e, conn);
  if (!of)
    return false;
  if (!of->asked_rogue[side]) {
    const struct qp_node *node = qp_node_at(e, conn, side);
    of->rogue[side] = node && qp_happened(e, node->name, "rogue");
  }
  of->asked_rogue[side] = true;
  return of->rogue[side];
}

bool qp_found_of(struct qp_judged *self, const struct qp_conn *conn, unsigned side) {
  return !qp_is_rogue(self->evidence, conn, side) && qp_found(self);
}

bool qp_is_rogue_track(const struct qp_evidence *e, const char *track) {
  for (size_t i = 0; e->manifest && i < e->manifest->n_tracks; i++)
    if (!strcmp(e->manifest->tracks[i].name, track))
      return qp_happened(e, e->manifest->tracks[i].from, "rogue");
  return false;
}

bool qp_is_rogue_alias(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                       uint64_t alias, uint64_t time_ns) {
  const struct qp_request *r = qp_session_alias(conn, !side, alias, time_ns);
  return r && r->track != QP_MAP_NONE &&
         qp_is_rogue_track(e, qp_tracker_tracks(e->tracker)->items[r->track].name);
}

/* UINT64_MAX: it never went on. */
static uint64_t stall_end(const struct qp_evidence *e, const char *node,
                          const struct qp_fault *stall) {
  const struct qp_fault *resume = qp_next_fault(e, node, "resume", stall);
  return resume ? qp_capture_time(e, resume->t) : UINT64_MAX;
}

bool qp_stalled(const struct qp_evidence *e, const char *node, uint64_t from, uint64_t to) {
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, node, "stall", f));) {
    const uint64_t end = stall_end(e, node, f);
    if (qp_capture_time(e, f->t) <= to && (end == UINT64_MAX || end + QP_TURN_NS >= from))
      return true;
  }
  return false;
}

uint64_t qp_resumed_at(const struct qp_evidence *e, const char *node, uint64_t t) {
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, node, "stall", f));) {
    const uint64_t end = stall_end(e, node, f);
    if (qp_capture_time(e, f->t) <= t && end != UINT64_MAX && end > t)
      return end;
  }
  return t;
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
