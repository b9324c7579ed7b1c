/* Real packet protection under a running fan-out: the whole relay in memory on virtual time,
 * endpoints that know nothing of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/abi/keys.h"
#include "relay/fanout/core.h"
#include "relay/t/fanout_bench.h"

#define GROUPS 200

static const enum qc_cipher ciphers[] = {QC_CHACHA20_POLY1305, QC_AES_128_GCM};

static struct shape sealed(enum qc_cipher cipher) {
  return (struct shape){.native = true, .protection = QC_PROTECT_TLS, .cipher = cipher};
}

static void finish_all(struct bench *b, uint64_t groups) {
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, groups);
  bench_check_sound(b);
}

struct sealed_copies {
  uint64_t ready, computed, raced;
};

static struct sealed_copies copies_of(const struct bench *b) {
  struct sealed_copies sum = {0};
  for (uint32_t i = 0; i < 16; i++) {
    sum.ready += b->dp->counters[i].ks_ready;
    sum.computed += b->dp->counters[i].ks_computed;
    sum.raced += b->dp->counters[i].ks_raced;
  }
  return sum;
}

/* All that was copied left sealed, nearly all of it with a keystream made ahead. */
static void the_feeder_is_ahead(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct bench *b = bench_open(sealed(ciphers[c]));
    bench_subscribe_all(b);
    bench_publish(b, 0, GROUPS, 900, true);
    const struct sealed_copies sum = copies_of(b);
    assert_in_range(b->copies, GROUPS * SUBS * 9 / 10, UINT64_MAX);
    assert_int_equal(sum.ready + sum.computed, b->copies);
    assert_in_range(sum.ready, b->copies * 9 / 10, b->copies);
    finish_all(b, GROUPS);
    bench_close(b);
  }
}

/* Nobody feeds: it costs time, and no packet. */
static void the_datapath_can_do_without(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct shape shape = sealed(ciphers[c]);
    shape.unfed = true;
    struct bench *b = bench_open(shape);
    bench_subscribe_all(b);
    bench_publish(b, 0, GROUPS, 900, true);
    assert_int_equal(copies_of(b).computed, b->copies);
    assert_in_range(b->copies, GROUPS * SUBS * 9 / 10, UINT64_MAX);
    finish_all(b, GROUPS);
    bench_close(b);
  }
}

static void losses_are_repaired(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct shape shape = sealed(ciphers[c]);
    shape.loss_ppm = 50000;
    struct bench *b = bench_open(shape);
    bench_subscribe_all(b);
    bench_publish(b, 0, GROUPS, 5000, false);
    assert_in_range(b->numbers_lost, 1, UINT64_MAX);
    finish_all(b, GROUPS);
    bench_close(b);
  }
}

/* Both sides and the publisher go over to new keys, again and again: the copies go on. */
static void updates_in_the_middle(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct bench *b = bench_open(sealed(ciphers[c]));
    uint64_t group = 0;
    bench_subscribe_all(b);
    for (int round = 0; round < 6; round++) {
      if (round % 3 == 0)
        assert_true(relay_update_keys(b->relay, b->net.now_ns));
      if (round % 3 == 1)
        assert_int_equal(qc_update_key(b->sub[0]->qc, b->net.now_ns), 0);
      if (round % 3 == 2)
        assert_int_equal(qc_update_key(b->pub->qc, b->net.now_ns), 0);
      const uint64_t before = b->copies;
      bench_publish(b, group, group + 50, 900, false);
      group += 50;
      assert_in_range(b->copies - before, 50 * SUBS * 9 / 10, UINT64_MAX);
      memnet_run(&b->net, 1000 * MS, NULL, NULL); /* three PTO, then the next one is allowed */
    }
    finish_all(b, group);
    bench_close(b);
  }
}

static bool all_have_phase(const struct bench *b, bool phase) {
  for (uint32_t i = 0; i < b->relay->n_slots; i++)
    if (b->relay->clients[i] && b->relay->clients[i]->in_plane &&
        b->relay->clients[i]->tx_phase != phase)
      return false;
  return true;
}

/* An update that comes too soon after the one before is done when it may be (RFC 9001 6.5). */
static void an_update_waits_for_its_time(void **state) {
  (void)state;
  struct bench *b = bench_open(sealed(QC_AES_128_GCM));
  bench_subscribe_all(b);
  bench_publish(b, 0, 20, 900, false);
  for (int n = 0; n < 2; n++)
    assert_true(relay_update_keys(b->relay, b->net.now_ns));
  assert_true(all_have_phase(b, true));
  bench_publish(b, 20, 30, 900, false);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  bench_publish(b, 30, 40, 900, false); /* something of ngtcp2's own is acknowledged */
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  assert_true(all_have_phase(b, false));
  finish_all(b, 40);
  bench_close(b);
}

/* ---- AEAD limits -------------------------------------------------------------------------- */

