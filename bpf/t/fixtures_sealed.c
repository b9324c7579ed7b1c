/* What only sealed packets have: keys, phases, keystreams. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define expect(w, packet, reason) assert_int_equal(send_packet(w, packet), FB_PKT_##reason)

static struct piece dg(void) {
  return datagram(cat(object(1, 0, 3, 4), text("an object")));
}

static void begin(struct world *w, uint32_t subscribers) {
  world_begin(w, 4);
  world_join(w, 0, subscribers);
}

static struct fb_key *key_down(struct world *w, uint32_t slot) {
  return &w->ops->keys(w)[world_key_down(slot)];
}
static struct fb_key *key_up(struct world *w, uint32_t phase) {
  return &w->ops->keys(w)[world_key_up(0, phase)];
}

/* ---- keys of a subscriber ------------------------------------------------------------------ */

static void expect_no_key(struct world *w, uint64_t pn) {
  uint64_t next = counters_of(w, 1)->next_pn;
  expect(w, PACKET(.pn = pn, FRAMES(dg())), FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND); /* the others get theirs */
  assert_int_equal(decided(w, 1, 0), FB_DEC_NO_KEY);
  assert_null(copy_for(w, 1));
  assert_int_equal(counters_of(w, 1)->next_pn, next); /* no number is lost */
}

static void no_key(struct world *w) {
  begin(w, 2);
  struct fb_key good = *key_down(w, 1), *k = key_down(w, 1);
  k->generation = 0;
  expect_no_key(w, 1);
  *k = good;
  k->cipher = k->cipher == FB_PROTECT_CHACHA20 ? FB_PROTECT_AES128GCM : FB_PROTECT_CHACHA20;
  expect_no_key(w, 2);
  *k = good;
  k->cipher = FB_PROTECT_NONE;
  expect_no_key(w, 3);
  *k = good;
  struct fb_subscriber v = world_subscriber(1, 4);
  v.protection = good.cipher == FB_PROTECT_CHACHA20 ? 1 : 2;
  v.key_slot = 1u << 31; /* no such place */
  w->ops->set_subscriber(w, 1, &v);
  expect_no_key(w, 4);
  v.protection = 7; /* no such cipher */
  v.key_slot = world_key_down(1);
  w->ops->set_subscriber(w, 1, &v);
  expect_no_key(w, 5);
  v.protection = FB_PROTECT_NONE; /* as it was */
  w->ops->set_subscriber(w, 1, &v);
  expect(w, PACKET(.pn = 6, FRAMES(dg())), FANNED);
  assert_int_equal(decided(w, 1, 0), FB_DEC_SEND);
}

/* A key serves [from, until): the AEAD limit is never passed, and a new key takes no number
 * of the old one. */
static void numbers_of_a_key(struct world *w) {
  begin(w, 2);
  uint64_t next = counters_of(w, 1)->next_pn;
  key_down(w, 1)->from = next + 1;
  expect_no_key(w, 1);
  key_down(w, 1)->from = next;
  key_down(w, 1)->until = next + 2;
  for (uint64_t pn = 2; pn < 4; pn++) {
    expect(w, PACKET(.pn = pn, FRAMES(dg())), FANNED);
    assert_int_equal(decided(w, 1, 0), FB_DEC_SEND);
  }
  expect_no_key(w, 4);
}

/* The copy behind its header: the same for everybody. */
static void expect_same_text(struct world *w, uint32_t a, uint32_t b) {
  size_t len, other;
  assert_true(copy_for(w, a) && copy_for(w, b));
  const uint8_t *first = copy_payload(copy_for(w, a), &len);
  const uint8_t *second = copy_payload(copy_for(w, b), &other);
  assert_int_equal(len, other);
  assert_memory_equal(first + 13, second + 13, len - 13);
}

