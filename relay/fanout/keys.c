/* 1-RTT keys of a client in the datapath (bpf/abi/keys.h): given when it enters, changed with
 * a key update, wiped when it leaves. RFC 9001 5.1, 6, 6.6. */
#include <string.h>

#include "bpf/abi/keys.h"
#include "bpf/crypt/key.h"
#include "relay/fanout/core.h"
#include "relay/fanout/feeder.h"

/* Packets that AES-128-GCM may seal with one key (RFC 9001 6.6); ChaCha20-Poly1305 may seal all
 * numbers there are. */
#define AES_LIMIT (1ull << 23)
/* Of these, the last sixteenth is user space's alone. */
#define RESERVE(limit)     ((limit) / 16)
#define CLOSE_AT(limit)    (RESERVE(limit) / 2)
#define AEAD_LIMIT_REACHED 0x0f /* RFC 9000 20.1 */
/* An update that is asked for and waits is tried again so often, and given up after so long. */
#define ASK_AGAIN_NS    5000000ull
#define ASK_PATIENCE_NS 5000000000ull

/* A subscriber's ring outlasts what the feeder sleeps at a million copies a second; with many
 * subscribers there are fewer packets for each. An upstream sends as much as all of its tracks. */
#define RING_DOWN      128
#define RING_DOWN_MANY 64
#define MANY           256
#define RING_UP        256

struct plane_protection relay_protection(enum qc_protection protection, enum qc_cipher cipher,
                                         uint32_t subscribers, bool ahead) {
  struct plane_protection p = {0};
  if (protection == QC_PROTECT_NONE)
    return p;
  p.protect = 1u << (cipher == QC_AES_128_GCM ? FB_PROTECT_AES128GCM : FB_PROTECT_CHACHA20);
  if (!ahead)
    return p;
  p.keystreams_down = subscribers > MANY ? RING_DOWN_MANY : RING_DOWN;
  p.keystreams_up = RING_UP;
  return p;
}

static struct plane *plane_of(const struct client *client) {
  return client->relay->cfg.plane;
}

static bool has_keys(const struct client *client) {
  const struct plane *plane = plane_of(client);
  return plane && plane->keys && client->relay->cfg.protection != QC_PROTECT_NONE;
}

static enum fb_protection cipher_of(const struct protect_keys *keys) {
  return keys->key_len == 32 ? FB_PROTECT_CHACHA20 : FB_PROTECT_AES128GCM;
}

static uint64_t limit_of(const struct client *client, const struct protect_keys *keys) {
  if (client->relay->cfg.aead_limit)
    return client->relay->cfg.aead_limit;
  return cipher_of(keys) == FB_PROTECT_AES128GCM ? AES_LIMIT : UINT64_MAX;
}

/* ---- places ------------------------------------------------------------------------------- */

static uint32_t key_slot(const struct client *client, bool tx, unsigned which) {
  return tx ? fb_key_down(client->slot, which)
            : fb_key_up(plane_of(client)->max_subscribers, (uint32_t)client->upstream, which);
}

static struct feeder_line line_of(const struct client *client, bool tx) {
  return (struct feeder_line){.up = !tx, .slot = tx ? client->slot : (uint32_t)client->upstream};
}

/* Nobody finds the key from here on; the caller sees to it that nobody still has it. */
static void revoke(const struct client *client, bool tx, unsigned which) {
  struct plane *plane = plane_of(client);
  plane_store(plane, &plane->keys[key_slot(client, tx, which)].generation, 0);
}

static void erase(const struct client *client, bool tx, unsigned which) {
  struct plane *plane = plane_of(client);
  const uint32_t slot = key_slot(client, tx, which);
  plane_wipe(plane, &plane->keys[slot], sizeof plane->keys[slot]);
  if (plane->ghash)
    plane_wipe(plane, &plane->ghash[slot], sizeof plane->ghash[slot]);
}

