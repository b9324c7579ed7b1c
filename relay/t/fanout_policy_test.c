/* Strategies under a bottleneck, the whole relay in memory on virtual time: what may be lost
 * is lost as the strategy says, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bpf/dp/policy/policy.h"
#include "relay/fanout/core.h"
#include "relay/t/fanout_bench.h"

#define GROUPS      600
#define TIMEOUT_MS  200
#define LINK_BYTES  300000ull /* a second, for three: a third of what comes */
#define QUEUE_BYTES 32768ull
#define SUB_BYTES   500

/* Three streams in four are of priority 200, the fourth is of priority 0; datagrams are of 3. */
static uint8_t priority_of(uint64_t group) {
  return group % 4 ? 200 : 0;
}

static void publish(struct bench *b, uint64_t from, uint64_t to) {
  for (uint64_t g = from; g < to; g++) {
    endpoint_publish_stream(b->pub, g, priority_of(g), SUB_BYTES);
    endpoint_publish_datagram(b->pub, g, 3, 100);
    memnet_run(&b->net, 2 * MS, NULL, NULL);
  }
}

static struct bench *begin_with(struct shape shape, uint64_t bytes_per_s) {
  static const struct endpoint_limits wide = {
      .max_data = 8u << 20, .max_stream_data = 1u << 18, .max_streams = 4000, .cid_len = 8};
  shape.protection = QC_PROTECT_NONE;
  if (!shape.limits)
    shape.limits = &wide;
  struct bench *b = bench_open(shape);
  /* The first may lose something, the others may not. */
  for (int i = 0; i < SUBS; i++)
    endpoint_subscribe_timed(b->sub[i], 255, i == 0 ? TIMEOUT_MS : 0);
  memnet_run(&b->net, 400 * MS, NULL, NULL);
  if (bytes_per_s)
    bench_bottleneck(b, bytes_per_s, QUEUE_BYTES);
  return b;
}

static struct bench *begin(uint32_t policy, bool native, uint64_t bytes_per_s) {
  return begin_with((struct shape){.native = native, .policy = policy}, bytes_per_s);
}

static struct client *client_of(struct bench *b, int i) {
  for (uint32_t slot = 0; slot < b->relay->n_slots; slot++) {
    struct client *client = b->relay->clients[slot];
    if (client && client->path.remote.in.sin_addr.s_addr ==
                      memnet_addr((uint8_t)(3 + i), 200).in.sin_addr.s_addr)
      return client;
  }
  fail_msg("subscriber %d is not there", i);
  return NULL;
}

/* Age of the oldest that waits for the first subscriber, as the datapath is told. */
static uint64_t lag_ms(struct bench *b) {
  return dp_policy_ms(client_of(b, 0)->oldest_told, b->net.now_ns);
}

static unsigned lost_of(const struct endpoint *e, uint8_t priority) {
  unsigned lost = 0;
  for (uint64_t g = 0; g < GROUPS; g++)
    lost += priority_of(g) == priority && !e->seen_stream[g];
  return lost;
}

static uint64_t drops_of(struct bench *b, int i) {
  return b->dp ? b->dp->counters[client_of(b, i)->slot].decisions[FB_DEC_POLICY] : 0;
}

/* Those without a timeout lose no stream, and every stream that the first one was
 * promised has ended: bytes, or a reset. */
static void check_and_close(struct bench *b) {
  for (int i = 1; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->streams, GROUPS);
    assert_int_equal(b->sub[i]->resets, 0);
    assert_int_equal(drops_of(b, i), 0);
  }
  const struct endpoint *first = b->sub[0];
  print_message("first: %llu streams, %llu resets of %llu, %llu datagrams, %llu drops on arrival\n",
                (unsigned long long)first->streams, (unsigned long long)first->resets,
                (unsigned long long)first->done_streams, (unsigned long long)first->datagrams,
                (unsigned long long)drops_of(b, 0));
  assert_int_equal(first->streams + first->resets, first->done_streams);
  assert_int_equal(first->resets_unnamed, 0);
  if (first->resets)
    assert_int_equal(first->reset_code, MOQT_RESET_DELIVERY_TIMEOUT);
  bench_check_sound(b);
  bench_close(b);
}

static void none_drops_nothing(void **state) {
  (void)state;
  struct bench *b = begin(DP_POLICY_NONE, true, LINK_BYTES);
  publish(b, 0, GROUPS);
  assert_true(client_of(b, 0)->n_pending > 0); /* it lags behind, far beyond the timeout */
  bench_finish(b);
  for (int i = 0; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->streams, GROUPS);
    assert_int_equal(b->sub[i]->resets, 0);
  }
  bench_check_sound(b);
  bench_close(b);
}

