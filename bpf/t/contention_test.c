/* What the datapath does when others change a shared word under its hands, and when two
 * CPUs run it at once. Natively: the access hook comes between its look and its deed. */
#include "bpf/port/native.h"
#include "bpf/t/packet.h"
#include "bpf/t/world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a word that changes at every look ------------------------------------------------ */

struct meddler {
  const volatile void *word;
  unsigned looks, most; /* changes at most `most` times */
  void (*change)(void);
};
static struct world *world;
static struct meddler meddler;

static void on_access(void *user, const volatile void *word) {
  (void)user;
  if (word != meddler.word || meddler.looks >= meddler.most)
    return;
  meddler.looks++;
  meddler.change();
}

static void meddle(const volatile void *word, void (*change)(void), unsigned most) {
  meddler = (struct meddler){.word = word, .most = most, .change = change};
  dp_native_on_access(world->impl, on_access, NULL);
}

static int begin(void **state) {
  (void)state;
  world = world_native(NULL);
  world_begin(world, 4);
  world_join(world, 0, 1);
  return 0;
}

static int end(void **state) {
  (void)state;
  world_free(world);
  return 0;
}

static struct piece opening(void) {
  return stream(2, 0, cat(subgroup(1, 9), bytes(17, 0)));
}

/* Another CPU charges the same stream a little further each time. */
static void charge_a_byte(void) {
  struct fb_down *down = down_of(world, 0, 0);
  down->charged = 1ull << 48 | ((down->charged & FB_DOWN_MASK) + 1);
  counters_of(world, 0)->data_used++;
}

static void charging_gives_up(void **state) {
  (void)state;
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_FANNED);
  meddle(&down_of(world, 0, 0)->charged, charge_a_byte, 1000);
  assert_int_equal(send_packet(world, PACKET(.pn = 1, FRAMES(stream(2, 20, bytes(500, 0)),
                                                             datagram(object(1, 0, 1, 1))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(world, 0, 0), FB_DEC_CONTENDED);
  assert_int_equal(decided(world, 0, 1), FB_DEC_HELD); /* nothing overtakes it */
  assert_int_equal(meddler.looks, 2 * FB_CAS_TRIES);
  assert_int_equal(recorded(world, 0)->charged, 0);
  /* all that is charged is the others' */
  assert_int_equal(counters_of(world, 0)->data_used, 20 + meddler.looks);
  assert_int_equal(counters_of(world, 0)->hold, 2);
  assert_int_equal(world->n_copies, 0);
}

static void charging_comes_through(void **state) {
  (void)state;
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_FANNED);
  meddle(&down_of(world, 0, 0)->charged, charge_a_byte, 5);
  assert_int_equal(send_packet(world, PACKET(.pn = 1, FRAMES(stream(2, 20, bytes(500, 0))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(world, 0, 0), FB_DEC_SEND);
  assert_int_equal(counters_of(world, 0)->data_used, 520); /* exact, whoever charged what */
  assert_true(down_of(world, 0, 0)->charged == (1ull << 48 | 520));
}

/* Another CPU takes other numbers of the same 32. */
static void take_a_number(void) {
  __u64 *word = &world->ops->state(world)->window[0];
  *word |= 1ull << (31 - meddler.looks % 32);
}

static void window_gives_up(void **state) {
  (void)state;
  meddle(&world->ops->state(world)->window[0], take_a_number, 1000);
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_DUPLICATE);
  assert_int_equal(world->n_copies, 0);
  assert_int_equal(world->ops->state(world)->expected, 0);
  meddle(NULL, NULL, 0);
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))),
                   FB_PKT_FANNED); /* it was not taken */
}

static void window_comes_through(void **state) {
  (void)state;
  meddle(&world->ops->state(world)->window[0], take_a_number, 5);
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_FANNED);
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_DUPLICATE);
}

/* Whenever the counter of joint numbers is about to be touched, another CPU takes a number; what
 * the copy gets is none of those. */
static uint64_t taken[8];

static void take_a_joint_number(void) {
  taken[meddler.looks - 1] = counters_of(world, 0)->next_pn++;
}

static void a_joint_number_is_taken_once(void **state) {
  (void)state;
  const uint64_t before = counters_of(world, 0)->next_pn;
  meddle(&counters_of(world, 0)->next_pn, take_a_joint_number, 8);
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_FANNED);
  assert_true(meddler.looks > 0);
  for (unsigned i = 0; i < meddler.looks; i++)
    assert_int_not_equal(recorded(world, 0)->pn, taken[i]);
  assert_int_equal(counters_of(world, 0)->next_pn, before + meddler.looks + 1);
}

/* The slot goes to a newer stream between the look at its holder and the claim. */
static void steal_the_slot(void) {
  struct fb_stream st;
  world->ops->get_stream(world, 0, &st);
  st.upstream = 0;
  st.upstream_gen = 1;
  st.ordinal = 16;
  st.used = FB_STREAM_OPEN;
  world->ops->set_stream(world, 0, &st);
}

static void claim_is_lost(void **state) {
  (void)state;
  struct dp_native *dp = world->impl;
  meddle(&dp->streams[0].lock, steal_the_slot, 1);
  assert_int_equal(send_packet(world, PACKET(.pn = 0, FRAMES(opening()))), FB_PKT_FANNED);
  assert_int_equal(decided(world, 0, 0), FB_DEC_NO_HEADER);
  assert_int_equal(counters_of(world, 0)->next_stream, 3);
}