/* Publisher and subscribers each as they negotiated: one packet, all kinds of copies. */
static void mixed(struct world *w) {
  struct fb_upstream plain = {.gen = 9, .active = 1, .path = publisher_path(4)};
  struct fb_cid_key cid = publisher_cid;
  cid.data[3] ^= 1;
  begin(w, 2);
  world_join(w, WORLD_PLAIN, 1);
  assert_int_equal(w->subs[0].protection, w->seal);
  assert_int_not_equal(w->subs[1].protection, w->seal);
  assert_int_equal(w->subs[WORLD_PLAIN].protection, FB_PROTECT_NONE);
  expect(w, PACKET(.pn = 1, FRAMES(dg(), padding(200), dg())), FANNED);
  expect_same_text(w, 0, 1);
  expect_same_text(w, 0, WORLD_PLAIN);
  /* a publisher without, towards subscribers with */
  w->ops->set_upstream(w, WORLD_PLAIN_UPSTREAM, &plain);
  w->ops->set_cid(w, &cid, &(struct fb_cid_value){.upstream = WORLD_PLAIN_UPSTREAM, .gen = 9});
  struct secret s = world_up_secret(w, 0);
  w->ops->set_alias(
      w, &(struct fb_alias_key){.alias = 1, .upstream = WORLD_PLAIN_UPSTREAM, .upstream_gen = 9},
      &(struct fb_alias_value){.out_alias = 5});
  packet_seal_with(NULL);
  expect(w, PACKET(.pn = 1, .cid = &cid, FRAMES(dg(), ping(), dg())), FANNED);
  expect_same_text(w, 0, 1);
  expect_same_text(w, 0, WORLD_PLAIN);
  /* sealed or not is the entry's to say, not the packet's */
  packet_seal_with(&s);
  assert_int_not_equal(send_packet(w, PACKET(.pn = 2, .cid = &cid, FRAMES(dg()))), FB_PKT_FANNED);
  packet_seal_with(NULL);
  assert_int_not_equal(send_packet(w, PACKET(.pn = 2, FRAMES(dg()))), FB_PKT_FANNED);
  assert_int_equal(w->n_copies, 0);
}

/* A keystream is only used for its own key and number; whatever else lies there, the copy
 * is right. */
static void keystreams_down(struct world *w) {
  begin(w, 2);
  struct fb_counters *c = counters_of(w, 1);
  struct fb_keystream *ks;
  uint64_t ready = 0, computed = 0;
  for (uint64_t what = 0; what < 5; what++) {
    ks = world_keystream_down(w, 1, c->next_pn);
    world_feed_down(w, 1, c->next_pn);
    if (what == 1)
      ks->tag = 0;
    if (what == 2)
      ks->tag -= WORLD_KEYSTREAMS; /* of an older number at the same place */
    if (what == 3)
      ks->tag += 1ull << (64 - FB_KEY_GENERATION_BITS); /* of another key */
    if (what == 4)
      memset(ks->bytes, 0, sizeof(ks->bytes)), ks->tag = ~0ull;
    expect(w, PACKET(.pn = 1 + what, FRAMES(dg())), FANNED);
    assert_non_null(copy_for(w, 1)); /* and authentic */
    what == 0 ? ready++ : computed++;
    assert_int_equal(c->ks_ready, ready);
    assert_int_equal(c->ks_computed, computed);
    assert_int_equal(c->ks_raced, 0);
  }
}

/* Numbers of 41 bits and more have no keystream ahead. */
static void large_numbers(struct world *w) {
  begin(w, 2);
  struct fb_counters *c = counters_of(w, 0);
  c->next_pn = c->pn_limit = FB_KEYSTREAM_NUMBERS - 1;
  c->pn_limit = 1ull << 60;
  expect(w, PACKET(.pn = 1, FRAMES(dg())), FANNED);
  assert_int_equal(c->ks_ready, 1);
  expect(w, PACKET(.pn = 2, FRAMES(dg())), FANNED);
  assert_int_equal(c->ks_ready, 1);
  assert_int_equal(c->ks_computed, 1);
  assert_int_equal(copy_for(w, 0)->pn, FB_KEYSTREAM_NUMBERS);
}

