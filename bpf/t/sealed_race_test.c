/* Keys and keystreams that change under the datapath's hands: at every look of it, and from
 * another thread. Natively. What leaves must be authentic, each number at most once. */
#include "bpf/crypt/key.h"
#include "bpf/port/native.h"
#include "bpf/t/world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a word that changes at one look ------------------------------------------------------ */

struct meddler {
  const volatile void *word;
  unsigned looks, at; /* changes at the `at`-th look */
  void (*change)(void);
};
static struct world *world;
static struct meddler meddler;

static void on_access(void *user, const volatile void *word) {
  (void)user;
  if (word == meddler.word && ++meddler.looks == meddler.at)
    meddler.change();
}

static void meddle(const volatile void *word, void (*change)(void), unsigned at) {
  meddler = (struct meddler){.word = word, .at = at, .change = change};
  dp_native_on_access(world->impl, on_access, NULL);
}

static int begin(void **state) {
  (void)state;
  world = world_native_sealed(FB_PROTECT_CHACHA20);
  world_begin(world, 4);
  world_join(world, 1, 2); /* a cipher each; not fed by the world itself */
  return 0;
}

static int end(void **state) {
  (void)state;
  world_free(world);
  return 0;
}

static enum fb_packet_reason send_pn(uint64_t pn) {
  return send_packet(world,
                     PACKET(.pn = pn, FRAMES(datagram(cat(object(1, 0, 3, 4), bytes(300, 1))))));
}

/* The feeder goes on to a later number while this one is in use: what was read is torn. */
static void overtake_down(void) {
  struct fb_keystream *ks = (void *)((uintptr_t)meddler.word - offsetof(struct fb_keystream, tag));
  ks->tag += WORLD_KEYSTREAMS;
}

static void torn_keystream_down(void **state) {
  (void)state;
  for (uint32_t slot = 1; slot <= 2; slot++) {
    struct fb_counters *c = counters_of(world, slot);
    struct fb_keystream *ks = world_keystream_down(world, slot, c->next_pn);
    uint64_t computed = c->ks_computed;
    world_feed_down(world, slot, c->next_pn);
    memset(ks->bytes + 100, 0, 64); /* half overwritten already */
    meddle(&ks->tag, overtake_down, 2);
    assert_int_equal(send_pn(slot), FB_PKT_FANNED);
    assert_int_equal(world->n_copies, 2); /* opened by the world: authentic */
    assert_int_equal(meddler.looks, 2);
    assert_int_equal(c->ks_raced, 1);
    assert_int_equal(c->ks_computed, computed + 1);
    assert_int_equal(c->ks_ready, 0);
  }
}

static void torn_keystream_up(void **state) {
  (void)state;
  struct fb_upstream_state *s = world->ops->state(world);
  struct fb_keystream *ks = world_keystream_up(world, 0, 6);
  world_feed_up(world, 0, 0, 6);
  memset(ks->bytes, 0, sizeof(ks->bytes));
  meddle(&ks->tag, overtake_down, 2);
  assert_int_equal(send_pn(6), FB_PKT_FANNED);
  assert_int_equal(s->ks_raced, 1);
  assert_int_equal(s->ks_computed, 1);
}

static void take_key_away(void) {
  *(volatile __u64 *)(uintptr_t)meddler.word = 0;
}

/* Gate, begin of sealing, end of sealing: at whichever look the key goes, nothing leaves that
 * it does not cover, and a number that was taken is told to be lost. */
static void key_goes(void **state) {
  (void)state;
  for (unsigned at = 1; at <= 3; at++) {
    struct fb_counters *c = counters_of(world, 1);
    uint64_t failed = c->emit_failed, next = c->next_pn;
    struct fb_key *k = &world->ops->keys(world)[world_key_down(1)];
    k->generation = 1001;
    meddle(&k->generation, take_key_away, at);
    assert_int_equal(send_pn(at), FB_PKT_FANNED);
    assert_int_equal(meddler.looks, at);
    assert_null(copy_for(world, 1));
    assert_non_null(copy_for(world, 2));
    assert_int_equal(c->next_pn - next, at == 1 ? 0 : 1);
    assert_int_equal(c->emit_failed - failed, at == 1 ? 0 : 1);
    if (at == 1) {
      assert_int_equal(decided(world, 1, 0), FB_DEC_NO_KEY);
      continue;
    }
    const struct fb_failed *f = &world->records[1].failed;
    assert_int_equal(f->magic, FB_RECORD_FAILED);
    assert_int_equal(f->slot, 1);
    assert_int_equal(f->pn, next);
    assert_int_equal(f->error, 126); /* ENOKEY */
  }
}

