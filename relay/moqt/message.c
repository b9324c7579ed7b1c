#include "relay/moqt/message.h"

#include <string.h>

#define FRAME_HEAD (WIRE_VI64_MAX_LEN + 2)

static uint64_t violation(const char **why, const char *text) {
  *why = text;
  return MOQT_PROTOCOL_VIOLATION;
}

size_t moqt_frame_read(const uint8_t *data, size_t len, uint64_t *type, struct moqt_bytes *body) {
  const size_t n = wire_vi64_get(data, len, type);
  size_t body_len;

  if (n == 0 || len - n < 2)
    return 0;
  body_len = (size_t)data[n] << 8 | data[n + 1];
  if (len - n - 2 < body_len)
    return 0;
  *body = (struct moqt_bytes){.data = data + n + 2, .len = body_len};
  return n + 2 + body_len;
}

/* ---- decoding --------------------------------------------------------------------- */

static uint64_t read_goaway(struct wire_cursor *at, const struct moqt_context *context,
                            struct moqt_message *m, const char **why) {
  if (!moqt_bytes_read(at, &m->uri) || m->uri.len > MOQT_URI_MAX)
    return violation(why, "GOAWAY: URI cut or too long");
  if (context->from_client && m->uri.len)
    return violation(why, "GOAWAY: URI from a client");
  if (!wire_get_vi64(at, &m->timeout_ms))
    return violation(why, "GOAWAY: timeout cut");
  return 0;
}

static uint64_t read_reason(struct wire_cursor *at, struct moqt_message *m, const char **why) {
  if (!moqt_bytes_read(at, &m->reason) || m->reason.len > MOQT_REASON_MAX)
    return violation(why, "reason phrase cut or above 1,024 bytes");
  return 0;
}

static uint64_t read_error(struct wire_cursor *at, const struct moqt_context *context,
                           struct moqt_message *m, const char **why) {
  uint64_t code;
  struct moqt_name target;

  if (!wire_get_vi64(at, &m->code) || !wire_get_vi64(at, &m->retry))
    return violation(why, "REQUEST_ERROR cut");
  code = read_reason(at, m, why);
  if (code || m->code != MOQT_REQ_REDIRECT)
    return code;
  if (!moqt_bytes_read(at, &m->uri) || !moqt_name_read(at, &target))
    return violation(why, "REQUEST_ERROR: redirect cut or malformed");
  if (context->from_client && m->uri.len)
    return violation(why, "REQUEST_ERROR: redirect URI from a client");
  return 0;
}

static uint64_t read_done(struct wire_cursor *at, struct moqt_message *m, const char **why) {
  if (!wire_get_vi64(at, &m->code) || !wire_get_vi64(at, &m->streams))
    return violation(why, "PUBLISH_DONE cut");
  return read_reason(at, m, why);
}

static uint64_t read_subscribe_ok(struct wire_cursor *at, struct moqt_message *m,
                                  const char **why) {
  uint64_t code;

  if (!wire_get_vi64(at, &m->alias))
    return violation(why, "SUBSCRIBE_OK: alias cut");
  code = moqt_params_read(at, MOQT_IN_SUBSCRIBE_OK, &m->params, why);
  return code ? code : moqt_properties_read(at, &m->properties, why);
}

static uint64_t read_ok(struct wire_cursor *at, const struct moqt_context *context,
                        struct moqt_message *m, const char **why) {
  const uint64_t code = moqt_params_read(at, context->place, &m->params, why);

  if (code == 0 && wire_left(at))
    return violation(why, "REQUEST_OK: properties where none are allowed");
  return code;
}

/* Requests: ID, a name or namespace, parameters. */
static uint64_t read_request(struct wire_cursor *at, bool track, enum moqt_param_place place,
                             struct moqt_message *m, const char **why) {
  if (!wire_get_vi64(at, &m->request_id))
    return violation(why, "request ID cut");
  if (track ? !moqt_name_read(at, &m->name) : !moqt_namespace_read(at, &m->name))
    return violation(why, "track name or namespace malformed");
  return moqt_params_read(at, place, &m->params, why);
}

static uint64_t read_publish(struct wire_cursor *at, struct moqt_message *m, const char **why) {
  uint64_t code;

  if (!wire_get_vi64(at, &m->request_id) || !moqt_name_read(at, &m->name) ||
      !wire_get_vi64(at, &m->alias))
    return violation(why, "PUBLISH cut or malformed");
  code = moqt_params_read(at, MOQT_IN_REFUSED, &m->params, why);
  return code ? code : moqt_properties_read(at, &m->properties, why);
}

static uint64_t read_update(struct wire_cursor *at, const struct moqt_context *context,
                            struct moqt_message *m, const char **why) {
  if (!wire_get_vi64(at, &m->request_id))
    return violation(why, "request ID cut");
  return moqt_params_read(at, context->place, &m->params, why);
}