/* The place is revoked, quiet and erased. */
static void put(struct client *client, const struct protect_keys *keys, unsigned which,
                uint64_t from, uint64_t until) {
  struct relay *relay = client->relay;
  struct plane *plane = plane_of(client);
  const uint32_t slot = key_slot(client, keys->tx, which);
  struct fb_key *key = &plane->keys[slot];
  const uint64_t generation = ++relay->key_generation;
  if (generation >= FB_KEY_GENERATIONS) {
    relay_log(relay, "client %u: this process has no key generation left; slow path only",
              client->slot);
    return;
  }
  struct fb_ghash *ghash = plane->ghash ? &plane->ghash[slot] : NULL;
  plane_write_begin(plane, key, sizeof *key);
  crypt_key_fill(key, ghash, cipher_of(keys), keys->key, keys->hp, keys->iv);
  key->from = from;
  key->until = until;
  plane_wrote(plane, key, sizeof *key);
  if (ghash) { /* written with the key, but told by itself: it is another array */
    plane_write_begin(plane, ghash, sizeof *ghash);
    plane_wrote(plane, ghash, sizeof *ghash);
  }
  client->keys.generation[keys->tx][which] = generation;
  plane_store(plane, &key->generation, generation);
}

static void feed(struct client *client, const struct protect_keys *keys, unsigned which,
                 uint64_t from, uint64_t until) {
  struct relay *relay = client->relay;
  if (!relay->cfg.feeder)
    return;
  if (!feeder_start(relay->cfg.feeder, line_of(client, keys->tx), keys,
                    client->keys.generation[keys->tx][which], from, until))
    relay_log(relay, "client %u: no memory to make keystreams ahead", client->slot);
}

/* ---- subscribers ----------------------------------------------------------------------------- */

uint8_t keys_protection(const struct client *client) {
  if (client->relay->cfg.protection == QC_PROTECT_NONE)
    return FB_PROTECT_NONE;
  return (uint8_t)cipher_of(&client->keys.told[true][client->tx_phase]);
}

uint32_t keys_slot(const struct client *client) {
  return fb_key_down(client->slot, client->keys.which);
}

/* Until it has sealed what it may. The datapath stops first: what is left is for the update of
 * the key, and for the close if there can be none. */
static void put_tx(struct client *client) {
  const struct protect_keys *keys = &client->keys.told[true][client->tx_phase];
  const uint64_t from = client->keys.tx_from, limit = limit_of(client, keys);
  const bool ends = limit < UINT64_MAX - from;
  client->keys.tx_until = ends ? from + limit : UINT64_MAX;
  client->keys.tx_renew = ends ? from + limit - 2 * RESERVE(limit) : UINT64_MAX;
  const uint64_t fast = ends ? from + limit - RESERVE(limit) : UINT64_MAX;
  put(client, keys, client->keys.which, from, fast);
  feed(client, keys, client->keys.which, from, fast);
}

void keys_enter(struct client *client) {
  if (!has_keys(client))
    return;
  client->keys.which = 0;
  put_tx(client);
}

void keys_next(struct client *client) {
  if (!has_keys(client))
    return;
  const unsigned old = client->keys.which;
  revoke(client, true, old);
  client->keys.which = !old;
  put_tx(client); /* the other place is erased since the update before */
  erase(client, true, old);
}

void keys_leave(struct client *client) {
  if (!has_keys(client))
    return;
  if (client->relay->cfg.feeder)
    feeder_stop(client->relay->cfg.feeder, line_of(client, true));
  revoke(client, true, client->keys.which);
  erase(client, true, client->keys.which);
}

static uint64_t next_number(const struct client *client) {
  return plane_load(plane_of(client), &client_counters(client)->next_pn);
}

bool keys_spent(const struct client *client) {
  return client->keys.tx_until && next_number(client) >= client->keys.tx_until;
}

void keys_renew(struct client *client) {
  if (!client->keys.tx_until || client->closed || next_number(client) < client->keys.tx_renew)
    return;
  if (qc_update_key(client->qc, client->relay->now) == 0) {
    relay_log(client->relay, "client %u: its sending key has sealed much: updated", client->slot);
    return;
  }
  /* The peer has not acknowledged the update before (RFC 9001 6.1). */
  const uint64_t limit = client->keys.tx_until - client->keys.tx_from;
  if (next_number(client) >= client->keys.tx_until - CLOSE_AT(limit))
    qc_close_transport(client->qc, AEAD_LIMIT_REACHED, "the key may seal no more");
}

