/* What the owner does with requests: making, answering, ending them. */
#include "relay/moqt/session_state.h"

static uint64_t new_id(struct moqt_session *s) {
  const uint64_t id = s->next_id;
  s->next_id += 2;
  return id;
}

static void over(struct moqt_session *s, struct moqt_request *r) {
  moqt_enter(s);
  moqt_request_gone(s, r);
  moqt_leave(s);
}

/* ---- own requests ------------------------------------------------------------------------ */

static int64_t open_request(struct moqt_session *s, struct moqt_message *m) {
  struct moqt_request *r;
  int64_t sid;

  if (s->closed || s->control_out < 0 || s->goaway_seen)
    return -1;
  sid = s->config.ops->open_bidi(s->config.ops_arg);
  if (sid < 0)
    return -1;
  r = moqt_request_add(s, sid, true);
  if (!r)
    return -1;
  r->type = m->type;
  r->state = MOQT_STATE_ASKED;
  r->name = moqt_name_dup(&m->name);
  if (!r->name) {
    moqt_session_close(s, MOQT_INTERNAL_ERROR, "no memory");
    return -1;
  }
  m->request_id = new_id(s);
  if (moqt_send_message(s, sid, m, false) == 0)
    return sid;
  r->in_done = true;
  over(s, r);
  return -1;
}

int64_t moqt_subscribe(struct moqt_session *s, const struct moqt_name *name,
                       const struct moqt_params *params) {
  struct moqt_message m = {.type = MOQT_SUBSCRIBE, .name = *name, .params = *params};
  return open_request(s, &m);
}

int64_t moqt_publish_namespace(struct moqt_session *s, const struct moqt_name *name) {
  struct moqt_message m = {.type = MOQT_PUBLISH_NAMESPACE, .name = *name};
  return open_request(s, &m);
}

int moqt_update(struct moqt_session *s, int64_t req, const struct moqt_params *params) {
  struct moqt_request *r = moqt_request_find(s, req);
  struct moqt_message m = {.type = MOQT_REQUEST_UPDATE, .params = *params};

  if (s->closed || !r || !r->own || r->type != MOQT_SUBSCRIBE || r->state != MOQT_STATE_ACCEPTED)
    return -1;
  if (s->peer.max_request_updates && r->updates >= s->peer.max_request_updates)
    return -1;
  r->updates++;
  m.request_id = new_id(s);
  return moqt_send_message(s, req, &m, false);
}

void moqt_cancel(struct moqt_session *s, int64_t req) {
  struct moqt_request *r = moqt_request_find(s, req);

  if (s->closed || !r || !r->own || r->state == MOQT_STATE_GONE)
    return;
  s->config.ops->reset(s->config.ops_arg, req, MOQT_RESET_CANCELLED);
  if (!r->in_done)
    s->config.ops->stop(s->config.ops_arg, req, MOQT_RESET_CANCELLED);
  over(s, r);
}

/* ---- answers ----------------------------------------------------------------------------- */

static struct moqt_request *asked(struct moqt_session *s, int64_t req, uint64_t type) {
  struct moqt_request *r = moqt_request_find(s, req);

  if (s->closed || !r || r->own || r->state != MOQT_STATE_ASKED || (type && r->type != type))
    return NULL;
  return r;
}

/* Messages that waited for the answer can be read now. */
static void now_accepted(struct moqt_session *s, struct moqt_request *r) {
  r->state = MOQT_STATE_ACCEPTED;
  s->resume = true;
  moqt_enter(s);
  moqt_leave(s);
}

int moqt_namespace_accept(struct moqt_session *s, int64_t req) {
  struct moqt_request *r = asked(s, req, MOQT_PUBLISH_NAMESPACE);
  const struct moqt_message m = {.type = MOQT_REQUEST_OK};

  if (!r || moqt_send_message(s, req, &m, false))
    return -1;
  now_accepted(s, r);
  return 0;
}

int moqt_subscribe_accept(struct moqt_session *s, int64_t req, uint64_t alias,
                          const struct moqt_params *params, struct moqt_bytes properties) {
  struct moqt_request *r = asked(s, req, MOQT_SUBSCRIBE);
  const struct moqt_message m = {
      .type = MOQT_SUBSCRIBE_OK,
      .alias = alias,
      .params = *params,
      .properties.raw = properties,
  };

  if (!r || moqt_send_message(s, req, &m, false))
    return -1;
  now_accepted(s, r);
  return 0;
}

int moqt_refuse(struct moqt_session *s, int64_t req, uint64_t code, uint64_t retry_ms,
                const char *reason) {
  struct moqt_request *r = asked(s, req, 0);

  if (!r)
    return -1;
  moqt_enter(s);
  moqt_request_refuse(s, r, code, retry_ms, reason);
  moqt_leave(s);
  return 0;
}

static struct moqt_request *updating(struct moqt_session *s, int64_t req) {
  struct moqt_request *r = moqt_request_find(s, req);

  if (s->closed || !r || r->own || r->state != MOQT_STATE_ACCEPTED || r->updates == 0)
    return NULL;
  return r;
}

static void fail_update(struct moqt_session *s, struct moqt_request *r, uint64_t code,
                        const char *reason) {
  moqt_enter(s);
  moqt_request_fail_update(s, r, code, reason);
  moqt_leave(s);
}

int moqt_update_ok(struct moqt_session *s, int64_t req, const struct moqt_location *largest) {
  struct moqt_request *r = updating(s, req);
  struct moqt_message m = {.type = MOQT_REQUEST_OK};

  if (!r)
    return -1;
  if (largest) {
    m.params.has = MOQT_HAS_LARGEST;
    m.params.largest = *largest;
  }
  if (moqt_send_message(s, req, &m, false))
    return -1;
  r->updates--;
  if (r->refuse_reason && r->updates == 1)
    fail_update(s, r, r->refuse_code, r->refuse_reason);
  return 0;
}

int moqt_update_refuse(struct moqt_session *s, int64_t req, uint64_t code, const char *reason) {
  struct moqt_request *r = updating(s, req);

  if (!r)
    return -1;
  fail_update(s, r, code, reason);
  return 0;
}

int moqt_publish_done(struct moqt_session *s, int64_t req, uint64_t status, uint64_t streams,
                      const char *reason) {
  struct moqt_request *r = moqt_request_find(s, req);
  const struct moqt_message m = {
      .type = MOQT_PUBLISH_DONE,
      .code = status,
      .streams = streams,
      .reason = moqt_reason(reason),
  };

  if (s->closed || !r || r->own || r->type != MOQT_SUBSCRIBE ||
      (r->state != MOQT_STATE_ACCEPTED && r->state != MOQT_STATE_FAILING))
    return -1;
  moqt_send_message(s, req, &m, true);
  over(s, r);
  return 0;
}
