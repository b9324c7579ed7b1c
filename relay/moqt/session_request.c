/* Request streams: what comes on them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "relay/moqt/session_state.h"

#define IDS_AHEAD_MAX 4096
#define NEVER         UINT64_MAX
#define REASON_ROOM   128

#define TELL(s, name, ...)                                                                         \
  do {                                                                                             \
    if ((s)->config.events->name)                                                                  \
      (s)->config.events->name((s)->config.app, ##__VA_ARGS__);                                    \
  } while (0)

/* ---- request table ------------------------------------------------------------------ */

struct moqt_request *moqt_request_find(const struct moqt_session *s, int64_t sid) {
  struct moqt_request *r;
  HASH_FIND(hh, s->requests, &sid, sizeof(sid), r);
  return r;
}

struct moqt_request *moqt_request_add(struct moqt_session *s, int64_t sid, bool own) {
  struct moqt_request *r = calloc(1, sizeof(*r));

  if (!r) {
    moqt_session_close(s, MOQT_INTERNAL_ERROR, "no memory");
    return NULL;
  }
  r->sid = sid;
  r->own = own;
  HASH_ADD(hh, s->requests, sid, sizeof(sid), r);
  return r;
}

void moqt_request_free(struct moqt_session *s, struct moqt_request *r) {
  HASH_DEL(s->requests, r);
  free(r->in.data);
  free(r->name);
  free(r);
}

void moqt_request_gone(struct moqt_session *s, struct moqt_request *r) {
  r->state = MOQT_STATE_GONE;
  r->in.len = 0;
  s->sweep |= r->in_done;
}

static void violation(struct moqt_session *s, const char *why) {
  moqt_session_close(s, MOQT_PROTOCOL_VIOLATION, why);
}

/* Printable and NUL-terminated. */
static const char *printable(struct moqt_bytes reason, char buf[REASON_ROOM]) {
  size_t n = reason.len < REASON_ROOM - 1 ? reason.len : REASON_ROOM - 1;

  for (size_t i = 0; i < n; i++)
    buf[i] = isprint(reason.data[i]) ? (char)reason.data[i] : '?';
  buf[n] = 0;
  return buf;
}

struct moqt_bytes moqt_reason(const char *text) {
  size_t len = text ? strlen(text) : 0;
  if (len > MOQT_REASON_MAX)
    len = MOQT_REASON_MAX;
  return (struct moqt_bytes){.data = (const uint8_t *)text, .len = len};
}

/* ---- request IDs ----------------------------------------------------------------------- */

static size_t ahead_of(const struct moqt_session *s, uint64_t id) {
  for (size_t i = 0; i < s->n_ahead; i++)
    if (s->ids_ahead[i] == id)
      return i;
  return SIZE_MAX;
}

/* IDs may come out of order, because streams do. False: wrong parity, a
 * repeat, or so far ahead that somebody is counting wrong. */
static bool take_id(struct moqt_session *s, uint64_t id) {
  size_t at;

  if ((id & 1) != (s->config.server ? 0 : 1) || id < s->id_floor || ahead_of(s, id) != SIZE_MAX)
    return false;
  if (id != s->id_floor) {
    if (s->n_ahead == s->room_ahead) {
      const size_t room = s->room_ahead ? 2 * s->room_ahead : 8;
      uint64_t *grown = room > IDS_AHEAD_MAX ? NULL : realloc(s->ids_ahead, room * sizeof(*grown));
      if (!grown)
        return false;
      s->ids_ahead = grown;
      s->room_ahead = room;
    }
    s->ids_ahead[s->n_ahead++] = id;
    return true;
  }
  s->id_floor += 2;
  while ((at = ahead_of(s, s->id_floor)) != SIZE_MAX) {
    s->ids_ahead[at] = s->ids_ahead[--s->n_ahead];
    s->id_floor += 2;
  }
  return true;
}

/* ---- answering --------------------------------------------------------------------------- */

