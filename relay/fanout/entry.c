#include <string.h>

#include "bpf/dp/policy/policy.h"
#include "relay/fanout/core.h"

static struct plane *plane_of(const struct client *client) {
  return client->relay->cfg.plane;
}

static void report(struct client *client, const char *what, int error) {
  if (error)
    relay_log(client->relay, "client %u: %s: %s", client->slot, what, strerror(-error));
}

/* ---- subscribers ------------------------------------------------------------------ */

static uint8_t put_addr(uint8_t to[16], uint16_t *port, const struct qc_addr *addr) {
  if (addr->sa.sa_family == AF_INET6) {
    memcpy(to, &addr->in6.sin6_addr, 16);
    *port = addr->in6.sin6_port;
    return 6;
  }
  memset(to, 0, 16);
  memcpy(to, &addr->in.sin_addr, 4);
  *port = addr->in.sin_port;
  return 4;
}

/* The ID that stands in the entry from now on. Defect torn-entry: an entry is not written at
 * once, and for a while the ID is still that of the slot's last owner. */
static const struct qc_cid *entry_dcid(struct client *client, uint8_t state) {
  struct relay *relay = client->relay;
  struct qc_cid *was = &relay->entry_cids[client->slot];
  if (relay->cfg.defects.torn_entry && !client->torn_ns && was->len && state != FB_SUB_FREE) {
    client->torn_ns = relay->now + relay->cfg.defects.torn_entry;
    client_touched(client);
  } else {
    *was = client->dcid;
  }
  return was;
}

static int put_subscriber(struct client *client, uint8_t state) {
  struct relay *relay = client->relay;
  const struct qc_cid *dcid = entry_dcid(client, state);
  struct fb_subscriber value = {
      .gen = client->gen,
      .state = state,
      .protection = keys_protection(client),
      .key_slot = keys_slot(client),
      .phase = client->tx_phase,
      .dcid_len = dcid->len,
      .max_payload = (uint16_t)client->max_payload,
      .max_datagram =
          (uint16_t)(client->peer.max_datagram_frame < UINT16_MAX ? client->peer.max_datagram_frame
                                                                  : UINT16_MAX),
      .initial_max_stream_data = client->peer.max_stream_data_uni,
  };
  memcpy(value.dcid, dcid->data, dcid->len);
  value.family = put_addr(value.src_addr, &value.src_port, &client->path.local);
  put_addr(value.dst_addr, &value.dst_port, &client->path.remote);
  if (state == FB_SUB_ACTIVE || state == FB_SUB_JOINING) {
    if (relay->cfg.ops->resolve(relay->cfg.ops_arg, &client->path, &value.ifindex, value.src_mac,
                                value.dst_mac)) {
      relay_log(relay, "client %u: no neighbour known on its path; slow path only", client->slot);
      value.state = FB_SUB_JOINING;
    }
  }
  return plane_of(client)->ops->put_subscriber(plane_of(client)->ctx, client->slot, &value);
}

void entry_subscriber_join(struct client *client) {
  struct plane *plane = plane_of(client);
  if (!plane || client->in_plane)
    return;
  struct relay *relay = client->relay;
  keys_enter(client);
  report(client, "cannot enter the datapath",
         put_subscriber(client, client->path_held ? FB_SUB_JOINING : FB_SUB_ACTIVE));
  client->in_plane = true;
  static const struct qc_cid unknown = {.len = 0};
  if (relay->cfg.trace && relay->cfg.trace->connection)
    relay->cfg.trace->connection(relay->cfg.trace_arg, relay->now, client->slot, client->gen,
                                 relay->cfg.defects.empty_cid ? &unknown : &client->odcid,
                                 &client->path);
}

void entry_subscriber_update(struct client *client) {
  struct plane *plane = plane_of(client);
  if (!plane)
    return;
  report(client, "cannot update its entry",
         put_subscriber(client, client->path_held ? FB_SUB_JOINING : FB_SUB_ACTIVE));
  plane->ops->quiesce(plane->ctx);
}

/* RFC 9001 6.4: never the older phase with a higher number. So copies stop, those in
 * flight end, and only then the next number is taken. */
void entry_subscriber_phase(struct client *client, bool phase) {
  struct plane *plane = plane_of(client);
  client->tx_phase = phase;
  if (plane)
    client->keys.tx_from = plane_load(plane, &client_counters(client)->next_pn);
  if (!plane || !client->in_plane)
    return;
  report(client, "cannot hold its entry", put_subscriber(client, FB_SUB_JOINING));
  plane->ops->quiesce(plane->ctx);
  keys_next(client);
  if (!client->path_held)
    report(client, "cannot update its entry", put_subscriber(client, FB_SUB_ACTIVE));
}

