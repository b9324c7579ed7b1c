#include "pcap-tools/check/check.h"

#include <stdio.h>
#include <stdlib.h>

bool qp_found(struct qp_judged *self) {
  struct judge_check *c = self->out;
  c->findings_total++;
  return c->n_findings < JUDGE_MAX_FINDINGS;
}

static struct judge_finding *add(struct qp_judged *self, const struct qp_words *w) {
  struct judge_check *c = self->out;
  if (!c->findings)
    c->findings = qp_alloc(JUDGE_MAX_FINDINGS, sizeof *c->findings);
  struct judge_finding *f = &c->findings[c->n_findings++];
  f->layer = qp_copy_text(w->layer);
  f->field = qp_copy_text(w->field);
  f->expected = w->expected;
  f->actual = w->actual;
  f->explain = w->explain;
  return f;
}

void qp_describe(struct qp_judged *self, struct qp_place place, struct qp_words words) {
  const struct qp_evidence *e = self->evidence;
  struct judge_finding *f = add(self, &words);
  f->file = qp_copy_text(place.frame && place.file < e->n_files ? e->files[place.file] : "");
  f->frame = place.frame;
  f->time_ns = place.time_ns;
}

void qp_describe_line(struct qp_judged *self, const char *file, uint64_t line, uint64_t time_ns,
                      struct qp_words words) {
  struct judge_finding *f = add(self, &words);
  f->file = qp_copy_text(file);
  f->frame = line;
  f->time_ns = time_ns;
}

const struct qp_node *qp_node_at(const struct qp_evidence *e, const struct qp_conn *conn,
                                 unsigned side) {
  const struct qp_end *end = side == QP_CLIENT ? &conn->tuple.src : &conn->tuple.dst;
  return e->manifest ? qp_manifest_owner(e->manifest, end) : NULL;
}

static void end_name(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                     char text[QP_END_TEXT]) {
  const struct qp_node *node = qp_node_at(e, conn, side);
  if (node)
    snprintf(text, QP_END_TEXT, "%s", node->name);
  else
    qp_end_text(side == QP_CLIENT ? &conn->tuple.src : &conn->tuple.dst, text);
}

const char *qp_flow(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                    char text[QP_FLOW_TEXT]) {
  char from[QP_END_TEXT], to[QP_END_TEXT];
  end_name(e, conn, side, from);
  end_name(e, conn, !side, to);
  snprintf(text, QP_FLOW_TEXT, "%s>%s", from, to);
  return text;
}
