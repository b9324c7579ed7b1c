/* trace-agrees: ledger, copy records and capture name the same numbers, contents, IDs
 * and addresses. Every 1-RTT packet of a relay stands in the ledger, with the frames it
 * carried if the relay's own builder or the datapath made it; what the ledger and the
 * copy records call sent was captured; each number is a copy of one packet; a
 * connection in the trace exists, where the trace says. And endpoints' qlog, if there
 * is one, agrees with the capture: check/witness.h.
 *
 * Vantage: the interface of whoever wrote the trace.
 *
 * Excused: what a killed relay had not written.
 *
 * Source: DESIGN 7; RFC 9000 12.3. */
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/relay_log.h"
#include "pcap-tools/check/witness.h"

struct trace_agrees {
  struct qp_per_conn logs[2]; /* struct qp_relay_log, by the relay's side */
  struct qp_witness witness;
};

/* ---- packet by packet ----------------------------------------------------- */

/* The sum of what the packet carries of fan-out streams and datagrams. The relay's
 * first one-way stream is its control stream: ngtcp2's. */
static uint64_t carried(const struct qp_seen *s) {
  struct qp_cur c = qp_cur(s->payload, s->len);
  struct qp_quic_frame f;
  const char *why;
  uint64_t sum = 0;
  while (qp_quic_frame_next(&c, &f, &why) == 1) {
    if (f.kind == QP_F_STREAM && qp_stream_uni(f.stream.id) && f.stream.id > 3)
      sum += qp_content_stream(f.stream.id, f.stream.offset, f.stream.len, f.stream.fin);
    else if (f.kind == QP_F_DATAGRAM)
      sum += qp_content_datagram(f.bytes.len);
    else if (f.kind == QP_F_RESET_STREAM && qp_stream_uni(f.reset.id) && f.reset.id > 3)
      sum += qp_content_reset(f.reset.id);
  }
  return sum;
}

