/* One window for both paths of a subscriber; the rule is in congestion.h. */
#include "relay/fanout/core.h"

static uint64_t in_flight(const struct client *client) {
  return ledger_inflight_bytes(client->ledger);
}

static struct pacer_rate rate_of(const struct client *client) {
  return (struct pacer_rate){.cwnd = client->window.cc.now.cwnd,
                             .rtt_ns = ledger_smoothed_rtt(client->ledger)};
}

void window_init(struct client *client) {
  congestion_init(&client->window.cc, client->relay->cfg.cubic, client->max_payload);
  client->window.pacer = (struct pacer){0};
  client->window.has_lost = false;
}

/* The fan-out is held, so that every copy on the old path has its number, and its record after the
 * drain. */
void window_new_path(struct client *client) {
  const struct plane *plane = client->relay->cfg.plane;
  copies_drain(client->relay);
  ledger_new_path(client->ledger, plane_load(plane, &client_counters(client)->next_pn),
                  WINDOW_INITIAL_RTT_NS);
  window_init(client);
}

/* ---- what happens to numbers ------------------------------------------------------------ */

static bool counts(const struct ledger_number *number) {
  return number->ack_eliciting && number->origin != LEDGER_BURNED && !number->other_path;
}

void window_sent(struct client *client, const struct ledger_number *number) {
  if (counts(number))
    congestion_sent(&client->window.cc, number->sent_ns, in_flight(client));
}

static void lost(struct client *client, const struct ledger_number *number) {
  struct window *w = &client->window;
  const struct ledger *ledger = client->ledger;
  bool unbroken = w->has_lost && number->pn > w->lost_pn &&
                  !ledger_any_acked(ledger, w->lost_pn + 1, number->pn);
  w->has_lost = true;
  w->lost_pn = number->pn;
  if (congestion_lost(&w->cc, number->sent_ns, unbroken, ledger_persistent_ns(ledger),
                      client->relay->now))
    ledger_forget_min_rtt(client->ledger);
}

void window_settled(struct client *client, const struct ledger_number *number) {
  if (!counts(number))
    return;
  if (number->fate == LEDGER_ACKED)
    congestion_acked(&client->window.cc, number->sent_ns, number->bytes,
                     ledger_smoothed_rtt(client->ledger), client->relay->now);
  else if (number->fate == LEDGER_LOST)
    lost(client, number);
  client_dirty(client); /* its credit is another now */
}

void window_spurious(struct client *client, const struct ledger_number *number) {
  if (!counts(number))
    return;
  congestion_spurious(&client->window.cc, number->sent_ns);
  client_dirty(client);
}

/* ---- the datapath's share ---------------------------------------------------------------- */

static void set_credit(struct client *client, uint64_t credit) {
  plane_store(client->relay->cfg.plane, &client_counters(client)->credit, credit);
}

void window_grant(struct client *client) {
  struct window *w = &client->window;
  set_credit(client, congestion_credit(&w->cc, w->entered, in_flight(client)));
}

void window_hold(struct client *client) {
  const struct plane *plane = client->relay->cfg.plane;
  __u64 free = 0;
  if (client->in_plane)
    plane_cas(plane, &client_counters(client)->hold, &free, 1);
}

/* Half a window, or a burst of the first: less would be refused again at once. */
bool window_is_open(const struct client *client) {
  const struct congestion *cc = &client->window.cc;
  if (client->window.waits || !slow_is_idle(client))
    return false;
  uint64_t half = cc->now.cwnd / 2, burst = CONGESTION_INITIAL_PACKETS * cc->packet;
  return congestion_room(cc, in_flight(client)) >= (half < burst ? half : burst);
}

void window_relieve(struct client *client) {
  struct window *w = &client->window;
  const struct relay_config *cfg = &client->relay->cfg;
  uint64_t now = client->relay->now;
  if (!client->in_plane || plane_load(cfg->plane, &client_counters(client)->hold) == 0) {
    w->held_ns = 0;
    return;
  }
  if (w->held_ns == 0)
    w->held_ns = now;
  if (now - w->held_ns < RELAY_HOLD_NS || client->path_held || !window_is_open(client))
    return;
  w->held_ns = 0;
  if (cfg->ops->flush)
    cfg->ops->flush(cfg->ops_arg);
  plane_store(cfg->plane, &client_counters(client)->hold, 0);
}

