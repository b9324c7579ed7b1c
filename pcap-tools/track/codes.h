/* Names of error codes: QUIC transport (RFC 9000 20.1, TLS alerts of RFC 8446 6
 * behind 0x100), HTTP/3 (RFC 9114 8.1, RFC 9204 6) and MoQT (draft-ietf-moq-transport-20). */
#ifndef FANBENCH_PCAP_TRACK_CODES_H
#define FANBENCH_PCAP_TRACK_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "pcap-tools/track/conn.h"

/* "FLOW_CONTROL_ERROR (0x3)"; an unknown code is the number alone. */
#define QP_CODE_TEXT 64
const char *qp_code_stream(uint64_t code, char text[QP_CODE_TEXT]);  /* reset, STOP_SENDING */
const char *qp_code_request(uint64_t code, char text[QP_CODE_TEXT]); /* REQUEST_ERROR */
const char *qp_code_http3(uint64_t code, char text[QP_CODE_TEXT]);   /* close, reset */
/* By ALPN. */
bool qp_is_http3(const struct qp_conn *conn);
/* HTTP/3 has a code of its own for no error; what an application over any other protocol
 * means by a code nobody knows here: only MoQT's are taken for errors. */
bool qp_code_is_no_error(const struct qp_conn *conn, const struct qp_close *close);
/* Of a close; application codes have names where the connection is MoQT or HTTP/3. */
const char *qp_code_close(const struct qp_conn *conn, const struct qp_close *close,
                          char text[QP_CODE_TEXT]);
/* Whether a close is the error that a scenario names: "PROTOCOL_VIOLATION" of QUIC or of MoQT, or a
 * number as in "10" and "0xa". */
bool qp_code_is(const struct qp_close *close, const char *error);
/* "TLS_AES_128_GCM_SHA256" */
const char *qp_code_suite(uint16_t suite, char text[QP_CODE_TEXT]);

#endif
