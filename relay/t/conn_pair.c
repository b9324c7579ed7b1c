#include "relay/t/conn_pair.h"

#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"

uint8_t content(int64_t sid, uint64_t off) {
  return (uint8_t)((uint64_t)sid * 31 + off * 7 + (off >> 8));
}

static void on_done(void *app) {
  ((struct side *)app)->done = true;
}
static void on_confirmed(void *app) {
  ((struct side *)app)->confirmed = true;
}
static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  struct side *side = app;
  assert_true(sid >= 0 && sid < 4 * STREAMS + 8);
  if (off != side->got[sid])
    side->wrong++;
  for (size_t i = 0; i < len; i++)
    if (data[i] != content(sid, off + i))
      side->wrong++;
  side->got[sid] = off + len;
  side->fin[sid] = fin;
  if (side->echo && (sid & 2) == 0)
    assert_int_equal(qc_stream_send(side->conn, sid, data, len, fin), 0);
}
static void on_reset(void *app, int64_t sid, uint64_t code, uint64_t final_size) {
  struct side *side = app;
  (void)final_size;
  side->resets++;
  side->reset_code[sid] = code;
}
static void on_stop(void *app, int64_t sid, uint64_t code) {
  struct side *side = app;
  (void)sid;
  side->stops++;
  side->stop_code = code;
}
static void on_acked(void *app, int64_t sid, uint64_t upto) {
  (void)sid;
  (void)upto;
  ((struct side *)app)->acked++;
}
static void on_stream_closed(void *app, int64_t sid) {
  (void)sid;
  ((struct side *)app)->streams_closed++;
}
static void on_datagram(void *app, const uint8_t *data, size_t len) {
  struct side *side = app;
  side->datagrams++;
  for (size_t i = 1; i < len; i++)
    if (data[i] != content(data[0], i))
      side->wrong++;
}
static void on_path(void *app, const struct qc_path *path) {
  (void)path;
  ((struct side *)app)->paths++;
}
static void on_validated(void *app, const struct qc_path *path, bool valid) {
  (void)path;
  ((struct side *)app)->validated += valid;
}
static void on_dcid(void *app, const struct qc_cid *dcid) {
  (void)dcid;
  ((struct side *)app)->dcids++;
}
static void on_issued(void *app, const struct qc_cid *cid) {
  assert_true(cid->len > 0);
  ((struct side *)app)->issued++;
}
static void on_retired(void *app, const struct qc_cid *cid) {
  (void)cid;
  ((struct side *)app)->retired++;
}
static void on_closed(void *app, const struct qc_close_info *info) {
  struct side *side = app;
  assert_false(side->closed); /* told once */
  side->closed = true;
  side->why = *info;
}
static void on_rand(void *app, uint8_t *dest, size_t len) {
  struct side *side = app;
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)memnet_random(side->net);
}

static const struct qc_callbacks callbacks = {
    .handshake_done = on_done,
    .handshake_confirmed = on_confirmed,
    .stream_data = on_data,
    .stream_reset = on_reset,
    .stop_sending = on_stop,
    .stream_acked = on_acked,
    .stream_closed = on_stream_closed,
    .datagram = on_datagram,
    .path_changed = on_path,
    .path_validated = on_validated,
    .dcid_changed = on_dcid,
    .cid_issued = on_issued,
    .cid_retired = on_retired,
    .closed = on_closed,
    .rand = on_rand,
};

static void side_in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
                    uint64_t now_ns) {
  struct side *side = arg;
  if (!side->conn) {
    if (!side->server)
      return;
    side->config.path = *path;
    side->config.now_ns = now_ns;
    side->conn = qc_server(&side->config, data, len);
    if (!side->conn)
      return;
  }
  qc_read(side->conn, path, data, len, now_ns);
}
static size_t side_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room,
                       uint64_t now_ns) {
  struct side *side = arg;
  return side->conn ? qc_write(side->conn, path, buf, room, now_ns) : 0;
}
static uint64_t side_deadline(void *arg) {
  struct side *side = arg;
  return side->conn ? qc_deadline(side->conn) : UINT64_MAX;
}
static void side_expire(void *arg, uint64_t now_ns) {
  qc_handle_expiry(((struct side *)arg)->conn, now_ns);
}

