/* Who should have got what: every object that reached a relay, held against
 * every subscription of its track there. Made once, when all packets have
 * passed; the checks of media read it.
 *
 * A relay is a node (in bare captures: a server port) that both asks for a track
 * and is asked for it. */
#ifndef FANBENCH_PCAP_CHECK_FANOUT_H
#define FANBENCH_PCAP_CHECK_FANOUT_H

#include "pcap-tools/check/check.h"

enum qp_claim {
  QP_CLAIM_DUE,    /* must have been sent */
  QP_CLAIM_EITHER, /* may have been dropped: `excuse` says why */
};

/* One (object, subscription) the subscriber is entitled to by place and filter. */
struct qp_due {
  const struct qp_object *in; /* as it reached the relay */
  int in_priority;
  const struct qp_conn *conn; /* downstream */
  const struct qp_request *request;
  enum qp_claim claim;
  const char *excuse;
  uint64_t waited_until; /* the excuse: in the relay's queue, until it was lost there; 0: none */
  const struct qp_object *out;    /* the best copy as it left the relay; NULL: none */
  uint32_t copies;                /* datagrams: how often; streams: on how many live streams */
  const struct qp_object *second; /* a further copy, if copies > 1 */
  int out_priority;
};

struct qp_fanout {
  struct qp_due *due;
  size_t n, room;
  /* pairs that were found in order while packets passed, and have no qp_due; and of
   * these the ones whose subscription has a filter (check/passing) */
  uint64_t in_order, in_order_filtered;
  uint64_t left_out;      /* pairs out of order for which there was no room */
  struct qp_object **own; /* copies of objects that were given up */
  size_t n_own, own_room;
};

__attribute__((returns_nonnull)) struct qp_fanout *qp_fanout_new(void);
/* Adds all that is left to settle when all packets have passed. */
void qp_fanout_make(const struct qp_evidence *e, struct qp_fanout *fanout);
void qp_fanout_free(struct qp_fanout *fanout);

/* An object with its track resolved. */
struct qp_placed {
  const struct qp_object *object;
  const struct qp_conn *conn;
  uint32_t track;
  int priority;
};

uint64_t qp_placed_key(uint32_t track, const struct qp_object *object);
bool qp_placed_same(const struct qp_placed *placed, uint32_t track, const struct qp_object *object);
/* The object's priority where the subscription gives the default. */
int qp_placed_priority(const struct qp_request *request, const struct qp_object *object);
/* Is the object the subscription's by place, filter and life? */
bool qp_fanout_entitled(const struct qp_conn *conn, const struct qp_request *request,
                        const struct qp_placed *placed);
/* A relay whose own subscription `own` on `up` is over, its publisher gone, may have
 * forgotten the track. */
bool qp_fanout_feeds(const struct qp_evidence *e, const struct qp_conn *up,
                     const struct qp_request *own, uint64_t now_ns);
/* Does it feed, and has the relay read what it brought? Without its peer's SETUP it reads nothing,
 * without its own SUBSCRIBE_OK it does not know whose an object is: what comes before these is
 * kept, or dropped (MoQT, Track Alias). */
bool qp_fanout_has_read(const struct qp_evidence *e, const struct qp_conn *up,
                        const struct qp_request *own, uint64_t now_ns);
/* Has PUBLISH_DONE overtaken a datagram on its way to the relay, or between the relay's interface
 * and its socket, where packets of one moment may be on two CPUs? Nobody waits for it. */
bool qp_fanout_came_after_done(const struct qp_conn *up, uint32_t track,
                               const struct qp_object *object);
/* Settles one pair before the end: the objects in it are copied. */
void qp_fanout_settle(const struct qp_evidence *e, struct qp_fanout *fanout,
                      const struct qp_placed *placed, const struct qp_conn *conn,
                      const struct qp_request *request);

/* "video group 3 subgroup 0 object 2", "chat group 3 object 2". */
char *qp_object_text(const struct qp_evidence *e, const struct qp_due *due);

#endif
