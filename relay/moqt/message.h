/* Control messages of MoQT: framing, decoding, encoding.
 *
 * Framing: type (vi64), length (16 bits, big-endian), body. A decoded message
 * points into the body; it lives as long as the bytes do.
 *
 * Decoding answers with 0 or with the session code that the error calls for.
 * Requests that this subset refuses are decoded as far as the session needs
 * them (request ID, names, alias) and checked whole.
 *
 * Source: draft-ietf-moq-transport-20, section 9. */
#ifndef FANBENCH_RELAY_MOQT_MESSAGE_H
#define FANBENCH_RELAY_MOQT_MESSAGE_H

#include "relay/moqt/codes.h"
#include "relay/moqt/name.h"
#include "relay/moqt/params.h"

#define MOQT_BODY_MAX   65535
#define MOQT_REASON_MAX 1024
#define MOQT_URI_MAX    8192

struct moqt_message {
  uint64_t type; /* enum moqt_message_type */
  uint64_t request_id;
  struct moqt_name name; /* or a bare namespace */
  uint64_t alias;        /* SUBSCRIBE_OK, PUBLISH */
  struct moqt_params params;
  struct moqt_properties properties; /* SUBSCRIBE_OK, REQUEST_OK, PUBLISH; writing: raw counts */
  uint64_t code;                     /* REQUEST_ERROR, PUBLISH_DONE status */
  uint64_t retry;                    /* REQUEST_ERROR: 0 = never, else wait value-1 ms */
  uint64_t streams;                  /* PUBLISH_DONE */
  uint64_t timeout_ms;               /* GOAWAY */
  struct moqt_bytes reason, uri;
  struct moqt_setup setup;
};

/* Where the message stands, as far as decoding depends on it. */
struct moqt_context {
  bool from_client;
  enum moqt_param_place place; /* of REQUEST_UPDATE and REQUEST_OK; others know theirs */
};

/* Reads the frame at data: type and where the body lies. Returns its whole
 * length, 0 if bytes are missing. */
size_t moqt_frame_read(const uint8_t *data, size_t len, uint64_t *type, struct moqt_bytes *body);

/* Decodes a body that must be used up exactly. Returns 0 or a session code,
 * with *why saying what is wrong. Types of no message are PROTOCOL_VIOLATION. */
uint64_t moqt_message_read(uint64_t type, struct moqt_bytes body,
                           const struct moqt_context *context, struct moqt_message *message,
                           const char **why);

/* Writes frame and body. Returns the length, 0 if room is short, the body
 * would be over 65,535 bytes or the type is none that fanbench sends. */
size_t moqt_message_write(uint8_t *buf, size_t room, const struct moqt_message *message);

#endif
