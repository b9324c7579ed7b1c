/* A datapath under test with everything around it, natively or in the kernel.
 *
 * A fixture is written once against this; it runs in both worlds, and what it saw (the
 * transcript: reasons, copies byte for byte, records, counters, state) must be equal. */
#ifndef FANBENCH_BPF_T_WORLD_H
#define FANBENCH_BPF_T_WORLD_H

#include "bpf/abi/counters.h"
#include "bpf/abi/defects.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/keys.h"
#include "bpf/abi/record.h"
#include "bpf/t/packet.h"
#include "bpf/t/protect.h"

#include <stdbool.h>

/* Small arrays, so that they wrap within a test; more than one batch of subscribers. */
#define WORLD_SUBSCRIBERS 128
#define WORLD_TRACKS      8
#define WORLD_STREAMS     16
#define WORLD_UPSTREAMS   4
#define WORLD_RING_BYTES  65536
#define WORLD_PORT        4433
#define WORLD_COPIES      128
#define WORLD_KEYSTREAMS  4 /* of each subscriber and upstream */
/* Slots from here on have no protection in a sealed world either. */
#define WORLD_PLAIN          127 /* subscribers */
#define WORLD_PLAIN_UPSTREAM 3

struct copy {
  uint32_t slot, gen, ifindex;
  uint64_t pn;
  size_t len;
  uint8_t frame[PIECE_MAX]; /* Ethernet */
};

/* Room for the longest kind of record. */
union record {
  struct fb_record copy;
  struct fb_failed failed;
};

struct transcript {
  uint8_t *bytes;
  size_t len, room;
};

struct world;
struct world_ops {
  const char *name;
  void (*reset)(struct world *w); /* everything zero, rings empty */
  void (*set_config)(struct world *w, const struct fb_config *v);
  void (*set_upstream)(struct world *w, uint32_t slot, const struct fb_upstream *v);
  void (*set_cid)(struct world *w, const struct fb_cid_key *key, const struct fb_cid_value *v);
  void (*set_alias)(struct world *w, const struct fb_alias_key *key,
                    const struct fb_alias_value *v);
  void (*set_subscriber)(struct world *w, uint32_t slot, const struct fb_subscriber *v);
  void (*set_subscription)(struct world *w, uint32_t slot, uint32_t track,
                           const struct fb_subscription *v);
  void (*get_stream)(struct world *w, uint32_t slot, struct fb_stream *v);
  void (*set_stream)(struct world *w, uint32_t slot, const struct fb_stream *v);
  void (*take_stream)(struct world *w, struct fb_take *take);
  struct fb_counters *(*counters)(struct world *w); /* the arrays themselves */
  struct fb_down *(*downs)(struct world *w);
  struct fb_object *(*objects)(struct world *w);
  struct fb_upstream_state *(*state)(struct world *w);
  struct fb_track_state *(*tracks)(struct world *w);
  struct fb_key *(*keys)(struct world *w); /* these three: sealed worlds alone */
  struct fb_ghash *(*ghash)(struct world *w);
  struct fb_keystream *(*keystreams)(struct world *w);
  /* While the next packet is copied, another CPU counts a copy too (defect global-counter).
   * NULL in the kernel, whose test runs have a CPU to themselves. */
  void (*count_copy)(struct world *w);
  /* Runs one frame: reason, and w->copies. The frame must come out as it went in. */
  enum fb_packet_reason (*run)(struct world *w, const struct piece *frame, bool gso);
  void (*limit_copies)(struct world *w,
                       uint32_t most); /* of a packet; one more fails with ENOSPC */
  void (*drain)(struct world *w);      /* records into w->records */
  void (*close)(struct world *w);
};

struct world {
  const struct world_ops *ops;
  void *impl;
  struct fb_config config;
  struct fb_defects defects;
  uint32_t policy; /* enum dp_policy */
  /* FB_PROTECT_NONE, or what the publisher's packets are sealed with; copies for odd slots
   * then have the other cipher. */
  enum fb_protection seal;
  struct fb_subscriber subs[WORLD_SUBSCRIBERS]; /* of a sealed world, as written last */
  bool own_aead; /* natively: wolfSSL does what bpf/crypt would (struct dp_native_aead) */
  /* of the last packet */
  struct copy copies[WORLD_COPIES];
  size_t n_copies;
  union record *records;
  size_t n_records;
  uint32_t most_copies;
  unsigned counter_accesses;
  uint64_t ns;       /* what it took, in the kernel */
  bool keep_records; /* leave them in the ring, until it is full */
  struct transcript transcript;
  uint32_t seen_reasons, seen_decisions; /* bits: what the fixtures have met */
};

/* `defects`: switches to set, NULL = none; constants of the kernel's program. */
struct world *world_native(const struct fb_defects *defects);
/* NULL: not possible here, *why says for what reason. A program that should load and does
 * not fails the test. */
