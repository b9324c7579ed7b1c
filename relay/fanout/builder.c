#include "relay/fanout/builder.h"

#include <string.h>

#include "bpf/wire/frame_type.h"
#include "bpf/wire/short_header.h"
#include "bpf/wire/varint.h"

#define PN_LEN  4
#define TAG_LEN 16

void builder_begin(struct builder *b, uint8_t *buf, size_t room, const uint8_t *dcid,
                   size_t dcid_len, bool spin, bool phase, uint64_t pn) {
  b->buf = buf;
  b->hdr_len = wire_short_header_len(dcid_len, PN_LEN);
  b->len = b->hdr_len;
  /* Too small for a header: then nothing fits behind it. */
  b->room = room > b->hdr_len + TAG_LEN ? room - TAG_LEN : b->hdr_len;
  buf[0] = wire_short_first(spin, phase, PN_LEN);
  if (dcid_len)
    memcpy(buf + 1, dcid, dcid_len);
  wire_store_be(buf + 1 + dcid_len, PN_LEN, pn);
}

static size_t left(const struct builder *b) {
  return b->room - b->len;
}

static void put(struct builder *b, uint64_t v) {
  b->len += wire_varint_put(b->buf + b->len, v);
}

static void put_bytes(struct builder *b, const uint8_t *data, size_t len) {
  if (len)
    memcpy(b->buf + b->len, data, len);
  b->len += len;
}

/* Type, stream ID and offset of a STREAM frame; 0 = a value is no varint. */
static size_t stream_head_len(uint64_t sid, uint64_t offset) {
  size_t sid_len = wire_varint_len(sid), offset_len = offset ? wire_varint_len(offset) : 0;

  return sid_len && (!offset || offset_len) ? 1 + sid_len + offset_len : 0;
}

long builder_stream_room(const struct builder *b, uint64_t sid, uint64_t offset) {
  size_t head = stream_head_len(sid, offset), room, length_len;

  if (!head || head + 1 > left(b))
    return -1;
  room = left(b) - head;
  length_len = wire_varint_len(room);
  /* Near a border of the length field, what it takes makes a shorter one do. */
  while (length_len > 1 && wire_varint_len(room - length_len) < length_len)
    length_len /= 2;
  room -= length_len;
  /* The shorter field cannot say as much as there is room for. */
  if (wire_varint_len(room) > length_len)
    room = (1ul << (8 * length_len - 2)) - 1;
  return (long)(offset + room > WIRE_VARINT_MAX ? WIRE_VARINT_MAX - offset : room);
}

bool builder_stream(struct builder *b, uint64_t sid, uint64_t offset, const uint8_t *data,
                    size_t len, bool fin) {
  long room = builder_stream_room(b, sid, offset);

  if (room < 0 || len > (size_t)room)
    return false;
  b->buf[b->len++] = (uint8_t)(WIRE_STREAM | WIRE_STREAM_LEN | (offset ? WIRE_STREAM_OFF : 0) |
                               (fin ? WIRE_STREAM_FIN : 0));
  put(b, sid);
  if (offset)
    put(b, offset);
  put(b, len);
  put_bytes(b, data, len);
  return true;
}

bool builder_datagram(struct builder *b, const uint8_t *data, size_t len) {
  size_t length_len = wire_varint_len(len);

  if (!length_len || len > left(b) || 1 + length_len + len > left(b))
    return false;
  b->buf[b->len++] = WIRE_DATAGRAM_LEN;
  put(b, len);
  put_bytes(b, data, len);
  return true;
}

bool builder_reset_stream(struct builder *b, uint64_t sid, uint64_t code, uint64_t final_size) {
  size_t sid_len = wire_varint_len(sid), code_len = wire_varint_len(code);
  size_t size_len = wire_varint_len(final_size);

  if (!sid_len || !code_len || !size_len || 1 + sid_len + code_len + size_len > left(b))
    return false;
  b->buf[b->len++] = WIRE_RESET_STREAM;
  put(b, sid);
  put(b, code);
  put(b, final_size);
  return true;
}

bool builder_ping(struct builder *b) {
  if (left(b) == 0)
    return false;
  b->buf[b->len++] = WIRE_PING;
  return true;
}

bool builder_is_empty(const struct builder *b) {
  return b->len == b->hdr_len;
}

size_t builder_end(struct builder *b, size_t *payload_len) {
  /* With a 4-byte number any payload can be sampled, but an empty one is no
   * packet (RFC 9000 12.4). The tag's place is still free. */
  if (builder_is_empty(b))
    b->buf[b->len++] = WIRE_PADDING;
  *payload_len = b->len - b->hdr_len;
  return b->hdr_len;
}
