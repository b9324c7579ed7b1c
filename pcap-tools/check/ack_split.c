/* ack-split: the relay's word about ACKs holds. Of each ACK in the ledger: every own
 * number that ngtcp2 was told belongs to a joint number the ACK covers; every own
 * packet that the ACK newly covers was told; every number it covers was sent and has
 * its fate. And each number that an ACK on the wire brought to the relay stands in the
 * ledger exactly once.
 *
 * Vantage: the relay's interface and its ledger.
 *
 * Excused: what a killed relay had not written, and ACKs that came when the connection
 * was closing.
 *
 * Source: DESIGN 4, step 10; RFC 9000 19.3. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/relay_log.h"

/* Of one connection: what ACKs brought to the relay. */
struct heard {
  struct qp_relay_log log;
  struct qp_ranges acked;
};

struct ack_split {
  struct qp_per_conn heard[2]; /* by the relay's side */
};

/* ---- on the wire ---------------------------------------------------------- */

static void judge_wire(struct qp_judged *self, const struct qp_seen *s, struct heard *h,
                       uint64_t pn) {
  char flow[QP_FLOW_TEXT];
  const struct qp_ledger_number *n = h->log.ledger ? qp_ledger_number(h->log.ledger, pn) : NULL;
  self->out->examined++;
  if ((n && !n->again) || !qp_found(self))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "ACK range",
                  .expected = qp_text("each acknowledged number once in the ledger"),
                  .actual = qp_text("%llu, %s", (unsigned long long)pn,
                                    n ? "which stands there twice" : "which is not there"),
                  .explain = qp_text("%s acknowledges a number that the relay's ledger does not "
                                     "account for",
                                     qp_flow(self->evidence, s->conn, s->side, flow)),
              });
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  struct ack_split *state = self->state;
  (void)effect;
  if (f->kind != QP_F_ACK || s->space != QP_SPACE_APP || !(s->views & QP_REACHED))
    return;
  unsigned relay = !s->side;
  struct heard *h = qp_per_conn(&state->heard[relay], s->conn, sizeof *h);
  qp_relay_log(self->evidence, s->conn, relay, &h->log);
  if (!qp_relay_log_holds(&h->log, s->place.time_ns) || s->conn->close[0].seen ||
      s->conn->close[1].seen)
    return;
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi, missing;
  while (qp_ack_next(f, &walk, &lo, &hi)) {
    /* an ACK of what was never sent is ack-only-sent's to report */
    const struct qp_ranges *sent = &s->conn->numbers[relay][QP_SPACE_APP].sent;
    while (!qp_ranges_cover(&h->acked, lo, hi, &missing)) {
      qp_ranges_add(&h->acked, missing, missing);
      if (qp_ranges_has(sent, missing))
        judge_wire(self, s, h, missing);
    }
  }
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->frame = frame;
}

/* ---- in the ledger -------------------------------------------------------- */

static void ledger_finding(struct qp_judged *self, const struct qp_ledger_conn *c,
                           const struct qp_ledger_ack *a, const char *field, char *expected,
                           char *actual, const char *explain) {
  qp_describe_line(self, c->file, a->line, qp_capture_time(self->evidence, a->t),
                   (struct qp_words){.layer = "run",
                                     .field = field,
                                     .expected = expected,
                                     .actual = actual,
                                     .explain = qp_text("%s", explain)});
}

/* Own number -> index of its line. A number that ngtcp2 left out on purpose has one too: only a
 * peer that lies acknowledges it, and ngtcp2 is told, to end the connection. */
static struct qp_map own_map(const struct qp_ledger_conn *c) {
  struct qp_map m = {0};
  for (size_t i = 0; i < c->n; i++)
    if (c->numbers[i].has_own &&
        (c->numbers[i].origin == QP_ORIGIN_OWN || c->numbers[i].origin == QP_ORIGIN_BURNED))
      qp_map_set(&m, c->numbers[i].own, (uint32_t)i);
  return m;
}

