#include "pcap-tools/track/codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code {
  uint64_t code;
  const char *name;
};

static const struct code transport[] = {
    {0x00, "NO_ERROR"},
    {0x01, "INTERNAL_ERROR"},
    {0x02, "CONNECTION_REFUSED"},
    {0x03, "FLOW_CONTROL_ERROR"},
    {0x04, "STREAM_LIMIT_ERROR"},
    {0x05, "STREAM_STATE_ERROR"},
    {0x06, "FINAL_SIZE_ERROR"},
    {0x07, "FRAME_ENCODING_ERROR"},
    {0x08, "TRANSPORT_PARAMETER_ERROR"},
    {0x09, "CONNECTION_ID_LIMIT_ERROR"},
    {0x0a, "PROTOCOL_VIOLATION"},
    {0x0b, "INVALID_TOKEN"},
    {0x0c, "APPLICATION_ERROR"},
    {0x0d, "CRYPTO_BUFFER_EXCEEDED"},
    {0x0e, "KEY_UPDATE_ERROR"},
    {0x0f, "AEAD_LIMIT_REACHED"},
    {0x10, "NO_VIABLE_PATH"},
    {0x128, "TLS handshake_failure"},
    {0x12a, "TLS bad_certificate"},
    {0x12b, "TLS unsupported_certificate"},
    {0x12c, "TLS certificate_revoked"},
    {0x12d, "TLS certificate_expired"},
    {0x12e, "TLS certificate_unknown"},
    {0x12f, "TLS illegal_parameter"},
    {0x130, "TLS unknown_ca"},
    {0x132, "TLS decode_error"},
    {0x133, "TLS decrypt_error"},
    {0x146, "TLS protocol_version"},
    {0x150, "TLS internal_error"},
    {0x16d, "TLS missing_extension"},
    {0x170, "TLS unrecognized_name"},
    {0x174, "TLS certificate_required"},
    {0x178, "TLS no_application_protocol"},
};

static const struct code session[] = {
    {0x00, "NO_ERROR"},
    {0x01, "INTERNAL_ERROR"},
    {0x02, "UNAUTHORIZED"},
    {0x03, "PROTOCOL_VIOLATION"},
    {0x04, "INVALID_REQUEST_ID"},
    {0x05, "DUPLICATE_TRACK_ALIAS"},
    {0x06, "KEY_VALUE_FORMATTING_ERROR"},
    {0x08, "INVALID_PATH"},
    {0x09, "MALFORMED_PATH"},
    {0x10, "GOAWAY_TIMEOUT"},
    {0x11, "CONTROL_MESSAGE_TIMEOUT"},
    {0x12, "DATA_STREAM_TIMEOUT"},
    {0x13, "AUTH_TOKEN_CACHE_OVERFLOW"},
    {0x14, "DUPLICATE_AUTH_TOKEN_ALIAS"},
    {0x16, "MALFORMED_AUTH_TOKEN"},
    {0x17, "UNKNOWN_AUTH_TOKEN_ALIAS"},
    {0x18, "EXPIRED_AUTH_TOKEN"},
    {0x19, "INVALID_AUTHORITY"},
    {0x1a, "MALFORMED_AUTHORITY"},
    {0x1b, "TOO_MANY_REQUEST_UPDATES"},
};

static const struct code stream[] = {
    {0x0, "INTERNAL_ERROR"},     {0x1, "CANCELLED"},      {0x2, "DELIVERY_TIMEOUT"},
    {0x3, "SESSION_CLOSED"},     {0x4, "GOING_AWAY"},     {0x5, "TOO_FAR_BEHIND"},
    {0x7, "EXPIRED_AUTH_TOKEN"}, {0x9, "EXCESSIVE_LOAD"}, {0x6, "UNKNOWN_OBJECT_STATUS"},
    {0x12, "MALFORMED_TRACK"},
};

