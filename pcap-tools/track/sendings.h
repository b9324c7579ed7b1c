/* How often the bytes of a stream were sent: what was sent twice, three times, and so on.
 *
 * Zero-initialised = nothing was sent again, and costs nothing. A frame that holds new bytes
 * as well is not counted, so that what this says is never too much. */
#ifndef FANBENCH_PCAP_TRACK_SENDINGS_H
#define FANBENCH_PCAP_TRACK_SENDINGS_H

#include "pcap-tools/track/ranges.h"

#define QP_SENDINGS_MOST 9 /* more are not told apart */

struct qp_sendings {
  struct qp_ranges
      *again; /* [QP_SENDINGS_MOST - 1]: [i] what was sent i + 2 times at least; or NULL */
};

/* All of lo..hi, both included, is sent once more. */
void qp_sendings_again(struct qp_sendings *s, uint64_t lo, uint64_t hi);
/* The most times that one byte was sent; 0 if the stream has no bytes. */
uint32_t qp_sendings_most(const struct qp_sendings *s, uint64_t stream_bytes);
void qp_sendings_clear(struct qp_sendings *s);

#endif
