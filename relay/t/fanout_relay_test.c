/* The whole relay in memory on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/t/fanout_bench.h"

/* ---- cases ------------------------------------------------------------------------------------- */

static void run_plain(struct shape shape, size_t size, uint64_t groups) {
  struct bench *b = bench_open(shape);
  bench_subscribe_all(b);
  bench_publish(b, 0, groups, size, true);
  bench_finish(b);
  for (int i = 0; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->streams, groups);
    assert_int_equal(b->sub[i]->done_streams, groups);
    if (shape.loss_ppm == 0)
      assert_int_equal(b->sub[i]->datagrams, groups);
  }
  bench_check_sound(b);
  print_message("copies %llu, acked %llu, lost %llu\n", (unsigned long long)b->copies,
                (unsigned long long)b->numbers_acked, (unsigned long long)b->numbers_lost);
  if (shape.native && shape.loss_ppm == 0 && shape.gso_every == 0 && !shape.limits)
    assert_true(b->copies >= groups * SUBS * 9 / 10);
  bench_close(b);
}

static void stock_none(void **state) {
  (void)state;
  run_plain((struct shape){.protection = QC_PROTECT_NONE}, 300, 200);
}
static void stock_tls(void **state) {
  (void)state;
  run_plain((struct shape){.protection = QC_PROTECT_TLS}, 5000, 100);
}
static void stock_loss(void **state) {
  (void)state;
  run_plain((struct shape){.protection = QC_PROTECT_NONE, .loss_ppm = 50000}, 3000, 200);
}
static void native_small(void **state) {
  (void)state;
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE}, 300, 400);
}
static void native_large(void **state) {
  (void)state;
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE}, 30000, 100);
}
static void native_loss(void **state) {
  (void)state;
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .loss_ppm = 10000}, 3000,
            300);
}
static void native_heavy_loss(void **state) {
  (void)state;
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .loss_ppm = 150000}, 3000,
            200);
}

/* Some packets do not pass the datapath (super-packets): their bytes, and streams
 * whose header it never saw, go the slow way. */
static void native_bypass(void **state) {
  (void)state;
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .gso_every = 3}, 4000,
            200);
}
static void native_bypass_loss(void **state) {
  (void)state;
  run_plain(
      (struct shape){
          .native = true, .protection = QC_PROTECT_NONE, .gso_every = 4, .loss_ppm = 30000},
      4000, 200);
}

/* Tight windows: the fast path keeps every limit, everything arrives. */
static void native_tight(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 40000, .max_stream_data = 8000, .max_streams = 4, .cid_len = 8};
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits}, 12000,
            120);
}
static void native_tight_loss(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 40000, .max_stream_data = 8000, .max_streams = 4, .cid_len = 8};
  run_plain(
      (struct shape){
          .native = true, .protection = QC_PROTECT_NONE, .limits = &limits, .loss_ppm = 50000},
      12000, 80);
}
/* A receiver raises MAX_DATA when a part of its window is used: what the relay holds back
 * for ngtcp2's own streams must not keep it from that, however far the limit has come. */
static void native_small_window(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 16384, .max_stream_data = 16384, .max_streams = 8, .cid_len = 8};
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits}, 35000,
            40);
}

/* A window that little more than MoQT's own messages fit: nothing is copied beyond it, and
 * the session lives. */
static void native_tiny_window(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 300, .max_stream_data = 300, .max_streams = 100, .cid_len = 8};
  struct bench *b =
      bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits});
  bench_subscribe_all(b);
  bench_publish(b, 0, 20, 90, false);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  bench_check_sound(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, 0);
  bench_close(b);
}

/* Streams that wait for the subscriber's limits do not keep datagrams, which have none. */
static void datagrams_pass_blocked_streams(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    static const struct endpoint_limits limits = {
        .max_data = 1u << 20, .max_stream_data = 64, .max_streams = 100, .cid_len = 8};
    struct bench *b = bench_open(
        (struct shape){.native = native, .protection = QC_PROTECT_NONE, .limits = &limits});
    bench_subscribe_all(b);
    bench_publish(b, 0, 20, 20000, true);
    for (int i = 0; i < SUBS; i++) {
      assert_int_equal(b->sub[i]->streams, 0);
      assert_in_range(b->sub[i]->datagrams, 18, 20);
    }
    bench_check_sound(b);
    bench_close(b);
  }
}

static void native_empty_cid(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 1u << 20, .max_stream_data = 1u << 18, .max_streams = 100, .cid_len = 0};
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits}, 900,
            100);
}
static void native_long_cid(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 1u << 20, .max_stream_data = 1u << 18, .max_streams = 100, .cid_len = 20};
  run_plain((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits}, 900,
            100);
}

