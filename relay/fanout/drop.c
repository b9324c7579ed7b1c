/* The strategy on the slow path: what waits for a subscriber is asked about with the same pure
 * function as in the datapath (bpf/dp/policy), before anything of it is sent. All that
 * waits is looked at, not only what goes next: what is overtaken for ever must not stay, and
 * the lag is that of the oldest. */
#include "bpf/dp/policy/policy.h"
#include "relay/fanout/core.h"

/* What waits and may be dropped. */
struct waiting {
  uint32_t timeout_ms; /* 0: it may not */
  uint64_t since_ns;   /* 0: not known, so of no age */
};

static uint32_t timeout_of(const struct client *client, const struct track *track) {
  const struct subscription *sub = track ? client->subs[track->index] : NULL;
  return sub ? subscription_timeout_ms(sub) : 0;
}

/* A leg that lacks nothing but its FIN is not asked about: all objects have left. */
static struct waiting leg_waits(const struct leg *leg) {
  const struct stream *stream = leg->stream;
  uint64_t lo, hi;
  if (!ranges_next_gap(&leg->sent, 0, stream->len, &lo, &hi))
    return (struct waiting){0};
  return (struct waiting){
      .timeout_ms = timeout_of(leg->client, stream->track),
      .since_ns = lo < stream->object_at ? arrivals_at(&stream->arrivals, lo) : 0,
  };
}

static struct waiting datagram_waits(const struct client *client,
                                     const struct queued_datagram *datagram) {
  return (struct waiting){
      .timeout_ms = timeout_of(client, client->relay->tracks[datagram->track]),
      .since_ns = datagram->seen_ns,
  };
}

static void keep_older(uint64_t *oldest, struct waiting w) {
  if (w.timeout_ms && w.since_ns && (*oldest == 0 || w.since_ns < *oldest))
    *oldest = w.since_ns;
}

static uint64_t oldest_of(const struct client *client) {
  uint64_t oldest = 0;
  for (size_t i = 0; i < pending_count(client); i++)
    keep_older(&oldest, leg_waits(pending_nth(client, i)));
  for (const struct queued_datagram *d = client->dgram_head; d; d = d->next)
    keep_older(&oldest, datagram_waits(client, d));
  return oldest;
}

/* `in` says what it is; the rest of the question is the same for all. */
static bool drops(const struct client *client, const struct track *track, struct waiting w,
                  uint64_t oldest, struct dp_policy_input in) {
  if (!w.timeout_ms)
    return false;
  in.held = 1;
  in.delivery_timeout_ms = w.timeout_ms;
  in.age_ms = dp_policy_ms(w.since_ns, client->relay->now);
  in.lag_ms = dp_policy_ms(oldest, client->relay->now);
  in.newest_group = track->largest.group;
  return dp_policy_drops(client->relay->cfg.policy, &in);
}

static void drop_legs(struct client *client, uint64_t oldest) {
  for (size_t i = 0; i < pending_count(client); i++) {
    struct leg *leg = pending_nth(client, i);
    const struct stream *stream = leg->stream;
    struct dp_policy_input in = {.kind = FB_FRAME_STREAM,
                                 .header = leg->ordinal == NO_ORDINAL,
                                 .priority = stream->priority,
                                 .group = stream->group};
    if (!drops(client, stream->track, leg_waits(leg), oldest, in))
      continue;
    tell_dropped(client, false, stream->track, stream->group, "policy");
    leg_drop(leg);
  }
  leg_drop_due(client->relay);
}

struct question {
  const struct client *client;
  uint64_t oldest;
};

static bool drops_datagram(void *arg, const struct queued_datagram *datagram) {
  const struct question *q = arg;
  struct dp_policy_input in = {
      .kind = FB_FRAME_DATAGRAM, .priority = datagram->priority, .group = datagram->group};
  const struct track *track = q->client->relay->tracks[datagram->track];
  if (!drops(q->client, track, datagram_waits(q->client, datagram), q->oldest, in))
    return false;
  tell_dropped(q->client, true, track, datagram->group, "policy");
  return true;
}

static void tell(struct client *client, uint64_t oldest) {
  const struct plane *plane = client->relay->cfg.plane;
  if (!plane || client->oldest_told == oldest)
    return;
  client->oldest_told = oldest;
  plane_store(plane, &client_counters(client)->oldest_ns, oldest);
}

void drop_what_waits(struct client *client) {
  const struct relay *relay = client->relay;
  if (relay->cfg.policy == DP_POLICY_NONE)
    return;
  if (relay->now - client->swept_ns < RELAY_SWEEP_NS)
    return;
  client->swept_ns = relay->now;
  uint64_t oldest = oldest_of(client);
  if (oldest) {
    drop_legs(client, oldest);
    datagram_drop(client, drops_datagram, &(struct question){client, oldest});
    oldest = oldest_of(client);
  }
  tell(client, oldest);
}

void drop_none_waits(struct client *client) {
  tell(client, 0);
}
