#include "pcap-tools/mutate/operator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/judge.h"
#include "pcap-tools/mutate/operators.h"
#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

uint64_t qm_random(struct qm_random *r) { /* splitmix64 */
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t qm_below(struct qm_random *r, uint64_t n) {
  return n ? qm_random(r) % n : 0;
}

const struct qm_operator *const *qm_operators(size_t *n) {
  static const struct qm_operator *all[128];
  size_t n_all = 0;
  static const struct qm_operator *const *const parts[] = {
      qm_numbers, qm_acks,    qm_ids,  qm_frame_operators, qm_streams,
      qm_copies,  qm_records, qm_logs, qm_media,           qm_runs,
  };
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (size_t k = 0; parts[i][k]; k++)
      all[n_all++] = parts[i][k];
  *n = n_all;
  return all;
}

const struct judge_mutation *judge_mutations(size_t *n) {
  static struct judge_mutation all[128];
  const struct qm_operator *const *from = qm_operators(n);
  for (size_t i = 0; i < *n; i++)
    all[i] = (struct judge_mutation){from[i]->name, from[i]->does, from[i]->check};
  return all;
}

const struct qp_conn *qm_conn(const struct qm_bed *bed, size_t place) {
  size_t n;
  return qp_tracker_conns(bed->e.tracker, &n)[place];
}

size_t qm_places_of(const struct qm_bed *bed, enum qm_places places) {
  size_t n;
  switch (places) {
  case QM_PACKETS:
    return bed->n_packets;
  case QM_FRAMES:
    return bed->n_frames;
  case QM_LINES:
    return bed->n_lines;
  case QM_CONNS:
    qp_tracker_conns(bed->e.tracker, &n);
    return n;
  default:
    return QM_MANIFEST_PLACES;
  }
}

/* ---- packets and frames --------------------------------------------------------------- */

bool qm_is_clear(const struct qm_packet *p) {
  return p->clear && p->type == QP_1RTT && (p->views & QP_SENT) && !p->closing;
}

bool qm_sent_by(const struct qm_bed *bed, const struct qm_packet *p, const char *role) {
  const struct qp_node *node = qm_node(bed, p, p->side);
  return node && !strcmp(node->role, role);
}

bool qm_of_ledger(const struct qm_bed *bed, const struct qm_packet *p) {
  const struct qp_node *node = qm_node(bed, p, p->side);
  return qm_is_clear(p) && node && !strcmp(node->role, "relay") &&
         strcmp(node->datapath, "stock") != 0;
}

bool qm_downstream(const struct qm_bed *bed, const struct qm_packet *p) {
  const struct qp_node *peer = qm_node(bed, p, !p->side);
  return qm_sent_by(bed, p, "relay") && peer && !strcmp(peer->role, "subscriber");
}

bool qm_is_frame(const struct qm_bed *bed, size_t frame, uint64_t kind) {
  const struct qm_frame *f = &bed->frames[frame];
  return f->f.kind == kind && qm_is_clear(&bed->packets[f->packet]);
}

bool qm_has_room(const struct qm_bed *bed, size_t frame, size_t len) {
  const struct qm_frame *f = &bed->frames[frame];
  return qm_is_frame(bed, frame, QP_F_PADDING) && !bed->packets[f->packet].copy && f->len >= len;
}

bool qm_acked(const struct qm_bed *bed, const struct qm_packet *p) {
  (void)bed;
  const struct qp_numbers *n = &p->conn->numbers[p->side][p->space];
  return n->any_acked && p->pn <= n->largest_acked;
}

/* ---- varints ---------------------------------------------------------------------------- */

size_t qm_varint_len(const uint8_t *p) {
  return (size_t)1 << (*p >> 6);
}

bool qm_varint(uint8_t *to, size_t len, uint64_t value) {
  static const uint8_t form[] = {0, 0x00, 0x40, 0, 0x80, 0, 0, 0, 0xc0};
  if (len < 8 ? value >> (8 * len - 2) : value >> 62)
    return false;
  for (size_t i = 0; i < len; i++)
    to[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
  to[0] |= form[len];
  return true;
}

/* ---- lines ------------------------------------------------------------------------------- */

bool qm_is_line(const struct qm_bed *bed, size_t line, const char *kind, const char *ev) {
  char want[64];
  snprintf(want, sizeof want, "\"ev\":\"%s\"", ev);
  return !strcmp(qm_line_kind(bed, line), kind) && strstr(qm_line_text(bed, line), want) != NULL;
}

bool qm_member(const struct qm_bed *bed, size_t line, const char *name, uint64_t *value) {
  struct qp_line parsed;
  const char *text = qm_line_text(bed, line);
  return qp_line_parse(text, strlen(text), &parsed) && qp_line_u64(&parsed, name, value);
}

bool qm_member_is(const struct qm_bed *bed, size_t line, const char *name, const char *want) {
  struct qp_line parsed;
  const char *text = qm_line_text(bed, line);
  return qp_line_parse(text, strlen(text), &parsed) && qp_line_is(&parsed, name, want);
}

bool qm_set(const struct qm_bed *bed, struct qm_edit *e, size_t line, const char *name,
            const char *format, ...) {
  char value[256];
  va_list args;
  va_start(args, format);
  vsnprintf(value, sizeof value, format, args);
  va_end(args);
  char *changed = qm_line_with(qm_line_text(bed, line), name, value);
  if (!changed)
    return false;
  qm_edit_line(e, line, changed);
  return true;
}

bool qm_drop_line(const struct qm_bed *bed, struct qm_edit *e, size_t line, struct qm_random *r) {
  (void)bed, (void)r;
  qm_edit_line(e, line, NULL);
  return true;
}

bool qm_repeat_line(const struct qm_bed *bed, struct qm_edit *e, size_t line, struct qm_random *r) {
  (void)r;
  qm_edit_line_more(e, line, qp_copy_text(qm_line_text(bed, line)));
  return true;
}

const struct qp_conn *qm_line_conn(const struct qm_bed *bed, size_t line) {
  struct qp_line parsed;
  const char *text = qm_line_text(bed, line);
  struct qp_cid cid = {0};
  size_t n;
  if (!qp_line_parse(text, strlen(text), &parsed))
    return NULL;
  cid.len = (uint8_t)qp_line_hex(&parsed, "conn", cid.data, sizeof cid.data);
  struct qp_conn *const *conns = qp_tracker_conns(bed->e.tracker, &n);
  for (size_t i = 0; i < n; i++)
    if (qp_cid_equal(&conns[i]->odcid, &cid))
      return conns[i];
  return NULL;
}