static uint64_t read_body(struct wire_cursor *at, const struct moqt_context *context,
                          struct moqt_message *m, const char **why) {
  switch (m->type) {
  case MOQT_SETUP:
    return moqt_setup_read(at, context->from_client, &m->setup, why);
  case MOQT_GOAWAY:
    return read_goaway(at, context, m, why);
  case MOQT_SUBSCRIBE:
    return read_request(at, true, MOQT_IN_SUBSCRIBE, m, why);
  case MOQT_PUBLISH_NAMESPACE:
    return read_request(at, false, MOQT_IN_PUBLISH_NAMESPACE, m, why);
  case MOQT_FETCH:
  case MOQT_TRACK_STATUS:
    return read_request(at, true, MOQT_IN_REFUSED, m, why);
  case MOQT_SUBSCRIBE_NAMESPACE:
  case MOQT_SUBSCRIBE_TRACKS:
    return read_request(at, false, MOQT_IN_REFUSED, m, why);
  case MOQT_PUBLISH:
    return read_publish(at, m, why);
  case MOQT_SUBSCRIBE_OK:
    return read_subscribe_ok(at, m, why);
  case MOQT_REQUEST_UPDATE:
    return read_update(at, context, m, why);
  case MOQT_REQUEST_OK:
    return read_ok(at, context, m, why);
  case MOQT_REQUEST_ERROR:
    return read_error(at, context, m, why);
  case MOQT_PUBLISH_DONE:
    return read_done(at, m, why);
  case MOQT_PUBLISH_STATE_NOTIFY:
    return moqt_params_read(at, MOQT_IN_STATE_NOTIFY, &m->params, why);
  default:
    return violation(why, "unknown or unexpected message type");
  }
}

uint64_t moqt_message_read(uint64_t type, struct moqt_bytes body,
                           const struct moqt_context *context, struct moqt_message *message,
                           const char **why) {
  struct wire_cursor at = wire_cursor(body.data, 0, body.len);
  uint64_t code;

  memset(message, 0, sizeof(*message));
  message->type = type;
  code = read_body(&at, context, message, why);
  if (code == 0 && wire_left(&at))
    return violation(why, "message has bytes left over");
  return code;
}

/* ---- encoding ---------------------------------------------------------------------------- */

struct out {
  uint8_t *buf;
  size_t room, len;
  bool full;
};

static void advance(struct out *out, size_t n) {
  if (n == 0)
    out->full = true;
  out->len += n;
}

static void put_raw(struct out *out, struct moqt_bytes bytes) {
  if (out->room - out->len < bytes.len) {
    out->full = true;
    return;
  }
  if (bytes.len)
    memcpy(out->buf + out->len, bytes.data, bytes.len);
  out->len += bytes.len;
}

static void put_number(struct out *out, uint64_t v) {
  uint8_t bytes[WIRE_VI64_MAX_LEN];
  put_raw(out, (struct moqt_bytes){.data = bytes, .len = wire_vi64_put(bytes, v)});
}

static void put_bytes(struct out *out, struct moqt_bytes bytes) {
  advance(out, moqt_bytes_write(out->buf + out->len, out->room - out->len, bytes));
}

static void put_namespace(struct out *out, const struct moqt_name *name) {
  advance(out, moqt_namespace_write(out->buf + out->len, out->room - out->len, name));
}

static void put_params(struct out *out, const struct moqt_params *params) {
  advance(out, moqt_params_write(out->buf + out->len, out->room - out->len, params));
}

static bool write_body(struct out *out, const struct moqt_message *m) {
  switch (m->type) {
  case MOQT_SETUP:
    out->full = !moqt_setup_write(out->buf, out->room, &m->setup, &out->len);
    return true;
  case MOQT_GOAWAY:
    put_bytes(out, m->uri);
    put_number(out, m->timeout_ms);
    return true;
  case MOQT_SUBSCRIBE:
  case MOQT_PUBLISH_NAMESPACE:
    put_number(out, m->request_id);
    put_namespace(out, &m->name);
    if (m->type == MOQT_SUBSCRIBE)
      put_bytes(out, m->name.track);
    put_params(out, &m->params);
    return true;
  case MOQT_SUBSCRIBE_OK:
    put_number(out, m->alias);
    put_params(out, &m->params);
    put_raw(out, m->properties.raw);
    return true;
  case MOQT_REQUEST_UPDATE:
    put_number(out, m->request_id);
    put_params(out, &m->params);
    return true;
  case MOQT_REQUEST_OK:
    put_params(out, &m->params);
    return true;
  case MOQT_REQUEST_ERROR:
    put_number(out, m->code);
    put_number(out, m->retry);
    put_bytes(out, m->reason);
    return true;
  case MOQT_PUBLISH_DONE:
    put_number(out, m->code);
    put_number(out, m->streams);
    put_bytes(out, m->reason);
    return true;
  default:
    return false;
  }
}

size_t moqt_message_write(uint8_t *buf, size_t room, const struct moqt_message *message) {
  struct out out;
  size_t head;

  if (room < FRAME_HEAD)
    return 0;
  head = wire_vi64_put(buf, message->type) + 2;
  out = (struct out){.buf = buf + head, .room = room - head};
  if (!write_body(&out, message) || out.full || out.len > MOQT_BODY_MAX)
    return 0;
  buf[head - 2] = (uint8_t)(out.len >> 8);
  buf[head - 1] = (uint8_t)out.len;
  return head + out.len;
}
