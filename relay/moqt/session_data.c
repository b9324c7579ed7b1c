/* Incoming data: which unidirectional stream is what, and datagrams. */
#include <stdlib.h>
#include <string.h>

#include "bpf/wire/moqt_data.h"
#include "relay/moqt/object.h"
#include "relay/moqt/session_state.h"

/* A client that offers more tracks than this after being told no is at fault. */
#define REFUSED_MAX 1024

static bool is_refused(const struct moqt_session *s, uint64_t alias) {
  for (size_t i = 0; i < s->n_refused; i++)
    if (s->refused_aliases[i] == alias)
      return true;
  return false;
}

bool moqt_alias_refuse(struct moqt_session *s, uint64_t alias) {
  if (is_refused(s, alias))
    return true;
  if (s->n_refused == REFUSED_MAX)
    return false;
  if (s->n_refused == s->room_refused) {
    const size_t room = s->room_refused ? 2 * s->room_refused : 8;
    uint64_t *grown = realloc(s->refused_aliases, room * sizeof(*grown));
    if (!grown)
      return false;
    s->refused_aliases = grown;
    s->room_refused = room;
  }
  s->refused_aliases[s->n_refused++] = alias;
  return true;
}

static void pass_on(struct moqt_session *s, struct moqt_incoming *in, const uint8_t *data,
                    size_t len, bool fin) {
  const uint64_t off = in->off;

  in->off += len;
  if (s->config.events->data)
    s->config.events->data(s->config.app, in->sid, off, data, len, fin);
}

/* What begins with these bytes. UNKNOWN: more are needed, or the session was
 * closed. */
static enum moqt_incoming_kind sort(struct moqt_session *s, const struct moqt_incoming *in,
                                    const uint8_t *data, size_t len) {
  uint64_t type, alias;
  const size_t n = wire_vi64_get(data, len, &type);

  if (n == 0)
    return MOQT_STREAM_UNKNOWN;
  if (type == MOQT_SETUP) {
    if (s->control_in < 0) {
      s->control_in = in->sid;
      return MOQT_STREAM_CONTROL;
    }
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "second control stream");
    return MOQT_STREAM_UNKNOWN;
  }
  if (type == MOQT_PADDING_STREAM)
    return MOQT_STREAM_DISCARD;
  if (type == MOQT_FETCH_HEADER) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "fetch stream, but nothing was fetched");
    return MOQT_STREAM_UNKNOWN;
  }
  if (!wire_is_subgroup(type) || (type & WIRE_SG_ID_MODE) == WIRE_SG_ID_MODE) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "unknown stream type or bad subgroup flags");
    return MOQT_STREAM_UNKNOWN;
  }
  if (wire_vi64_get(data + n, len - n, &alias) == 0)
    return MOQT_STREAM_UNKNOWN;
  if (is_refused(s, alias)) {
    s->config.ops->stop(s->config.ops_arg, in->sid, MOQT_RESET_CANCELLED);
    return MOQT_STREAM_DISCARD;
  }
  return MOQT_STREAM_DATA;
}

static void unsorted_in(struct moqt_session *s, struct moqt_incoming *in, const uint8_t *data,
                        size_t len, bool fin) {
  size_t taken = MOQT_HEAD_MAX - in->head_len < len ? MOQT_HEAD_MAX - in->head_len : len;

  /* Usually the whole head comes at once and need not be copied. */
  if (in->head_len == 0) {
    in->kind = sort(s, in, data, len);
    if (in->kind == MOQT_STREAM_DATA)
      pass_on(s, in, data, len, fin);
    if (in->kind != MOQT_STREAM_UNKNOWN || s->closed)
      return;
  }
  if (taken)
    memcpy(in->head + in->head_len, data, taken);
  in->kind = sort(s, in, in->head, in->head_len + taken);
  if (in->kind == MOQT_STREAM_CONTROL || s->closed)
    return; /* head holds what came before this piece */
  in->head_len += taken;
  switch (in->kind) {
  case MOQT_STREAM_UNKNOWN:
    if (fin)
      moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "stream ended inside its header");
    return;
  case MOQT_STREAM_DATA:
    pass_on(s, in, in->head, in->head_len, fin && taken == len);
    if (taken < len && !s->closed)
      pass_on(s, in, data + taken, len - taken, fin);
    return;
  default:
    return;
  }
}

void moqt_data_in(struct moqt_session *s, struct moqt_incoming *in, const uint8_t *data, size_t len,
                  bool fin) {
  switch (in->kind) {
  case MOQT_STREAM_UNKNOWN:
    unsorted_in(s, in, data, len, fin);
    return;
  case MOQT_STREAM_DATA:
    pass_on(s, in, data, len, fin);
    return;
  default:
    return;
  }
}

void moqt_datagram_in(struct moqt_session *s, const uint8_t *data, size_t len) {
  struct wire_cursor at = wire_cursor(data, 0, len);
  struct wire_datagram_header header;

  if (s->closed)
    return;
  switch (wire_datagram_header_get(&at, &header)) {
  case WIRE_MOQT_OTHER:
    return; /* padding */
  case WIRE_MOQT_OK:
    break;
  default:
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "unknown datagram type or malformed datagram");
    return;
  }
  if ((header.flags & WIRE_DG_STATUS) && !moqt_status_valid(header.status)) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "datagram with an unknown object status");
    return;
  }
  if ((header.flags & WIRE_DG_STATUS) && header.payload_at != len) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "datagram with both status and payload");
    return;
  }
  if (is_refused(s, header.alias.v))
    return;
  moqt_enter(s);
  if (s->config.events->datagram)
    s->config.events->datagram(s->config.app, data, len);
  moqt_leave(s);
}
