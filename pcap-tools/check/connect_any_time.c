/* connect-any-time: a client's Initial that reached a server is answered, and the
 * handshake gets done.
 *
 * Vantage: the server's interface. Where that is captured, an Initial that only the
 * client's capture has was lost on the way.
 *
 * Excused: the connection was closed or broken off, or the capture ends, within
 * ANSWER_NS of the first Initial that arrived (for the handshake within SHAKE_NS of it, or of
 * the last packet of the handshake that was lost on the way); the server was dead, or the
 * timeline stalled an end meanwhile; or it had been started within a turn before the last Initial
 * but for the goodbye: no process has its socket at once.
 *
 * Source: RFC 9000 7, 17.2.2. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/per_conn.h"

#define ANSWER_NS 1000000000u
#define SHAKE_NS  3000000000u

struct connect_any_time {
  struct qp_per_conn knocks;
};

/* Packets of one side that are remembered: a handshake has few. */
enum { TRIES = 16 };

struct knock {
  bool arrived;
  uint64_t arrived_ns;
  uint64_t last_ns, before_ns; /* the last one that arrived, and the one before */
  struct tries {
    size_t n;
    struct {
      enum qp_space space;
      uint64_t pn, t;
    } items[TRIES];
  } tries[2]; /* Initial and Handshake packets, by who sent them */
};

static bool is_router(const struct qp_manifest *m, const char *name) {
  for (size_t i = 0; i < m->n_nodes; i++)
    if (!strcmp(m->nodes[i].name, name))
      return !strcmp(m->nodes[i].role, "router");
  return false;
}

/* Does that capture show what arrives at the server? True also if none of the run would. */
static bool shows_arrival(const struct qp_evidence *e, const struct qp_conn *c, uint32_t file) {
  const struct qp_manifest *m = e->manifest;
  const struct qp_node *server = m ? qp_node_at(e, c, QP_SERVER) : NULL;
  if (!server || file >= m->n_captures || !strcmp(m->captures[file].node, server->name))
    return true;
  for (size_t i = 0; i < m->n_captures; i++) {
    const struct qp_capture_info *at = &m->captures[i];
    if (!strcmp(at->node, server->name) &&
        (!strcmp(at->peer, m->captures[file].node) || is_router(m, at->peer)))
      return false;
  }
  return true;
}

/* Until the server has answered, all datagrams are the client's. */
static void datagram(void *arg, struct qp_place place, const struct qp_udp *udp, struct qp_conn *c,
                     unsigned views) {
  struct qp_judged *self = arg;
  struct connect_any_time *state = self->state;
  (void)views;
  if (!c || udp->sum == QP_SUM_WRONG || udp->ip_sum_wrong)
    return;
  struct knock *knock = qp_per_conn(&state->knocks, c, sizeof *knock);
  if (!shows_arrival(self->evidence, c, place.file))
    return;
  knock->before_ns = knock->last_ns;
  knock->last_ns = place.time_ns;
  if (knock->arrived)
    return;
  knock->arrived = true;
  knock->arrived_ns = place.time_ns;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct connect_any_time *state = self->state;
  if (!s->opened || !(s->views & QP_SENT) || s->space == QP_SPACE_APP)
    return;
  struct knock *knock = qp_per_conn(&state->knocks, s->conn, sizeof *knock);
  struct tries *tries = &knock->tries[s->side];
  if (tries->n == TRIES)
    return;
  tries->items[tries->n].space = s->space;
  tries->items[tries->n].pn = s->pn;
  tries->items[tries->n++].t = s->place.time_ns;
}

/* The handshake cannot go on before what was lost is sent again. */
static uint64_t last_loss(const struct qp_conn *c, const struct knock *knock) {
  uint64_t last = 0;
  for (unsigned side = 0; side < 2; side++) {
    const struct tries *tries = &knock->tries[side];
    for (size_t i = 0; i < tries->n; i++)
      if (!qp_ranges_has(&c->numbers[side][tries->items[i].space].reached, tries->items[i].pn) &&
          tries->items[i].t > last)
        last = tries->items[i].t;
  }
  return last;
}

/* When the captures end. */
static uint64_t last_of(const struct qp_evidence *e) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  uint64_t last = 0;
  for (size_t i = 0; i < n; i++)
    last = conns[i]->last.time_ns > last ? conns[i]->last.time_ns : last;
  return last;
}

