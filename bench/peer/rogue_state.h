/* The inside of struct rogue, shared by rogue.c (life, what is due), rogue_packet.c (packets
 * right before they are sealed) and rogue_moqt.c (messages and objects) only. */
#ifndef FANBENCH_PEER_ROGUE_STATE_H
#define FANBENCH_PEER_ROGUE_STATE_H

#include "bench/peer/rogue.h"

/* Tells a DATAGRAM that carries forged frames. */
#define ROGUE_MARK 16
/* Forged frames of one packet: they fit every packet beside its header. */
#define ROGUE_FRAMES_MAX 1000

/* It knows of so many numbers whether they came. */
#define ROGUE_SEEN 512

/* A unidirectional stream of its own, as its packets showed it. */
struct rogue_stream {
  uint64_t sid, end;
  bool any, fin;
};

struct rogue {
  const struct plan *plan;
  int node;
  struct rogue_owner owner;
  bool publishes;
  uint8_t mark[ROGUE_MARK];
  uint64_t now_ns, t0_ns;
  bool started;
  uint64_t cuts;   /* connections that cut a message so far */
  uint64_t groups; /* invented so far */

  /* of the connection */
  struct qc *conn;
  bool acted; /* its one deed that ends it is done */
  uint64_t dialled_ns, next_ns;
  uint64_t largest;                   /* number received, + 1; 0 = none */
  uint64_t seen[ROGUE_SEEN / 64];     /* of the latest numbers, by number modulo ROGUE_SEEN */
  uint64_t told;                      /* MAX_DATA, as a slow reader told it */
  struct rogue_stream open, finished; /* the newest data stream that is open, that has ended */
  /* the newest NEW_CONNECTION_ID it sent, and the Retire Prior To it told */
  uint64_t id_sequence, prior_to;
  uint8_t id_len, id[20], id_token[16];
};

static inline bool rogue_does(const struct rogue *rogue, enum plan_deed deed) {
  return rogue->plan->nodes[rogue->node].does >> deed & 1;
}

/* One of the latest ROGUE_SEEN numbers. */
static inline bool rogue_saw(const struct rogue *rogue, uint64_t pn) {
  return rogue->seen[pn % ROGUE_SEEN / 64] >> (pn % 64) & 1;
}

/* rogue_packet.c */
extern const struct protect_hooks rogue_hooks;
/* Sends these frames in a packet of their own. False: there is no room now. */
bool rogue_forge(struct rogue *rogue, const uint8_t *frames, size_t len);

/* rogue_moqt.c */
void rogue_cut_message(struct rogue *rogue);
void rogue_bad_length(struct rogue *rogue);
/* A subgroup header of its first track with a group that nobody else uses, and an object header
 * for `size` bytes. Room for 64. */
size_t rogue_object(struct rogue *rogue, uint8_t *buf, uint64_t size);

#endif