static int send_error(struct moqt_session *s, int64_t sid, uint64_t code, uint64_t retry_ms,
                      const char *reason, bool fin) {
  const struct moqt_message m = {
      .type = MOQT_REQUEST_ERROR,
      .code = code,
      .retry = retry_ms == NEVER ? 0 : retry_ms + 1,
      .reason = moqt_reason(reason),
  };
  return moqt_send_message(s, sid, &m, fin);
}

void moqt_request_refuse(struct moqt_session *s, struct moqt_request *r, uint64_t code,
                         uint64_t retry_ms, const char *reason) {
  send_error(s, r->sid, code, retry_ms, reason, true);
  moqt_request_gone(s, r);
}

void moqt_request_fail_update(struct moqt_session *s, struct moqt_request *r, uint64_t code,
                              const char *reason) {
  r->updates--;
  r->state = MOQT_STATE_FAILING;
  send_error(s, r->sid, code, NEVER, reason, false);
  TELL(s, ended, r->sid, MOQT_END_UPDATE_FAILED);
}

/* ---- the peer's requests -------------------------------------------------------------------- */

static void on_subscribe(struct moqt_session *s, struct moqt_request *r,
                         const struct moqt_message *m) {
  const struct moqt_params *params = &m->params;

  if (params->refuse_reason)
    moqt_request_refuse(s, r, params->refuse_code, NEVER, params->refuse_reason);
  else if ((params->has & MOQT_HAS_PRIORITY_FILTER) && s->config.max_filter_ranges == 0)
    moqt_request_refuse(s, r, MOQT_REQ_INVALID_FILTER, NEVER,
                        "this side announced no filter ranges");
  else if (!s->config.events->subscribe)
    moqt_request_refuse(s, r, MOQT_REQ_NOT_SUPPORTED, NEVER, "this side publishes nothing");
  else
    s->config.events->subscribe(s->config.app, r->sid, &m->name, params);
}

static void on_namespace(struct moqt_session *s, struct moqt_request *r,
                         const struct moqt_message *m) {
  if (!s->config.events->namespace_published)
    moqt_request_refuse(s, r, MOQT_REQ_NOT_SUPPORTED, NEVER, "this side takes no namespaces");
  else
    s->config.events->namespace_published(s->config.app, r->sid, &m->name);
}

static bool opens_request(uint64_t type) {
  switch (type) {
  case MOQT_SUBSCRIBE:
  case MOQT_PUBLISH_NAMESPACE:
  case MOQT_TRACK_STATUS:
  case MOQT_FETCH:
  case MOQT_PUBLISH:
  case MOQT_SUBSCRIBE_NAMESPACE:
  case MOQT_SUBSCRIBE_TRACKS:
    return true;
  default:
    return false;
  }
}

static void on_first(struct moqt_session *s, struct moqt_request *r, const struct moqt_message *m) {
  if (!take_id(s, m->request_id)) {
    moqt_session_close(s, MOQT_INVALID_REQUEST_ID, "request ID of wrong parity, or repeated");
    return;
  }
  r->type = m->type;
  r->state = MOQT_STATE_ASKED;
  switch (m->type) {
  case MOQT_SUBSCRIBE:
    on_subscribe(s, r, m);
    return;
  case MOQT_PUBLISH_NAMESPACE:
    on_namespace(s, r, m);
    return;
  case MOQT_PUBLISH:
    if (!moqt_alias_refuse(s, m->alias)) {
      moqt_session_close(s, MOQT_INTERNAL_ERROR, "too many refused PUBLISH messages");
      return;
    }
    break;
  default:
    break;
  }
  moqt_request_refuse(s, r, MOQT_REQ_NOT_SUPPORTED, NEVER, NULL);
}

