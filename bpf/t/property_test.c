/* Random packets for random subscribers, natively; what must hold whatever happens.
 * A failure prints its seed: FANBENCH_SEED=N runs that one alone. */
#include "bpf/crypt/key.h"
#include "bpf/port/native.h"
#include "bpf/t/packet.h"
#include "bpf/t/protect.h"
#include "bpf/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUBSCRIBERS 70
#define STREAMS     32 /* upstream streams of a run, over 16 slots */
#define SLOTS       16
#define PACKETS     300
#define SEEDS       60
#define ORDINALS    64
#define KEYSTREAMS  4
#define CIPHERS     3

/* ---- randomness: splitmix64 -------------------------------------------------------- */

static uint64_t seed_now, random_state;

static uint64_t next_random(void) {
  uint64_t z = random_state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}
static uint64_t below(uint64_t n) {
  return next_random() % n;
}

/* Of the run at hand; the null AEAD if it is not sealed. */
static struct secret up_secret, sub_secrets[SUBSCRIBERS];

#define must(what)                                                                                 \
  do {                                                                                             \
    if (!(what))                                                                                   \
      fail_msg("seed %llu: %s", (unsigned long long)seed_now, #what);                              \
  } while (0)

/* ---- what should be ------------------------------------------------------------------ */

struct model_sub {
  uint64_t frames; /* recorded for it */
  uint64_t last_pn, sent, bytes;
  uint64_t taken;            /* downstream ordinals */
  uint64_t charged[STREAMS]; /* largest end charged, by upstream stream */
  uint64_t ends[ORDINALS];   /* largest end sent, by downstream ordinal */
};

struct run {
  struct dp_native *dp;
  struct model_sub subs[SUBSCRIBERS];
  struct piece payload; /* of the packet at hand */
  struct {
    uint64_t pn;
    uint8_t sends;
  } expected[SUBSCRIBERS]; /* by the record: pn + 1, frames */
  struct fb_record frames; /* of the packet at hand */
  size_t records, copies;
};

/* Byte at an offset of an upstream stream. */
static uint8_t content(uint64_t stream_id, uint64_t offset) {
  return (uint8_t)(stream_id * 7 + offset * 31 + (offset >> 8));
}

static struct piece stream_bytes(uint64_t id, uint64_t offset, size_t n) {
  struct piece p = {.len = n};
  struct piece header = subgroup(1 + id / 4 % 2, 3 + id / 16);
  for (size_t i = 0; i < n; i++)
    p.bytes[i] = offset + i < header.len ? header.bytes[offset + i] : content(id, offset + i);
  return p;
}

/* ---- records and copies --------------------------------------------------------------- */

static void check_record_sub(struct run *r, const struct fb_record *rec,
                             const struct fb_record_sub *sub) {
  struct model_sub *m = &r->subs[sub->slot];
  uint8_t sends = 0, taken = 0;
  for (uint32_t f = 0; f < rec->n_frames; f++) {
    const struct fb_frame *fr = &rec->frames[f];
    m->frames++;
    must(sub->decision[f] < FB_DECISION_COUNT);
    if (sub->decision[f] == FB_DEC_SEND)
      sends |= (uint8_t)(1u << f);
    if (fr->admit != FB_DEC_SEND)
      must(sub->decision[f] != FB_DEC_SEND);
    if (fr->header && sub->down[f])
      taken++;
    if (sub->charged >> f & 1) {
      uint64_t end = fr->offset + fr->len, *had = &m->charged[fr->stream / 4];
      must(fr->kind == FB_FRAME_STREAM && sub->down[f]);
      if (end > *had)
        *had = end;
    }
    must(!!(sub->charged >> f & 1) ==
         (sub->decision[f] == FB_DEC_SEND && fr->kind == FB_FRAME_STREAM));
  }
  must(sub->n_taken == taken);
  m->taken += taken;
  must(sub->sent == (sends != 0));
  if (!sub->sent)
    return;
  must(m->sent == 0 || sub->pn == m->last_pn + 1); /* each number once, none left out */
  m->last_pn = sub->pn;
  m->sent++;
  m->bytes += rec->payload_len;
  r->expected[sub->slot].pn = sub->pn + 1;
  r->expected[sub->slot].sends = sends;
}

static void on_record(void *user, const void *record, size_t len) {
  struct run *r = user;
  const struct fb_record *rec = record;
  must(rec->magic == FB_RECORD_COPY && len == FB_RECORD_LEN(rec->n_subs) && rec->n_subs > 0);
  r->records++;
  memcpy(&r->frames, rec, sizeof(r->frames) < len ? sizeof(r->frames) : len);
  for (uint32_t i = 0; i < rec->n_subs; i++)
    check_record_sub(r, rec, &rec->subs[i]);
}

/* A stream frame of a copy: the publisher's bytes at their offsets, never twice. */
static void check_stream(struct run *r, uint32_t slot, const uint8_t *p, const struct wire_frame *f,
                         const struct fb_frame *fr, uint32_t down) {
  struct model_sub *m = &r->subs[slot];
  must(f->id.v == 4ull * (down - 1) + 3 && f->offset.v == fr->offset && f->data_len == fr->len &&
       f->fin == fr->fin);
  uint64_t ordinal = down - 1;
  must(ordinal < ORDINALS && f->offset.v >= m->ends[ordinal]);
  m->ends[ordinal] = f->offset.v + f->data_len;
  struct piece want = stream_bytes(fr->stream, fr->offset, fr->len);
  if (fr->offset == 0)
    want.bytes[1] = (uint8_t)(5 + fr->stream / 4 % 2); /* the relay's alias */
  must(memcmp(p + f->data_at, want.bytes, want.len) == 0);
}

static void check_copy(struct run *r, const struct fb_record_sub *sub, const uint8_t *p,
                       size_t len) {
  struct wire_cursor c = wire_cursor(p, 13, len - 16);
  struct wire_frame f;
  enum wire_frame_error err;
  uint32_t at = 0;
  must(p[0] == 0x43 && wire_load_be(p + 9, 4) == sub->pn);
  while ((err = wire_frame_next(&c, &f)) == WIRE_FRAME_OK) {
    if (f.type == WIRE_PADDING)
      continue;
    while (at < r->frames.n_frames && sub->decision[at] != FB_DEC_SEND)
      at++;
    must(at < r->frames.n_frames); /* nothing but what was decided */
    const struct fb_frame *fr = &r->frames.frames[at];
    must(fr->kind == (wire_is_stream(f.type) ? FB_FRAME_STREAM : FB_FRAME_DATAGRAM));
    if (fr->kind == FB_FRAME_STREAM)
      check_stream(r, sub->slot, p, &f, fr, sub->down[at]);
    at++;
  }
  must(err == WIRE_FRAME_END);
  while (at < r->frames.n_frames && sub->decision[at] != FB_DEC_SEND)
    at++;
  must(at == r->frames.n_frames); /* and all of it */
}

static int on_emit(void *user, const struct dp_native_copy *c) {
  struct run *r = user;
  /* The record is there before the copy leaves. */
  dp_native_drain(r->dp, 0, on_record, r);
  must(r->expected[c->slot].pn == c->pn + 1);
  must(c->len == r->payload.len);
  struct piece copy = {.len = c->len};
  memcpy(copy.bytes, c->payload, c->len);
  must(unprotect(&sub_secrets[c->slot], &copy, 8, c->pn));
  for (uint32_t i = 0; i < r->frames.n_subs; i++)
    if (r->frames.subs[i].slot == c->slot)
      check_copy(r, &r->frames.subs[i], copy.bytes, copy.len);
  r->copies++;
  return 0;
}

/* ---- the sums -------------------------------------------------------------------------- */

static void check_sums(struct run *r) {
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    const struct fb_counters *c = &r->dp->counters[i];
    const struct model_sub *m = &r->subs[i];
    uint64_t decisions = 0, charged = 0;
    for (unsigned d = 0; d < 32; d++)
      decisions += d == FB_DEC_INACTIVE ? 0 : c->decisions[d];
    for (unsigned s = 0; s < STREAMS; s++)
      charged += m->charged[s];
    must(decisions == m->frames);
    must(c->copies == m->sent && c->sent_bytes == m->bytes);
    must(c->ks_ready + c->ks_computed == (sub_secrets[i].cipher ? m->sent : 0));
    must(c->data_used == charged && c->data_used <= c->max_data);
    must(c->sent_bytes <= c->credit);
    must(c->next_stream == m->taken);
    must(m->sent == 0 || (m->last_pn < c->pn_limit && c->next_pn == m->last_pn + 1));
  }
}

