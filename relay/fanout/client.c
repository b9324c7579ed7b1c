#include <stdlib.h>
#include <string.h>

#include "relay/fanout/core.h"

/* A client that still tries is still served: probe time-outs double (RFC 9002 6.2), and who
 * forgot the handshake does not know the ID that its Initials have by then. */
#define HANDSHAKE_NS (30ull * 1000 * 1000 * 1000)
#define IDLE_NS      (30ull * 1000 * 1000 * 1000)
/* A lost upstream is to be noticed before its subscribers notice: one that was started again
 * answers the next probe with a stateless reset, and of the others one gets through in
 * that time even at 30 % loss. */
#define DIAL_IDLE_NS       (5ull * 1000 * 1000 * 1000)
#define DIAL_KEEP_ALIVE_NS (250ull * 1000 * 1000)
#define TIMER_GRAIN_NS     (1ull * 1000 * 1000) /* kGranularity, RFC 9002 6.1.2 */

struct fb_counters *client_counters(const struct client *client) {
  return &client->relay->cfg.plane->counters[client->slot];
}

void client_touched(struct client *client) {
  timers_note(&client->relay->timers, &client->timer);
}

/* Two time-outs of one path, a little apart because each has its own estimate of the round trip.
 * The ledger waits for ngtcp2's: if that one probes, it need not. */
uint64_t client_ledger_due(const struct client *client) {
  if (!client->ledger)
    return UINT64_MAX;
  uint64_t due = ledger_deadline(client->ledger), own = qc_deadline(client->qc);
  uint64_t slack = ledger_slack(client->ledger);
  if (slack < TIMER_GRAIN_NS)
    slack = TIMER_GRAIN_NS;
  return own > due && own - due < slack ? own : due;
}

uint64_t client_probe_due(const struct client *client) {
  return client->waits ? ledger_probe_at(client->ledger) : UINT64_MAX;
}

uint64_t client_due(const struct client *client) {
  if (client->late_ns)
    return client->late_ns; /* what is due before has to wait */
  uint64_t first = qc_deadline(client->qc);
  uint64_t at = client_ledger_due(client);
  if (at < first)
    first = at;
  at = client_probe_due(client);
  if (at < first)
    first = at;
  at = client->window.due_ns;
  if (at && at < first)
    first = at;
  at = client->torn_ns;
  return at && at < first ? at : first;
}

void client_dirty(struct client *client) {
  client_touched(client);
  if (client->dirty)
    return;
  client->dirty = true;
  client->next_dirty = client->relay->dirty;
  client->relay->dirty = client;
}

/* ---- QUIC ------------------------------------------------------------------------- */

/* A handshake that completes from a live connection's 4-tuple is a client that
 * came back: the older connection's fan-out ends. */
static void replace_older(struct client *client) {
  struct relay *relay = client->relay;
  struct qc_path path;
  qc_path_now(client->qc, &path);
  const uint32_t n = relay->n_slots;
  for (uint32_t i = remotes_find(&relay->remotes, &path.remote, 0, n); i < n;
       i = remotes_find(&relay->remotes, &path.remote, i + 1, n)) {
    struct client *old = relay->clients[i];
    if (!old || old == client || old->closed || !qc_is_established(old->qc))
      continue;
    if (old->path.remote.len != path.remote.len ||
        memcmp(&old->path.remote.sa, &path.remote.sa, path.remote.len) != 0)
      continue;
    client_leave(old);
    old->closed = old->replaced = true;
    client_dirty(old);
  }
}

static void on_handshake_done(void *app) {
  struct client *client = app;
  qc_peer_params(client->qc, &client->peer);
  client->max_data = client->peer.max_data;
  client->max_streams = client->peer.max_streams_uni;
  if (client->peer.max_udp_payload && client->peer.max_udp_payload < client->max_payload)
    client->max_payload = client->peer.max_udp_payload;
  qc_path_now(client->qc, &client->path);
  remotes_set(&client->relay->remotes, client->slot, &client->path.remote);
  path_validated(client, &client->path);
  qc_dcid(client->qc, &client->dcid);
  if (!client->dialled)
    replace_older(client);
  const struct plane *plane = client->relay->cfg.plane;
  if (plane) {
    ledger_set_peer(client->ledger, qc_smoothed_rtt_ns(client->qc), client->peer.max_ack_delay_ns,
                    (unsigned)client->peer.ack_delay_exponent);
    struct fb_counters *counters = client_counters(client);
    plane_write_begin(plane, counters, sizeof *counters);
    counters->max_data = joint_max_data(client);
    counters->max_streams = client->max_streams;
    plane_wrote(plane, counters, sizeof *counters);
    window_init(client);
    window_grant(client);
  }
  client->started = true;
  if (client->relay->cfg.defects.late_handler)
    client->handler_ns = client->relay->now + client->relay->cfg.defects.late_handler;
  if (qc_is_other_alpn(client->qc))
    guest_begin(client);
  else if (moqt_session_start(client->session))
    client_close(client, MOQT_PROTOCOL_VIOLATION, "no control stream is allowed");
  else if (client->dialled)
    dial_ready(client);
}