void entry_subscriber_leave(struct client *client) {
  struct plane *plane = plane_of(client);
  if (!plane || !client->in_plane)
    return;
  struct relay *relay = client->relay;
  report(client, "cannot leave the datapath", put_subscriber(client, FB_SUB_FREE));
  for (uint32_t t = 0; t < FB_MAX_TRACKS; t++) {
    if (!client->subs[t])
      continue;
    struct fb_subscription off = {0};
    plane->ops->put_subscription(plane->ctx, client->slot, t, &off);
  }
  plane->ops->quiesce(plane->ctx);
  keys_leave(client);
  client->in_plane = false; /* after the barrier no copy of it can start */
  copies_drain(relay);
  if (relay->cfg.trace && relay->cfg.trace->gone)
    relay->cfg.trace->gone(relay->cfg.trace_arg, relay->now, client->slot, client->gen);
}

void entry_subscription(struct subscription *sub) {
  struct client *client = sub->client;
  struct plane *plane = plane_of(client);
  if (!plane)
    return;
  bool filter = sub->params.has & MOQT_HAS_PRIORITY_FILTER;
  struct fb_subscription value = {
      .gen = client->gen,
      .start_group = sub->start_group,
      .on = sub->state == SUB_LIVE,
      .forward = sub->params.forward,
      .priority_lo = filter ? sub->params.priority_min : 0,
      .priority_hi = filter ? sub->params.priority_max : 255,
      .delivery_timeout_ms = subscription_timeout_ms(sub),
  };
  report(client, "cannot put its subscription",
         plane->ops->put_subscription(plane->ctx, client->slot, sub->track->index, &value));
}

/* ---- upstreams -------------------------------------------------------------------- */

/* All numbers below `next` count as seen: a replay of one is a duplicate. */
static void fill_window(const struct plane *plane, struct fb_upstream_state *state, uint64_t next) {
  uint64_t last = next / 32; /* block of the first number not seen */
  /* The slot's last connection had numbers of its own: above these all would look old. */
  for (uint64_t i = 0; i < FB_WINDOW_WORDS; i++)
    plane_store(plane, &state->window[i], 0);
  for (uint64_t i = 0; i < FB_WINDOW_WORDS; i++) {
    if (last < i)
      break;
    uint64_t block = last - i;
    uint64_t bits = i == 0 ? (1ull << (next % 32)) - 1 : 0xffffffffu;
    plane_store(plane, &state->window[block % FB_WINDOW_WORDS], block << 32 | bits);
  }
  plane_store(plane, &state->expected, next);
}

static void put_cid_key(struct fb_cid_key *key, const struct qc_cid *cid) {
  memset(key, 0, sizeof *key);
  key->len = cid->len;
  memcpy(key->data, cid->data, cid->len);
}

void entry_upstream_cid(struct client *client, const struct qc_cid *cid, bool add) {
  struct plane *plane = plane_of(client);
  if (!plane || client->upstream < 0)
    return;
  if (cid->len != FB_UPSTREAM_CID && cid->len != FB_UPSTREAM_CID_DIAL)
    return;
  struct fb_cid_key key;
  put_cid_key(&key, cid);
  struct fb_cid_value value = {.upstream = (uint32_t)client->upstream, .gen = client->upstream_gen};
  if (add)
    report(client, "cannot add its connection ID", plane->ops->add_cid(plane->ctx, &key, &value));
  else
    plane->ops->del_cid(plane->ctx, &key);
}

static void each_cid(struct client *client, bool add) {
  struct cid_entry *entry;
  DL_FOREACH(client->cids, entry) entry_upstream_cid(client, &entry->cid, add);
}

static void put_upstream(struct client *client) {
  struct plane *plane = plane_of(client);
  struct fb_upstream value = {.gen = client->upstream_gen,
                              .active = 1,
                              .protection = keys_upstream_protection(client),
                              .phase = client->rx_phase};
  value.path.family = put_addr(value.path.local_addr, &value.path.local_port, &client->path.local);
  put_addr(value.path.remote_addr, &value.path.remote_port, &client->path.remote);
  report(client, "cannot become an upstream",
         plane->ops->put_upstream(plane->ctx, (uint32_t)client->upstream, &value));
}

void entry_upstream_phase(struct client *client, bool phase) {
  client->rx_phase = phase;
  if (client->upstream < 0)
    return;
  keys_upstream_next(client, client->rx_next);
  put_upstream(client);
}

/* It stays the upstream it is: what the datapath knows of its numbers and streams belongs to the
 * connection, and a resend of what went out before must be known as one. */
void entry_upstream_path(struct client *client) {
  put_upstream(client);
}

void entry_upstream_join(struct client *client) {
  struct relay *relay = client->relay;
  struct plane *plane = plane_of(client);
  if (!plane || client->upstream >= 0)
    return;
  int slot = 0;
  while (slot < FB_MAX_UPSTREAMS && relay->upstreams[slot])
    slot++;
  if (slot == FB_MAX_UPSTREAMS) {
    relay_log(relay, "client %u: all %d upstream slots are in use; its tracks are slow",
              client->slot, FB_MAX_UPSTREAMS);
    return;
  }
  relay->upstreams[slot] = client;
  client->upstream = slot;
  client->upstream_gen = ++relay->next_upstream_gen;
  fill_window(plane, &plane->upstream_state[slot], client->rx_next);
  keys_upstream_enter(client);
  put_upstream(client);
  each_cid(client, true);
  for (uint32_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (track && track->up == client && track->state == TRACK_LIVE)
      entry_alias(track, true);
  }
}