/* A late subscriber starts at the next group and gets every group from there. */
static void late_join(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  endpoint_subscribe(b->sub[0], 255);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  bench_publish(b, 0, 50, 2000, true);
  endpoint_subscribe(b->sub[1], 255);
  endpoint_subscribe(b->sub[2], 255);
  bench_publish(b, 50, 150, 2000, true);
  bench_finish(b);
  assert_int_equal(b->sub[0]->streams, 150);
  for (int i = 1; i < SUBS; i++) {
    assert_true(b->sub[i]->has_largest);
    assert_true(b->sub[i]->largest >= 49);
    assert_int_equal(b->sub[i]->first_group, b->sub[i]->largest + 1);
    assert_int_equal(b->sub[i]->streams, 150 - b->sub[i]->first_group);
    assert_int_equal(b->sub[i]->datagrams, 150 - b->sub[i]->first_group);
  }
  bench_check_sound(b);
  bench_close(b);
}

/* PRIORITY_FILTER: what it excludes is never opened, what it admits is whole. */
static void filtered(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
    endpoint_subscribe(b->sub[0], 255);
    endpoint_subscribe(b->sub[1], 1);
    endpoint_subscribe(b->sub[2], 0);
    memnet_run(&b->net, 100 * MS, NULL, NULL);
    bench_publish(b, 0, 100, 500, true);
    bench_finish(b);
    assert_int_equal(b->sub[0]->streams, 100);
    assert_int_equal(b->sub[1]->streams, 50);
    assert_int_equal(b->sub[2]->streams, 25);
    assert_int_equal(b->sub[1]->datagrams, 50);
    assert_int_equal(b->sub[2]->done_streams, 25);
    bench_check_sound(b);
    bench_close(b);
  }
}

static void no_publisher(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct moqt_name name;
  struct moqt_params params;
  moqt_name_set(&name, "nobody", "video");
  moqt_params_init(&params);
  moqt_subscribe(b->sub[0]->session, &name, &params);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  assert_true(b->sub[0]->refused);
  assert_false(b->sub[0]->answered);
  bench_close(b);
}

/* A subscriber leaves in the middle; the others do not notice. */
static void leaver(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 50, 2000, true);
  qc_close(b->sub[1]->qc, 0, "");
  bench_publish(b, 50, 100, 2000, true);
  uint64_t before = b->copies;
  b->sub[1]->done = true;
  bench_finish(b);
  assert_int_equal(b->sub[0]->streams, 100);
  assert_int_equal(b->sub[2]->streams, 100);
  assert_int_equal(b->sub[0]->wrong + b->sub[2]->wrong, 0);
  assert_true(before > 0);
  struct relay_state s;
  relay_state(b->relay, &s);
  assert_int_equal(s.backlog_bytes, 0);
  bench_close(b);
}

/* ---- hostile and broken input -------------------------------------------------------------- */

#define KEPT 4096

static struct kept {
  struct qc_path path;
  size_t len;
  uint8_t data[1500];
} kept[KEPT];
static size_t n_kept;

static void keep(struct bench *b, const struct qc_path *path, const uint8_t *data, size_t len) {
  (void)b;
  if (n_kept == KEPT || len > sizeof kept->data || data[0] & 0x80)
    return;
  kept[n_kept].path = *path;
  kept[n_kept].len = len;
  memcpy(kept[n_kept++].data, data, len);
}

/* Every upstream packet again, some packets later: not one copy, nothing delivered
 * twice. (Null protection does not authenticate the full number: a replay from
 * more than half a number window ago looks like a new packet, and is one for
 * every QUIC receiver under that laboratory AEAD.) */
#define REPLAY_AFTER 8
static uint64_t n_replayed;

static void replay(struct bench *b, const struct qc_path *path, const uint8_t *data, size_t len) {
  if (n_kept == KEPT)
    n_kept = 0;
  keep(b, path, data, len);
  if (n_kept <= REPLAY_AFTER)
    return;
  const struct kept *old = &kept[n_kept - 1 - REPLAY_AFTER];
  uint64_t before = b->copies;
  bench_inject(b, &old->path, old->data, old->len);
  assert_int_equal(b->copies, before);
  n_replayed++;
}

static void replayed(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  n_kept = n_replayed = 0;
  uint64_t seen = b->dp->cpus[0].packets[FB_PKT_DUPLICATE];
  b->upstream_tap = replay;
  bench_publish(b, 0, 100, 2500, true);
  bench_finish(b);
  assert_true(n_replayed > 200);
  assert_int_equal(b->dp->cpus[0].packets[FB_PKT_DUPLICATE], seen + n_replayed);
  for (int i = 0; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->streams, 100);
    assert_int_equal(b->sub[i]->datagrams, 100);
  }
  bench_check_sound(b);
  bench_close(b);
}

