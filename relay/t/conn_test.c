/* Two connections over a network in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"
#include "relay/quic/conn.h"
#include "relay/t/memnet.h"

#define SECOND UINT64_C(1000000000)
#define STREAMS 40

struct side {
  struct memnet *net;
  struct qc *conn;
  struct qc_config config;
  bool server, done, confirmed, closed;
  struct qc_close_info why;
  uint64_t got[4 * STREAMS + 8];
  bool fin[4 * STREAMS + 8];
  uint64_t wrong, acked, datagrams, streams_closed, resets, stops, paths, validated;
  uint64_t reset_code[4 * STREAMS + 8], stop_code;
  int issued, retired, dcids;
  /* echo what comes on bidirectional streams */
  bool echo;
};

static uint8_t content(int64_t sid, uint64_t off)
{
  return (uint8_t)((uint64_t)sid * 31 + off * 7 + (off >> 8));
}

static void on_done(void *app)
{
  ((struct side *)app)->done = true;
}
static void on_confirmed(void *app)
{
  ((struct side *)app)->confirmed = true;
}
static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len, bool fin)
{
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
static void on_reset(void *app, int64_t sid, uint64_t code, uint64_t final_size)
{
  struct side *side = app;
  (void)final_size;
  side->resets++;
  side->reset_code[sid] = code;
}
static void on_stop(void *app, int64_t sid, uint64_t code)
{
  struct side *side = app;
  (void)sid;
  side->stops++;
  side->stop_code = code;
}
static void on_acked(void *app, int64_t sid, uint64_t upto)
{
  (void)sid;
  (void)upto;
  ((struct side *)app)->acked++;
}
static void on_stream_closed(void *app, int64_t sid)
{
  (void)sid;
  ((struct side *)app)->streams_closed++;
}
static void on_datagram(void *app, const uint8_t *data, size_t len)
{
  struct side *side = app;
  side->datagrams++;
  for (size_t i = 1; i < len; i++)
    if (data[i] != content(data[0], i))
      side->wrong++;
}
static void on_path(void *app, const struct qc_path *path)
{
  (void)path;
  ((struct side *)app)->paths++;
}
static void on_validated(void *app, const struct qc_path *path, bool valid)
{
  (void)path;
  ((struct side *)app)->validated += valid;
}
static void on_dcid(void *app, const struct qc_cid *dcid)
{
  (void)dcid;
  ((struct side *)app)->dcids++;
}
static void on_issued(void *app, const struct qc_cid *cid)
{
  assert_true(cid->len > 0);
  ((struct side *)app)->issued++;
}
static void on_retired(void *app, const struct qc_cid *cid)
{
  (void)cid;
  ((struct side *)app)->retired++;
}
static void on_closed(void *app, const struct qc_close_info *info)
{
  struct side *side = app;
  assert_false(side->closed); /* told once */
  side->closed = true;
  side->why = *info;
}
static void on_rand(void *app, uint8_t *dest, size_t len)
{
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
                    uint64_t now_ns)
{
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
static size_t side_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns)
{
  struct side *side = arg;
  return side->conn ? qc_write(side->conn, path, buf, room, now_ns) : 0;
}
static uint64_t side_deadline(void *arg)
{
  struct side *side = arg;
  return side->conn ? qc_deadline(side->conn) : UINT64_MAX;
}
static void side_expire(void *arg, uint64_t now_ns)
{
  qc_handle_expiry(((struct side *)arg)->conn, now_ns);
}

struct keys {
  int lines, bad;
  bool client_1rtt, server_1rtt;
};

static void on_key(void *arg, const char *line)
{
  struct keys *keys = arg;
  const char *space = strchr(line, ' ');
  keys->lines++;
  if (!space || strspn(space + 1, "0123456789abcdef") != 64 || space[65] != ' ' ||
      strlen(space + 66) != 64)
    keys->bad++;
  keys->client_1rtt |= strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
  keys->server_1rtt |= strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0;
}

struct pair {
  struct keys keys;
  struct memnet net;
  struct qc_tls *client_tls, *server_tls;
  struct side client, server;
};

struct setup {
  enum qc_protection protection;
  enum qc_cipher cipher;
  uint32_t loss_ppm;
  const char *client_alpn;
  uint64_t window, streams;
  const struct protect_hooks *hooks; /* of the server */
  void *hooks_arg;
};

static void side_config(struct pair *pair, struct side *side, const struct setup *setup)
{
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
  };
}

