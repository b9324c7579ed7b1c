/* Who is too far behind, the whole relay in memory on virtual time: the relay keeps its bounds, the
 * one that lags loses what it may lose or its subscription, and nobody else loses anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "relay/fanout/core.h"
#include "relay/t/fanout_bench.h"

#define GROUPS      1000
#define BYTES       3000
#define CACHE       (512u << 10)
#define SLACK       (128u << 10) /* in flight, and a millisecond until the next look */
#define SLOW_BYTES  60000ull     /* a second; 1.5 MB come */
#define QUEUE_BYTES 32768ull

/* The last subscriber is behind a slow link, and may lose objects if timeout_ms is not 0. */
static struct bench *begin(bool native, uint32_t timeout_ms) {
  static const struct endpoint_limits limits = {
      .max_data = 8u << 20, .max_stream_data = 1u << 18, .max_streams = 4000, .cid_len = 8};
  struct bench *b = bench_open((struct shape){
      .native = native, .protection = QC_PROTECT_NONE, .limits = &limits, .cache_bytes = CACHE});
  for (int i = 0; i < SUBS; i++)
    endpoint_subscribe_timed(b->sub[i], 255, i == SUBS - 1 ? timeout_ms : 0);
  memnet_run(&b->net, 400 * MS, NULL, NULL);
  for (size_t i = 0; i < b->net.n_nodes; i++)
    if (b->net.nodes[i].arg == b->sub[SUBS - 1])
      b->net.nodes[i].bottleneck = 1;
  b->net.bottlenecks[1] =
      (struct memnet_bottleneck){.bytes_per_s = SLOW_BYTES, .queue_bytes = QUEUE_BYTES};
  return b;
}

static uint64_t publish(struct bench *b, bool streams, unsigned datagrams) {
  uint64_t most = 0;
  for (uint64_t g = 0; g < GROUPS; g++) {
    struct relay_state s;
    if (streams)
      endpoint_publish_stream(b->pub, g, (uint8_t)(g % 4), BYTES);
    for (unsigned d = 0; d < datagrams; d++)
      endpoint_publish_datagram(b->pub, g * datagrams + d, (uint8_t)(g % 4), 1000);
    memnet_run(&b->net, 2 * MS, NULL, NULL);
    relay_state(b->relay, &s);
    if (s.cached_bytes + s.backlog_bytes > most)
      most = s.cached_bytes + s.backlog_bytes;
  }
  return most;
}

static void check_others(const struct bench *b, uint64_t streams, uint64_t datagrams) {
  for (int i = 0; i < SUBS - 1; i++) {
    assert_int_equal(b->sub[i]->streams, streams);
    assert_int_equal(b->sub[i]->datagrams, datagrams);
    assert_int_equal(b->sub[i]->resets, 0);
    assert_int_equal(b->sub[i]->done_status, MOQT_DONE_TRACK_ENDED);
  }
}

static void stream_queue(bool native) {
  struct bench *b = begin(native, 0);
  const struct endpoint *slow = b->sub[SUBS - 1];
  uint64_t most = 0;
  for (uint64_t g = 0; g < GROUPS; g++) {
    struct relay_state s;
    bench_publish(b, g, g + 1, BYTES, false);
    relay_state(b->relay, &s);
    if (s.cached_bytes > most)
      most = s.cached_bytes;
  }
  assert_int_equal(b->drops_behind, native);
  memnet_run(&b->net, 10000 * MS, NULL, NULL);
  assert_true(slow->done); /* though the track has not ended */
  assert_false(b->sub[0]->done);
  assert_int_equal(slow->done_status, MOQT_DONE_TOO_FAR_BEHIND);
  assert_int_equal(slow->streams + slow->resets, slow->done_streams);
  assert_true(slow->streams > 10 && slow->resets > 10);
  assert_int_equal(slow->reset_code, MOQT_RESET_TOO_FAR_BEHIND);
  bench_finish(b);
  check_others(b, GROUPS, 0);
  print_message("%llu streams, %llu resets; at most %llu bytes of cache\n",
                (unsigned long long)slow->streams, (unsigned long long)slow->resets,
                (unsigned long long)most);
  assert_true(most <= CACHE + SLACK);
  bench_check_sound(b);
  bench_close(b);
}

