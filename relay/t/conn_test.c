/* Handshake, streams, datagrams, packing, flow control, over a network in memory. */
#include "relay/t/conn_pair.h"

static bool echo_complete(void *arg) {
  const struct pair *pair = arg;
  for (int64_t n = 0; n < STREAMS; n++)
    if (!pair->client.fin[4 * n])
      return false;
  return qc_unacked(pair->client.conn) == 0 && qc_unacked(pair->server.conn) == 0;
}

static void echo(struct pair *pair) {
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

static void echo_with(enum qc_protection protection, enum qc_cipher cipher, uint32_t loss_ppm) {
  struct pair pair;
  pair_start(&pair,
             &(struct setup){.protection = protection, .cipher = cipher, .loss_ppm = loss_ppm});
  echo(&pair);
  if (loss_ppm)
    assert_true(pair.net.lost > 0);
  pair_end(&pair);
}

static void echo_tls_chacha(void **state) {
  (void)state;
  echo_with(QC_PROTECT_TLS, QC_CHACHA20_POLY1305, 0);
}
static void echo_tls_aes(void **state) {
  (void)state;
  echo_with(QC_PROTECT_TLS, QC_AES_128_GCM, 0);
}
static void echo_none(void **state) {
  (void)state;
  echo_with(QC_PROTECT_NONE, QC_CHACHA20_POLY1305, 0);
}
static void echo_tls_loss(void **state) {
  (void)state;
  echo_with(QC_PROTECT_TLS, QC_CHACHA20_POLY1305, 100000);
}
static void echo_none_loss(void **state) {
  (void)state;
  echo_with(QC_PROTECT_NONE, QC_CHACHA20_POLY1305, 100000);
}

/* ---- the wire with protection none ------------------------------------------------- */

struct watch {
  size_t short_packets, null_tags, several_frames, streams_first;
};

/* 1-RTT in clear: frames can be read off the wire. The tag is zero, or tells the number of which the
 * header has less than four bytes. */
static bool watch_packets(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct watch *watch = arg;
  static const uint8_t zero[16];
  (void)path;
  if (data[0] & 0x80)
    return true;
  watch->short_packets++;
  const size_t pn_len = (data[0] & 3u) + 1, n = pn_len < 4 ? pn_len : 0;
  watch->null_tags += memcmp(data + len - 16, zero, n ? 8 : 16) == 0 &&
                      (memcmp(data + len - n, data + 1 + 8, n) == 0 ||
                       memcmp(data + len - n, data + 1 + 20, n) == 0);
  return true;
}

static void none_is_readable(void **state) {
  struct pair pair;
  struct watch watch = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  pair.net.tap = watch_packets;
  pair.net.tap_arg = &watch;
  echo(&pair);
  assert_true(watch.short_packets > 100);
  assert_int_equal(watch.short_packets, watch.null_tags);
  pair_end(&pair);
}

/* A packet whose tag is not zero must be dropped, not delivered. */
static bool break_tags(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  size_t *broken = arg;
  (void)path;
  if (!(data[0] & 0x80) && ++*broken <= 20)
    data[len - 1] ^= 1;
  return true;
}

static void none_checks_the_tag(void **state) {
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

static void small_streams_share_a_packet(void **state) {
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

static void lower_priority_number_goes_first(void **state) {
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

static struct qc *established(struct pair *pair) {
  pair_start(pair, &(struct setup){.protection = QC_PROTECT_NONE});
  assert_true(memnet_run(&pair->net, 20 * SECOND, both_confirmed, pair));
  memnet_run(&pair->net, SECOND, NULL, NULL);
  return pair->client.conn;
}

/* One packet of the client; returns its length. */
static size_t write_one(struct pair *pair) {
  struct qc_path path;
  uint8_t buf[2048];
  size_t len = qc_write(pair->client.conn, &path, buf, sizeof(buf), pair->net.now_ns);
  struct qc_path back = {.local = path.remote, .remote = path.local};
  if (len)
    qc_read(pair->server.conn, &back, buf, len, pair->net.now_ns);
  return len;
}

static void append(struct qc *conn, int64_t sid, uint64_t from, uint64_t to, bool fin) {
  uint8_t buf[20000];
  assert_true(to - from <= sizeof(buf));
  for (uint64_t off = from; off < to; off++)
    buf[off - from] = content(sid, off);
  assert_int_equal(qc_stream_send(conn, sid, buf, (size_t)(to - from), fin), 0);
}

/* What has not left comes back, and may go on from there another time, in pieces of any size. */
static void what_has_not_left_can_be_taken_back(void **state) {
  struct pair pair;
  (void)state;
  struct qc *conn = established(&pair);
  const int64_t sid = qc_open_uni(conn);
  const uint64_t end = 20000;
  uint64_t at = 0, rounds = 0;
  bool fin = false;
  for (uint64_t part = 1500; !fin && rounds < 1000; rounds++, part = part % 4000 + 700) {
    uint64_t upto = at + part < end ? at + part : end;
    append(conn, sid, at, upto, upto == end);
    write_one(&pair);
    uint64_t left = qc_stream_take_back(conn, sid, &fin);
    assert_in_range(left, at, upto);
    assert_int_equal(qc_unsent(conn), 0);
    at = left;
    if (rounds % 4 == 3)
      memnet_run(&pair.net, SECOND / 10, NULL, NULL); /* acknowledgements: what was sent is freed */
  }
  assert_true(fin);
  assert_int_equal(at, end);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_int_equal(pair.server.got[sid], end);
  assert_true(pair.server.fin[sid]);
  assert_int_equal(pair.server.wrong, 0);
  assert_int_equal(qc_unacked(conn), 0);
  pair_end(&pair);
}

/* The end alone is taken back, too. */
static void an_end_can_be_taken_back(void **state) {
  struct pair pair;
  bool fin;
  (void)state;
  struct qc *conn = established(&pair);
  const int64_t sid = qc_open_uni(conn);
  append(conn, sid, 0, 100, false);
  assert_true(write_one(&pair) > 0);
  append(conn, sid, 100, 100, true);
  assert_int_equal(qc_stream_take_back(conn, sid, &fin), 100);
  assert_false(fin);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_int_equal(pair.server.got[sid], 100);
  assert_false(pair.server.fin[sid]);
  append(conn, sid, 100, 200, true);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_int_equal(pair.server.got[sid], 200);
  assert_true(pair.server.fin[sid]);
  assert_int_equal(qc_stream_take_back(conn, sid, &fin), UINT64_MAX); /* acknowledged, and closed */
  pair_end(&pair);
}

/* A stream of which nothing has left is opened by whoever comes next; the lowest ID first. */
static void a_stream_that_has_not_begun_is_given_out_again(void **state) {
  struct pair pair;
  bool fin;
  (void)state;
  struct qc *conn = established(&pair);
  const int64_t a = qc_open_uni(conn), b = qc_open_uni(conn), c = qc_open_uni(conn);
  append(conn, c, 0, 1000, true);
  append(conn, b, 0, 1000, true);
  append(conn, a, 0, 1000, true);
  assert_int_equal(qc_stream_take_back(conn, c, &fin), 0);
  assert_int_equal(qc_stream_take_back(conn, a, &fin), 0);
  assert_int_equal(qc_stream_take_back(conn, b, &fin), 0);
  assert_int_equal(qc_stream_take_back(conn, b, &fin), 0);
  assert_int_equal(qc_unacked(conn), 0);
  assert_int_equal(write_one(&pair), 0);
  assert_int_equal(qc_open_uni(conn), a);
  qc_stream_reset(conn, b, 0x11); /* not to be had any more */
  assert_int_equal(qc_open_uni(conn), c);
  assert_true(qc_open_uni(conn) > c);
  append(conn, a, 0, 500, true);
  append(conn, c, 0, 700, true);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_true(pair.server.fin[a] && pair.server.fin[c]);
  assert_int_equal(pair.server.got[a] + pair.server.got[c], 1200);
  assert_int_equal(pair.server.wrong, 0);
  pair_end(&pair);
}

static void datagrams_can_be_taken_back(void **state) {
  struct pair pair;
  uint8_t datagram[1000] = {0};
  (void)state;
  struct qc *conn = established(&pair);
  for (size_t i = 1; i < sizeof(datagram); i++)
    datagram[i] = content(0, i);
  for (int n = 0; n < 4; n++)
    assert_int_equal(qc_datagram_send(conn, datagram, sizeof(datagram)), 0);
  assert_true(write_one(&pair) > 0);
  assert_int_equal(qc_datagrams_take_back(conn), 3);
  assert_int_equal(qc_datagrams_take_back(conn), 0);
  assert_int_equal(qc_unsent(conn), 0);
  assert_int_equal(qc_datagram_send(conn, datagram, sizeof(datagram)), 0);
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_int_equal(pair.server.datagrams, 2);
  assert_int_equal(pair.server.wrong, 0);
  pair_end(&pair);
}

/* Streams of 5 and 7, datagrams of 6, 5, 8 and of the default, in another order. */
static void datagrams_have_priorities_too(void **state) {
  struct pair pair;
  struct qc_path path;
  uint8_t buf[2048], datagram[1000] = {0};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_NONE});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  struct qc *conn = pair.client.conn;
  const int64_t later = qc_open_uni(conn), sooner = qc_open_uni(conn);
  qc_stream_priority(conn, later, 7);
  qc_stream_priority(conn, sooner, 5);
  send_stream(&pair.client, later, 1000);
  send_stream(&pair.client, sooner, 1000);
  for (size_t i = 1; i < sizeof(datagram); i++)
    datagram[i] = content(0, i);
  assert_int_equal(qc_datagram_send_at(conn, 6, datagram, sizeof(datagram)), 0);
  assert_int_equal(qc_datagram_send_at(conn, 8, datagram, sizeof(datagram)), 0);
  assert_int_equal(qc_datagram_send_at(conn, 5, datagram, sizeof(datagram)), 0);
  assert_int_equal(qc_datagram_send(conn, datagram, sizeof(datagram)), 0);
  uint64_t when_sooner = 0, when_later = 0; /* datagrams that had come by then */
  for (size_t len; (len = qc_write(conn, &path, buf, sizeof(buf), pair.net.now_ns)) > 0;) {
    struct qc_path back = {.local = path.remote, .remote = path.local};
    bool had_sooner = pair.server.fin[sooner], had_later = pair.server.fin[later];
    uint64_t before = pair.server.datagrams;
    qc_read(pair.server.conn, &back, buf, len, pair.net.now_ns);
    if (pair.server.fin[sooner] && !had_sooner)
      when_sooner = before;
    if (pair.server.fin[later] && !had_later)
      when_later = before;
  }
  assert_int_equal(when_sooner, 2);
  assert_int_equal(when_later, 3);
  assert_int_equal(pair.server.datagrams, 4);
  assert_int_equal(pair.server.wrong, 0);
  pair_end(&pair);
}

static void datagram_limits(void **state) {
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

static bool streams_arrived(void *arg) {
  const struct pair *pair = arg;
  for (int64_t n = 0; n < 12; n++)
    if (!pair->server.fin[2 + 4 * n])
      return false;
  return true;
}

/* The window is a tenth of the load; MAX_* must keep coming. */
static void tight_windows(void **state) {
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
static void stream_limit(void **state) {
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

int main(void) {
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
      cmocka_unit_test(what_has_not_left_can_be_taken_back),
      cmocka_unit_test(an_end_can_be_taken_back),
      cmocka_unit_test(a_stream_that_has_not_begun_is_given_out_again),
      cmocka_unit_test(datagrams_can_be_taken_back),
      cmocka_unit_test(datagrams_have_priorities_too),
      cmocka_unit_test(datagram_limits),
      cmocka_unit_test(tight_windows),
      cmocka_unit_test(stream_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