static void pair_start(struct pair *pair, const struct setup *setup)
{
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
  for (int i = 0; i < 2; i++)
    memnet_add(&pair->net, &(struct memnet_node){
                             .addr = i ? memnet_addr(2, 4433) : memnet_addr(1, 1001),
                             .arg = i ? &pair->server : &pair->client,
                             .in = side_in,
                             .out = side_out,
                             .deadline = side_deadline,
                             .expire = side_expire,
                           });
}

static void pair_end(struct pair *pair)
{
  qc_free(pair->client.conn);
  qc_free(pair->server.conn);
  assert_int_equal(pair->client.issued, pair->client.retired);
  assert_int_equal(pair->server.issued, pair->server.retired);
  qc_tls_free(pair->client_tls);
  qc_tls_free(pair->server_tls);
  memnet_free(&pair->net);
}

static bool both_confirmed(void *arg)
{
  const struct pair *pair = arg;
  return pair->client.confirmed && pair->server.confirmed;
}

static void send_stream(struct side *side, int64_t sid, uint64_t len)
{
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

static bool echo_complete(void *arg)
{
  const struct pair *pair = arg;
  for (int64_t n = 0; n < STREAMS; n++)
    if (!pair->client.fin[4 * n])
      return false;
  return qc_unacked(pair->client.conn) == 0 && qc_unacked(pair->server.conn) == 0;
}

static void echo(struct pair *pair)
{
  uint64_t total = 0;

  assert_true(memnet_run(&pair->net, 20 * SECOND, both_confirmed, pair));
  pair->server.echo = true;
  for (int64_t n = 0; n < STREAMS; n++) {
    const int64_t sid = qc_open_bidi(pair->client.conn);
    assert_int_equal(sid, 4 * n);
    send_stream(&pair->client, sid, (uint64_t)(n * n * 40 + 1));
    total += (uint64_t)(n * n * 40 + 1);
  }
  assert_int_equal(qc_unacked(pair->client.conn), total);
  assert_true(memnet_run(&pair->net, 60 * SECOND, echo_complete, pair));
  for (int64_t n = 0; n < STREAMS; n++) {
    assert_int_equal(pair->client.got[4 * n], (uint64_t)(n * n * 40 + 1));
    assert_int_equal(pair->server.got[4 * n], (uint64_t)(n * n * 40 + 1));
  }
  assert_int_equal(pair->client.wrong + pair->server.wrong, 0);
}

static void echo_with(enum qc_protection protection, enum qc_cipher cipher, uint32_t loss_ppm)
{
  struct pair pair;
  pair_start(&pair, &(struct setup){.protection = protection, .cipher = cipher, .loss_ppm = loss_ppm});
  echo(&pair);
  if (loss_ppm)
    assert_true(pair.net.lost > 0);
  pair_end(&pair);
}

static void echo_tls_chacha(void **state)
{
  (void)state;
  echo_with(QC_PROTECT_TLS, QC_CHACHA20_POLY1305, 0);
}
static void echo_tls_aes(void **state)
{
  (void)state;
  echo_with(QC_PROTECT_TLS, QC_AES_128_GCM, 0);
}
static void echo_none(void **state)
{
  (void)state;
  echo_with(QC_PROTECT_NONE, QC_CHACHA20_POLY1305, 0);
}
static void echo_tls_loss(void **state)
{
  (void)state;
  echo_with(QC_PROTECT_TLS, QC_CHACHA20_POLY1305, 100000);
}
static void echo_none_loss(void **state)
{
  (void)state;
  echo_with(QC_PROTECT_NONE, QC_CHACHA20_POLY1305, 100000);
}

/* ---- the wire with protection none ------------------------------------------------- */

struct watch {
  size_t short_packets, zero_tags, several_frames, streams_first;
};

/* 1-RTT in clear: frames can be read off the wire. */
static bool watch_packets(void *arg, const struct qc_path *path, uint8_t *data, size_t len)
{
  struct watch *watch = arg;
  static const uint8_t zero[16];
  (void)path;
  if (data[0] & 0x80)
    return true;
  watch->short_packets++;
  watch->zero_tags += memcmp(data + len - 16, zero, 16) == 0;
  return true;
}

static void none_is_readable(void **state)
{
  struct pair pair;
  struct watch watch = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  pair.net.tap = watch_packets;
  pair.net.tap_arg = &watch;
  echo(&pair);
  assert_true(watch.short_packets > 100);
  assert_int_equal(watch.short_packets, watch.zero_tags);
  pair_end(&pair);
}

/* A packet whose tag is not zero must be dropped, not delivered. */
static bool break_tags(void *arg, const struct qc_path *path, uint8_t *data, size_t len)
{
  size_t *broken = arg;
  (void)path;
  if (!(data[0] & 0x80) && ++*broken <= 20)
    data[len - 1] ^= 1;
  return true;
}

static void none_checks_the_tag(void **state)
{
  struct pair pair;
  size_t broken = 0;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  pair.net.tap = break_tags;
  pair.net.tap_arg = &broken;
  assert_int_equal(qc_open_uni(pair.client.conn), 2);
  send_stream(&pair.client, 2, 10);
  memnet_run(&pair.net, 50 * SECOND / 1000, NULL, NULL);
  assert_true(broken > 0 && broken <= 20);
  assert_int_equal(pair.server.got[2], 0);
  memnet_run(&pair.net, 20 * SECOND, NULL, NULL);
  assert_int_equal(pair.server.got[2], 10);
  pair_end(&pair);
}

/* ---- packing --------------------------------------------------------------------------- */

static void small_streams_share_a_packet(void **state)
{
  struct pair pair;
  struct qc_path path;
  uint8_t buf[2048];
  size_t packets = 0;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  for (int n = 0; n < 10; n++)
    send_stream(&pair.client, qc_open_uni(pair.client.conn), 50);
  for (int n = 0; n < 4; n++) {
    uint8_t datagram[50] = {(uint8_t)n};
    for (size_t i = 1; i < sizeof(datagram); i++)
      datagram[i] = content(n, i);
    assert_int_equal(qc_datagram_send(pair.client.conn, datagram, sizeof(datagram)), 0);
  }
  size_t len;
  while ((len = qc_write(pair.client.conn, &path, buf, sizeof(buf), pair.net.now_ns)) > 0) {
    packets++;
    struct qc_path back = {.local = path.remote, .remote = path.local};
    qc_read(pair.server.conn, &back, buf, len, pair.net.now_ns);
  }
  assert_int_equal(packets, 1);
  assert_int_equal(pair.server.datagrams, 4);
  for (int64_t n = 0; n < 10; n++)
    assert_true(pair.server.fin[2 + 4 * n]);
  assert_int_equal(pair.server.wrong, 0);
  pair_end(&pair);
}

static void lower_priority_number_goes_first(void **state)
{
  struct pair pair;
  struct qc_path path;
  uint8_t buf[2048];
  size_t len;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  const int64_t slow = qc_open_uni(pair.client.conn), urgent = qc_open_uni(pair.client.conn);
  qc_stream_priority(pair.client.conn, urgent, 5);
  send_stream(&pair.client, slow, 5000);
  send_stream(&pair.client, urgent, 2500);
  bool urgent_first = true;
  while ((len = qc_write(pair.client.conn, &path, buf, sizeof(buf), pair.net.now_ns)) > 0) {
    struct qc_path back = {.local = path.remote, .remote = path.local};
    qc_read(pair.server.conn, &back, buf, len, pair.net.now_ns);
    if (pair.server.got[slow] && !pair.server.fin[urgent])
      urgent_first = false;
  }
  assert_true(urgent_first);
  assert_true(pair.server.fin[slow]);
  pair_end(&pair);
}

static void datagram_limits(void **state)
{
  struct pair pair;
  uint8_t big[1500] = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_int_equal(qc_datagram_send(pair.client.conn, big, 10), -1); /* before the handshake */
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  const size_t most = qc_datagram_max(pair.client.conn);
  assert_true(most > 1200 && most < 1300);
  for (size_t i = 1; i < most; i++)
    big[i] = content(0, i);
  assert_int_equal(qc_datagram_send(pair.client.conn, big, most + 1), -1);
  assert_int_equal(qc_datagram_send(pair.client.conn, big, most), 0);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_int_equal(pair.server.datagrams, 1);
  assert_int_equal(pair.server.wrong, 0);
  assert_int_equal(qc_unacked(pair.client.conn), 0);
  pair_end(&pair);
}

/* ---- flow control -------------------------------------------------------------------------- */

static bool streams_arrived(void *arg)
{
  const struct pair *pair = arg;
  for (int64_t n = 0; n < 12; n++)
    if (!pair->server.fin[2 + 4 * n])
      return false;
  return true;
}

/* The window is a tenth of the load; MAX_* must keep coming. */
static void tight_windows(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE, .window = 20000});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  for (int n = 0; n < 12; n++)
    send_stream(&pair.client, qc_open_uni(pair.client.conn), 15000);
  assert_true(memnet_run(&pair.net, 60 * SECOND, streams_arrived, &pair));
  assert_int_equal(pair.server.wrong, 0);
  pair_end(&pair);
}

