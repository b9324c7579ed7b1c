/* Joint numbers of one connection: what shim and ledger ask and tell, answered from its state and
 * from the words that the datapath shares. */
#include <errno.h>

#include "relay/fanout/core.h"

#define MAX_ACK_DELAY_NS (25ull * 1000 * 1000) /* RFC 9000 18.2, until the peer says its own */

/* Defect pn-guess: user space counts by itself and steps over what it thinks the fast path
 * sent meanwhile. */
static uint64_t guess_number(struct client *client) {
  uint64_t pn = client->guessed_pn;
  client->guessed_pn += client->relay->cfg.defects.pn_guess;
  return pn;
}

uint64_t joint_take_number(struct client *client) {
  if (client->relay->cfg.defects.pn_guess)
    return guess_number(client);
  return plane_add(client->relay->cfg.plane, &client_counters(client)->next_pn, 1);
}

static uint64_t on_take_number(void *arg) {
  return joint_take_number(arg);
}

/* Defect retire-first: one pool of IDs for all connections; a connection gives its own back
 * only when it is freed. */
static bool on_may_issue(void *arg) {
  struct client *client = arg;
  if (client->relay->ids_out >= client->relay->cfg.defects.retire_first)
    return false;
  client->relay->ids_out++;
  client->ids_out++;
  return true;
}

static uint64_t on_next_number(void *arg) {
  struct client *client = arg;
  uint64_t next = plane_load(client->relay->cfg.plane, &client_counters(client)->next_pn);
  return next > client->guessed_pn ? next : client->guessed_pn;
}

static bool on_has_room(void *arg, size_t bytes, bool probe) {
  const struct client *client = arg;
  if (probe && ledger_may_probe(client->ledger, client->relay->now))
    return true;
  return window_has_room(client, bytes);
}

static void on_own_sent(void *arg, uint64_t joint, uint64_t own, size_t bytes, bool ack_eliciting,
                        bool burned) {
  struct client *client = arg;
  struct ledger_number number = {
      .pn = joint,
      .own = own,
      .origin = burned ? LEDGER_BURNED : LEDGER_OWN,
      .sent_ns = client->relay->now,
      .bytes = (uint32_t)bytes,
      .ack_eliciting = ack_eliciting,
  };
  client->sent |= ack_eliciting;
  /* Whoever sends it, it asks for an ACK: two probes a time-out are enough (RFC 9002 6.2.4). */
  if (ack_eliciting && client->probes)
    client->probes--;
  if (ack_eliciting)
    ledger_probed(client->ledger, client->relay->now);
  client->own_pn = joint;
  joint_enter(client, &number);
}

/* ngtcp2 knows neither how full the window of both is nor, because it counts from its own packets, when
 * their probe timeout is due. While the window is full nothing leaves but acknowledgements, until that
 * timeout is (RFC 9002 6.2.1, 7). On a new path, which is to be validated, nothing is in flight yet. */
enum qc_hold joint_hold(const struct client *client) {
  if (window_has_room(client, client->max_payload))
    return QC_HOLD_NONE;
  const bool may_probe = client->probes || ledger_may_probe(client->ledger, client->relay->now);
  return client->started && !client->closed && !client->path_held && !may_probe ? QC_HOLD_ALL
                                                                                : QC_HOLD_NEW;
}

/* As ngtcp2 sees it: two packets, or an eighth of a round trip. */
bool joint_ack_due(const struct client *client) {
  const unsigned owed = shim_owed_acks(client->shim);
  uint64_t wait = qc_smoothed_rtt_ns(client->qc) / 8;
  if (wait > MAX_ACK_DELAY_NS)
    wait = MAX_ACK_DELAY_NS;
  return owed > 1 || (owed && client->relay->now >= client->owed_ns + wait);
}

void joint_enter(struct client *client, const struct ledger_number *number) {
  client_touched(client);
  if (ledger_enter(client->ledger, number) == 0) {
    window_sent(client, number);
    return;
  }
  relay_log(client->relay, "client %u: joint number %llu: %s", client->slot,
            (unsigned long long)number->pn,
            errno == EEXIST ? "used twice" : "the ledger has no room for it");
}

