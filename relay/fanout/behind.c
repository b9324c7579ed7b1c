/* What a relay keeps for those who are slow is bounded: streams by the cache, datagrams by
 * RELAY_DATAGRAM_BYTES a subscriber. Who lags beyond that and has a delivery timeout loses objects;
 * who has none must get all or nothing more: its subscription ends with TOO_FAR_BEHIND. The others
 * lose nothing. */
#include "relay/fanout/core.h"

static bool may_drop(const struct subscription *sub) {
  return sub && subscription_timeout_ms(sub) > 0;
}

static void end(struct subscription *sub) {
  relay_log(sub->client->relay, "client %u: too far behind; its subscription to %s ends",
            sub->client->slot, sub->track->label);
  tell_dropped(sub->client, false, sub->track, sub->track->largest.group, "too-far-behind");
  subscription_too_far_behind(sub);
}

/* ---- streams ------------------------------------------------------------------------- */

/* Bytes of it wait for their first sending: what is only in flight, or lost, is no lag. */
static bool lags(const struct leg *leg) {
  uint64_t lo, hi;
  return !leg->done && !leg->reset && ranges_next_gap(&leg->sent, 0, leg->stream->len, &lo, &hi);
}

static void give_up(struct leg *leg) {
  struct stream *stream = leg->stream;
  struct subscription *sub = stream->track ? leg->client->subs[stream->track->index] : NULL;
  if (may_drop(sub)) {
    tell_dropped(leg->client, false, stream->track, stream->group, "backlog");
    leg_drop(leg);
    leg_drop_due(stream->relay);
  } else if (sub && !sub->behind) {
    end(sub);
  }
}

static bool is_over(const struct relay *relay) {
  return relay->cached_bytes > relay->cfg.cache_bytes ||
         relay->kept_bytes > RELAY_KEPT * relay->cfg.cache_bytes;
}

/* Oldest first. begun: also what has been sent in part, which would then have been sent for
 * nothing. */
static void sweep(struct relay *relay, bool begun) {
  for (struct stream *s = relay->oldest; s && is_over(relay); s = s->newer) {
    for (uint32_t i = 0; i < s->n_legs; i++) {
      struct leg *leg = s->legs[i];
      if (leg && lags(leg) && (begun || ranges_end(&leg->sent) == 0))
        give_up(leg);
    }
    stream_trim(s);
  }
}

/* Not at every packet: who is over the bound, and waits for resets to be acknowledged, stays so for
 * a round trip. */
void behind_bound_cache(struct relay *relay) {
  if (relay->cached_bytes > relay->most_cached)
    relay->most_cached = relay->cached_bytes;
  if (relay->kept_bytes > relay->most_kept)
    relay->most_kept = relay->kept_bytes;
  if (!is_over(relay) || relay->now - relay->bounded_ns < RELAY_SWEEP_NS)
    return;
  relay->bounded_ns = relay->now;
  sweep(relay, false);
  sweep(relay, true);
}

/* ---- datagrams ------------------------------------------------------------------------- */

/* The oldest of the least important that may be dropped. */
static bool is_victim(void *arg, const struct queued_datagram *datagram) {
  const struct queued_datagram **victim = arg;
  if (datagram != *victim)
    return false;
  *victim = NULL;
  return true;
}

static const struct queued_datagram *find_victim(const struct client *client) {
  const struct queued_datagram *victim = NULL;
  for (const struct queued_datagram *d = client->dgram_head; d; d = d->next) {
    if (!may_drop(client->subs[d->track]))
      continue;
    if (!victim || pending_class(d->order) > pending_class(victim->order))
      victim = d;
  }
  return victim;
}

/* The subscription of what would be sent last. */
static struct subscription *last_subscription(const struct client *client) {
  const struct queued_datagram *last = client->dgram_head;
  while (last && last->next)
    last = last->next;
  return last ? client->subs[last->track] : NULL;
}

void behind_bound_datagrams(struct client *client) {
  struct relay *relay = client->relay;
  if (client->dgram_bytes > relay->most_datagrams)
    relay->most_datagrams = client->dgram_bytes;
  while (client->dgram_bytes > RELAY_DATAGRAM_BYTES) {
    const struct queued_datagram *victim = find_victim(client);
    if (victim) {
      tell_dropped(client, true, relay->tracks[victim->track], victim->group, "backlog");
      datagram_drop(client, is_victim, &victim);
      continue;
    }
    struct subscription *sub = last_subscription(client);
    if (!sub || sub->behind)
      return;
    end(sub);
  }
}

void behind_report(struct relay *relay) {
  relay_log(
      relay,
      "kept at most %llu bytes of streams (the bound is %llu) and %llu about them (%llu), for "
      "one subscriber %llu of datagrams (%u)",
      (unsigned long long)relay->most_cached, (unsigned long long)relay->cfg.cache_bytes,
      (unsigned long long)relay->most_kept,
      (unsigned long long)(RELAY_KEPT * relay->cfg.cache_bytes),
      (unsigned long long)relay->most_datagrams, RELAY_DATAGRAM_BYTES);
}