/* ---- the slow path's share ---------------------------------------------------------------- */

/* The streams of these that the peer lets be open: `*more` of those that have no ordinal yet. */
static bool may_be_open(const struct leg *leg, uint64_t most, uint64_t *more) {
  if (leg->ordinal != NO_ORDINAL)
    return leg->ordinal < most;
  return *more > 0 && (*more)--;
}

/* New stream data that the peer's limits let go, up to `enough`. */
static uint64_t waiting_streams(const struct client *client, uint64_t enough) {
  const struct fb_counters *counters = client_counters(client);
  const struct plane *plane = client->relay->cfg.plane;
  uint64_t used = plane_load(plane, &counters->data_used);
  uint64_t most = plane_load(plane, &counters->max_data);
  uint64_t streams = plane_load(plane, &counters->max_streams);
  uint64_t next = plane_load(plane, &counters->next_stream),
           more = streams > next ? streams - next : 0;
  uint64_t bytes = 0, limit = most > used ? most - used : 0;
  if (limit > enough)
    limit = enough;
  for (size_t i = 0; i < client->n_pending && bytes < limit; i++) {
    const struct leg *leg = client->pending[i];
    uint64_t end = leg->stream->len < leg->limit ? leg->stream->len : leg->limit, lo, hi = 0;
    if (!may_be_open(leg, streams, &more))
      continue;
    while (bytes < limit && ranges_next_gap(&leg->sent, hi, end, &lo, &hi))
      bytes += hi - lo;
  }
  return bytes < limit ? bytes : limit;
}

/* What the slow path has to send, up to `enough`: a long backlog is not counted to its end. */
static uint64_t waiting(const struct client *client, uint64_t enough) {
  uint64_t bytes = client->dgram_bytes;
  for (const struct resend *r = client->resend_head; r && bytes < enough; r = r->next)
    bytes += r->hi - r->lo;
  return bytes < enough ? bytes + waiting_streams(client, enough - bytes) : enough;
}

/* Pacing is no limit of the application, but only where the window would be used up without it. */
static void paced(struct client *client) {
  struct congestion *cc = &client->window.cc;
  uint64_t flight = in_flight(client), enough = congestion_enough(cc);
  congestion_sent(cc, client->relay->now,
                  flight + (flight < enough ? waiting(client, enough - flight) : 0));
}

/* Takes a packet's worth off the credit, then looks: what the datapath has not used up by now is
 * the slow path's. */
static bool take_room(struct client *client) {
  struct window *w = &client->window;
  const struct plane *plane = client->relay->cfg.plane;
  uint64_t flight = in_flight(client) + w->cc.packet;
  if (w->entered + w->cc.now.cwnd < flight)
    return false;
  uint64_t credit = congestion_credit(&w->cc, w->entered, flight);
  set_credit(client, credit);
  return plane_load(plane, &client_counters(client)->sent_bytes) <= credit;
}

enum window_answer window_admits(struct client *client) {
  struct window *w = &client->window;
  uint64_t now = client->relay->now;
  uint64_t due = pacer_due(&w->pacer, rate_of(client), w->cc.packet);
  if (!take_room(client))
    return WINDOW_FULL;
  if (due <= now)
    return WINDOW_OPEN;
  paced(client);
  w->due_ns = due;
  return WINDOW_PACED;
}

bool window_has_room(const struct client *client, uint64_t bytes) {
  const struct window *w = &client->window;
  const struct plane *plane = client->relay->cfg.plane;
  if (w->cc.now.cwnd == 0)
    return true; /* the handshake is ngtcp2's */
  uint64_t sent = plane_load(plane, &client_counters(client)->sent_bytes);
  return sent + in_flight(client) + bytes <= w->entered + w->cc.now.cwnd;
}

void window_paced(struct client *client, uint64_t bytes) {
  pacer_sent(&client->window.pacer, rate_of(client), bytes, client->relay->now);
}
