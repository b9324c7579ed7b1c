/* The recorder's events about a connection, other than its packets: start, addresses,
 * versions, IDs, parameters, keys, ACKs and losses, close. */
#ifndef FANBENCH_PCAP_QLOG_CONN_EVENTS_H
#define FANBENCH_PCAP_QLOG_CONN_EVENTS_H

#include "pcap-tools/qlog/record.h"

/* Before the packet in work is told in that view. Returns the tuple ID of its events:
 * "" on the addresses of the handshake. */
const char *qp_conn_events_packet(struct qp_recorder *r, struct qp_told *told, unsigned view,
                                  const struct qp_seen *seen);
/* After the tracker took the frame in. */
void qp_conn_events_frame(struct qp_recorder *r, struct qp_told *told, unsigned view,
                          const struct qp_seen *seen, const struct qp_quic_frame *frame);
/* When all packets have passed. */
void qp_conn_events_end(struct qp_recorder *r, struct qp_told *told, unsigned view);

#endif
