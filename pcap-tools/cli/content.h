/* What a frame carries, apart from the numbers that a relay's copy changes: so
 * that a packet and its copies are found by their content. */
#ifndef FANBENCH_PCAP_CLI_CONTENT_H
#define FANBENCH_PCAP_CLI_CONTENT_H

#include "pcap-tools/track/tracker.h"

struct qp_content {
  uint64_t key;   /* hash with the place in the track; 0 = the place is not known */
  uint64_t plain; /* hash of position and bytes alone */
  bool datagram, has_alias, fin;
  uint64_t stream, alias, offset;
  size_t len; /* of stream data or datagram */
};

/* True for a STREAM frame of a one-way stream, control and padding aside, and for
 * a DATAGRAM. */
bool qp_content_of(const struct qp_seen *seen, const struct qp_quic_frame *frame,
                   const struct qp_effect *effect, struct qp_content *content);

#endif
