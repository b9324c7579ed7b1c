#include "relay/fanout/relay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/fanout/core.h"

/* QUIC invariants (RFC 8999): where the destination ID lies. */
static bool find_dcid(const uint8_t *data, size_t len, struct qc_cid *out) {
  memset(out, 0, sizeof *out);
  if (len < 1)
    return false;
  if (data[0] & 0x80) {
    if (len < 6 || data[5] > sizeof out->data || len < 6u + data[5])
      return false;
    out->len = data[5];
    memcpy(out->data, data + 6, out->len);
    return true;
  }
  if (len < 2)
    return false;
  out->len = data[1] & 0x80 ? FB_UPSTREAM_CID_DIAL : FB_UPSTREAM_CID;
  if (len < 1u + out->len)
    return false;
  memcpy(out->data, data + 1, out->len);
  return true;
}

void relay_log(struct relay *relay, const char *format, ...) {
  if (!relay->cfg.ops->log)
    return;
  char line[256];
  va_list ap;
  va_start(ap, format);
  vsnprintf(line, sizeof line, format, ap);
  va_end(ap);
  relay->cfg.ops->log(relay->cfg.ops_arg, line);
}

void relay_cid(struct relay *relay, const struct qc_cid *cid, struct client *client, bool add) {
  struct qc_cid key = {.len = cid->len};
  memcpy(key.data, cid->data, cid->len);
  struct cid_entry *entry = NULL;
  HASH_FIND(hh, relay->cids, &key, sizeof key, entry);
  if (add && !entry) {
    entry = calloc(1, sizeof *entry);
    if (!entry)
      return; /* packets to it are dropped; the peer has other IDs */
    entry->cid = key;
    entry->client = client;
    HASH_ADD(hh, relay->cids, cid, sizeof key, entry);
    DL_APPEND(client->cids, entry);
  } else if (!add && entry && entry->client == client) {
    relay_forget_cid(relay, entry);
  }
}

void relay_forget_cid(struct relay *relay, struct cid_entry *entry) {
  DL_DELETE(entry->client->cids, entry);
  HASH_DELETE(hh, relay->cids, entry);
  free(entry);
}

static uint64_t ask(const struct timer *timer) {
  return client_due(
      (const struct client *)(const void *)((const char *)timer - offsetof(struct client, timer)));
}

struct relay *relay_new(const struct relay_config *config) {
  uint32_t most = config->plane ? config->plane->max_subscribers : FB_MAX_SUBSCRIBERS;
  if (!config->ops || !config->ops->send || !config->ops->rand || !config->tls)
    return NULL;
  if (config->max_clients == 0 || config->max_clients > most)
    return NULL;
  struct relay *relay = calloc(1, sizeof *relay);
  if (!relay)
    return NULL;
  relay->cfg = *config;
  relay->clients = calloc(config->max_clients, sizeof(struct client *));
  relay->gens = calloc(config->max_clients, sizeof *relay->gens);
  relay->entry_cids = calloc(config->max_clients, sizeof *relay->entry_cids);
  relay->due = calloc(config->max_clients, sizeof *relay->due);
  if (!relay->clients || !relay->gens || !relay->entry_cids || !relay->due ||
      timers_open(&relay->timers, config->max_clients, ask) ||
      remotes_open(&relay->remotes, config->max_clients)) {
    relay_free(relay);
    return NULL;
  }
  if (config->plane) {
    struct fb_config off = {.on = 1, .port = config->port};
    config->plane->ops->put_config(config->plane->ctx, &off);
  }
  return relay;
}

void relay_free(struct relay *relay) {
  if (!relay)
    return;
  for (uint32_t i = 0; relay->clients && i < relay->n_slots; i++)
    client_free(relay->clients[i]);
  while (relay->oldest)
    stream_free(relay->oldest);
  for (size_t i = 0; i < FB_MAX_TRACKS; i++) {
    if (!relay->tracks[i])
      continue;
    free(relay->tracks[i]->name);
    free(relay->tracks[i]->properties);
    free(relay->tracks[i]);
  }
  free(relay->clients);
  free(relay->gens);
  free(relay->entry_cids);
  free(relay->due);
  timers_close(&relay->timers);
  remotes_close(&relay->remotes);
  free(relay);
}

/* ---- out ---------------------------------------------------------------------- */