static void on_update(struct moqt_session *s, struct moqt_request *r,
                      const struct moqt_message *m) {
  const struct moqt_params *params = &m->params;

  if (!take_id(s, m->request_id)) {
    moqt_session_close(s, MOQT_INVALID_REQUEST_ID, "request ID of wrong parity, or repeated");
    return;
  }
  r->updates++;
  if (s->config.max_request_updates && r->updates > s->config.max_request_updates) {
    moqt_session_close(s, MOQT_TOO_MANY_REQUEST_UPDATES, "too many unanswered REQUEST_UPDATEs");
    return;
  }
  if (r->type != MOQT_SUBSCRIBE) { /* only tokens may stand in it */
    const struct moqt_message ok = {.type = MOQT_REQUEST_OK};
    r->updates--;
    moqt_send_message(s, r->sid, &ok, false);
    return;
  }
  r->refuse_reason = params->refuse_reason;
  r->refuse_code = params->refuse_code;
  if ((params->has & MOQT_HAS_PRIORITY_FILTER) && s->config.max_filter_ranges == 0) {
    r->refuse_reason = "this side announced no filter ranges";
    r->refuse_code = MOQT_REQ_INVALID_FILTER;
  } else if (!s->config.events->update) {
    r->refuse_reason = "subscriptions cannot be updated";
    r->refuse_code = MOQT_REQ_NOT_SUPPORTED;
  }
  if (!r->refuse_reason)
    s->config.events->update(s->config.app, r->sid, params);
  else if (r->updates == 1)
    moqt_request_fail_update(s, r, r->refuse_code, r->refuse_reason);
}

static void on_goaway(struct moqt_session *s, struct moqt_request *r) {
  if (r->goaway_seen)
    violation(s, "second GOAWAY on a request stream");
  r->goaway_seen = true;
}

/* A later message on a request of the peer. */
static void on_more(struct moqt_session *s, struct moqt_request *r, const struct moqt_message *m) {
  switch (m->type) {
  case MOQT_REQUEST_UPDATE:
    on_update(s, r, m);
    return;
  case MOQT_GOAWAY:
    on_goaway(s, r);
    return;
  default:
    violation(s, "message that a requester may not send");
  }
}

/* ---- answers to own requests ---------------------------------------------------------------------- */

static void end_own(struct moqt_session *s, struct moqt_request *r) {
  /* The other direction was open for updates. */
  s->config.ops->send(s->config.ops_arg, r->sid, NULL, 0, true);
  moqt_request_gone(s, r);
}

static bool alias_taken(const struct moqt_session *s, const struct moqt_request *by,
                        uint64_t alias) {
  const struct moqt_request *r, *next;

  HASH_ITER(hh, s->requests, r, next) {
    if (r != by && r->own && r->type == MOQT_SUBSCRIBE && r->state == MOQT_STATE_ACCEPTED &&
        r->alias == alias && !moqt_name_equal(r->name, by->name))
      return true;
  }
  return false;
}

static void on_subscribe_ok(struct moqt_session *s, struct moqt_request *r,
                            const struct moqt_message *m) {
  if (r->type != MOQT_SUBSCRIBE || r->state != MOQT_STATE_ASKED) {
    violation(s, "SUBSCRIBE_OK answers nothing");
    return;
  }
  if (alias_taken(s, r, m->alias)) {
    moqt_session_close(s, MOQT_DUPLICATE_TRACK_ALIAS, "one alias for two tracks");
    return;
  }
  if (m->properties.mandatory_unknown) {
    const int64_t sid = r->sid;
    moqt_cancel(s, sid);
    TELL(s, refused, sid, MOQT_REQ_UNSUPPORTED_EXTENSION, NEVER,
         "track has a mandatory property that is not understood");
    return;
  }
  r->alias = m->alias;
  r->state = MOQT_STATE_ACCEPTED;
  TELL(s, subscribed, r->sid, m->alias, &m->params, &m->properties);
}

static void on_ok(struct moqt_session *s, struct moqt_request *r) {
  if (r->state == MOQT_STATE_ACCEPTED && r->updates) {
    r->updates--;
    TELL(s, updated, r->sid);
  } else if (r->state == MOQT_STATE_ASKED && r->type == MOQT_PUBLISH_NAMESPACE) {
    r->state = MOQT_STATE_ACCEPTED;
    TELL(s, accepted, r->sid);
  } else {
    violation(s, "REQUEST_OK answers nothing");
  }
}

