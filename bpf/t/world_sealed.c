/* What user space does for a sealed world, and what its peers do: see world.h. */
#include "bpf/crypt/key.h"
#include "bpf/t/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WHO_PUBLISHER 1000u /* above all slots */

static enum fb_protection cipher_of(const struct world *w, uint32_t slot) {
  if (slot >= WORLD_PLAIN)
    return FB_PROTECT_NONE;
  if (slot % 2 == 0)
    return w->seal;
  return w->seal == FB_PROTECT_CHACHA20 ? FB_PROTECT_AES128GCM : FB_PROTECT_CHACHA20;
}

struct secret world_up_secret(const struct world *w, uint32_t phase) {
  return secret_of(w->seal, WHO_PUBLISHER, phase);
}
struct secret world_sub_secret(const struct world *w, uint32_t slot) {
  return secret_of(cipher_of(w, slot), slot, 0);
}

uint32_t world_key_up(uint32_t upstream, uint32_t phase) {
  return fb_key_up(WORLD_SUBSCRIBERS, upstream, phase);
}
/* The other one stays empty. */
uint32_t world_key_down(uint32_t slot) {
  return fb_key_down(slot, 1);
}
struct fb_keystream *world_keystream_up(struct world *w, uint32_t upstream, uint64_t pn) {
  return &w->ops->keystreams(
      w)[fb_keystream_up(WORLD_SUBSCRIBERS, WORLD_KEYSTREAMS, WORLD_KEYSTREAMS, upstream, pn)];
}
struct fb_keystream *world_keystream_down(struct world *w, uint32_t slot, uint64_t pn) {
  return &w->ops->keystreams(w)[fb_keystream_down(WORLD_KEYSTREAMS, slot, pn)];
}

void world_set_key(struct world *w, uint32_t place, const struct secret *s, uint64_t generation) {
  w->ops->keys(w)[place] = key_of(s, generation, &w->ops->ghash(w)[place]);
}

void world_feed_up(struct world *w, uint32_t upstream, uint32_t phase, uint64_t pn) {
  crypt_keystream_fill(world_keystream_up(w, upstream, pn),
                       &w->ops->keys(w)[world_key_up(upstream, phase)], pn);
}
void world_feed_down(struct world *w, uint32_t slot, uint64_t pn) {
  crypt_keystream_fill(world_keystream_down(w, slot, pn), &w->ops->keys(w)[world_key_down(slot)],
                       pn);
}

struct fb_upstream world_sealed_upstream(const struct world *w, uint32_t slot,
                                         const struct fb_upstream *v) {
  struct fb_upstream out = *v;
  if (slot < WORLD_PLAIN_UPSTREAM && out.protection == FB_PROTECT_NONE)
    out.protection = (__u8)w->seal;
  return out;
}

struct fb_subscriber world_sealed_subscriber(struct world *w, uint32_t slot,
                                             const struct fb_subscriber *v) {
  struct fb_subscriber out = *v;
  if (!w->seal)
    return out;
  if (out.protection == FB_PROTECT_NONE) {
    out.protection = (__u8)cipher_of(w, slot);
    out.key_slot = world_key_down(slot);
  }
  if (out.state != FB_SUB_FREE && w->ops->keys(w)[world_key_down(slot)].generation == 0) {
    struct secret s = world_sub_secret(w, slot);
    world_set_key(w, world_key_down(slot), &s, 1000 + slot);
  }
  w->subs[slot] = out;
  return out;
}

void world_sealed_begin(struct world *w) {
  static struct secret publisher;
  packet_seal_with(NULL);
  if (!w->seal)
    return;
  publisher = world_up_secret(w, 0);
  packet_seal_with(&publisher);
  memset(w->subs, 0, sizeof(w->subs));
  for (uint32_t u = 0; u < WORLD_UPSTREAMS; u++)
    world_set_key(w, world_key_up(u, 0), &publisher, 10 + u);
}

/* Every third subscriber's keystream is there, and every second of the publisher's. */
void world_sealed_feed(struct world *w) {
  if (!w->seal)
    return;
  uint64_t expected = w->ops->state(w)[0].expected;
  if (expected % 2)
    world_feed_up(w, 0, 0, expected);
  for (uint32_t slot = 0; slot < w->config.subscribers && slot < WORLD_SUBSCRIBERS; slot += 3)
    if (w->ops->keys(w)[world_key_down(slot)].generation)
      world_feed_down(w, slot, w->ops->counters(w)[slot].next_pn);
}

/* A copy nobody could open is no copy. */
void world_open_copy(struct world *w, struct copy *c) {
  const struct fb_subscriber *sub = &w->subs[c->slot];
  struct secret s = world_sub_secret(w, c->slot);
  size_t head = c->frame[12] == 0x86 ? 62 : 42;
  struct piece payload = {.len = c->len - head};
  bool partial = checksums_good(c->frame, c->len, 1);
  assert_true(partial || checksums_good(c->frame, c->len, 0));
  memcpy(payload.bytes, c->frame + head, payload.len);
  if (!unprotect(&s, &payload, sub->dcid_len, c->pn))
    fail_msg("%s: the copy for subscriber %u with number %llu is not authentic", w->ops->name,
             c->slot, (unsigned long long)c->pn);
  memcpy(c->frame + head, payload.bytes, payload.len);
  if (!partial)
    checksum_renew(c->frame, c->len);
}

void world_sealed_open(struct world *w) {
  for (size_t i = 0; w->seal && i < w->n_copies; i++)
    world_open_copy(w, &w->copies[i]);
}
