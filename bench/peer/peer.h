/* One endpoint: a plain ngtcp2 connection with a MoQT session, and the role
 * that the plan gives it, publisher or subscriber.
 *
 * Sans-IO: packets, time, randomness and commands come in; packets, a deadline,
 * events for the runner and journal lines go out through struct peer_outside.
 * The process shell is bench/peer/peer_host.h; virtual time can drive the same
 * core. Nothing is global.
 *
 * Order of calls: peer_new(), peer_connect(), then peer_in() for each UDP
 * payload, peer_expire() when peer_deadline() has passed, peer_command() as
 * commands come, and after each of these peer_out() until it returns 0. When
 * peer_state() is no longer PEER_RUNNING the owner stops. All times are
 * nanoseconds of one monotonic clock. */
#ifndef FANBENCH_PEER_PEER_H
#define FANBENCH_PEER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/peer/journal.h"
#include "bench/scenario/plan.h"
#include "relay/quic/conn.h"

struct peer;

/* ---- what goes out besides packets -------------------------------------------------- */

enum peer_event_kind {
  PEER_ANNOUNCED,
  PEER_PUBLISHED, /* objects, planned, late_p99_ns, late_max_ns */
  PEER_ANSWERED,  /* ok, refused */
  PEER_STATE,     /* objects, last_rx_ns */
  PEER_DID,       /* command, done */
  PEER_FAILED,    /* text; the endpoint is of no use any more */
  PEER_BYE,
};

struct peer_event {
  enum peer_event_kind kind;
  uint64_t objects, planned, late_p99_ns, late_max_ns;
  uint64_t ok, refused;
  uint64_t last_rx_ns;
  enum plan_event_kind command;
  bool done;
  const char *text;
};

/* How the endpoint gets another local address. */
enum peer_move {
  PEER_MOVE_SAME_PORT, /* the socket is closed; a new one has the same address */
  PEER_MOVE_NEW_PORT,  /* the socket is closed; a new one has another port */
  PEER_MOVE_BESIDE,    /* a second socket on another port; the old one goes on */
};

struct peer_outside {
  void *arg;
  void (*random)(void *arg, uint8_t *dest, size_t len);
  void (*event)(void *arg, const struct peer_event *event);
  void (*keylog)(void *arg, const char *line); /* may be NULL */
  /* connection: counted from 1, each has a trace of its own; may be NULL */
  void (*qlog)(void *arg, uint32_t connection, const void *data, size_t len);
  /* Bytes of a received file at their place in it; may be NULL. */
  void (*received)(void *arg, const struct plan_track *track, uint64_t offset, const uint8_t *data,
                   size_t len);
  /* Publisher of a file: its bytes, valid while the peer lives; NULL if it
   * cannot be had. */
  const uint8_t *(*file)(void *arg, const struct plan_track *track, size_t *len);
  /* Moves and puts the new local address. Returns 0, or -1 if it cannot. */
  int (*move)(void *arg, enum peer_move how, struct qc_addr *local);
  struct journal journal;
};

/* ---- life ------------------------------------------------------------------------------ */

/* The node's role must be publisher, subscriber or rogue. plan is kept. NULL: *why
 * says it. */
struct peer *peer_new(const struct plan *plan, int node, const struct peer_outside *outside,
                      const char **why);
void peer_free(struct peer *peer);

/* Dials. authority: "10.0.1.1:4433". Returns 0, or -1. */
int peer_connect(struct peer *peer, const struct qc_path *path, const char *authority,
                 uint64_t now_ns);

enum peer_state {
  PEER_RUNNING,
  PEER_STOPPED, /* as told: closed, and nothing is left to send */
  PEER_DIED,    /* as told: at once, without a word */
  PEER_BROKEN,  /* PEER_FAILED said why */
};
enum peer_state peer_state(const struct peer *peer);

/* ---- packets and time ---------------------------------------------------------------------- */

/* False when it is to leave packets in the socket: it vanished. */
bool peer_wants_input(const struct peer *peer);

/* path: with the real local address. */
void peer_in(struct peer *peer, const struct qc_path *path, const uint8_t *data, size_t len,
             uint64_t now_ns);
/* At most one UDP payload into buf (room >= 1500); 0 = nothing to send now. */
size_t peer_out(struct peer *peer, struct qc_path *path, uint8_t *buf, size_t room,
                uint64_t now_ns);
uint64_t peer_deadline(const struct peer *peer); /* UINT64_MAX = none */
void peer_expire(struct peer *peer, uint64_t now_ns);

/* ---- commands --------------------------------------------------------------------------------- */

enum peer_do { PEER_DO_START, PEER_DO_POLL, PEER_DO_STOP, PEER_DO_EVENT };

struct peer_command {
  enum peer_do what;
  uint64_t t0_ns;             /* START */
  bool again;                 /* START: the timeline has brought it back in the middle */
  enum plan_event_kind event; /* EVENT */
  int priority_limit;         /* PRIORITY_LIMIT; -1 = none */
  bool same_port;             /* RECONNECT */
  const int *tracks;          /* SUBSCRIBE, UNSUBSCRIBE: indexes in the plan */
  size_t n_tracks;
};

/* An EVENT is answered by PEER_DID: at once, or, while the connection cannot do it yet (it is not
 * confirmed, has no spare ID, or its last key update is less than three PTO past), when it can;
 * PEER_PATIENCE_NS later, not counting a handshake, it could not be done. Events happen in the order
 * in which they come. */
#define PEER_PATIENCE_NS UINT64_C(5000000000)
void peer_command(struct peer *peer, const struct peer_command *command, uint64_t now_ns);

#endif