/* ---- two CPUs ------------------------------------------------------------------------- */

#define THREADS     2
#define PACKETS     20000
#define SUBSCRIBERS 8

struct both {
  struct dp_native *dp;
  uint8_t *seen; /* by subscriber and number: how often */
  uint64_t records;
};

struct one {
  struct both *both;
  unsigned cpu;
  pthread_t thread;
};

static int swallow(void *user, const struct dp_native_copy *c) {
  struct both *b = user;
  __atomic_fetch_add(&b->seen[(size_t)c->slot * THREADS * PACKETS + c->pn], 1, __ATOMIC_RELAXED);
  return 0;
}

static void count_record(void *user, const void *record, size_t len) {
  struct both *b = user;
  (void)record, (void)len;
  __atomic_fetch_add(&b->records, 1, __ATOMIC_RELAXED);
}

/* Both publishers use the same ordinals, so they fight for the slots, and one connection's
 * numbers, so that they fight for the window. */
static void *publish(void *arg) {
  struct one *o = arg;
  struct fb_cid_key cid = publisher_cid;
  struct fb_path path = publisher_path(4);
  cid.data[19] = (uint8_t)o->cpu;
  for (uint64_t i = 0; i < PACKETS; i++) {
    uint64_t id = i / 4 * 4 + 2, offset = i % 4 * 20;
    struct piece first = cat(subgroup(1, 9), bytes(17, 0)),
                 frame = stream_of(id, 4, offset, offset ? bytes(20, 1) : first, i % 4 == 3);
    struct piece p = packet_payload(PACKET(.pn = i, .cid = &cid, FRAMES(frame)));
    dp_native_packet(o->both->dp, &path, p.bytes, p.len, i, o->cpu);
    dp_native_drain(o->both->dp, o->cpu, count_record, o->both);
  }
  return NULL;
}

static void two_cpus(void **state) {
  (void)state;
  struct dp_native_sizes sizes = {
      .subscribers = SUBSCRIBERS, .tracks = 1, .streams = 8, .upstreams = THREADS, .cpus = THREADS};
  struct both b = {.dp = dp_native_new(&sizes), .seen = calloc(SUBSCRIBERS, THREADS * PACKETS)};
  struct one ones[THREADS];
  assert_true(b.dp && b.seen);
  b.dp->config = (struct fb_config){.on = 1, .subscribers = SUBSCRIBERS};
  dp_native_on_emit(b.dp, swallow, &b);
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    struct fb_subscriber v = world_subscriber(i, 4);
    struct fb_subscription want = world_subscription(i);
    struct fb_counters *c = &b.dp->counters[i];
    c->pn_limit = c->max_streams = c->credit = 1ull << 40;
    c->max_data = THREADS * PACKETS * 8; /* not enough for all */
    dp_native_set_subscription(b.dp, i, 0, &want);
    dp_native_set_subscriber(b.dp, i, &v);
  }
  for (unsigned t = 0; t < THREADS; t++) {
    struct fb_upstream up = {.gen = 1 + t, .active = 1, .path = publisher_path(4)};
    struct fb_cid_key cid = publisher_cid;
    struct fb_alias_key key = {.alias = 1, .upstream = t, .upstream_gen = 1 + t};
    cid.data[19] = (uint8_t)t;
    dp_native_set_upstream(b.dp, t, &up);
    assert_true(dp_native_cid_set(b.dp, &cid, &(struct fb_cid_value){.upstream = t, .gen = 1 + t}));
    assert_true(dp_native_alias_set(b.dp, &key, &(struct fb_alias_value){.out_alias = 5}));
    ones[t] = (struct one){.both = &b, .cpu = t};
  }
  for (unsigned t = 0; t < THREADS; t++)
    assert_int_equal(pthread_create(&ones[t].thread, NULL, publish, &ones[t]), 0);
  for (unsigned t = 0; t < THREADS; t++)
    pthread_join(ones[t].thread, NULL);
  assert_true(b.records == THREADS * PACKETS);
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    const struct fb_counters *c = &b.dp->counters[i];
    uint64_t decisions = 0;
    for (unsigned d = 0; d < 32; d++)
      decisions += c->decisions[d];
    assert_int_equal(decisions, THREADS * PACKETS);
    assert_int_equal(c->next_pn, c->copies);
    assert_true(c->copies > 0 && c->data_used <= c->max_data);
    for (uint64_t pn = 0; pn < c->next_pn; pn++)
      if (b.seen[(size_t)i * THREADS * PACKETS + pn] != 1)
        fail_msg("subscriber %u: number %llu was sent %u times", i, (unsigned long long)pn,
                 b.seen[(size_t)i * THREADS * PACKETS + pn]);
  }
  dp_native_free(b.dp);
  free(b.seen);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(charging_gives_up, begin, end),
      cmocka_unit_test_setup_teardown(charging_comes_through, begin, end),
      cmocka_unit_test_setup_teardown(window_gives_up, begin, end),
      cmocka_unit_test_setup_teardown(window_comes_through, begin, end),
      cmocka_unit_test_setup_teardown(claim_is_lost, begin, end),
      cmocka_unit_test_setup_teardown(a_joint_number_is_taken_once, begin, end),
      cmocka_unit_test(two_cpus)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
