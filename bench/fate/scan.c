#include "bench/fate/scan.h"

#include <stdbool.h>

#define TAG_LEN 16

/* After an error nothing more is read: at == end. */
struct reader {
  const uint8_t *at, *end;
  bool wrong;
};

static void fail(struct reader *r) {
  r->wrong = true;
  r->at = r->end;
}

static void skip(struct reader *r, uint64_t len) {
  if (len > (uint64_t)(r->end - r->at))
    fail(r);
  else
    r->at += len;
}

static uint64_t varint(struct reader *r) {
  if (r->at == r->end) {
    fail(r);
    return 0;
  }
  const unsigned len = 1u << (*r->at >> 6);
  uint64_t value = *r->at & 0x3f;
  if ((size_t)(r->end - r->at) < len) {
    fail(r);
    return 0;
  }
  for (unsigned i = 1; i < len; i++)
    value = value << 8 | r->at[i];
  r->at += len;
  return value;
}

static void varints(struct reader *r, unsigned n) {
  while (n-- > 0)
    varint(r);
}

static void skip_ack(struct reader *r, bool ecn) {
  varints(r, 2);
  uint64_t ranges = varint(r);
  varints(r, 1);
  for (; ranges > 0 && !r->wrong; ranges--)
    varints(r, 2);
  varints(r, ecn ? 3 : 0);
}

static void skip_stream(struct reader *r, unsigned type) {
  varints(r, type & 0x04 ? 2 : 1);
  if (type & 0x02)
    skip(r, varint(r));
  else
    r->at = r->end;
}

static void skip_new_connection_id(struct reader *r) {
  varints(r, 2);
  skip(r, r->at < r->end ? 1 + (uint64_t)*r->at + 16 : 1);
}

static void skip_close(struct reader *r, bool transport) {
  varints(r, transport ? 2 : 1);
  skip(r, varint(r));
}

/* The fields behind the type. */
static void skip_frame(struct reader *r, uint64_t type, enum fate_frame frame) {
  switch (frame) {
  case FATE_FRAME_PADDING:
  case FATE_FRAME_PING:
  case FATE_FRAME_HANDSHAKE_DONE:
    return;
  case FATE_FRAME_ACK:
    skip_ack(r, type & 1);
    return;
  case FATE_FRAME_RESET_STREAM:
    varints(r, 3);
    return;
  case FATE_FRAME_STOP_SENDING:
  case FATE_FRAME_MAX_STREAM_DATA:
  case FATE_FRAME_STREAM_DATA_BLOCKED:
    varints(r, 2);
    return;
  case FATE_FRAME_CRYPTO:
    varints(r, 1);
    skip(r, varint(r));
    return;
  case FATE_FRAME_NEW_TOKEN:
    skip(r, varint(r));
    return;
  case FATE_FRAME_STREAM:
    skip_stream(r, (unsigned)type);
    return;
  case FATE_FRAME_MAX_DATA:
  case FATE_FRAME_MAX_STREAMS:
  case FATE_FRAME_DATA_BLOCKED:
  case FATE_FRAME_STREAMS_BLOCKED:
  case FATE_FRAME_RETIRE_CONNECTION_ID:
    varints(r, 1);
    return;
  case FATE_FRAME_NEW_CONNECTION_ID:
    skip_new_connection_id(r);
    return;
  case FATE_FRAME_PATH_CHALLENGE:
  case FATE_FRAME_PATH_RESPONSE:
    skip(r, 8);
    return;
  case FATE_FRAME_CONNECTION_CLOSE:
    skip_close(r, type == 0x1c);
    return;
  case FATE_FRAME_DATAGRAM:
    skip(r, type & 1 ? varint(r) : (uint64_t)(r->end - r->at));
    return;
  case FATE_N_FRAMES:
    fail(r);
    return;
  }
}

static fate_frames scan_frames(struct reader *r) {
  fate_frames found = 0;
  while (r->at < r->end) {
    const uint64_t type = varint(r);
    const fate_frames bit = r->wrong ? 0 : fate_frame_bit(type);
    if (bit == 0)
      return found;
    skip_frame(r, type, (enum fate_frame)__builtin_ctz(bit));
    if (!r->wrong)
      found |= bit;
  }
  return found;
}

/* To behind a long header packet with a length field; Version Negotiation and Retry
 * have none and end the datagram. */
static void skip_long(struct reader *r) {
  const unsigned type = *r->at >> 4 & 3;
  bool version = false;
  skip(r, 1);
  for (int i = 0; i < 4 && r->at < r->end; i++)
    version |= *r->at++ != 0;
  if (!version || type == 3) {
    fail(r);
    return;
  }
  for (int i = 0; i < 2; i++) /* both connection IDs */
    skip(r, r->at < r->end ? 1 + (uint64_t)*r->at : 1);
  if (type == 0)
    skip(r, varint(r));
  skip(r, varint(r));
}

fate_frames scan_datagram(const uint8_t *payload, size_t len, size_t cid_len) {
  struct reader r = {.at = payload, .end = payload + len};
  while (r.at < r.end && *r.at & 0x80)
    skip_long(&r);
  if (r.at == r.end || (*r.at & 0x40) == 0 || (size_t)(r.end - r.at) < TAG_LEN)
    return 0;
  r.end -= TAG_LEN;
  skip(&r, r.at < r.end ? 1 + cid_len + (*r.at & 3u) + 1 : 1);
  return scan_frames(&r);
}
