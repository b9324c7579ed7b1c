/* Datagrams overtake the SUBSCRIBE_OK that gives their alias: they wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "relay/fanout/core.h"
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

/* What came for a track that its publisher then refuses, or that nobody wants any more, is kept for
 * nobody: it would take the room of streams that come early. */
static void not_kept_for_nothing(bool refused) {
  struct bench *b = ask_unheard(true);
  struct client *up = NULL;
  const struct track *track = b->relay->tracks[0];
  for (uint32_t i = 0; i < b->relay->n_slots && !up; i++)
    if (b->relay->clients[i] && b->relay->clients[i]->ns)
      up = b->relay->clients[i];
  assert_true(up && track && track->up == up && track->req >= 0);
  static const uint8_t datagram[] = {0, 9, 1, 1, 128, 'x'};
  datagram_in(up, datagram, sizeof datagram);
  assert_true(up->early_bytes > sizeof datagram);
  if (refused)
    track_events.refused(up, track->req, 0, 0, "");
  else
    for (int i = 0; i < SUBS; i++)
      qc_close(b->sub[i]->qc, 0, "");
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  assert_int_equal(up->early_bytes, 0);
  assert_null(up->early_datagrams);
  bench_close(b);
}

static void a_refused_track_keeps_none(void **state) {
  (void)state;
  not_kept_for_nothing(true);
}

static void a_withdrawn_track_keeps_none(void **state) {
  (void)state;
  not_kept_for_nothing(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(native_overtaken),
      cmocka_unit_test(stock_overtaken),
      cmocka_unit_test(a_refused_track_keeps_none),
      cmocka_unit_test(a_withdrawn_track_keeps_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
