/* Which connection begins here: the random of a ClientHello, read out of the client's
 * Initial packet. Its keys follow from the packet's own destination ID (RFC 9001
 * section 5.2), so everybody on the path can read it; a packet changed on the way
 * does not open. */
#ifndef FANBENCH_RUN_HELLO_H
#define FANBENCH_RUN_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_RANDOM 32

#define HELLO_ID 20

struct hello_id {
  uint8_t len, data[HELLO_ID]; /* zero padded */
};

/* An Initial packet's header. */
struct hello {
  struct hello_id dcid, scid;
  size_t pn_at, len; /* where the protected number begins; length of the packet */
};

/* payload: of a UDP datagram. False: it does not begin with a whole Initial packet of QUIC
 * version 1. */
bool hello_parse(struct hello *hello, const uint8_t *payload, size_t len);

/* payload: the one that was parsed. False: no key of a client's first flight opens it (it
 * is the server's, or a later one, or was changed), or the CRYPTO frames in it do not hold
 * the beginning of a ClientHello with its random. */
bool hello_random(const struct hello *hello, const uint8_t *payload, uint8_t random[HELLO_RANDOM]);

#endif