/* What ngtcp2 was told, back to joint numbers. */
static void judge_told(struct qp_judged *self, const struct qp_ledger_conn *c,
                       const struct qp_ledger_ack *a, const struct qp_map *own) {
  for (size_t i = 0; i < a->own.n; i++) {
    for (uint64_t v = a->own.spans[i].lo; v <= a->own.spans[i].hi; v++) {
      uint32_t at = qp_map_get(own, v);
      const struct qp_ledger_number *n = at == QP_MAP_NONE ? NULL : &c->numbers[at];
      self->out->examined++;
      if ((n && qp_ranges_has(&a->joint, n->pn)) || !qp_found(self))
        continue;
      ledger_finding(
          self, c, a, "own",
          n ? qp_text("only own numbers of joint numbers in the ACK")
            : qp_text("only numbers that ngtcp2 sent"),
          n ? qp_text("%llu, which left as %llu", (unsigned long long)v, (unsigned long long)n->pn)
            : qp_text("%llu, which no packet has", (unsigned long long)v),
          "ngtcp2 is told that something arrived which the peer did not acknowledge");
    }
  }
}

/* A joint number that this ACK is the first to cover. */
static void judge_new(struct qp_judged *self, const struct qp_ledger_conn *c,
                      const struct qp_ledger_ack *a, uint64_t pn) {
  const struct qp_ledger_number *n = qp_ledger_number(c, pn);
  self->out->examined++;
  if (!n) {
    if (qp_found(self))
      ledger_finding(self, c, a, "joint", qp_text("only numbers of the ledger"),
                     qp_text("%llu, which no line has", (unsigned long long)pn),
                     "an ACK covers a number that the ledger does not know");
    return;
  }
  bool unsettled = n->fate == QP_FATE_OUTSTANDING || n->fate == QP_FATE_NEVER;
  if (unsettled && n->origin != QP_ORIGIN_BURNED && qp_found(self))
    ledger_finding(self, c, a, "fate", qp_text("acked, or lost before"),
                   qp_text("%llu is %s", (unsigned long long)pn, qp_fate_name(n->fate)),
                   "an ACK covers the number and the ledger did not take it in");
  if (n->origin == QP_ORIGIN_OWN && n->has_own && !qp_ranges_has(&a->own, n->own) && qp_found(self))
    ledger_finding(self, c, a, "own",
                   qp_text("%llu among them: it left as %llu", (unsigned long long)n->own,
                           (unsigned long long)pn),
                   qp_text("not there"), "ngtcp2 is not told that its packet arrived");
}

static void judge_conn(struct qp_judged *self, const struct qp_ledger_conn *c) {
  struct qp_map own = own_map(c);
  struct qp_ranges told = {0};
  uint64_t missing;
  for (size_t i = 0; i < c->n_acks; i++) {
    const struct qp_ledger_ack *a = &c->acks[i];
    judge_told(self, c, a, &own);
    for (size_t k = 0; k < a->joint.n; k++)
      while (!qp_ranges_cover(&told, a->joint.spans[k].lo, a->joint.spans[k].hi, &missing)) {
        qp_ranges_add(&told, missing, missing);
        judge_new(self, c, a, missing);
      }
  }
  qp_map_clear(&own);
  qp_ranges_clear(&told);
}

/* Lines of numbers come after those of ACKs: a killed relay may have written the
 * ACK only. Such a connection is judged on the wire alone. */
static bool whole(const struct qp_judged *self, const struct qp_ledger_conn *c) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  const struct qp_conn *first = qp_tracker_conn_of(self->evidence->tracker, &c->odcid);
  for (size_t i = first ? first->index : n; i < n; i++) {
    if (!qp_cid_equal(&conns[i]->odcid, &c->odcid))
      continue;
    int side = qp_relay_side(self->evidence, conns[i], c->relay);
    struct qp_relay_log log = {0};
    if (side >= 0 && qp_relay_log(self->evidence, conns[i], (unsigned)side, &log))
      return log.until_ns == UINT64_MAX;
  }
  return true;
}

static void finish(struct qp_judged *self) {
  const struct qp_ledger *l = &self->evidence->ledger;
  for (size_t i = 0; i < l->n_conns; i++)
    if (whole(self, &l->conns[i]))
      judge_conn(self, &l->conns[i]);
}

static void drop(void *item) {
  qp_ranges_clear(&((struct heard *)item)->acked);
}

static void clear(struct qp_judged *self) {
  struct ack_split *state = self->state;
  qp_per_conn_clear(&state->heard[0], drop);
  qp_per_conn_clear(&state->heard[1], drop);
}

const struct qp_check qp_check_ack_split = {
    .info = {"ack-split", "transport",
             "Each number acknowledged on the wire is once in the ledger, and what ngtcp2 was told "
             "maps back.",
             true},
    .state = sizeof(struct ack_split),
    .needs_run = true,
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
