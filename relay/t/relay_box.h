/* One relay as a node of a network in memory: native datapath or stock. Several of them
 * make a chain; relay/t/fanout_bench.h is for one relay looked at closely. */
#ifndef FANBENCH_RELAY_T_RELAY_BOX_H
#define FANBENCH_RELAY_T_RELAY_BOX_H

#include "relay/fanout/native_plane.h"
#include "relay/fanout/relay.h"
#include "relay/t/memnet.h"

struct box_queued;

struct relay_box {
  struct memnet *net;
  struct relay *relay;
  struct qc_tls *tls, *dial_tls;
  struct dp_native *dp; /* NULL: stock */
  struct native_plane plane;
  struct box_queued *head, **tail;
  struct qc_addr addr;
  bool drained;
  uint64_t copies, numbers_twice;
};

/* upstream: NULL = none. Registered with the network; dials at once. */
struct relay_box *relay_box_open(struct memnet *net, struct qc_addr addr, bool native,
                                 const struct qc_addr *upstream);
/* Closes its connections in an orderly way; the caller lets the network run a little, then
 * relay_box_free(). */
void relay_box_stop(struct relay_box *box);
/* Leaves the network without a word. */
void relay_box_free(struct relay_box *box);

#endif
