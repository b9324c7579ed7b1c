/* Frame types (RFC 9000 section 12.4 and 19, RFC 9221 section 4) and where they may
 * stand. */
#ifndef FANBENCH_BPF_WIRE_FRAME_TYPE_H
#define FANBENCH_BPF_WIRE_FRAME_TYPE_H

#include "bpf/wire/cursor.h"

enum wire_frame_type {
  WIRE_PADDING = 0x00,
  WIRE_PING = 0x01,
  WIRE_ACK = 0x02,
  WIRE_ACK_ECN = 0x03,
  WIRE_RESET_STREAM = 0x04,
  WIRE_STOP_SENDING = 0x05,
  WIRE_CRYPTO = 0x06,
  WIRE_NEW_TOKEN = 0x07,
  WIRE_STREAM = 0x08, /* to 0x0f, with the bits below */
  WIRE_STREAM_FIN = 0x01,
  WIRE_STREAM_LEN = 0x02,
  WIRE_STREAM_OFF = 0x04,
  WIRE_MAX_DATA = 0x10,
  WIRE_MAX_STREAM_DATA = 0x11,
  WIRE_MAX_STREAMS_BIDI = 0x12,
  WIRE_MAX_STREAMS_UNI = 0x13,
  WIRE_DATA_BLOCKED = 0x14,
  WIRE_STREAM_DATA_BLOCKED = 0x15,
  WIRE_STREAMS_BLOCKED_BIDI = 0x16,
  WIRE_STREAMS_BLOCKED_UNI = 0x17,
  WIRE_NEW_CONNECTION_ID = 0x18,
  WIRE_RETIRE_CONNECTION_ID = 0x19,
  WIRE_PATH_CHALLENGE = 0x1a,
  WIRE_PATH_RESPONSE = 0x1b,
  WIRE_CONNECTION_CLOSE = 0x1c,
  WIRE_CONNECTION_CLOSE_APP = 0x1d,
  WIRE_HANDSHAKE_DONE = 0x1e,
  WIRE_DATAGRAM = 0x30,
  WIRE_DATAGRAM_LEN = 0x31,
};
#define WIRE_FRAME_TYPE_MAX 0x31

#define WIRE_CID_MAX         20
#define WIRE_RESET_TOKEN_LEN 16
#define WIRE_PATH_DATA_LEN   8
/* Stream counts above 2^60 could not be written as stream IDs (RFC 9000 4.6). */
#define WIRE_STREAMS_MAX (1ull << 60)

WIRE_INLINE int wire_is_stream(uint64_t type) {
  return (type & ~7ull) == WIRE_STREAM;
}
WIRE_INLINE int wire_is_datagram(uint64_t type) {
  return (type & ~1ull) == WIRE_DATAGRAM;
}

/* Two low bits of a stream ID (RFC 9000 2.1). */
#define WIRE_STREAM_SERVER 1 /* opened by the server */
#define WIRE_STREAM_UNI    2 /* unidirectional */

/* Fields of the frames that consist of numbers alone, in their order on the wire;
 * 0 for all other frames. */
enum wire_frame_shape {
  WIRE_SHAPE_ID = 1,
  WIRE_SHAPE_CODE = 2,
  WIRE_SHAPE_LIMIT = 4,
  WIRE_SHAPE_STREAMS = 8, /* the limit counts streams */
};

WIRE_INLINE unsigned wire_frame_shape(uint64_t type) {
  switch (type) {
  case WIRE_RESET_STREAM:
    return WIRE_SHAPE_ID | WIRE_SHAPE_CODE | WIRE_SHAPE_LIMIT;
  case WIRE_STOP_SENDING:
    return WIRE_SHAPE_ID | WIRE_SHAPE_CODE;
  case WIRE_MAX_STREAM_DATA:
  case WIRE_STREAM_DATA_BLOCKED:
    return WIRE_SHAPE_ID | WIRE_SHAPE_LIMIT;
  case WIRE_MAX_DATA:
  case WIRE_DATA_BLOCKED:
    return WIRE_SHAPE_LIMIT;
  case WIRE_MAX_STREAMS_BIDI:
  case WIRE_MAX_STREAMS_UNI:
  case WIRE_STREAMS_BLOCKED_BIDI:
  case WIRE_STREAMS_BLOCKED_UNI:
    return WIRE_SHAPE_LIMIT | WIRE_SHAPE_STREAMS;
  case WIRE_RETIRE_CONNECTION_ID:
    return WIRE_SHAPE_ID;
  default:
    return 0;
  }
}

/* 1 if only a server sends it: a server that receives one closes the connection
 * (RFC 9000 19.7, 19.20). */
WIRE_INLINE int wire_frame_server_only(uint64_t type) {
  return type == WIRE_NEW_TOKEN || type == WIRE_HANDSHAKE_DONE;
}

#endif