/* ngtcp2 also writes to addresses that are not validated, and to one that was left. */
static bool is_its_path(const struct client *client, const struct qc_path *path) {
  const struct qc_addr *mine = &client->path.remote;
  return mine->len == path->remote.len && memcmp(&mine->sa, &path->remote.sa, mine->len) == 0;
}

static void send_quic(struct client *client) {
  struct relay *relay = client->relay;
  uint8_t buf[2048];
  struct qc_path path;
  for (int i = 0; i < 256; i++) {
    if (relay->cfg.plane) {
      const enum qc_hold hold = joint_hold(client);
      client->waits = hold == QC_HOLD_ALL;
      if (client->waits && !joint_ack_due(client))
        return;
      qc_hold(client->qc, hold);
    } else {
      stock_feed(client);
    }
    size_t len = qc_write(client->qc, &path, buf, sizeof buf, relay->now);
    if (!relay->cfg.plane)
      stock_take_back(client);
    if (len == 0)
      return;
    if (client->ledger && !is_its_path(client, &path))
      ledger_aside(client->ledger, client->own_pn);
    relay->cfg.ops->send(relay->cfg.ops_arg, &path, buf, len);
  }
  client_dirty(client);
}

/* Copies with higher numbers must not leave ahead of what was sent in this turn. */
static void let_out(struct client *client) {
  const struct relay_config *cfg = &client->relay->cfg;
  bool sent = client->sent;
  client->sent = false;
  if (!sent || !cfg->ops->flush || !client->in_plane)
    return;
  if (plane_load(cfg->plane, &client_counters(client)->hold) == 0)
    cfg->ops->flush(cfg->ops_arg);
}

static void flush_client(struct client *client) {
  struct relay *relay = client->relay;
  bool more = false;
  client_touched(client);
  if (relay->now < client->late_ns)
    return;
  client->late_ns = 0;
  if (!relay->cfg.plane)
    stock_begin(client);
  send_quic(client);
  keys_renew(client);
  if (!client->closed)
    subscription_enter(client);
  if (!client->closed && relay->cfg.plane) {
    more = slow_run(client);
    let_out(client);
    window_relieve(client);
  }
  if (more)
    client_dirty(client);
}

/* Nobody walks streams and tracks now: what is over, or over the bound, goes. */
static void reap(struct relay *relay) {
  behind_bound_cache(relay);
  stream_reap(relay);
  track_reap(relay);
}

/* In the order of slots: they write their last lines in it. */
static void note_over(struct client **over, struct client *client) {
  while (*over && (*over)->slot < client->slot)
    over = &(*over)->next_over;
  client->over = true;
  client->next_over = *over;
  *over = client;
}

/* Writes what the touched clients have to say; a client that has used up its
 * turn comes again in the next call, so that input is looked at in between. */
static void flush(struct relay *relay) {
  reap(relay);
  struct client *list = relay->dirty;
  struct client *over = NULL;
  relay->dirty = NULL;
  while (list) {
    struct client *client = list;
    list = client->next_dirty;
    client->dirty = false;
    if (!client->replaced)
      flush_client(client);
    if (client->closed)
      client_leave(client);
    if (!client->over && (client->replaced || qc_is_finished(client->qc)))
      note_over(&over, client);
  }
  while (over) {
    struct client *client = over;
    over = client->next_over;
    for (struct client **at = &relay->dirty; *at; at = &(*at)->next_dirty) {
      if (*at != client)
        continue;
      *at = client->next_dirty;
      break;
    }
    client_free(client);
  }
}

/* ---- in ------------------------------------------------------------------------- */

/* Defect closed-gate: one gate for all packets, shut once the first copy was made. */
static bool fans_out(const struct relay *relay) {
  const struct plane *plane = relay->cfg.plane;
  for (uint32_t i = 0; plane && i < relay->n_slots; i++)
    if (plane_load(plane, &plane->counters[i].copies))
      return true;
  return false;
}

/* Of a connection that this relay does not have: it was lost with the process before this one, or
 * ended long ago. A stateless reset tells the peer so that it need not wait for its timeout. */
static void answer_stray(struct relay *relay, const struct qc_path *path, const uint8_t *data,
                         size_t len, uint8_t cid_len) {
  uint8_t random[QC_RESET_RANDOM], buf[64];
  relay->cfg.ops->rand(relay->cfg.ops_arg, random, sizeof random);
  size_t n = qc_stateless_reset(relay->cfg.tls, data, len, cid_len, buf, sizeof buf, random);
  if (n)
    relay->cfg.ops->send(relay->cfg.ops_arg, path, buf, n);
}