/* ---- updates that somebody asks for ------------------------------------------------------------ */

void keys_asked(struct relay *relay) {
  relay->asked_ns = 0;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (!client || !client->keys.asked_until)
      continue;
    if (client->closed || client->keys.asked_until <= relay->now) {
      client->keys.asked_until = 0;
    } else if (qc_update_key(client->qc, relay->now)) {
      relay->asked_ns = relay->now + ASK_AGAIN_NS;
    } else {
      client->keys.asked_until = 0;
      if (client->dialled)
        relay->dial.asked_until = 0;
      client_dirty(client);
    }
  }
}

bool keys_ask(struct relay *relay) {
  const uint64_t until = relay->now + ASK_PATIENCE_NS;
  bool any = false;

  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    if (!client || client->closed)
      continue;
    client->keys.asked_until = until;
    any = true;
  }
  if (!relay->dial.client && dial_hopes(relay)) {
    relay->dial.asked_until = until;
    any = true;
  }
  keys_asked(relay);
  return any;
}

void keys_dialled(struct client *client) {
  struct relay *relay = client->relay;
  if (relay->dial.asked_until <= relay->now)
    return;
  client->keys.asked_until = relay->dial.asked_until;
  relay->asked_ns = relay->now + ASK_AGAIN_NS;
}

/* ---- upstreams --------------------------------------------------------------------------------- */

/* Both phases that are there: the one in use, and perhaps the next one, which the datapath opens
 * at once when the peer goes over to it. */
static void put_rx(struct client *client, unsigned phase, uint64_t from) {
  const struct protect_keys *keys = &client->keys.told[false][phase];
  if (keys->key_len)
    put(client, keys, phase, from, UINT64_MAX);
}

uint8_t keys_upstream_protection(const struct client *client) {
  if (client->relay->cfg.protection == QC_PROTECT_NONE)
    return FB_PROTECT_NONE;
  return (uint8_t)cipher_of(&client->keys.told[false][client->rx_phase]);
}

void keys_upstream_enter(struct client *client) {
  if (!has_keys(client))
    return;
  put_rx(client, client->rx_phase, 0);
  put_rx(client, !client->rx_phase, client->rx_next);
  feed(client, &client->keys.told[false][client->rx_phase], client->rx_phase, client->rx_next,
       UINT64_MAX);
}

void keys_upstream_leave(struct client *client) {
  if (!has_keys(client))
    return;
  if (client->relay->cfg.feeder)
    feeder_stop(client->relay->cfg.feeder, line_of(client, false));
  for (unsigned phase = 0; phase < 2; phase++) {
    revoke(client, false, phase);
    erase(client, false, phase);
  }
}

/* The peer has gone over: the old key opens what was sent before, no more. */
void keys_upstream_next(struct client *client, uint64_t first) {
  if (!has_keys(client))
    return;
  struct plane *plane = plane_of(client);
  const unsigned phase = client->rx_phase;
  plane_store(plane, &plane->keys[key_slot(client, false, !phase)].until, first);
  plane_store(plane, &plane->keys[key_slot(client, false, phase)].from, first);
  feed(client, &client->keys.told[false][phase], phase, first, UINT64_MAX);
}

/* ---- both ------------------------------------------------------------------------------------------ */

void keys_told(struct client *client, const struct protect_keys *keys) {
  client->keys.told[keys->tx][keys->phase] = *keys;
  if (keys->tx || client->upstream < 0 || !has_keys(client))
    return;
  /* ngtcp2 has dropped the keys of that phase, long after the last packet of theirs. */
  struct plane *plane = plane_of(client);
  revoke(client, false, keys->phase);
  plane->ops->quiesce(plane->ctx);
  erase(client, false, keys->phase);
  put_rx(client, keys->phase, client->rx_next);
}

void keys_forget(struct client *client) {
  explicit_bzero(&client->keys, sizeof client->keys);
}
