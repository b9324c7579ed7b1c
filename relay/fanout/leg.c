#include <stdlib.h>
#include <string.h>

#include "relay/fanout/core.h"

static uint64_t order_of(const struct leg *leg) {
  const struct stream *stream = leg->stream;
  return pending_order(leg->sub ? leg->sub->params.subscriber_priority : 128, stream->priority,
                       stream->group, stream->subgroup);
}

struct leg *leg_get(struct stream *stream, struct client *client, bool create) {
  if (client->slot < stream->n_legs && stream->legs[client->slot])
    return stream->legs[client->slot];
  if (!create)
    return NULL;
  if (client->slot >= stream->n_legs) {
    uint32_t n = client->relay->n_slots;
    struct leg **grown = realloc(stream->legs, n * sizeof *grown);
    if (!grown)
      return NULL;
    memset(grown + stream->n_legs, 0, (n - stream->n_legs) * sizeof *grown);
    stream->legs = grown;
    stream->n_legs = n;
  }
  struct leg *leg = calloc(1, sizeof *leg);
  if (!leg)
    return NULL;
  leg->stream = stream;
  leg->client = client;
  leg->ordinal = NO_ORDINAL;
  leg->limit = client->peer.max_stream_data_uni;
  struct subscription *sub = stream->track ? client->subs[stream->track->index] : NULL;
  leg->sub = sub;
  leg->order = order_of(leg);
  stream->legs[client->slot] = leg;
  stream->open_legs++;
  stream->relay->kept_bytes += sizeof *leg;
  if (sub)
    sub->open_legs++;
  return leg;
}

void leg_reorder(struct leg *leg) {
  bool in_heap = leg->queued && !leg->parked;
  if (in_heap)
    pending_remove(leg->client, leg);
  leg->order = order_of(leg);
  if (in_heap)
    pending_push(leg->client, leg);
}

void leg_free(struct leg *leg) {
  for (struct leg **at = &leg->client->relay->drops; leg->drop_due && *at; at = &(*at)->next_drop) {
    if (*at != leg)
      continue;
    *at = leg->next_drop;
    break;
  }
  if (leg->queued)
    pending_remove(leg->client, leg);
  if (leg->ordinal != NO_ORDINAL)
    HASH_DEL(leg->client->legs, leg);
  struct client *client = leg->client;
  for (struct leg **at = &client->handed; *at; at = &(*at)->next_aside) {
    if (*at != leg)
      continue;
    *at = leg->next_aside;
    break;
  }
  for (size_t i = 0; i < client->n_resets; i++) {
    if (client->resets[i] == leg)
      client->resets[i--] = client->resets[--client->n_resets];
  }
  ranges_clear(&leg->sent);
  ranges_clear(&leg->acked);
  leg->stream->legs[client->slot] = NULL;
  leg->stream->relay->kept_bytes -= sizeof *leg;
  free(leg);
}

void leg_open(struct leg *leg, uint64_t ordinal) {
  if (leg->ordinal != NO_ORDINAL)
    return;
  leg->ordinal = ordinal;
  HASH_ADD(hh, leg->client->legs, ordinal, sizeof leg->ordinal, leg);
  if (leg->sub)
    leg->sub->streams++;
}

void leg_unopen(struct leg *leg) {
  HASH_DEL(leg->client->legs, leg);
  leg->ordinal = NO_ORDINAL;
  if (leg->sub)
    leg->sub->streams--;
}

void leg_finish(struct leg *leg) {
  if (leg->done)
    return;
  leg->done = true;
  if (leg->queued)
    pending_remove(leg->client, leg);
  leg->stream->open_legs--;
  if (leg->sub)
    leg->sub->open_legs--;
}

void leg_skip(struct leg *leg) {
  leg->skipped = true;
  leg_finish(leg);
}

void leg_offer(struct leg *leg) {
  if (leg->reset && !leg->reset_sent)
    client_dirty(leg->client); /* its header is there now */
  if (leg->done || leg->reset || leg->skipped)
    return;
  struct stream *stream = leg->stream;
  uint64_t lo, hi;
  bool unsent = ranges_next_gap(&leg->sent, 0, stream->len, &lo, &hi);
  if (!unsent && !(stream->fin && !leg->fin_sent))
    return;
  pending_push(leg->client, leg);
  client_dirty(leg->client);
}

void leg_acked(struct leg *leg, uint64_t lo, uint64_t hi, bool fin) {
  if (leg->done)
    return;
  ranges_add(&leg->acked, lo, hi);
  leg->fin_acked |= fin;
  struct stream *stream = leg->stream;
  if (leg->reset && !leg->reset_sent)
    client_dirty(leg->client); /* it waits for its header */
  if (!leg->fin_acked || !stream->fin || !ranges_contains(&leg->acked, 0, stream->len))
    return;
  leg_finish(leg);
  stream_settle(stream);
}

/* ---- flow control ------------------------------------------------------------------- */