static void on_stream_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                           bool fin) {
  (void)off;
  struct client *client = app;
  if (client->guest)
    return; /* whatever it asks for: nobody answers */
  moqt_stream_in(client->session, sid, data, len, fin);
}

static void on_stream_reset(void *app, int64_t sid, uint64_t code, uint64_t final_size) {
  (void)final_size;
  struct client *client = app;
  if (!client->guest)
    moqt_stream_reset_in(client->session, sid, code);
}

static void on_stop(void *app, int64_t sid, uint64_t code) {
  struct client *client = app;
  if (!client->guest && moqt_stop_in(client->session, sid, code))
    return;
  struct leg *leg = joint_leg(client, (uint64_t)sid);
  if (leg && !leg->done)
    leg_reset(leg, MOQT_RESET_CANCELLED);
}

static void on_stream_closed(void *app, int64_t sid) {
  struct client *client = app;
  if (!client->guest)
    track_request_closed(client, sid);
}

static void on_datagram(void *app, const uint8_t *data, size_t len) {
  struct client *client = app;
  if (!client->guest)
    moqt_datagram_in(client->session, data, len);
  client->rx_datagrams++;
}

static void on_path_changed(void *app, const struct qc_path *path) {
  path_changed(app, path);
}

static void on_path_validated(void *app, const struct qc_path *path, bool valid) {
  if (valid)
    path_validated(app, path); /* else the change back to the old path is told next */
}

static void on_dcid_changed(void *app, const struct qc_cid *dcid) {
  struct client *client = app;
  if (client->relay->cfg.defects.stale_dcid)
    return;
  client->dcid = *dcid;
  if (client->in_plane)
    entry_subscriber_update(client);
}

static void on_cid_issued(void *app, const struct qc_cid *cid) {
  struct client *client = app;
  relay_cid(client->relay, cid, client, true);
  if (client->upstream >= 0)
    entry_upstream_cid(client, cid, true);
}

static void on_cid_retired(void *app, const struct qc_cid *cid) {
  struct client *client = app;
  relay_cid(client->relay, cid, client, false);
  if (client->upstream >= 0)
    entry_upstream_cid(client, cid, false);
}

static void on_closed(void *app, const struct qc_close_info *info) {
  struct client *client = app;
  client->closed = true;
  tell_closed(client, info);
  if (info->by != QC_CLOSED_SELF && info->code != 0)
    relay_log(client->relay, "client %u: closed by %s, %s code 0x%llx %s", client->slot,
              info->by == QC_CLOSED_PEER ? "peer" : "error",
              info->application ? "application" : "transport", (unsigned long long)info->code,
              info->reason);
  client_leave(client);
  client_dirty(client);
}

static void on_rand(void *app, uint8_t *dest, size_t len) {
  struct relay *relay = ((struct client *)app)->relay;
  relay->cfg.ops->rand(relay->cfg.ops_arg, dest, len);
}

static const struct qc_callbacks callbacks = {
    .handshake_done = on_handshake_done,
    .stream_data = on_stream_data,
    .stream_reset = on_stream_reset,
    .stop_sending = on_stop,
    .stream_closed = on_stream_closed,
    .datagram = on_datagram,
    .path_changed = on_path_changed,
    .path_validated = on_path_validated,
    .dcid_changed = on_dcid_changed,
    .cid_issued = on_cid_issued,
    .cid_retired = on_cid_retired,
    .closed = on_closed,
    .rand = on_rand,
};

/* The top bit of an ID's first byte tells its length: clear = 20 bytes, set = 17. */
static void shape_cid(void *app, struct qc_cid *cid) {
  (void)app;
  if (cid->len)
    cid->data[0] = (uint8_t)((cid->data[0] & 0x7f) | (cid->len == FB_UPSTREAM_CID_DIAL) << 7);
}

/* ---- MoQT's transport --------------------------------------------------------------- */