/* Eight streams at a time; the limit is raised in quarters. */
static void stream_limit(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE, .streams = 8});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  int opened = 0;
  for (int round = 0; round < 100 && opened < STREAMS; round++) {
    int64_t sid;
    while (opened < STREAMS && (sid = qc_open_uni(pair.client.conn)) >= 0) {
      send_stream(&pair.client, sid, 300);
      opened++;
      assert_true(opened <= 8 || round > 0);
    }
    memnet_run(&pair.net, SECOND / 50, NULL, NULL);
  }
  assert_int_equal(opened, STREAMS);
  assert_int_equal(pair.server.wrong, 0);
  pair_end(&pair);
}

/* ---- ends of streams and connections ---------------------------------------------------------- */

static void reset_and_stop(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  const int64_t a = qc_open_uni(pair.client.conn), b = qc_open_uni(pair.client.conn);
  uint8_t byte = content(a, 0);
  assert_int_equal(qc_stream_send(pair.client.conn, a, &byte, 1, false), 0);
  byte = content(b, 0);
  assert_int_equal(qc_stream_send(pair.client.conn, b, &byte, 1, false), 0);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  qc_stream_reset(pair.client.conn, a, 7);
  qc_stream_stop(pair.server.conn, b, 9);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_int_equal(pair.server.reset_code[a], 7);
  /* the answer to STOP_SENDING */
  assert_int_equal(pair.server.reset_code[b], 9);
  assert_int_equal(pair.client.stops, 1);
  assert_int_equal(pair.client.stop_code, 9);
  assert_int_equal(pair.client.streams_closed, 2);
  assert_int_equal(qc_stream_send(pair.client.conn, a, &byte, 1, false), -1);
  assert_int_equal(qc_unacked(pair.client.conn), 0);
  pair_end(&pair);
}