/* ---- random worlds and packets --------------------------------------------------------- */

/* Of any kind, or none; at times it lasts for few numbers, or is not there yet. */
static void add_key(struct dp_native *dp, uint32_t slot, struct fb_subscriber *v) {
  struct secret *s = &sub_secrets[slot];
  *s = secret_of(up_secret.cipher ? (enum fb_protection)below(CIPHERS) : FB_PROTECT_NONE, slot, 0);
  v->protection = (__u8)s->cipher;
  v->key_slot = fb_key_down(slot, (uint32_t)below(2));
  if (!s->cipher)
    return;
  struct fb_key *k = &dp->keys[v->key_slot];
  *k = key_of(s, below(12) ? 100 + slot : 0, &dp->ghash[v->key_slot]);
  if (below(6) == 0)
    k->until = dp->counters[slot].next_pn + below(50);
}

static void add_subscriber(struct dp_native *dp, uint32_t slot) {
  struct fb_subscriber v = {.gen = 1 + slot,
                            .state = (__u8)(below(8) ? FB_SUB_ACTIVE : below(4)),
                            .family = (__u8)(below(10) ? 4 : 6),
                            .dcid_len = 8,
                            .max_payload = (__u16)(below(8) ? 1472 : 700),
                            .max_datagram = (__u16)(below(6) ? 1200 : 100),
                            .initial_max_stream_data = 200 + below(6000)};
  struct fb_counters *c = &dp->counters[slot];
  c->next_pn = below(1000);
  c->pn_limit = c->next_pn + below(400);
  c->max_data = below(60000);
  c->max_streams = 1 + below(STREAMS);
  c->credit = below(300000);
  for (uint32_t t = 0; t < 2; t++) {
    struct fb_subscription want = {.gen = 1 + slot,
                                   .on = below(6) != 0,
                                   .forward = below(6) != 0,
                                   .start_group = below(6),
                                   .priority_hi = (__u8)(below(3) ? 255 : 100)};
    dp_native_set_subscription(dp, slot, t, &want);
  }
  add_key(dp, slot, &v);
  dp_native_set_subscriber(dp, slot, &v);
}

