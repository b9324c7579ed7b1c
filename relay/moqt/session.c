/* A session's life, its control streams, and the sorting of streams. */
#include <stdlib.h>
#include <string.h>

#include "relay/moqt/session_state.h"

/* Bytes of one stream that wait; a message has at most 65,535 and a head. */
#define BUFFER_MAX (1u << 20)
#define SEND_MAX   (MOQT_BODY_MAX + 16)

/* ---- buffers ------------------------------------------------------------------------ */

bool moqt_buffer_add(struct moqt_buffer *buffer, const uint8_t *data, size_t len) {
  if (len > BUFFER_MAX - buffer->len)
    return false;
  if (buffer->len + len > buffer->room) {
    size_t room = buffer->room ? buffer->room : 256;
    uint8_t *grown;
    while (room < buffer->len + len)
      room *= 2;
    grown = realloc(buffer->data, room);
    if (!grown)
      return false;
    buffer->data = grown;
    buffer->room = room;
  }
  if (len)
    memcpy(buffer->data + buffer->len, data, len);
  buffer->len += len;
  return true;
}

void moqt_buffer_take(struct moqt_buffer *buffer, size_t len) {
  memmove(buffer->data, buffer->data + len, buffer->len - len);
  buffer->len -= len;
}

/* ---- life ----------------------------------------------------------------------------- */

static char *copy(const char *s) {
  return strdup(s ? s : "");
}

struct moqt_session *moqt_session_new(const struct moqt_config *config) {
  struct moqt_session *s = calloc(1, sizeof(*s));

  if (!s)
    return NULL;
  s->config = *config;
  s->control_out = s->control_in = -1;
  s->next_id = config->server ? 1 : 0;
  s->id_floor = config->server ? 0 : 1;
  s->path = copy(config->path);
  s->authority = copy(config->authority);
  s->implementation = copy(config->implementation);
  if (!s->path || !s->authority || !s->implementation) {
    moqt_session_free(s);
    return NULL;
  }
  return s;
}

void moqt_session_free(struct moqt_session *s) {
  struct moqt_request *r, *next_r;
  struct moqt_incoming *in, *next_in;

  if (!s)
    return;
  HASH_ITER(hh, s->requests, r, next_r) {
    moqt_request_free(s, r);
  }
  HASH_ITER(hh, s->incoming, in, next_in) {
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not see through uthash */
    HASH_DEL(s->incoming, in);
    free(in);
  }
  free(s->control.data);
  free(s->peer_bytes);
  free(s->ids_ahead);
  free(s->refused_aliases);
  free(s->path);
  free(s->authority);
  free(s->implementation);
  free(s);
}

void moqt_session_close(struct moqt_session *s, uint64_t code, const char *why) {
  if (s->closed)
    return;
  s->closed = true;
  s->config.ops->close(s->config.ops_arg, code, why);
}

const struct moqt_setup *moqt_peer_setup(const struct moqt_session *s) {
  return s->setup_seen ? &s->peer : NULL;
}

void moqt_enter(struct moqt_session *s) {
  s->depth++;
}

void moqt_leave(struct moqt_session *s) {
  struct moqt_request *r, *next;

  while (s->depth == 1 && s->resume) {
    s->resume = false;
    HASH_ITER(hh, s->requests, r, next) {
      moqt_request_run(s, r);
    }
  }
  if (--s->depth || !s->sweep)
    return;
  s->sweep = false;
  HASH_ITER(hh, s->requests, r, next) {
    if (r->state == MOQT_STATE_GONE && r->in_done)
      moqt_request_free(s, r);
  }
}

/* ---- sending --------------------------------------------------------------------------- */

int moqt_send_message(struct moqt_session *s, int64_t sid, const struct moqt_message *m, bool fin) {
  uint8_t small[512], *buf = small;
  size_t n = moqt_message_write(small, sizeof(small), m);
  int rv;

  if (n == 0) {
    buf = malloc(SEND_MAX);
    n = buf ? moqt_message_write(buf, SEND_MAX, m) : 0;
    if (n == 0) {
      free(buf);
      moqt_session_close(s, MOQT_INTERNAL_ERROR, "message does not fit into 65,535 bytes");
      return -1;
    }
  }
  rv = s->config.ops->send(s->config.ops_arg, sid, buf, n, fin);
  if (buf != small)
    free(buf);
  return rv;
}

static struct moqt_bytes bytes_of(const char *text) {
  return (struct moqt_bytes){.data = (const uint8_t *)text, .len = strlen(text)};
}

int moqt_session_start(struct moqt_session *s) {
  struct moqt_message m = {.type = MOQT_SETUP};

  if (s->closed || s->control_out >= 0)
    return -1;
  s->control_out = s->config.ops->open_uni(s->config.ops_arg);
  if (s->control_out < 0)
    return -1;
  m.setup = (struct moqt_setup){
      .implementation = bytes_of(s->implementation),
      .max_filter_ranges = s->config.max_filter_ranges,
      .max_request_updates = s->config.max_request_updates,
  };
  if (!s->config.server) {
    m.setup.path = bytes_of(s->path);
    m.setup.authority = bytes_of(s->authority);
  }
  return moqt_send_message(s, s->control_out, &m, false);
}

/* ---- the peer's control stream ------------------------------------------------------------ */

static struct moqt_bytes move(struct moqt_bytes bytes, const uint8_t *from, const uint8_t *to) {
  if (bytes.data)
    bytes.data = to + (bytes.data - from);
  return bytes;
}