static void application_close(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  qc_close(pair.client.conn, 0x13, "enough\n");
  assert_true(pair.client.closed);
  assert_int_equal(pair.client.why.by, QC_CLOSED_SELF);
  memnet_run(&pair.net, SECOND / 100, NULL, NULL);
  assert_true(pair.server.closed);
  assert_int_equal(pair.server.why.by, QC_CLOSED_PEER);
  assert_true(pair.server.why.application);
  assert_int_equal(pair.server.why.code, 0x13);
  assert_string_equal(pair.server.why.reason, "enough?");
  assert_false(qc_is_finished(pair.client.conn));
  memnet_run(&pair.net, 10 * SECOND, NULL, NULL);
  assert_true(qc_is_finished(pair.client.conn));
  assert_true(qc_is_finished(pair.server.conn));
  pair_end(&pair);
}

static bool drop_first(void *arg, const struct qc_path *path, uint8_t *data, size_t len)
{
  int *left = arg;
  (void)path;
  (void)data;
  (void)len;
  return (*left)-- <= 0;
}

/* The first CONNECTION_CLOSE is lost; the peer's next packet is answered. */
static void close_is_repeated(void **state)
{
  struct pair pair;
  int left = 1;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  pair.net.tap = drop_first;
  pair.net.tap_arg = &left;
  qc_close(pair.client.conn, 3, "");
  memnet_run(&pair.net, SECOND / 1000 * 5, NULL, NULL);
  assert_false(pair.server.closed);
  send_stream(&pair.server, qc_open_uni(pair.server.conn), 100);
  memnet_run(&pair.net, SECOND / 1000 * 5, NULL, NULL);
  assert_true(pair.server.closed);
  assert_int_equal(pair.server.why.code, 3);
  pair_end(&pair);
}

