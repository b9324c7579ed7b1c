/* One client's subscription to one track: what it gets, how it begins and how it ends. */
#include <stdlib.h>

#include "relay/fanout/core.h"

bool subscription_wants(const struct subscription *sub, uint64_t group, uint8_t priority) {
  if (sub->state == SUB_PENDING || sub->behind || !sub->params.forward)
    return false;
  if (group < sub->start_group)
    return false;
  if (!(sub->params.has & MOQT_HAS_PRIORITY_FILTER))
    return true;
  return priority >= sub->params.priority_min && priority <= sub->params.priority_max;
}

uint32_t subscription_timeout_ms(const struct subscription *sub) {
  uint64_t ms = sub->params.object_timeout_ms;
  return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* ---- joining ----------------------------------------------------------------------------- */

/* SUBSCRIBE_OK. */
static void tell_accepted(const struct subscription *sub) {
  const struct track *track = sub->track;
  struct moqt_params answer;
  if (sub->client->guest)
    return;
  moqt_params_init(&answer);
  if (track->has_largest) {
    answer.has |= MOQT_HAS_LARGEST;
    answer.largest = track->largest;
  }
  struct moqt_bytes properties = {.data = track->properties, .len = track->properties_len};
  if (sub->params.has & MOQT_HAS_INCLUDE_PROPERTIES && !sub->params.include_properties)
    properties.len = 0;
  moqt_subscribe_accept(sub->client->session, sub->req, track->out_alias, &answer, properties);
}

/* The subscription starts on a group boundary behind everything seen: what it
 * gets is then whole. An empty track starts at group 0. */
void subscription_join(struct subscription *sub) {
  struct track *track = sub->track;
  struct client *client = sub->client;
  struct moqt_location_range range = {0};
  moqt_location_resolve(&sub->params.location, track->has_largest ? &track->largest : NULL, &range);
  uint64_t asked = range.start.group + (range.start.object ? 1 : 0);
  uint64_t next = track->has_largest ? track->largest.group + 1 : 0;
  sub->start_group = sub->params.location.n && asked > next ? asked : next;
  if (track->relay->cfg.defects.join_mid_group && next)
    sub->start_group = next - 1;
  sub->state = SUB_LIVE;
  tell_accepted(sub);
  sub->entering = true; /* the datapath learns of it when SUBSCRIBE_OK has left */
  client->entering = true;
  client_dirty(client);
}

void subscription_refuse(struct subscription *sub, uint64_t code, const char *reason) {
  struct client *client = sub->client;
  if (!client->guest)
    moqt_refuse(client->session, sub->req, code, 0, reason);
  client_dirty(client);
  client->subs[sub->track->index] = NULL;
  free(sub);
}

/* SUBSCRIBE_OK may wait for its pacing, for room in the window or for MAX_DATA. */
static bool answer_waits(const struct subscription *sub) {
  return !sub->client->guest && qc_stream_waits(sub->client->qc, sub->req);
}

void subscription_enter(struct client *client) {
  if (!client->entering)
    return;
  client->entering = false;
  for (size_t t = 0; t < FB_MAX_TRACKS; t++) {
    struct subscription *sub = client->subs[t];
    if (!sub || !sub->entering)
      continue;
    if (answer_waits(sub)) {
      client->entering = true;
      continue;
    }
    sub->entering = false;
    entry_subscriber_join(client);
    if (sub->state == SUB_LIVE)
      entry_subscription(sub);
  }
}

/* ---- ending ------------------------------------------------------------------------------ */

void subscription_free(struct subscription *sub) {
  struct client *client = sub->client;
  client->relay->n_behind -= sub->behind;
  for (struct stream *s = client->relay->oldest; s; s = s->newer) {
    struct leg *leg = s->track == sub->track ? leg_get(s, client, false) : NULL;
    if (leg && leg->sub == sub)
      leg->sub = NULL; /* what is still to be sent of it is nobody's */
  }
  client->subs[sub->track->index] = NULL;
  datagram_drop_unwanted(client);
  if (client->in_plane) {
    struct fb_subscription off = {0};
    struct plane *plane = client->relay->cfg.plane;
    plane->ops->put_subscription(plane->ctx, client->slot, sub->track->index, &off);
  }
  client->relay->unwanted = true;
  free(sub);
}

/* Open streams of a subscription that must not go on. */
void subscription_reset(struct subscription *sub, uint64_t code, bool only_unwanted) {
  for (struct stream *s = sub->client->relay->oldest, *next; s; s = next) {
    next = s->newer;
    struct leg *leg = s->track == sub->track ? leg_get(s, sub->client, false) : NULL;
    if (!leg || leg->done)
      continue;
    if (only_unwanted && subscription_wants(sub, s->group, s->priority))
      continue;
    if (only_unwanted && leg->client->relay->cfg.defects.no_offset_fix)
      leg_finish(leg);
    else
      leg_reset(leg, code);
  }
}

static void sub_done(struct subscription *sub, uint64_t status) {
  if (!sub->client->guest)
    moqt_publish_done(sub->client->session, sub->req, status, sub->streams, "");
  client_dirty(sub->client);
  subscription_free(sub);
}

/* Nothing new is sent for it; PUBLISH_DONE follows what is. */
void subscription_end_short(struct subscription *sub) {
  struct client *client = sub->client;
  const struct plane *plane = client->relay->cfg.plane;
  sub->behind = true;
  sub->state = SUB_ENDING;
  client->relay->n_behind++;
  if (client->in_plane) {
    entry_subscription(sub);
    plane->ops->quiesce(plane->ctx);
    copies_drain(client->relay);
  }
}

void subscription_too_far_behind(struct subscription *sub) {
  if (sub->behind || sub->state == SUB_PENDING)
    return;
  subscription_end_short(sub);
  subscription_reset(sub, MOQT_RESET_TOO_FAR_BEHIND, false);
  datagram_drop_unwanted(sub->client);
}

/* PUBLISH_DONE, once all of the track is there and delivered. */
void subscription_settle(struct subscription *sub) {
  struct track *track = sub->track;
  if (sub->state != SUB_ENDING || sub->open_legs)
    return;
  if (sub->behind) {
    sub_done(sub, MOQT_DONE_TOO_FAR_BEHIND);
    return;
  }
  if (track->open_streams || sub->client->dgram_head)
    return;
  if (tally_waits(&track->tally, track->relay->now))
    return;
  sub_done(sub, track->done_status);
}
