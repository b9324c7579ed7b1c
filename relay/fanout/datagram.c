#include <stdlib.h>
#include <string.h>

#include "bpf/wire/moqt_data.h"
#include "relay/fanout/core.h"

/* Has the datapath settled this datagram of the packet being read for a subscriber? */
static bool is_settled(const struct client *up, uint32_t slot) {
  if (!up->notes || up->rx_datagrams >= FB_MAX_FRAMES)
    return false;
  const struct datagram_note *note = &up->notes[up->rx_pn % RELAY_DATAGRAM_NOTES];
  if (!note->valid || note->pn != up->rx_pn)
    return false;
  /* Defect global-counter: a packet that was copied at all was copied to everybody. */
  if (up->relay->cfg.defects.global_counter)
    return true;
  return note->settled[up->rx_datagrams][slot / 64] >> (slot % 64) & 1;
}

static bool goes_after(const struct queued_datagram *a, const struct queued_datagram *b) {
  return a->order != b->order ? a->order > b->order : a->object > b->object;
}

/* Behind those of its order with no higher object ID: the way here may have changed theirs. Most
 * come in order: what comes later is a later object. */
static void put_in_order(struct client *client, struct queued_datagram *entry) {
  struct queued_datagram **at = client->dgram_tail, *last = client->dgram_last;
  if (client->dgram_head && goes_after(last, entry)) {
    at = &client->dgram_head;
    while (!goes_after(*at, entry))
      at = &(*at)->next;
  } else {
    client->dgram_tail = &entry->next;
    client->dgram_last = entry;
  }
  entry->next = *at;
  *at = entry;
}

static void queue(struct client *client, const uint8_t *data, size_t len,
                  const struct queued_datagram *about) {
  struct queued_datagram *entry = malloc(sizeof *entry + len);
  if (!entry)
    return; /* a datagram may be lost */
  memcpy(entry, about, sizeof *entry);
  entry->next = NULL;
  entry->len = len;
  memcpy(entry->data, data, len);
  put_in_order(client, entry);
  client->dgram_bytes += sizeof *entry + len;
  behind_bound_datagrams(client);
  client_dirty(client);
}

void datagram_drop(struct client *client,
                   bool (*drops)(void *arg, const struct queued_datagram *datagram), void *arg) {
  struct queued_datagram **at = &client->dgram_head;
  client->dgram_last = NULL;
  while (*at) {
    struct queued_datagram *d = *at;
    if (drops(arg, d)) {
      *at = d->next;
      client->dgram_bytes -= sizeof *d + d->len;
      free(d);
      continue;
    }
    client->dgram_last = d;
    at = &d->next;
  }
  client->dgram_tail = at;
}

static bool is_unwanted(void *arg, const struct queued_datagram *datagram) {
  const struct subscription *sub = ((struct client *)arg)->subs[datagram->track];
  return !sub || !subscription_wants(sub, datagram->group, datagram->priority);
}

void datagram_drop_unwanted(struct client *client) {
  datagram_drop(client, is_unwanted, client);
}

void datagram_gone(struct client *client) {
  struct queued_datagram *d = client->dgram_head;
  client->dgram_head = d->next;
  if (!d->next)
    client->dgram_tail = &client->dgram_head;
  client->dgram_bytes -= sizeof *d + d->len;
  free(d);
}

/* RFC 9221 3: no frame larger than the peer says, type and length counted; 0 = none at all. */
static bool may_take(const struct client *client, size_t len) {
  const size_t head = len < 64 ? 2 : 3;
  return head + len <= client->peer.max_datagram_frame;
}

/* To everybody who wants it and has not got it from the datapath. known: that may be. */
static void hand_out(struct client *up, const struct wire_datagram_header *header,
                     struct track *track, const uint8_t *data, size_t len, bool known) {
  struct relay *relay = up->relay;
  track_saw(track, header->group.v, header->object.v);
  uint8_t priority = header->priority_given ? header->priority : track->default_priority;
  uint8_t copy[RELAY_MAX_UDP];
  memcpy(copy, data, len);
  wire_vi64_put_width(copy + header->alias.at, header->alias.len, track->out_alias);
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    struct subscription *sub = client ? client->subs[track->index] : NULL;
    if (!sub || client->closed || !subscription_wants(sub, header->group.v, priority))
      continue;
    if ((known && is_settled(up, i)) || !may_take(client, len))
      continue;
    uint8_t subscriber = sub->params.subscriber_priority;
    queue(
        client, copy, len,
        &(struct queued_datagram){.order = pending_order(subscriber, priority, header->group.v, 0),
                                  .track = track->index,
                                  .priority = priority,
                                  .group = header->group.v,
                                  .object = header->object.v,
                                  .seen_ns = relay->now});
  }
}

/* ---- before its track's SUBSCRIBE_OK ------------------------------------------------------ */

/* One of no known track; the datapath has passed it up to be dealt with here. */
struct early_datagram {
  struct early_datagram *prev, *next;
  size_t len;
  uint8_t data[];
};

static bool waits_for_alias(const struct client *up) {
  const struct relay *relay = up->relay;
  for (uint32_t t = 0; t < FB_MAX_TRACKS; t++) {
    const struct track *track = relay->tracks[t];
    if (track && track->up == up && track->state == TRACK_ASKED && track->req >= 0)
      return true;
  }
  return false;
}

/* SUBSCRIBE_OK may be overtaken. */
static void keep_early(struct client *up, const uint8_t *data, size_t len) {
  const size_t size = sizeof(struct early_datagram) + len;
  if (!waits_for_alias(up) || up->early_bytes + size > RELAY_EARLY_BYTES)
    return;
  struct early_datagram *early = malloc(size);
  if (!early)
    return; /* a datagram may be lost */
  early->len = len;
  memcpy(early->data, data, len);
  DL_APPEND(up->early_datagrams, early);
  up->early_bytes += size;
}

static void free_early(struct client *up, struct early_datagram *early) {
  DL_DELETE(up->early_datagrams, early);
  up->early_bytes -= sizeof *early + early->len;
  free(early);
}

void datagram_forget_early(struct client *up) {
  struct early_datagram *early, *next;
  DL_FOREACH_SAFE(up->early_datagrams, early, next) free_early(up, early);
}

void datagram_retry(struct client *up) {
  struct early_datagram *early, *next;
  DL_FOREACH_SAFE(up->early_datagrams, early, next) {
    struct wire_cursor c = wire_cursor(early->data, 0, early->len);
    struct wire_datagram_header header;
    struct track *track = wire_datagram_header_get(&c, &header) == WIRE_MOQT_OK
                              ? track_of_alias(up, header.alias.v)
                              : NULL;
    if (!track)
      continue;
    hand_out(up, &header, track, early->data, early->len, false);
    free_early(up, early);
  }
  if (!waits_for_alias(up))
    datagram_forget_early(up);
}

void datagram_in(struct client *up, const uint8_t *data, size_t len) {
  struct wire_cursor c = wire_cursor(data, 0, len);
  struct wire_datagram_header header;
  if (len > RELAY_MAX_UDP || wire_datagram_header_get(&c, &header) != WIRE_MOQT_OK)
    return;
  struct track *track = track_of_alias(up, header.alias.v);
  if (track)
    hand_out(up, &header, track, data, len, true);
  else
    keep_early(up, data, len);
}