/* Upstream packets cut at every length and with a flipped bit, with numbers not
 * yet used: nothing is copied, nobody's connection ends, the rest arrives. */
static void malformed(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  n_kept = 0;
  b->upstream_tap = keep;
  bench_publish(b, 0, 20, 900, true);
  b->upstream_tap = NULL;
  uint64_t before = b->copies;
  struct kept *last = &kept[n_kept - 1];
  for (size_t len = 0; len < last->len; len++)
    bench_inject(b, &last->path, last->data, len);
  for (size_t bit = 0; bit < last->len * 8; bit += 3) {
    uint8_t copy[1500];
    memcpy(copy, last->data, last->len);
    copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    copy[last->len - 1] = 1; /* the tag is wrong */
    bench_inject(b, &last->path, copy, last->len);
  }
  /* From an address that is not the publisher's: the datapath refuses it. */
  struct fb_path other = {.family = 4, .remote_port = htons(101), .local_port = htons(4433)};
  uint64_t wrong = b->dp->cpus[0].packets[FB_PKT_WRONG_PATH];
  assert_int_equal(dp_native_packet(b->dp, &other, last->data, last->len, b->net.now_ns, 0),
                   FB_PKT_WRONG_PATH);
  assert_int_equal(b->dp->cpus[0].packets[FB_PKT_WRONG_PATH], wrong + 1);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  assert_int_equal(b->copies, before);
  bench_publish(b, 20, 60, 900, true);
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, 60);
  bench_check_sound(b);
  bench_close(b);
}

/* The publisher resets a stream half way: subscribers see a reset, later streams come. */
static void upstream_reset(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
    bench_subscribe_all(b);
    bench_publish(b, 0, 10, 900, false);
    int64_t sid = qc_open_uni(b->pub->qc);
    uint8_t head[] = {0x50, 5, 10, 1, 0, 0x85, 0xdc}; /* group 10, an object of 1,500 bytes */
    uint8_t body[1000] = {0};
    qc_stream_send(b->pub->qc, sid, head, sizeof head, false);
    qc_stream_send(b->pub->qc, sid, body, sizeof body, false);
    memnet_run(&b->net, 20 * MS, NULL, NULL);
    qc_stream_reset(b->pub->qc, sid, MOQT_RESET_CANCELLED);
    b->pub->streams_sent++;
    bench_publish(b, 11, 30, 900, false);
    bench_finish(b);
    for (int i = 0; i < SUBS; i++) {
      assert_int_equal(b->sub[i]->streams, 29);
      assert_int_equal(b->sub[i]->resets, 1);
    }
    bench_check_sound(b);
    bench_close(b);
  }
}

/* The publisher vanishes without a word while a stream is open; when its
 * connection times out the subscribers get their end. */
static void publisher_closes(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 40, 3000, true);
  qc_close(b->pub->qc, 0, "");
  memnet_run(&b->net, 2000 * MS, NULL, NULL);
  for (int i = 0; i < SUBS; i++) {
    assert_true(b->sub[i]->done);
    assert_int_equal(b->sub[i]->streams, 40);
    assert_int_equal(b->sub[i]->wrong, 0);
    assert_false(b->sub[i]->closed);
  }
  struct relay_state s;
  relay_state(b->relay, &s);
  assert_int_equal(s.tracks, 0);
  assert_int_equal(s.cached_bytes, 0);
  bench_close(b);
}

/* The publisher comes back on a new connection without having left the old one:
 * it takes its tracks over, the subscribers go on. */
static void publisher_returns(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
    bench_subscribe_all(b);
    bench_publish(b, 0, 40, 3000, true);
    memnet_run(&b->net, 50 * MS, NULL, NULL);
    struct endpoint *old = b->pub;
    for (size_t i = 0; i < b->net.n_nodes; i++) {
      if (b->net.nodes[i].arg != old)
        continue;
      b->net.nodes[i] = b->net.nodes[--b->net.n_nodes];
      break;
    }
    b->pub =
        endpoint_new(&b->net, memnet_addr(9, 100), memnet_addr(1, 4433), QC_PROTECT_NONE, NULL);
    memnet_run(&b->net, 50 * MS, NULL, NULL);
    endpoint_announce(b->pub);
    memnet_run(&b->net, 50 * MS, NULL, NULL);
    assert_true(b->pub->subscribed);
    uint64_t before = b->copies;
    bench_publish(b, 40, 80, 3000, true);
    if (native)
      assert_true(b->copies > before + 40);
    endpoint_publish_done(b->pub);
    memnet_run(&b->net, 500 * MS, NULL, NULL);
    for (int i = 0; i < SUBS; i++) {
      assert_true(b->sub[i]->done);
      assert_int_equal(b->sub[i]->streams, 80);
      assert_int_equal(b->sub[i]->datagrams, 80);
    }
    bench_check_sound(b);
    endpoint_free(old);
    bench_close(b);
  }
}

