#include "relay/t/moqt_side.h"

static void note(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(char *to, const char *format, ...) {
  const size_t len = strlen(to);
  va_list list;
  va_start(list, format);
  assert_true((size_t)vsnprintf(to + len, 4000 - len, format, list) < 4000 - len);
  va_end(list);
}

static int64_t open_uni(void *arg) {
  struct side *side = arg;
  const int64_t sid = side->next_uni;
  if (side->no_streams)
    return -1;
  side->next_uni += 4;
  return sid;
}
static int64_t open_bidi(void *arg) {
  struct side *side = arg;
  const int64_t sid = side->next_bidi;
  if (side->no_streams)
    return -1;
  side->next_bidi += 4;
  return sid;
}
static int send_bytes(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  struct side *side = arg;
  note(side->sent, "%ld%s:", sid, fin ? "F" : "");
  for (size_t i = 0; i < len; i++)
    note(side->sent, "%02x", data[i]);
  note(side->sent, " ");
  if (!side->peer)
    return 0;
  size_t at = 0;
  do {
    const size_t n = side->piece && len - at > side->piece ? side->piece : len - at;
    moqt_stream_in(side->peer->s, sid, data + at, n, fin && at + n == len);
    at += n;
  } while (at < len);
  return 0;
}
static void reset(void *arg, int64_t sid, uint64_t code) {
  struct side *side = arg;
  note(side->sent, "R%ld=%lu ", sid, code);
  if (side->peer)
    moqt_stream_reset_in(side->peer->s, sid, code);
}
static void stop(void *arg, int64_t sid, uint64_t code) {
  struct side *side = arg;
  note(side->sent, "S%ld=%lu ", sid, code);
  if (side->peer)
    moqt_stop_in(side->peer->s, sid, code);
}
static void close_session(void *arg, uint64_t code, const char *reason) {
  struct side *side = arg;
  assert_int_equal(side->close_code, UINT64_MAX); /* once */
  assert_true(strlen(reason) > 0);
  side->close_code = code;
}
static const struct moqt_ops ops = {open_uni, open_bidi, send_bytes, reset, stop, close_session};

static void on_setup(void *app, const struct moqt_setup *peer) {
  note(((struct side *)app)->told, "setup(%.*s) ", (int)peer->path.len,
       (const char *)peer->path.data);
}
static void on_goaway(void *app, uint64_t timeout_ms) {
  note(((struct side *)app)->told, "goaway(%lu) ", timeout_ms);
}
static void on_namespace(void *app, int64_t req, const struct moqt_name *name) {
  struct side *side = app;
  char buf[100];
  note(side->told, "namespace(%ld,%s) ", req, moqt_name_print(name, buf, sizeof(buf)));
  side->last_req = req;
  if (side->accept_namespace)
    assert_int_equal(moqt_namespace_accept(side->s, req), 0);
}
static void on_subscribe(void *app, int64_t req, const struct moqt_name *name,
                         const struct moqt_params *params) {
  struct side *side = app;
  char buf[100];
  note(side->told, "subscribe(%ld,%s) ", req, moqt_name_print(name, buf, sizeof(buf)));
  side->last_req = req;
  side->last_params = *params;
  if (side->accept_subscribe) {
    const struct moqt_params ok = {.has = MOQT_HAS_LARGEST, .largest = {4, 5}};
    assert_int_equal(moqt_subscribe_accept(side->s, req, 7, &ok, (struct moqt_bytes){0}), 0);
  }
}
static void on_update(void *app, int64_t req, const struct moqt_params *changed) {
  struct side *side = app;
  note(side->told, "update(%ld,%x) ", req, changed->has);
  side->last_params = *changed;
  if (side->accept_update)
    assert_int_equal(moqt_update_ok(side->s, req, NULL), 0);
  if (side->refuse_update)
    assert_int_equal(moqt_update_refuse(side->s, req, MOQT_REQ_INVALID_RANGE, "no"), 0);
}
static void on_ended(void *app, int64_t req, enum moqt_end why) {
  struct side *side = app;
  note(side->told, "ended(%ld,%d) ", req, why);
  if (why == MOQT_END_UPDATE_FAILED)
    assert_int_equal(moqt_publish_done(side->s, req, MOQT_DONE_UPDATE_FAILED, 3, "update"), 0);
}
static void on_subscribed(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                          const struct moqt_properties *properties) {
  note(((struct side *)app)->told, "subscribed(%ld,%lu,%lu/%lu,%d) ", req, alias,
       params->largest.group, params->largest.object, properties->priority);
}
static void on_accepted(void *app, int64_t req) {
  note(((struct side *)app)->told, "accepted(%ld) ", req);
}
static void on_updated(void *app, int64_t req) {
  note(((struct side *)app)->told, "updated(%ld) ", req);
}
static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry_ms,
                       const char *reason) {
  (void)reason;
  note(((struct side *)app)->told, "refused(%ld,%lu,%ld) ", req, code, (int64_t)retry_ms);
}
static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason) {
  note(((struct side *)app)->told, "done(%ld,%lu,%ld,%s) ", req, status, (int64_t)streams, reason);
}
static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  struct side *side = app;
  note(side->told, "data(%ld@%lu%s:", sid, off, fin ? "F" : "");
  for (size_t i = 0; i < len; i++)
    note(side->told, "%02x", data[i]);
  note(side->told, ") ");
}
static void on_data_reset(void *app, int64_t sid, uint64_t code) {
  note(((struct side *)app)->told, "data_reset(%ld,%lu) ", sid, code);
}
static void on_datagram(void *app, const uint8_t *data, size_t len) {
  (void)data;
  note(((struct side *)app)->told, "datagram(%zu) ", len);
}
const struct moqt_events side_events = {
    .setup = on_setup,
    .goaway = on_goaway,
    .namespace_published = on_namespace,
    .subscribe = on_subscribe,
    .update = on_update,
    .ended = on_ended,
    .subscribed = on_subscribed,
    .accepted = on_accepted,
    .updated = on_updated,
    .refused = on_refused,
    .done = on_done,
    .data = on_data,
    .data_reset = on_data_reset,
    .datagram = on_datagram,
};