/* A key is renewed before it has sealed too much, whoever of fast and slow path used it. */
static void a_worn_key_is_renewed(void **state) {
  (void)state;
  struct shape shape = sealed(QC_AES_128_GCM);
  shape.aead_limit = 1024;
  struct bench *b = bench_open(shape);
  bench_subscribe_all(b);
  bool phases[2] = {false, false};
  uint64_t updates = 0, from[16] = {0};
  for (uint64_t g = 0; g < 3000; g++) {
    bench_publish(b, g, g + 1, 900, false);
    for (uint32_t i = 0; i < b->relay->n_slots; i++) {
      const struct client *client = b->relay->clients[i];
      if (!client || !client->in_plane)
        continue;
      updates += client->keys.tx_from != from[i];
      from[i] = client->keys.tx_from;
      phases[client->tx_phase] = true;
      assert_in_range(b->dp->counters[i].next_pn - client->keys.tx_from, 0, 1024);
    }
  }
  assert_in_range(updates, 3 * SUBS, UINT64_MAX);
  assert_true(phases[0] && phases[1]);
  finish_all(b, 3000);
  bench_close(b);
}

/* Where no update is possible, the connection ends before the key has sealed too much. */
static void a_spent_key_ends_the_connection(void **state) {
  (void)state;
  struct shape shape = sealed(QC_AES_128_GCM);
  shape.aead_limit = 128;
  struct bench *b = bench_open(shape);
  bench_subscribe_all(b);
  /* The second update comes too soon after the first one: that is not yet confirmed. */
  for (uint64_t g = 0; g < 400 && !b->sub[0]->closed; g++) {
    endpoint_publish_stream(b->pub, g, 0, 20000);
    memnet_run(&b->net, MS / 2, NULL, NULL);
    for (uint32_t i = 0; i < b->relay->n_slots; i++) {
      const struct client *client = b->relay->clients[i];
      if (client && client->in_plane)
        assert_in_range(b->dp->counters[i].next_pn - client->keys.tx_from, 0, 128);
    }
  }
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  assert_true(b->sub[0]->closed);
  assert_false(b->sub[0]->close.application);
  assert_int_equal(b->sub[0]->close.code, 0x0f); /* AEAD_LIMIT_REACHED */
  bench_close(b);
}

/* ---- forgetting -------------------------------------------------------------------------------- */

static bool is_zero(const void *at, size_t len) {
  const uint8_t *bytes = at;
  for (size_t i = 0; i < len; i++)
    if (bytes[i])
      return false;
  return true;
}

static size_t all_keystreams(const struct bench *b) {
  const struct plane *p = &b->plane.plane;
  return fb_keystreams(16, FB_MAX_UPSTREAMS, p->keystreams_down, p->keystreams_up) *
         sizeof(struct fb_keystream);
}

static void nothing_secret_outlives_its_connection(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct bench *b = bench_open(sealed(ciphers[c]));
    const size_t keys = fb_keys(16, FB_MAX_UPSTREAMS);
    bench_subscribe_all(b);
    bench_publish(b, 0, 20, 900, false);
    assert_true(relay_update_keys(b->relay, b->net.now_ns));
    bench_publish(b, 20, 40, 900, false);
    assert_false(is_zero(b->dp->keys, keys * sizeof *b->dp->keys));
    assert_false(is_zero(b->dp->keystreams, all_keystreams(b)));
    finish_all(b, 40);
    relay_stop(b->relay, b->net.now_ns);
    assert_true(is_zero(b->dp->keys, keys * sizeof *b->dp->keys));
    if (b->dp->ghash)
      assert_true(is_zero(b->dp->ghash, keys * sizeof *b->dp->ghash));
    assert_true(is_zero(b->dp->keystreams, all_keystreams(b)));
    for (uint32_t i = 0; i < b->relay->n_slots; i++)
      assert_true(!b->relay->clients[i] || !b->relay->clients[i]->in_plane);
    bench_close(b);
  }
}

/* ---- what an attacker on the path can do ----------------------------------------------------------- */

static uint64_t hurt_packets;

/* A copy of each upstream packet with a bit changed comes in front of it. */
static void inject_hurt(struct bench *b, const struct qc_path *path, const uint8_t *data,
                        size_t len) {
  uint8_t hurt[1500];
  if (len > sizeof hurt || (data[0] & 0x80))
    return;
  const uint64_t copies = b->copies;
  memcpy(hurt, data, len);
  hurt[(hurt_packets * 37) % len] ^= (uint8_t)(1u << hurt_packets % 8);
  hurt_packets++;
  bench_inject(b, path, hurt, len);
  assert_int_equal(b->copies, copies);
}

static void what_is_not_authentic_is_not_copied(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct bench *b = bench_open(sealed(ciphers[c]));
    hurt_packets = 0;
    bench_subscribe_all(b);
    b->upstream_tap = inject_hurt;
    bench_publish(b, 0, GROUPS, 900, true);
    b->upstream_tap = NULL;
    assert_in_range(hurt_packets, GROUPS, UINT64_MAX);
    assert_in_range(b->copies, GROUPS * SUBS * 9 / 10, UINT64_MAX);
    finish_all(b, GROUPS);
    bench_close(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_feeder_is_ahead),
      cmocka_unit_test(the_datapath_can_do_without),
      cmocka_unit_test(losses_are_repaired),
      cmocka_unit_test(updates_in_the_middle),
      cmocka_unit_test(an_update_waits_for_its_time),
      cmocka_unit_test(a_worn_key_is_renewed),
      cmocka_unit_test(a_spent_key_ends_the_connection),
      cmocka_unit_test(nothing_secret_outlives_its_connection),
      cmocka_unit_test(what_is_not_authentic_is_not_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
