#include "pcap-tools/check/witness.h"

#include "pcap-tools/check/excuse.h"

static uint64_t carried(const struct qp_seen *s) {
  struct qp_cur c = qp_cur(s->payload, s->len);
  struct qp_quic_frame f;
  const char *why;
  uint64_t sum = 0;
  while (qp_quic_frame_next(&c, &f, &why) == 1) {
    if (f.kind == QP_F_STREAM)
      sum += qp_content_stream(f.stream.id, f.stream.offset, f.stream.len, f.stream.fin);
    else if (f.kind == QP_F_DATAGRAM)
      sum += qp_content_datagram(f.bytes.len);
    else if (f.kind == QP_F_RESET_STREAM)
      sum += qp_content_reset(f.reset.id);
  }
  return sum;
}

/* The log of a connection's client. */
struct heard {
  bool asked;
  const struct qp_qlog *log; /* NULL: none, or a rogue's */
};

static const struct qp_qlog *log_of(const struct qp_evidence *e, struct qp_witness *w,
                                    const struct qp_conn *c) {
  struct heard *h = qp_per_conn(&w->conns, c, sizeof *h);
  if (h->asked)
    return h->log;
  const struct qp_node *node = qp_node_at(e, c, QP_CLIENT);
  h->asked = true;
  if (node && strcmp(node->role, "rogue") != 0)
    h->log = qp_qlog_find(&e->qlogs, &c->odcid);
  return h->log;
}

static void report(struct qp_judged *self, const struct qp_seen *s, const char *field,
                   char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(self, s->place,
              (struct qp_words){.layer = "quic",
                                .field = field,
                                .expected = expected,
                                .actual = actual,
                                .explain = qp_text("%s, packet number %llu: the endpoint's qlog "
                                                   "and the capture disagree",
                                                   qp_flow(self->evidence, s->conn, s->side, flow),
                                                   (unsigned long long)s->pn)});
}

void qp_witness_packet(struct qp_judged *self, struct qp_witness *w, const struct qp_seen *s) {
  const struct qp_evidence *e = self->evidence;
  unsigned view = s->side == QP_CLIENT ? QP_SENT : QP_REACHED;
  if (!e->qlogs.n || s->space != QP_SPACE_APP || !(s->views & view) || s->repeated)
    return;
  const struct qp_qlog *log = log_of(e, w, s->conn);
  if (!log)
    return;
  bool over = s->conn->close[0].seen || s->conn->close[1].seen;
  const struct qp_qlog_packet *p = qp_qlog_packet(log, s->space, s->side == QP_CLIENT, s->pn);
  self->out->examined++;
  if (p && p->content != carried(s) && qp_found(self))
    report(self, s, "content",
           qp_text("the stream ranges and datagrams of %s, record %llu", log->file,
                   (unsigned long long)p->line),
           qp_text("others"));
  if (!p && s->side == QP_CLIENT && !over && !log->cut && !qp_excused(e, s->conn) && qp_found(self))
    report(self, s, "packet number", qp_text("packet_sent in %s", log->file), qp_text("none"));
}

static void record_finding(struct qp_judged *self, const struct qp_qlog *log, uint64_t record,
                           const char *field, char *expected, char *actual) {
  qp_describe_line(self, log->file, record, 0,
                   (struct qp_words){.layer = "run",
                                     .field = field,
                                     .expected = expected,
                                     .actual = actual,
                                     .explain = qp_text("the endpoint's qlog names what the "
                                                        "captures do not have")});
}

static void judge_log(struct qp_judged *self, const struct qp_qlog *log) {
  const struct qp_conn *c = qp_tracker_conn_of(self->evidence->tracker, &log->odcid);
  char cid[QP_CID_TEXT];
  self->out->examined++;
  if (!c) { /* an Initial that never left is no connection: then nothing was got either */
    bool got = false;
    for (size_t i = 0; i < log->n; i++)
      got |= !log->packets[i].sent;
    if (got && qp_found(self))
      record_finding(self, log, 1, "group_id", qp_text("the first destination ID of a connection"),
                     qp_text("%s", qp_cid_text(&log->odcid, cid)));
    return;
  }
  for (size_t i = 0; i < log->n; i++) {
    const struct qp_qlog_packet *p = &log->packets[i];
    const struct qp_numbers *n = &c->numbers[p->sent ? QP_CLIENT : QP_SERVER][p->space];
    if (n->gaps || p->space != QP_SPACE_APP)
      continue;
    self->out->examined++;
    if (!qp_ranges_has(p->sent ? &n->sent : &n->reached, p->pn) && qp_found(self))
      record_finding(self, log, p->line, "packet_number",
                     qp_text("a number that %s it", p->sent ? "left" : "had reached"),
                     qp_text("%llu", (unsigned long long)p->pn));
  }
}

void qp_witness_finish(struct qp_judged *self) {
  for (size_t i = 0; i < self->evidence->qlogs.n; i++)
    judge_log(self, &self->evidence->qlogs.items[i]);
}

void qp_witness_clear(struct qp_witness *w) {
  qp_per_conn_clear(&w->conns, NULL);
}