static void idle_timeout(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, 60 * SECOND, NULL, NULL);
  assert_int_equal(pair.client.why.by, QC_CLOSED_IDLE);
  assert_int_equal(pair.server.why.by, QC_CLOSED_IDLE);
  assert_true(qc_is_finished(pair.client.conn));
  pair_end(&pair);
}

/* NSS key log lines, and no file of wolfSSL's own. */
static void keys_are_logged(void **state)
{
  struct pair pair;
  (void)state;
  unlink("sslkeylog.log");
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  assert_true(pair.keys.lines >= 4);
  assert_int_equal(pair.keys.bad, 0);
  assert_true(pair.keys.client_1rtt && pair.keys.server_1rtt);
  assert_int_equal(access("sslkeylog.log", F_OK), -1);
  pair_end(&pair);
}

static void wrong_alpn_is_refused(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS, .client_alpn = "moqt-2"});
  memnet_run(&pair.net, 5 * SECOND, NULL, NULL);
  assert_false(pair.client.done);
  assert_true(pair.client.closed);
  assert_int_equal(pair.client.why.by, QC_CLOSED_PEER);
  assert_int_equal(pair.client.why.code, 0x100 + 120);
  pair_end(&pair);
}

static void garbage_is_no_client(void **state)
{
  struct pair pair;
  uint8_t junk[1200];
  struct qc_cid dcid;
  uint8_t answer[100];
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  memset(junk, 0xc5, sizeof(junk));
  assert_null(qc_server(&pair.server.config, junk, sizeof(junk)));
  memset(junk, 0x41, sizeof(junk));
  assert_null(qc_server(&pair.server.config, junk, sizeof(junk)));
  assert_true(qc_packet_dcid(junk, sizeof(junk), 20, &dcid));
  assert_int_equal(dcid.len, 20);
  assert_false(qc_packet_dcid(junk, 20, 20, &dcid));
  /* unknown version, 8-byte DCID, 4-byte SCID */
  static const uint8_t unknown[] = {0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4,
                                    5,    6,    7,    8,    4,    9, 9, 9, 9};
  memcpy(junk, unknown, sizeof(unknown));
  const size_t len = qc_version_negotiation(junk, sizeof(junk), answer, sizeof(answer), 0x77);
  assert_int_equal(len, 1 + 4 + 1 + 4 + 1 + 8 + 4);
  assert_memory_equal(answer + 1, "\0\0\0\0\x04\x09\x09\x09\x09\x08\x01\x02", 12);
  assert_memory_equal(answer + len - 4, "\0\0\0\x01", 4);
  assert_int_equal(qc_version_negotiation(junk, 500, answer, sizeof(answer), 0x77), 0);
  pair_end(&pair);
}

