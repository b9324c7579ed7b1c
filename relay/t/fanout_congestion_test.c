/* The relay behind a bottleneck, in memory on virtual time: one window for both
 * paths keeps the loss small, the link full, equal subscribers equal, and memory
 * bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/t/fanout_bench.h"

#define LINK_BYTES_S 250000ull /* 2 Mbit/s */
#define QUEUE_BYTES  65536ull
#define GROUP_BYTES  1700ull /* each 2 ms to three: ten times the link */
#define GROUPS       1500ull /* 3 s */

static struct shape shape_of(bool cubic) {
  static const struct endpoint_limits limits = {
      .max_data = 8u << 20, .max_stream_data = 1u << 18, .max_streams = 4000, .cid_len = 8};
  return (struct shape){
      .native = true, .protection = QC_PROTECT_NONE, .limits = &limits, .cubic = cubic};
}

/* Jain's index of the streams each subscriber has got so far is at least 9/10. */
static void assert_fair(const struct bench *b) {
  uint64_t sum = 0, squares = 0;
  for (int i = 0; i < SUBS; i++) {
    sum += b->sub[i]->streams;
    squares += b->sub[i]->streams * b->sub[i]->streams;
  }
  print_message("streams %llu %llu %llu\n", (unsigned long long)b->sub[0]->streams,
                (unsigned long long)b->sub[1]->streams, (unsigned long long)b->sub[2]->streams);
  assert_true(sum * sum * 10 >= 9 * SUBS * squares);
}

static uint64_t delivered(const struct bench *b) {
  uint64_t n = 0;
  for (int i = 0; i < SUBS; i++)
    n += b->sub[i]->streams;
  return n * GROUP_BYTES;
}

static void behind_a_bottleneck(bool cubic) {
  struct bench *b = bench_open(shape_of(cubic));
  bench_subscribe_all(b);
  bench_bottleneck(b, LINK_BYTES_S, QUEUE_BYTES);
  uint64_t from = b->net.now_ns;
  bench_publish(b, 0, GROUPS, GROUP_BYTES, false);
  struct relay_state s;
  relay_state(b->relay, &s);
  /* What the queue holds, and what a round trip later is known to be lost. */
  print_message("in flight %llu numbers, backlog %llu\n", (unsigned long long)s.inflight,
                (unsigned long long)s.backlog_bytes);
  assert_true(s.inflight * 1452 <= 2 * QUEUE_BYTES);
  assert_true(s.cached_bytes <= 16u << 20);
  /* In the middle of the drain, with a backlog for everybody. */
  memnet_run(&b->net, 12000 * MS, NULL, NULL);
  uint64_t ms = (b->net.now_ns - from) / MS, sent = delivered(b);
  print_message("%s: %llu bytes in %llu ms, %llu acked, %llu lost, %llu dropped, %llu copies\n",
                cubic ? "cubic" : "newreno", (unsigned long long)sent, (unsigned long long)ms,
                (unsigned long long)b->numbers_acked, (unsigned long long)b->numbers_lost,
                (unsigned long long)b->net.bottlenecks[1].dropped, (unsigned long long)b->copies);
  assert_true(b->copies > 0);
  assert_true(sent * 1000 >= LINK_BYTES_S * ms * 85 / 100);
  assert_fair(b);
  bench_finish(b);
  for (int i = 0; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->streams, GROUPS);
    assert_int_equal(b->sub[i]->done_streams, GROUPS);
  }
  bench_check_sound(b);
  print_message("at the end %llu acked, %llu lost\n", (unsigned long long)b->numbers_acked,
                (unsigned long long)b->numbers_lost);
  /* At most one number in twenty is lost. */
  assert_true(b->numbers_lost * 20 <= b->numbers_acked);
  relay_state(b->relay, &s);
  assert_int_equal(s.backlog_bytes, 0);
  bench_close(b);
}

static void newreno(void **state) {
  (void)state;
  behind_a_bottleneck(false);
}

static void cubic(void **state) {
  (void)state;
  behind_a_bottleneck(true);
}

/* A load well below the link: the fast path carries it, whatever the first burst needed. */
static void fast_path_comes_back(void **state) {
  (void)state;
  struct bench *b = bench_open(shape_of(false));
  bench_subscribe_all(b);
  bench_bottleneck(b, LINK_BYTES_S * 40, QUEUE_BYTES * 4);
  endpoint_publish_stream(b->pub, 0, 0, 70000);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  uint64_t slow = b->slow_acked;
  assert_true(slow > 0); /* more than the initial window */
  bench_publish(b, 1, 400, 3000, true);
  bench_finish(b);
  print_message("slow %llu then %llu of %llu\n", (unsigned long long)slow,
                (unsigned long long)(b->slow_acked - slow), (unsigned long long)b->numbers_acked);
  assert_true((b->slow_acked - slow) * 50 <= b->numbers_acked);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, 400);
  assert_int_equal(b->numbers_lost, 0);
  bench_check_sound(b);
  bench_close(b);
}

/* User space stands still for 5 ms in every 20: what it does not know to be acknowledged counts
 * as in flight, and still the fast path carries nearly all. */
static void late_user_space(void **state) {
  (void)state;
  struct bench *b = bench_open(shape_of(false));
  bench_subscribe_all(b);
  for (uint64_t g = 0; g < 1000; g += 10) {
    bench_stall(b, 5 * MS);
    bench_publish(b, g, g + 10, 12000, true);
  }
  bench_finish(b);
  print_message("slow %llu of %llu\n", (unsigned long long)b->slow_acked,
                (unsigned long long)b->numbers_acked);
  assert_true(b->slow_acked * 50 <= b->numbers_acked);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, 1000);
  assert_int_equal(b->numbers_lost, 0);
  bench_check_sound(b);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(newreno),
      cmocka_unit_test(cubic),
      cmocka_unit_test(fast_path_comes_back),
      cmocka_unit_test(late_user_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
