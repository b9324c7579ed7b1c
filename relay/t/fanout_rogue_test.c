/* Peers that break the rules, in memory: the right error to them, nothing to the others, and no
 * memory that grows with what they send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire/frame.h"
#include "bpf/wire/short_header.h"
#include "bpf/wire/varint.h"
#include "relay/fanout/core.h"
#include "relay/t/fanout_bench.h"

static struct bench *open_all(bool native) {
  struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 5, 3000, true);
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  return b;
}

/* ---- subscribers ------------------------------------------------------------------- */

static void claim_all(uint8_t *payload, const struct wire_frame *f) {
  uint8_t *p = payload + f->at, *end = payload + f->end;
  uint64_t largest = f->largest.v, delay = f->delay.v;
  *p++ = WIRE_ACK;
  p += wire_varint_put(p, largest);
  p += wire_varint_put(p, delay);
  *p++ = 0;
  p += wire_varint_put(p, largest);
  assert_true(p <= end);
  memset(p, WIRE_PADDING, (size_t)(end - p));
}

/* The first subscriber acknowledges every number up to the largest it saw. Nothing is encrypted;
 * the tag is 16 bytes of zeros. */
static bool optimistic(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  (void)arg;
  if (path->local.in.sin_addr.s_addr != memnet_addr(3, 200).in.sin_addr.s_addr || (data[0] & 0x80))
    return true;
  size_t at = 1 + FB_UPSTREAM_CID + wire_short_pn_len(data[0]);
  struct wire_cursor c = wire_cursor(data + at, 0, len - at - 16);
  struct wire_frame f;
  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK)
    if (f.type == WIRE_ACK &&
        f.end - f.at >= 2 + 2 * wire_varint_len(f.largest.v) + wire_varint_len(f.delay.v))
      claim_all(data + at, &f);
  return true;
}

/* The datapath leaves out no number, so that the relay does it. */
static void optimistic_acks_are_caught(void **state) {
  (void)state;
  struct bench *b = open_all(true);
  b->net.tap = optimistic;
  bench_publish(b, 5, 105, 3000, true);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  assert_true(b->sub[0]->closed);
  assert_false(b->sub[0]->close.application);
  assert_int_equal(b->sub[0]->close.code, 0x0a); /* PROTOCOL_VIOLATION */
  b->net.tap = NULL;
  endpoint_publish_done(b->pub);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  for (int i = 1; i < SUBS; i++) {
    assert_false(b->sub[i]->closed);
    assert_true(b->sub[i]->done);
    assert_int_equal(b->sub[i]->streams, 105);
    assert_int_equal(b->sub[i]->datagrams, 105);
    assert_int_equal(b->sub[i]->wrong + b->sub[i]->duplicates, 0);
  }
  bench_close(b);
}

/* Without a stream to control it there is no session. */
static void no_streams_no_session(void **state) {
  static const struct endpoint_limits limits = {
      .max_data = 1u << 20, .max_stream_data = 1u << 16, .max_streams = 0, .cid_len = 8};
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = open_all(native);
    struct endpoint *e =
        endpoint_new(&b->net, memnet_addr(9, 200), memnet_addr(1, 4433), QC_PROTECT_NONE, &limits);
    memnet_run(&b->net, 100 * MS, NULL, NULL);
    assert_true(e->closed);
    assert_true(e->close.application);
    assert_int_equal(e->close.code, MOQT_PROTOCOL_VIOLATION);
    bench_publish(b, 5, 10, 900, true);
    bench_finish(b);
    bench_check_sound(b);
    endpoint_free(e);
    bench_close(b);
  }
}

/* ---- publishers -------------------------------------------------------------------- */

/* Group 10, one object of 200 bytes. */
#define HEADER 4
static size_t lawful(uint8_t buf[300]) {
  static const uint8_t head[] = {0x50, 5, 10, 1, 0, 0x80, 200};
  memcpy(buf, head, sizeof head);
  memset(buf + sizeof head, 7, 200);
  return sizeof head + 200;
}

