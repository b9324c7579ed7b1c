/* Relays that take tracks from another relay: asking, passing on, withdrawing, and
 * what becomes of subscribers when the relay above is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/fanout/core.h"
#include "relay/t/endpoint.h"
#include "relay/t/relay_box.h"

#define MS         UINT64_C(1000000)
#define LOWER_SUBS 2

/* pub - upper - lower - low[0], low[1]; and high at the upper one. */
struct chain {
  struct memnet net;
  struct relay_box *upper, *lower;
  struct endpoint *pub, *high, *low[LOWER_SUBS];
};

static void run(struct chain *c, uint64_t ms) {
  memnet_run(&c->net, ms * MS, NULL, NULL);
}

static struct qc_addr upper_addr(void) {
  return memnet_addr(1, 4433);
}

static struct qc_addr lower_addr(void) {
  return memnet_addr(9, 4433);
}

static struct endpoint *dial(struct chain *c, uint8_t host, struct qc_addr relay) {
  return endpoint_new(&c->net, memnet_addr(host, 200), relay, QC_PROTECT_NONE, NULL);
}

static void announce(struct chain *c, uint8_t host) {
  c->pub = dial(c, host, upper_addr());
  run(c, 50);
  endpoint_announce(c->pub);
  run(c, 20);
  assert_true(c->pub->announced);
}

static void chain_open(struct chain *c, bool upper_native, bool lower_native) {
  const struct qc_addr at = upper_addr();
  memset(c, 0, sizeof *c);
  memnet_init(&c->net, 42);
  c->upper = relay_box_open(&c->net, at, upper_native, NULL);
  c->lower = relay_box_open(&c->net, lower_addr(), lower_native, &at);
  announce(c, 2);
  c->high = dial(c, 3, upper_addr());
  for (int i = 0; i < LOWER_SUBS; i++)
    c->low[i] = dial(c, (uint8_t)(4 + i), lower_addr());
  run(c, 50);
}

static void chain_close(struct chain *c) {
  endpoint_free(c->pub);
  endpoint_free(c->high);
  for (int i = 0; i < LOWER_SUBS; i++)
    endpoint_free(c->low[i]);
  relay_box_free(c->lower);
  relay_box_free(c->upper);
  memnet_free(&c->net);
}

static void publish(struct chain *c, uint64_t from, uint64_t to) {
  for (uint64_t g = from; g < to; g++) {
    endpoint_publish_stream(c->pub, g, 1, 3000);
    endpoint_publish_datagram(c->pub, g, 1, 200);
    run(c, 2);
  }
  run(c, 50);
}

static void assert_sound(const struct endpoint *e, uint64_t streams, uint64_t datagrams) {
  assert_int_equal(e->wrong, 0);
  assert_int_equal(e->duplicates, 0);
  assert_int_equal(e->streams, streams);
  assert_int_equal(e->datagrams, datagrams);
  assert_false(e->closed);
}

/* ---- passing on ------------------------------------------------------------------------- */

static void passes_on(bool upper_native, bool lower_native) {
  struct chain c;
  chain_open(&c, upper_native, lower_native);
  for (int i = 0; i < LOWER_SUBS; i++)
    endpoint_subscribe(c.low[i], 255);
  run(&c, 50);
  assert_int_equal(c.pub->asked, 1);
  for (int i = 0; i < LOWER_SUBS; i++)
    assert_true(c.low[i]->answered);
  publish(&c, 0, 40);
  for (int i = 0; i < LOWER_SUBS; i++)
    assert_sound(c.low[i], 40, 40);
  /* the upper one's packets stay fast below: nearly all are copied */
  if (lower_native)
    assert_true(c.lower->copies >= 2 * 40 * 3);
  endpoint_publish_done(c.pub);
  run(&c, 200);
  for (int i = 0; i < LOWER_SUBS; i++) {
    assert_true(c.low[i]->done);
    assert_int_equal(c.low[i]->done_streams, 40);
  }
  assert_int_equal(c.upper->numbers_twice + c.lower->numbers_twice, 0);
  chain_close(&c);
}

static void native_below_native(void **state) {
  (void)state;
  passes_on(true, true);
}
static void native_below_stock(void **state) {
  (void)state;
  passes_on(false, true);
}
static void stock_below_native(void **state) {
  (void)state;
  passes_on(true, false);
}
static void stock_below_stock(void **state) {
  (void)state;
  passes_on(false, false);
}