void entry_upstream_leave(struct client *client) {
  struct relay *relay = client->relay;
  struct plane *plane = plane_of(client);
  if (!plane || client->upstream < 0)
    return;
  for (uint32_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (track && track->up == client)
      entry_alias(track, false);
  }
  each_cid(client, false);
  struct fb_upstream off = {0};
  plane->ops->put_upstream(plane->ctx, (uint32_t)client->upstream, &off);
  plane->ops->quiesce(plane->ctx);
  keys_upstream_leave(client);
  copies_drain(relay);
  relay->upstreams[client->upstream] = NULL;
  client->upstream = -1;
}

/* User space has authenticated a number that the datapath may not have seen. */
void entry_upstream_seen(struct client *client, uint64_t pn) {
  const struct plane *plane = plane_of(client);
  struct fb_upstream_state *state = &plane->upstream_state[client->upstream];
  __u64 *word = &state->window[pn / 32 % FB_WINDOW_WORDS];
  __u64 old = plane_load(plane, word), want;
  do {
    uint64_t block = old >> 32;
    if (block > pn / 32)
      break; /* too old to remember */
    want = (pn / 32) << 32 | (block == pn / 32 ? (uint32_t)old : 0) | 1u << (pn % 32);
    if (want == old)
      break;
  } while (!plane_cas(plane, word, &old, want));
  __u64 next = plane_load(plane, &state->expected);
  while (next <= pn && !plane_cas(plane, &state->expected, &next, pn + 1)) {
  }
}

/* Whatever the datapath has copied of the stream is known when this returns true: it follows it. */
static bool take(struct client *up, struct stream *stream) {
  struct fb_take take = {.upstream = (uint32_t)up->upstream,
                         .upstream_gen = up->upstream_gen,
                         .ordinal = (uint64_t)stream->key.sid >> 2,
                         .frontier = stream->len,
                         .fin = stream->fin};
  report(up, "cannot take a stream from the datapath",
         plane_of(up)->ops->take_stream(plane_of(up)->ctx, &take));
  if (take.result != FB_TAKE_FOLLOWED)
    return false;
  plane_of(up)->ops->quiesce(plane_of(up)->ctx);
  copies_drain(up->relay);
  return true;
}

static struct client *upstream_of(const struct stream *stream) {
  struct client *up = stream->relay->clients[stream->key.slot];
  return up && up->gen == stream->key.gen && up->upstream >= 0 ? up : NULL;
}

bool entry_take_stream(struct stream *stream) {
  if (stream->ours || stream->claim)
    return true;
  stream->ours = true;
  struct client *up = upstream_of(stream);
  if (!up || !take(up, stream))
    return true;
  stream->ours = false;
  return false;
}

void entry_take_rest(struct stream *stream) {
  struct client *up = upstream_of(stream);
  if (!stream->claim || stream->admitted >= stream->len || !up)
    return;
  stream->admitted = stream->len;
  take(up, stream);
}

void entry_object(const struct stream *stream) {
  const struct relay *relay = stream->relay;
  const struct plane *plane = relay->cfg.plane;
  if (!plane || !stream->claim || relay->cfg.policy == DP_POLICY_NONE)
    return;
  if (stream->object_at > FB_MAX_OFFSET)
    return;
  uint64_t ordinal = (uint64_t)stream->key.sid >> 2;
  uint32_t slot = fb_stream_slot(stream->upstream, ordinal, FB_STREAM_SLOTS);
  struct fb_object *object = &plane->objects[slot];
  plane_store(plane, &object->end, 0);
  plane_store(plane, &object->since_ns, relay->now);
  plane_store(plane, &object->end, (__u64)stream->claim << FB_CLAIM_SHIFT | stream->object_at);
}

/* ---- tracks ------------------------------------------------------------------------ */

void entry_newest_group(struct track *track) {
  struct plane *plane = track->relay->cfg.plane;
  if (plane)
    plane_store(plane, &plane->track_state[track->index].newest_group, track->largest.group);
}

void entry_alias(struct track *track, bool add) {
  struct client *up = track->up;
  if (!up || up->upstream < 0)
    return;
  struct plane *plane = plane_of(up);
  struct fb_alias_key key = {
      .alias = track->alias, .upstream = (uint32_t)up->upstream, .upstream_gen = up->upstream_gen};
  struct fb_alias_value value = {.track = track->index,
                                 .out_alias = track->out_alias,
                                 .default_priority = track->default_priority};
  if (add)
    report(up, "cannot add a track alias", plane->ops->add_alias(plane->ctx, &key, &value));
  else
    plane->ops->del_alias(plane->ctx, &key);
}
