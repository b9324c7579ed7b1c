/* isolated: no packet with one connection's ID travels on another's 4-tuple, and no
 * object of a track that was not subscribed on its connection. A 4-tuple belongs to
 * whoever's client sends on it: a connection that used it before (its client
 * reconnected from the same port) may still be heard there. In a run an address belongs
 * to a node, and no other node's client sends from there.
 *
 * Vantage: the interface of the sender, for every packet with a short header.
 *
 * Excused: nothing.
 *
 * Source: RFC 9000 5.1, 9; draft-ietf-moq-transport-20. */
#include <stdlib.h>

#include "pcap-tools/check/check.h"
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"

/* 4-tuples that a connection's client was seen on, in its own direction. */
struct seats {
  struct qp_tuple *items;
  size_t n, room;
};

struct isolated {
  struct qp_per_conn seats;
};

static bool same(const struct qp_tuple *a, const struct qp_tuple *b) {
  return qp_end_equal(&a->src, &b->src) && qp_end_equal(&a->dst, &b->dst);
}

static bool sits(const struct seats *s, const struct qp_tuple *tuple) {
  for (size_t i = 0; s && i < s->n; i++)
    if (same(&s->items[i], tuple))
      return true;
  return false;
}

static void sit(struct isolated *state, const struct qp_seen *s) {
  struct seats *mine = qp_per_conn(&state->seats, s->conn, sizeof *mine);
  if (sits(mine, &s->udp->tuple))
    return;
  qp_grow((void **)&mine->items, &mine->room, mine->n + 1, sizeof *mine->items);
  mine->items[mine->n++] = s->udp->tuple;
}

/* Another connection whose client sends on that 4-tuple. */
static const struct qp_conn *owner(const struct qp_judged *self, const struct qp_tuple *tuple,
                                   const struct qp_conn *but) {
  const struct isolated *state = self->state;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = n; i-- > 0;)
    if (conns[i] != but && sits(qp_per_conn_peek(&state->seats, conns[i]), tuple))
      return conns[i];
  return NULL;
}

/* A client's packet with its connection's ID comes from another node's address. */
static void judge_client(struct qp_judged *self, const struct qp_seen *s) {
  const struct qp_manifest *m = self->evidence->manifest;
  const struct qp_node *from = m ? qp_manifest_whose(m, &s->udp->tuple.src) : NULL;
  const struct qp_node *client = m ? qp_node_at(self->evidence, s->conn, QP_CLIENT) : NULL;
  char flow[QP_FLOW_TEXT], cid[QP_CID_TEXT];
  if (!from || !client)
    return;
  self->out->examined++;
  if (from == client || !qp_found(self))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "destination connection ID",
                  .expected = qp_text("an ID of %s, from whose address it comes", from->name),
                  .actual = qp_text("%s, an ID of %s", qp_cid_text(&s->header->dcid, cid),
                                    qp_flow(self->evidence, s->conn, QP_CLIENT, flow)),
                  .explain = qp_text("%s uses the connection of %s", from->name, client->name),
              });
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct isolated *state = self->state;
  char mine[QP_FLOW_TEXT], theirs[QP_FLOW_TEXT], cid[QP_CID_TEXT], end[QP_END_TEXT];
  if (s->side == QP_CLIENT && s->opened)
    sit(state, s);
  if (s->side == QP_CLIENT && (s->views & QP_SENT) && s->header->type == QP_1RTT)
    judge_client(self, s);
  if (s->side != QP_SERVER || !(s->views & QP_SENT) || s->header->type != QP_1RTT)
    return;
  struct qp_tuple back = {.src = s->udp->tuple.dst, .dst = s->udp->tuple.src};
  self->out->examined++;
  if (sits(qp_per_conn_peek(&state->seats, s->conn), &back))
    return;
  const struct qp_conn *other = owner(self, &back, s->conn);
  if (!other || !qp_found(self))
    return;
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "destination connection ID",
                  .expected = qp_text("an ID of %s, whose client sends from %s",
                                      qp_flow(self->evidence, other, QP_SERVER, theirs),
                                      qp_end_text(&back.src, end)),
                  .actual = qp_text("%s, an ID of %s", qp_cid_text(&s->header->dcid, cid),
                                    qp_flow(self->evidence, s->conn, QP_SERVER, mine)),
                  .explain = qp_text("a packet of one subscriber goes to the address of another"),
              });
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

static void judge_object(struct qp_judged *self, const struct qp_conn *c, unsigned side,
                         const struct qp_object *o) {
  char flow[QP_FLOW_TEXT];
  self->out->examined++;
  if (qp_session_alias(c, !side, o->alias, o->first.time_ns) || !qp_found(self))
    return;
  qp_describe(self, o->first,
              (struct qp_words){
                  .layer = "moqt",
                  .field = "track alias",
                  .expected = qp_text("an alias that a SUBSCRIBE_OK on this connection gave"),
                  .actual = qp_text("%llu", (unsigned long long)o->alias),
                  .explain = qp_text("%s carries a track that nobody asked for there",
                                     qp_flow(self->evidence, c, side, flow)),
              });
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < conns[i]->n_requests; k++)
      self->out->examined += conns[i]->requests[k].in_order;
    for (unsigned side = 0; side < 2; side++)
      for (size_t k = 0; k < conns[i]->n_objects[side]; k++)
        if (qp_is_relay(self->evidence, conns[i], side))
          judge_object(self, conns[i], side, &conns[i]->objects[side][k]);
  }
}

static void drop(void *item) {
  free(((struct seats *)item)->items);
}

static void clear(struct qp_judged *self) {
  qp_per_conn_clear(&((struct isolated *)self->state)->seats, drop);
}

const struct qp_check qp_check_isolated = {
    .info = {"isolated", "fan-out",
             "No connection's ID on another's 4-tuple, and no track that was not subscribed.",
             true},
    .state = sizeof(struct isolated),
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