/* The unacknowledged numbers are capped: a window from the oldest of them on. */
void joint_floor(struct client *client) {
  /* ngtcp2 has to hear of a late ACK of what was taken for lost, also of one that comes when the ledger
   * has forgotten: a pair of numbers is little. */
  uint64_t memory = ledger_memory(client->ledger);
  shim_forget(client->shim, memory > LEDGER_HISTORY ? memory - LEDGER_HISTORY : 0);
  plane_store(client->relay->cfg.plane, &client_counters(client)->pn_limit,
              ledger_floor(client->ledger) + RELAY_PN_WINDOW);
}

static bool on_ack(void *arg, const struct shim_range *joint, size_t n_joint,
                   const struct shim_range *own, size_t n_own, uint64_t delay_raw) {
  struct client *client = arg;
  struct relay *relay = client->relay;
  if (skip_caught(client, joint, n_joint))
    return false;
  if (relay->cfg.trace && relay->cfg.trace->ack)
    relay->cfg.trace->ack(relay->cfg.trace_arg, relay->now, &client->odcid, joint, n_joint, own,
                          n_own);
  ledger_ack(client->ledger, joint, n_joint, delay_raw, relay->now);
  joint_floor(client);
  tell_metrics(client);
  if (client->in_plane)
    skip_number(client);
  return true;
}

/* MAX_DATA for the fan-out: what ngtcp2's own streams took of it and may yet take is not
 * its. The reserve follows the window the peer began with, not the limit, which only
 * grows: most receivers raise it when a part of a window is used, and what is held back
 * must not keep them from it. */
uint64_t joint_max_data(const struct client *client) {
  uint64_t window = client->peer.max_data, reserve = window / 8;
  if (reserve < RELAY_DATA_RESERVE_MIN)
    reserve = RELAY_DATA_RESERVE_MIN;
  if (reserve > RELAY_DATA_RESERVE_MAX)
    reserve = RELAY_DATA_RESERVE_MAX;
  uint64_t others = client->own_data + reserve;
  return client->max_data > others ? client->max_data - others : 0;
}

void joint_share_max_data(struct client *client) {
  if (!client->relay->cfg.plane || !client->started)
    return;
  plane_store(client->relay->cfg.plane, &client_counters(client)->max_data, joint_max_data(client));
}

static void on_max_data(void *arg, uint64_t limit) {
  struct client *client = arg;
  if (limit <= client->max_data)
    return;
  client->max_data = limit;
  joint_share_max_data(client);
}

/* A stream that MAX_STREAMS stops does not keep the datapath from sending what needs none, so no
 * refusal has held it. When the limit is raised, those that it stopped go first: the parked ones,
 * and those that were refused since and are not read yet. */
static void hold_for_stopped(struct client *client) {
  uint64_t refused = plane_load(client->relay->cfg.plane,
                                &client_counters(client)->decisions[FB_DEC_STREAM_LIMIT]);
  if (client->n_parked || refused != client->stopped_seen)
    window_hold(client);
  client->stopped_seen = refused;
}

static void on_max_streams(void *arg, uint64_t limit) {
  struct client *client = arg;
  if (limit <= client->max_streams)
    return;
  client->max_streams = limit;
  hold_for_stopped(client);
  plane_store(client->relay->cfg.plane, &client_counters(client)->max_streams, limit);
  pending_unpark(client);
}

/* ngtcp2 opens one unidirectional stream, MoQT's control stream, before the
 * fan-out begins: ordinal 0 of a server. */
static bool on_is_fanout(void *arg, uint64_t sid) {
  const struct client *client = arg;
  return !client->dialled && (sid & 3) == 3 && sid >> 2 >= 1;
}

struct leg *joint_leg(struct client *client, uint64_t sid) {
  uint64_t ordinal = sid >> 2;
  struct leg *leg = NULL;
  HASH_FIND(hh, client->legs, &ordinal, sizeof ordinal, leg);
  return leg;
}

static void on_max_stream_data(void *arg, uint64_t sid, uint64_t limit) {
  struct client *client = arg;
  struct leg *leg = joint_leg(client, sid);
  if (!leg || limit <= leg->limit)
    return;
  leg->limit = limit;
  struct fb_down *down = leg_down(leg);
  if (down && limit <= FB_MAX_OFFSET)
    plane_store(client->relay->cfg.plane, &down->limit,
                (uint64_t)leg->stream->claim << FB_CLAIM_SHIFT | limit);
  leg_offer(leg);
}

static void on_stop_sending(void *arg, uint64_t sid, uint64_t code) {
  (void)code;
  struct leg *leg = joint_leg(arg, sid);
  if (leg && !leg->done)
    leg_reset(leg, MOQT_RESET_CANCELLED);
}