static int64_t on_open_uni(void *arg) {
  return qc_open_uni(((struct client *)arg)->qc);
}
static int64_t on_open_bidi(void *arg) {
  return qc_open_bidi(((struct client *)arg)->qc);
}
static int on_send(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  struct client *client = arg;
  client_dirty(client);
  int rv = qc_stream_send(client->qc, sid, data, len, fin);
  if (rv)
    return rv;
  client->own_data += len;
  joint_share_max_data(client);
  return 0;
}
static void on_reset(void *arg, int64_t sid, uint64_t code) {
  client_dirty(arg);
  qc_stream_reset(((struct client *)arg)->qc, sid, code);
}
static void on_stop_stream(void *arg, int64_t sid, uint64_t code) {
  client_dirty(arg);
  qc_stream_stop(((struct client *)arg)->qc, sid, code);
}
static void on_close(void *arg, uint64_t code, const char *reason) {
  client_close(arg, code, reason);
}
static const struct moqt_ops moqt_ops = {
    .open_uni = on_open_uni,
    .open_bidi = on_open_bidi,
    .send = on_send,
    .reset = on_reset,
    .stop = on_stop_stream,
    .close = on_close,
};

/* ---- life ----------------------------------------------------------------------------- */

static int find_slot(struct relay *relay, uint32_t *slot) {
  for (uint32_t i = 0; i < relay->cfg.max_clients; i++) {
    if (i < relay->n_slots && relay->clients[i])
      continue;
    *slot = i;
    return 0;
  }
  return -1;
}

/* Defect stale-client: counters are kept by address, so the next connection of a port goes
 * on where its last one stopped. */
static void inherit_counters(struct client *client) {
  struct relay *relay = client->relay;
  struct fb_counters *counters = client_counters(client);
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    const struct client *old = relay->clients[i];
    if (!old || old == client || old->path.remote.len != client->path.remote.len ||
        memcmp(&old->path.remote.sa, &client->path.remote.sa, old->path.remote.len) != 0)
      continue;
    counters->next_pn = client_counters(old)->next_pn;
    counters->next_stream = client_counters(old)->next_stream;
  }
}

/* Zeroes the slot's shared words: nobody else touches them while it is free. */
static void reset_counters(struct client *client) {
  const struct plane *plane = client->relay->cfg.plane;
  if (!plane)
    return;
  struct fb_counters *counters = client_counters(client);
  plane_write_begin(plane, counters, sizeof *counters);
  memset(counters, 0, sizeof *counters);
  counters->next_stream = 1; /* ordinal 0 is MoQT's control stream */
  counters->pn_limit = RELAY_PN_WINDOW;
  counters->hold = 1; /* until the first backlog is gone */
  if (client->relay->cfg.defects.stale_client)
    inherit_counters(client);
  plane_wrote(plane, counters, sizeof *counters);
}

/* What fits the path: its MTU, at least QUIC's minimum (RFC 9000 14). */
static uint64_t path_payload(struct relay *relay, const struct qc_path *path) {
  const struct relay_ops *ops = relay->cfg.ops;
  const uint32_t headers = path->remote.sa.sa_family == AF_INET6 ? 48 : 28; /* IP and UDP */
  const uint32_t mtu = ops->mtu ? ops->mtu(relay->cfg.ops_arg, path) : 0;
  if (mtu == 0 || mtu > RELAY_MAX_UDP + headers)
    return RELAY_MAX_UDP;
  return mtu < RELAY_MIN_UDP + headers ? RELAY_MIN_UDP : mtu - headers;
}

/* data: the packet of a client that dials; NULL: this relay does. */
static bool build(struct client *client, const struct qc_path *path, const uint8_t *data,
                  size_t len) {
  struct relay *relay = client->relay;
  struct moqt_config moqt = {
      .server = !client->dialled,
      .path = "/fanbench",
      .authority = relay->cfg.upstream.authority,
      .ops = &moqt_ops,
      .ops_arg = client,
      .events = &track_events,
      .app = client,
      .implementation = "fanbench",
      .max_filter_ranges = 1,
  };
  client->session = moqt_session_new(&moqt);
  if (!client->session)
    return false;
  if (relay->cfg.plane && joint_begin(client))
    return false;
  struct qc_config config = {
      .tls = client->dialled ? relay->cfg.upstream.tls : relay->cfg.tls,
      .protection = relay->cfg.protection,
      .callbacks = &callbacks,
      .app = client,
      .path = *path,
      .now_ns = relay->now,
      /* what it leaves over in the header pays for the number of a copy further down */
      .cid_len = client->dialled ? FB_UPSTREAM_CID_DIAL : FB_UPSTREAM_CID,
      .shape_cid = shape_cid,
      .max_data = 16u << 20,
      .max_stream_data_bidi = 1u << 18,
      .max_stream_data_uni = 4u << 20,
      .max_streams_bidi = 64,
      .max_streams_uni = 1024,
      .max_idle_ns = client->dialled ? DIAL_IDLE_NS : IDLE_NS,
      .handshake_ns = client->dialled ? 0 : HANDSHAKE_NS,
      .keep_alive_ns = client->dialled ? DIAL_KEEP_ALIVE_NS : 0,
      .max_datagram_frame = 65535,
      .max_udp_payload = client->max_payload,
      .cubic = relay->cfg.cubic,
      .protect = client->shim ? &joint_protect : NULL,
      .protect_arg = client,
      .packet = relay->cfg.trace && relay->cfg.trace->packet ? tell_packet : NULL,
      .packet_arg = client,
  };
  client->qc = client->dialled ? qc_client(&config, "fanbench") : qc_server(&config, data, len);
  return client->qc != NULL;
}

