/* A client of another ALPN, without a session, gets the track it never asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/t/fanout_bench.h"

#define GROUPS  40
#define CONTROL 3 /* the server's first unidirectional stream */

struct guest {
  struct qc *qc;
  struct qc_tls *tls;
  struct memnet *net;
  bool established, closed, stops;
  struct qc_close_info close;
  uint8_t control[8];
  size_t control_len;
  uint64_t whole, resets, datagrams;
};

static void on_rand(void *app, uint8_t *dest, size_t len) {
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)memnet_random(((struct guest *)app)->net);
}
static void on_done(void *app) {
  ((struct guest *)app)->established = true;
}
static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  struct guest *g = app;
  if (sid == CONTROL) {
    assert_true(off + len <= sizeof g->control);
    memcpy(g->control + off, data, len);
    g->control_len = off + len;
  } else if (g->stops && !fin) {
    qc_stream_stop(g->qc, sid, 0x103); /* H3_STREAM_CREATION_ERROR, as nghttp3 does */
  }
  g->whole += fin;
}
static void on_reset(void *app, int64_t sid, uint64_t code, uint64_t final_size) {
  (void)sid, (void)code, (void)final_size;
  ((struct guest *)app)->resets++;
}
static void on_datagram(void *app, const uint8_t *data, size_t len) {
  (void)data, (void)len;
  ((struct guest *)app)->datagrams++;
}
static void on_closed(void *app, const struct qc_close_info *info) {
  struct guest *g = app;
  g->closed = true;
  g->close = *info;
}
static const struct qc_callbacks callbacks = {.rand = on_rand,
                                              .handshake_done = on_done,
                                              .stream_data = on_data,
                                              .stream_reset = on_reset,
                                              .datagram = on_datagram,
                                              .closed = on_closed};

static void in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
               uint64_t now_ns) {
  qc_read(((struct guest *)arg)->qc, path, data, len, now_ns);
}
static size_t out(void *arg, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns) {
  return qc_write(((struct guest *)arg)->qc, path, buf, room, now_ns);
}
static uint64_t deadline(void *arg) {
  return qc_deadline(((struct guest *)arg)->qc);
}
static void expire(void *arg, uint64_t now_ns) {
  qc_handle_expiry(((struct guest *)arg)->qc, now_ns);
}

static struct guest *connect_guest(struct bench *b, const char *alpn, enum qc_cipher cipher) {
  struct guest *g = calloc(1, sizeof *g);
  const struct qc_addr local = memnet_addr(9, 300);
  g->net = &b->net;
  g->tls = qc_tls_new(&(struct qc_tls_config){.alpn = alpn, .cipher = cipher});
  const struct qc_config config = {.tls = g->tls,
                                   .protection = QC_PROTECT_TLS,
                                   .callbacks = &callbacks,
                                   .app = g,
                                   .path = {.local = local, .remote = memnet_addr(1, 4433)},
                                   .now_ns = b->net.now_ns,
                                   .cid_len = 17,
                                   .max_data = 1u << 20,
                                   .max_stream_data_bidi = 1u << 18,
                                   .max_stream_data_uni = 1u << 18,
                                   .max_streams_uni = 1000,
                                   .max_idle_ns = UINT64_C(30000000000),
                                   .max_udp_payload = 1452};
  g->qc = qc_client(&config, "fanbench");
  assert_non_null(g->qc);
  memnet_add(
      &b->net,
      &(struct memnet_node){
          .addr = local, .arg = g, .in = in, .out = out, .deadline = deadline, .expire = expire});
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  return g;
}

/* The relay lives on in the network for a while. */
static void over(struct bench *b, struct guest *g) {
  bench_check_sound(b);
  bench_close(b);
  qc_free(g->qc);
  qc_tls_free(g->tls);
  free(g);
}

static struct shape with_guests(enum qc_cipher cipher, const char *alpn) {
  return (struct shape){
      .native = true, .protection = QC_PROTECT_TLS, .cipher = cipher, .guests = alpn};
}

static void the_track_comes_unasked(void **state) {
  (void)state;
  static const enum qc_cipher ciphers[] = {QC_CHACHA20_POLY1305, QC_AES_128_GCM};
  for (size_t c = 0; c < 2; c++) {
    struct bench *b = bench_open(with_guests(ciphers[c], "h3"));
    struct guest *g = connect_guest(b, "h3", ciphers[c]);
    assert_true(g->established && b->pub->subscribed);
    bench_publish(b, 0, GROUPS, 900, true);
    memnet_run(&b->net, 100 * MS, NULL, NULL);
    assert_int_equal(g->whole, GROUPS);
    assert_int_equal(g->datagrams, 0); /* it takes none */
    assert_in_range(b->copies, GROUPS * 9 / 10, UINT64_MAX);
    assert_int_equal(g->control_len, 3);
    assert_memory_equal(g->control, "\x00\x04\x00", 3); /* control stream, empty SETTINGS */
    assert_false(g->closed);
    over(b, g);
  }
}

/* Another one's protocol is not known here: nothing is said in it. */
static void other_protocols_get_no_control_stream(void **state) {
  (void)state;
  struct bench *b = bench_open(with_guests(QC_CHACHA20_POLY1305, "other"));
  struct guest *g = connect_guest(b, "other", QC_CHACHA20_POLY1305);
  bench_publish(b, 0, 3, 900, false);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  assert_int_equal(g->whole, 3);
  assert_int_equal(g->control_len, 0);
  over(b, g);
}

/* Each stream is stopped at its first packet; the connection and the track go on. */
static void stopped_streams_are_reset(void **state) {
  (void)state;
  struct bench *b = bench_open(with_guests(QC_CHACHA20_POLY1305, "h3"));
  struct guest *g = connect_guest(b, "h3", QC_CHACHA20_POLY1305);
  g->stops = true;
  bench_publish(b, 0, 10, 60000, false); /* some of it waits for the window */
  memnet_run(&b->net, 300 * MS, NULL, NULL);
  assert_true(g->resets > 0);
  assert_false(g->closed);
  const uint64_t whole = g->whole;
  bench_publish(b, 10, 15, 500, false);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  assert_int_equal(g->whole, whole + 5);
  over(b, g);
}

/* Subscribers get theirs as if the guest were not there. */
static void subscribers_do_not_notice(void **state) {
  (void)state;
  struct bench *b = bench_open(with_guests(QC_CHACHA20_POLY1305, "h3"));
  struct guest *g = connect_guest(b, "h3", QC_CHACHA20_POLY1305);
  bench_subscribe_all(b);
  bench_publish(b, 0, GROUPS, 900, false);
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, GROUPS);
  assert_int_equal(g->whole, GROUPS);
  assert_false(g->closed);
  over(b, g);
}

/* no_application_protocol is TLS alert 120 (RFC 9001 8.1). */
static void nobody_else_comes_in(void **state) {
  (void)state;
  static const struct { const char *relay, *client; } rows[] = {{NULL, "h3"}, {"h3", "h2"}};
  for (size_t i = 0; i < 2; i++) {
    struct bench *b = bench_open(with_guests(QC_CHACHA20_POLY1305, rows[i].relay));
    struct guest *g = connect_guest(b, rows[i].client, QC_CHACHA20_POLY1305);
    assert_true(g->closed && !g->established);
    assert_int_equal(g->close.code, 0x100 + 120);
    over(b, g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_track_comes_unasked),
                                     cmocka_unit_test(other_protocols_get_no_control_stream),
                                     cmocka_unit_test(stopped_streams_are_reset),
                                     cmocka_unit_test(subscribers_do_not_notice),
                                     cmocka_unit_test(nobody_else_comes_in)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
