/* Packets at the door that are not what the publisher sealed: bits turned over, cut off, sent
 * again, of the wrong phase, under the wrong key. None may be copied, none may change a word
 * of the state, whatever reason it goes up for. 100,000 natively, FANBENCH_SEED=N another
 * seed; some thousand in the kernel. */
#include "bpf/t/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUBSCRIBERS 3
#define NATIVE      50000 /* of each cipher */
#define KERNEL      3000

static uint64_t seed, random_state;
static uint64_t below(uint64_t n) { /* splitmix64 */
  uint64_t z = random_state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return (z ^ z >> 31) % n;
}

enum kind { FLIP, CUT, LONGER, REPLAY, PHASE, KEY, NUMBER, GARBAGE, KINDS };
static const char *const kinds[KINDS] = {
    "bits turned over",    "cut off",        "longer", "sent again", "the wrong phase",
    "under the wrong key", "another number", "garbage"};

/* ---- the publisher ------------------------------------------------------------------------ */

static struct piece sealed(const struct secret *s, uint64_t pn, int pn_len, uint64_t salt) {
  struct piece frames[3] = {datagram(cat(object(1, 0, 3, 4), bytes(1 + below(900), (uint8_t)salt))),
                            ping(), padding(below(40))};
  struct packet p = {.pn = pn, .pn_len = pn_len, .frames = frames, .n_frames = 3};
  packet_seal_with(s);
  return packet_payload(&p);
}

/* Authentic ones among them: the state is not that of a fresh world. */
static void send_good(struct world *w, uint64_t pn) {
  struct secret s = world_up_secret(w, 0);
  struct fb_path path = publisher_path(4);
  struct piece payload = sealed(&s, pn, 4, pn);
  assert_int_equal(send_frame(w, ethernet(&path, payload, CHECKSUM_GOOD)), FB_PKT_FANNED);
  assert_int_equal(w->n_copies, SUBSCRIBERS);
}

static struct piece forge(struct world *w, enum kind kind, uint64_t pn, struct piece last) {
  struct secret right = world_up_secret(w, 0), other = world_up_secret(w, 0);
  int pn_len = 1 + (int)below(4);
  struct piece p = sealed(&right, pn, pn_len, pn);
  switch (kind) {
  case FLIP:
    for (uint64_t n = 1 + below(3); n > 0; n--)
      p.bytes[below(4) ? below(p.len) : below(27)] ^= (uint8_t)(1u << below(8));
    break;
  case CUT:
    p.len -= 1 + below(below(2) ? 20 : p.len - 1);
    break;
  case LONGER:
    p = cat(p, bytes(1 + below(40), (uint8_t)below(256)));
    break;
  case REPLAY:
    return last;
  case PHASE: /* the right keys of another phase, or the wrong ones under this phase's bit */
    other = world_up_secret(w, 1 + (uint32_t)below(2));
    return sealed(&other, pn, pn_len, pn);
  case KEY:
    other = below(2) ? secret_of(right.cipher, 4711, 0) : right;
    other.key[below(16)] ^= (uint8_t)(1u << below(8));
    return sealed(&other, pn, pn_len, pn);
  case NUMBER: /* sealed as one number, sent as another: the nonce does not fit */
    other.iv[11] ^= (uint8_t)(1 + below(255));
    return sealed(&other, pn, pn_len, pn);
  default:
    for (size_t i = 1 + FB_UPSTREAM_CID; i < p.len; i++)
      p.bytes[i] = (uint8_t)below(256);
  }
  return p;
}

/* ---- the state ----------------------------------------------------------------------------- */

struct state {
  struct fb_counters counters[SUBSCRIBERS];
  struct fb_upstream_state up;
  struct fb_stream streams[WORLD_STREAMS];
  uint64_t downs; /* their sum: nothing was opened there at all */
};