static void report(struct qp_judged *self, const struct qp_seen *s, const char *field,
                   char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(self, s->place,
              (struct qp_words){.layer = "quic",
                                .field = field,
                                .expected = expected,
                                .actual = actual,
                                .explain = qp_text("%s, packet number %llu: the relay's ledger and "
                                                   "the capture disagree",
                                                   qp_flow(self->evidence, s->conn, s->side, flow),
                                                   (unsigned long long)s->pn)});
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct trace_agrees *state = self->state;
  if (s->opened)
    qp_witness_packet(self, &state->witness, s);
  if (!s->opened || s->header->type != QP_1RTT || !(s->views & QP_SENT) || s->repeated)
    return;
  struct qp_relay_log *log = qp_per_conn(&state->logs[s->side], s->conn, sizeof *log);
  qp_relay_log(self->evidence, s->conn, s->side, log);
  if (!qp_relay_log_holds(log, s->place.time_ns))
    return;
  const struct qp_ledger_number *n = log->ledger ? qp_ledger_number(log->ledger, s->pn) : NULL;
  self->out->examined++;
  if (!n) {
    if (qp_found(self))
      report(self, s, "packet number", qp_text("a line in the ledger"), qp_text("none"));
    return;
  }
  bool fast = log->copies && qp_copies_number(&self->evidence->copies, log->copies, s->pn);
  if (fast != (n->origin == QP_ORIGIN_FAST) && qp_found(self))
    report(self, s, "origin", qp_text("%s, as the copy records say", fast ? "fast" : "not fast"),
           qp_text("%s in the ledger", qp_origin_name(n->origin)));
  bool built = n->origin == QP_ORIGIN_FAST || n->origin == QP_ORIGIN_SLOW;
  if (built && carried(s) != n->content && qp_found(self))
    report(self, s, "content",
           qp_text("the stream ranges and datagrams of %s:%llu", log->ledger->file,
                   (unsigned long long)n->line),
           qp_text("others"));
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

/* ---- line by line --------------------------------------------------------- */

static void line_finding(struct qp_judged *self, const char *file, uint64_t line, uint64_t t,
                         const char *field, char *expected, char *actual) {
  qp_describe_line(self, file, line, qp_capture_time(self->evidence, t),
                   (struct qp_words){.layer = "run",
                                     .field = field,
                                     .expected = expected,
                                     .actual = actual,
                                     .explain = qp_text("the relay's trace names what the "
                                                        "captures do not have")});
}

/* The connection whose numbers these are. Of several with one Initial, which a relay that was started
 * again answers anew, it is that of the process that wrote the lines: the last one that had begun. */
static const struct qp_conn *conn_of_ledger(const struct qp_evidence *e,
                                            const struct qp_ledger_conn *c) {
  const struct qp_conn *last = qp_tracker_conn_of(e->tracker, &c->odcid);
  const uint64_t t = c->n ? qp_capture_time(e, c->numbers[0].sent_t) : UINT64_MAX;
  if (!last || last->first.time_ns <= t)
    return last;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  for (size_t i = n; i-- > 0;)
    if (conns[i]->taken_up && qp_cid_equal(&conns[i]->odcid, &c->odcid) &&
        conns[i]->first.time_ns <= t)
      return conns[i];
  return last;
}

static void judge_ledger(struct qp_judged *self, const struct qp_ledger_conn *c) {
  char cid[QP_CID_TEXT];
  const struct qp_conn *conn = conn_of_ledger(self->evidence, c);
  int side = conn ? qp_relay_side(self->evidence, conn, c->relay) : -1;
  self->out->examined++;
  if (side < 0) {
    if (qp_found(self))
      line_finding(self, c->file, 0, 0, "conn", qp_text("the first destination ID of a connection"),
                   qp_text("%s", qp_cid_text(&c->odcid, cid)));
    return;
  }
  const struct qp_numbers *n = &conn->numbers[side][QP_SPACE_APP];
  for (size_t i = 0; i < c->n && !n->gaps; i++) {
    const struct qp_ledger_number *l = &c->numbers[i];
    bool sent = l->origin != QP_ORIGIN_BURNED && l->fate != QP_FATE_NEVER;
    self->out->examined++;
    if (sent && !qp_ranges_has(&n->sent, l->pn) && qp_found(self))
      line_finding(self, c->file, l->line, l->sent_t, "pn", qp_text("a number that left the relay"),
                   qp_text("%llu, %s, %s", (unsigned long long)l->pn, qp_origin_name(l->origin),
                           qp_fate_name(l->fate)));
    if (l->again && qp_found(self))
      line_finding(self, c->file, l->line, l->sent_t, "pn", qp_text("one line for each number"),
                   qp_text("%llu twice", (unsigned long long)l->pn));
  }
}

static void judge_copy(struct qp_judged *self, const struct qp_copy *copy,
                       const struct qp_conn *conn) {
  const struct qp_copies *copies = &self->evidence->copies;
  const struct qp_copies_conn *c = &copies->conns[copy->conn];
  self->out->examined++;
  const struct qp_copy *other = qp_copies_next(copies, copy);
  if (other && (other->up != copy->up || other->up_pn != copy->up_pn) && qp_found(self))
    line_finding(self, c->file, copy->line, copy->t, "pn", qp_text("the copy of one packet"),
                 qp_text("%llu, of packet %llu and, in line %u, of packet %llu",
                         (unsigned long long)copy->pn, (unsigned long long)copy->up_pn, other->line,
                         (unsigned long long)other->up_pn));
  int side = conn ? qp_relay_side(self->evidence, conn, c->relay) : -1;
  if (side < 0 || qp_ranges_has(&c->failed, copy->pn))
    return;
  const struct qp_numbers *n = &conn->numbers[side][QP_SPACE_APP];
  if (!n->gaps && !qp_ranges_has(&n->sent, copy->pn) && qp_found(self))
    line_finding(self, c->file, copy->line, copy->t, "pn", qp_text("a number that left the relay"),
                 qp_text("%llu, recorded as sent", (unsigned long long)copy->pn));
}

/* Whether the client was seen on this 4-tuple: one that moved before it subscribed enters
 * the datapath with its new address. */
static bool was_on(const struct qp_conn *conn, const struct qp_slot *slot) {
  char remote[QP_END_TEXT], local[QP_END_TEXT];
  for (size_t i = 0; i < conn->n_vantages; i++) {
    const struct qp_vantage *v = &conn->vantages[i];
    const bool up = v->side == QP_CLIENT;
    qp_end_text(up ? &v->tuple.src : &v->tuple.dst, remote);
    qp_end_text(up ? &v->tuple.dst : &v->tuple.src, local);
    if (strcmp(slot->remote, remote) == 0 && strcmp(slot->local, local) == 0)
      return true;
  }
  return false;
}

static void judge_slot(struct qp_judged *self, const struct qp_slot *slot) {
  const struct qp_copies_conn *c = &self->evidence->copies.conns[slot->conn];
  const struct qp_conn *conn = qp_tracker_conn_of(self->evidence->tracker, &c->odcid);
  char cid[QP_CID_TEXT], end[QP_END_TEXT];
  self->out->examined++;
  if (!conn) {
    if (qp_found(self))
      line_finding(self, c->file, slot->line, slot->t, "conn",
                   qp_text("the first destination ID of a connection"),
                   qp_text("%s", qp_cid_text(&c->odcid, cid)));
    return;
  }
  if (was_on(conn, slot))
    return;
  if (strcmp(slot->remote, qp_end_text(&conn->tuple.src, end)) != 0 && qp_found(self))
    line_finding(self, c->file, slot->line, slot->t, "remote", qp_text("%s", end),
                 qp_text("%s", slot->remote));
  if (strcmp(slot->local, qp_end_text(&conn->tuple.dst, end)) != 0 && qp_found(self))
    line_finding(self, c->file, slot->line, slot->t, "local", qp_text("%s", end),
                 qp_text("%s", slot->local));
}

static void finish(struct qp_judged *self) {
  const struct qp_evidence *e = self->evidence;
  for (size_t i = 0; i < e->ledger.n_conns; i++)
    judge_ledger(self, &e->ledger.conns[i]);
  for (size_t i = 0; i < e->copies.n_slots; i++)
    judge_slot(self, &e->copies.slots[i]);
  const struct qp_conn **conns = qp_alloc(e->copies.n_conns, sizeof(struct qp_conn *));
  for (size_t i = 0; i < e->copies.n_conns; i++)
    conns[i] = qp_tracker_conn_of(e->tracker, &e->copies.conns[i].odcid);
  for (size_t i = 0; i < e->copies.n_items; i++)
    if (e->copies.items[i].send)
      judge_copy(self, &e->copies.items[i], conns[e->copies.items[i].conn]);
  free(conns);
  if (e->copies.stray_line && qp_found(self))
    line_finding(self, "copies", e->copies.stray_line, 0, "slot",
                 qp_text("a slot that a connection line named"), qp_text("another"));
  qp_witness_finish(self);
}

static void clear(struct qp_judged *self) {
  struct trace_agrees *state = self->state;
  qp_per_conn_clear(&state->logs[0], NULL);
  qp_per_conn_clear(&state->logs[1], NULL);
  qp_witness_clear(&state->witness);
}

const struct qp_check qp_check_trace_agrees = {
    .info = {"trace-agrees", "fan-out", "qlog, ledger and capture name the same numbers and IDs.",
             true},
    .state = sizeof(struct trace_agrees),
    .needs_run = true,
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