/* An unknown code counts as INTERNAL_ERROR. */
static uint64_t known_code(uint64_t code) {
  switch (code) {
  case 0x0:
  case 0x1:
  case 0x2:
  case 0x3:
  case 0x4:
  case 0x5:
  case 0x6:
  case 0x9:
  case 0x10:
  case 0x11:
  case 0x12:
  case 0x20:
  case 0x30:
  case 0x31:
  case 0x33:
  case 0x34:
  case 0x35:
  case 0x36:
    return code;
  default:
    return MOQT_REQ_INTERNAL_ERROR;
  }
}

static void on_error(struct moqt_session *s, struct moqt_request *r, const struct moqt_message *m) {
  char reason[REASON_ROOM];
  const int64_t sid = r->sid;

  if (r->state == MOQT_STATE_ACCEPTED && r->updates) {
    r->updates--;
    r->state = MOQT_STATE_FAILING;
    return;
  }
  if (r->state != MOQT_STATE_ASKED) {
    violation(s, "REQUEST_ERROR answers nothing");
    return;
  }
  end_own(s, r);
  TELL(s, refused, sid, known_code(m->code), m->retry ? m->retry - 1 : NEVER,
       printable(m->reason, reason));
}

static void on_done(struct moqt_session *s, struct moqt_request *r, const struct moqt_message *m) {
  char reason[REASON_ROOM];
  const int64_t sid = r->sid;

  if (r->type != MOQT_SUBSCRIBE ||
      (r->state != MOQT_STATE_ACCEPTED && r->state != MOQT_STATE_FAILING)) {
    violation(s, "PUBLISH_DONE ends nothing");
    return;
  }
  end_own(s, r);
  TELL(s, done, sid, m->code, m->streams, printable(m->reason, reason));
}

static void on_answer(struct moqt_session *s, struct moqt_request *r,
                      const struct moqt_message *m) {
  switch (m->type) {
  case MOQT_SUBSCRIBE_OK:
    on_subscribe_ok(s, r, m);
    return;
  case MOQT_REQUEST_OK:
    on_ok(s, r);
    return;
  case MOQT_REQUEST_ERROR:
    on_error(s, r, m);
    return;
  case MOQT_PUBLISH_DONE:
    on_done(s, r, m);
    return;
  case MOQT_PUBLISH_STATE_NOTIFY:
    if (r->type != MOQT_SUBSCRIBE)
      violation(s, "PUBLISH_STATE_NOTIFY outside a subscription");
    return;
  case MOQT_GOAWAY:
    on_goaway(s, r);
    return;
  default:
    violation(s, "message that a responder may not send");
  }
}

/* ---- bytes in ------------------------------------------------------------------------------------------ */

static enum moqt_param_place place_of(const struct moqt_request *r) {
  if (!r->own)
    return r->type == MOQT_SUBSCRIBE ? MOQT_IN_UPDATE : MOQT_IN_UPDATE_OTHER;
  return r->type == MOQT_SUBSCRIBE ? MOQT_IN_OK_UPDATE : MOQT_IN_OK_NAMESPACE;
}

static void on_frame(struct moqt_session *s, struct moqt_request *r, uint64_t type,
                     struct moqt_bytes body) {
  const struct moqt_context context = {.from_client = s->config.server, .place = place_of(r)};
  struct moqt_message m;
  const char *why = "";
  uint64_t code;

  if (!r->own && (r->state == MOQT_STATE_OPENING) != opens_request(type)) {
    violation(s, r->state == MOQT_STATE_OPENING ? "request stream does not begin with a request"
                                                : "second request on one stream");
    return;
  }
  code = moqt_message_read(type, body, &context, &m, &why);
  if (code)
    moqt_session_close(s, code, why);
  else if (r->own)
    on_answer(s, r, &m);
  else if (r->state == MOQT_STATE_OPENING)
    on_first(s, r, &m);
  else
    on_more(s, r, &m);
}

