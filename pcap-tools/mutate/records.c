/* Records of the datapath, what the ledger holds, and resends. */
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/mutate/operators.h"
#include "pcap-tools/read/memory.h"

/* ---- records ----------------------------------------------------------------------------------- */

static bool is_send(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "copies", "copy") &&
         strstr(qm_line_text(bed, line), "\"decision\":\"send\"") != NULL;
}

/* All decisions to send with that number. */
static bool drop_records(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  uint64_t pn, slot, gen, other;
  (void)r;
  if (!qm_member(bed, line, "pn", &pn) || !qm_member(bed, line, "slot", &slot) ||
      !qm_member(bed, line, "gen", &gen))
    return false;
  for (size_t i = line < 64 ? 0 : line - 64; i < bed->n_lines && i < line + 64; i++)
    if (is_send(bed, i) && qm_member(bed, i, "pn", &other) && other == pn &&
        qm_member(bed, i, "slot", &other) && other == slot && qm_member(bed, i, "gen", &other) &&
        other == gen)
      qm_edit_line(e, i, NULL);
  return true;
}

static const struct qm_operator record_removed = {
    .name = "copy-record-removed",
    .does = "no record names a copy that left",
    .check = "copy-explained",
    .also = {"trace-agrees", "copy-exact"},
    .why = "the ledger calls it fast",
    .places = QM_LINES,
    .fits = is_send,
    .apply = drop_records,
};

static bool alter_source(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  return qm_set(bed, e, line, "up_pn", "%llu", (unsigned long long)(1u << 24) + qm_below(r, 1000));
}

static bool is_only_frame(const struct qm_bed *bed, size_t line) {
  uint64_t frame, pn, next;
  if (!is_send(bed, line) || !qm_member(bed, line, "frame", &frame) || frame)
    return false;
  if (!qm_member(bed, line, "pn", &pn))
    return false;
  for (size_t i = line < 64 ? 0 : line - 64; i < bed->n_lines && i < line + 64; i++)
    if (i != line && is_send(bed, i) && qm_member(bed, i, "pn", &next) && next == pn)
      return false;
  return true;
}

static const struct qm_operator record_of_nothing = {
    .name = "copy-of-nothing",
    .does = "a record says that a copy was made of a packet that never came",
    .check = "copy-explained",
    .also = {"copy-exact", "trace-agrees"},
    .why = "the packet it was made of has no decision then",
    .places = QM_LINES,
    .fits = is_only_frame,
    .apply = alter_source,
};

static bool alter_record_number(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                                struct qm_random *r) {
  uint64_t pn;
  return qm_member(bed, line, "pn", &pn) &&
         qm_set(bed, e, line, "pn", "%llu", (unsigned long long)pn + 100000 + qm_below(r, 1000));
}

static const struct qm_operator record_number = {
    .name = "copy-record-number-altered",
    .does = "a record gives a copy a number that never left",
    .check = "trace-agrees",
    .also = {"copy-explained", "copy-exact"},
    .why = "the copy that left is in no record",
    .places = QM_LINES,
    .fits = is_send,
    .apply = alter_record_number,
};

static bool is_entry(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "copies", "connection");
}

static bool empty_id(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                     struct qm_random *r) {
  (void)r;
  return qm_set(bed, e, line, "conn", "\"\"");
}

static const struct qm_operator entry_without_id = {
    .name = "entry-without-id",
    .does = "the trace records an empty connection ID",
    .check = "trace-agrees",
    .also = {"copy-explained", "copy-exact", "no-needless-retransmit", "copy-count"},
    .why = "none of that subscriber's copies has a connection",
    .places = QM_LINES,
    .fits = is_entry,
    .apply = empty_id,
};

static bool alter_remote(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  return qm_set(bed, e, line, "remote", "\"10.9.9.%u:%u\"", (unsigned)qm_below(r, 250) + 1,
                (unsigned)qm_below(r, 60000) + 1024);
}

static const struct qm_operator entry_address = {
    .name = "entry-address-altered",
    .does = "the trace gives a subscriber another address",
    .check = "trace-agrees",
    .why = "",
    .places = QM_LINES,
    .fits = is_entry,
    .apply = alter_remote,
};

/* ---- the ledger ---------------------------------------------------------------------------------- */

static bool is_sent_number(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "ledger", "number") &&
         !qm_member_is(bed, line, "origin", "burned") &&
         !qm_member_is(bed, line, "fate", "never-sent") && qm_line_conn(bed, line);
}

static bool alter_number(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  uint64_t pn;
  return qm_member(bed, line, "pn", &pn) &&
         qm_set(bed, e, line, "pn", "%llu", (unsigned long long)pn + 100000 + qm_below(r, 1000));
}

static const struct qm_operator ledger_number = {
    .name = "ledger-number-altered",
    .does = "the ledger names a number that never left",
    .check = "trace-agrees",
    .also = {"ack-split", "copy-explained"},
    .why = "the number that left is not in the ledger",
    .places = QM_LINES,
    .fits = is_sent_number,
    .apply = alter_number,
};

static bool alter_origin(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  (void)r;
  bool fast = qm_member_is(bed, line, "origin", "fast");
  return qm_set(bed, e, line, "origin", fast ? "\"slow\"" : "\"fast\"");
}

static const struct qm_operator ledger_origin = {
    .name = "ledger-origin-altered",
    .does = "the ledger calls a copy slow, or the relay's own packet fast",
    .check = "trace-agrees",
    .also = {"copy-explained", "ack-split"},
    .why = "a fast number has a copy record",
    .places = QM_LINES,
    .fits = is_sent_number,
    .apply = alter_origin,
};