static void on_key(void *arg, const char *line) {
  struct keys *keys = arg;
  const char *space = strchr(line, ' ');
  keys->lines++;
  if (!space || strspn(space + 1, "0123456789abcdef") != 64 || space[65] != ' ' ||
      strlen(space + 66) != 64)
    keys->bad++;
  keys->client_1rtt |= strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
  keys->server_1rtt |= strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0;
}

static void side_config(struct pair *pair, struct side *side, const struct setup *setup) {
  side->net = &pair->net;
  side->config = (struct qc_config){
      .protection = setup->protection,
      .callbacks = &callbacks,
      .app = side,
      .cid_len = side->server ? 20 : 8,
      .now_ns = pair->net.now_ns,
      .max_data = setup->window ? setup->window : 1 << 20,
      .max_stream_data_bidi = 1 << 18,
      .max_stream_data_uni = setup->window ? setup->window / 2 : 1 << 18,
      .max_streams_bidi = setup->streams ? setup->streams : 100,
      .max_streams_uni = setup->streams ? setup->streams : 100,
      .max_idle_ns = 30 * SECOND,
      .max_datagram_frame = 1500,
      .max_udp_payload = 1300,
      .cubic = setup->cubic,
  };
}

struct memnet_node side_node(struct side *side, struct qc_addr addr) {
  return (struct memnet_node){
      .addr = addr,
      .arg = side,
      .in = side_in,
      .out = side_out,
      .deadline = side_deadline,
      .expire = side_expire,
  };
}

void pair_start(struct pair *pair, const struct setup *setup) {
  const struct qc_tls_config server_tls = {
      .server = true,
      .alpn = "moqt-20",
      .cipher = setup->cipher,
      .cert_pem = embed_test_cert_pem,
      .cert_len = embed_test_cert_pem_len,
      .key_pem = embed_test_key_pem,
      .key_len = embed_test_key_pem_len,
  };
  const struct qc_tls_config client_tls = {
      .alpn = setup->client_alpn ? setup->client_alpn : "moqt-20",
      .cipher = setup->cipher,
      .keylog = on_key,
      .keylog_arg = &pair->keys,
  };
  struct memnet_node node;

  memset(pair, 0, sizeof(*pair));
  memnet_init(&pair->net, 42);
  pair->net.loss_ppm = setup->loss_ppm;
  pair->server_tls = qc_tls_new(&server_tls);
  pair->client_tls = qc_tls_new(&client_tls);
  assert_non_null(pair->server_tls);
  assert_non_null(pair->client_tls);
  pair->server.server = true;
  side_config(pair, &pair->client, setup);
  side_config(pair, &pair->server, setup);
  pair->client.config.tls = pair->client_tls;
  pair->server.config.tls = pair->server_tls;
  pair->server.config.protect = setup->hooks;
  pair->server.config.protect_arg = setup->hooks_arg;
  pair->client.config.path =
      (struct qc_path){.local = memnet_addr(1, 1001), .remote = memnet_addr(2, 4433)};
  pair->client.conn = qc_client(&pair->client.config, "fanbench");
  assert_non_null(pair->client.conn);
  node = side_node(&pair->client, memnet_addr(1, 1001));
  memnet_add(&pair->net, &node);
  node = side_node(&pair->server, memnet_addr(2, 4433));
  memnet_add(&pair->net, &node);
}

void pair_end(struct pair *pair) {
  qc_free(pair->client.conn);
  qc_free(pair->server.conn);
  assert_int_equal(pair->client.issued, pair->client.retired);
  assert_int_equal(pair->server.issued, pair->server.retired);
  qc_tls_free(pair->client_tls);
  qc_tls_free(pair->server_tls);
  memnet_free(&pair->net);
}

bool both_confirmed(void *arg) {
  const struct pair *pair = arg;
  return pair->client.confirmed && pair->server.confirmed;
}

void send_stream(struct side *side, int64_t sid, uint64_t len) {
  uint8_t buf[1000];
  uint64_t off = 0;
  while (off < len) {
    const size_t part = len - off < sizeof(buf) ? (size_t)(len - off) : sizeof(buf);
    for (size_t i = 0; i < part; i++)
      buf[i] = content(sid, off + i);
    off += part;
    assert_int_equal(qc_stream_send(side->conn, sid, buf, part, off == len), 0);
  }
}