/* Whoever keeps up loses nothing under any strategy. */
static void without_lag_nothing_is_lost(void **state) {
  (void)state;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++) {
    struct bench *b = begin(policy, true, 0);
    publish(b, 0, GROUPS);
    assert_int_equal(drops_of(b, 0), 0);
    bench_finish(b);
    for (int i = 0; i < SUBS; i++) {
      assert_int_equal(b->sub[i]->streams, GROUPS);
      assert_int_equal(b->sub[i]->datagrams, GROUPS);
    }
    bench_check_sound(b);
    bench_close(b);
  }
}

static void priority_limit(void **state) {
  (void)state;
  struct bench *b = begin(DP_POLICY_PRIORITY_LIMIT, true, LINK_BYTES);
  publish(b, 0, GROUPS);
  assert_true(drops_of(b, 0) > 0);
  bench_finish(b);
  assert_int_equal(lost_of(b->sub[0], 0), 0);
  assert_true(lost_of(b->sub[0], 200) > GROUPS / 4);
  check_and_close(b);
}

/* Nothing that waits gets older than the timeout, whatever its priority. */
static void deadline(void **state) {
  (void)state;
  struct bench *b = begin(DP_POLICY_DEADLINE, true, LINK_BYTES);
  uint64_t most = 0;
  for (uint64_t g = 0; g < GROUPS; g++) {
    publish(b, g, g + 1);
    if (lag_ms(b) > most)
      most = lag_ms(b);
  }
  assert_int_equal(drops_of(b, 0), 0); /* what arrives is of no age */
  assert_in_range(most, TIMEOUT_MS / 2, TIMEOUT_MS + 10);
  bench_finish(b);
  check_and_close(b);
}

static void skip_to_group(void **state) {
  (void)state;
  struct bench *b = begin(DP_POLICY_SKIP_TO_GROUP, true, LINK_BYTES);
  uint64_t most = 0;
  for (uint64_t g = 0; g < GROUPS; g++) {
    publish(b, g, g + 1);
    if (lag_ms(b) > most)
      most = lag_ms(b);
  }
  /* Groups are 2 ms apart: half the timeout is all that it may lag. */
  assert_in_range(most, TIMEOUT_MS / 4, TIMEOUT_MS / 2 + 10);
  assert_true(lost_of(b->sub[0], 0) > 0); /* priority does not matter */
  bench_finish(b);
  assert_true(b->sub[0]->seen_stream[GROUPS - 1]);
  check_and_close(b);
}

/* Resets are lost, too, and so is the header that has to be there before. */
static void lossy(void **state) {
  (void)state;
  for (uint32_t policy = DP_POLICY_NONE + 1; policy < DP_POLICY_COUNT; policy++) {
    struct bench *b = begin_with(
        (struct shape){.native = true, .policy = policy, .loss_ppm = 100000}, LINK_BYTES);
    publish(b, 0, GROUPS);
    bench_finish(b);
    assert_true(lost_of(b->sub[0], 200) > 0);
    check_and_close(b);
  }
}

/* Few streams allowed: no reset opens one more. */
static void narrow_stream_limit(void **state) {
  (void)state;
  static const struct endpoint_limits narrow = {
      .max_data = 8u << 20, .max_stream_data = 1u << 18, .max_streams = 8, .cid_len = 8};
  for (uint32_t policy = DP_POLICY_NONE + 1; policy < DP_POLICY_COUNT; policy++) {
    struct bench *b =
        begin_with((struct shape){.native = true, .policy = policy, .limits = &narrow}, LINK_BYTES);
    publish(b, 0, GROUPS);
    bench_finish(b);
    check_and_close(b);
  }
}

/* What waits obeys a filter that is narrowed meanwhile, also without a timeout and under
 * every strategy; what it still admits comes. */
static void a_filter_reaches_what_waits(void **state) {
  (void)state;
  for (uint32_t policy = 0; policy < DP_POLICY_COUNT; policy++) {
    for (int native = 0; native < 2; native++) {
      struct bench *b = begin(policy, native, LINK_BYTES);
      publish(b, 0, GROUPS / 2);
      struct client *client = client_of(b, 1);
      assert_true(client->n_pending > 0 && client->dgram_head);
      endpoint_limit(b->sub[1], 0);
      memnet_run(&b->net, 10 * MS, NULL, NULL);
      for (size_t i = 0; i < client->n_pending; i++)
        assert_int_equal(client->pending[i]->stream->priority, 0);
      assert_null(client->dgram_head);
      publish(b, GROUPS / 2, GROUPS);
      bench_finish(b);
      assert_int_equal(lost_of(b->sub[1], 0), 0);
      assert_true(lost_of(b->sub[1], 200) >= GROUPS / 4);
      assert_int_equal(b->sub[2]->streams, GROUPS);
      bench_check_sound(b);
      bench_close(b);
    }
  }
}