static struct dp_native *random_world(enum fb_protection cipher) {
  struct dp_native_sizes sizes = {
      .subscribers = SUBSCRIBERS, .tracks = 2, .streams = SLOTS, .upstreams = 1};
  if (cipher) {
    sizes.protect = 1u << FB_PROTECT_CHACHA20 | 1u << FB_PROTECT_AES128GCM;
    sizes.keystreams_down = sizes.keystreams_up = KEYSTREAMS;
  }
  up_secret = secret_of(cipher, SUBSCRIBERS, 0);
  struct dp_native *dp = dp_native_new(&sizes);
  assert_non_null(dp);
  dp->config =
      (struct fb_config){.on = 1, .port = 4433, .subscribers = (__u32)(1 + below(SUBSCRIBERS))};
  struct fb_upstream up = {
      .gen = 1, .active = 1, .protection = (__u8)cipher, .path = publisher_path(4)};
  uint32_t place = fb_key_up(SUBSCRIBERS, 0, 0);
  if (cipher)
    dp->keys[place] = key_of(&up_secret, 9, &dp->ghash[place]);
  dp_native_set_upstream(dp, 0, &up);
  dp_native_cid_set(dp, &publisher_cid, &(struct fb_cid_value){.upstream = 0, .gen = 1});
  for (uint32_t t = 0; t < 2; t++) {
    struct fb_alias_key key = {.alias = 1 + t, .upstream = 0, .upstream_gen = 1};
    dp_native_alias_set(
        dp, &key,
        &(struct fb_alias_value){.track = t, .out_alias = 5 + t, .default_priority = t ? 10 : 128});
  }
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    add_subscriber(dp, i);
  return dp;
}