/* ---- keys of the publisher ----------------------------------------------------------------- */

static void keystreams_up(struct world *w) {
  begin(w, 1);
  struct fb_upstream_state *s = w->ops->state(w);
  world_feed_up(w, 0, 0, 8);
  expect(w, PACKET(.pn = 8, FRAMES(dg())), FANNED);
  assert_int_equal(s->ks_ready, 1);
  world_feed_up(w, 0, 0, 10);
  world_keystream_up(w, 0, 10)->tag ^= 4;
  expect(w, PACKET(.pn = 10, FRAMES(dg())), FANNED);
  assert_int_equal(s->ks_ready, 1);
  assert_int_equal(s->ks_computed, 1);
  /* a wrong keystream that claims to be right makes a packet that is not authentic: up */
  world_feed_up(w, 0, 0, 12);
  world_keystream_up(w, 0, 12)->once[3] ^= 1;
  expect(w, PACKET(.pn = 12, FRAMES(dg())), BAD_TAG);
  assert_int_equal(s->expected, 11);
}

static struct piece of_phase(struct world *w, uint32_t phase, const struct packet *p) {
  struct secret s = world_up_secret(w, phase), first = world_up_secret(w, 0);
  packet_seal_with(&s);
  struct fb_path path = publisher_path(4);
  struct piece frame = ethernet(&path, packet_payload(p), CHECKSUM_GOOD);
  static struct secret again; /* outlives this call */
  again = first;
  packet_seal_with(&again);
  return frame;
}

