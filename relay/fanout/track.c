#include <stdlib.h>
#include <string.h>

#include "relay/fanout/alias.h"
#include "relay/fanout/core.h"

/* ---- looking up --------------------------------------------------------------------- */

/* A live one goes before an ended one whose alias it has taken over. */
struct track *track_of_alias(struct client *up, uint64_t alias) {
  struct track *ended = NULL;
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = up->relay->tracks[t];
    if (!track || track->up != up || track->state == TRACK_ASKED || track->alias != alias)
      continue;
    if (track->state == TRACK_LIVE)
      return track;
    ended = track;
  }
  return ended;
}

static struct track *track_of_request(struct client *up, int64_t req) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = up->relay->tracks[t];
    if (track && track->up == up && track->req == req)
      return track;
  }
  return NULL;
}

static struct subscription *sub_of_request(struct client *client, int64_t req) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    if (client->subs[t] && client->subs[t]->req == req)
      return client->subs[t];
  }
  return NULL;
}

void track_saw(struct track *track, uint64_t group, uint64_t object) {
  struct moqt_location at = {.group = group, .object = object};
  if (track->has_largest && moqt_location_cmp(at, track->largest) <= 0)
    return;
  bool newer = !track->has_largest || group > track->largest.group;
  track->has_largest = true;
  track->largest = at;
  if (newer)
    entry_newest_group(track);
}

/* ---- ending ---------------------------------------------------------------------------- */

static void track_free(struct track *track) {
  track->relay->tracks[track->index] = NULL;
  free(track->name);
  free(track->properties);
  free(track);
}

static bool track_has_subscribers(const struct track *track) {
  const struct relay *relay = track->relay;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    if (relay->clients[i] && relay->clients[i]->subs[track->index])
      return true;
  }
  return false;
}

static void track_end(struct track *track, uint64_t status) {
  struct relay *relay = track->relay;
  entry_alias(track, false);
  track->state = TRACK_ENDED;
  track->done_status = status;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    struct subscription *sub = client ? client->subs[track->index] : NULL;
    if (!sub)
      continue;
    if (sub->state == SUB_PENDING) {
      subscription_refuse(sub, MOQT_REQ_DOES_NOT_EXIST, "the publisher left");
      continue;
    }
    sub->state = SUB_ENDING;
  }
}

void track_malformed(struct track *track) {
  if (track->state != TRACK_ENDED)
    track_end(track, MOQT_DONE_MALFORMED_TRACK);
}

/* Nobody wants it any more. What the upstream has sent of it is still to come to an end. */
static void withdraw(struct track *track) {
  struct client *up = track->up;
  entry_alias(track, false);
  track->state = TRACK_ENDED;
  tally_forget(&track->tally);
  if (!up || up->closed || track->req < 0)
    return;
  moqt_cancel(up->session, track->req);
  track->leaving = true;
  datagram_retry(up);
  client_dirty(up);
}

void track_request_closed(struct client *up, int64_t sid) {
  struct track *track = track_of_request(up, sid);
  if (!track || !track->leaving)
    return;
  track->leaving = false;
  track->req = -1;
  track_ask_waiting(up); /* the same name may be wanted again */
}

/* Some subscriber's stream has not got its end yet. */
static bool owes_resets(const struct track *track) {
  for (const struct stream *s = track->relay->oldest; s; s = s->newer) {
    if (s->track == track && s->open_legs)
      return true;
  }
  return false;
}

void track_reap(struct relay *relay) {
  for (size_t t = 0; relay->unwanted && t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (track && track->state != TRACK_ENDED && !track_has_subscribers(track))
      withdraw(track);
  }
  relay->unwanted = false;
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (!track || track->leaving || (track->state != TRACK_ENDED && !relay->n_behind))
      continue;
    for (uint32_t i = 0; i < relay->n_slots; i++) {
      struct client *client = relay->clients[i];
      if (client && !client->closed && client->subs[t])
        subscription_settle(client->subs[t]);
    }
    if (track->state != TRACK_ENDED)
      continue;
    if (track->open_streams || track_has_subscribers(track) || owes_resets(track))
      continue;
    for (struct stream *s = relay->oldest, *next; s; s = next) {
      next = s->newer;
      if (s->track == track)
        stream_free(s);
    }
    track_free(track);
  }
}

/* track_reap() then sends the PUBLISH_DONE of those whose time has come. */
void track_expiry(struct relay *relay) {
  uint64_t next = UINT64_MAX;
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    uint64_t due = relay->tracks[t] ? tally_deadline(&relay->tracks[t]->tally) : UINT64_MAX;
    if (due > relay->now && due < next)
      next = due;
  }
  relay->missing_ns = next != UINT64_MAX ? next : 0;
}

