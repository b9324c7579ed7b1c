/* How streams and connections end, key and path changes, and the seam of packet
 * protection. */
#include <unistd.h>

#include "relay/t/conn_pair.h"

/* ---- ends of streams and connections ---------------------------------------------------------- */

static void reset_and_stop(void **state) {
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

static void application_close(void **state) {
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

static bool drop_first(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  int *left = arg;
  (void)path;
  (void)data;
  (void)len;
  return (*left)-- <= 0;
}

/* The first CONNECTION_CLOSE is lost; the peer's next packet is answered. */
static void close_is_repeated(void **state) {
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

/* The server forgot the connection; its reset tells the client at once. */
static void stateless_reset(void **state) {
  struct pair pair;
  struct qc_path path;
  uint8_t buf[2048], answer[100];
  static const uint8_t random[QC_RESET_RANDOM] = {0x55};
  size_t len;
  (void)state;

  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  send_stream(&pair.client, qc_open_uni(pair.client.conn), 100);
  len = qc_write(pair.client.conn, &path, buf, sizeof(buf), pair.net.now_ns);
  assert_true(len > 100);
  assert_int_equal(qc_stateless_reset(pair.server_tls, buf, 20, 20, answer, 100, random), 0);
  const size_t n = qc_stateless_reset(pair.server_tls, buf, len, 20, answer, 100, random);
  assert_int_equal(n, QC_RESET_RANDOM + 16);
  /* a token of another secret means nothing to the client */
  const size_t m = qc_stateless_reset(pair.client_tls, buf, len, 20, buf, 100, random);
  assert_int_equal(m, n);
  assert_int_equal(qc_read(pair.client.conn, &path, buf, m, pair.net.now_ns), 0);
  assert_int_equal(qc_read(pair.client.conn, &path, answer, n, pair.net.now_ns), -1);
  assert_int_equal(pair.client.why.by, QC_CLOSED_RESET);
  assert_int_equal(qc_write(pair.client.conn, &path, buf, sizeof(buf), pair.net.now_ns), 0);
  pair_end(&pair);
}

static void idle_timeout(void **state) {
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
static void keys_are_logged(void **state) {
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

static void on_qlog(void *arg, const void *data, size_t len) {
  char *first = arg;
  if (!first[0] && len >= 2)
    memcpy(first, data, 2);
}

/* JSON-SEQ (RFC 7464): a record separator, then an object. */
static void qlog_is_written(void **state) {
  struct pair pair;
  char first[2] = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  pair.server.config.qlog = on_qlog;
  pair.server.config.qlog_arg = first;
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  assert_memory_equal(first, "\x1e{", 2);
  pair_end(&pair);
}

static void wrong_alpn_is_refused(void **state) {
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

static void garbage_is_no_client(void **state) {
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

static void migration(void **state) {
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  struct qc_path path;
  qc_path_now(pair.client.conn, &path);
  path.local = memnet_addr(3, 1003);
  const struct memnet_node node = side_node(&pair.client, path.local);
  memnet_add(&pair.net, &node);
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

static void key_update(enum qc_protection protection, const struct protect_hooks *hooks,
                       void *arg) {
  struct pair pair;
  pair_start(&pair, &(struct setup){.protection = protection, .hooks = hooks, .hooks_arg = arg});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  for (int n = 0; n < 3; n++) {
    memnet_run(&pair.net, 2 * SECOND, NULL, NULL);
    assert_int_equal(qc_update_key(n % 2 ? pair.client.conn : pair.server.conn, pair.net.now_ns),
                     0);
    send_stream(&pair.client, qc_open_uni(pair.client.conn), 20000);
    send_stream(&pair.server, qc_open_uni(pair.server.conn), 20000);
    memnet_run(&pair.net, 2 * SECOND, NULL, NULL);
    assert_true(pair.server.fin[2 + 4 * n]);
    assert_true(pair.client.fin[3 + 4 * n]);
  }
  assert_int_equal(pair.client.wrong + pair.server.wrong, 0);
  pair_end(&pair);
}

static void key_update_tls(void **state) {
  (void)state;
  key_update(QC_PROTECT_TLS, NULL, NULL);
}
static void key_update_none(void **state) {
  (void)state;
  key_update(QC_PROTECT_NONE, NULL, NULL);
}

/* ---- the seam ---------------------------------------------------------------------------------- */

/* Joint numbers: every own number times two, always 4 bytes. */
struct doubler {
  uint64_t sealed, opened;
};

static int doubler_sealing(void *arg, struct protect_out *pkt) {
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

static int refuse_all(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error) {
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
static void hooks_change_numbers(void **state) {
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

static void opened_can_refuse(void **state) {
  struct pair pair;
  struct doubler doubler = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE,
                                    .hooks = &(struct protect_hooks){.opened = refuse_all},
                                    .hooks_arg = &doubler});
  memnet_run(&pair.net, 5 * SECOND, NULL, NULL);
  assert_true(doubler.opened > 0);
  assert_int_equal(pair.client.why.by, QC_CLOSED_PEER);
  assert_int_equal(pair.client.why.code, 0xa);
  pair_end(&pair);
}

static int count_all(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error) {
  struct doubler *doubler = arg;
  (void)pn;
  (void)payload;
  (void)len;
  (void)error;
  doubler->opened++;
  return 0;
}

/* A PING of the client to that ID of the server, with a number of so many bytes, up to 4. */
static void ping_by_hand(struct pair *pair, const struct qc_cid *dcid, uint32_t pn, size_t pn_len) {
  uint8_t buf[100] = {(uint8_t)(0x40 | (pn_len - 1))};
  struct qc_path path;
  const size_t hdr_len = 1 + (size_t)dcid->len + pn_len;

  memcpy(buf + 1, dcid->data, dcid->len);
  for (size_t i = 0; i < pn_len; i++)
    buf[hdr_len - 1 - i] = (uint8_t)(pn >> (8 * i));
  buf[hdr_len] = 0x01;
  const size_t len = qc_seal(pair->client.conn, buf, hdr_len, 8, pn);
  qc_path_now(pair->server.conn, &path);
  qc_read(pair->server.conn, &path, buf, len, pair->net.now_ns);
}

/* From the right 4-tuple, but to an ID of a connection before: the null AEAD refuses it. */
static void another_connections_id(void **state) {
  struct pair pair;
  struct doubler doubler = {0};
  struct qc_cid dcid;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE,
                                    .hooks = &(struct protect_hooks){.opened = count_all},
                                    .hooks_arg = &doubler});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  qc_dcid(pair.client.conn, &dcid);
  const uint64_t before = doubler.opened;
  ping_by_hand(&pair, &dcid, 100, 4);
  assert_int_equal(doubler.opened, before + 1);
  dcid.data[3] ^= 1;
  ping_by_hand(&pair, &dcid, 101, 4);
  assert_int_equal(doubler.opened, before + 1);
  assert_false(pair.server.closed);
  pair_end(&pair);
}

/* The owner's own packet, sealed with the connection's key, is opened by a
 * stock client. */
static void sealed_by_hand(enum qc_protection protection) {
  struct pair pair;
  uint8_t buf[1500] = {0x43};
  struct qc_cid dcid;
  struct qc_path path;
  const uint64_t pn = 100000;

  pair_start(&pair, &(struct setup){.protection = protection, .hooks = &(struct protect_hooks){0}});
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

static void seal_none(void **state) {
  (void)state;
  sealed_by_hand(QC_PROTECT_NONE);
}
static void seal_tls(void **state) {
  (void)state;
  sealed_by_hand(QC_PROTECT_TLS);
}

static void hooks_key_update(void **state) {
  (void)state;
  key_update(QC_PROTECT_TLS, &(struct protect_hooks){0}, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reset_and_stop),
      cmocka_unit_test(application_close),
      cmocka_unit_test(close_is_repeated),
      cmocka_unit_test(stateless_reset),
      cmocka_unit_test(idle_timeout),
      cmocka_unit_test(keys_are_logged),
      cmocka_unit_test(qlog_is_written),
      cmocka_unit_test(wrong_alpn_is_refused),
      cmocka_unit_test(garbage_is_no_client),
      cmocka_unit_test(migration),
      cmocka_unit_test(key_update_tls),
      cmocka_unit_test(key_update_none),
      cmocka_unit_test(hooks_change_numbers),
      cmocka_unit_test(opened_can_refuse),
      cmocka_unit_test(another_connections_id),
      cmocka_unit_test(seal_none),
      cmocka_unit_test(seal_tls),
      cmocka_unit_test(hooks_key_update),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
