/* congestion-bounded: the bytes that a sender has in flight stay within the judge's own
 * envelope of what its congestion controller may have allowed: check/envelope.h, which
 * says how much slack there is and why. All senders of a run: the relay towards each
 * subscriber (both paths together), relay and publisher, endpoints. The controller is
 * the one the manifest names.
 *
 * Vantage: the sender's interface, both for what it sends and for the ACKs it gets.
 *
 * Excused: rogues; bare captures, which do not say which controller is at work. A
 * process that the timeline stalls reads its ACKs when it goes on, and takes the round
 * trips for so long.
 *
 * Source: RFC 9002 7; RFC 9438. */
#include "pcap-tools/check/awake.h"
#include "pcap-tools/check/check.h"
#include "pcap-tools/check/envelope.h"
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"

struct sender {
  bool asked, judged, moving;
  const char *node; /* its name */
  struct qp_envelope envelope;
  struct qp_awake_clock *clock;
  struct qp_end remote;
  struct qp_cid id;     /* what its packets carry */
  struct qp_place last; /* the last packet that counted */
};

struct congestion_bounded {
  struct qp_per_conn senders[2];
  struct qp_awake awake;
};

static struct sender *sender_of(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  struct congestion_bounded *state = self->state;
  struct sender *sender = qp_per_conn(&state->senders[side], c, sizeof *sender);
  if (sender->asked)
    return sender;
  const struct qp_node *node = qp_node_at(self->evidence, c, side);
  sender->asked = true;
  sender->judged = node && strcmp(node->role, "rogue") != 0;
  sender->node = node ? node->name : NULL;
  sender->envelope.cubic = sender->judged && strcmp(node->congestion, "newreno") != 0;
  sender->clock = qp_awake_clock(&state->awake, self->evidence, c, side);
  return sender;
}

/* The peer's parameters are known once its half of the handshake is read. */
static uint64_t ack_delay_of(const struct qp_conn *c, unsigned side) {
  const struct qp_params *peer = qp_conn_params(c, !side);
  return (peer->seen ? peer->max_ack_delay_ms : 25) * 1000000;
}

static void report(struct qp_judged *self, const struct qp_seen *s, const struct qp_envelope *v,
                   uint64_t beyond) {
  char flow[QP_FLOW_TEXT];
  uint64_t allowed = qp_envelope_allowed(v);
  qp_describe(self, s->place,
              (struct qp_words){.layer = "quic",
                                .field = "bytes in flight",
                                .expected = qp_text("at most %llu: the %s envelope after %u losses",
                                                    (unsigned long long)allowed,
                                                    v->cubic ? "CUBIC" : "NewReno", v->reductions),
                                .actual = qp_text("%llu", (unsigned long long)(allowed + beyond)),
                                .explain = qp_text("%s sends packet number %llu although no "
                                                   "congestion window can have room for it",
                                                   qp_flow(self->evidence, s->conn, s->side, flow),
                                                   (unsigned long long)s->pn)});
}

/* Whether this packet takes a path that its sender has just gone over to, RFC 9000 9.4: the peer
 * has another address, or the sender is a client that migrates, and then takes another ID
 * (9.5). Behind a NAT it keeps its ID: it does not know. `rotate-cid` is a migration to the
 * client, which is told of an address that it has not. */
static bool moves(const struct sender *sender, const struct qp_seen *s) {
  return !qp_end_equal(&sender->remote, &s->udp->tuple.dst) ||
         (s->side == QP_CLIENT && !qp_cid_equal(&sender->id, &s->header->dcid));
}

static void left(struct qp_judged *self, const struct qp_seen *s) {
  struct sender *sender = sender_of(self, s->conn, s->side);
  if (!sender->judged ||
      (sender->last.frame == s->place.frame && sender->last.file == s->place.file))
    return; /* another frame of the same packet */
  sender->last = s->place;
  struct qp_envelope *v = &sender->envelope;
  if (sender->moving && moves(sender, s))
    qp_envelope_moved(v, s->place.time_ns);
  sender->moving = true;
  sender->remote = s->udp->tuple.dst;
  sender->id = s->header->dcid;
  v->max_ack_delay_ns = ack_delay_of(s->conn, s->side);
  self->out->examined++;
  uint64_t now = s->place.time_ns;
  uint64_t beyond =
      qp_envelope_sent(v, s->pn, (uint32_t)s->header->len, now, qp_awake_until(sender->clock, now));
  if (beyond && qp_found(self))
    report(self, s, v, beyond);
}

static bool elicits_ack(const struct qp_quic_frame *f) {
  return f->kind != QP_F_PADDING && f->kind != QP_F_ACK && f->kind != QP_F_CONNECTION_CLOSE &&
         f->kind != QP_F_CONNECTION_CLOSE_APP;
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  (void)effect;
  if (!self->evidence->manifest || s->space != QP_SPACE_APP)
    return;
  if ((s->views & QP_SENT) && !s->repeated && elicits_ack(f))
    left(self, s);
  if ((s->views & QP_REACHED) && f->kind == QP_F_ACK) {
    struct sender *sender = sender_of(self, s->conn, !s->side);
    uint64_t now = s->place.time_ns;
    if (sender->judged)
      qp_envelope_acked(&sender->envelope, f, now, qp_awake_until(sender->clock, now),
                        qp_resumed_at(self->evidence, sender->node, now));
  }
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct congestion_bounded *state = self->state;
  if (!self->evidence->manifest || !s->opened || !(s->views & QP_SENT))
    return;
  qp_awake_packet(&state->awake, self->evidence, s);
  if (s->space != QP_SPACE_APP || s->header->type == QP_0RTT)
    qp_envelope_handshake(&sender_of(self, s->conn, s->side)->envelope, s->header->len);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
}

static void drop(void *item) {
  qp_envelope_clear(&((struct sender *)item)->envelope);
}

static void clear(struct qp_judged *self) {
  struct congestion_bounded *state = self->state;
  qp_per_conn_clear(&state->senders[0], drop);
  qp_per_conn_clear(&state->senders[1], drop);
  qp_awake_clear(&state->awake);
}

const struct qp_check qp_check_congestion_bounded = {
    .info = {"congestion-bounded", "transport",
             "Bytes in flight stay within the judge's own congestion envelope.", true},
    .state = sizeof(struct congestion_bounded),
    .needs_run = true,
    .watch = watch,
    .clear = clear,
};