/* Did the server's process lie dead when the client knocked? */
static bool dead(const struct qp_evidence *e, const struct qp_conn *c) {
  const struct qp_node *node = e->manifest ? qp_node_at(e, c, QP_SERVER) : NULL;
  bool down = false;
  for (const struct qp_fault *f = NULL; node && (f = qp_next_fault(e, node->name, NULL, f));) {
    if (qp_capture_time(e, f->t) > c->last.time_ns)
      continue;
    if (!strcmp(f->kind, "restart"))
      down = false;
    else if (qp_ends_process(f) || !strcmp(f->kind, "vanish"))
      down = true;
  }
  return down;
}

/* Did the client knock at a process that was just being started, and not again? */
static bool starting(const struct qp_evidence *e, const struct qp_conn *c,
                     const struct knock *knock) {
  const struct qp_node *node = e->manifest ? qp_node_at(e, c, QP_SERVER) : NULL;
  const struct qp_close *close = &c->close[QP_CLIENT];
  const bool goodbye = close->seen && close->at.time_ns <= knock->last_ns;
  const uint64_t last = goodbye ? knock->before_ns : knock->last_ns;
  for (const struct qp_fault *f = NULL; node && (f = qp_next_fault(e, node->name, "restart", f));) {
    const uint64_t t = qp_capture_time(e, f->t);
    if (c->packets[QP_SERVER] == 0 && t <= knock->arrived_ns && last < t + QP_TURN_NS)
      return true;
  }
  return false;
}

static bool stalled(const struct qp_evidence *e, const struct qp_conn *c) {
  for (unsigned side = 0; e->manifest && side < 2; side++) {
    const struct qp_node *node = qp_node_at(e, c, side);
    if (node && qp_stalled(e, node->name, c->first.time_ns, c->first.time_ns + SHAKE_NS))
      return true;
  }
  return false;
}

static void report(struct qp_judged *self, const struct qp_conn *c, char *expected,
                   const char *actual) {
  char flow[QP_FLOW_TEXT];
  qp_describe(self, c->first,
              (struct qp_words){
                  .layer = "quic",
                  .field = "handshake",
                  .expected = expected,
                  .actual = qp_text("%s", actual),
                  .explain = qp_text("%s: a client knocks and does not get in",
                                     qp_flow(self->evidence, c, QP_CLIENT, flow)),
              });
}

static void judge_conn(struct qp_judged *self, const struct qp_conn *c, uint64_t last) {
  const struct qp_evidence *e = self->evidence;
  const struct connect_any_time *state = self->state;
  const struct knock *knock = qp_per_conn_peek(&state->knocks, c);
  uint64_t end = qp_broken_at(e, c);
  if (!c->numbers[QP_CLIENT][QP_SPACE_INITIAL].reached.n || !knock || !knock->arrived ||
      dead(e, c) || stalled(e, c) || starting(e, c, knock))
    return;
  for (int side = 0; side < 2; side++)
    if (c->close[side].seen && c->close[side].at.time_ns < end)
      end = c->close[side].at.time_ns;
  end = end < last ? end : last;
  bool answered = c->packets[QP_SERVER] > 0;
  const uint64_t lost = answered ? last_loss(c, knock) : 0;
  const uint64_t since = lost > knock->arrived_ns ? lost : knock->arrived_ns;
  if (!c->handshake_done && end < since + (answered ? SHAKE_NS : ANSWER_NS))
    return;
  self->out->examined++;
  if (!answered && qp_found(self))
    report(self, c, qp_text("an answer to the Initial within a second"), "no packet at all");
  else if (answered && !c->handshake_done && qp_found(self))
    report(self, c, qp_text("1-RTT packets within three seconds"), "none");
}

static void finish(struct qp_judged *self) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(self->evidence->tracker, &n);
  uint64_t last = last_of(self->evidence);
  for (size_t i = 0; i < n; i++)
    judge_conn(self, conns[i], last);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->datagram = datagram;
  w->packet = packet;
}

static void clear(struct qp_judged *self) {
  qp_per_conn_clear(&((struct connect_any_time *)self->state)->knocks, NULL);
}

const struct qp_check qp_check_connect_any_time = {
    .info = {"connect-any-time", "transport", "A new client is always answered.", true},
    .state = sizeof(struct connect_any_time),
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