/* Nobody asks above as long as nobody asks below; one that comes later joins what flows. */
static void asks_when_asked(void **state) {
  struct chain c;
  (void)state;
  chain_open(&c, true, true);
  assert_int_equal(c.pub->asked, 0);
  endpoint_subscribe(c.high, 255);
  run(&c, 50);
  publish(&c, 0, 10);
  endpoint_subscribe(c.low[0], 255);
  run(&c, 50);
  assert_true(c.low[0]->answered);
  assert_true(c.low[0]->has_largest); /* as the upper one had it */
  assert_int_equal(c.low[0]->largest, 9);
  publish(&c, 10, 20);
  endpoint_subscribe(c.low[1], 255);
  run(&c, 50);
  assert_int_equal(c.low[1]->largest, 19);
  publish(&c, 20, 30);
  assert_int_equal(c.pub->asked, 1);
  assert_sound(c.high, 30, 30);
  assert_sound(c.low[0], 20, 20);
  assert_sound(c.low[1], 10, 10);
  assert_int_equal(c.low[0]->first_group, 10);
  chain_close(&c);
}

static void a_refusal_comes_down(void **state) {
  struct chain c;
  (void)state;
  chain_open(&c, true, true);
  qc_close(c.pub->qc, 0, "");
  run(&c, 50);
  endpoint_subscribe(c.low[0], 255);
  run(&c, 50);
  assert_true(c.low[0]->refused);
  chain_close(&c);
}

/* ---- withdrawing ------------------------------------------------------------------------- */

/* The last one below leaves: both relays withdraw; at once or later it may be asked again. */
static void withdraws(void **state) {
  struct relay_state s;
  struct chain c;
  (void)state;
  chain_open(&c, true, true);
  for (int i = 0; i < LOWER_SUBS; i++)
    endpoint_subscribe(c.low[i], 255);
  run(&c, 50);
  publish(&c, 0, 5);
  endpoint_unsubscribe(c.low[0]);
  run(&c, 50);
  assert_true(c.pub->subscribed); /* there is another one */
  endpoint_unsubscribe(c.low[1]);
  run(&c, 50);
  assert_int_equal(c.pub->withdrawn, 1);
  relay_state(c.upper->relay, &s);
  assert_int_equal(s.tracks, 0);
  relay_state(c.lower->relay, &s);
  assert_int_equal(s.tracks, 0);
  assert_int_equal(s.cached_bytes, 0);
  endpoint_subscribe(c.low[0], 255);
  run(&c, 50);
  publish(&c, 5, 10);
  endpoint_unsubscribe(c.low[0]);
  endpoint_subscribe(c.low[0], 255); /* in one packet with it */
  run(&c, 100);
  assert_true(c.low[0]->answered);
  publish(&c, 10, 15);
  assert_int_equal(c.pub->asked, c.pub->withdrawn + 1);
  assert_sound(c.low[0], 15, 15);
  assert_sound(c.low[1], 5, 5);
  chain_close(&c);
}

/* It leaves with streams under way, and another one stays: their end is still owed to it, and
 * what the next subscription is told of its own streams is not theirs. */
static void streams_of_an_older_subscription(void **state) {
  struct chain c;
  (void)state;
  for (int native = 0; native < 2; native++) {
    chain_open(&c, native, native);
    for (int i = 0; i < LOWER_SUBS; i++)
      endpoint_subscribe(c.low[i], 255);
    run(&c, 50);
    c.net.loss_ppm = 300000;
    for (uint64_t g = 0; g < 10; g++)
      endpoint_publish_stream(c.pub, g, 1, 20000);
    run(&c, 30);
    c.net.loss_ppm = 0;
    endpoint_unsubscribe(c.low[0]);
    endpoint_subscribe(c.low[0], 255);
    run(&c, 3000);
    publish(&c, 10, 20);
    endpoint_publish_done(c.pub);
    run(&c, 500);
    assert_true(c.low[0]->done);
    assert_true(c.low[1]->done);
    assert_int_equal(c.low[0]->wrong + c.low[0]->duplicates, 0);
    assert_int_equal(c.low[1]->streams, 20);
    chain_close(&c);
  }
}

static bool lose_what_goes_to_low(void *arg, const struct qc_path *path, uint8_t *data,
                                  size_t len) {
  (void)arg;
  (void)data;
  (void)len;
  return path->remote.in.sin_addr.s_addr != memnet_addr(4, 0).in.sin_addr.s_addr;
}

/* The only one leaves with streams under way: its relay withdraws, and owes them an end. */
static void streams_nobody_wants_end(void **state) {
  struct relay_state s;
  struct chain c;
  (void)state;
  for (int native = 0; native < 2; native++) {
    chain_open(&c, native, native);
    endpoint_subscribe(c.low[0], 255);
    run(&c, 50);
    for (uint64_t g = 0; g < 10; g++)
      endpoint_publish_stream(c.pub, g, 1, 20000);
    while (endpoint_open_streams(c.low[0]) == 0)
      run(&c, 1);
    c.net.tap = lose_what_goes_to_low;
    endpoint_unsubscribe(c.low[0]);
    run(&c, 300); /* all is over above by then */
    c.net.tap = NULL;
    run(&c, 3000);
    assert_int_equal(endpoint_open_streams(c.low[0]), 0);
    relay_state(c.lower->relay, &s);
    assert_int_equal(s.tracks + s.cached_bytes, 0);
    assert_int_equal(c.low[0]->wrong, 0);
    chain_close(&c);
  }
}