/* The peer will say no more on this stream. */
static void on_fin(struct moqt_session *s, struct moqt_request *r) {
  const int64_t sid = r->sid;

  if (r->in.len) {
    violation(s, "request stream ended inside a message");
    return;
  }
  if (!r->own) {
    /* Nothing asked: nothing to answer. Else it only means "no updates". */
    if (r->state == MOQT_STATE_OPENING) {
      s->config.ops->reset(s->config.ops_arg, sid, MOQT_RESET_CANCELLED);
      moqt_request_gone(s, r);
    }
    return;
  }
  if (r->state == MOQT_STATE_ASKED) {
    end_own(s, r);
    TELL(s, refused, sid, MOQT_REQ_INTERNAL_ERROR, NEVER, "the stream ended without an answer");
  } else if (r->type == MOQT_SUBSCRIBE) {
    end_own(s, r);
    TELL(s, done, sid, MOQT_DONE_INTERNAL_ERROR, NEVER, "the stream ended without PUBLISH_DONE");
  }
}

/* Updates wait until the request itself is answered, and behind an update that
 * is going to be refused. */
static bool may_read(const struct moqt_session *s, const struct moqt_request *r) {
  if (s->closed || !s->setup_seen || r->state == MOQT_STATE_GONE)
    return false;
  return r->own || r->state == MOQT_STATE_OPENING ||
         (r->state == MOQT_STATE_ACCEPTED && !r->refuse_reason);
}

void moqt_request_run(struct moqt_session *s, struct moqt_request *r) {
  uint64_t type;
  struct moqt_bytes body;
  size_t n;

  moqt_enter(s);
  while (may_read(s, r) && (n = moqt_frame_read(r->in.data, r->in.len, &type, &body)) > 0) {
    on_frame(s, r, type, body);
    if (r->in.len) /* it was not thrown away meanwhile */
      moqt_buffer_take(&r->in, n);
  }
  if (r->in_done && r->state != MOQT_STATE_GONE && may_read(s, r))
    on_fin(s, r);
  if (r->in_done && r->state == MOQT_STATE_GONE)
    s->sweep = true;
  moqt_leave(s);
}

void moqt_request_in(struct moqt_session *s, int64_t sid, const uint8_t *data, size_t len,
                     bool fin) {
  struct moqt_request *r = moqt_request_find(s, sid);

  if (!r) {
    if (((sid & 1) != 0) == s->config.server)
      return; /* an own stream that is over */
    r = moqt_request_add(s, sid, false);
    if (!r)
      return;
  }
  if (fin)
    r->in_done = true;
  if (r->state == MOQT_STATE_GONE) {
    s->sweep |= r->in_done;
    return;
  }
  if (!moqt_buffer_add(&r->in, data, len)) {
    moqt_session_close(s, MOQT_INTERNAL_ERROR, "request stream: too much data waits");
    return;
  }
  moqt_request_run(s, r);
}

/* The peer reset or stopped the stream: the request is over. */
void moqt_request_end(struct moqt_session *s, struct moqt_request *r) {
  const int64_t sid = r->sid;
  const enum moqt_request_state was = r->state;
  const bool own = r->own;

  if (was == MOQT_STATE_GONE)
    return;
  s->config.ops->reset(s->config.ops_arg, sid, MOQT_RESET_CANCELLED);
  if (!r->in_done)
    s->config.ops->stop(s->config.ops_arg, sid, MOQT_RESET_CANCELLED);
  moqt_request_gone(s, r);
  if (!own) {
    if (was != MOQT_STATE_OPENING)
      TELL(s, ended, sid, MOQT_END_CANCELLED);
  } else if (was == MOQT_STATE_ASKED) {
    TELL(s, refused, sid, MOQT_REQ_INTERNAL_ERROR, NEVER, "the responder reset the stream");
  } else {
    TELL(s, done, sid, MOQT_DONE_INTERNAL_ERROR, NEVER, "the responder reset the stream");
  }
}
