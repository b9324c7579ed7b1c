/* cid-active: the destination ID of every Handshake and 1-RTT packet was issued to its
 * sender (in the handshake, or by a NEW_CONNECTION_ID that had reached it) and the
 * sender has not retired it. In a run also: no 1-RTT packet has an ID that leads to no
 * connection.
 *
 * Vantage: the sender's interface.
 *
 * Excused: IDs that rogues invent.
 *
 * Source: RFC 9000 5.1, 19.16. */
#include <stdlib.h>

#include "pcap-tools/check/check.h"
#include "pcap-tools/check/per_conn.h"

struct issued {
  struct qp_cid cid;
  uint64_t sequence;
  struct qp_place retired; /* frame 0: not */
};

/* IDs of one side, for its peer to use. */
struct id_list {
  struct issued *items;
  size_t n, room;
};

struct cid_active {
  struct qp_per_conn lists[2]; /* struct id_list, by the side that issued */
};

static struct id_list *list_of(struct cid_active *state, const struct qp_conn *c, unsigned side) {
  struct id_list *l = qp_per_conn(&state->lists[side], c, sizeof *l);
  return l;
}

static struct issued *find(const struct id_list *l, const struct qp_cid *cid) {
  for (size_t i = l->n; i-- > 0;)
    if (qp_cid_equal(&l->items[i].cid, cid))
      return &l->items[i];
  return NULL;
}

static void issue(struct id_list *l, const struct qp_cid *cid, uint64_t sequence) {
  if (find(l, cid))
    return;
  qp_grow((void **)&l->items, &l->room, l->n + 1, sizeof *l->items);
  l->items[l->n++] = (struct issued){.cid = *cid, .sequence = sequence};
}

static void report(struct qp_judged *self, const struct qp_seen *s, char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(
      self, s->place,
      (struct qp_words){.layer = "quic",
                        .field = "destination connection ID",
                        .expected = expected,
                        .actual = actual,
                        .explain = qp_text("%s uses an ID that is not its to use",
                                           qp_flow(self->evidence, s->conn, s->side, flow))});
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct cid_active *state = self->state;
  char cid[QP_CID_TEXT];
  enum qp_type type = s->header->type;
  if (type == QP_INITIAL || type == QP_HANDSHAKE) /* sequence number 0 */
    issue(list_of(state, s->conn, s->side), &s->header->scid, 0);
  if (!(s->views & QP_SENT) || (type != QP_HANDSHAKE && type != QP_1RTT))
    return;
  const struct issued *id = find(list_of(state, s->conn, !s->side), &s->header->dcid);
  const struct qp_cid *preferred = &s->conn->hello.server.preferred_cid;
  if (!id && s->side == QP_CLIENT && preferred->len && qp_cid_equal(preferred, &s->header->dcid)) {
    issue(list_of(state, s->conn, QP_SERVER), preferred, 1);
    id = find(list_of(state, s->conn, QP_SERVER), preferred);
  }
  /* what could not be opened may have held the frame that gave the ID */
  if (!id && s->conn->numbers[!s->side][QP_SPACE_APP].gaps)
    return;
  self->out->examined++;
  if (!id) {
    if (qp_found(self))
      report(self, s, qp_text("an ID that the peer issued and that had arrived"),
             qp_text("%s", qp_cid_text(&s->header->dcid, cid)));
  } else if (id->retired.frame && qp_found(self)) {
    report(self, s, qp_text("one that is not retired"),
           qp_text("%s, sequence number %llu, retired in frame %llu",
                   qp_cid_text(&s->header->dcid, cid), (unsigned long long)id->sequence,
                   (unsigned long long)id->retired.frame));
  }
}

static void retire(struct qp_judged *self, const struct qp_seen *s, uint64_t sequence) {
  struct id_list *l = list_of(self->state, s->conn, !s->side);
  for (size_t i = 0; i < l->n; i++) {
    struct issued *id = &l->items[i];
    if (id->sequence != sequence || id->retired.frame)
      continue;
    id->retired = s->place;
    if (qp_cid_equal(&id->cid, &s->header->dcid) && qp_found(self))
      report(self, s, qp_text("another one than the RETIRE_CONNECTION_ID in the packet names"),
             qp_text("sequence number %llu", (unsigned long long)sequence));
  }
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  (void)effect;
  if (f->kind == QP_F_NEW_CONNECTION_ID && (s->views & QP_REACHED))
    issue(list_of(self->state, s->conn, s->side), &f->new_cid.cid, f->new_cid.sequence);
  else if (f->kind == QP_F_RETIRE_CONNECTION_ID && (s->views & QP_SENT))
    retire(self, s, f->limit.value);
}

/* A node with that address, whatever its port; a rogue rather than others. */
static const struct qp_node *node_with(const struct qp_manifest *m, const struct qp_end *end) {
  const struct qp_node *found = NULL;
  for (size_t i = 0; m && i < m->n_nodes; i++)
    for (size_t k = 0; k < m->nodes[i].n_addresses; k++)
      if (qp_addr_equal(&m->nodes[i].addresses[k], end) &&
          (!found || !strcmp(m->nodes[i].role, "rogue")))
        found = &m->nodes[i];
  return found;
}

/* In a run every ID was issued by somebody: no 1-RTT packet leads nowhere. */
static void stranger(void *arg, struct qp_place place, const struct qp_udp *udp) {
  struct qp_judged *self = arg;
  const struct qp_node *from = node_with(self->evidence->manifest, &udp->tuple.src);
  char src[QP_END_TEXT], dst[QP_END_TEXT];
  if (!from || !strcmp(from->role, "rogue") || (udp->payload[0] & 0xc0) != 0x40)
    return;
  self->out->examined++;
  if (qp_found(self))
    qp_describe(self, place,
                (struct qp_words){.layer = "quic",
                                  .field = "destination connection ID",
                                  .expected = qp_text("an ID that somebody issued"),
                                  .actual = qp_text("one that leads to no connection"),
                                  .explain = qp_text("%s sends from %s to %s, and nobody can say "
                                                     "on which connection",
                                                     from->name, qp_end_text(&udp->tuple.src, src),
                                                     qp_end_text(&udp->tuple.dst, dst))});
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->stranger = stranger;
  w->packet = packet;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_NEW_CONNECTION_ID) | QP_KIND(QP_F_RETIRE_CONNECTION_ID);
}

static void drop(void *item) {
  free(((struct id_list *)item)->items);
}

static void clear(struct qp_judged *self) {
  struct cid_active *state = self->state;
  qp_per_conn_clear(&state->lists[0], drop);
  qp_per_conn_clear(&state->lists[1], drop);
}

const struct qp_check qp_check_cid_active = {
    .info = {"cid-active", "transport",
             "Every destination ID was issued to this sender and is not retired.", true},
    .state = sizeof(struct cid_active),
    .watch = watch,
    .clear = clear,
};
