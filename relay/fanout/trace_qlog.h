/* The relay's qlog: what left and came on its connections, by numbers as on the wire, from
 * the shim (user space) and from copy records (datapath). Formatting only: the owner has the
 * stream, opens, flushes and closes it.
 *
 * JSON text sequences (RFC 7464) of draft-ietf-quic-qlog-main-schema-14 with the events of
 * quic-13: connection_started, packet_sent and packet_received of 1-RTT packets,
 * packets_acked, packet_lost, recovery_metrics_updated, connection_closed. group_id is the
 * connection: the client's first destination ID. Times are milliseconds of the run's
 * monotonic clock. A copy is told when its record is read, with the record's time, so that
 * events of fast and slow path are not in the order of their times. Packets of the handshake
 * are not told: their numbers are ngtcp2's own, and the endpoint's qlog and the capture have
 * them. */
#ifndef FANBENCH_RELAY_FANOUT_TRACE_QLOG_H
#define FANBENCH_RELAY_FANOUT_TRACE_QLOG_H

#include <stdio.h>

#include "relay/fanout/trace.h"

/* The first record of a file. node: its name, a word of the scenario. */
void trace_qlog_head(FILE *to, const char *node);

void trace_qlog_begun(FILE *to, uint64_t now_ns, const struct qc_cid *conn,
                      const struct qc_path *path);
void trace_qlog_packet(FILE *to, const struct trace_packet *packet);
/* The copy of a packet that record.subs[...] names. */
void trace_qlog_copy(FILE *to, const struct qc_cid *conn, const struct fb_record *record,
                     const struct fb_record_sub *sub);
/* Acknowledged or lost; other fates are not of the wire, nothing is written. */
void trace_qlog_number(FILE *to, const struct qc_cid *conn, const struct ledger_number *number);
void trace_qlog_metrics(FILE *to, uint64_t now_ns, const struct qc_cid *conn,
                        const struct trace_metrics *metrics);
void trace_qlog_closed(FILE *to, uint64_t now_ns, const struct qc_cid *conn,
                       const struct qc_close_info *info);

#endif
