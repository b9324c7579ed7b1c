/* no-orphan-forward: nothing is forwarded on a connection that is over. After a relay
 * sent CONNECTION_CLOSE, or one turn after the peer's reached it, or after the relay's
 * process was killed, no stream or datagram frame leaves on the connection. Looks at
 * connections that ended. A connection is of the process that sent its Initial packets: what a
 * client has sent to a relay that is gone, or sends again, the next one answers.
 *
 * Vantage: the relay's interface.
 *
 * Excused: the turn that the relay needs to hear of the peer's close.
 *
 * Source: RFC 9000 10.2; DESIGN 5. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"

struct over {
  bool asked, relay;
  uint64_t dead_at; /* of the relay's process; UINT64_MAX: it lives on */
};

struct orphan {
  struct qp_per_conn sides[2];
};

/* Death of the relay's process that has the connection since then. */
static uint64_t death(const struct qp_evidence *e, const struct qp_conn *c, unsigned side,
                      uint64_t since) {
  const struct qp_node *node = e->manifest ? qp_node_at(e, c, side) : NULL;
  for (const struct qp_fault *f = NULL; node && (f = qp_next_fault(e, node->name, NULL, f));)
    if (qp_ends_process(f) && since < qp_capture_time(e, f->t))
      return qp_capture_time(e, f->t);
  return UINT64_MAX;
}

static struct over *over_of(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  struct orphan *state = self->state;
  struct over *o = qp_per_conn(&state->sides[side], c, sizeof *o);
  if (!o->asked) {
    o->asked = true;
    o->relay = qp_is_relay(self->evidence, c, side);
    o->dead_at = death(self->evidence, c, side, c->first.time_ns);
  }
  return o;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  if (s->header->type != QP_INITIAL || !s->opened || !(s->views & QP_SENT))
    return;
  struct over *o = over_of(self, s->conn, s->side);
  o->dead_at = death(self->evidence, s->conn, s->side, s->place.time_ns);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  char flow[QP_FLOW_TEXT];
  (void)effect;
  if ((f->kind != QP_F_STREAM && f->kind != QP_F_DATAGRAM) || !(s->views & QP_SENT))
    return;
  const struct over *o = over_of(self, s->conn, s->side);
  if (!o->relay)
    return;
  const struct qp_close *own = &s->conn->close[s->side], *peers = &s->conn->close[!s->side];
  uint64_t t = s->place.time_ns;
  const char *what = own->seen && t > own->at.time_ns ? "its own CONNECTION_CLOSE"
                     : peers->reached.frame && t > peers->reached.time_ns + QP_TURN_NS
                         ? "its peer's CONNECTION_CLOSE"
                     : o->dead_at != UINT64_MAX && t > o->dead_at + QP_TURN_NS
                         ? "the end of its process"
                         : NULL;
  if (!what || !qp_found(self))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "frame",
                  .expected = qp_text("none of a stream and no datagram after %s", what),
                  .actual = qp_text("%s", qp_frame_name(f->type)),
                  .explain = qp_text("%s goes on when the connection is over",
                                     qp_flow(self->evidence, s->conn, s->side, flow)),
              });
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    for (unsigned side = 0; side < 2; side++) {
      const struct over *o = over_of(self, conns[i], side);
      bool ended = conns[i]->close[0].seen || conns[i]->close[1].seen || o->dead_at != UINT64_MAX;
      self->out->examined += o->relay && ended;
    }
}

static void clear(struct qp_judged *self) {
  struct orphan *state = self->state;
  qp_per_conn_clear(&state->sides[0], NULL);
  qp_per_conn_clear(&state->sides[1], NULL);
}

const struct qp_check qp_check_no_orphan_forward = {
    .info = {"no-orphan-forward", "fan-out", "Nothing is copied after close or death.", true},
    .state = sizeof(struct orphan),
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