#define expect_phase(w, phase, packet, reason)                                                     \
  assert_int_equal(send_frame(w, of_phase(w, phase, packet)), FB_PKT_##reason)

/* The publisher updates its key at number 100. */
static void key_update(struct world *w) {
  begin(w, 1);
  struct secret next = world_up_secret(w, 1), third = world_up_secret(w, 2);
  expect_phase(w, 0, PACKET(.pn = 98, FRAMES(dg())), FANNED);
  expect_phase(w, 1, PACKET(.pn = 100, FRAMES(dg())), KEY_PHASE); /* user space looks first */
  assert_int_equal(w->ops->state(w)->expected, 99);
  world_set_key(w, world_key_up(0, 1), &next, 77);
  key_up(w, 1)->from = 100;
  key_up(w, 0)->until = 100;
  expect_phase(w, 1, PACKET(.pn = 101, FRAMES(dg())), FANNED);
  expect_phase(w, 0, PACKET(.pn = 99, FRAMES(dg())), FANNED);     /* late, old phase, old key */
  expect_phase(w, 0, PACKET(.pn = 102, FRAMES(dg())), KEY_PHASE); /* not after the update */
  expect_phase(w, 1, PACKET(.pn = 97, FRAMES(dg())), KEY_PHASE);  /* nor before */
  struct fb_upstream up = {.gen = 1, .active = 1, .phase = 1, .path = publisher_path(4)};
  w->ops->set_upstream(w, 0, &up);
  expect_phase(w, 0, PACKET(.pn = 96, FRAMES(dg())), FANNED);
  expect_phase(w, 1, PACKET(.pn = 103, FRAMES(dg())), FANNED);
  /* the second update takes the place of the first key */
  expect_phase(w, 2, PACKET(.pn = 200, FRAMES(dg())), KEY_PHASE);
  key_up(w, 0)->generation = 0;
  expect_phase(w, 2, PACKET(.pn = 200, FRAMES(dg())), KEY_PHASE);
  world_set_key(w, world_key_up(0, 0), &third, 78);
  key_up(w, 0)->from = 200;
  key_up(w, 1)->until = 200;
  expect_phase(w, 2, PACKET(.pn = 200, FRAMES(dg())), FANNED);
  expect_phase(w, 0, PACKET(.pn = 201, FRAMES(dg())), BAD_TAG); /* right bit, old key */
}

/* Without the key that the entry calls current nothing can be opened. */
static void no_upstream_key(struct world *w) {
  begin(w, 1);
  key_up(w, 0)->generation = 0;
  expect(w, PACKET(.pn = 1, FRAMES(dg())), BAD_TAG);
  key_up(w, 0)->generation = 5;
  key_up(w, 0)->cipher = FB_PROTECT_NONE;
  expect(w, PACKET(.pn = 1, FRAMES(dg())), BAD_TAG);
  struct fb_upstream up = {.gen = 1, .active = 1, .protection = 9, .path = publisher_path(4)};
  w->ops->set_upstream(w, 0, &up);
  expect(w, PACKET(.pn = 1, FRAMES(dg())), BAD_TAG);
}

/* Authentic is who has the key: the path may be any. Reserved bits count behind the tag. */
static void from_anywhere(struct world *w) {
  begin(w, 1);
  struct fb_path path = publisher_path(4);
  path.remote_port ^= 0x100;
  path.remote_addr[3] ^= 7;
  const struct packet *p = PACKET(.pn = 1, FRAMES(dg()));
  assert_int_equal(send_frame(w, ethernet(&path, packet_payload(p), CHECKSUM_GOOD)), FB_PKT_FANNED);
  expect(w, PACKET(.pn = 2, .flip = 0x18, .bad_tag = 1, FRAMES(dg())), BAD_TAG);
  expect(w, PACKET(.pn = 2, .flip = 0x18, FRAMES(dg())), RESERVED_BITS);
}

/* The shortest packet that can be sampled, and one byte less (RFC 9001 5.4.2). */
static void shortest(struct world *w) {
  begin(w, 1);
  struct fb_path path = publisher_path(4);
  for (int pn_len = 1; pn_len <= 4; pn_len++) {
    struct piece filler = padding((size_t)(4 - pn_len));
    struct packet p = {.pn = (uint64_t)pn_len, .pn_len = pn_len, .frames = &filler, .n_frames = 1};
    struct piece payload = packet_payload(&p);
    assert_int_equal(payload.len, 1 + 20 + 4 + FB_TAG_LEN);
    assert_int_equal(send_frame(w, ethernet(&path, payload, CHECKSUM_GOOD)),
                     pn_len == 4 ? FB_PKT_LENGTH : FB_PKT_NO_FANOUT);
    payload.len--;
    assert_int_equal(send_frame(w, ethernet(&path, payload, CHECKSUM_GOOD)), FB_PKT_LENGTH);
  }
}

/* Every length, so that each block and each rest is met; and the copy is always right. */
static void all_lengths(struct world *w) {
  begin(w, 2);
  for (size_t n = 1; n < 700; n += n < 70 ? 1 : 37)
    for (int pn_len = 1; pn_len <= 4; pn_len += 3) {
      uint64_t pn = 2 * n + (pn_len == 4);
      struct piece d = datagram(cat(object(1, 0, 3, 4), bytes(n, (uint8_t)n)));
      expect(w, PACKET(.pn = pn, .pn_len = pn_len == 4 ? 4 : 3, FRAMES(d)), FANNED);
      assert_int_equal(w->n_copies, 2);
    }
}

const struct fixture fixtures_sealed[] = {{"no key", no_key},
                                          {"numbers of a key", numbers_of_a_key},
                                          {"mixed protection", mixed},
                                          {"keystreams of a subscriber", keystreams_down},
                                          {"large numbers", large_numbers},
                                          {"keystreams of the publisher", keystreams_up},
                                          {"key update", key_update},
                                          {"no upstream key", no_upstream_key},
                                          {"from anywhere", from_anywhere},
                                          {"shortest", shortest},
                                          {"all lengths", all_lengths},
                                          {NULL, NULL}};