static void upstream_key_goes(void **state) {
  (void)state;
  struct fb_key *k = &world->ops->keys(world)[world_key_up(0, 0)];
  for (unsigned at = 1; at <= 3; at++) {
    k->generation = 10;
    meddle(&k->generation, take_key_away, at);
    assert_int_equal(send_pn(9), at == 2 ? FB_PKT_KEY_PHASE : FB_PKT_BAD_TAG);
    assert_int_equal(world->n_copies, 0);
    assert_int_equal(world->ops->state(world)->expected, 0);
  }
  k->generation = 10;
  meddle(NULL, NULL, 0);
  assert_int_equal(send_pn(9), FB_PKT_FANNED); /* the number was not taken */
}

/* The last number of a key goes to another CPU between gate and number. */
static void take_the_last(void) {
  counters_of(world, 1)->next_pn++;
}

static void limit_is_never_passed(void **state) {
  (void)state;
  struct fb_counters *c = counters_of(world, 1);
  struct fb_key *k = &world->ops->keys(world)[world_key_down(1)];
  k->until = c->next_pn + 1;
  meddle(&c->next_pn, take_the_last, 3); /* the fetch-add behind both gates */
  assert_int_equal(send_pn(1), FB_PKT_FANNED);
  assert_int_equal(decided(world, 1, 0), FB_DEC_SEND);
  assert_null(copy_for(world, 1));
  assert_int_equal(c->emit_failed, 1);
}

/* ---- two CPUs and a feeder ---------------------------------------------------------------- */

#define THREADS     2
#define PACKETS     3000
#define SUBSCRIBERS 4
#define SLOTS       4

struct scene {
  struct dp_native *dp;
  struct secret up, down[SUBSCRIBERS];
  uint8_t *seen; /* by subscriber and number */
  uint64_t forged;
  bool stop;
};

struct one {
  struct scene *scene;
  unsigned cpu;
  pthread_t thread;
};

static int check_copy(void *user, const struct dp_native_copy *c) {
  struct scene *sc = user;
  struct piece p = {.len = c->len};
  memcpy(p.bytes, c->payload, c->len);
  if (!unprotect(&sc->down[c->slot], &p, 8, c->pn))
    __atomic_fetch_add(&sc->forged, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(&sc->seen[(size_t)c->slot * THREADS * PACKETS + c->pn], 1, __ATOMIC_RELAXED);
  return 0;
}

static void ignore(void *user, const void *record, size_t len) {
  (void)user, (void)record, (void)len;
}

/* Each CPU sends every second number, in turn. */
static void *publish(void *arg) {
  struct one *o = arg;
  struct scene *sc = o->scene;
  struct fb_path path = publisher_path(4);
  for (uint64_t i = o->cpu; i < THREADS * PACKETS; i += THREADS) {
    struct piece frame = datagram(cat(object(1, 1, 3, 4), bytes(100 + i % 90, (uint8_t)i)));
    struct packet p = {.pn = i, .frames = &frame, .n_frames = 1};
    struct piece clear = packet_payload(&p), sealed = protect(&sc->up, clear, 20, i);
    dp_native_packet(sc->dp, &path, sealed.bytes, sealed.len, i, o->cpu);
    dp_native_drain(sc->dp, o->cpu, ignore, NULL);
  }
  return NULL;
}

/* Few places, always ahead and often too late: it overwrites what is in use. */
static void *feed(void *arg) {
  struct scene *sc = arg;
  const struct dp_native_sizes *s = &sc->dp->sizes;
  while (!__atomic_load_n(&sc->stop, __ATOMIC_RELAXED))
    for (uint32_t slot = 0; slot < SUBSCRIBERS; slot++) {
      uint64_t next = __atomic_load_n(&sc->dp->counters[slot].next_pn, __ATOMIC_RELAXED);
      for (uint64_t pn = next; pn < next + SLOTS + 2; pn++)
        crypt_keystream_fill(&sc->dp->keystreams[fb_keystream_down(s->keystreams_down, slot, pn)],
                             &sc->dp->keys[fb_key_down(slot, 0)], pn);
      uint64_t up = __atomic_load_n(&sc->dp->upstream_state[0].expected, __ATOMIC_RELAXED);
      for (uint64_t pn = up; pn < up + SLOTS + 2; pn++)
        crypt_keystream_fill(&sc->dp->keystreams[fb_keystream_up(s->subscribers, s->keystreams_down,
                                                                 s->keystreams_up, 0, pn)],
                             &sc->dp->keys[fb_key_up(s->subscribers, 0, 0)], pn);
    }
  return NULL;
}

static void populate(struct scene *sc) {
  struct dp_native *dp = sc->dp;
  dp->config = (struct fb_config){.on = 1, .subscribers = SUBSCRIBERS};
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    struct fb_subscriber v = world_subscriber(i, 4);
    struct fb_subscription want = world_subscription(i);
    struct fb_counters *c = &dp->counters[i];
    uint32_t place = fb_key_down(i, 0);
    sc->down[i] = secret_of(i % 2 ? FB_PROTECT_AES128GCM : FB_PROTECT_CHACHA20, i, 0);
    dp->keys[place] = key_of(&sc->down[i], 100 + i, &dp->ghash[place]);
    v.protection = (__u8)sc->down[i].cipher;
    v.key_slot = place;
    c->pn_limit = c->max_streams = c->credit = c->max_data = 1ull << 40;
    dp_native_set_subscription(dp, i, 0, &want);
    dp_native_set_subscriber(dp, i, &v);
  }
  struct fb_upstream up = {
      .gen = 1, .active = 1, .protection = (__u8)sc->up.cipher, .path = publisher_path(4)};
  struct fb_alias_key key = {.alias = 1, .upstream = 0, .upstream_gen = 1};
  uint32_t place = fb_key_up(SUBSCRIBERS, 0, 0);
  dp->keys[place] = key_of(&sc->up, 7, &dp->ghash[place]);
  dp_native_set_upstream(dp, 0, &up);
  assert_true(
      dp_native_cid_set(dp, &publisher_cid, &(struct fb_cid_value){.upstream = 0, .gen = 1}));
  assert_true(dp_native_alias_set(dp, &key, &(struct fb_alias_value){.out_alias = 5}));
}

