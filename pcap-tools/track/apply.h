/* What a QUIC frame does to the state of its connection. */
#ifndef FANBENCH_PCAP_TRACK_APPLY_H
#define FANBENCH_PCAP_TRACK_APPLY_H

#include "pcap-tools/track/feed.h"
#include "pcap-tools/track/route.h"
#include "pcap-tools/track/tracker.h"

/* Bytes of finished streams, the oldest first, so that they can be forgotten; and of
 * open ones, which lose what is read when they get too many. */
struct qp_held {
  struct held_half {
    struct qp_conn *conn;
    struct qp_half *half;
  } * queue;
  size_t first, n, room;
  size_t bytes, max;
  size_t open_bytes;
};

struct qp_apply {
  struct qp_routes *routes;
  struct qp_tracks *tracks;
  struct qp_held *held;
};

/* Gives up the oldest of what is held; for when nobody looks at a stream. */
void qp_apply_forget(struct qp_held *held);

void qp_apply_frame(const struct qp_apply *a, const struct qp_seen *seen,
                    struct qp_quic_frame *frame, struct qp_effect *effect);

#endif
