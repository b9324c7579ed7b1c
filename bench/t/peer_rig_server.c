/* The server of a rig: a connection with a MoQT session that does what a test
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "bench/t/peer_rig.h"
#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"

/* ---- transport ----------------------------------------------------------------- */

static int64_t ops_open_uni(void *arg) {
  return qc_open_uni(((struct rig *)arg)->conn);
}
static int64_t ops_open_bidi(void *arg) {
  return qc_open_bidi(((struct rig *)arg)->conn);
}
static int ops_send(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  return qc_stream_send(((struct rig *)arg)->conn, sid, data, len, fin);
}
static void ops_reset(void *arg, int64_t sid, uint64_t code) {
  qc_stream_reset(((struct rig *)arg)->conn, sid, code);
}
static void ops_stop(void *arg, int64_t sid, uint64_t code) {
  qc_stream_stop(((struct rig *)arg)->conn, sid, code);
}
static void ops_close(void *arg, uint64_t code, const char *reason) {
  print_message("server closes: %s\n", reason);
  qc_close(((struct rig *)arg)->conn, code, reason);
}
static const struct moqt_ops server_ops = {ops_open_uni, ops_open_bidi, ops_send,
                                           ops_reset,    ops_stop,      ops_close};

static void on_handshake(void *app) {
  struct rig *rig = app;
  assert_int_equal(moqt_session_start(rig->session), 0);
}
static void on_stream_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                           bool fin) {
  (void)off;
  moqt_stream_in(((struct rig *)app)->session, sid, data, len, fin);
}
static void on_stream_reset(void *app, int64_t sid, uint64_t code, uint64_t final_size) {
  (void)final_size;
  moqt_stream_reset_in(((struct rig *)app)->session, sid, code);
}
static void on_stop_sending(void *app, int64_t sid, uint64_t code) {
  moqt_stop_in(((struct rig *)app)->session, sid, code);
}
static void on_datagram(void *app, const uint8_t *data, size_t len) {
  moqt_datagram_in(((struct rig *)app)->session, data, len);
}
static void on_cid_issued(void *app, const struct qc_cid *cid) {
  struct rig *rig = app;
  rig->issued[rig->n_issued++ % 64] = *cid;
}
static void on_closed(void *app, const struct qc_close_info *info) {
  struct rig *rig = app;
  rig->closed = true;
  rig->close = *info;
}
static const struct qc_callbacks server_callbacks = {
    .handshake_done = on_handshake,
    .stream_data = on_stream_data,
    .stream_reset = on_stream_reset,
    .stop_sending = on_stop_sending,
    .datagram = on_datagram,
    .cid_issued = on_cid_issued,
    .closed = on_closed,
    .rand = rig_random,
};

/* ---- what it is told ------------------------------------------------------------ */

static void on_namespace(void *app, int64_t req, const struct moqt_name *name) {
  struct rig *rig = app;
  moqt_name_print(name, rig->name, sizeof rig->name);
  rig->announced = true;
  if (rig->accept_names)
    moqt_namespace_accept(rig->session, req);
  else
    moqt_refuse(rig->session, req, MOQT_REQ_UNAUTHORIZED, UINT64_MAX, "not here");
}

static void on_subscribe(void *app, int64_t req, const struct moqt_name *name,
                         const struct moqt_params *params) {
  struct rig *rig = app;
  assert_true(rig->n_requests < 16);
  struct rig_request *request = &rig->requests[rig->n_requests++];
  request->req = req;
  request->params = *params;
  snprintf(request->track, sizeof request->track, "%.*s", (int)name->track.len,
           (const char *)name->track.data);
}

static void on_update(void *app, int64_t req, const struct moqt_params *changed) {
  struct rig *rig = app;
  rig->updates++;
  rig->updated = *changed;
  moqt_update_ok(rig->session, req, NULL);
}

static void on_ended(void *app, int64_t req, enum moqt_end why) {
  (void)req;
  (void)why;
  ((struct rig *)app)->cancelled++;
}

static void on_subscribed(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                          const struct moqt_properties *properties) {
  struct rig *rig = app;
  (void)properties;
  rig->subscribed_req = req;
  rig->alias = alias;
  rig->has_largest = params->has & MOQT_HAS_LARGEST;
  rig->largest = params->largest;
}

static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry_ms,
                       const char *reason) {
  struct rig *rig = app;
  (void)req;
  (void)retry_ms;
  (void)reason;
  rig->refused = true;
  rig->refuse_code = code;
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason) {
  struct rig *rig = app;
  (void)req;
  (void)reason;
  rig->done = true;
  rig->done_status = status;
  rig->done_streams = streams;
}

static struct rig_object *add_object(struct rig *rig) {
  if (rig->n_objects == rig->room_objects) {
    rig->room_objects = 2 * rig->room_objects + 64;
    rig->objects = realloc(rig->objects, rig->room_objects * sizeof *rig->objects);
    assert_non_null(rig->objects);
  }
  return memset(&rig->objects[rig->n_objects++], 0, sizeof *rig->objects);
}

