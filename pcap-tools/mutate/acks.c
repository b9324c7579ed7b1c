/* ACKs on the wire, and what the ledger says of them. */
#include <stdlib.h>

#include "pcap-tools/mutate/operators.h"
#include "pcap-tools/read/memory.h"

/* ---- on the wire ------------------------------------------------------------------------ */

/* Largest and first range of an ACK raised by `more`, each in its own bytes. */
static bool widen(const struct qm_bed *bed, struct qm_edit *e, size_t frame, uint64_t more) {
  const struct qm_frame *f = &bed->frames[frame];
  const uint8_t *p = f->f.start;
  size_t at = 1, len = qm_varint_len(p + at);
  uint8_t largest[8], first[8];
  if (!qm_varint(largest, len, f->f.ack.largest + more))
    return false;
  size_t range = at + len;
  range += qm_varint_len(p + range); /* delay */
  range += qm_varint_len(p + range); /* count */
  size_t range_len = qm_varint_len(p + range);
  if (!qm_varint(first, range_len, f->f.ack.first + more))
    return false;
  qm_edit_frame(e, frame, (uint32_t)at, largest, len);
  qm_edit_frame(e, frame, (uint32_t)range, first, range_len);
  return true;
}

/* How far above its largest number lies the first that the peer never sends. */
static uint64_t never_sent(const struct qm_bed *bed, size_t frame) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  const struct qp_numbers *peer = &p->conn->numbers[!p->side][p->space];
  return peer->largest_sent + 1 - bed->frames[frame].f.ack.largest;
}

static bool can_widen(const struct qm_bed *bed, size_t frame) {
  uint8_t unused[8];
  if (!qm_is_frame(bed, frame, QP_F_ACK))
    return false;
  const struct qm_frame *f = &bed->frames[frame];
  uint64_t most = never_sent(bed, frame) + 8;
  size_t at = 1 + qm_varint_len(f->f.start + 1);
  at += qm_varint_len(f->f.start + at);
  at += qm_varint_len(f->f.start + at);
  return qm_varint(unused, qm_varint_len(f->f.start + 1), f->f.ack.largest + most) &&
         qm_varint(unused, qm_varint_len(f->f.start + at), f->f.ack.first + most);
}

static bool widen_ack(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                      struct qm_random *r) {
  return widen(bed, e, frame, never_sent(bed, frame) + qm_below(r, 8));
}

static const struct qm_operator ack_widened = {
    .name = "ack-widened",
    .does = "an ACK's first range reaches up to a number that was never sent",
    .check = "ack-only-sent",
    .also = {"ack-split", "pn-decodable", "congestion-bounded", "no-needless-retransmit"},
    .why =
        "it also acknowledges packets that have not arrived yet, of which the ledger does not "
        "know, and from which the other end's numbers are read",
    .places = QM_FRAMES,
    .fits = can_widen,
    .apply = widen_ack,
};

/* A number inside the ACK's gap that the sender skipped. */
static bool skipped_in_gap(const struct qm_bed *bed, size_t frame) {
  if (!qm_is_frame(bed, frame, QP_F_ACK) || !bed->frames[frame].f.ack.count)
    return false;
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  const struct qp_ranges *sent = &p->conn->numbers[!p->side][p->space].sent;
  const struct qm_frame *f = &bed->frames[frame];
  uint64_t below = f->f.ack.largest - f->f.ack.first;
  return below && !qp_ranges_has(sent, below - 1) && f->f.ack.first < 60;
}

/* The first range goes one further down, into the gap; what lies below moves down, too. */
static bool bridge_gap(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                       struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  size_t at = 1 + qm_varint_len(f->f.start + 1);
  at += qm_varint_len(f->f.start + at);
  at += qm_varint_len(f->f.start + at);
  uint8_t first[8];
  size_t len = qm_varint_len(f->f.start + at);
  (void)r;
  if (!qm_varint(first, len, f->f.ack.first + 1))
    return false;
  qm_edit_frame(e, frame, (uint32_t)at, first, len);
  return true;
}

