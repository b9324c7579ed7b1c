/* The publisher of one node: announces its namespace, answers subscriptions,
 * and publishes its tracks on schedule.
 *
 * Lives longer than a connection: publisher_attach() gives it one (with the
 * session's events pointing here), publisher_detach() takes it away. The owner
 * calls publisher_run() after bytes came in and when publisher_deadline() has
 * passed; all objects that are due are handed to QUIC in one go, so that they
 * share packets.
 *
 * A track is published while it has a subscription. A live source (synthetic,
 * trace) goes on with time: a subscription that comes late starts at the next
 * group that is due. A file waits for its subscription. Nothing is ever
 * dropped: an object that needs a stream which the peer does not allow yet
 * waits, and those of its track behind it.
 *
 * At the end (everything sent and acknowledged, or the plan's duration and
 * drain are over) each subscription gets PUBLISH_DONE, and `published` is told
 * once. */
#ifndef FANBENCH_PEER_PUBLISHER_H
#define FANBENCH_PEER_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/peer/journal.h"
#include "bench/scenario/plan.h"
#include "relay/moqt/session.h"
#include "relay/quic/conn.h"

struct publisher;

struct publisher_report {
  uint64_t objects;                  /* handed to QUIC */
  uint64_t planned;                  /* that were due on tracks with a subscription */
  uint64_t late_p99_ns, late_max_ns; /* what waited for a stream is late until it could have left */
};

struct publisher_owner {
  void *arg;
  void (*announced)(void *arg);
  void (*published)(void *arg, const struct publisher_report *report);
  void (*failed)(void *arg, const char *text); /* no way to go on */
  /* The bytes of track->file; they live as long as the publisher. NULL if they
   * cannot be had. */
  const uint8_t *(*file)(void *arg, const struct plan_track *track, size_t *len);
};

/* NULL: no memory, or a file cannot be had. plan, journal and owner are kept. */
struct publisher *publisher_new(const struct plan *plan, int node, const struct journal *journal,
                                const struct publisher_owner *owner);
void publisher_free(struct publisher *pub);

extern const struct moqt_events publisher_events; /* app = the publisher */

void publisher_attach(struct publisher *pub, struct qc *conn, struct moqt_session *session);
void publisher_detach(struct publisher *pub);
/* The peer asks to stop a data stream. */
void publisher_stopped(struct publisher *pub, int64_t sid);

/* again: it goes on where its source is by now; else what is late is late. */
void publisher_start(struct publisher *pub, uint64_t t0_ns, bool again);
/* Must be called before events of that time come in, and to publish. */
void publisher_clock(struct publisher *pub, uint64_t now_ns);
void publisher_run(struct publisher *pub);
uint64_t publisher_deadline(const struct publisher *pub); /* UINT64_MAX = none */
uint64_t publisher_objects(const struct publisher *pub);
bool publisher_is_done(const struct publisher *pub); /* `published` was told */

#endif
