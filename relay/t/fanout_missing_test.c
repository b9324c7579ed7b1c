/* A stream that the publisher resets before its header arrives is told of by PUBLISH_DONE and
 * never comes: the subscribers' PUBLISH_DONE must not wait for it until the connection ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/fanout/tally.h"
#include "relay/t/fanout_bench.h"

static bool any_done(void *arg) {
  struct bench *b = arg;
  return b->sub[0]->done || b->sub[1]->done || b->sub[2]->done;
}

static bool every_done(void *arg) {
  struct bench *b = arg;
  return b->sub[0]->done && b->sub[1]->done && b->sub[2]->done;
}

static void missing(bool native) {
  struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 20, 700, false);
  b->pub->streams_sent++; /* the one that nobody saw */
  endpoint_publish_done(b->pub);
  memnet_run(&b->net, TALLY_PATIENCE_NS / 2, any_done, b);
  assert_false(any_done(b)); /* it could still come */
  assert_true(memnet_run(&b->net, TALLY_PATIENCE_NS, every_done, b));
  for (int i = 0; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->done_status, MOQT_DONE_TRACK_ENDED);
    assert_int_equal(b->sub[i]->streams, 20);
  }
  bench_check_sound(b);
  bench_close(b);
}

static void native_none(void **state) {
  (void)state;
  missing(true);
}

static void stock_none(void **state) {
  (void)state;
  missing(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(native_none), cmocka_unit_test(stock_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
