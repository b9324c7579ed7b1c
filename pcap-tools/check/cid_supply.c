/* cid-supply: a relay always leaves its peer a spare connection ID: two are active at
 * least, of which one is in use. And not more than the peer's
 * active_connection_id_limit. IDs count when they leave the relay, retirements when
 * they reach it.
 *
 * Vantage: the relay's interface.
 *
 * Excused: a moment after the handshake and after each retirement; connections that use
 * an ID of length zero.
 *
 * Source: RFC 9000 5.1.1. */
#include "pcap-tools/check/check.h"
#include "pcap-tools/check/per_conn.h"

enum { SPARE_ONE = 2 };
#define MOMENT_NS 1000000000u

struct supply {
  int relay; /* 0 not asked, 1 no, 2 yes */
  struct qp_ranges issued, retired;
  uint64_t prior_to; /* highest Retire Prior To */
  uint64_t low_since;
  bool low, told;
};

struct cid_supply {
  struct qp_per_conn sides[2];
};

static struct supply *supply_of(struct qp_judged *self, const struct qp_conn *c, unsigned side) {
  struct cid_supply *state = self->state;
  struct supply *s = qp_per_conn(&state->sides[side], c, sizeof *s);
  if (!s->relay)
    s->relay = 1 + qp_is_relay(self->evidence, c, side);
  return s->relay == 2 ? s : NULL;
}

static uint64_t active(const struct supply *s) {
  return qp_ranges_count(&s->issued) - qp_ranges_count(&s->retired);
}

static void report(struct qp_judged *self, const struct qp_seen *s, char *expected,
                   uint64_t found) {
  char flow[QP_FLOW_TEXT];
  qp_describe(self, s->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = "active connection IDs",
                  .expected = expected,
                  .actual = qp_text("%llu", (unsigned long long)found),
                  .explain = qp_text("the supply of %s for its peer",
                                     qp_flow(self->evidence, s->conn, s->side, flow)),
              });
}

/* Counted anew: is a spare one left? */
static void weigh(struct supply *s, uint64_t now_ns) {
  bool low = active(s) < SPARE_ONE;
  if (low && !s->low)
    s->low_since = now_ns;
  s->low = low;
  s->told = s->told && low;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct supply *mine = (s->views & QP_SENT) ? supply_of(self, s->conn, s->side) : NULL;
  if (!mine)
    return;
  if (s->header->type == QP_INITIAL || s->header->type == QP_HANDSHAKE) {
    if (s->header->scid.len)
      qp_ranges_add(&mine->issued, 0, 0);
    return;
  }
  if (s->header->type != QP_1RTT || !s->opened || !mine->issued.n || s->conn->close[0].seen ||
      s->conn->close[1].seen)
    return;
  weigh(mine, s->place.time_ns);
  self->out->examined++;
  if (!mine->low || mine->told || s->place.time_ns < mine->low_since + MOMENT_NS)
    return;
  mine->told = true;
  if (qp_found(self))
    report(self, s, qp_text("%d or more within a second", SPARE_ONE), active(mine));
}

static void issue(struct qp_judged *self, const struct qp_seen *s, const struct qp_quic_frame *f) {
  struct supply *mine = supply_of(self, s->conn, s->side);
  const struct qp_params *peer = qp_conn_params(s->conn, !s->side);
  if (!mine)
    return;
  qp_ranges_add(&mine->issued, f->new_cid.sequence, f->new_cid.sequence);
  if (f->new_cid.retire_prior_to > mine->prior_to)
    mine->prior_to = f->new_cid.retire_prior_to;
  /* what the peer is told to retire no longer counts against its limit */
  struct qp_ranges gone = {0};
  for (size_t i = 0; i < mine->retired.n; i++)
    qp_ranges_add(&gone, mine->retired.spans[i].lo, mine->retired.spans[i].hi);
  if (mine->prior_to)
    qp_ranges_add(&gone, 0, mine->prior_to - 1);
  uint64_t left = qp_ranges_count(&mine->issued) - qp_ranges_count(&gone);
  qp_ranges_clear(&gone);
  if (peer->seen && left > peer->active_cid_limit && qp_found(self))
    report(self, s,
           qp_text("at most %llu, the peer's active_connection_id_limit",
                   (unsigned long long)peer->active_cid_limit),
           left);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  (void)effect;
  if (f->kind == QP_F_NEW_CONNECTION_ID && (s->views & QP_SENT)) {
    issue(self, s, f);
  } else if (f->kind == QP_F_RETIRE_CONNECTION_ID && (s->views & QP_REACHED)) {
    struct supply *theirs = supply_of(self, s->conn, !s->side);
    if (theirs && qp_ranges_has(&theirs->issued, f->limit.value)) {
      qp_ranges_add(&theirs->retired, f->limit.value, f->limit.value);
      weigh(theirs, s->place.time_ns);
    }
  }
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
}

static void drop(void *item) {
  struct supply *s = item;
  qp_ranges_clear(&s->issued);
  qp_ranges_clear(&s->retired);
}

static void clear(struct qp_judged *self) {
  struct cid_supply *state = self->state;
  qp_per_conn_clear(&state->sides[0], drop);
  qp_per_conn_clear(&state->sides[1], drop);
}

const struct qp_check qp_check_cid_supply = {
    .info = {"cid-supply", "transport", "Every connection always has spare connection IDs.", true},
    .state = sizeof(struct cid_supply),
    .watch = watch,
    .clear = clear,
};