/* Narrowed, widened and narrowed in one go: the last one counts, and what was cut off stays so. */
static void filters_in_one_go(void **state) {
  (void)state;
  struct bench *b = begin(DP_POLICY_NONE, true, LINK_BYTES);
  publish(b, 0, GROUPS / 2);
  endpoint_limit(b->sub[1], 0);
  endpoint_limit(b->sub[1], 255);
  endpoint_limit(b->sub[1], 100);
  endpoint_limit(b->sub[2], 0);
  endpoint_limit(b->sub[2], 255);
  memnet_run(&b->net, 10 * MS, NULL, NULL);
  publish(b, GROUPS / 2, GROUPS);
  bench_finish(b);
  for (uint64_t g = GROUPS / 2 + 10; g < GROUPS; g++) {
    assert_int_equal(b->sub[1]->seen_stream[g], priority_of(g) == 0);
    assert_int_equal(b->sub[2]->seen_stream[g], 1);
  }
  assert_true(b->sub[2]->resets > 0);
  bench_check_sound(b);
  bench_close(b);
}

/* Datagrams leave by priority, then as they came. */
static void datagrams_in_order(void **state) {
  (void)state;
  struct bench *b = begin(DP_POLICY_NONE, true, LINK_BYTES / 10);
  for (uint64_t g = 0; g < 300; g++) {
    endpoint_publish_datagram(b->pub, g, (uint8_t)(g % 3), 400);
    memnet_run(&b->net, 2 * MS, NULL, NULL);
  }
  const struct client *client = client_of(b, 1);
  unsigned n = 0;
  for (const struct queued_datagram *d = client->dgram_head; d; d = d->next, n++) {
    if (!d->next)
      break;
    assert_true(d->order < d->next->order);
  }
  assert_true(n > 50);
  assert_int_equal(client->dgram_head->priority, 0);
  bench_finish(b);
  bench_check_sound(b);
  bench_close(b);
}

/* The groups of a track that had the slot before count for nothing. */
static void a_track_begins_anew(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  b->dp->track_state[0].newest_group = 77;
  bench_subscribe_all(b);
  assert_int_equal(b->dp->track_state[0].newest_group, 0);
  endpoint_publish_stream(b->pub, 3, 0, 100);
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  assert_int_equal(b->dp->track_state[0].newest_group, 3);
  bench_close(b);
}

/* The datapath is told of each object whose header is read, with what it goes by: where it ends and
 * when it came; no word of it where no strategy asks. */
static void the_datapath_learns_ages(void **state) {
  (void)state;
  for (int on = 0; on < 2; on++) {
    uint32_t policy = on ? DP_POLICY_DEADLINE : DP_POLICY_NONE;
    struct bench *b = begin(policy, true, 0);
    endpoint_publish_stream(b->pub, 0, 0, 5000);
    memnet_run(&b->net, 20 * MS, NULL, NULL);
    /* Its second stream, in the slot's first life: header, object header, object. */
    const struct fb_object *object = &b->dp->objects[fb_stream_slot(0, 1, FB_STREAM_SLOTS)];
    if (policy == DP_POLICY_NONE) {
      assert_int_equal(object->end, 0);
    } else {
      assert_int_equal(object->end >> FB_CLAIM_SHIFT, 1);
      assert_in_range(object->end & FB_MAX_OFFSET, 5002, 5020);
      assert_true(object->since_ns && b->net.now_ns - object->since_ns <= 20 * MS);
    }
    bench_finish(b);
    bench_check_sound(b);
    bench_close(b);
  }
}

/* The same on plain ngtcp2. */
static void stock(void **state) {
  (void)state;
  for (uint32_t policy = DP_POLICY_NONE + 1; policy < DP_POLICY_COUNT; policy++) {
    struct bench *b = begin(policy, false, LINK_BYTES);
    publish(b, 0, GROUPS);
    bench_finish(b);
    assert_true(lost_of(b->sub[0], 200) > GROUPS / 4);
    if (policy == DP_POLICY_PRIORITY_LIMIT)
      assert_int_equal(lost_of(b->sub[0], 0), 0);
    check_and_close(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none_drops_nothing),
      cmocka_unit_test(without_lag_nothing_is_lost),
      cmocka_unit_test(priority_limit),
      cmocka_unit_test(deadline),
      cmocka_unit_test(skip_to_group),
      cmocka_unit_test(lossy),
      cmocka_unit_test(narrow_stream_limit),
      cmocka_unit_test(a_filter_reaches_what_waits),
      cmocka_unit_test(filters_in_one_go),
      cmocka_unit_test(datagrams_in_order),
      cmocka_unit_test(a_track_begins_anew),
      cmocka_unit_test(the_datapath_learns_ages),
      cmocka_unit_test(stock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
