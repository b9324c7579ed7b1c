#include "relay/fanout/core.h"

/* First and longest wait between two attempts; an attempt itself lasts as long as QUIC's
 * handshake may take. */
#define AGAIN_FIRST_NS (50ull * 1000 * 1000)
#define AGAIN_MOST_NS  (1000ull * 1000 * 1000)
/* How long subscribers are kept waiting for an upstream that is lost: longer than a relay
 * takes to be started again, shorter than anybody waits for an answer. */
#define PATIENCE_NS (5000ull * 1000 * 1000)
/* An upstream that has just begun may not know its publishers yet. */
#define ASK_NS (100ull * 1000 * 1000)

void dial_start(struct relay *relay) {
  relay->dial = (struct dial){.again_ns = relay->now,
                              .backoff_ns = AGAIN_FIRST_NS,
                              .lost_ns = relay->now,
                              .ask_ns = UINT64_MAX};
  dial_expiry(relay);
}

struct client *dial_upstream(const struct relay *relay) {
  struct client *client = relay->dial.client;
  return client && client->started && !client->closed ? client : NULL;
}

bool dial_hopes(const struct relay *relay) {
  return relay->cfg.upstream.path.remote.len && !relay->dial.given_up;
}

void dial_ready(struct client *client) {
  struct dial *dial = &client->relay->dial;
  relay_log(client->relay, "upstream %s: connected", client->relay->cfg.upstream.authority);
  dial->lost_ns = UINT64_MAX;
  dial->ready_ns = client->relay->now;
  dial->backoff_ns = AGAIN_FIRST_NS;
  dial->given_up = false;
  track_ask_waiting(client);
}

void dial_lost(struct client *client) {
  struct relay *relay = client->relay;
  struct dial *dial = &relay->dial;
  if (dial->client != client)
    return;
  dial->client = NULL;
  dial->ask_ns = UINT64_MAX;
  if (relay->stopping)
    return;
  relay_log(relay, "upstream %s: lost, dialling again", relay->cfg.upstream.authority);
  if (dial->lost_ns == UINT64_MAX)
    dial->lost_ns = relay->now;
  dial->again_ns = relay->now + dial->backoff_ns;
  dial->backoff_ns *= 2;
  if (dial->backoff_ns > AGAIN_MOST_NS)
    dial->backoff_ns = AGAIN_MOST_NS;
}

bool dial_again(struct relay *relay) {
  if (relay->now > relay->dial.ready_ns + PATIENCE_NS)
    return false;
  relay->dial.ask_ns = relay->now + ASK_NS;
  return true;
}

static uint64_t end_of_patience(const struct dial *dial) {
  return dial->lost_ns == UINT64_MAX || dial->given_up ? UINT64_MAX : dial->lost_ns + PATIENCE_NS;
}

uint64_t dial_deadline(const struct relay *relay) {
  const struct dial *dial = &relay->dial;
  if (!relay->cfg.upstream.path.remote.len || relay->stopping)
    return UINT64_MAX;
  uint64_t first = dial->client ? UINT64_MAX : dial->again_ns;
  if (end_of_patience(dial) < first)
    first = end_of_patience(dial);
  return dial->ask_ns < first ? dial->ask_ns : first;
}

void dial_expiry(struct relay *relay) {
  struct dial *dial = &relay->dial;
  if (dial_deadline(relay) > relay->now)
    return;
  if (end_of_patience(dial) <= relay->now) {
    dial->given_up = true;
    track_give_up(relay);
  }
  if (dial->ask_ns <= relay->now) {
    dial->ask_ns = UINT64_MAX;
    if (dial_upstream(relay))
      track_ask_waiting(dial->client);
  }
  if (dial->client || dial->again_ns > relay->now)
    return;
  dial->client = client_dial(relay);
  if (dial->client)
    keys_dialled(dial->client);
  dial->again_ns = relay->now + AGAIN_MOST_NS; /* if there was no room for it */
}