static const struct qm_operator ack_bridges_gap = {
    .name = "ack-bridges-gap",
    .does = "an ACK covers a number that the peer skipped",
    .check = "ack-only-sent",
    .also = {"ack-split"},
    .why = "the ranges below move down by one, too",
    .places = QM_FRAMES,
    .fits = skipped_in_gap,
    .apply = bridge_gap,
};

/* ---- in the ledger -------------------------------------------------------------------------- */

static bool is_number(const struct qm_bed *bed, size_t line, const char *fate) {
  return qm_is_line(bed, line, "ledger", "number") && qm_member_is(bed, line, "fate", fate);
}

/* Acknowledged on the wire, before anybody closed. */
static bool is_acked(const struct qm_bed *bed, size_t line) {
  uint64_t pn;
  const struct qp_conn *c = is_number(bed, line, "acked") ? qm_line_conn(bed, line) : NULL;
  if (!c || !qm_member(bed, line, "pn", &pn))
    return false;
  int side = -1;
  for (unsigned s = 0; s < 2; s++)
    if (qp_is_relay(&bed->e, c, s))
      side = (int)s;
  return side >= 0 && qp_ranges_has(&c->numbers[side][QP_SPACE_APP].sent, pn);
}

static const struct qm_operator acked_line_removed = {
    .name = "acked-number-unlisted",
    .does = "the ledger has no line of a number that was acknowledged",
    .check = "ack-split",
    .also = {"trace-agrees", "copy-explained"},
    .why = "the packet on the wire is then in no record either",
    .places = QM_LINES,
    .fits = is_acked,
    .apply = qm_drop_line,
};

static const struct qm_operator acked_line_doubled = {
    .name = "acked-number-listed-twice",
    .does = "the ledger has two lines of a number that was acknowledged",
    .check = "ack-split",
    .also = {"trace-agrees"},
    .why = "one number has one line",
    .places = QM_LINES,
    .fits = is_acked,
    .apply = qm_repeat_line,
};

static bool forget_fate(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                        struct qm_random *r) {
  (void)r;
  return qm_set(bed, e, line, "fate", "\"outstanding\"");
}

static const struct qm_operator fate_forgotten = {
    .name = "fate-forgotten",
    .does = "the ledger calls an acknowledged number outstanding",
    .check = "ack-split",
    .why = "",
    .places = QM_LINES,
    .fits = is_acked,
    .apply = forget_fate,
};

static bool is_own_acked(const struct qm_bed *bed, size_t line) {
  return is_acked(bed, line) && qm_member_is(bed, line, "origin", "own");
}

static bool move_own(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                     struct qm_random *r) {
  uint64_t own;
  return qm_member(bed, line, "own", &own) &&
         qm_set(bed, e, line, "own", "%llu", (unsigned long long)(own + 1000 + qm_below(r, 1000)));
}

static const struct qm_operator own_number_moved = {
    .name = "own-number-altered",
    .does = "the ledger says that a packet had another own number",
    .check = "ack-split",
    .why = "",
    .places = QM_LINES,
    .fits = is_own_acked,
    .apply = move_own,
};

static bool tells_own(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "ledger", "ack") &&
         strstr(qm_line_text(bed, line), "\"own\":[[") != NULL;
}

/* ngtcp2 is told of numbers far above. */
static bool tell_more(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                      struct qm_random *r) {
  uint64_t from = 100000 + qm_below(r, 1000);
  return qm_set(bed, e, line, "own", "[[%llu,%llu]]", (unsigned long long)from,
                (unsigned long long)from + 1);
}

static const struct qm_operator told_of_others = {
    .name = "ack-untranslated",
    .does = "ngtcp2 is told that it sent, and the peer has, numbers that it never had",
    .check = "ack-split",
    .why = "",
    .places = QM_LINES,
    .fits = tells_own,
    .apply = tell_more,
};

const struct qm_operator *const qm_acks[] = {
    &ack_widened,    &ack_bridges_gap,  &acked_line_removed, &acked_line_doubled,
    &fate_forgotten, &own_number_moved, &told_of_others,     NULL};