/* ---- too slow for the relay above ---------------------------------------------------------- */

/* The relay above gives the one below up, with streams under way. */
static void fall_behind(struct chain *c) {
  struct relay *upper = c->upper->relay;
  for (uint64_t g = 10; g < 15; g++)
    endpoint_publish_stream(c->pub, g, 1, 60000);
  run(c, 3);
  for (uint32_t i = 0; i < upper->n_slots; i++) {
    struct client *client = upper->clients[i];
    if (client && client->path.remote.in.sin_addr.s_addr == lower_addr().in.sin_addr.s_addr)
      subscription_too_far_behind(client->subs[0]);
  }
  run(c, 300);
}

/* Who may lose something goes on, who may not ends; both are told the truth. */
static void a_gap_from_above(void **state) {
  struct relay_state s;
  struct chain c;
  (void)state;
  for (int native = 0; native < 2; native++) {
    chain_open(&c, native, native);
    endpoint_subscribe_timed(c.low[0], 255, 60000);
    endpoint_subscribe(c.low[1], 255);
    endpoint_subscribe(c.high, 255);
    run(&c, 50);
    publish(&c, 0, 10);
    fall_behind(&c);
    assert_true(c.low[1]->done);
    assert_int_equal(c.low[1]->done_status, MOQT_DONE_TOO_FAR_BEHIND);
    assert_int_equal(c.low[1]->streams + c.low[1]->resets, c.low[1]->done_streams);
    assert_false(c.low[0]->done);
    assert_int_equal(c.pub->asked, 1); /* it is the relay above that is asked again */
    publish(&c, 15, 25);
    assert_int_equal(c.high->streams, 25);
    assert_true(c.low[0]->streams >= 20 && c.low[0]->streams < 25);
    assert_int_equal(c.low[0]->datagrams, 20);
    assert_true(c.low[1]->streams < 15);
    endpoint_subscribe(c.low[1], 255); /* anew */
    run(&c, 50);
    uint64_t before = c.low[1]->streams;
    publish(&c, 25, 30);
    assert_int_equal(c.low[1]->streams, before + 5);
    endpoint_publish_done(c.pub);
    run(&c, 300);
    for (int i = 0; i < LOWER_SUBS; i++) {
      assert_int_equal(c.low[i]->wrong + c.low[i]->duplicates, 0);
      assert_int_equal(c.low[i]->done_status, MOQT_DONE_TRACK_ENDED);
    }
    relay_state(c.lower->relay, &s);
    assert_int_equal(s.tracks + s.cached_bytes, 0);
    chain_close(&c);
  }
}

/* Nobody may lose anything: all end, and a new subscription asks anew. */
static void the_end_from_above(void **state) {
  struct chain c;
  (void)state;
  for (int native = 0; native < 2; native++) {
    chain_open(&c, native, native);
    for (int i = 0; i < LOWER_SUBS; i++)
      endpoint_subscribe(c.low[i], 255);
    run(&c, 50);
    publish(&c, 0, 10);
    fall_behind(&c);
    for (int i = 0; i < LOWER_SUBS; i++) {
      assert_int_equal(c.low[i]->done_status, MOQT_DONE_TOO_FAR_BEHIND);
      assert_int_equal(c.low[i]->streams + c.low[i]->resets, c.low[i]->done_streams);
    }
    endpoint_subscribe(c.low[0], 255);
    run(&c, 50);
    uint64_t before = c.low[0]->streams;
    publish(&c, 15, 20);
    assert_int_equal(c.low[0]->streams, before + 5);
    assert_int_equal(c.low[0]->wrong + c.low[0]->duplicates, 0);
    chain_close(&c);
  }
}

/* ---- the relay above is lost ---------------------------------------------------------------- */

/* As small as a stateless reset is here. */
static bool count_small(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  unsigned *small = arg;
  (void)path;
  (void)data;
  if (len <= 42)
    ++*small;
  return true;
}