/* Who speaks another version learns which one is spoken here (RFC 9000 6.1). */
static bool answer_version(struct relay *relay, const struct qc_path *path, const uint8_t *data,
                           size_t len) {
  uint8_t buf[QC_VERSION_NEGOTIATION_MAX];
  size_t n = qc_version_negotiation(data, len, buf, sizeof buf, data[0]);
  if (n)
    relay->cfg.ops->send(relay->cfg.ops_arg, path, buf, n);
  return n > 0;
}

/* Whom this relay dials. Nothing from there opens a connection, and nothing from there is
 * answered with a stateless reset, or two relays would answer each other's. */
static bool is_upstream(const struct relay *relay, const struct qc_path *path) {
  const struct qc_addr *upstream = &relay->cfg.upstream.path.remote;
  return upstream->len && qc_addr_equal(upstream, &path->remote);
}

void relay_dial(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  if (!relay->cfg.upstream.path.remote.len)
    return;
  dial_start(relay);
  flush(relay);
}

void relay_packet(struct relay *relay, const struct qc_path *path, const uint8_t *data, size_t len,
                  uint64_t now_ns) {
  relay->now = now_ns;
  /* The packet is read already; its record, if it has one, is in a ring. */
  copies_drain(relay);
  struct qc_cid key;
  if (!find_dcid(data, len, &key))
    return;
  struct cid_entry *entry = NULL;
  HASH_FIND(hh, relay->cids, &key, sizeof key, entry);
  struct client *client = entry ? entry->client : NULL;
  if (!client) {
    if (relay->stopping)
      return;
    if (is_upstream(relay, path)) {
      client = relay->dial.client; /* it knows its stateless reset by the token */
    } else if (!(data[0] & 0x80)) {
      answer_stray(relay, path, data, len, key.len);
    } else if (answer_version(relay, path, data, len)) {
      return;
    } else if (!relay->cfg.defects.closed_gate || !fans_out(relay)) {
      client = client_accept(relay, path, data, len);
    }
    if (!client)
      return;
  }
  if (client->replaced)
    return;
  if (relay->cfg.defects.slow_agent && client->upstream >= 0 && !client->late_ns)
    client->late_ns = now_ns + relay->cfg.defects.slow_agent;
  client->rx_datagrams = 0;
  qc_read(client->qc, path, data, len, now_ns);
  client_dirty(client);
}

void relay_batch_end(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  flush(relay);
}

/* Gives the fast path back to those whose backlog is gone and whose window is open. `hold` counts
 * refusals: it is cleared if it is still what it was when the sockets were found empty before. What
 * was refused until then has reached them, because no run was in flight any more, and has been read
 * since, because they are empty again; so nothing that waits is overtaken. */
static void release_holds(struct relay *relay) {
  struct plane *plane = relay->cfg.plane;
  bool flushed = false;
  for (uint32_t i = 0; relay->any_hold_seen && i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (!client || !client->in_plane || client->path_held || !client->hold_seen)
      continue;
    if (!window_is_open(client))
      continue;
    if (!flushed && relay->cfg.ops->flush)
      relay->cfg.ops->flush(relay->cfg.ops_arg);
    flushed = true;
    __u64 seen = client->hold_seen;
    plane_cas(plane, &plane->counters[i].hold, &seen, 0);
  }
}

/* Remembers refusals. True: some are news, and might be over by the next time. */
static bool see_holds(struct relay *relay) {
  struct plane *plane = relay->cfg.plane;
  bool news = false;
  relay->any_hold_seen = false;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (client && !client->in_plane)
      relay->any_hold_seen |= client->hold_seen != 0;
    if (!client || !client->in_plane)
      continue;
    uint64_t hold = plane_load(plane, &plane->counters[i].hold);
    news |= hold && hold != client->hold_seen && window_is_open(client);
    client->hold_seen = hold;
    relay->any_hold_seen |= hold != 0;
  }
  if (!news)
    return false;
  plane->ops->quiesce(plane->ctx);
  copies_drain(relay);
  return true;
}

