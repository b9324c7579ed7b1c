/* The recorder's events about MoQT: `moqt:` of draft-pardue-moq-qlog-moq-events-07 for streams,
 * subgroups, objects and datagrams, which fit what is on the wire; `moqt20:` for control
 * messages, whose form in draft-ietf-moq-transport-20 the drafts on qlog do not have yet:
 *
 *   moqt20:control_message_created, moqt20:control_message_parsed
 *     stream_id, length of the whole message; message: type, and where the message has
 *     them request_id, track_namespace (array of texts), track_name, track_alias,
 *     error_code, status_code, stream_count
 *
 * MoQT is read at the server's interface. Where the client is captured at its own, its
 * trace has datagrams only. */
#ifndef FANBENCH_PCAP_QLOG_MOQT_EVENTS_H
#define FANBENCH_PCAP_QLOG_MOQT_EVENTS_H

#include "pcap-tools/qlog/record.h"

/* Before the first packet. r must outlive the tracker's work. */
void qp_moqt_listen(struct qp_recorder *r, struct qp_tracker *tracker);
/* A DATAGRAM frame of the packet in work. */
void qp_moqt_datagram(struct qp_recorder *r, struct qp_told *told, const struct qp_seen *seen,
                      const struct qp_quic_frame *frame);

#endif
