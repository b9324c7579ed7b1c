/* Guests: connections of the other ALPN. They have no session; a track is fanned out to them as if
 * they had asked for all of it. What they say is not listened to, but for QUIC's own word: limits,
 * acknowledgements, STOP_SENDING. */
#include <stdlib.h>

#include "relay/fanout/core.h"

/* Stream type control, then SETTINGS of no length (RFC 9114 6.2.1, 7.2.4). */
static const uint8_t h3_control[] = {0x00, 0x04, 0x00};

static void begin_h3(struct client *client) {
  const int64_t sid = qc_open_uni(client->qc); /* the ordinal of MoQT's control stream */
  if (sid < 0 || qc_stream_send(client->qc, sid, h3_control, sizeof h3_control, false)) {
    client_close(client, MOQT_PROTOCOL_VIOLATION, "no control stream is allowed");
    return;
  }
  client->own_data += sizeof h3_control;
  joint_share_max_data(client);
}

static void join(struct client *client) {
  const struct moqt_name *name = client->relay->cfg.guests.track;
  struct track *track = track_find(client->relay, name);
  if (!track || client->subs[track->index])
    return;
  struct subscription *sub = calloc(1, sizeof *sub);
  if (!sub)
    return; /* at the next publisher, or never */
  *sub = (struct subscription){.client = client, .track = track, .req = -1};
  moqt_params_init(&sub->params);
  client->subs[track->index] = sub;
  if (track->state == TRACK_LIVE)
    subscription_join(sub);
}

void guest_begin(struct client *client) {
  const struct relay_guests *guests = &client->relay->cfg.guests;
  client->guest = true;
  if (guests->h3)
    begin_h3(client);
  if (guests->track && !client->closed)
    join(client);
}

void guest_retry(struct relay *relay) {
  for (uint32_t i = 0; relay->cfg.guests.track && i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (client && client->guest && !client->closed)
      join(client);
  }
}
