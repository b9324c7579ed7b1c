/* Packet protection (RFC 9001 section 5): keys, and keystreams made ahead of their packets.
 *
 * Three arrays, all mmapable, all written by user space alone; the datapath only reads
 * them. They are sized when the program is loaded (see below): a run with `protection:
 * none` has one element of each and never looks at it.
 *
 *   keys         struct fb_key, fb_keys(subscribers, upstreams) of them
 *   ghash        struct fb_ghash, as many; of AES-128-GCM alone, else one element
 *   keystreams   struct fb_keystream, fb_keystreams(...) of them
 *
 * Constants of the program, set before it is loaded (constants.h; natively: struct dp_native_sizes):
 *   protect                bits 1 << enum fb_protection that this run may meet. What is not
 *                          there is no-key or bad-tag, and the verifier never sees its code
 *   keystreams_down        keystreams of each subscriber, a power of two
 *   keystreams_up          keystreams of each upstream, a power of two
 *
 * Whose is which key
 *   A subscriber has two key slots, fb_key_down(subscriber, 0 and 1). Its entry names the
 *   one in use (key_slot) beside the key phase bit, so both change in one write under the
 *   entry's lock. An upstream has two as well, fb_key_up(..., phase bit): a packet is opened
 *   with the set of the phase bit it carries. The header protection key is the same in
 *   both (RFC 9001 5.4); that of fb_upstream.phase is the one the datapath uses, so that
 *   set must always be there.
 *
 * Writing a key: fill an element whose generation is 0, then store the generation (release).
 *   A generation is never given twice by one relay process. A slot that was used is written
 *   again only after: generation = 0; the quiesce barrier (no program run that began before
 *   is in flight); all other words zeroed. Until a subscriber's first key is there its
 *   entry's protection makes every frame no-key.
 * Numbers: a key is used for [from, until) alone. Down: until = from + the AEAD limit
 *   (RFC 9001 6.6; joint numbers count both paths together); at `until` the datapath stops
 *   with no-key, and user space has to update the key or close. Up: an old key keeps
 *   [from, first number of the new phase), the new one begins there, and a number outside
 *   goes up with the reason key-phase: user space judges it. `until` may be lowered while the
 *   key is in use, by one store.
 * Forgetting: when a connection ends, user space zeroes its keys, GHASH tables and
 *   keystreams behind the quiesce barrier; after a key update those of the old key (up: not
 *   before the old phase's time is over).
 *
 * Writing a keystream (the feeder; one writer an element):
 *   tag = 0; full barrier; once, bytes; tag = fb_keystream_tag(generation, number) (release).
 *   The datapath uses an element only if its tag is that of the packet's key and number
 *   before AND after; else it computes the keystream itself, which costs time and nothing
 *   else. So no element is ever needed, and a torn one never reaches the network. Each
 *   number seals one packet: fetch-add takes it. The feeder zeroes or overwrites what lies
 *   below next_pn (down), or below `expected` less what reordering wants (up).
 *   What to make next follows from fb_counters.next_pn and fb_upstream_state.expected:
 *   both move whether the datapath met its keystream or not, and both only with authentic
 *   packets, so a forger can't send the feeder astray.
 *
 * Statistics: ks_ready, ks_computed, ks_raced in struct fb_counters (down) and struct
 * fb_upstream_state (up). */
#ifndef FANBENCH_BPF_ABI_KEYS_H
#define FANBENCH_BPF_ABI_KEYS_H

#include "bpf/abi/entry.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

/* 1..FB_KEY_GENERATIONS - 1. */
#define FB_KEY_GENERATION_BITS 24
#define FB_KEY_GENERATIONS     (1ull << FB_KEY_GENERATION_BITS)
/* Numbers from here on have no tag and therefore no keystream ahead. */
#define FB_KEYSTREAM_NUMBERS (1ull << (64 - FB_KEY_GENERATION_BITS))

/* Words are little endian, as the bytes stand in the RFCs' keys. bpf/crypt/key.h fills in
 * everything but generation, from and until. */