/* The track has no upstream for now; its subscribers keep their subscriptions. */
static void orphan(struct track *track) {
  entry_alias(track, false);
  track->state = TRACK_ASKED;
  track->up = NULL;
  track->req = -1;
}

/* What a client that is gone had not finished. */
static void end_streams(struct client *up) {
  for (struct stream *s = up->relay->oldest, *next; s; s = next) {
    next = s->newer;
    if (s->key.slot == up->slot && s->key.gen == up->gen && !s->fin)
      stream_end(s, MOQT_RESET_GOING_AWAY);
  }
}

void track_client_gone(struct client *client) {
  struct relay *relay = client->relay;
  bool any = false;
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct subscription *sub = client->subs[t];
    if (sub)
      subscription_free(sub);
  }
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (!track || track->up != client)
      continue;
    any = true;
    if (track->state == TRACK_ENDED)
      track->up = NULL;
    else if (client->dialled && !relay->stopping && track_has_subscribers(track))
      orphan(track);
    else
      track_end(track, MOQT_DONE_GOING_AWAY);
    track->up = NULL;
    track->leaving = false;
    tally_forget(&track->tally);
  }
  if (any)
    end_streams(client);
}

void track_give_up(struct relay *relay) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (track && track->state == TRACK_ASKED && !track->up)
      track_end(track, MOQT_DONE_GOING_AWAY);
  }
}

/* ---- events of a session: the client's requests ------------------------------------------- */

/* Does the upstream still have to learn that an older request for this name is withdrawn? */
static bool is_leaving(const struct track *track) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    const struct track *other = track->relay->tracks[t];
    if (other && other->leaving && other->up == track->up &&
        moqt_name_equal(other->name, track->name))
      return true;
  }
  return false;
}

/* SUBSCRIBE, unless it has to wait. False: the upstream cannot take it. */
static bool ask(struct track *track) {
  struct client *up = track->up;
  struct moqt_params params;
  moqt_params_init(&params);
  track->req = -1;
  tally_begin(&track->tally);
  if (!up || is_leaving(track))
    return true;
  /* A relay starts everybody at a group's begin: without a filter we were owed the rest of the
   * group at hand. */
  if (up->dialled) {
    params.has |= MOQT_HAS_LOCATION_FILTER;
    params.location = (struct moqt_location_filter){.n = 1}; /* {0}: the next */
  }
  track->req = moqt_subscribe(up->session, track->name, &params);
  client_dirty(up);
  return track->req >= 0;
}

void track_ask_waiting(struct client *up) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = up->relay->tracks[t];
    if (!track || track->state != TRACK_ASKED || track->req >= 0)
      continue;
    if (!track->up && up->dialled)
      track->up = up;
    if (track->up == up && !ask(track))
      track_end(track, MOQT_DONE_GOING_AWAY);
  }
}

/* A publisher that announces what another one serves takes it over: usually it is
 * the same one, back on a new connection. What was half sent stays half. */
static void take_over(struct track *track, struct client *up) {
  struct client *old = track->up;
  entry_alias(track, false);
  if (old && !old->closed) {
    moqt_cancel(old->session, track->req);
    client_dirty(old);
  }
  for (struct stream *s = track->relay->oldest, *next; s; s = next) {
    next = s->newer;
    if (s->track == track && !s->fin && !s->ended)
      stream_end(s, MOQT_RESET_GOING_AWAY);
  }
  track->up = up;
  track->state = TRACK_ASKED;
  if (!ask(track))
    track_end(track, MOQT_DONE_GOING_AWAY);
}

static void on_namespace(void *app, int64_t req, const struct moqt_name *name) {
  struct client *client = app;
  if (client->ns) {
    moqt_refuse(client->session, req, MOQT_REQ_NOT_SUPPORTED, UINT64_MAX,
                "one namespace a connection");
    return;
  }
  client->ns = moqt_name_dup(name);
  if (!client->ns) {
    moqt_refuse(client->session, req, MOQT_REQ_INTERNAL_ERROR, 0, "no memory");
    return;
  }
  client->ns_req = req;
  client->ns_order = ++client->relay->next_ns_order;
  moqt_namespace_accept(client->session, req);
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = client->relay->tracks[t];
    if (track && track->state != TRACK_ENDED && track->up != client &&
        moqt_name_within(track->name, client->ns))
      take_over(track, client);
  }
  guest_retry(client->relay);
}

static struct client *find_publisher(struct relay *relay, const struct moqt_name *name) {
  struct client *found = NULL;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (!client || client->closed || !client->ns || !moqt_name_within(name, client->ns))
      continue;
    if (!found || client->ns_order > found->ns_order)
      found = client; /* the newest */
  }
  return found;
}

