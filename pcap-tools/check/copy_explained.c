/* copy-explained: every 1-RTT packet that leaves a relay is either a copy of a named
 * packet that reached it, or in the ledger as something its own user space sent. Relays
 * of datapath `stock` keep no ledger.
 *
 * Vantage: the relay's interface.
 *
 * Excused: what a killed relay had not written yet.
 *
 * Source: DESIGN 4, step 6, and 7. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/relay_log.h"

struct copy_explained {
  struct qp_per_conn logs[2]; /* struct qp_relay_log, by the relay's side */
};

static bool named(const struct qp_copies *copies, const struct qp_relay_log *log, uint64_t pn) {
  if (log->copies && qp_copies_number(copies, log->copies, pn))
    return true;
  const struct qp_ledger_number *n = log->ledger ? qp_ledger_number(log->ledger, pn) : NULL;
  return n && (n->origin == QP_ORIGIN_OWN || n->origin == QP_ORIGIN_SLOW ||
               n->origin == QP_ORIGIN_PROBE);
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct copy_explained *state = self->state;
  char flow[QP_FLOW_TEXT];
  if (!s->opened || s->header->type != QP_1RTT || !(s->views & QP_SENT))
    return;
  struct qp_relay_log *log = qp_per_conn(&state->logs[s->side], s->conn, sizeof *log);
  qp_relay_log(self->evidence, s->conn, s->side, log);
  if (!qp_relay_log_holds(log, s->place.time_ns))
    return;
  self->out->examined++;
  if (named(&self->evidence->copies, log, s->pn) || !qp_found(self))
    return;
  const struct qp_ledger_number *n = log->ledger ? qp_ledger_number(log->ledger, s->pn) : NULL;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "packet number",
                  .expected = qp_text("a copy record, or origin own, slow or probe in the ledger"),
                  .actual = n ? qp_text("%llu, in the ledger as %s", (unsigned long long)s->pn,
                                        qp_origin_name(n->origin))
                              : qp_text("%llu, in neither", (unsigned long long)s->pn),
                  .explain = qp_text("%s carries a packet that nobody at the relay sent",
                                     qp_flow(self->evidence, s->conn, s->side, flow)),
              });
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

static void judge_source(struct qp_judged *self, const struct qp_conn *up,
                         const struct qp_copy *copy) {
  uint32_t relay = self->evidence->copies.conns[copy->up].relay;
  int side = up ? qp_relay_side(self->evidence, up, relay) : -1;
  const struct qp_numbers *n = side < 0 ? NULL : &up->numbers[!side][QP_SPACE_APP];
  self->out->examined++;
  if ((n && qp_ranges_has(&n->reached, copy->up_pn)) || !qp_found(self))
    return;
  qp_describe_line(self, self->evidence->copies.conns[copy->conn].file, copy->line,
                   qp_capture_time(self->evidence, copy->t),
                   (struct qp_words){
                       .layer = "run",
                       .field = "up_pn",
                       .expected = qp_text("the number of a packet that reached the relay"),
                       .actual = n ? qp_text("%llu, which the capture does not have",
                                             (unsigned long long)copy->up_pn)
                                   : qp_text("a number of a connection that was not captured"),
                       .explain = qp_text("a copy without an original"),
                   });
}

static void finish(struct qp_judged *self) {
  const struct qp_copies *copies = &self->evidence->copies;
  uint32_t last = QP_MAP_NONE;
  const struct qp_conn *up = NULL;
  for (size_t i = 0; i < copies->n_items; i++) {
    const struct qp_copy *c = &copies->items[i];
    if (!c->send)
      continue;
    if (c->up != last)
      up = qp_tracker_conn_of(self->evidence->tracker, &copies->conns[c->up].odcid);
    last = c->up;
    judge_source(self, up, c);
  }
}

static void clear(struct qp_judged *self) {
  struct copy_explained *state = self->state;
  qp_per_conn_clear(&state->logs[0], NULL);
  qp_per_conn_clear(&state->logs[1], NULL);
}

const struct qp_check qp_check_copy_explained = {
    .info = {"copy-explained", "fan-out",
             "Every packet leaving the relay is a copy of a named packet or a named slow-path "
             "send.",
             true},
    .state = sizeof(struct copy_explained),
    .needs_run = true,
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