static void two_cpus_and_a_feeder(void **state) {
  (void)state;
  struct dp_native_sizes sizes = {.subscribers = SUBSCRIBERS,
                                  .tracks = 1,
                                  .streams = 8,
                                  .upstreams = 1,
                                  .cpus = THREADS,
                                  .protect = 1u << FB_PROTECT_CHACHA20 | 1u << FB_PROTECT_AES128GCM,
                                  .keystreams_down = SLOTS,
                                  .keystreams_up = SLOTS};
  struct scene sc = {.dp = dp_native_new(&sizes),
                     .up = secret_of(FB_PROTECT_CHACHA20, 50, 0),
                     .seen = calloc(SUBSCRIBERS, THREADS * PACKETS)};
  struct one ones[THREADS];
  pthread_t feeder;
  assert_true(sc.dp && sc.seen);
  packet_seal_with(NULL);
  populate(&sc);
  dp_native_on_emit(sc.dp, check_copy, &sc);
  assert_int_equal(pthread_create(&feeder, NULL, feed, &sc), 0);
  for (unsigned t = 0; t < THREADS; t++) {
    ones[t] = (struct one){.scene = &sc, .cpu = t};
    assert_int_equal(pthread_create(&ones[t].thread, NULL, publish, &ones[t]), 0);
  }
  for (unsigned t = 0; t < THREADS; t++)
    pthread_join(ones[t].thread, NULL);
  __atomic_store_n(&sc.stop, true, __ATOMIC_RELAXED);
  pthread_join(feeder, NULL);
  assert_int_equal(sc.forged, 0);
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    const struct fb_counters *c = &sc.dp->counters[i];
    assert_int_equal(c->ks_ready + c->ks_computed, c->copies);
    assert_int_equal(c->next_pn, c->copies);
    assert_true(c->copies > 0);
    for (uint64_t pn = 0; pn < c->next_pn; pn++)
      assert_int_equal(sc.seen[(size_t)i * THREADS * PACKETS + pn], 1);
    print_message("           subscriber %u: %llu copies, %llu ready, %llu raced\n", i,
                  (unsigned long long)c->copies, (unsigned long long)c->ks_ready,
                  (unsigned long long)c->ks_raced);
  }
  dp_native_free(sc.dp);
  free(sc.seen);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(torn_keystream_down, begin, end),
      cmocka_unit_test_setup_teardown(torn_keystream_up, begin, end),
      cmocka_unit_test_setup_teardown(key_goes, begin, end),
      cmocka_unit_test_setup_teardown(upstream_key_goes, begin, end),
      cmocka_unit_test_setup_teardown(limit_is_never_passed, begin, end),
      cmocka_unit_test(two_cpus_and_a_feeder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