static const struct code http3[] = {
    {0x100, "H3_NO_ERROR"},
    {0x101, "H3_GENERAL_PROTOCOL_ERROR"},
    {0x102, "H3_INTERNAL_ERROR"},
    {0x103, "H3_STREAM_CREATION_ERROR"},
    {0x104, "H3_CLOSED_CRITICAL_STREAM"},
    {0x105, "H3_FRAME_UNEXPECTED"},
    {0x106, "H3_FRAME_ERROR"},
    {0x107, "H3_EXCESSIVE_LOAD"},
    {0x108, "H3_ID_ERROR"},
    {0x109, "H3_SETTINGS_ERROR"},
    {0x10a, "H3_MISSING_SETTINGS"},
    {0x10b, "H3_REQUEST_REJECTED"},
    {0x10c, "H3_REQUEST_CANCELLED"},
    {0x10d, "H3_REQUEST_INCOMPLETE"},
    {0x10e, "H3_MESSAGE_ERROR"},
    {0x10f, "H3_CONNECT_ERROR"},
    {0x110, "H3_VERSION_FALLBACK"},
    {0x200, "QPACK_DECOMPRESSION_FAILED"},
    {0x201, "QPACK_ENCODER_STREAM_ERROR"},
    {0x202, "QPACK_DECODER_STREAM_ERROR"},
};

static const struct code request[] = {
    {0x00, "INTERNAL_ERROR"}, {0x01, "UNAUTHORIZED"},         {0x02, "TIMEOUT"},
    {0x03, "NOT_SUPPORTED"},  {0x04, "MALFORMED_AUTH_TOKEN"}, {0x05, "EXPIRED_AUTH_TOKEN"},
    {0x06, "GOING_AWAY"},     {0x09, "EXCESSIVE_LOAD"},       {0x10, "DOES_NOT_EXIST"},
    {0x11, "INVALID_RANGE"},  {0x12, "MALFORMED_TRACK"},      {0x20, "UNINTERESTED"},
    {0x30, "PREFIX_OVERLAP"}, {0x31, "NAMESPACE_TOO_LARGE"},  {0x33, "UNSUPPORTED_EXTENSION"},
    {0x34, "REDIRECT"},       {0x35, "CONFLICTING_FILTERS"},  {0x36, "INVALID_FILTER"},
};

static const struct code suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256"},
    {0x1302, "TLS_AES_256_GCM_SHA384"},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
    {0x1304, "TLS_AES_128_CCM_SHA256"},
};

static const char *name(const struct code *list, size_t n, uint64_t code, char *text) {
  snprintf(text, QP_CODE_TEXT, "%#llx", (unsigned long long)code);
  for (size_t i = 0; i < n; i++)
    if (list[i].code == code)
      snprintf(text, QP_CODE_TEXT, "%s (%#llx)", list[i].name, (unsigned long long)code);
  return text;
}
#define NAME(list, code, text) name(list, sizeof(list) / sizeof *(list), code, text)

const char *qp_code_stream(uint64_t code, char text[QP_CODE_TEXT]) {
  return NAME(stream, code, text);
}

const char *qp_code_request(uint64_t code, char text[QP_CODE_TEXT]) {
  return NAME(request, code, text);
}

const char *qp_code_http3(uint64_t code, char text[QP_CODE_TEXT]) {
  return NAME(http3, code, text);
}

bool qp_is_http3(const struct qp_conn *conn) {
  const char *alpn = conn->hello.alpn_chosen[0] ? conn->hello.alpn_chosen : conn->hello.alpn;
  return !strncmp(alpn, "h3", 2);
}

bool qp_code_is_no_error(const struct qp_conn *conn, const struct qp_close *close) {
  if (!close->code || !close->application || conn->moqt)
    return !close->code;
  return !qp_is_http3(conn) || close->code == 0x100;
}

const char *qp_code_close(const struct qp_conn *conn, const struct qp_close *close,
                          char text[QP_CODE_TEXT]) {
  if (!close->application)
    return NAME(transport, close->code, text);
  if (conn->moqt)
    return NAME(session, close->code, text);
  return qp_is_http3(conn) ? qp_code_http3(close->code, text) : name(NULL, 0, close->code, text);
}

static bool is_named(const struct code *list, size_t n, uint64_t code, const char *name_) {
  for (size_t i = 0; i < n; i++)
    if (list[i].code == code && !strcmp(list[i].name, name_))
      return true;
  return false;
}

bool qp_code_is(const struct qp_close *close, const char *error) {
  char *end;
  uint64_t number = strtoull(error, &end, 0);
  if (*error && !*end)
    return close->code == number;
  return close->application
             ? is_named(session, sizeof session / sizeof *session, close->code, error)
             : is_named(transport, sizeof transport / sizeof *transport, close->code, error);
}

const char *qp_code_suite(uint16_t suite, char text[QP_CODE_TEXT]) {
  NAME(suites, suite, text);
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
    if (suites[i].code == suite)
      return suites[i].name;
  return text;
}