static struct piece random_frame(uint64_t *ends, size_t room) {
  switch (below(8)) {
  case 0:
    return ping();
  case 1:
    return max_data(below(1 << 20));
  case 2:
    return datagram(cat(object(1 + below(3), 1, below(10), below(70)),
                        bytes(below(room < 100 ? room : 100), 1)));
  default:
    break;
  }
  /* Mostly what comes next, at times an old stretch or one beyond a hole. */
  uint64_t s = below(STREAMS), *end = &ends[s];
  uint64_t offset = below(5) ? *end : below(*end + 40);
  size_t n = below(room);
  int fin = below(40) == 0;
  struct piece p = stream_of(4 * s + 2, 0, offset, stream_bytes(4 * s + 2, offset, n), fin);
  if (offset + n > *end)
    *end = offset + n;
  return p;
}

static struct piece random_payload(uint64_t pn, uint64_t *ends) {
  struct piece frames[10];
  struct packet p = {.pn = pn, .pn_len = 4, .frames = frames, .n_frames = 1 + below(7)};
  for (size_t i = 0; i < p.n_frames; i++)
    frames[i] = random_frame(ends, 1400 / p.n_frames - 30);
  return packet_payload(&p);
}

/* User space, as it would: holds are released, limits raised, states change. */
static void random_life(struct dp_native *dp) {
  uint32_t slot = (uint32_t)below(SUBSCRIBERS);
  struct fb_counters *c = &dp->counters[slot];
  c->hold = 0;
  if (below(4) == 0)
    c->max_data += below(4000);
  if (below(4) == 0)
    c->pn_limit += below(50);
  if (below(4) == 0)
    c->credit += below(50000);
  if (below(4) == 0)
    c->max_streams++;
  struct fb_subscription want = *dp_native_subscription(dp, slot, 0);
  if (below(4) == 0)
    want.priority_hi = below(2) ? 255 : 100;
  dp_native_set_subscription(dp, slot, 0, &want);
}

/* The feeder, as it would: here a keystream, there one that is of no use any more. */
static void random_feed(struct dp_native *dp, uint64_t pn) {
  if (!up_secret.cipher)
    return;
  if (below(2))
    crypt_keystream_fill(
        &dp->keystreams[fb_keystream_up(SUBSCRIBERS, KEYSTREAMS, KEYSTREAMS, 0, pn)],
        &dp->keys[fb_key_up(SUBSCRIBERS, 0, 0)], pn);
  for (uint64_t i = below(20); i > 0; i--) {
    uint32_t slot = (uint32_t)below(SUBSCRIBERS);
    uint64_t next = dp->counters[slot].next_pn + below(3);
    const struct fb_key *k = &dp->keys[dp->subscribers[slot].key_slot];
    struct fb_keystream *ks = &dp->keystreams[fb_keystream_down(KEYSTREAMS, slot, next)];
    if (k->cipher && k->generation)
      crypt_keystream_fill(ks, k, next);
    if (below(8) == 0)
      ks->tag ^= 1ull << (40 + below(FB_KEY_GENERATION_BITS)); /* of a key that never was */
    if (below(8) == 0)
      ks->tag = 0, memset(ks->bytes, (int)below(256), sizeof(ks->bytes));
  }
}

/* Over all seeds: a test that meets nothing proves nothing. */
static size_t copies_made;
static uint32_t met; /* bit each enum fb_decision */