static struct client *begin(struct relay *relay, const struct qc_path *path, const uint8_t *data,
                            size_t len) {
  uint32_t slot;
  if (find_slot(relay, &slot)) {
    relay_log(relay, "no room: all %u client slots are in use", relay->cfg.max_clients);
    return NULL;
  }
  struct client *client = calloc(1, sizeof *client);
  if (!client)
    return NULL;
  client->relay = relay;
  client->slot = slot;
  client->dialled = data == NULL;
  client->upstream = -1;
  client->resend_tail = &client->resend_head;
  client->dgram_tail = &client->dgram_head;
  client->path = *path;
  remotes_set(&relay->remotes, slot, &path->remote);
  client->max_payload = path_payload(relay, path);
  client->gen = relay->gens[slot] + 1;
  reset_counters(client);
  if (!build(client, path, data, len)) {
    client->closed = true;
    client_free(client);
    return NULL;
  }
  relay->gens[slot] = client->gen;
  client->odcid = *qc_odcid(client->qc);
  relay->clients[slot] = client;
  tell_begun(client);
  client->timer.order = slot;
  timers_add(&relay->timers, &client->timer);
  if (slot >= relay->n_slots) {
    relay->n_slots = slot + 1;
    if (relay->cfg.plane) {
      struct fb_config on = {.on = 1, .port = relay->cfg.port, .subscribers = relay->n_slots};
      relay->cfg.plane->ops->put_config(relay->cfg.plane->ctx, &on);
    }
  }
  return client;
}

struct client *client_accept(struct relay *relay, const struct qc_path *path, const uint8_t *data,
                             size_t len) {
  return begin(relay, path, data, len);
}

struct client *client_dial(struct relay *relay) {
  struct client *client = begin(relay, &relay->cfg.upstream.path, NULL, 0);
  if (client)
    client_dirty(client);
  return client;
}

static void write_outstanding(void *arg, const struct ledger_number *number) {
  struct client *client = arg;
  struct relay *relay = client->relay;
  if (relay->cfg.trace && relay->cfg.trace->number)
    relay->cfg.trace->number(relay->cfg.trace_arg, &client->odcid, number);
}

void client_leave(struct client *client) {
  if (client->in_plane)
    entry_subscriber_leave(client);
  if (client->upstream >= 0)
    entry_upstream_leave(client);
  track_client_gone(client);
  stream_drop_client(client->relay, client);
  dial_lost(client);
}

void client_close(struct client *client, uint64_t code, const char *reason) {
  if (client->closed)
    return;
  /* The fan-out ends before the CONNECTION_CLOSE takes its number. */
  if (client->in_plane)
    entry_subscriber_leave(client);
  qc_close(client->qc, code, reason);
  client->closed = true;
  client_dirty(client);
}

void client_free(struct client *client) {
  if (!client)
    return;
  struct relay *relay = client->relay;
  relay->ids_out -= client->ids_out;
  timers_remove(&relay->timers, &client->timer);
  if (relay->clients[client->slot] == client) {
    client_leave(client);
    relay->clients[client->slot] = NULL;
  }
  while (client->cids)
    relay_forget_cid(relay, client->cids);
  for (struct resend *r = client->resend_head, *n; r; r = n) {
    n = r->next;
    free(r);
  }
  datagram_forget_early(client);
  for (struct queued_datagram *d = client->dgram_head, *n; d; d = n) {
    n = d->next;
    free(d);
  }
  keys_forget(client);
  free(client->pending);
  free(client->parked);
  free(client->resets);
  free(client->notes);
  free(client->ns);
  moqt_session_free(client->session);
  qc_free(client->qc);
  shim_free(client->shim);
  if (client->ledger)
    ledger_each_outstanding(client->ledger, write_outstanding, client);
  ledger_free(client->ledger);
  free(client);
}
