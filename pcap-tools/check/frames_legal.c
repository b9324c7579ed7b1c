/* frames-legal: every packet opens, every frame parses, stands in a packet that
 * may carry it, and comes from a side that may send it. What MoQT forbids on streams
 * and in datagrams is reported too.
 *
 * A packet that does not open counts if others of its sender in its space do, or if it
 * is a 1-RTT packet of a run: its key log has all secrets. In a bare capture keys may
 * be missing.
 *
 * Vantage: the sender's interface.
 *
 * Excused: what a rogue sends, and the end of a rogue publisher's stream where a relay
 * passed it on.
 *
 * Source: RFC 9000 12.4, 17, 19; RFC 9221. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"

/* Packets that did not open when none of their space had opened yet. */
struct closed {
  struct qp_place first;
  uint64_t n;
};

struct closed_spaces {
  struct closed of[2][QP_SPACE_COUNT]; /* [who sends] */
};

struct frames_legal {
  struct qp_per_conn conns; /* struct closed_spaces */
};

static void report(struct qp_judged *self, const struct qp_seen *s, const char *layer,
                   const char *field, char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(self, s->place,
              (struct qp_words){.layer = layer,
                                .field = field,
                                .expected = expected,
                                .actual = actual,
                                .explain = qp_text("%s sends an illegal %s packet",
                                                   qp_flow(self->evidence, s->conn, s->side, flow),
                                                   qp_type_name(s->header->type))});
}

static void note_closed(struct qp_judged *self, const struct qp_seen *s) {
  struct frames_legal *state = self->state;
  struct closed_spaces *c = qp_per_conn(&state->conns, s->conn, sizeof *c);
  struct closed *of = &c->of[s->side][s->space];
  if (!of->n++)
    of->first = s->place;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  const struct qp_numbers *n = &s->conn->numbers[s->side][s->space];
  if (!(s->views & QP_SENT) || !s->header->pn_at)
    return;
  if (!s->opened) {
    if (s->udp->cut)
      return;
    if (!n->sent.n)
      note_closed(self, s);
    else if (qp_found_of(self, s->conn, s->side))
      report(self, s, "quic", "AEAD tag", qp_text("a packet that opens with the connection's keys"),
             qp_text("%zu bytes that do not", s->header->len));
    return;
  }
  self->out->examined++;
  uint8_t reserved = s->first & (s->first & 0x80 ? 0x0c : 0x18);
  if (reserved && qp_found_of(self, s->conn, s->side))
    report(self, s, "quic", "reserved bits", qp_text("0"), qp_text("%#x", reserved));
  const struct qp_params *peer = qp_conn_params(s->conn, !s->side);
  if (!(s->first & 0x40) && !peer->grease_quic_bit && qp_found_of(self, s->conn, s->side))
    report(self, s, "quic", "fixed bit", qp_text("1"), qp_text("0"));
  if (!s->len && qp_found_of(self, s->conn, s->side))
    report(self, s, "quic", "payload", qp_text("one frame at least"), qp_text("none"));
}

static bool allowed_in(enum qp_type type, uint64_t kind) {
  switch (type) {
  case QP_1RTT:
    return true;
  case QP_0RTT:
    return kind != QP_F_ACK && kind != QP_F_CRYPTO && kind != QP_F_HANDSHAKE_DONE &&
           kind != QP_F_NEW_TOKEN && kind != QP_F_PATH_RESPONSE &&
           kind != QP_F_RETIRE_CONNECTION_ID;
  default: /* Initial, Handshake */
    return kind == QP_F_PADDING || kind == QP_F_PING || kind == QP_F_ACK || kind == QP_F_CRYPTO ||
           kind == QP_F_CONNECTION_CLOSE;
  }
}

