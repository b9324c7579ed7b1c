#include "pcap-tools/qlog/frames.h"

#include <stdio.h>

/* Index: the code, RFC 9000 20.1. */
static const char *const errors[] = {
    "no_error",
    "internal_error",
    "connection_refused",
    "flow_control_error",
    "stream_limit_error",
    "stream_state_error",
    "final_size_error",
    "frame_encoding_error",
    "transport_parameter_error",
    "connection_id_limit_error",
    "protocol_violation",
    "invalid_token",
    "application_error",
    "crypto_buffer_exceeded",
    "key_update_error",
    "aead_limit_reached",
    "no_viable_path",
};

const char *qp_qlog_error(uint64_t code, char text[QP_QLOG_ERROR]) {
  if (code < sizeof errors / sizeof *errors)
    return errors[code];
  if (code < 0x100 || code > 0x1ff)
    return "unknown";
  snprintf(text, QP_QLOG_ERROR, "crypto_error_0x%03x", (unsigned)code);
  return text;
}

void qp_qlog_reason(struct qp_json *j, const uint8_t *reason, size_t len, bool hex_too) {
  bool prints = true;
  for (size_t i = 0; i < len; i++)
    prints = prints && reason[i] >= ' ' && reason[i] < 0x7f;
  if (len && prints)
    qp_json_text_bytes(j, "reason", reason, len);
  else if (len && hex_too)
    qp_json_hex(j, "reason_bytes", reason, len);
}

static void raw(struct qp_json *j, uint64_t len) {
  qp_json_open(j, "raw", '{');
  qp_json_number(j, "length", len);
  qp_json_number(j, "payload_length", len);
  qp_json_close(j, '}');
}

static void ack(struct qp_json *j, struct qp_quic_frame *f, uint64_t exponent) {
  static const char *const counts[] = {"ect0", "ect1", "ce"};
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi, us = f->ack.delay;
  if (exponent > 20 || us > UINT64_MAX >> exponent)
    us = UINT64_MAX; /* more than any delay */
  else
    us <<= exponent;
  qp_json_decimal(j, "ack_delay", us, 3);
  qp_json_open(j, "acked_ranges", '[');
  while (qp_ack_next(f, &walk, &lo, &hi)) {
    qp_json_open(j, NULL, '[');
    qp_json_number(j, NULL, lo);
    if (hi != lo)
      qp_json_number(j, NULL, hi);
    qp_json_close(j, ']');
  }
  qp_json_close(j, ']');
  if (f->type == QP_F_ACK)
    return;
  struct qp_cur c = qp_cur(f->ack.ranges.end, (size_t)(f->start + f->len - f->ack.ranges.end));
  for (int i = 0; i < 3; i++)
    qp_json_number(j, counts[i], qp_varint(&c));
}

static void stream(struct qp_json *j, enum qp_dialect dialect, const struct qp_quic_frame *f) {
  bool is_crypto = f->kind == QP_F_CRYPTO;
  if (!is_crypto)
    qp_json_number(j, "stream_id", f->stream.id);
  qp_json_number(j, "offset", f->stream.offset);
  if (f->stream.fin)
    qp_json_bool(j, "fin", true);
  if (dialect == QP_QLOG_QVIS || (dialect == QP_QLOG_HYBRID && !is_crypto))
    qp_json_number(j, "length", f->stream.len);
  raw(j, f->stream.len);
}

static void reset(struct qp_json *j, const struct qp_quic_frame *f) {
  qp_json_number(j, "stream_id", f->reset.id);
  qp_json_text(j, "error", "unknown"); /* the drafts name no application's errors */
  qp_json_number(j, "error_code", f->reset.code);
  if (f->kind != QP_F_STOP_SENDING)
    qp_json_number(j, "final_size", f->reset.final_size);
  if (f->kind == QP_F_RESET_STREAM_AT)
    qp_json_number(j, "reliable_size", f->reset.reliable_size);
}

static void new_cid(struct qp_json *j, const struct qp_quic_frame *f) {
  qp_json_number(j, "sequence_number", f->new_cid.sequence);
  qp_json_number(j, "retire_prior_to", f->new_cid.retire_prior_to);
  qp_json_number(j, "connection_id_length", f->new_cid.cid.len);
  qp_json_hex(j, "connection_id", f->new_cid.cid.data, f->new_cid.cid.len);
  if (f->new_cid.token)
    qp_json_hex(j, "stateless_reset_token", f->new_cid.token, 16);
}

static void conn_close(struct qp_json *j, const struct qp_quic_frame *f) {
  char text[QP_QLOG_ERROR];
  bool transport = f->kind == QP_F_CONNECTION_CLOSE;
  qp_json_text(j, "error_space", transport ? "transport" : "application");
  qp_json_text(j, "error", transport ? qp_qlog_error(f->close.code, text) : "unknown");
  qp_json_number(j, "error_code", f->close.code);
  qp_qlog_reason(j, f->close.reason, (size_t)f->close.reason_len, true);
  if (transport)
    qp_json_number(j, "trigger_frame_type", f->close.frame_type);
}

