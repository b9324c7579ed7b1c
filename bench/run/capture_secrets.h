/* Which secrets of a run one capture needs, told from its packets.
 *
 * A thousand captures that hold the whole key log are a million of connections' secrets:
 * each gets those of the ClientHellos that are in it. To leave one out that is needed would
 * hide packets from the judge, so when in doubt all go in: if the capture lost packets; if
 * two hosts speak over UDP and no ClientHello between them was read (their connection began
 * elsewhere); if a client's first Initial stayed closed to hello.h, whoever spoke before.
 *
 * Order: see every packet, then pick. A zeroed struct is ready. */
#ifndef FANBENCH_RUN_CAPTURE_SECRETS_H
#define FANBENCH_RUN_CAPTURE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/run/keylog.h"

/* Two addresses of 4 or 16 bytes, the smaller one first, padded with zeros. */
struct capture_pair {
  uint8_t addr[2][16];
  bool used, explained; /* a ClientHello between them was read */
};

/* Connection IDs; grows. */
struct capture_ids {
  struct hello_id *all;
  size_t n, room;
};

struct capture_secrets {
  struct capture_pair last;         /* of the last packet: it is among the pairs */
  uint8_t (*randoms)[HELLO_RANDOM]; /* in order of first sight */
  size_t n, room;
  struct capture_ids sources; /* what Initials named as theirs: who is addressed so is answered */
  struct capture_ids closed;  /* whom first Initials addressed that did not open */
  struct capture_pair *pairs; /* hosts that speak with each other; hashed by address */
  size_t n_pairs, room_pairs; /* room: a power of two, or 0 */
  bool failed;                /* no memory: all secrets go in */
};

/* An Ethernet frame. */
void capture_secrets_see(struct capture_secrets *secrets, const uint8_t *frame, size_t len);

/* The lines for this capture; whole: no packet is missing in it. *text belongs to the
 * caller and may be NULL. 0, or -1: no memory. */
int capture_secrets_pick(const struct capture_secrets *secrets, const struct keylog *keys,
                         bool whole, char **text, size_t *len);

void capture_secrets_free(struct capture_secrets *secrets);

#endif
