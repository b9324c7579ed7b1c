/* Datagrams overtake the SUBSCRIBE_OK that gives their alias: they wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "relay/t/fanout_bench.h"

#define PUB_HOST 2
#define EARLY    5

/* Nothing of the publisher arrives. */
static bool cut_off(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  (void)arg;
  (void)data;
  (void)len;
  return path->local.in.sin_addr.s_addr != memnet_addr(PUB_HOST, 0).in.sin_addr.s_addr;
}

/* The publisher has answered, the relay has not heard it. */
static struct bench *ask_unheard(bool native) {
  struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
  b->net.tap = cut_off;
  for (int i = 0; i < SUBS; i++)
    endpoint_subscribe(b->sub[i], 255);
  memnet_run(&b->net, 15 * MS, NULL, NULL);
  assert_true(b->pub->subscribed);
  assert_false(b->sub[0]->answered);
  b->net.tap = NULL;
  return b;
}

static void overtaking(bool native) {
  struct bench *b = ask_unheard(native);
  for (uint64_t g = 0; g < EARLY; g++)
    endpoint_publish_datagram(b->pub, g, 1, 200);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  for (int i = 0; i < SUBS; i++) {
    assert_true(b->sub[i]->answered);
    assert_int_equal(b->sub[i]->datagrams, EARLY);
  }
  bench_check_sound(b);
  bench_close(b);
}

static void native_overtaken(void **state) {
  (void)state;
  overtaking(true);
}

static void stock_overtaken(void **state) {
  (void)state;
  overtaking(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(native_overtaken),
      cmocka_unit_test(stock_overtaken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
