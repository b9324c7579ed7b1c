#include <stdlib.h>

#include "relay/fanout/core.h"

#define GROUP_BITS    28
#define SUBGROUP_BITS 20

static uint64_t clip(uint64_t v, unsigned bits) {
  uint64_t most = (1ull << bits) - 1;
  return v < most ? v : most;
}

uint64_t pending_order(uint8_t subscriber, uint8_t publisher, uint64_t group, uint64_t subgroup) {
  return (uint64_t)subscriber << 56 | (uint64_t)publisher << 48 |
         clip(group, GROUP_BITS) << SUBGROUP_BITS | clip(subgroup, SUBGROUP_BITS);
}

uint64_t pending_class(uint64_t order) {
  return order >> (GROUP_BITS + SUBGROUP_BITS);
}

static bool before(const struct leg *a, const struct leg *b) {
  return a->order != b->order ? a->order < b->order : a->stream->uid < b->stream->uid;
}

static void put(struct client *client, size_t at, struct leg *leg) {
  client->pending[at] = leg;
  leg->queued_at = at;
}

static void sift_up(struct client *client, size_t at) {
  struct leg *leg = client->pending[at];
  while (at > 0 && before(leg, client->pending[(at - 1) / 2])) {
    put(client, at, client->pending[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  put(client, at, leg);
}

static void sift_down(struct client *client, size_t at) {
  struct leg *leg = client->pending[at];
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= client->n_pending)
      break;
    if (child + 1 < client->n_pending && before(client->pending[child + 1], client->pending[child]))
      child++;
    if (!before(client->pending[child], leg))
      break;
    put(client, at, client->pending[child]);
    at = child;
  }
  put(client, at, leg);
}

/* Room for one more in one of the two arrays. */
static bool reserve(struct leg ***legs, size_t n, size_t *cap) {
  if (n < *cap)
    return true;
  size_t more = *cap ? *cap * 2 : 64;
  struct leg **grown = realloc(*legs, more * sizeof *grown);
  if (!grown)
    return false;
  *legs = grown;
  *cap = more;
  return true;
}

void pending_push(struct client *client, struct leg *leg) {
  if (leg->queued)
    return;
  if (!reserve(&client->pending, client->n_pending, &client->cap_pending))
    return; /* offered again with the stream's next bytes */
  leg->queued = true;
  put(client, client->n_pending++, leg);
  sift_up(client, leg->queued_at);
}

static void remove_parked(struct client *client, struct leg *leg) {
  struct leg *last = client->parked[--client->n_parked];
  client->parked[leg->queued_at] = last;
  last->queued_at = leg->queued_at;
  leg->queued = leg->parked = false;
}

void pending_remove(struct client *client, struct leg *leg) {
  if (!leg->queued)
    return;
  if (leg->parked) {
    remove_parked(client, leg);
    return;
  }
  size_t at = leg->queued_at;
  leg->queued = false;
  struct leg *last = client->pending[--client->n_pending];
  if (last == leg)
    return;
  put(client, at, last);
  sift_up(client, at);
  sift_down(client, last->queued_at);
}

struct leg *pending_pop(struct client *client) {
  if (client->n_pending == 0)
    return NULL;
  struct leg *leg = client->pending[0];
  pending_remove(client, leg);
  return leg;
}

void pending_park(struct client *client, struct leg *leg) {
  pending_remove(client, leg);
  if (!reserve(&client->parked, client->n_parked, &client->cap_parked)) {
    pending_push(client, leg); /* it has just left room there */
    return;
  }
  leg->queued = leg->parked = true;
  leg->queued_at = client->n_parked;
  client->parked[client->n_parked++] = leg;
}

/* All of them, whatever their ordinals: which of those that wait open the streams that the limit
 * lets open is a matter of their order. */
void pending_unpark(struct client *client) {
  while (client->n_parked) {
    struct leg *leg = client->parked[client->n_parked - 1];
    remove_parked(client, leg);
    pending_push(client, leg);
  }
}

size_t pending_count(const struct client *client) {
  return client->n_pending + client->n_parked;
}

struct leg *pending_nth(const struct client *client, size_t i) {
  return i < client->n_pending ? client->pending[i] : client->parked[i - client->n_pending];
}