static void send_stream(struct bench *b, const uint8_t *data, size_t len, bool fin) {
  int64_t sid = qc_open_uni(b->pub->qc);
  assert_true(sid >= 0);
  assert_int_equal(qc_stream_send(b->pub->qc, sid, data, len, fin), 0);
  memnet_run(&b->net, 10 * MS, NULL, NULL);
}

/* The publisher is sent away, its track ends for the others, who stay; nothing is kept. The
 * datapath, which reads no objects, may have passed the bad stream on. */
static void check_sent_away(struct bench *b) {
  memnet_run(&b->net, 200 * MS, NULL, NULL);
  assert_true(b->pub->closed);
  assert_true(b->pub->close.application);
  assert_int_equal(b->pub->close.code, MOQT_PROTOCOL_VIOLATION);
  for (int i = 0; i < SUBS; i++) {
    assert_false(b->sub[i]->closed);
    assert_true(b->sub[i]->done);
    assert_int_equal(b->sub[i]->streams, 5);
    assert_in_range(b->sub[i]->wrong, 0, b->native);
  }
  struct relay_state s;
  relay_state(b->relay, &s);
  assert_int_equal(s.tracks, 0);
  assert_int_equal(s.cached_bytes, 0);
}

static void cut_at(bool native, size_t cut) {
  struct bench *b = open_all(native);
  uint8_t data[300];
  lawful(data);
  send_stream(b, data, cut, true);
  if (cut != HEADER) {
    check_sent_away(b);
  } else { /* a subgroup without objects is lawful */
    assert_false(b->pub->closed);
  }
  bench_close(b);
}

static void cut_streams_are_malformed(void **state) {
  uint8_t data[300];
  size_t len = lawful(data);
  (void)state;
  for (int native = 0; native < 2; native++) {
    for (size_t cut = 1; cut < 12; cut++)
      cut_at(native, cut);
    cut_at(native, len / 2);
    cut_at(native, len - 1);
  }
}

static void impossible_objects_are_malformed(void **state) {
  static const struct {
    uint8_t bytes[32];
    size_t len;
  } bad[] = {
      /* 2^62 bytes and more */
      {{0x50, 5, 10, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 14},
      /* an empty object with a status that does not exist */
      {{0x50, 5, 10, 1, 0, 0, 9}, 7},
      /* the second object's ID is beyond 2^64 */
      {{0x50, 5, 10, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 7, 0, 1, 7}, 18},
  };
  (void)state;
  for (int native = 0; native < 2; native++) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      struct bench *b = open_all(native);
      send_stream(b, bad[i].bytes, bad[i].len, false);
      check_sent_away(b);
      bench_close(b);
    }
  }
}

/* Streams of a track that nobody asked for wait for its SUBSCRIBE_OK: some of them. */
static void junk_is_bounded(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = open_all(native);
    uint8_t junk[8192] = {0x50, 99, 10, 1, 0, 0x9f, 0xf0};
    struct relay_state s;
    for (int i = 0; i < 400; i++) {
      junk[2] = (uint8_t)(i % 100);
      send_stream(b, junk, sizeof junk, false);
      relay_state(b->relay, &s);
      assert_in_range(s.cached_bytes, 0, RELAY_EARLY_BYTES + 200000);
    }
    assert_false(b->pub->closed);
    bench_publish(b, 5, 30, 900, false);
    memnet_run(&b->net, 100 * MS, NULL, NULL);
    for (int i = 0; i < SUBS; i++)
      assert_int_equal(b->sub[i]->streams, 30);
    qc_close(b->pub->qc, 0, "");
    memnet_run(&b->net, 500 * MS, NULL, NULL);
    relay_state(b->relay, &s);
    assert_int_equal(s.cached_bytes, 0);
    for (int i = 0; i < SUBS; i++)
      assert_false(b->sub[i]->closed);
    bench_close(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(optimistic_acks_are_caught),
      cmocka_unit_test(no_streams_no_session),
      cmocka_unit_test(cut_streams_are_malformed),
      cmocka_unit_test(impossible_objects_are_malformed),
      cmocka_unit_test(junk_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
