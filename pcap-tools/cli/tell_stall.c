#include "pcap-tools/cli/telling.h"

enum { SECOND = 1000000000 };

static bool closed(const struct qp_conn *c) {
  return c->close[0].seen || c->close[1].seen;
}

/* ---- flow control ---------------------------------------------------------------- */

/* All that the peer allows is used up at the end, and something is unfinished. True if so. */
static bool tell_used_up(struct qp_telling *t, const struct qp_story *y, unsigned side) {
  const struct qp_conn *c = t->conn;
  const struct qp_params *p = qp_conn_params(c, !side);
  uint64_t data = y->max_data[side] > p->max_data ? y->max_data[side] : p->max_data;
  uint64_t open = 0, full = 0, id = 0, limit = 0, longest = 0, longest_id = 0;
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (h->side != side || !h->begun || h->fin || h->reset)
      continue;
    open++;
    if (h->charged >= longest) {
      longest = h->charged;
      longest_id = h->id;
    }
    if (h->charged && h->charged >= qp_conn_half_limit(c, h) && !full++) {
      id = h->id;
      limit = qp_conn_half_limit(c, h);
    }
  }
  bool all = open && c->charged[side] && c->charged[side] >= data;
  if (!p->seen || (!all && !full) || closed(c))
    return false;
  if (all)
    qp_tell(
        t, QP_WRONG_LEVEL, "flow-control", y->last_data[side],
        "The %s stands still: the %s allowed it %llu bytes on all streams together (MAX_DATA, RFC "
        "9000 4.1), it has sent them all, and the %s never allowed more. Stream %llu, its longest, "
        "has no end yet; this packet holds the last byte. The application of the %s does not read: "
        "look at what it does from then on, and at its last MAX_DATA (`quicpcap packets --frame "
        "MAX_DATA`).",
        qp_side_name(side), qp_side_name(!side), U(data), qp_side_name(!side), U(longest_id),
        qp_side_name(!side));
  else
    qp_tell(
        t, QP_WRONG_LEVEL, "flow-control", y->last_data[side],
        "Stream %llu of the %s stands still: the %s allowed it %llu bytes (MAX_STREAM_DATA, RFC "
        "9000 4.1), they are all sent, and it never allowed more%s. The application of the %s "
        "does not read that stream.",
        U(id), qp_side_name(side), qp_side_name(!side), U(limit),
        full > 1 ? "; other streams are in the same state" : "", qp_side_name(!side));
  return true;
}

static void tell_blocks(struct qp_telling *t, const struct qp_story *y, unsigned side, bool told) {
  static const char *const what[QP_BLOCKS] = {"bytes of the connection", "bytes of a stream",
                                              "streams"};
  static const char *const remedy[QP_BLOCKS] = {"initial_max_data", "initial_max_stream_data",
                                                "initial_max_streams"};
  static const char *const rule[QP_BLOCKS] = {"4.1", "4.1", "4.6"};
  for (int k = 0; k < QP_BLOCKS; k++) {
    const struct qp_happened *b = &y->blocked[side][k], *f = &y->freed[side][k];
    if (!b->n)
      continue;
    if (f->n)
      qp_tell(t, QP_NOTE, "flow-control", b->first,
              "The %s had to wait %llu time%s: the limit of %llu %s was used up. The %s raised it "
              "to %llu after %llu us. A larger window (%s) avoids the wait.",
              qp_side_name(side), U(b->n), qp_plural(b->n), U(b->code), what[k],
              qp_side_name(!side), U(f->code), U((f->first.time_ns - b->first.time_ns) / 1000),
              remedy[k]);
    else if (!told || k == QP_BLOCK_STREAMS)
      qp_tell(
          t, QP_WRONG_LEVEL, "flow-control", b->first,
          "The %s is blocked by flow control (RFC 9000 %s): the limit of %llu %s is used up and "
          "the %s never raised it in this capture. Does the receiving application read its "
          "data?",
          qp_side_name(side), rule[k], U(b->code), what[k], qp_side_name(!side));
  }
}

/* ---- silence --------------------------------------------------------------------- */

static void tell_silence(struct qp_telling *t, const struct qp_story *y, unsigned side) {
  const struct qp_mute *m = &y->mute[side];
  char again[QP_PLACE_TEXT];
  if (m->ns < SECOND || t->conn->close[side].seen)
    return;
  if (m->again.frame)
    qp_tell(t, QP_NOTE, "silence", m->last,
            "Behind this packet the %s sent nothing for %llu.%03llu s, until %s, while the %s sent "
            "%llu packets: it was stopped or busy, or the way from it was cut.",
            qp_side_name(side), U(m->ns / SECOND), U(m->ns / 1000000 % 1000),
            qp_place_text(t, m->again, again), qp_side_name(!side), U(m->others));
  else
    qp_tell(t, closed(t->conn) ? QP_NOTE : QP_WRONG_LEVEL, "silence", m->last,
            "This is the last packet of the %s, and %llu more of the %s came in the %llu.%03llu s "
            "after it: the %s hangs, was ended without a word, or the way from it is cut. Look at "
            "its process and log at that time.",
            qp_side_name(side), U(m->others), qp_side_name(!side), U(m->ns / SECOND),
            U(m->ns / 1000000 % 1000), qp_side_name(side));
}

void qp_tell_stall(struct qp_telling *t, const struct qp_story *y) {
  for (unsigned side = 0; side < 2; side++)
    tell_blocks(t, y, side, tell_used_up(t, y, side));
  for (unsigned side = 0; side < 2; side++)
    tell_silence(t, y, side);
}
