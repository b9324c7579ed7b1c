/* An endpoint's own word against the captures: the part of trace-agrees that reads
 * qlog. A packet that the endpoint's library says it got had reached it, one it says it
 * sent had left it, with the same streams and datagrams in it; and what left it stands
 * in its qlog. What had reached it may be missing there: a socket may overflow.
 *
 * Excused: what a killed endpoint had not written; packets of a closing connection;
 * spaces of which not every packet could be opened; rogues. */
#ifndef FANBENCH_PCAP_CHECK_WITNESS_H
#define FANBENCH_PCAP_CHECK_WITNESS_H

#include "pcap-tools/check/check.h"
#include "pcap-tools/check/per_conn.h"

/* What is kept of each connection. Zero-initialised = empty. */
struct qp_witness {
  struct qp_per_conn conns;
};

void qp_witness_packet(struct qp_judged *self, struct qp_witness *witness,
                       const struct qp_seen *seen);
void qp_witness_finish(struct qp_judged *self);
void qp_witness_clear(struct qp_witness *witness);

#endif
