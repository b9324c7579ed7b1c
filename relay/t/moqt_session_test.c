/* Sessions over a transport that only writes down what it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/moqt/session.h"
#include "relay/t/hex.h"

#define CLIENT_SETUP "af00 0009 01 02 2f61 04 01 62 02 00"
#define SERVER_SETUP "af00 0000"

/* One side: its session, what it sent, what it was told. */
struct side {
  struct moqt_session *s;
  bool server;
  int64_t next_uni, next_bidi;
  bool no_streams;
  char sent[4000]; /* "3:af000000 4F:0500 R5=1 S5=1 C=3" */
  char told[4000];
  struct side *peer; /* bytes go there, in pieces of `piece` */
  size_t piece;
  uint64_t close_code;
  /* answers given from inside events */
  bool accept_namespace, accept_subscribe, accept_update, refuse_update;
  int64_t last_req;
  struct moqt_params last_params;
};

static void note(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(char *to, const char *format, ...)
{
  const size_t len = strlen(to);
  va_list list;
  va_start(list, format);
  assert_true((size_t)vsnprintf(to + len, 4000 - len, format, list) < 4000 - len);
  va_end(list);
}

static int64_t open_uni(void *arg)
{
  struct side *side = arg;
  const int64_t sid = side->next_uni;
  if (side->no_streams)
    return -1;
  side->next_uni += 4;
  return sid;
}
static int64_t open_bidi(void *arg)
{
  struct side *side = arg;
  const int64_t sid = side->next_bidi;
  if (side->no_streams)
    return -1;
  side->next_bidi += 4;
  return sid;
}
static int send_bytes(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin)
{
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
static void reset(void *arg, int64_t sid, uint64_t code)
{
  struct side *side = arg;
  note(side->sent, "R%ld=%lu ", sid, code);
  if (side->peer)
    moqt_stream_reset_in(side->peer->s, sid, code);
}
static void stop(void *arg, int64_t sid, uint64_t code)
{
  struct side *side = arg;
  note(side->sent, "S%ld=%lu ", sid, code);
  if (side->peer)
    moqt_stop_in(side->peer->s, sid, code);
}
static void close_session(void *arg, uint64_t code, const char *reason)
{
  struct side *side = arg;
  assert_int_equal(side->close_code, UINT64_MAX); /* once */
  assert_true(strlen(reason) > 0);
  side->close_code = code;
}
static const struct moqt_ops ops = {open_uni, open_bidi, send_bytes, reset, stop, close_session};

static void on_setup(void *app, const struct moqt_setup *peer)
{
  note(((struct side *)app)->told, "setup(%.*s) ", (int)peer->path.len,
       (const char *)peer->path.data);
}
static void on_goaway(void *app, uint64_t timeout_ms)
{
  note(((struct side *)app)->told, "goaway(%lu) ", timeout_ms);
}
static void on_namespace(void *app, int64_t req, const struct moqt_name *name)
{
  struct side *side = app;
  char buf[100];
  note(side->told, "namespace(%ld,%s) ", req, moqt_name_print(name, buf, sizeof(buf)));
  side->last_req = req;
  if (side->accept_namespace)
    assert_int_equal(moqt_namespace_accept(side->s, req), 0);
}
static void on_subscribe(void *app, int64_t req, const struct moqt_name *name,
                         const struct moqt_params *params)
{
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
static void on_update(void *app, int64_t req, const struct moqt_params *changed)
{
  struct side *side = app;
  note(side->told, "update(%ld,%x) ", req, changed->has);
  side->last_params = *changed;
  if (side->accept_update)
    assert_int_equal(moqt_update_ok(side->s, req, NULL), 0);
  if (side->refuse_update)
    assert_int_equal(moqt_update_refuse(side->s, req, MOQT_REQ_INVALID_RANGE, "no"), 0);
}
static void on_ended(void *app, int64_t req, enum moqt_end why)
{
  struct side *side = app;
  note(side->told, "ended(%ld,%d) ", req, why);
  if (why == MOQT_END_UPDATE_FAILED)
    assert_int_equal(moqt_publish_done(side->s, req, MOQT_DONE_UPDATE_FAILED, 3, "update"), 0);
}
static void on_subscribed(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                          const struct moqt_properties *properties)
{
  note(((struct side *)app)->told, "subscribed(%ld,%lu,%lu/%lu,%d) ", req, alias,
       params->largest.group, params->largest.object, properties->priority);
}
static void on_accepted(void *app, int64_t req)
{
  note(((struct side *)app)->told, "accepted(%ld) ", req);
}
static void on_updated(void *app, int64_t req)
{
  note(((struct side *)app)->told, "updated(%ld) ", req);
}
static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry_ms, const char *reason)
{
  (void)reason;
  note(((struct side *)app)->told, "refused(%ld,%lu,%ld) ", req, code, (int64_t)retry_ms);
}
static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason)
{
  note(((struct side *)app)->told, "done(%ld,%lu,%ld,%s) ", req, status, (int64_t)streams, reason);
}
static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len, bool fin)
{
  struct side *side = app;
  note(side->told, "data(%ld@%lu%s:", sid, off, fin ? "F" : "");
  for (size_t i = 0; i < len; i++)
    note(side->told, "%02x", data[i]);
  note(side->told, ") ");
}
static void on_data_reset(void *app, int64_t sid, uint64_t code)
{
  note(((struct side *)app)->told, "data_reset(%ld,%lu) ", sid, code);
}
static void on_datagram(void *app, const uint8_t *data, size_t len)
{
  (void)data;
  note(((struct side *)app)->told, "datagram(%zu) ", len);
}
static const struct moqt_events events = {
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
static const struct moqt_events deaf;

static void side_new(struct side *side, bool server, const struct moqt_events *told)
{
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

static void clear(struct side *side)
{
  side->sent[0] = side->told[0] = 0;
}

static void feed(struct side *side, int64_t sid, const char *text, bool fin)
{
  uint8_t wire[2000];
  const size_t len = hex(wire, text);
  moqt_stream_in(side->s, sid, wire, len, fin);
}

/* A server whose client has said SETUP. */
static void server_ready(struct side *side)
{
  side_new(side, true, &events);
  assert_int_equal(moqt_session_start(side->s), 0);
  feed(side, 2, CLIENT_SETUP, false);
  assert_string_equal(side->told, "setup(/a) ");
  clear(side);
}

static void client_ready(struct side *side)
{
  side_new(side, false, &events);
  assert_int_equal(moqt_session_start(side->s), 0);
  feed(side, 3, SERVER_SETUP, false);
  clear(side);
}

/* ---- two sessions ---------------------------------------------------------------- */

static void whole_life(size_t piece)
{
  struct side client, server;
  struct moqt_name name;
  struct moqt_params params;

  side_new(&client, false, &events);
  side_new(&server, true, &events);
  client.peer = &server;
  server.peer = &client;
  client.piece = server.piece = piece;
  server.accept_namespace = true;
  client.accept_subscribe = client.accept_update = true;
  assert_int_equal(moqt_session_start(client.s), 0);
  assert_int_equal(moqt_session_start(server.s), 0);
  assert_string_equal(client.told, "setup() ");
  assert_string_equal(server.told, "setup(/a) ");
  clear(&client);
  clear(&server);

  moqt_name_set(&name, "pub", NULL);
  assert_int_equal(moqt_publish_namespace(client.s, &name), 0);
  assert_string_equal(server.told, "namespace(0,fanbench/pub) ");
  assert_string_equal(client.told, "accepted(0) ");
  clear(&client);
  clear(&server);

  moqt_name_set(&name, "pub", "video");
  moqt_params_init(&params);
  params.has = MOQT_HAS_LOCATION_FILTER;
  params.location.n = 1;
  assert_int_equal(moqt_subscribe(server.s, &name, &params), 1);
  assert_string_equal(client.told, "subscribe(1,fanbench/pub--video) ");
  assert_string_equal(server.told, "subscribed(1,7,4/5,128) ");
  assert_int_equal(client.last_params.location.n, 1);
  assert_int_equal(moqt_alias_request(server.s, 7), 1);
  assert_int_equal(moqt_alias_request(server.s, 8), -1);
  clear(&client);
  clear(&server);

  params.has = MOQT_HAS_FORWARD;
  params.forward = false;
  assert_int_equal(moqt_update(server.s, 1, &params), 0);
  assert_string_equal(client.told, "update(1,20) ");
  assert_false(client.last_params.forward);
  assert_string_equal(server.told, "updated(1) ");
  clear(&server);

  assert_int_equal(moqt_publish_done(client.s, 1, MOQT_DONE_TRACK_ENDED, 12, "end"), 0);
  assert_string_equal(server.told, "done(1,2,12,end) ");
  assert_int_equal(moqt_publish_done(client.s, 1, MOQT_DONE_TRACK_ENDED, 12, "end"), -1);
  assert_int_equal(moqt_update(server.s, 1, &params), -1);
  clear(&server);

  assert_int_equal(moqt_goaway(server.s, 5), 0);
  assert_int_equal(moqt_goaway(server.s, 5), -1);
  assert_non_null(strstr(client.told, "goaway(5) "));
  assert_int_equal(moqt_publish_namespace(client.s, &name), -1); /* no new requests */
  assert_int_equal(client.close_code, UINT64_MAX);
  assert_int_equal(server.close_code, UINT64_MAX);
  moqt_session_free(client.s);
  moqt_session_free(server.s);
}

static void life_whole(void **state)
{
  (void)state;
  whole_life(0);
}
static void life_byte_by_byte(void **state)
{
  (void)state;
  whole_life(1);
}

/* ---- SETUP and control streams ------------------------------------------------------- */

static void setup_bytes(void **state)
{
  struct side side;
  (void)state;
  side_new(&side, false, &events);
  side.no_streams = true;
  assert_int_equal(moqt_session_start(side.s), -1);
  side.no_streams = false;
  assert_int_equal(moqt_session_start(side.s), 0);
  assert_string_equal(side.sent, "2:af0000070102" "2f61" "040162 ");
  moqt_session_free(side.s);
  side_new(&side, true, &events);
  assert_int_equal(moqt_session_start(side.s), 0);
  assert_string_equal(side.sent, "3:af000004" "0601" "0202 ");
  moqt_session_free(side.s);
}

struct bad {
  const char *first, *second; /* on the client's uni stream 2, then on stream 6 */
  bool fin;
  uint64_t code;
};

static void control_stream_refusals(void **state)
{
  static const struct bad bads[] = {
    {CLIENT_SETUP, "", true, MOQT_PROTOCOL_VIOLATION},                  /* FIN */
    {CLIENT_SETUP, CLIENT_SETUP, false, MOQT_PROTOCOL_VIOLATION},      /* two of them */
    {CLIENT_SETUP CLIENT_SETUP, "", false, MOQT_PROTOCOL_VIOLATION},   /* SETUP twice */
    {CLIENT_SETUP "10 0003 00 9388 10 0003 00 9388", "", false, MOQT_PROTOCOL_VIOLATION},
    {CLIENT_SETUP "03 0004 00 00 00 00", "", false, MOQT_PROTOCOL_VIOLATION},
    {"af00 0003 01 01 61", "", false, MOQT_MALFORMED_PATH},
    {"05 00", "", false, MOQT_PROTOCOL_VIOLATION},  /* fetch stream */
    {"16 01", "", false, MOQT_PROTOCOL_VIOLATION},  /* subgroup, mode 11 */
    {"80 81 01", "", false, MOQT_PROTOCOL_VIOLATION},
    {"02", "", false, MOQT_PROTOCOL_VIOLATION},
    {"10", "", true, MOQT_PROTOCOL_VIOLATION},      /* ended inside the header */
    {CLIENT_SETUP "10 0003 00 9388", "", false, UINT64_MAX}, /* fine */
    {"f0 132b3e28 00000000", "f0 132b3e28 00", true, UINT64_MAX}, /* padding */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
    struct side side;
    side_new(&side, true, &events);
    feed(&side, 2, bads[i].first, bads[i].fin);
    if (bads[i].second[0])
      feed(&side, 6, bads[i].second, false);
    assert_int_equal(side.close_code, bads[i].code);
    assert_int_equal(moqt_is_closed(side.s), bads[i].code != UINT64_MAX);
    moqt_session_free(side.s);
  }
  struct side side;
  server_ready(&side);
  moqt_stream_reset_in(side.s, 2, 0);
  assert_int_equal(side.close_code, MOQT_PROTOCOL_VIOLATION);
  moqt_session_free(side.s);
  server_ready(&side);
  assert_false(moqt_stop_in(side.s, 7, 0)); /* a data stream: the owner's */
  assert_true(moqt_stop_in(side.s, 3, 0));
  assert_int_equal(side.close_code, MOQT_PROTOCOL_VIOLATION);
  moqt_session_free(side.s);
}

static void requests_wait_for_setup(void **state)
{
  struct side side;
  (void)state;
  side_new(&side, true, &events);
  assert_int_equal(moqt_session_start(side.s), 0);
  feed(&side, 4, "06 0005 02 01 01 62 00", false);
  feed(&side, 0, "06 0005 00 01 01 61 00", false);
  assert_string_equal(side.told, "");
  feed(&side, 2, CLIENT_SETUP, false);
  assert_string_equal(side.told, "setup(/a) namespace(4,b) namespace(0,a) ");
  moqt_session_free(side.s);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void unsupported_requests(void **state)
{
  static const char *const requests[] = {
    "16 001a 00 02 0562656e6368 0463616d31 05766964656f 01 21 04 29 00 00 0c", /* FETCH */
    "0d 0007 00 01 01 61 01 62 00",                                            /* TRACK_STATUS */
    "50 0005 00 01 01 61 00",                                                  /* SUBSCRIBE_NAMESPACE */
    "51 0005 00 01 01 61 00",                                                  /* SUBSCRIBE_TRACKS */
    "1d 0008 00 01 01 61 01 62 05 00",                                         /* PUBLISH */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
    struct side side;
    server_ready(&side);
    feed(&side, 0, requests[i], false);
    assert_string_equal(side.sent, "0F:050003030000 ");
    assert_string_equal(side.told, "");
    assert_int_equal(side.close_code, UINT64_MAX);
    feed(&side, 0, "02 0002 02 00", true); /* thrown away */
    assert_int_equal(side.close_code, UINT64_MAX);
    moqt_session_free(side.s);
  }
}

static void refused_publish_is_stopped(void **state)
{
  struct side side;
  (void)state;
  server_ready(&side);
  feed(&side, 0, "1d 0008 00 01 01 61 01 62 05 00", false);
  clear(&side);
  feed(&side, 6, "30 05 00 00 01 61", false);
  assert_string_equal(side.sent, "S6=1 ");
  feed(&side, 10, "30", false);
  feed(&side, 10, "05", false);
  assert_string_equal(side.sent, "S6=1 S10=1 ");
  uint8_t datagram[] = {0x0c, 5, 0, 'a'};
  moqt_datagram_in(side.s, datagram, sizeof(datagram));
  assert_string_equal(side.told, "");
  datagram[1] = 6; /* another alias passes */
  moqt_datagram_in(side.s, datagram, sizeof(datagram));
  feed(&side, 14, "30 06 00 00 01 61", true);
  assert_string_equal(side.told, "datagram(4) data(14@0F:300600000161) ");
  moqt_session_free(side.s);
}

static void nobody_listens(void **state)
{
  struct side side;
  (void)state;
  side_new(&side, true, &deaf);
  assert_int_equal(moqt_session_start(side.s), 0);
  feed(&side, 2, CLIENT_SETUP, false);
  clear(&side);
  feed(&side, 0, "06 0005 00 01 01 61 00", false);
  feed(&side, 4, "03 0007 02 01 01 61 01 62 00", false);
  assert_int_equal(strncmp(side.sent, "0F:05", 5), 0);
  assert_non_null(strstr(side.sent, " 4F:05"));
  moqt_session_free(side.s);
}

static void subscribe_with_what_is_refused(void **state)
{
  struct side side;
  (void)state;
  server_ready(&side);
  feed(&side, 0, "03 000c 00 01 01 61 01 62 01 25 03 00 00 02", false); /* SUBGROUP_FILTER */
  assert_int_equal(strncmp(side.sent, "0F:05", 5), 0);
  assert_int_equal(strncmp(side.sent + 9, "36", 2), 0);
  clear(&side);
  feed(&side, 4, "03 000c 02 01 01 61 01 62 01 23 03 01 0a 05", false); /* FILL_PARAMETERS */
  assert_int_equal(strncmp(side.sent, "4F:05", 5), 0);
  assert_int_equal(strncmp(side.sent + 9, "03", 2), 0);
  assert_string_equal(side.told, "");
  moqt_session_free(side.s);
  /* a client announced no filter ranges */
  client_ready(&side);
  feed(&side, 1, "03 000c 01 01 01 61 01 62 01 27 03 00 00 02", false);
  assert_int_equal(strncmp(side.sent, "1F:05", 5), 0);
  assert_int_equal(strncmp(side.sent + 9, "36", 2), 0);
  moqt_session_free(side.s);
}

static void request_ids(void **state)
{
  static const struct {
    const char *ids[3]; /* of PUBLISH_NAMESPACE on streams 0, 4, 8 */
    bool good;
  } cases[] = {
    {{"00", "02", "04"}, true}, {{"04", "00", "02"}, true}, {{"00", "00", ""}, false},
    {{"01", "", ""}, false},    {{"04", "04", ""}, false},  {{"02", "00", "02"}, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    server_ready(&side);
    for (int64_t n = 0; n < 3 && cases[i].ids[n][0]; n++) {
      char text[64];
      snprintf(text, sizeof(text), "06 0005 %s 01 01 61 00", cases[i].ids[n]);
      feed(&side, 4 * n, text, false);
    }
    assert_int_equal(side.close_code, cases[i].good ? UINT64_MAX : MOQT_INVALID_REQUEST_ID);
    moqt_session_free(side.s);
  }
}

static void request_stream_refusals(void **state)
{
  static const struct {
    const char *text;
    bool fin;
    uint64_t code;
  } cases[] = {
    {"02 0002 00 00", false, MOQT_PROTOCOL_VIOLATION},     /* begins with REQUEST_UPDATE */
    {"04 0002 07 00", false, MOQT_PROTOCOL_VIOLATION},     /* an answer to nothing */
    {"10 0002 00 00", false, MOQT_PROTOCOL_VIOLATION},     /* begins with GOAWAY */
    {"07 0001 00", false, MOQT_PROTOCOL_VIOLATION},
    {"3f 0000", false, MOQT_PROTOCOL_VIOLATION},           /* unknown type */
    {"06 0005 00 01 01 61 00 06 0005 02 01 01 61 00", false, MOQT_PROTOCOL_VIOLATION},
    {"06 0005 00 01 01 61 00 10 0002 00 00 10 0002 00 00", false, MOQT_PROTOCOL_VIOLATION},
    {"06 0005 00 01 01 61 00 22 0001 00", false, MOQT_PROTOCOL_VIOLATION}, /* not a publisher's */
    {"06 0005 00 01", true, MOQT_PROTOCOL_VIOLATION},      /* FIN inside a message */
    {"06 0006 00 01 01 61 00 00", false, MOQT_PROTOCOL_VIOLATION},
    {"06 0005 00 01 01 61 00 02 0004 02 01 10 00", false, MOQT_PROTOCOL_VIOLATION},
    {"06 0005 00 01 01 61 00 10 0002 00 00", false, UINT64_MAX},
    {"06 0005 00 01 01 61 00 02 0002 02 00", false, UINT64_MAX}, /* empty update */
    {"", true, UINT64_MAX},                                /* nothing asked */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    server_ready(&side);
    side.accept_namespace = true;
    feed(&side, 0, cases[i].text, cases[i].fin);
    assert_int_equal(side.close_code, cases[i].code);
    moqt_session_free(side.s);
  }
}

static void late_answers(void **state)
{
  struct side side;
  const struct moqt_params ok = {0};
  (void)state;
  server_ready(&side);
  /* SUBSCRIBE, and an update behind it: it waits for the answer */
  feed(&side, 0, "03 0007 00 01 01 61 01 62 00 02 0004 02 01 20 05", true);
  assert_string_equal(side.told, "subscribe(0,a--b) ");
  assert_string_equal(side.sent, "");
  side.accept_update = true;
  assert_int_equal(moqt_update_ok(side.s, 0, NULL), -1);
  assert_int_equal(moqt_subscribe_accept(side.s, 0, 9, &ok, (struct moqt_bytes){0}), 0);
  assert_string_equal(side.told, "subscribe(0,a--b) update(0,40) ");
  assert_string_equal(side.sent, "0:0400020900 0:07000100 ");
  assert_int_equal(moqt_subscribe_accept(side.s, 0, 9, &ok, (struct moqt_bytes){0}), -1);
  clear(&side);
  assert_int_equal(moqt_publish_done(side.s, 0, 2, 0, ""), 0);
  assert_string_equal(side.sent, "0F:0b0003020000 ");
  /* refused later */
  feed(&side, 4, "03 0007 04 01 01 61 01 62 00", false);
  clear(&side);
  assert_int_equal(moqt_refuse(side.s, 4, MOQT_REQ_DOES_NOT_EXIST, 1000, "no publisher"), 0);
  assert_string_equal(side.sent, "4F:0500101083e90c6e6f207075626c6973686572 ");
  assert_int_equal(moqt_refuse(side.s, 4, 0, 0, ""), -1);
  moqt_session_free(side.s);
}

static void updates(void **state)
{
  struct side side;
  (void)state;
  server_ready(&side);
  side.accept_subscribe = true;
  feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  clear(&side);
  /* two wait for an answer, the third is one too many (MAX_REQUEST_UPDATES 2) */
  feed(&side, 0, "02 0004 02 01 20 05", false);
  feed(&side, 0, "02 0007 04 01 27 03 00 00 02", false);
  assert_string_equal(side.told, "update(0,40) update(0,200) ");
  assert_int_equal(moqt_update_ok(side.s, 0, &(struct moqt_location){1, 2}), 0);
  assert_string_equal(side.sent, "0:07000401090102 ");
  feed(&side, 0, "02 0002 06 00", false);
  assert_int_equal(side.close_code, UINT64_MAX);
  feed(&side, 0, "02 0002 08 00", false);
  assert_int_equal(side.close_code, MOQT_TOO_MANY_REQUEST_UPDATES);
  moqt_session_free(side.s);
}

static void failed_updates(void **state)
{
  struct side side;
  (void)state;
  /* refused by the session: OBJECTID_FILTER */
  server_ready(&side);
  side.accept_subscribe = true;
  feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  clear(&side);
  feed(&side, 0, "02 0007 02 01 26 03 00 00 02 02 0002 04 00", false);
  assert_string_equal(side.told, "ended(0,1) ");
  assert_int_equal(strncmp(side.sent, "0:05", 4), 0);
  assert_non_null(strstr(side.sent, "0F:0b0009080306757064617465 "));
  moqt_session_free(side.s);
  /* ... but only behind the answer to the one before */
  server_ready(&side);
  side.accept_subscribe = true;
  feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  clear(&side);
  feed(&side, 0, "02 0004 02 01 20 05 02 0007 04 01 26 03 00 00 02", false);
  assert_string_equal(side.told, "update(0,40) ");
  assert_string_equal(side.sent, "");
  assert_int_equal(moqt_update_ok(side.s, 0, NULL), 0);
  assert_string_equal(side.told, "update(0,40) ended(0,1) ");
  assert_int_equal(strncmp(side.sent, "0:07000100 0:05", 15), 0);
  moqt_session_free(side.s);
  /* refused by the owner */
  server_ready(&side);
  side.accept_subscribe = side.refuse_update = true;
  feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  clear(&side);
  feed(&side, 0, "02 0004 02 01 20 05", false);
  assert_string_equal(side.told, "update(0,40) ended(0,1) ");
  moqt_session_free(side.s);
}

static void cancelled_by_the_peer(void **state)
{
  struct side side;
  (void)state;
  server_ready(&side);
  side.accept_subscribe = side.accept_namespace = true;
  feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  feed(&side, 4, "06 0005 02 01 01 61 00", false);
  clear(&side);
  assert_true(moqt_stop_in(side.s, 0, 1));
  assert_string_equal(side.told, "ended(0,0) ");
  assert_string_equal(side.sent, "R0=1 S0=1 ");
  moqt_stream_reset_in(side.s, 0, 1);
  moqt_stream_reset_in(side.s, 4, 1);
  assert_string_equal(side.told, "ended(0,0) ended(4,0) ");
  assert_int_equal(moqt_publish_done(side.s, 0, 2, 0, ""), -1);
  moqt_session_free(side.s);
}

/* ---- own requests -------------------------------------------------------------------------- */

static int64_t ask(struct side *side, const char *track)
{
  struct moqt_name name;
  struct moqt_params params;
  moqt_params_init(&params);
  moqt_name_set(&name, "p", track);
  const int64_t sid = moqt_subscribe(side->s, &name, &params);
  clear(side);
  return sid;
}

static void answers(void **state)
{
  struct side side;
  (void)state;
  client_ready(&side);
  assert_int_equal(ask(&side, "a"), 0);
  feed(&side, 0, "04 000b 07 01 09 29 0c 02 87d0 0c 80c8", false);
  assert_string_equal(side.told, "subscribed(0,7,41/12,200) ");
  feed(&side, 0, "22 0001 00 10 0002 00 00", false); /* state, GOAWAY: no answer */
  clear(&side);
  feed(&side, 0, "0b 0003 02 05 00", true);
  assert_string_equal(side.told, "done(0,2,5,) ");
  assert_string_equal(side.sent, "0F: ");

  assert_int_equal(ask(&side, "b"), 4);
  feed(&side, 4, "05 0010 10 83e9 0c 6e6f207075626c6973686572", true);
  assert_string_equal(side.told, "refused(4,16,1000) ");
  assert_int_equal(ask(&side, "c"), 8);
  feed(&side, 8, "05 0004 80ff 00 00", true); /* unknown code: INTERNAL_ERROR */
  assert_string_equal(side.told, "refused(8,0,-1) ");
  assert_int_equal(ask(&side, "d"), 12);
  feed(&side, 12, "", true);
  assert_string_equal(side.told, "refused(12,0,-1) ");
  assert_int_equal(ask(&side, "e"), 16);
  moqt_stream_reset_in(side.s, 16, 0);
  assert_string_equal(side.told, "refused(16,0,-1) ");
  assert_int_equal(ask(&side, "f"), 20);
  feed(&side, 20, "04 0002 07 00", false);
  moqt_stream_reset_in(side.s, 20, 0);
  assert_string_equal(side.told, "subscribed(20,7,0/0,128) done(20,0,-1,the responder reset the stream) ");
  assert_int_equal(ask(&side, "g"), 24);
  moqt_cancel(side.s, 24);
  assert_string_equal(side.sent, "R24=1 S24=1 ");
  feed(&side, 24, "04 0002 07 00", true); /* crossed it: thrown away */
  assert_string_equal(side.told, "");
  /* a mandatory property that nobody understands */
  assert_int_equal(ask(&side, "h"), 28);
  feed(&side, 28, "04 0006 07 00 c04000 00", false);
  assert_string_equal(side.told, "refused(28,51,-1) ");
  assert_string_equal(side.sent, "R28=1 S28=1 ");
  assert_int_equal(side.close_code, UINT64_MAX);
  moqt_session_free(side.s);
}

static void answers_refused(void **state)
{
  static const struct {
    const char *text;
    uint64_t code;
  } cases[] = {
    {"07 0001 00", MOQT_PROTOCOL_VIOLATION},                      /* OK to a SUBSCRIBE */
    {"0b 0003 02 05 00", MOQT_PROTOCOL_VIOLATION},                /* DONE before OK */
    {"04 0002 07 00 04 0002 07 00", MOQT_PROTOCOL_VIOLATION},     /* OK twice */
    {"04 0002 07 00 07 0001 00", MOQT_PROTOCOL_VIOLATION},        /* update never sent */
    {"04 0002 07 00 05 0003 03 00 00", MOQT_PROTOCOL_VIOLATION},
    {"02 0002 01 00", MOQT_PROTOCOL_VIOLATION},                   /* a requester's */
    {"04 0004 07 01 10 01", MOQT_PROTOCOL_VIOLATION},             /* FORWARD in SUBSCRIBE_OK */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    client_ready(&side);
    assert_int_equal(ask(&side, "a"), 0);
    feed(&side, 0, cases[i].text, false);
    assert_int_equal(side.close_code, cases[i].code);
    moqt_session_free(side.s);
  }
}

static void one_alias_for_two_tracks(void **state)
{
  struct side side;
  (void)state;
  client_ready(&side);
  assert_int_equal(ask(&side, "a"), 0);
  assert_int_equal(ask(&side, "a"), 4);
  assert_int_equal(ask(&side, "b"), 8);
  feed(&side, 0, "04 0002 07 00", false);
  feed(&side, 4, "04 0002 07 00", false); /* the same track: fine */
  assert_int_equal(side.close_code, UINT64_MAX);
  feed(&side, 8, "04 0002 07 00", false);
  assert_int_equal(side.close_code, MOQT_DUPLICATE_TRACK_ALIAS);
  moqt_session_free(side.s);
}

static void refused_update_of_mine(void **state)
{
  struct side side;
  struct moqt_params params = {.has = MOQT_HAS_FORWARD};
  (void)state;
  client_ready(&side);
  assert_int_equal(ask(&side, "a"), 0);
  assert_int_equal(moqt_update(side.s, 0, &params), -1); /* not accepted yet */
  feed(&side, 0, "04 0002 07 00", false);
  assert_int_equal(moqt_update(side.s, 0, &params), 0);
  assert_string_equal(side.sent, "0:02000402011000 ");
  clear(&side);
  feed(&side, 0, "05 0003 36 00 00 0b 0003 08 02 00", true);
  assert_string_equal(side.told, "done(0,8,2,) ");
  moqt_session_free(side.s);
}

/* ---- data ------------------------------------------------------------------------------------- */

static void data_streams(void **state)
{
  struct side side;
  (void)state;
  server_ready(&side);
  feed(&side, 6, "78 07 2a 00 05 68656c6c6f", false);
  feed(&side, 6, "00 00 00", true);
  assert_string_equal(side.told, "data(6@0:78072a000568656c6c6f) data(6@10F:000000) ");
  clear(&side);
  /* the type in a wide form, byte by byte: passed on once the alias is known */
  feed(&side, 10, "80", false);
  feed(&side, 10, "78", false);
  assert_string_equal(side.told, "");
  feed(&side, 10, "07", false);
  feed(&side, 10, "2a", true);
  assert_string_equal(side.told, "data(10@0:807807) data(10@3F:2a) ");
  clear(&side);
  feed(&side, 14, "30 01", false);
  moqt_stream_reset_in(side.s, 14, 2);
  moqt_stream_reset_in(side.s, 18, 2); /* nothing is known of it */
  assert_string_equal(side.told, "data(14@0:3001) data_reset(14,2) ");
  moqt_session_free(side.s);
}

static void datagram_refusals(void **state)
{
  static const struct {
    const char *text;
    uint64_t code;
  } cases[] = {
    {"10 07 2a 00 00", MOQT_PROTOCOL_VIOLATION}, {"", MOQT_PROTOCOL_VIOLATION},
    {"28 07 2b 01 01", MOQT_PROTOCOL_VIOLATION}, {"28 07 2b 01 04 00", MOQT_PROTOCOL_VIOLATION},
    {"f0 132b3e29 0000", UINT64_MAX},            {"28 07 2b 01 04", UINT64_MAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    uint8_t wire[64];
    server_ready(&side);
    const size_t len = hex(wire, cases[i].text);
    moqt_datagram_in(side.s, wire, len);
    assert_int_equal(side.close_code, cases[i].code);
    moqt_session_free(side.s);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(life_whole),
    cmocka_unit_test(life_byte_by_byte),
    cmocka_unit_test(setup_bytes),
    cmocka_unit_test(control_stream_refusals),
    cmocka_unit_test(requests_wait_for_setup),
    cmocka_unit_test(unsupported_requests),
    cmocka_unit_test(refused_publish_is_stopped),
    cmocka_unit_test(nobody_listens),
    cmocka_unit_test(subscribe_with_what_is_refused),
    cmocka_unit_test(request_ids),
    cmocka_unit_test(request_stream_refusals),
    cmocka_unit_test(late_answers),
    cmocka_unit_test(updates),
    cmocka_unit_test(failed_updates),
    cmocka_unit_test(cancelled_by_the_peer),
    cmocka_unit_test(answers),
    cmocka_unit_test(answers_refused),
    cmocka_unit_test(one_alias_for_two_tracks),
    cmocka_unit_test(refused_update_of_mine),
    cmocka_unit_test(data_streams),
    cmocka_unit_test(datagram_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
