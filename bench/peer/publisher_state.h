/* The inside of struct publisher, shared by publisher.c (tracks on schedule) and
 * publisher_requests.c (what the session tells) only. */
#ifndef FANBENCH_PEER_PUBLISHER_STATE_H
#define FANBENCH_PEER_PUBLISHER_STATE_H

#include "bench/peer/lateness.h"
#include "bench/peer/publisher.h"
#include "bench/peer/source.h"

/* A subgroup that is not finished. */
struct open_stream {
  int64_t sid;
  uint64_t group, subgroup;
  uint64_t previous; /* object */
  bool stopped;      /* by the peer: the rest of the subgroup is left out */
};

struct pub_track {
  const struct plan_track *plan;
  struct source source;
  uint64_t alias;
  uint64_t next;    /* number of the next object */
  uint64_t base_ns; /* when object 0 is due; a file's moves while it waits */
  bool blocked;     /* waits for a stream */
  uint64_t held_ns; /* it is behind since then because of that; 0 = it is not */

  int64_t req; /* of the subscription; -1: none */
  bool forward;
  struct moqt_location_range range;
  uint64_t streams; /* opened for the subscription */
  bool has_largest;
  struct moqt_location largest;
  struct open_stream *open;
  size_t n_open, room_open;
};

struct publisher {
  const struct plan *plan;
  const struct plan_node *node;
  const struct journal *journal;
  struct publisher_owner owner;
  struct pub_track *tracks;
  size_t n_tracks;

  struct qc *conn;
  struct moqt_session *session;
  int64_t namespace_req;
  uint64_t now_ns, t0_ns;
  bool started, done;

  uint64_t objects, unsent;
  struct lateness late;
  uint8_t *scratch;
  size_t scratch_room;
};

/* A subscription begins or goes on. */
void publisher_resume(struct publisher *pub, struct pub_track *track);
/* Resets what is open: the subscription ends or pauses in the middle. */
void publisher_cut(struct publisher *pub, struct pub_track *track);
/* PUBLISH_DONE: nothing more will come. */
void publisher_finish_track(struct publisher *pub, struct pub_track *track);
void publisher_forget(struct pub_track *track); /* its subscription is gone */

#endif
