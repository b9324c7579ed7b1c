/* Frame types by which a fault chooses packets: RFC 9000 section 19, RFC 9221.
 * Types that differ only in flags are one (STREAM, ACK, DATAGRAM ...). */
#ifndef FANBENCH_FATE_FRAME_H
#define FANBENCH_FATE_FRAME_H

#include <stdint.h>

enum fate_frame {
  FATE_FRAME_PADDING,
  FATE_FRAME_PING,
  FATE_FRAME_ACK,
  FATE_FRAME_RESET_STREAM,
  FATE_FRAME_STOP_SENDING,
  FATE_FRAME_CRYPTO,
  FATE_FRAME_NEW_TOKEN,
  FATE_FRAME_STREAM,
  FATE_FRAME_MAX_DATA,
  FATE_FRAME_MAX_STREAM_DATA,
  FATE_FRAME_MAX_STREAMS,
  FATE_FRAME_DATA_BLOCKED,
  FATE_FRAME_STREAM_DATA_BLOCKED,
  FATE_FRAME_STREAMS_BLOCKED,
  FATE_FRAME_NEW_CONNECTION_ID,
  FATE_FRAME_RETIRE_CONNECTION_ID,
  FATE_FRAME_PATH_CHALLENGE,
  FATE_FRAME_PATH_RESPONSE,
  FATE_FRAME_CONNECTION_CLOSE,
  FATE_FRAME_HANDSHAKE_DONE,
  FATE_FRAME_DATAGRAM,
  FATE_N_FRAMES,
};

/* A set of them: bit 1 << enum fate_frame. */
typedef uint32_t fate_frames;

/* The type on the wire -> its one bit, or 0 for a type of neither RFC. */
fate_frames fate_frame_bit(uint64_t wire_type);

/* "ACK" -> FATE_FRAME_ACK; FATE_N_FRAMES for any other text. */
enum fate_frame fate_frame_find(const char *name);

#endif
