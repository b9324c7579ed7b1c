/* The slow path's own 1-RTT packets: STREAM, DATAGRAM, RESET_STREAM, PING in a
 * header with a 4-byte joint number. The bytes are clear; qc_seal() protects
 * them. Sans-IO, no allocation.
 *
 * builder_begin(), then pieces until one does not fit, then builder_end(), which
 * pads so that header protection can sample (RFC 9001 5.4.2). */
#ifndef FANBENCH_RELAY_FANOUT_BUILDER_H
#define FANBENCH_RELAY_FANOUT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct builder {
  uint8_t *buf;
  size_t room; /* UDP payload bytes, without the 16-byte tag */
  size_t hdr_len, len;
};

/* room is the largest UDP payload allowed, tag included. */
void builder_begin(struct builder *b, uint8_t *buf, size_t room, const uint8_t *dcid,
                   size_t dcid_len, bool spin, bool phase, uint64_t pn);

/* Data bytes of a STREAM frame that still fit (0: not even an empty one: then -1). */
long builder_stream_room(const struct builder *b, uint64_t sid, uint64_t offset);

/* Return false if it does not fit; nothing is written then. */
bool builder_stream(struct builder *b, uint64_t sid, uint64_t offset, const uint8_t *data,
                    size_t len, bool fin);
bool builder_datagram(struct builder *b, const uint8_t *data, size_t len);
bool builder_reset_stream(struct builder *b, uint64_t sid, uint64_t code, uint64_t final_size);
bool builder_ping(struct builder *b);

bool builder_is_empty(const struct builder *b);
/* Pads; *payload_len gets the bytes behind the header. Returns the header's length. */
size_t builder_end(struct builder *b, size_t *payload_len);

#endif