static bool has_content(const struct qm_bed *bed, size_t line) {
  return is_sent_number(bed, line) && strstr(qm_line_text(bed, line), "\"len\":") != NULL &&
         (qm_member_is(bed, line, "origin", "fast") || qm_member_is(bed, line, "origin", "slow"));
}

static bool alter_content(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                          struct qm_random *r) {
  const char *text = qm_line_text(bed, line), *at = strstr(text, "\"len\":") + 6;
  unsigned long long len = strtoull(at, NULL, 10);
  size_t digits = strspn(at, "0123456789");
  qm_edit_line(
      e, line,
      qp_text("%.*s%llu%s", (int)(at - text), text, len + 1 + qm_below(r, 100), at + digits));
  return true;
}

static const struct qm_operator ledger_content = {
    .name = "ledger-content-altered",
    .does = "the ledger says that a packet carried more bytes",
    .check = "trace-agrees",
    .why = "",
    .places = QM_LINES,
    .fits = has_content,
    .apply = alter_content,
};

/* Sent by the slow path and never acknowledged: only the ledger names it. */
static bool is_slow(const struct qm_bed *bed, size_t line) {
  return is_sent_number(bed, line) && qm_member_is(bed, line, "origin", "slow");
}

static const struct qm_operator slow_send_unnamed = {
    .name = "slow-send-unlisted",
    .does = "the ledger does not name a packet of the slow path",
    .check = "copy-explained",
    .also = {"trace-agrees", "ack-split"},
    .why = "the packet, and the ACK of it, have no line",
    .places = QM_LINES,
    .fits = is_slow,
    .apply = qm_drop_line,
};

/* ---- resends ----------------------------------------------------------------------------------------- */

/* A resend by the slow path of bytes that had left before. */
static bool is_slow_resend(const struct qm_bed *bed, size_t line) {
  return is_slow(bed, line) && strstr(qm_line_text(bed, line), "\"again\":1") != NULL;
}

/* The records call it a copy. */
static bool call_it_copy(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                         struct qm_random *r) {
  const struct qp_conn *c = qm_line_conn(bed, line);
  uint64_t pn, slot, gen;
  (void)r;
  if (!qm_member(bed, line, "pn", &pn))
    return false;
  for (size_t i = 0; i < bed->n_lines; i++) {
    if (!is_send(bed, i))
      continue;
    qm_member(bed, i, "slot", &slot), qm_member(bed, i, "gen", &gen);
    for (size_t k = 0; k < i; k++) {
      uint64_t s, g;
      if (!is_entry(bed, k) || qm_line_conn(bed, k) != c ||
          bed->lines[k].text != bed->lines[i].text || !qm_member(bed, k, "slot", &s) ||
          !qm_member(bed, k, "gen", &g) || s != slot || g != gen)
        continue;
      char number[32];
      snprintf(number, sizeof number, "%llu", (unsigned long long)pn);
      char *text = qm_line_with(qm_line_text(bed, i), "pn", number);
      if (!text)
        return false;
      qm_edit_line_more(e, i, text);
      return true;
    }
  }
  return false;
}

static const struct qm_operator resend_copied = {
    .name = "resend-copied",
    .does = "the records say that the datapath copied bytes that had left before",
    .check = "no-needless-retransmit",
    .also = {"copy-exact", "trace-agrees", "copy-explained", "copy-count", "ack-split"},
    .why = "it is no copy of the packet that the record names",
    .places = QM_LINES,
    .fits = is_slow_resend,
    .apply = call_it_copy,
};

/* A publisher sends again what had reached the relay 100 ms before. */
static bool is_late_resend(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  if (!qm_is_frame(bed, frame, QP_F_STREAM) || f->fresh == f->f.stream.len || !f->f.stream.len)
    return false;
  const struct qm_packet *p = &bed->packets[f->packet];
  if (!qm_sent_by(bed, p, "publisher"))
    return false;
  for (size_t i = 0; i < frame; i++) {
    const struct qm_frame *g = &bed->frames[i];
    const struct qm_packet *q = &bed->packets[g->packet];
    if (g->f.kind == QP_F_STREAM && q->conn == p->conn && q->side == p->side &&
        (q->views & QP_REACHED) && g->f.stream.id == f->f.stream.id &&
        g->f.stream.offset <= f->f.stream.offset &&
        g->f.stream.offset + g->f.stream.len > f->f.stream.offset)
      return q->time_ns + 100000000 < p->time_ns;
  }
  return false;
}

/* The relay acknowledges nothing of its publisher's until then. */
static bool acknowledge_nothing(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                                struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  (void)r;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_packet *q = &bed->packets[bed->frames[i].packet];
    if (q->conn == p->conn && q->side != p->side && bed->frames[i].f.kind == QP_F_ACK &&
        (q->views & QP_SENT) && q->time_ns < p->time_ns)
      qm_edit_blank(e, i);
  }
  return true;
}

static const struct qm_operator resend_for_want_of_ack = {
    .name = "acks-withheld",
    .does = "no ACK leaves the relay until the publisher sends again what had arrived",
    .check = "no-needless-retransmit",
    .also = {"congestion-bounded", "ack-split", "pn-decodable"},
    .why = "the publisher's flight was never acknowledged either",
    .places = QM_FRAMES,
    .fits = is_late_resend,
    .apply = acknowledge_nothing,
};

const struct qm_operator *const qm_records[] = {
    &record_removed,    &record_of_nothing, &record_number,          &entry_without_id,
    &entry_address,     &ledger_number,     &ledger_origin,          &ledger_content,
    &slow_send_unnamed, &resend_copied,     &resend_for_want_of_ack, NULL};
