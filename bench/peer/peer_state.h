/* The inside of struct peer, shared by peer.c (connection and role) and
 * peer_command.c (commands of the runner) only. */
#ifndef FANBENCH_PEER_PEER_STATE_H
#define FANBENCH_PEER_PEER_STATE_H

#include "bench/peer/peer.h"
#include "bench/peer/publisher.h"
#include "bench/peer/rogue.h"
#include "bench/peer/subscriber.h"

/* Events that wait for their turn. */
#define PEER_WAITING 64
struct waiting {
  struct peer_command command;
  int *tracks; /* the command's, owned */
  uint64_t give_up_ns;
};

struct peer {
  const struct plan *plan;
  int node;
  struct peer_outside outside;
  struct publisher *publisher; /* one of the two */
  struct subscriber *subscriber;
  struct rogue *rogue; /* what it does wrong; NULL: an honest endpoint */

  struct qc_tls *tls;
  struct qc *conn;
  struct moqt_session *session;
  uint32_t n_conns; /* dialled so far */
  char authority[64];
  struct qc_path path;  /* as ngtcp2 knows it */
  struct qc_addr local; /* where the socket really is */
  uint64_t now_ns;
  bool settled; /* the role has run since something came in */
  bool closed;  /* the connection's end was told */
  struct qc_close_info close_info;

  bool established;      /* this connection got through its handshake */
  bool got_in;           /* one did */
  uint64_t dialled_ns;   /* when it was dialled */
  uint64_t knocks_ns;    /* when the first one since was dialled, until one got through; then 0 */
  unsigned redials;      /* since one did */
  uint64_t redial_at_ns; /* the connection is lost: when to dial again; 0 = it is not */

  struct waiting waiting[PEER_WAITING];
  size_t n_waiting;
  uint64_t retry_ns; /* when the first of them is tried again */
  bool beside;       /* a migration has its socket, and waits */
  struct qc_addr beside_local;

  enum peer_state state;
  bool stopping, vanished;
  uint64_t stop_until_ns;
};

/* peer.c */
void peer_tell(struct peer *peer, const struct peer_event *event);
void peer_set_clock(struct peer *peer, uint64_t now_ns);
int peer_dial(struct peer *peer);         /* on peer->path */
void peer_disconnect(struct peer *peer);  /* without a word */
void peer_run_waiting(struct peer *peer); /* peer_command.c */
void peer_free_waiting(struct peer *peer);
void peer_check_stop(struct peer *peer); /* told to stop: is it over? */

#endif