void side_new(struct side *side, bool server, const struct moqt_events *told) {
  memset(side, 0, sizeof(*side));
  side->server = server;
  side->next_uni = server ? 3 : 2;
  side->next_bidi = server ? 1 : 0;
  side->close_code = UINT64_MAX;
  side->s = moqt_session_new(&(struct moqt_config){
      .server = server,
      .ops = &ops,
      .ops_arg = side,
      .events = told,
      .app = side,
      .path = "/a",
      .authority = "b",
      .max_filter_ranges = server,
      .max_request_updates = server ? 2 : 0,
  });
  assert_non_null(side->s);
}

void side_clear(struct side *side) {
  side->sent[0] = side->told[0] = 0;
}

void side_feed(struct side *side, int64_t sid, const char *text, bool fin) {
  uint8_t wire[2000];
  const size_t len = hex(wire, text);
  moqt_stream_in(side->s, sid, wire, len, fin);
}

void server_ready(struct side *side) {
  side_new(side, true, &side_events);
  assert_int_equal(moqt_session_start(side->s), 0);
  side_feed(side, 2, CLIENT_SETUP, false);
  assert_string_equal(side->told, "setup(/a) ");
  side_clear(side);
}

void client_ready(struct side *side) {
  side_new(side, false, &side_events);
  assert_int_equal(moqt_session_start(side->s), 0);
  side_feed(side, 3, SERVER_SETUP, false);
  side_clear(side);
}

int64_t side_ask(struct side *side, const char *track) {
  struct moqt_name name;
  struct moqt_params params;
  moqt_params_init(&params);
  moqt_name_set(&name, "p", track);
  const int64_t sid = moqt_subscribe(side->s, &name, &params);
  side_clear(side);
  return sid;
}
