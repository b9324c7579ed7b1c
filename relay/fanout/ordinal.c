#include "relay/fanout/ordinal.h"

static uint64_t most_of(const struct client *client) {
  return plane_load(client->relay->cfg.plane, &client_counters(client)->max_streams);
}

static bool is_untouched(const struct leg *leg) {
  return leg->ordinal != NO_ORDINAL && !leg->fin_sent && ranges_end(&leg->sent) == 0 &&
         leg_charged(leg) == 0 && leg->limit == leg->client->peer.max_stream_data_uni;
}

/* May be exchanged: it has an ordinal, nothing of it was sent, charged or reset, and its limit is
 * the one that all streams begin with. */
static bool is_free(const struct leg *leg) {
  return is_untouched(leg) && !leg->done && !leg->reset && !leg->skipped && !leg->drop_due;
}

bool ordinal_is_spare(const struct leg *leg) {
  return is_untouched(leg) && !leg->done && leg->reset && !leg->reset_sent && !leg->sub;
}

/* A spare one, or the one that can wait longest of those behind `leg` whose stream may be opened. */
static struct leg *donor_of(const struct leg *leg) {
  const struct client *client = leg->client;
  uint64_t most = most_of(client);
  struct leg *last = NULL;
  for (size_t i = 0; i < client->n_resets; i++)
    if (client->resets[i]->ordinal < most && ordinal_is_spare(client->resets[i]))
      return client->resets[i];
  for (size_t i = 0; i < client->n_pending; i++) {
    struct leg *other = client->pending[i];
    if (other->ordinal < most && other->order > (last ? last->order : leg->order) && is_free(other))
      last = other;
  }
  return last;
}

/* In the datapath too, if it follows the stream. What it has skipped stays so: it will send nothing
 * of it, whether user space opens it or lets it go. */
static void put(struct leg *leg, uint64_t from, uint64_t to) {
  struct fb_down *down = leg_down(leg);
  if (!down)
    return;
  __u64 claim = (__u64)leg->stream->claim << FB_CLAIM_SHIFT, was = claim | from;
  plane_cas(leg->client->relay->cfg.plane, &down->id, &was, claim | to);
}

/* No copy for this subscriber begins any more, and the records of those that did are in. */
static void stop_copies(struct client *client) {
  const struct plane *plane = client->relay->cfg.plane;
  window_hold(client);
  plane->ops->quiesce(plane->ctx);
  copies_drain(client->relay);
}

static void swap(struct leg *a, struct leg *b) {
  struct client *client = a->client;
  uint64_t ordinal = a->ordinal;
  HASH_DEL(client->legs, a);
  HASH_DEL(client->legs, b);
  a->ordinal = b->ordinal;
  b->ordinal = ordinal;
  HASH_ADD(hh, client->legs, ordinal, sizeof a->ordinal, a);
  HASH_ADD(hh, client->legs, ordinal, sizeof b->ordinal, b);
}

bool ordinal_exchange(struct leg *leg) {
  struct client *client = leg->client;
  if (!is_free(leg) || !donor_of(leg))
    return false;
  stop_copies(client);
  struct leg *donor = is_free(leg) ? donor_of(leg) : NULL;
  if (!donor)
    return false;
  put(leg, leg->ordinal, donor->ordinal);
  put(donor, donor->ordinal, leg->ordinal);
  swap(leg, donor);
  return true;
}

struct leg *ordinal_first_parked(const struct leg *next) {
  const struct client *client = next->client;
  struct leg *first = NULL;
  if (!client->n_parked || !is_free(next) || next->ordinal >= most_of(client))
    return NULL;
  for (size_t i = 0; i < client->n_parked; i++) {
    struct leg *leg = client->parked[i];
    if (leg->order < (first ? first->order : next->order) && is_free(leg))
      first = leg;
  }
  return first;
}