static void migration(void **state)
{
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  struct qc_path path;
  qc_path_now(pair.client.conn, &path);
  path.local = memnet_addr(3, 1003);
  memnet_add(&pair.net, &(struct memnet_node){.addr = path.local,
                                              .arg = &pair.client,
                                              .in = side_in,
                                              .out = side_out,
                                              .deadline = side_deadline,
                                              .expire = side_expire});
  const int dcids = pair.client.dcids;
  assert_int_equal(qc_migrate(pair.client.conn, &path, pair.net.now_ns), 0);
  send_stream(&pair.client, qc_open_uni(pair.client.conn), 3000);
  memnet_run(&pair.net, 5 * SECOND, NULL, NULL);
  assert_true(pair.server.paths >= 1);
  assert_true(pair.server.validated >= 1);
  assert_true(pair.client.dcids > dcids);
  assert_true(pair.server.fin[2]);
  qc_path_now(pair.server.conn, &path);
  assert_int_equal(ntohs(path.remote.in.sin_port), 1003);
  pair_end(&pair);
}

static void key_update(enum qc_protection protection, const struct protect_hooks *hooks, void *arg)
{
  struct pair pair;
  pair_start(&pair, &(struct setup){.protection = protection, .hooks = hooks, .hooks_arg = arg});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  for (int n = 0; n < 3; n++) {
    memnet_run(&pair.net, 2 * SECOND, NULL, NULL);
    assert_int_equal(qc_update_key(n % 2 ? pair.client.conn : pair.server.conn, pair.net.now_ns), 0);
    send_stream(&pair.client, qc_open_uni(pair.client.conn), 20000);
    send_stream(&pair.server, qc_open_uni(pair.server.conn), 20000);
    memnet_run(&pair.net, 2 * SECOND, NULL, NULL);
    assert_true(pair.server.fin[2 + 4 * n]);
    assert_true(pair.client.fin[3 + 4 * n]);
  }
  assert_int_equal(pair.client.wrong + pair.server.wrong, 0);
  pair_end(&pair);
}

static void key_update_tls(void **state)
{
  (void)state;
  key_update(QC_PROTECT_TLS, NULL, NULL);
}
static void key_update_none(void **state)
{
  (void)state;
  key_update(QC_PROTECT_NONE, NULL, NULL);
}

/* ---- the seam ---------------------------------------------------------------------------------- */

/* Joint numbers: every own number times two, always 4 bytes. */
struct doubler {
  uint64_t sealed, opened;
};

static int doubler_sealing(void *arg, struct protect_out *pkt)
{
  struct doubler *doubler = arg;
  const size_t own = (size_t)(pkt->hdr[0] & 3) + 1, grow = 4 - own;
  const uint64_t joint = pkt->own_pn * 2;

  memmove(pkt->payload + grow, pkt->payload, pkt->payload_len);
  pkt->payload += grow;
  pkt->hdr[0] |= 3;
  pkt->hdr_len += grow;
  for (size_t i = 0; i < 4; i++)
    pkt->hdr[pkt->hdr_len - 1 - i] = (uint8_t)(joint >> (8 * i));
  pkt->joint_pn = joint;
  doubler->sealed++;
  return 0;
}

static int refuse_all(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error)
{
  struct doubler *doubler = arg;
  (void)pn;
  (void)payload;
  (void)len;
  doubler->opened++;
  *error = 0xa;
  return -1;
}

/* Nobody turns the client's ACKs back, so they name numbers that the server
 * never sent and it must close: the joint numbers are on the wire. */
static void hooks_change_numbers(void **state)
{
  struct pair pair;
  struct doubler doubler = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS,
                                    .hooks = &(struct protect_hooks){.sealing = doubler_sealing},
                                    .hooks_arg = &doubler});
  memnet_run(&pair.net, 5 * SECOND, NULL, NULL);
  assert_true(doubler.sealed > 2);
  assert_true(pair.client.done);
  assert_true(pair.server.closed);
  assert_int_equal(pair.server.why.by, QC_CLOSED_ERROR);
  pair_end(&pair);
}

