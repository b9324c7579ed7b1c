/* What a QUIC frame does to the state of its connection. */
#ifndef FANBENCH_PCAP_TRACK_APPLY_H
#define FANBENCH_PCAP_TRACK_APPLY_H

#include "pcap-tools/track/feed.h"
#include "pcap-tools/track/route.h"
#include "pcap-tools/track/tracker.h"

/* Bytes of finished streams, the oldest first, so that they can be forgotten. */
struct qp_held {
  struct qp_half **queue;
  size_t first, n, room;
  size_t bytes, max;
};

struct qp_apply {
  struct qp_routes *routes;
  struct qp_tracks *tracks;
  struct qp_held *held;
};

void qp_apply_frame(const struct qp_apply *a, const struct qp_seen *seen,
                    struct qp_quic_frame *frame, struct qp_effect *effect);

#endif
