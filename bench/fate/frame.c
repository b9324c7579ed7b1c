#include "bench/fate/frame.h"

#include <string.h>

static const char *const names[FATE_N_FRAMES] = {
    [FATE_FRAME_PADDING] = "PADDING",
    [FATE_FRAME_PING] = "PING",
    [FATE_FRAME_ACK] = "ACK",
    [FATE_FRAME_RESET_STREAM] = "RESET_STREAM",
    [FATE_FRAME_STOP_SENDING] = "STOP_SENDING",
    [FATE_FRAME_CRYPTO] = "CRYPTO",
    [FATE_FRAME_NEW_TOKEN] = "NEW_TOKEN",
    [FATE_FRAME_STREAM] = "STREAM",
    [FATE_FRAME_MAX_DATA] = "MAX_DATA",
    [FATE_FRAME_MAX_STREAM_DATA] = "MAX_STREAM_DATA",
    [FATE_FRAME_MAX_STREAMS] = "MAX_STREAMS",
    [FATE_FRAME_DATA_BLOCKED] = "DATA_BLOCKED",
    [FATE_FRAME_STREAM_DATA_BLOCKED] = "STREAM_DATA_BLOCKED",
    [FATE_FRAME_STREAMS_BLOCKED] = "STREAMS_BLOCKED",
    [FATE_FRAME_NEW_CONNECTION_ID] = "NEW_CONNECTION_ID",
    [FATE_FRAME_RETIRE_CONNECTION_ID] = "RETIRE_CONNECTION_ID",
    [FATE_FRAME_PATH_CHALLENGE] = "PATH_CHALLENGE",
    [FATE_FRAME_PATH_RESPONSE] = "PATH_RESPONSE",
    [FATE_FRAME_CONNECTION_CLOSE] = "CONNECTION_CLOSE",
    [FATE_FRAME_HANDSHAKE_DONE] = "HANDSHAKE_DONE",
    [FATE_FRAME_DATAGRAM] = "DATAGRAM",
};

/* RFC 9000 table 3, from type 0x00 on without a gap; then RFC 9221 section 4. */
static const struct {
  uint8_t first, last;
  enum fate_frame frame;
} types[] = {
    {0x00, 0x00, FATE_FRAME_PADDING},
    {0x01, 0x01, FATE_FRAME_PING},
    {0x02, 0x03, FATE_FRAME_ACK},
    {0x04, 0x04, FATE_FRAME_RESET_STREAM},
    {0x05, 0x05, FATE_FRAME_STOP_SENDING},
    {0x06, 0x06, FATE_FRAME_CRYPTO},
    {0x07, 0x07, FATE_FRAME_NEW_TOKEN},
    {0x08, 0x0f, FATE_FRAME_STREAM},
    {0x10, 0x10, FATE_FRAME_MAX_DATA},
    {0x11, 0x11, FATE_FRAME_MAX_STREAM_DATA},
    {0x12, 0x13, FATE_FRAME_MAX_STREAMS},
    {0x14, 0x14, FATE_FRAME_DATA_BLOCKED},
    {0x15, 0x15, FATE_FRAME_STREAM_DATA_BLOCKED},
    {0x16, 0x17, FATE_FRAME_STREAMS_BLOCKED},
    {0x18, 0x18, FATE_FRAME_NEW_CONNECTION_ID},
    {0x19, 0x19, FATE_FRAME_RETIRE_CONNECTION_ID},
    {0x1a, 0x1a, FATE_FRAME_PATH_CHALLENGE},
    {0x1b, 0x1b, FATE_FRAME_PATH_RESPONSE},
    {0x1c, 0x1d, FATE_FRAME_CONNECTION_CLOSE},
    {0x1e, 0x1e, FATE_FRAME_HANDSHAKE_DONE},
    {0x30, 0x31, FATE_FRAME_DATAGRAM},
};

fate_frames fate_frame_bit(uint64_t wire_type) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (wire_type >= types[i].first && wire_type <= types[i].last)
      return (fate_frames)1 << types[i].frame;
  return 0;
}

enum fate_frame fate_frame_find(const char *name) {
  unsigned i = 0;
  while (i < FATE_N_FRAMES && strcmp(names[i], name) != 0)
    i++;
  return (enum fate_frame)i;
}