struct world *world_kernel(const struct fb_defects *defects, const char **why);
/* The same under a strategy of bpf/dp/policy; no defects. */
struct world *world_native_policy(uint32_t policy);
struct world *world_kernel_policy(uint32_t policy, const char **why);
/* The same, but copies leave by interfaces, and packets come in by them: see emit_test.c.
 * run() is not for this one. */
struct world *world_live(const char **why);
/* Attaches the program of world_live() to an interface, until the world ends. */
void world_live_attach(struct world *w, int ifindex);
/* The same with real packet protection. Fixtures see little of it: packets are sealed on
 * their way in, copies must be authentic and are opened on their way out; some keystreams are
 * there ahead, others are not. */
struct world *world_native_sealed(enum fb_protection cipher);
struct world *world_kernel_sealed(enum fb_protection cipher, const char **why);
struct world *world_live_sealed(enum fb_protection cipher, const char **why);
void world_free(struct world *w);

/* Used by both: takes in a record; adds to the transcript. */
void world_note_record(struct world *w, const void *record, size_t len);
void world_note(struct world *w, const void *bytes, size_t len);

/* ---- a fixture's words --------------------------------------------------------------- */

/* Switched on; upstream 0 with the publisher's ID and path of that family, generation 1;
 * track 0 (alias 1, relay's alias 5, priority 128) and track 1 (alias 2, relay's alias 6,
 * priority 10); no subscriber. */
void world_begin(struct world *w, int family);

/* A subscriber with generation 100 + slot, an 8-byte ID, generous limits; next joint
 * number 1000 * (slot + 1), downstream ordinals from 3. Subscribed to both tracks. */
struct fb_subscriber world_subscriber(uint32_t slot, int family);
void world_add(struct world *w, uint32_t slot, const struct fb_subscriber *v);
void world_join(struct world *w, uint32_t first,
                uint32_t count); /* IPv4, slots [first, first + count) */

struct fb_subscription world_subscription(uint32_t slot);

/* The oldest that waits for the subscriber came so long ago. Tests take less than an hour:
 * give hours, and no clock is asserted on. 0 = nothing waits. */
void world_lag(struct world *w, uint32_t slot, uint64_t ms);
/* User space has read an object's header `ms` ago: it is the last one of what has the stream slot
 * of that ordinal, and ends there. */
void world_object(struct world *w, uint64_t ordinal, uint64_t end, uint64_t ms);

struct fb_counters *counters_of(struct world *w, uint32_t slot);
struct fb_down *down_of(struct world *w, uint64_t ordinal, uint32_t slot);

/* Puts the packet on the publisher's IPv4 path with a good checksum, and runs it. */
enum fb_packet_reason send_packet(struct world *w, const struct packet *p);
enum fb_packet_reason send_frame(struct world *w, struct piece frame);

/* What the last packet's records say; fails the test if there is no such entry. */
const struct fb_record_sub *recorded(struct world *w, uint32_t slot);
const struct fb_frame *recorded_frame(struct world *w, uint32_t f);
enum fb_decision decided(struct world *w, uint32_t slot, uint32_t f);
/* The last packet's copy for a subscriber; NULL if there is none. */
const struct copy *copy_for(struct world *w, uint32_t slot);
/* UDP payload of a copy. */
const uint8_t *copy_payload(const struct copy *c, size_t *len);

/* ---- sealed worlds ------------------------------------------------------------------- */

/* Keys of the publisher (all upstreams share them) and of a subscriber. */
struct secret world_up_secret(const struct world *w, uint32_t phase);
struct secret world_sub_secret(const struct world *w, uint32_t slot);

/* Writes a key, and its table, at a place of the arrays; nothing for a secret of the null AEAD. */
void world_set_key(struct world *w, uint32_t place, const struct secret *s, uint64_t generation);
/* Makes the keystream for a number with the key at a place of the arrays. */
void world_feed_up(struct world *w, uint32_t upstream, uint32_t phase, uint64_t pn);
void world_feed_down(struct world *w, uint32_t slot, uint64_t pn);
/* Places of key and keystreams. */
uint32_t world_key_up(uint32_t upstream, uint32_t phase);
uint32_t world_key_down(uint32_t slot);
struct fb_keystream *world_keystream_up(struct world *w, uint32_t upstream, uint64_t pn);
struct fb_keystream *world_keystream_down(struct world *w, uint32_t slot, uint64_t pn);

/* Used by both executors: the entries with protection put in (unless they name some). */
struct fb_upstream world_sealed_upstream(const struct world *w, uint32_t slot,
                                         const struct fb_upstream *v);
struct fb_subscriber world_sealed_subscriber(struct world *w, uint32_t slot,
                                             const struct fb_subscriber *v);
/* And by world.c: keys; keystreams for the next packet; copies opened. */
void world_sealed_begin(struct world *w);
void world_sealed_feed(struct world *w);
void world_sealed_open(struct world *w);
/* Opens one copy in place (slot, pn and length as told), its checksum right again; one that is
 * not authentic fails the test. */
void world_open_copy(struct world *w, struct copy *c);

/* Counters, streams, window: the end of a transcript. */
void world_end(struct world *w);

#endif