struct fb_key {
  __u64 generation;  /* 0 = no key here */
  __u64 from, until; /* packet numbers, `until` excluded */
  __u32 cipher;      /* enum fb_protection */
  __u32 iv[3];
  __u32 key[44]; /* ChaCha20: the 8 words of the key; AES-128: 11 round keys */
  __u32 hp[44];  /* the same for header protection */
  __u8 pad[56];
};
FB_ASSERT_SIZE(struct fb_key, 448);

/* Products with the GHASH key H (NIST SP 800-38D): products[2 * i + j][v] is H times the
 * block whose only nibble that is not 0 is v, in byte i, low half if j = 0, high if 1. */
struct fb_ghash {
  __u64 products[32][16][2];
  __u8 pad[64]; /* the verifier takes a nibble times 16 for any byte */
};
FB_ASSERT_SIZE(struct fb_ghash, 8192 + 64);

/* Keystream of the longest packet, a whole number of 64-byte blocks. */
#define FB_KEYSTREAM_LEN 1472

struct fb_keystream {
  __u64 tag; /* fb_keystream_tag(); 0 = nothing here */
  __u64 pad[3];
  /* What the tag needs. ChaCha20-Poly1305: the one-time key, bytes 0..31 of block 0.
   * AES-128-GCM: E(J0), bytes 0..15. */
  __u8 once[32];
  __u8 bytes[FB_KEYSTREAM_LEN]; /* ChaCha20: from block 1; AES: from counter 2 */
};
FB_ASSERT_SIZE(struct fb_keystream, 64 + FB_KEYSTREAM_LEN);
FB_ASSERT_AT(struct fb_keystream, bytes, 64);
_Static_assert(FB_KEYSTREAM_LEN >= FB_MAX_PAYLOAD - 5 - FB_TAG_LEN && FB_KEYSTREAM_LEN % 64 == 0,
               "a keystream does not cover the longest packet");

#define FB_KEYS_INLINE static inline __attribute__((always_inline, unused))

/* 0 if the number is too large for one: then there is none. */
FB_KEYS_INLINE __u64 fb_keystream_tag(__u64 generation, __u64 pn) {
  return pn < FB_KEYSTREAM_NUMBERS ? generation << (64 - FB_KEY_GENERATION_BITS) | pn : 0;
}

/* ---- places in the arrays; `subscribers` and `upstreams` as they were sized ------------- */

FB_KEYS_INLINE __u32 fb_keys(__u32 subscribers, __u32 upstreams) {
  return 2 * (subscribers + upstreams);
}
/* which = 0, 1. */
FB_KEYS_INLINE __u32 fb_key_down(__u32 subscriber, __u32 which) {
  return 2 * subscriber + which;
}
FB_KEYS_INLINE __u32 fb_key_up(__u32 subscribers, __u32 upstream, __u32 phase) {
  return 2 * (subscribers + upstream) + phase;
}

/* down, up = keystreams of each, powers of two. */
FB_KEYS_INLINE __u32 fb_keystreams(__u32 subscribers, __u32 upstreams, __u32 down, __u32 up) {
  return subscribers * down + upstreams * up;
}
FB_KEYS_INLINE __u32 fb_keystream_down(__u32 down, __u32 subscriber, __u64 pn) {
  return subscriber * down + ((__u32)pn & (down - 1));
}
FB_KEYS_INLINE __u32 fb_keystream_up(__u32 subscribers, __u32 down, __u32 up, __u32 upstream,
                                     __u64 pn) {
  return subscribers * down + upstream * up + ((__u32)pn & (up - 1));
}

/* Bytes that protection adds to each subscriber. */
FB_KEYS_INLINE __u64 fb_key_memory(__u32 protect, __u32 down) {
  __u64 tables = protect >> FB_PROTECT_AES128GCM & 1 ? sizeof(struct fb_ghash) : 0;
  return 2 * (sizeof(struct fb_key) + tables) + (__u64)down * sizeof(struct fb_keystream);
}

#endif