static struct rig_stream *find_stream(struct rig *rig, int64_t sid) {
  for (size_t i = 0; i < rig->n_streams; i++)
    if (rig->streams[i].sid == sid)
      return &rig->streams[i];
  if (rig->n_streams == rig->room_streams) {
    rig->room_streams = 2 * rig->room_streams + 64;
    rig->streams = realloc(rig->streams, rig->room_streams * sizeof *rig->streams);
    assert_non_null(rig->streams);
  }
  struct rig_stream *stream = &rig->streams[rig->n_streams++];
  *stream = (struct rig_stream){.sid = sid};
  return stream;
}

struct reading {
  struct rig *rig;
  struct rig_stream *stream;
};

static void read_object(void *arg, const struct moqt_reader *reader, uint64_t object, uint64_t size,
                        uint64_t status, struct moqt_bytes properties) {
  struct reading *in = arg;
  (void)reader;
  (void)object;
  (void)size;
  (void)properties;
  assert_int_equal(status, MOQT_OBJECT_NORMAL);
  in->stream->got = 0;
}

static void read_payload(void *arg, const uint8_t *data, size_t len) {
  struct reading *in = arg;
  in->stream->payload = realloc(in->stream->payload, in->stream->got + len);
  assert_non_null(in->stream->payload);
  memcpy(in->stream->payload + in->stream->got, data, len);
  in->stream->got += len;
}

static void read_end(void *arg, const struct moqt_reader *reader) {
  struct reading *in = arg;
  struct rig_object *object = add_object(in->rig);
  object->sid = in->stream->sid;
  object->alias = reader->header.alias;
  object->group = reader->header.group;
  object->subgroup = reader->header.subgroup;
  object->object = reader->object;
  object->size = in->stream->got;
  object->hash = XXH64(in->stream->payload, in->stream->got, 0);
  object->priority = reader->header.priority;
  object->explicit_priority = reader->header.has_priority;
  object->first_object = reader->header.first_object;
  object->end_of_group = reader->header.end_of_group;
  object->at_ns = in->rig->net.now_ns;
  in->stream->objects++;
}

static const struct moqt_reader_events reader_events = {
    .object = read_object, .payload = read_payload, .object_end = read_end};

static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  struct rig *rig = app;
  struct reading in = {.rig = rig, .stream = find_stream(rig, sid)};
  const char *why = "";
  (void)off;
  if (moqt_reader_in(&in.stream->reader, data, len, fin, &reader_events, &in, &why) != 0) {
    if (!rig->expels)
      fail_msg("stream %lld: %s", (long long)sid, why);
    qc_close(rig->conn, MOQT_PROTOCOL_VIOLATION, why);
  }
  in.stream->fin |= fin;
}

static void on_data_reset(void *app, int64_t sid, uint64_t code) {
  struct rig_stream *stream = find_stream(app, sid);
  stream->reset = true;
  stream->code = code;
}

static void on_object_datagram(void *app, const uint8_t *data, size_t len) {
  struct rig *rig = app;
  struct moqt_datagram datagram;
  const char *why = "";
  assert_int_equal(moqt_datagram_read(data, len, &datagram, &why), 0);
  struct rig_object *object = add_object(rig);
  *object = (struct rig_object){
      .sid = -1,
      .alias = datagram.alias,
      .group = datagram.group,
      .object = datagram.object,
      .size = datagram.payload.len,
      .hash = XXH64(datagram.payload.data, datagram.payload.len, 0),
      .priority = datagram.priority,
      .explicit_priority = datagram.has_priority,
      .end_of_group = datagram.end_of_group,
      .at_ns = rig->net.now_ns,
  };
}

static const struct moqt_events server_events = {
    .namespace_published = on_namespace,
    .subscribe = on_subscribe,
    .update = on_update,
    .ended = on_ended,
    .subscribed = on_subscribed,
    .refused = on_refused,
    .done = on_done,
    .data = on_data,
    .data_reset = on_data_reset,
    .datagram = on_object_datagram,
};

/* ---- packets --------------------------------------------------------------------- */

static bool is_ours(const struct rig *rig, const struct qc_cid *cid) {
  const size_t n = rig->n_issued < 64 ? rig->n_issued : 64;
  for (size_t i = 0; i < n; i++)
    if (rig->issued[i].len == cid->len && memcmp(rig->issued[i].data, cid->data, cid->len) == 0)
      return true;
  return false;
}

static void hang_up(struct rig *rig) {
  moqt_session_free(rig->session);
  qc_free(rig->conn);
  rig->session = NULL;
  rig->conn = NULL;
  for (size_t i = 0; i < rig->n_streams; i++)
    rig->streams[i].sid = -1; /* the next connection begins with the same IDs */
}