/* Of a publisher at this relay, else of the relay above. */
static struct track *ask_upstream(struct relay *relay, const struct moqt_name *name) {
  struct client *up = find_publisher(relay, name);
  if (!up && !dial_hopes(relay))
    return NULL;
  if (!up)
    up = dial_upstream(relay);
  uint32_t index = 0;
  while (index < FB_MAX_TRACKS && relay->tracks[index])
    index++;
  if (index == FB_MAX_TRACKS) {
    relay_log(relay, "no room: all %d tracks are in use", FB_MAX_TRACKS);
    return NULL;
  }
  struct track *track = calloc(1, sizeof *track);
  if (!track)
    return NULL;
  *track = (struct track){.relay = relay,
                          .index = index,
                          .name = moqt_name_dup(name),
                          .up = up,
                          .out_alias = alias_free(relay),
                          .default_priority = 128};
  if (!track->name || !ask(track)) {
    free(track->name);
    free(track);
    return NULL;
  }
  size_t len =
      name->track.len < sizeof track->label - 1 ? name->track.len : sizeof track->label - 1;
  for (size_t i = 0; i < len; i++) {
    uint8_t c = name->track.data[i];
    track->label[i] = c > 0x20 && c < 0x7f && c != '"' && c != '\\' ? (char)c : '_';
  }
  relay->tracks[index] = track;
  entry_newest_group(track); /* of the slot's former owner */
  return track;
}

struct track *track_find(struct relay *relay, const struct moqt_name *name) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct track *track = relay->tracks[t];
    if (track && track->state != TRACK_ENDED && moqt_name_equal(track->name, name))
      return track;
  }
  return ask_upstream(relay, name);
}

static void on_subscribe(void *app, int64_t req, const struct moqt_name *name,
                         const struct moqt_params *params) {
  struct client *client = app;
  if (client->relay->now < client->handler_ns)
    return;
  if (params->refuse_code) {
    moqt_refuse(client->session, req, params->refuse_code, UINT64_MAX, params->refuse_reason);
    return;
  }
  struct track *track = track_find(client->relay, name);
  if (!track) {
    moqt_refuse(client->session, req, MOQT_REQ_DOES_NOT_EXIST, 0, "no publisher");
    return;
  }
  if (client->subs[track->index]) {
    moqt_refuse(client->session, req, MOQT_REQ_NOT_SUPPORTED, UINT64_MAX,
                "one subscription a track and connection");
    return;
  }
  struct subscription *sub = calloc(1, sizeof *sub);
  if (!sub) {
    moqt_refuse(client->session, req, MOQT_REQ_INTERNAL_ERROR, 0, "no memory");
    return;
  }
  *sub = (struct subscription){.client = client, .track = track, .req = req, .params = *params};
  client->subs[track->index] = sub;
  if (track->state == TRACK_LIVE)
    subscription_join(sub);
}

static void on_update(void *app, int64_t req, const struct moqt_params *changed) {
  struct client *client = app;
  struct subscription *sub = sub_of_request(client, req);
  if (!sub)
    return;
  if (changed->refuse_code) {
    moqt_update_refuse(client->session, req, changed->refuse_code, changed->refuse_reason);
    return;
  }
  if (changed->has & MOQT_HAS_FORWARD)
    sub->params.forward = changed->forward;
  if (changed->has & MOQT_HAS_PRIORITY)
    sub->params.subscriber_priority = changed->subscriber_priority;
  if (changed->has & MOQT_HAS_OBJECT_TIMEOUT)
    sub->params.object_timeout_ms = changed->object_timeout_ms;
  if (changed->has & MOQT_HAS_PRIORITY_FILTER) {
    sub->params.priority_min = changed->priority_min;
    sub->params.priority_max = changed->priority_max;
  }
  sub->params.has |= changed->has;
  if (client->in_plane && sub->state == SUB_LIVE) {
    entry_subscription(sub);
    client->relay->cfg.plane->ops->quiesce(client->relay->cfg.plane->ctx);
    copies_drain(client->relay);
  }
  subscription_reset(sub, MOQT_RESET_CANCELLED, true);
  datagram_drop_unwanted(client);
  moqt_update_ok(client->session, req, sub->track->has_largest ? &sub->track->largest : NULL);
}

static void on_ended(void *app, int64_t req, enum moqt_end why) {
  struct client *client = app;
  if (client->ns && client->ns_req == req) {
    free(client->ns);
    client->ns = NULL;
    return;
  }
  struct subscription *sub = sub_of_request(client, req);
  if (!sub)
    return;
  subscription_reset(sub, MOQT_RESET_CANCELLED, false);
  if (why == MOQT_END_UPDATE_FAILED)
    moqt_publish_done(client->session, req, MOQT_DONE_UPDATE_FAILED, sub->streams, "");
  subscription_free(sub);
}