/* Why this side must not send the frame; NULL if it may. */
static const char *wrong_side(const struct qp_seen *s, const struct qp_quic_frame *f,
                              const struct qp_effect *e) {
  const struct qp_params *peer = qp_conn_params(s->conn, !s->side);
  bool of_server = f->kind == QP_F_HANDSHAKE_DONE || f->kind == QP_F_NEW_TOKEN;
  if (of_server && s->side == QP_CLIENT)
    return "only servers send it";
  if (e->not_opened)
    return "the peer's one-way stream, or one that the peer never opened";
  bool stream_limit = f->kind == QP_F_MAX_STREAM_DATA || f->kind == QP_F_STREAM_DATA_BLOCKED;
  if (stream_limit && qp_stream_uni(f->limit.id)) {
    bool mine = qp_stream_opener(f->limit.id) == s->side;
    if (mine == (f->kind == QP_F_MAX_STREAM_DATA))
      return "the one-way stream goes in the other direction";
  }
  if ((f->kind == QP_F_MAX_STREAMS_BIDI || f->kind == QP_F_MAX_STREAMS_UNI ||
       f->kind == QP_F_STREAMS_BLOCKED_BIDI || f->kind == QP_F_STREAMS_BLOCKED_UNI) &&
      f->limit.value > (uint64_t)1 << 60)
    return "a stream limit above 2^60";
  if (f->kind == QP_F_DATAGRAM && peer->seen && f->len > peer->max_datagram_frame)
    return "longer than the peer's max_datagram_frame_size";
  if (f->kind == QP_F_RESET_STREAM_AT && peer->seen && !peer->reset_stream_at)
    return "the peer did not announce reset_stream_at";
  bool about_acks = f->kind == QP_F_ACK_FREQUENCY || f->kind == QP_F_IMMEDIATE_ACK;
  if (about_acks && peer->seen && !peer->min_ack_delay)
    return "the peer did not announce min_ack_delay";
  return f->long_type ? "its type is not in the shortest form" : NULL;
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *e) {
  struct qp_judged *self = arg;
  if (!(s->views & QP_SENT))
    return;
  const char *name = qp_frame_name(f->type);
  const char *why = wrong_side(s, f, e);
  if (!allowed_in(s->header->type, f->kind) && qp_found_of(self, s->conn, s->side))
    report(self, s, "quic", "frame type",
           qp_text("a frame that %s packets may carry", qp_type_name(s->header->type)),
           qp_text("%s", name));
  if (why && qp_found_of(self, s->conn, s->side))
    report(self, s, "quic", "frame", qp_text("a lawful %s", name), qp_text("%s: %s", name, why));
  if (e->bad_datagram && qp_found_of(self, s->conn, s->side))
    report(self, s, "moqt", "datagram", qp_text("an OBJECT_DATAGRAM"),
           qp_text("%s", e->bad_datagram));
}

static void malformed(void *arg, const struct qp_seen *s, const char *why) {
  struct qp_judged *self = arg;
  if ((s->views & QP_SENT) && qp_found_of(self, s->conn, s->side))
    report(self, s, "quic", s->opened ? "frame" : "header", qp_text("one that parses"),
           qp_text("%s", why));
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
  w->malformed = malformed;
}

/* Packets that came in front of the first one of their space that opens. */
static void judge_closed(struct qp_judged *self, const struct qp_conn *c) {
  const struct frames_legal *state = self->state;
  const struct closed_spaces *spaces = qp_per_conn_peek(&state->conns, c);
  char flow[QP_FLOW_TEXT];
  for (unsigned side = 0; spaces && side < 2; side++)
    for (unsigned space = 0; space < QP_SPACE_COUNT; space++) {
      const struct closed *of = &spaces->of[side][space];
      bool due =
          c->numbers[side][space].sent.n || (self->evidence->manifest && space == QP_SPACE_APP);
      if (!of->n || !due || !qp_found_of(self, c, side))
        continue;
      qp_describe(
          self, of->first,
          (struct qp_words){
              .layer = "quic",
              .field = "AEAD tag",
              .expected = qp_text("packets that open with the connection's keys"),
              .actual = qp_text("%llu that do not, this one the first", (unsigned long long)of->n),
              .explain = qp_text("%s sends what nobody can open, or the key log has "
                                 "another secret",
                                 qp_flow(self->evidence, c, side, flow)),
          });
    }
}

/* A relay may have passed on what a rogue's stream ended with, before it could know. */
static bool passed_on(const struct qp_evidence *e, const struct qp_conn *c,
                      const struct qp_half *h) {
  return h->kind == QP_S_SUBGROUP && qp_is_relay(e, c, h->side) &&
         qp_is_rogue_alias(e, c, h->side, h->header.alias, h->opened.time_ns);
}

/* Streams that stopped being MoQT. */
static void finish(struct qp_judged *self) {
  char flow[QP_FLOW_TEXT];
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++) {
    judge_closed(self, conns[i]);
    for (size_t k = 0; k < conns[i]->n_halves; k++) {
      const struct qp_half *h = conns[i]->halves[k];
      if (!h->complaint || h->reset || passed_on(self->evidence, conns[i], h) ||
          !qp_found_of(self, conns[i], h->side))
        continue;
      qp_describe(
          self, h->opened,
          (struct qp_words){
              .layer = "moqt",
              .field = "stream",
              .expected = qp_text("a lawful MoQT stream"),
              .actual = qp_text("%s, at offset %llu of stream %llu", h->complaint,
                                (unsigned long long)h->complaint_at, (unsigned long long)h->id),
              .explain = qp_text("%s breaks MoQT framing",
                                 qp_flow(self->evidence, conns[i], h->side, flow)),
          });
    }
  }
}

static void clear(struct qp_judged *self) {
  qp_per_conn_clear(&((struct frames_legal *)self->state)->conns, NULL);
}

const struct qp_check qp_check_frames_legal = {
    .info = {"frames-legal", "transport",
             "Every packet opens and every frame parses, in a packet and from a side that may "
             "send it.",
             true},
    .state = sizeof(struct frames_legal),
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