static void on_setup(struct moqt_session *s, struct moqt_bytes body, const struct moqt_message *m) {
  struct moqt_request *r, *next;

  s->peer_bytes = malloc(body.len + 1);
  if (!s->peer_bytes) {
    moqt_session_close(s, MOQT_INTERNAL_ERROR, "no memory");
    return;
  }
  if (body.len)
    memcpy(s->peer_bytes, body.data, body.len);
  s->peer = m->setup;
  s->peer.path = move(s->peer.path, body.data, s->peer_bytes);
  s->peer.authority = move(s->peer.authority, body.data, s->peer_bytes);
  s->peer.implementation = move(s->peer.implementation, body.data, s->peer_bytes);
  s->setup_seen = true;
  if (s->config.events->setup)
    s->config.events->setup(s->config.app, &s->peer);
  /* Requests that came before it. */
  HASH_ITER(hh, s->requests, r, next) {
    moqt_request_run(s, r);
  }
}

static void on_goaway(struct moqt_session *s, const struct moqt_message *m) {
  if (s->goaway_seen) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "second GOAWAY on the control stream");
    return;
  }
  s->goaway_seen = true;
  if (s->config.events->goaway)
    s->config.events->goaway(s->config.app, m->timeout_ms);
}

static void control_message(struct moqt_session *s, uint64_t type, struct moqt_bytes body) {
  const struct moqt_context context = {.from_client = s->config.server};
  struct moqt_message m;
  const char *why = "";
  uint64_t code;

  if (!s->setup_seen && type != MOQT_SETUP) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "control stream does not begin with SETUP");
    return;
  }
  if (s->setup_seen && type != MOQT_GOAWAY) {
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "only GOAWAY may follow SETUP");
    return;
  }
  code = moqt_message_read(type, body, &context, &m, &why);
  if (code)
    moqt_session_close(s, code, why);
  else if (type == MOQT_SETUP)
    on_setup(s, body, &m);
  else
    on_goaway(s, &m);
}

static void control_in(struct moqt_session *s, const uint8_t *data, size_t len, bool fin) {
  uint64_t type;
  struct moqt_bytes body;
  size_t n;

  if (!moqt_buffer_add(&s->control, data, len)) {
    moqt_session_close(s, MOQT_INTERNAL_ERROR, "control stream: no memory");
    return;
  }
  while (!s->closed && (n = moqt_frame_read(s->control.data, s->control.len, &type, &body)) > 0) {
    control_message(s, type, body);
    moqt_buffer_take(&s->control, n);
  }
  if (fin)
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "control stream ended");
}

/* ---- sorting ---------------------------------------------------------------------------------- */

static bool is_own(const struct moqt_session *s, int64_t sid) {
  return ((sid & 1) != 0) == s->config.server;
}

static struct moqt_incoming *incoming_find(const struct moqt_session *s, int64_t sid) {
  struct moqt_incoming *in;
  HASH_FIND(hh, s->incoming, &sid, sizeof(sid), in);
  return in;
}

static void incoming_drop(struct moqt_session *s, struct moqt_incoming *in) {
  HASH_DEL(s->incoming, in);
  free(in);
}

static void uni_in(struct moqt_session *s, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  struct moqt_incoming *in = incoming_find(s, sid);

  if (!in) {
    in = calloc(1, sizeof(*in));
    if (!in) {
      moqt_session_close(s, MOQT_INTERNAL_ERROR, "no memory");
      return;
    }
    in->sid = sid;
    HASH_ADD(hh, s->incoming, sid, sizeof(sid), in);
  }
  if (in->kind != MOQT_STREAM_CONTROL) {
    moqt_data_in(s, in, data, len, fin);
    if (in->kind == MOQT_STREAM_CONTROL && !s->closed)
      control_in(s, in->head, in->head_len, false);
  }
  if (in->kind == MOQT_STREAM_CONTROL && !s->closed)
    control_in(s, data, len, fin);
  if (fin)
    incoming_drop(s, in);
}

void moqt_stream_in(struct moqt_session *s, int64_t sid, const uint8_t *data, size_t len,
                    bool fin) {
  if (s->closed)
    return;
  moqt_enter(s);
  if (sid & 2)
    uni_in(s, sid, data, len, fin);
  else
    moqt_request_in(s, sid, data, len, fin);
  moqt_leave(s);
}

void moqt_stream_reset_in(struct moqt_session *s, int64_t sid, uint64_t code) {
  struct moqt_incoming *in;
  struct moqt_request *r;

  if (s->closed)
    return;
  moqt_enter(s);
  if (sid & 2) {
    in = incoming_find(s, sid);
    if (in && in->kind == MOQT_STREAM_CONTROL)
      moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "control stream reset");
    else if (in && in->kind == MOQT_STREAM_DATA && s->config.events->data_reset)
      s->config.events->data_reset(s->config.app, sid, code);
    if (in)
      incoming_drop(s, in);
  } else {
    r = moqt_request_find(s, sid);
    if (r) {
      r->in_done = true;
      moqt_request_end(s, r);
      s->sweep = true;
    }
  }
  moqt_leave(s);
}

bool moqt_stop_in(struct moqt_session *s, int64_t sid, uint64_t code) {
  struct moqt_request *r;

  (void)code;
  if (sid & 2) {
    if (sid != s->control_out)
      return false;
    moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, "control stream stopped");
    return true;
  }
  if (s->closed)
    return true;
  moqt_enter(s);
  r = moqt_request_find(s, sid);
  if (r) {
    moqt_request_end(s, r);
  } else if (!is_own(s, sid)) {
    /* Its request came to nothing before it was read. */
    s->config.ops->reset(s->config.ops_arg, sid, MOQT_RESET_CANCELLED);
  }
  moqt_leave(s);
  return true;
}