static void run_seed(uint64_t seed, enum fb_protection cipher) {
  static struct run r;
  uint64_t ends[STREAMS] = {0};
  struct fb_path path = publisher_path(4);
  seed_now = random_state = seed;
  memset(&r, 0, sizeof(r));
  r.dp = random_world(cipher);
  dp_native_on_emit(r.dp, on_emit, &r);
  for (uint64_t pn = 0; pn < PACKETS; pn++) {
    r.payload = protect(&up_secret, random_payload(pn, ends), FB_UPSTREAM_CID, pn);
    random_feed(r.dp, pn);
    memset(r.expected, 0, sizeof(r.expected));
    dp_native_packet(r.dp, &path, r.payload.bytes, r.payload.len, pn, 0);
    dp_native_drain(r.dp, 0, on_record, &r);
    if (below(3) == 0)
      random_life(r.dp);
  }
  check_sums(&r);
  copies_made += r.copies;
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    for (unsigned d = 0; d < FB_DECISION_COUNT; d++)
      met |= (uint32_t)(r.dp->counters[i].decisions[d] != 0) << d;
  dp_native_free(r.dp);
}

static void ignore_record(void *user, const void *record, size_t len) {
  (void)user, (void)record, (void)len;
}

/* Packets damaged anywhere, cut anywhere: every buffer has its exact length, so that a
 * sanitizer sees a step beyond it; copies need not make sense, but the counts do. */
static int swallow(void *user, const struct dp_native_copy *c) {
  size_t *copies = user;
  (void)c;
  ++*copies;
  return 0;
}

static void damaged_packets(void **state) {
  (void)state;
  uint64_t ends[STREAMS] = {0}, counted = 0;
  size_t copies = 0;
  struct fb_path path = publisher_path(4);
  seed_now = random_state = 99;
  struct dp_native *dp = random_world(FB_PROTECT_NONE);
  dp_native_on_emit(dp, swallow, &copies);
  for (uint64_t pn = 0; pn < 20000; pn++) {
    struct piece p = random_payload(pn, ends);
    for (uint64_t n = below(4); n > 0; n--)
      p.bytes[below(4) ? 25 + below(p.len - 25) : below(p.len)] ^= (uint8_t)next_random();
    size_t len = below(3) ? p.len : 1 + below(p.len);
    if (len >= 16 && below(2))
      memset(p.bytes + len - 16, 0, 16);
    uint8_t *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, p.bytes, len);
    must((unsigned)dp_native_packet(dp, &path, exact, len, pn, 0) < FB_PACKET_REASON_COUNT);
    free(exact);
    if (pn % 16 == 0)
      dp_native_drain(dp, 0, ignore_record, NULL);
  }
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    counted += dp->counters[i].copies;
  must(counted == copies && copies > 0);
  dp_native_free(dp);
}

static void random_packets(void **state) {
  (void)state;
  const char *one = getenv("FANBENCH_SEED");
  if (one) {
    for (int cipher = 0; cipher < CIPHERS; cipher++)
      run_seed(strtoull(one, NULL, 0), (enum fb_protection)cipher);
    return;
  }
  for (uint64_t seed = 1; seed <= SEEDS; seed++)
    run_seed(seed, FB_PROTECT_NONE);
  for (uint64_t seed = 1; seed <= SEEDS / 4; seed++) {
    run_seed(seed, FB_PROTECT_CHACHA20);
    run_seed(seed, FB_PROTECT_AES128GCM);
  }
  static const enum fb_decision expected[] = {
      FB_DEC_SEND,          FB_DEC_NOT_SUBSCRIBED, FB_DEC_BEFORE_START, FB_DEC_FILTERED,
      FB_DEC_NOT_FORWARDED, FB_DEC_SKIPPED,        FB_DEC_JOINING,      FB_DEC_HELD,
      FB_DEC_FLOW_CONTROL,  FB_DEC_STREAM_LIMIT,   FB_DEC_CREDIT,       FB_DEC_PN_LIMIT,
      FB_DEC_ID_WIDTH,      FB_DEC_TOO_BIG,        FB_DEC_OTHER_FAMILY, FB_DEC_NO_HEADER,
      FB_DEC_UNKNOWN_ALIAS, FB_DEC_BELOW_FRONTIER, FB_DEC_PARTIAL,      FB_DEC_INACTIVE,
      FB_DEC_NO_KEY};
  for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
    if (!(met >> expected[i] & 1))
      fail_msg("no run met %s", fb_decision_name(expected[i]));
  assert_true(copies_made > 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_packets),
                                     cmocka_unit_test(damaged_packets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
