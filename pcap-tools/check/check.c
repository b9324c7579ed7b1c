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

/* The endpoint whose log has the connection. */
static const struct qp_node *logged_by(const struct qp_evidence *e, const struct qp_conn *conn) {
  const uint32_t i = qp_by_id_get(&e->logged, 0, &conn->odcid);
  return i == QP_MAP_NONE ? NULL : &e->manifest->nodes[i];
}

static const struct qp_node *look_up(const struct qp_evidence *e, const struct qp_conn *conn,
                                     unsigned side) {
  const struct qp_end *end = side == QP_CLIENT ? &conn->tuple.src : &conn->tuple.dst;
  const struct qp_node *node = side == QP_CLIENT ? logged_by(e, conn) : NULL;
  return node ? node : qp_manifest_whose(e->manifest, end);
}

struct qp_ends_of *qp_ends_of(const struct qp_evidence *e, const struct qp_conn *conn) {
  struct qp_ends *ends = e->ends;
  if (!ends)
    return NULL;
  if (conn->index >= ends->room) {
    size_t had = ends->room;
    qp_grow((void **)&ends->items, &ends->room, conn->index + 1u, sizeof *ends->items);
    memset(ends->items + had, 0, (ends->room - had) * sizeof *ends->items);
  }
  return &ends->items[conn->index];
}

const struct qp_node *qp_node_at(const struct qp_evidence *e, const struct qp_conn *conn,
                                 unsigned side) {
  struct qp_ends_of *of = qp_ends_of(e, conn);
  if (!of)
    return NULL;
  if (!of->asked[side])
    of->node[side] = look_up(e, conn, side);
  of->asked[side] = true;
  return of->node[side];
}

bool qp_is_relay(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side) {
  if (!e->manifest)
    return side == QP_SERVER;
  const struct qp_node *node = qp_node_at(e, conn, side);
  return node && !strcmp(node->role, "relay");
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