static void opened_can_refuse(void **state)
{
  struct pair pair;
  struct doubler doubler = {0};
  (void)state;
  pair_start(&pair,
             &(struct setup){.protection = QC_PROTECT_NONE,
                             .hooks = &(struct protect_hooks){.opened = refuse_all},
                             .hooks_arg = &doubler});
  memnet_run(&pair.net, 5 * SECOND, NULL, NULL);
  assert_true(doubler.opened > 0);
  assert_int_equal(pair.client.why.by, QC_CLOSED_PEER);
  assert_int_equal(pair.client.why.code, 0xa);
  pair_end(&pair);
}

/* The owner's own packet, sealed with the connection's key, is opened by a
 * stock client. */
static void sealed_by_hand(enum qc_protection protection)
{
  struct pair pair;
  uint8_t buf[1500] = {0x43};
  struct qc_cid dcid;
  struct qc_path path;
  const uint64_t pn = 100000;

  pair_start(&pair, &(struct setup){.protection = protection,
                                    .hooks = &(struct protect_hooks){0}});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  qc_dcid(pair.server.conn, &dcid);
  size_t at = 1;
  memcpy(buf + at, dcid.data, dcid.len);
  at += dcid.len;
  for (int i = 3; i >= 0; i--)
    buf[at++] = (uint8_t)(pn >> (8 * i));
  const size_t hdr_len = at;
  buf[at++] = 0x31; /* DATAGRAM with length */
  buf[at++] = 20;
  buf[at] = 9;
  for (size_t i = 1; i < 20; i++)
    buf[at + i] = content(9, i);
  const size_t len = qc_seal(pair.server.conn, buf, hdr_len, 22, pn);
  assert_int_equal(len, hdr_len + 22 + 16);
  qc_path_now(pair.client.conn, &path);
  qc_read(pair.client.conn, &path, buf, len, pair.net.now_ns);
  assert_int_equal(pair.client.datagrams, 1);
  assert_int_equal(pair.client.wrong, 0);
  pair_end(&pair);
}

static void seal_none(void **state)
{
  (void)state;
  sealed_by_hand(QC_PROTECT_NONE);
}
static void seal_tls(void **state)
{
  (void)state;
  sealed_by_hand(QC_PROTECT_TLS);
}

static void hooks_key_update(void **state)
{
  (void)state;
  key_update(QC_PROTECT_TLS, &(struct protect_hooks){0}, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(echo_tls_chacha),
    cmocka_unit_test(echo_tls_aes),
    cmocka_unit_test(echo_none),
    cmocka_unit_test(echo_tls_loss),
    cmocka_unit_test(echo_none_loss),
    cmocka_unit_test(none_is_readable),
    cmocka_unit_test(none_checks_the_tag),
    cmocka_unit_test(small_streams_share_a_packet),
    cmocka_unit_test(lower_priority_number_goes_first),
    cmocka_unit_test(datagram_limits),
    cmocka_unit_test(tight_windows),
    cmocka_unit_test(stream_limit),
    cmocka_unit_test(reset_and_stop),
    cmocka_unit_test(application_close),
    cmocka_unit_test(close_is_repeated),
    cmocka_unit_test(idle_timeout),
    cmocka_unit_test(keys_are_logged),
    cmocka_unit_test(wrong_alpn_is_refused),
    cmocka_unit_test(garbage_is_no_client),
    cmocka_unit_test(migration),
    cmocka_unit_test(key_update_tls),
    cmocka_unit_test(key_update_none),
    cmocka_unit_test(hooks_change_numbers),
    cmocka_unit_test(opened_can_refuse),
    cmocka_unit_test(seal_none),
    cmocka_unit_test(seal_tls),
    cmocka_unit_test(hooks_key_update),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