static void streams_without_timeout(void **state) {
  (void)state;
  stream_queue(true);
}

/* With a delivery timeout it stays subscribed and loses objects, whatever the strategy says. */
static void streams_with_timeout(void **state) {
  (void)state;
  struct bench *b = begin(true, 60000);
  const struct endpoint *slow = b->sub[SUBS - 1];
  uint64_t most = publish(b, true, 0);
  assert_false(slow->done);
  assert_int_equal(b->drops_behind, 0);
  assert_true(b->drops_backlog > 100);
  bench_finish(b);
  check_others(b, GROUPS, 0);
  assert_int_equal(slow->done_status, MOQT_DONE_TRACK_ENDED);
  assert_int_equal(slow->streams + slow->resets, slow->done_streams);
  assert_int_equal(slow->reset_code, MOQT_RESET_DELIVERY_TIMEOUT);
  print_message("%llu streams, %llu resets, %llu drops\n", (unsigned long long)slow->streams,
                (unsigned long long)slow->resets, (unsigned long long)b->drops_backlog);
  assert_true(most <= CACHE + SLACK + 500000); /* backlog_bytes are of the cache */
  bench_check_sound(b);
  bench_close(b);
}

static void datagram_queue(uint32_t timeout_ms) {
  struct bench *b = begin(true, timeout_ms);
  const struct endpoint *slow = b->sub[SUBS - 1];
  uint64_t most = publish(b, false, 4);
  print_message("%llu datagrams, %llu dropped; at most %llu bytes\n",
                (unsigned long long)slow->datagrams, (unsigned long long)b->drops_backlog,
                (unsigned long long)most);
  assert_true(most > RELAY_DATAGRAM_BYTES / 2);
  assert_true(most <= RELAY_DATAGRAM_BYTES + SLACK);
  assert_int_equal(b->drops_behind, timeout_ms == 0);
  assert_int_equal(b->drops_backlog > 100, timeout_ms > 0);
  bench_finish(b);
  check_others(b, 0, 4 * GROUPS);
  assert_int_equal(slow->done_status,
                   timeout_ms ? MOQT_DONE_TRACK_ENDED : MOQT_DONE_TOO_FAR_BEHIND);
  assert_true(slow->datagrams < 4 * GROUPS);
  bench_check_sound(b);
  bench_close(b);
}

static void datagrams_without_timeout(void **state) {
  (void)state;
  datagram_queue(0);
}

static void datagrams_with_timeout(void **state) {
  (void)state;
  datagram_queue(60000);
}

/* The packet with a header is lost, and then the stream's data is given up: the header is still
 * there to be sent again, so that the reset can follow. */
static struct {
  struct bench *b;
  bool armed;
} loser;

static bool lose_one(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  (void)arg;
  (void)data;
  if (!loser.armed || len < 1000 ||
      path->remote.in.sin_addr.s_addr != memnet_addr(2 + SUBS, 200).in.sin_addr.s_addr)
    return true;
  loser.armed = false;
  return false;
}

static void header_outlives_the_cache(void **state) {
  (void)state;
  struct bench *b = begin(true, 0);
  const struct endpoint *slow = b->sub[SUBS - 1];
  b->net.tap = lose_one;
  for (uint64_t g = 0; g < GROUPS; g++) {
    loser.armed = g % 2; /* every second packet of the slow link, or so */
    bench_publish(b, g, g + 1, BYTES, false);
  }
  loser.armed = false;
  memnet_run(&b->net, 10000 * MS, NULL, NULL);
  assert_true(slow->done);
  assert_int_equal(slow->streams + slow->resets, slow->done_streams);
  assert_int_equal(slow->resets_unnamed, 0);
  bench_finish(b);
  check_others(b, GROUPS, 0);
  bench_check_sound(b);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_without_timeout),   cmocka_unit_test(streams_with_timeout),
      cmocka_unit_test(datagrams_without_timeout), cmocka_unit_test(datagrams_with_timeout),
      cmocka_unit_test(header_outlives_the_cache),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