static void token(struct qp_json *j, const struct qp_quic_frame *f) {
  qp_json_open(j, "token", '{');
  qp_json_open(j, "raw", '{');
  qp_json_number(j, "length", f->bytes.len);
  qp_json_hex(j, "data", f->bytes.data, (size_t)f->bytes.len);
  qp_json_close(j, '}');
  qp_json_close(j, '}');
}

static void limit(struct qp_json *j, const struct qp_quic_frame *f) {
  bool uni = f->kind == QP_F_MAX_STREAMS_UNI || f->kind == QP_F_STREAMS_BLOCKED_UNI;
  bool streams = uni || f->kind == QP_F_MAX_STREAMS_BIDI || f->kind == QP_F_STREAMS_BLOCKED_BIDI;
  bool blocked = f->kind >= QP_F_DATA_BLOCKED;
  if (streams)
    qp_json_text(j, "stream_type", uni ? "unidirectional" : "bidirectional");
  if (f->kind == QP_F_MAX_STREAM_DATA || f->kind == QP_F_STREAM_DATA_BLOCKED)
    qp_json_number(j, "stream_id", f->limit.id);
  qp_json_number(j, blocked ? "limit" : "maximum", f->limit.value);
}

static const char *name_of(uint64_t kind) {
  switch (kind) {
  case QP_F_PADDING:
    return "padding";
  case QP_F_PING:
    return "ping";
  case QP_F_ACK:
    return "ack";
  case QP_F_RESET_STREAM:
    return "reset_stream";
  case QP_F_RESET_STREAM_AT:
    return "reset_stream_at";
  case QP_F_STOP_SENDING:
    return "stop_sending";
  case QP_F_CRYPTO:
    return "crypto";
  case QP_F_NEW_TOKEN:
    return "new_token";
  case QP_F_STREAM:
    return "stream";
  case QP_F_MAX_DATA:
    return "max_data";
  case QP_F_MAX_STREAM_DATA:
    return "max_stream_data";
  case QP_F_MAX_STREAMS_BIDI:
  case QP_F_MAX_STREAMS_UNI:
    return "max_streams";
  case QP_F_DATA_BLOCKED:
    return "data_blocked";
  case QP_F_STREAM_DATA_BLOCKED:
    return "stream_data_blocked";
  case QP_F_STREAMS_BLOCKED_BIDI:
  case QP_F_STREAMS_BLOCKED_UNI:
    return "streams_blocked";
  case QP_F_NEW_CONNECTION_ID:
    return "new_connection_id";
  case QP_F_RETIRE_CONNECTION_ID:
    return "retire_connection_id";
  case QP_F_PATH_CHALLENGE:
    return "path_challenge";
  case QP_F_PATH_RESPONSE:
    return "path_response";
  case QP_F_CONNECTION_CLOSE:
  case QP_F_CONNECTION_CLOSE_APP:
    return "connection_close";
  case QP_F_HANDSHAKE_DONE:
    return "handshake_done";
  case QP_F_DATAGRAM:
    return "datagram";
  default: /* the drafts have no ACK_FREQUENCY and IMMEDIATE_ACK */
    return "unknown";
  }
}

void qp_qlog_frame(struct qp_json *j, enum qp_dialect dialect, struct qp_quic_frame *f,
                   uint64_t ack_exponent) {
  const char *name = name_of(f->kind);
  qp_json_open(j, NULL, '{');
  qp_json_text(j, "frame_type", name);
  switch (f->kind) {
  case QP_F_PADDING:
    raw(j, f->len);
    break;
  case QP_F_ACK:
    ack(j, f, ack_exponent);
    break;
  case QP_F_STREAM:
  case QP_F_CRYPTO:
    stream(j, dialect, f);
    break;
  case QP_F_DATAGRAM:
    if (dialect == QP_QLOG_QVIS)
      qp_json_number(j, "length", f->bytes.len);
    raw(j, f->bytes.len);
    break;
  case QP_F_RESET_STREAM:
  case QP_F_RESET_STREAM_AT:
  case QP_F_STOP_SENDING:
    reset(j, f);
    break;
  case QP_F_NEW_TOKEN:
    token(j, f);
    break;
  case QP_F_NEW_CONNECTION_ID:
    new_cid(j, f);
    break;
  case QP_F_RETIRE_CONNECTION_ID:
    qp_json_number(j, "sequence_number", f->limit.value);
    break;
  case QP_F_PATH_CHALLENGE:
  case QP_F_PATH_RESPONSE:
    qp_json_hex(j, "data", f->bytes.data, (size_t)f->bytes.len);
    break;
  case QP_F_CONNECTION_CLOSE:
  case QP_F_CONNECTION_CLOSE_APP:
    conn_close(j, f);
    break;
  case QP_F_PING:
  case QP_F_HANDSHAKE_DONE:
    break;
  default:
    if (name[0] == 'u') {
      qp_json_number(j, "frame_type_bytes", f->type);
      raw(j, f->len);
    } else {
      limit(j, f);
    }
  }
  qp_json_close(j, '}');
}