/* ---- events of a session: the publisher's answers -------------------------------------------- */

static void on_subscribed(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                          const struct moqt_properties *properties) {
  struct client *up = app;
  struct relay *relay = up->relay;
  struct track *track = track_of_request(up, req);
  if (!track)
    return;
  track->alias = alias;
  track->default_priority = properties->priority;
  free(track->properties);
  track->properties = NULL;
  track->properties_len = 0;
  if (properties->raw.len) {
    track->properties = malloc(properties->raw.len);
    if (track->properties) {
      memcpy(track->properties, properties->raw.data, properties->raw.len);
      track->properties_len = properties->raw.len;
    }
  }
  track->state = TRACK_LIVE;
  if (params->has & MOQT_HAS_LARGEST)
    track_saw(track, params->largest.group, params->largest.object);
  if (up->upstream < 0)
    entry_upstream_join(up);
  else
    entry_alias(track, true);
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct subscription *sub = relay->clients[i] ? relay->clients[i]->subs[track->index] : NULL;
    if (sub && sub->state == SUB_PENDING)
      subscription_join(sub);
  }
  stream_retry(up);
  datagram_retry(up);
}

static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry_ms,
                       const char *reason) {
  (void)retry_ms;
  struct client *up = app;
  struct relay *relay = up->relay;
  struct track *track = track_of_request(up, req);
  if (!track)
    return;
  relay->unwanted = true;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct subscription *sub = relay->clients[i] ? relay->clients[i]->subs[track->index] : NULL;
    if (sub && sub->state == SUB_PENDING)
      subscription_refuse(sub, code, reason);
  }
  track->up = NULL;
  track->req = -1;
  datagram_retry(up);
  if (up->dialled && track_has_subscribers(track) && dial_again(relay))
    return;
  track_end(track, MOQT_DONE_GOING_AWAY); /* for those who had it from an older publisher */
}

/* May it go on with a gap? */
static bool bears_gap(const struct subscription *sub) {
  return sub->state == SUB_PENDING || (!sub->behind && subscription_timeout_ms(sub));
}

/* The upstream gave this relay up as too slow, and objects are missing. Who must get all or nothing
 * more ends, as if its own queue had been too long; the others go on, behind a gap, with a new
 * subscription of the relay. False: there are no others. */
static bool ask_anew(struct track *track) {
  struct relay *relay = track->relay;
  bool any = false;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    any = any || (client && client->subs[track->index] && bears_gap(client->subs[track->index]));
  }
  if (!any)
    return false;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct subscription *sub = relay->clients[i] ? relay->clients[i]->subs[track->index] : NULL;
    if (sub && !sub->behind && !bears_gap(sub))
      subscription_end_short(sub);
  }
  entry_alias(track, false);
  track->state = TRACK_ASKED;
  if (!ask(track))
    track_end(track, MOQT_DONE_GOING_AWAY);
  return true;
}

static uint64_t largest_timeout(const struct track *track) {
  const struct relay *relay = track->relay;
  uint64_t ms = 0;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    const struct subscription *sub =
        relay->clients[i] ? relay->clients[i]->subs[track->index] : NULL;
    if (sub && subscription_timeout_ms(sub) > ms)
      ms = subscription_timeout_ms(sub);
  }
  return ms;
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason) {
  (void)reason;
  struct track *track = track_of_request(app, req);
  if (!track)
    return;
  if (status == MOQT_DONE_TOO_FAR_BEHIND && track->state == TRACK_LIVE && ask_anew(track))
    return;
  tally_told(&track->tally, streams, largest_timeout(track) * UINT64_C(1000000), track->relay->now);
  track_expiry(track->relay);
  track_end(track, status);
}

/* ---- data -------------------------------------------------------------------------------------- */

static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  stream_data(app, sid, off, data, len, fin);
}

static void on_data_reset(void *app, int64_t sid, uint64_t code) {
  struct stream *stream = stream_get(app, sid, false);
  if (stream)
    stream_end(stream, code);
}

static void on_datagram(void *app, const uint8_t *data, size_t len) {
  datagram_in(app, data, len);
}

const struct moqt_events track_events = {
    .namespace_published = on_namespace,
    .subscribe = on_subscribe,
    .update = on_update,
    .ended = on_ended,
    .subscribed = on_subscribed,
    .refused = on_refused,
    .done = on_done,
    .data = on_data,
    .data_reset = on_data_reset,
    .datagram = on_datagram,
};
