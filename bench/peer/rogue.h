/* Bad habits of one endpoint, on top of the honest one: what a rogue does wrong.
 *
 * The endpoint stays plain ngtcp2 with its publisher or subscriber. A rogue bends it in
 * three places: the limits it declares, its 1-RTT packets right before they are sealed (own
 * frames are changed or hidden, forged ones put in), and streams with MoQT bytes of its own.
 * Forged frames travel in a DATAGRAM that only the rogue can tell; when the packet is sealed they
 * take its place, so that ngtcp2's numbers, and what it thinks is in flight, stay true.
 *
 * Until rogue_start() it behaves, but for the limits it declares: everybody gets to the start. Who
 * is closed for it dials again and goes on; the deeds that end a connection are done once on each.
 *
 * Order of calls: rogue_new(), rogue_config() before each dial, rogue_attach() behind it, then
 * rogue_run() when the role runs. Sans-IO; times are nanoseconds of the endpoint's clock. */
#ifndef FANBENCH_PEER_ROGUE_H
#define FANBENCH_PEER_ROGUE_H

#include "bench/scenario/plan.h"
#include "relay/moqt/session.h"
#include "relay/quic/conn.h"

/* How long who was closed stays away, and how often it comes back. */
#define ROGUE_AWAY_NS UINT64_C(50000000)
#define ROGUE_RETURNS 1000

struct rogue;

struct rogue_owner {
  void *arg;
  void (*random)(void *arg, uint8_t *dest, size_t len);
};

/* node: of role rogue. plan is kept. NULL: no memory. */
struct rogue *rogue_new(const struct plan *plan, int node, const struct rogue_owner *owner);
void rogue_free(struct rogue *rogue); /* NULL is fine */

/* Puts its limits and its hooks into the configuration of a connection. */
void rogue_config(struct rogue *rogue, struct qc_config *config);
void rogue_attach(struct rogue *rogue, struct qc *conn);
void rogue_detach(struct rogue *rogue);

void rogue_start(struct rogue *rogue, uint64_t t0_ns);
void rogue_clock(struct rogue *rogue, uint64_t now_ns);
/* Does what is due. */
void rogue_run(struct rogue *rogue);
uint64_t rogue_deadline(const struct rogue *rogue); /* UINT64_MAX = none */

#endif