/* A subscriber that comes back from its old 4-tuple gets a connection of its own;
 * nothing of the old one reaches it. */
static void same_tuple(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 40, 1500, true);
  /* The old endpoint stays in the network but hears and says nothing any more. */
  struct endpoint *old = b->sub[1];
  for (size_t i = 0; i < b->net.n_nodes; i++) {
    if (b->net.nodes[i].arg != old)
      continue;
    b->net.nodes[i] = b->net.nodes[--b->net.n_nodes];
    break;
  }
  b->sub[1] =
      endpoint_new(&b->net, memnet_addr(4, 200), memnet_addr(1, 4433), QC_PROTECT_NONE, NULL);
  bench_publish(b, 40, 60, 1500, true);
  assert_true(b->sub[1]->established);
  endpoint_subscribe(b->sub[1], 255);
  bench_publish(b, 60, 120, 1500, true);
  bench_finish(b);
  assert_true(b->sub[1]->answered);
  assert_int_equal(b->sub[1]->first_group, b->sub[1]->largest + 1);
  assert_int_equal(b->sub[1]->streams, 120 - b->sub[1]->first_group);
  assert_int_equal(b->sub[0]->streams, 120);
  bench_check_sound(b);
  endpoint_free(old);
  bench_close(b);
}

/* A subscriber that stops reading: the fast path stops at its cap, the cache keeps
 * its bound, the others get everything. */
static void vanished(void **state) {
  (void)state;
  static const struct endpoint_limits limits = {
      .max_data = 8u << 20, .max_stream_data = 1u << 18, .max_streams = 3000, .cid_len = 8};
  struct bench *b =
      bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits});
  bench_subscribe_all(b);
  for (size_t i = 0; i < b->net.n_nodes; i++) {
    if (b->net.nodes[i].arg != b->sub[1])
      continue;
    b->net.nodes[i] = b->net.nodes[--b->net.n_nodes];
    break;
  }
  bench_publish(b, 0, 1000, 5000, false);
  b->sub[1]->done = true;
  b->sub[1]->closed = true;
  struct relay_state s;
  relay_state(b->relay, &s);
  assert_true(s.cached_bytes <= (16u << 20) + (1u << 20));
  endpoint_publish_done(b->pub);
  memnet_run(&b->net, 20000 * MS, NULL, NULL);
  assert_int_equal(b->sub[0]->streams, 1000);
  assert_int_equal(b->sub[2]->streams, 1000);
  assert_int_equal(b->sub[0]->wrong + b->sub[2]->wrong, 0);
  bench_close(b);
}

/* Decisions are complete: each (frame, subscriber) is counted once. */
static void sums_agree(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 100, 700, true);
  bench_finish(b);
  for (uint32_t slot = 0; slot < 4; slot++) {
    uint64_t sent = b->dp->counters[slot].decisions[FB_DEC_SEND];
    if (b->dp->counters[slot].copies == 0)
      continue; /* the publisher's own slot */
    uint64_t all = 0;
    for (unsigned d = 0; d < FB_DECISION_COUNT; d++)
      all += b->dp->counters[slot].decisions[d];
    assert_true(sent > 0 && sent <= all);
    assert_true(b->dp->counters[slot].data_used <= b->dp->counters[slot].max_data);
  }
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stock_none),         cmocka_unit_test(stock_tls),
      cmocka_unit_test(stock_loss),         cmocka_unit_test(native_small),
      cmocka_unit_test(native_large),       cmocka_unit_test(native_loss),
      cmocka_unit_test(native_heavy_loss),  cmocka_unit_test(native_bypass),
      cmocka_unit_test(native_bypass_loss), cmocka_unit_test(native_tight),
      cmocka_unit_test(native_tight_loss),  cmocka_unit_test(native_small_window),
      cmocka_unit_test(native_tiny_window), cmocka_unit_test(datagrams_pass_blocked_streams),
      cmocka_unit_test(native_empty_cid),   cmocka_unit_test(native_long_cid),
      cmocka_unit_test(late_join),          cmocka_unit_test(filtered),
      cmocka_unit_test(no_publisher),       cmocka_unit_test(leaver),
      cmocka_unit_test(replayed),           cmocka_unit_test(malformed),
      cmocka_unit_test(upstream_reset),     cmocka_unit_test(publisher_closes),
      cmocka_unit_test(publisher_returns),  cmocka_unit_test(same_tuple),
      cmocka_unit_test(vanished),           cmocka_unit_test(sums_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