static const struct shim_ops shim_ops = {
    .take_number = on_take_number,
    .next_number = on_next_number,
    .own_sent = on_own_sent,
    .has_room = on_has_room,
    .ack = on_ack,
    .max_data = on_max_data,
    .max_streams_uni = on_max_streams,
    .is_fanout_stream = on_is_fanout,
    .max_stream_data = on_max_stream_data,
    .stop_sending = on_stop_sending,
};

/* The subscriber has these pieces. */
static void pieces_acked(struct client *client, const struct ledger_number *number) {
  for (size_t i = 0; i < number->n_pieces; i++) {
    const struct ledger_piece *piece = &number->pieces[i];
    if (piece->kind == LEDGER_DATAGRAM)
      continue;
    struct stream *stream = stream_find(client->relay, piece->stream);
    struct leg *leg = stream ? leg_get(stream, client, false) : NULL;
    if (!leg)
      continue;
    if (piece->kind == LEDGER_STREAM) {
      leg_acked(leg, piece->offset, piece->offset + piece->len, piece->fin);
    } else {
      leg_finish(leg);
      stream_settle(stream);
    }
  }
}

static void on_settled(void *arg, const struct ledger_number *number) {
  struct client *client = arg;
  struct relay *relay = client->relay;
  if (relay->cfg.trace && relay->cfg.trace->number)
    relay->cfg.trace->number(relay->cfg.trace_arg, &client->odcid, number);
  window_settled(client, number);
  if (number->origin == LEDGER_OWN || number->origin == LEDGER_BURNED)
    return;
  if (number->fate == LEDGER_ACKED)
    pieces_acked(client, number);
  else
    slow_lost(client, number);
}

static void on_spurious(void *arg, const struct ledger_number *number) {
  struct client *client = arg;
  struct relay *relay = client->relay;
  if (relay->cfg.trace && relay->cfg.trace->spurious)
    relay->cfg.trace->spurious(relay->cfg.trace_arg, &client->odcid, number);
  window_spurious(client, number);
  pieces_acked(client, number);
}

static void on_probe(void *arg, unsigned count) {
  struct client *client = arg;
  client->probes = count;
  client_dirty(client);
}

static const struct ledger_ops ledger_ops = {
    .settled = on_settled, .spurious = on_spurious, .probe = on_probe};

/* ---- packet protection: the number being read, then the shim --------------------- */

static int on_sealing(void *arg, struct protect_out *pkt) {
  struct client *client = arg;
  if (keys_spent(client))
    return -1;
  return shim_protect_hooks.sealing(client->shim, pkt);
}

static int on_opened(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error) {
  struct client *client = arg;
  client->rx_pn = pn;
  client->rx_datagrams = 0;
  if (pn >= client->rx_next)
    client->rx_next = pn + 1;
  if (client->upstream >= 0)
    entry_upstream_seen(client, pn);
  const bool owed = shim_owed_acks(client->shim) > 0;
  const int rv = shim_protect_hooks.opened(client->shim, pn, payload, len, error);
  if (!owed)
    client->owed_ns = client->relay->now;
  return rv;
}

static void on_phase(void *arg, bool sending, bool phase) {
  struct client *client = arg;
  if (sending)
    entry_subscriber_phase(client, phase);
  else
    entry_upstream_phase(client, phase);
}

static void on_keys(void *arg, const struct protect_keys *keys) {
  keys_told(arg, keys);
}

const struct protect_hooks joint_protect = {
    .keys = on_keys, .phase = on_phase, .sealing = on_sealing, .opened = on_opened};

/* From the first 1-RTT packet on: a server sends some before the handshake is done. */
int joint_begin(struct client *client) {
  struct relay *relay = client->relay;
  struct ledger_config ledger = {.ops = &ledger_ops,
                                 .arg = client,
                                 .initial_rtt_ns = WINDOW_INITIAL_RTT_NS,
                                 .max_ack_delay_ns = MAX_ACK_DELAY_NS,
                                 .ack_delay_exponent = 3};
  struct shim_ops ops = shim_ops;
  ops.raw_acks = relay->cfg.defects.raw_acks;
  ops.mixed_widths = relay->cfg.defects.mixed_widths;
  if (relay->cfg.defects.retire_first)
    ops.may_issue = on_may_issue;
  client->shim = shim_new(&ops, client);
  client->ledger = ledger_new(&ledger);
  return client->shim && client->ledger ? 0 : -1;
}