struct fb_down *leg_down(const struct leg *leg) {
  struct plane *plane = leg->client->relay->cfg.plane;
  const struct stream *stream = leg->stream;
  if (!plane || !stream->claim)
    return NULL;
  size_t slot = fb_stream_slot(stream->upstream, (uint64_t)stream->key.sid >> 2, FB_STREAM_SLOTS);
  struct fb_down *down = &plane->downs[slot * plane->max_subscribers + leg->client->slot];
  uint64_t id = plane_load(plane, &down->id);
  return id >> FB_CLAIM_SHIFT == stream->claim ? down : NULL;
}

uint64_t leg_charged(const struct leg *leg) {
  struct fb_down *down = leg_down(leg);
  if (!down)
    return leg->charged;
  uint64_t word = plane_load(leg->client->relay->cfg.plane, &down->charged);
  uint64_t end = word >> FB_CLAIM_SHIFT == leg->stream->claim ? word & FB_MAX_OFFSET : 0;
  return end > leg->charged ? end : leg->charged;
}

/* Takes `growth` bytes of the connection's limit. */
static bool take_data(struct client *client, uint64_t growth) {
  struct fb_counters *counters = client_counters(client);
  const struct plane *plane = client->relay->cfg.plane;
  uint64_t used = plane_add(plane, &counters->data_used, growth);
  if (used + growth <= plane_load(plane, &counters->max_data))
    return true;
  plane_sub(plane, &counters->data_used, growth);
  return false;
}

/* The datapath charges the same word: it is raised only from what was read. */
static bool raise_charged(const struct leg *leg, struct fb_down *down, uint64_t old, uint64_t end) {
  const struct plane *plane = leg->client->relay->cfg.plane;
  uint32_t claim = leg->stream->claim;
  __u64 word = plane_load(plane, &down->charged);
  uint64_t seen = word >> FB_CLAIM_SHIFT == claim ? word & FB_MAX_OFFSET : 0;
  return seen <= old &&
         plane_cas(plane, &down->charged, &word, (__u64)claim << FB_CLAIM_SHIFT | end);
}

bool leg_charge(struct leg *leg, uint64_t end) {
  if (end > leg->limit)
    return false;
  for (;;) {
    uint64_t old = leg_charged(leg);
    if (end <= old) {
      leg->charged = old;
      return true;
    }
    if (!take_data(leg->client, end - old))
      return false;
    struct fb_down *down = leg_down(leg);
    if (!down || raise_charged(leg, down, old, end))
      break;
    plane_sub(leg->client->relay->cfg.plane, &client_counters(leg->client)->data_used, end - old);
  }
  leg->charged = end;
  return true;
}

/* ---- reset --------------------------------------------------------------------------- */

/* The datapath stops for this stream and subscriber; returns when no copy can
 * follow, with all records in. */
static void stop_copies(struct leg *leg) {
  struct relay *relay = leg->client->relay;
  struct plane *plane = relay->cfg.plane;
  struct fb_down *down = leg_down(leg);
  if (!down)
    return;
  __u64 claim = (__u64)leg->stream->claim << FB_CLAIM_SHIFT, id = claim | leg->ordinal;
  plane_cas(plane, &down->id, &id, claim | FB_DOWN_SKIPPED);
  plane->ops->quiesce(plane->ctx);
  copies_drain(relay);
}

void leg_reset(struct leg *leg, uint64_t code) {
  if (leg->done || leg->reset)
    return;
  struct client *client = leg->client;
  pending_remove(client, leg);
  leg->reset = true;
  leg->reset_code = code;
  if (leg->ordinal == NO_ORDINAL) {
    leg_skip(leg);
    stream_settle(leg->stream);
    return;
  }
  if (!client->relay->cfg.plane) {
    stock_reset(leg);
    return;
  }
  stop_copies(leg);
  leg_queue_reset(leg);
  client_dirty(client);
}

void leg_queue_reset(struct leg *leg) {
  struct client *client = leg->client;
  leg->reset_sent = false;
  if (client->n_resets == client->cap_resets) {
    size_t cap = client->cap_resets ? client->cap_resets * 2 : 16;
    struct leg **grown = realloc(client->resets, cap * sizeof *grown);
    if (!grown)
      return; /* the stream stays open until the connection ends */
    client->resets = grown;
    client->cap_resets = cap;
  }
  client->resets[client->n_resets++] = leg;
}

void leg_drop(struct leg *leg) {
  struct relay *relay = leg->client->relay;
  if (leg->drop_due || leg->done || leg->reset)
    return;
  leg->drop_due = true;
  leg->next_drop = relay->drops;
  relay->drops = leg;
}

void leg_drop_due(struct relay *relay) {
  while (relay->drops) {
    struct leg *leg = relay->drops;
    relay->drops = leg->next_drop;
    leg->drop_due = false;
    /* If the datapath turns out to follow the stream, its record has the ordinal. */
    if (leg->ordinal == NO_ORDINAL)
      entry_take_stream(leg->stream);
    leg_reset(leg, MOQT_RESET_DELIVERY_TIMEOUT);
  }
}
