/* The subscriber of one node: asks for its tracks, puts objects together, and
 * writes down what arrived.
 *
 * Lives longer than a connection: subscriber_attach() gives it one (with the
 * session's events pointing here), subscriber_detach() takes it away; on the
 * next one it asks again for all it wants. What ends because its publisher goes
 * away it asks for again, a bounded number of times. The owner calls subscriber_run()
 * after bytes came in and when subscriber_deadline() has passed.
 *
 * Data can come before the SUBSCRIBE_OK that says whose it is. It is kept, up to
 * SUBSCRIBER_EARLY_BYTES, while an answer is missing; afterwards, or without
 * room, it is discarded and the journal says so. Data of a subscription that
 * was withdrawn is discarded quietly.
 *
 * A stream header that breaks the rules of MoQT is the relay's, and closes the session with the
 * code it calls for. Objects that do are the publisher's: a relay may pass them on as they come (the
 * draft, 6.1, 5.2), so the track is malformed, and its subscription alone is withdrawn. */
#ifndef FANBENCH_PEER_SUBSCRIBER_H
#define FANBENCH_PEER_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/peer/journal.h"
#include "bench/scenario/plan.h"
#include "relay/moqt/session.h"
#include "relay/quic/conn.h"

/* Bytes of data that may wait for a SUBSCRIBE_OK. */
#define SUBSCRIBER_EARLY_BYTES (1u << 20)

struct subscriber;

struct subscriber_owner {
  void *arg;
  /* Once: every subscription of at: 0s has its answer. */
  void (*answered)(void *arg, uint64_t ok, uint64_t refused);
  void (*failed)(void *arg, const char *text); /* no way to go on */
  /* Bytes of a file that the track publishes, at their place in it. */
  void (*received)(void *arg, const struct plan_track *track, uint64_t offset, const uint8_t *data,
                   size_t len);
};

/* NULL: no memory. plan and journal are kept. */
struct subscriber *subscriber_new(const struct plan *plan, int node, const struct journal *journal,
                                  const struct subscriber_owner *owner);
void subscriber_free(struct subscriber *sub);

extern const struct moqt_events subscriber_events; /* app = the subscriber */

void subscriber_attach(struct subscriber *sub, struct qc *conn, struct moqt_session *session);
void subscriber_detach(struct subscriber *sub);

void subscriber_start(struct subscriber *sub, uint64_t t0_ns);
/* Must be called before events of that time come in. */
void subscriber_clock(struct subscriber *sub, uint64_t now_ns);
void subscriber_run(struct subscriber *sub);
uint64_t subscriber_deadline(const struct subscriber *sub); /* UINT64_MAX = none */

/* Commands of the timeline; track: index in the plan. Return 0, or -1 if it
 * cannot be done (already subscribed, not subscribed). */
int subscriber_subscribe(struct subscriber *sub, int track);
int subscriber_unsubscribe(struct subscriber *sub, int track);
/* Of all its subscriptions, those to come included; -1: no limit. */
int subscriber_priority_limit(struct subscriber *sub, int limit);

bool subscriber_is_answered(const struct subscriber *sub);
uint64_t subscriber_objects(const struct subscriber *sub);
uint64_t subscriber_last_rx_ns(const struct subscriber *sub); /* 0 = nothing yet */

#endif