static struct state *look(struct world *w, struct state *s) {
  memset(s, 0, sizeof(*s));
  memcpy(s->counters, w->ops->counters(w), sizeof(s->counters));
  s->up = w->ops->state(w)[0];
  s->up.ks_ready = s->up.ks_computed = 0; /* statistics: what is sent again is opened again */
  for (uint32_t i = 0; i < WORLD_STREAMS; i++) {
    w->ops->get_stream(w, i, &s->streams[i]);
    memset(&s->streams[i].lock, 0, sizeof(s->streams[i].lock));
  }
  const uint64_t *words = (const uint64_t *)w->ops->downs(w);
  for (size_t i = 0; i < WORLD_STREAMS * WORLD_SUBSCRIBERS * sizeof(struct fb_down) / 8; i++)
    s->downs += words[i];
  return s;
}

/* Did bits that were turned over all turn back? */
static bool is_original(struct world *w, struct piece p, uint64_t pn) {
  struct secret right = world_up_secret(w, 0);
  return p.len > 57 && memcmp(p.bytes + 1, publisher_cid.data, 20) == 0 &&
         (p.bytes[0] & 0xc0) == 0x40 && unprotect(&right, &p, 20, pn);
}

static void forgeries(struct world *w, uint64_t count) {
  struct fb_path path = publisher_path(4);
  struct state before, after;
  struct piece last = {0};
  uint64_t reasons[FB_PACKET_REASON_COUNT] = {0}, pn = 100;
  const char *given = getenv("FANBENCH_SEED");
  seed = random_state = given ? strtoull(given, NULL, 0) : 1;
  world_begin(w, 4);
  world_join(w, 0, SUBSCRIBERS);
  for (uint64_t i = 0; i < count; i++) {
    if (i % 100 == 0) {
      struct secret s = world_up_secret(w, 0);
      if (i)
        assert_memory_equal(&before, look(w, &after), sizeof(before));
      w->transcript.len = 0;
      packet_seal_with(&s);
      send_good(w, pn++);
      last = sealed(&s, pn, 4, pn);
      assert_int_equal(send_frame(w, ethernet(&path, last, CHECKSUM_GOOD)), FB_PKT_FANNED);
      pn++;
      look(w, &before);
    }
    enum kind kind = (enum kind)below(KINDS);
    struct piece p = forge(w, kind, pn, last);
    if (kind == FLIP && is_original(w, p, pn))
      p.bytes[p.len - 1] ^= 1;
    /* at times a keystream for it is there ahead */
    if (below(2))
      world_feed_up(w, 0, 0, pn);
    enum fb_packet_reason reason = send_frame(w, ethernet(&path, p, CHECKSUM_GOOD));
    reasons[reason]++;
    if (w->n_copies || w->n_records || reason == FB_PKT_FANNED)
      fail_msg("seed %llu, packet %llu (%s): %s, %zu copies", (unsigned long long)seed,
               (unsigned long long)i, kinds[kind], fb_packet_reason_name(reason), w->n_copies);
  }
  assert_memory_equal(&before, look(w, &after), sizeof(before));
  for (unsigned r = 0; r < FB_PACKET_REASON_COUNT; r++)
    if (reasons[r])
      print_message("           %s: %llu %s\n", w->ops->name, (unsigned long long)reasons[r],
                    fb_packet_reason_name(r));
  assert_true(reasons[FB_PKT_BAD_TAG] > count / 4 && reasons[FB_PKT_DUPLICATE] > 0 &&
              reasons[FB_PKT_KEY_PHASE] > 0 && reasons[FB_PKT_LENGTH] > 0);
  packet_seal_with(NULL);
}

static const enum fb_protection ciphers[] = {FB_PROTECT_CHACHA20, FB_PROTECT_AES128GCM};

static void natively(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    struct world *w = world_native_sealed(ciphers[c]);
    forgeries(w, NATIVE);
    world_free(w);
  }
}

static void in_the_kernel(void **state) {
  (void)state;
  for (size_t c = 0; c < 2; c++) {
    const char *why = NULL;
    struct world *w = world_kernel_sealed(ciphers[c], &why);
    if (!w) {
      print_message("skipped: %s\n", why);
      skip();
    }
    forgeries(w, KERNEL);
    world_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(natively), cmocka_unit_test(in_the_kernel)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
