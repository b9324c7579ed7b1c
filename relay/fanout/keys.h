/* Packet protection of one client in the datapath: keys in bpf/abi/keys.h's arrays, and the lines
 * of the feeder. No-ops with protection none.
 *
 * Order of calls: keys_told() for each key of ngtcp2's; as a subscriber keys_enter(), keys_next()
 * with each update, keys_leave(); as an upstream keys_upstream_enter(), _next(), _leave();
 * keys_forget() at the end. */
#ifndef FANBENCH_RELAY_FANOUT_KEYS_H
#define FANBENCH_RELAY_FANOUT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/quic/protect.h"

struct client;
struct relay;

/* By direction (sending = 1) and key phase bit; key_len 0: not there. */
struct client_keys {
  struct protect_keys told[2][2];
  uint64_t generation[2][2]; /* of what stands in the datapath: direction, place */
  unsigned which;            /* place of the sending key */
  uint64_t tx_from;          /* first number that it seals, by whoever */
  uint64_t tx_until;    /* numbers from here on it may not seal, by whoever; 0 = no key there */
  uint64_t tx_renew;    /* from here on an update is due */
  uint64_t asked_until; /* an update is asked for and waits, so long; 0 = none */
};

void keys_told(struct client *client, const struct protect_keys *keys); /* from ngtcp2 */
void keys_forget(struct client *client);                                /* wipes them */
uint8_t keys_protection(const struct client *client); /* enum fb_protection, of its entry */
uint32_t keys_slot(const struct client *client);      /* key_slot of its entry */
void keys_enter(struct client *client);               /* before its entry is active */
/* tx_phase has changed; its entry is held, no copy is being made. */
void keys_next(struct client *client);
void keys_leave(struct client *client); /* no copy is being made any more */
/* AEAD limits (RFC 9001 6.6): updates a sending key that has sealed much, closes the connection
 * before it has sealed all it may. */
void keys_renew(struct client *client);
/* For relay_update_keys(): who cannot yet waits, and keys_asked() tries again at asked_ns. */
bool keys_ask(struct relay *relay);
void keys_asked(struct relay *relay);
/* A new connection to the relay above; its key is to be updated if that was asked for while there
 * was none. */
void keys_dialled(struct client *client);
bool keys_spent(const struct client *client); /* the sending key may seal nothing more */
uint8_t keys_upstream_protection(const struct client *client);
void keys_upstream_enter(struct client *client);                /* before its entry is active */
void keys_upstream_next(struct client *client, uint64_t first); /* rx_phase has changed */
void keys_upstream_leave(struct client *client); /* nothing of it is being opened any more */

#endif