/* It is started again, and the publisher with it: who is below goes on. */
static void a_lost_upstream_comes_back(bool orderly) {
  struct chain c;
  unsigned small = 0;
  chain_open(&c, true, true);
  for (int i = 0; i < LOWER_SUBS; i++)
    endpoint_subscribe(c.low[i], 255);
  run(&c, 50);
  publish(&c, 0, 10);
  if (orderly) {
    relay_box_stop(c.upper);
    run(&c, 20);
  }
  relay_box_free(c.upper);
  run(&c, 100);
  c.upper = relay_box_open(&c.net, upper_addr(), true, NULL);
  struct endpoint *old = c.pub;
  announce(&c, 6);
  c.net.tap = count_small;
  c.net.tap_arg = &small;
  run(&c, 1000); /* its stateless reset, or the next attempt */
  c.net.tap = NULL;
  assert_true(c.pub->subscribed);
  assert_true(small < 10); /* no reset was answered with a reset */
  publish(&c, 10, 20);
  for (int i = 0; i < LOWER_SUBS; i++) {
    assert_false(c.low[i]->done);
    assert_sound(c.low[i], 20, 20);
  }
  endpoint_free(c.pub);
  c.pub = old; /* both are nodes of the network */
  chain_close(&c);
}

static void an_upstream_that_said_so_comes_back(void **state) {
  (void)state;
  a_lost_upstream_comes_back(true);
}
static void a_silent_upstream_comes_back(void **state) {
  (void)state;
  a_lost_upstream_comes_back(false);
}

/* It does not come back: nobody waits for ever, for what flowed or for an answer. */
static void patience_ends(void **state) {
  struct chain c;
  (void)state;
  chain_open(&c, true, true);
  endpoint_subscribe(c.low[0], 255);
  run(&c, 50);
  publish(&c, 0, 5);
  relay_box_stop(c.upper);
  run(&c, 20);
  relay_box_free(c.upper);
  c.upper = NULL;
  endpoint_subscribe(c.low[1], 255);
  run(&c, 1000);
  assert_false(c.low[0]->done || c.low[1]->refused);
  run(&c, 6000);
  assert_true(c.low[0]->done);
  assert_true(c.low[1]->refused);
  assert_false(c.low[0]->closed || c.low[1]->closed);
  chain_close(&c);
}

/* A relay whose only connection is lost, and is to update its key: the next one does. */
static void the_next_upstream_updates_its_key(void **state) {
  struct chain c;
  (void)state;
  memset(&c, 0, sizeof c);
  const struct qc_addr at = upper_addr();
  memnet_init(&c.net, 42);
  c.upper = relay_box_open(&c.net, at, true, NULL);
  assert_false(relay_update_keys(c.upper->relay, c.net.now_ns)); /* nobody is there */
  c.lower = relay_box_open(&c.net, lower_addr(), true, &at);
  run(&c, 50);
  relay_box_stop(c.upper);
  run(&c, 20);
  struct relay *lower = c.lower->relay;
  assert_null(lower->dial.client);
  assert_true(relay_update_keys(lower, c.net.now_ns));
  assert_true(lower->dial.asked_until > c.net.now_ns);
  relay_box_free(c.upper);
  c.upper = relay_box_open(&c.net, at, true, NULL);
  run(&c, 2000);
  assert_non_null(dial_upstream(lower));
  assert_true(dial_upstream(lower)->tx_phase);
  assert_int_equal(lower->dial.asked_until, 0);
  relay_box_free(c.lower);
  relay_box_free(c.upper);
  memnet_free(&c.net);
}

/* It was there before the relay above it, and asked before that one listened. */
static void an_upstream_that_comes_later(void **state) {
  const struct qc_addr at = upper_addr();
  struct chain c = {0};
  (void)state;
  memnet_init(&c.net, 42);
  c.lower = relay_box_open(&c.net, lower_addr(), true, &at);
  c.low[0] = dial(&c, 4, lower_addr());
  run(&c, 50);
  endpoint_subscribe(c.low[0], 255);
  run(&c, 50);
  c.upper = relay_box_open(&c.net, at, true, NULL);
  announce(&c, 2);
  run(&c, 2500);
  assert_true(c.low[0]->answered);
  publish(&c, 0, 5);
  assert_sound(c.low[0], 5, 5);
  chain_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(native_below_native),
      cmocka_unit_test(native_below_stock),
      cmocka_unit_test(stock_below_native),
      cmocka_unit_test(stock_below_stock),
      cmocka_unit_test(asks_when_asked),
      cmocka_unit_test(a_refusal_comes_down),
      cmocka_unit_test(withdraws),
      cmocka_unit_test(streams_of_an_older_subscription),
      cmocka_unit_test(streams_nobody_wants_end),
      cmocka_unit_test(a_gap_from_above),
      cmocka_unit_test(the_end_from_above),
      cmocka_unit_test(an_upstream_that_said_so_comes_back),
      cmocka_unit_test(a_silent_upstream_comes_back),
      cmocka_unit_test(patience_ends),
      cmocka_unit_test(the_next_upstream_updates_its_key),
      cmocka_unit_test(an_upstream_that_comes_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
