/* One QUIC frame as qlog writes it: quic-events-13, section on frames. */
#ifndef FANBENCH_PCAP_QLOG_FRAMES_H
#define FANBENCH_PCAP_QLOG_FRAMES_H

#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/qlog/dialect.h"
#include "pcap-tools/qlog/json.h"

/* Appends the frame as an element of an array. ack_exponent: ack_delay_exponent of the
 * sender (3 in Initial and Handshake packets). An ACK's ranges are used up. */
void qp_qlog_frame(struct qp_json *j, enum qp_dialect dialect, struct qp_quic_frame *frame,
                   uint64_t ack_exponent);

/* "flow_control_error", "crypto_error_0x128", "unknown". */
#define QP_QLOG_ERROR 24
const char *qp_qlog_error(uint64_t code, char text[QP_QLOG_ERROR]);
/* `reason` if it is printing ASCII, else `reason_bytes` if hex_too. */
void qp_qlog_reason(struct qp_json *j, const uint8_t *reason, size_t len, bool hex_too);

#endif