bool relay_input_drained(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  copies_drain(relay);
  /* Before this turn's packets: a copy with a higher number must not leave ahead of them. */
  if (relay->cfg.plane)
    release_holds(relay);
  flush(relay);
  return relay->cfg.plane && see_holds(relay);
}

uint64_t relay_deadline(struct relay *relay) {
  uint64_t first = timers_next(&relay->timers), dial = dial_deadline(relay);
  if (dial < first)
    first = dial;
  if (relay->missing_ns && relay->missing_ns < first)
    first = relay->missing_ns;
  if (relay->asked_ns && relay->asked_ns < first)
    first = relay->asked_ns;
  return relay->dirty && relay->now < first ? relay->now : first;
}

void relay_expiry(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  copies_drain(relay);
  dial_expiry(relay);
  if (relay->missing_ns && relay->missing_ns <= now_ns)
    track_expiry(relay);
  if (relay->asked_ns && relay->asked_ns <= now_ns)
    keys_asked(relay);
  size_t n = timers_due(&relay->timers, now_ns, relay->due);
  for (size_t i = 0; i < n; i++) {
    struct client *client = relay->clients[relay->due[i]->order];
    if (qc_deadline(client->qc) <= now_ns) {
      qc_handle_expiry(client->qc, now_ns);
      client_dirty(client);
    }
    if (client_ledger_due(client) <= now_ns) {
      ledger_expiry(client->ledger, now_ns);
      joint_floor(client);
      client_dirty(client);
    }
    if (client->late_ns && client->late_ns <= now_ns)
      client_dirty(client);
    if (client_probe_due(client) <= now_ns)
      client_dirty(client);
    if (client->torn_ns && client->torn_ns <= now_ns) {
      client->torn_ns = UINT64_MAX;
      if (client->in_plane)
        entry_subscriber_update(client);
    }
    if (client->window.due_ns && client->window.due_ns <= now_ns) {
      client->window.due_ns = 0;
      client_dirty(client);
    }
  }
  flush(relay);
}

/* ---- end ------------------------------------------------------------------------ */

void relay_stop(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  relay->stopping = true;
  copies_drain(relay);
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (!client)
      continue;
    client_close(client, MOQT_NO_ERROR, "");
  }
  flush(relay);
}

bool relay_update_keys(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  const bool any = keys_ask(relay);
  flush(relay);
  return any;
}

void relay_vanish(struct relay *relay) {
  struct plane *plane = relay->cfg.plane;
  if (!plane)
    return;
  struct fb_config off = {.on = 0, .port = relay->cfg.port};
  plane->ops->put_config(plane->ctx, &off);
  plane->ops->quiesce(plane->ctx);
}

void relay_finish(struct relay *relay, uint64_t now_ns) {
  relay->now = now_ns;
  copies_drain(relay);
  behind_report(relay);
  for (uint32_t i = 0; i < relay->n_slots; i++)
    client_free(relay->clients[i]);
  relay->dirty = NULL;
}

void relay_state(const struct relay *relay, struct relay_state *out) {
  memset(out, 0, sizeof *out);
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    const struct client *client = relay->clients[i];
    if (!client)
      continue;
    out->clients++;
    if (client->upstream >= 0 || client->ns)
      out->upstreams++;
    bool subscribes = false;
    for (size_t t = 0; t < FB_MAX_TRACKS; t++)
      subscribes |= client->subs[t] != NULL;
    out->subscribers += subscribes;
    out->backlog_bytes += client->dgram_bytes;
    for (size_t k = 0; k < pending_count(client); k++) {
      const struct leg *leg = pending_nth(client, k);
      out->backlog_bytes += leg->stream->len - leg->charged + (leg->fin_sent ? 0 : 1);
    }
    for (const struct resend *r = client->resend_head; r; r = r->next)
      out->backlog_bytes += r->hi - r->lo + 1;
    if (client->ledger)
      out->inflight += ledger_inflight(client->ledger);
    if (!relay->cfg.plane)
      out->inflight += qc_unacked(client->qc);
  }
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    const struct track *track = relay->tracks[t];
    out->tracks += track != NULL;
    out->inflight += track && track->state == TRACK_ASKED; /* somebody waits for the answer to it */
  }
  out->cached_bytes = relay->cached_bytes;
  out->resent_bytes = relay->resent_bytes;
  out->slow_packets = relay->slow_packets;
}
