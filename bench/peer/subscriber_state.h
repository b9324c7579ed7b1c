/* The inside of struct subscriber, shared by subscriber.c (what it asks for) and
 * subscriber_data.c (what comes in) only. */
#ifndef FANBENCH_PEER_SUBSCRIBER_STATE_H
#define FANBENCH_PEER_SUBSCRIBER_STATE_H

#include "bench/peer/early.h"
#include "bench/peer/subscriber.h"

#define NO_LIMIT 255 /* publisher priorities go from 0 to 255 */

enum wish_state {
  WISH_NONE,  /* not asked for */
  WISH_LATER, /* a subscription of the plan whose time has not come */
  WISH_OPEN,  /* wanted, not asked for on this connection yet */
  WISH_ASKED, /* SUBSCRIBE sent */
  WISH_LIVE,  /* SUBSCRIBE_OK came */
  WISH_AGAIN, /* its publisher went away: asked for again at again_ns */
  WISH_OVER,  /* refused or done: not asked for again */
};

/* One track of the plan, as far as this subscriber is concerned. */
struct wish {
  const struct plan_track *track;
  enum wish_state state;
  bool first;     /* of at: 0s: counts for `answered` */
  uint64_t at_ns; /* WISH_LATER: after the start of publishing */
  uint64_t again_ns;
  bool had;       /* it was LIVE once, on some connection */
  unsigned tries; /* to have it again, since */
  uint64_t timeout_ns;
  int limit, asked_limit; /* largest priority wanted; NO_LIMIT */
  int64_t req;
  bool has_alias; /* stays after PUBLISH_DONE: its last streams still come in */
  uint64_t alias;
  uint8_t default_priority;
};

struct arrival; /* a stream that carries a subgroup */

struct subscriber {
  const struct plan *plan;
  int node;
  const struct journal *journal;
  struct subscriber_owner owner;
  struct wish *wishes; /* one for each track of the plan */

  struct qc *conn;
  struct moqt_session *session;
  bool set_up;
  uint64_t now_ns, t0_ns;
  bool started, answered;
  uint64_t ok, refused, first; /* of the subscriptions of at: 0s */
  uint64_t waiting;            /* SUBSCRIBEs without an answer */

  struct arrival *arrivals;
  struct arrival *reading; /* inside moqt_reader_in() */
  struct early early;
  uint64_t objects, last_rx_ns;
};

/* subscriber_data.c */
void subscriber_data_in(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                        bool fin);
void subscriber_data_reset(void *app, int64_t sid, uint64_t code);
void subscriber_datagram_in(void *app, const uint8_t *data, size_t len);
/* Reads what was kept for an alias that is known now; drops what belongs to none
 * any more. */
void subscriber_settle_early(struct subscriber *sub);
/* Its publisher breaks the rules in what it sends: the subscription is withdrawn. */
void subscriber_give_up(struct subscriber *sub, struct wish *wish); /* subscriber.c */
/* What still comes in for the wish is discarded. */
void subscriber_disown(struct subscriber *sub, const struct wish *wish);
void subscriber_forget_data(struct subscriber *sub); /* the connection is gone */
struct wish *subscriber_wish_of_alias(struct subscriber *sub, uint64_t alias);

#endif