void rig_server_restart(struct rig *rig) {
  hang_up(rig);
  rig->n_issued = 0;
}

static void accept_client(struct rig *rig, const struct qc_path *path, const uint8_t *data,
                          size_t len) {
  const struct plan_node *node = &rig->plan->nodes[0];
  const struct qc_config config = {
      .tls = rig->tls,
      .protection = node->protection == PLAN_PROT_TLS ? QC_PROTECT_TLS : QC_PROTECT_NONE,
      .callbacks = &server_callbacks,
      .app = rig,
      .path = *path,
      .now_ns = rig->net.now_ns,
      .cid_len = 20,
      .max_data = 1 << 20,
      .max_stream_data_bidi = 65536,
      .max_stream_data_uni = 1 << 20,
      .max_streams_bidi = 100,
      .max_streams_uni = rig->max_streams_uni,
      .max_idle_ns = 30 * RIG_S,
      .max_datagram_frame = 65535,
      .max_udp_payload = 1452,
  };
  const struct moqt_config moqt = {.server = true,
                                   .ops = &server_ops,
                                   .ops_arg = rig,
                                   .events = &server_events,
                                   .app = rig,
                                   .implementation = "rig",
                                   .max_filter_ranges = 1};
  hang_up(rig);
  rig->closed = false;
  rig->conn = qc_server(&config, data, len);
  if (!rig->conn)
    return;
  rig->connections++;
  rig->session = moqt_session_new(&moqt);
  assert_non_null(rig->session);
}

static void server_in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
                      uint64_t now_ns) {
  struct rig *rig = arg;
  struct qc_cid cid;
  rig->packets_in++;
  if (!qc_packet_dcid(data, len, 20, &cid))
    return;
  if ((data[0] & 0x80) && !is_ours(rig, &cid) && !rig->deaf)
    accept_client(rig, path, data, len);
  if (!(data[0] & 0x80) && !rig->conn) {
    uint8_t random[QC_RESET_RANDOM];
    rig_random(rig, random, sizeof random);
    rig->lost_path = (struct qc_path){.local = path->local, .remote = path->remote};
    rig->reset_len =
        qc_stateless_reset(rig->tls, data, len, 20, rig->reset, sizeof rig->reset, random);
  }
  if (rig->conn)
    qc_read(rig->conn, path, data, len, now_ns);
}
static size_t server_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room,
                         uint64_t now_ns) {
  struct rig *rig = arg;
  const size_t len = rig->reset_len;
  if (len > 0) {
    *path = rig->lost_path;
    memcpy(buf, rig->reset, len);
    rig->reset_len = 0;
    return len;
  }
  return rig->conn ? qc_write(rig->conn, path, buf, room, now_ns) : 0;
}
static uint64_t server_deadline(void *arg) {
  struct rig *rig = arg;
  return rig->conn ? qc_deadline(rig->conn) : UINT64_MAX;
}
static void server_expire(void *arg, uint64_t now_ns) {
  qc_handle_expiry(((struct rig *)arg)->conn, now_ns);
}

void rig_server_open(struct rig *rig) {
  rig->tls = qc_tls_new(&(struct qc_tls_config){.server = true,
                                                .alpn = MOQT_ALPN,
                                                .cipher = QC_CHACHA20_POLY1305,
                                                .cert_pem = embed_test_cert_pem,
                                                .cert_len = embed_test_cert_pem_len,
                                                .key_pem = embed_test_key_pem,
                                                .key_len = embed_test_key_pem_len});
  assert_non_null(rig->tls);
  memnet_add(&rig->net, &(struct memnet_node){.addr = rig->path.remote,
                                              .arg = rig,
                                              .in = server_in,
                                              .out = server_out,
                                              .deadline = server_deadline,
                                              .expire = server_expire});
}

void rig_server_close(struct rig *rig) {
  hang_up(rig);
  qc_tls_free(rig->tls);
  for (size_t i = 0; i < rig->n_streams; i++) {
    moqt_reader_free(&rig->streams[i].reader);
    free(rig->streams[i].payload);
  }
  free(rig->streams);
  free(rig->objects);
}

/* ---- actions ------------------------------------------------------------------------------ */

int64_t rig_subscribe(struct rig *rig, const char *track, const struct moqt_params *params) {
  struct moqt_params none;
  struct moqt_name name;
  moqt_params_init(&none);
  moqt_name_set(&name, "pub", track);
  return moqt_subscribe(rig->session, &name, params ? params : &none);
}

int64_t rig_send_stream(struct rig *rig, const void *data, size_t len, bool fin) {
  const int64_t sid = qc_open_uni(rig->conn);
  assert_true(sid >= 0);
  assert_int_equal(qc_stream_send(rig->conn, sid, data, len, fin), 0);
  return sid;
}
