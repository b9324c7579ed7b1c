/* What user space tells the datapath: upstreams, tracks, subscribers.
 *
 * Each is one array slot with a bpf_spin_lock in front, written with BPF_F_LOCK
 * and copied out under the lock, so that address, ID, key slot and phase change
 * together. All addresses and ports are in network order; everything else in
 * host order. An IPv4 address lies in the first 4 bytes of its 16. */
#ifndef FANBENCH_BPF_ABI_ENTRY_H
#define FANBENCH_BPF_ABI_ENTRY_H

#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

#ifdef __bpf__
/* No typedef: the kernel looks for the name of the struct. */
#define fb_lock struct bpf_spin_lock
#else
typedef struct {
  __u32 word; /* struct bpf_spin_lock of the kernel: one 32-bit word */
} fb_lock;
#endif

/* Both ends of a path as they stand in a packet *received* by the relay. */
struct fb_path {
  __u8 local_addr[16];
  __u8 remote_addr[16];
  __u16 local_port, remote_port;
  __u8 family; /* 4 or 6; 0 = none */
  __u8 pad[3];
};
FB_ASSERT_SIZE(struct fb_path, 40);

/* Key of the map of the relay's connection IDs used by upstreams. */
struct fb_cid_key {
  __u8 len; /* FB_UPSTREAM_CID or FB_UPSTREAM_CID_DIAL */
  __u8 data[FB_MAX_CID];
  __u8 pad[3];
};
FB_ASSERT_SIZE(struct fb_cid_key, 24);

struct fb_cid_value {
  __u32 upstream; /* slot */
  __u32 gen;      /* of the upstream; a mismatch means a stale ID */
};
FB_ASSERT_SIZE(struct fb_cid_value, 8);

/* ---- upstream --------------------------------------------------------------- */

enum fb_protection { FB_PROTECT_NONE = 0, FB_PROTECT_CHACHA20 = 1, FB_PROTECT_AES128GCM = 2 };

/* What follows the lock; a snapshot has the same layout with a plain word in front,
 * because the kernel allows a spin lock only in the array itself. */
#define FB_UPSTREAM_BODY                                                                           \
  __u32 gen;    /* connection generation; 0 = free */                                              \
  __u32 active; /* 0: its packets only go up */                                                    \
  __u8 protection;                                                                                 \
  __u8 phase; /* key phase bit to expect; protected packets may have the other one (keys.h) */     \
  __u8 pad[2];                                                                                     \
  struct fb_path path;
struct fb_upstream {
  fb_lock lock;
  FB_UPSTREAM_BODY
};
struct fb_upstream_copy {
  __u32 lock_word;
  FB_UPSTREAM_BODY
};
FB_ASSERT_SIZE(struct fb_upstream, 56);
FB_ASSERT_SIZE(struct fb_upstream_copy, 56);

/* Shared words of an upstream, in an mmapable array; only atomics touch them.
 * expected: largest authenticated number + 1. window: duplicates; a word is
 * (block << 32 | bits), block = number / 32, in place block % FB_WINDOW_WORDS.
 * User space raises `expected` for numbers that only it saw. ks_...: opened packets, as in
 * struct fb_counters. */
struct fb_upstream_state {
  __u64 expected;
  __u64 ks_ready, ks_computed, ks_raced;
  __u64 pad[4];
  __u64 window[FB_WINDOW_WORDS];
};
FB_ASSERT_SIZE(struct fb_upstream_state, 64 + 8 * FB_WINDOW_WORDS);

/* ---- tracks ------------------------------------------------------------------- */

struct fb_alias_key {
  __u64 alias; /* the publisher's */
  __u32 upstream;
  __u32 upstream_gen;
};
FB_ASSERT_SIZE(struct fb_alias_key, 16);

struct fb_alias_value {
  __u32 track;     /* index, < FB_MAX_TRACKS */
  __u32 out_alias; /* relay-wide; written in the same width as it came */
  __u8 default_priority;
  __u8 pad[3];
};
FB_ASSERT_SIZE(struct fb_alias_value, 12);

/* Shared words of a track, in an mmapable array, slot = its index. User space raises
 * newest_group with what it has seen; the datapath may already be one group further. */
struct fb_track_state {
  __u64 newest_group;
  __u64 pad[7];
};
FB_ASSERT_SIZE(struct fb_track_state, 64);

/* What one subscriber wants of one track: array slot subscriber * FB_MAX_TRACKS + track. */
struct fb_subscription {
  fb_lock lock;
  __u32 gen;                     /* of the subscriber's connection; must equal the entry's */
  __u64 start_group;             /* first group it gets */
  __u8 on;                       /* 0 = not subscribed */
  __u8 forward;                  /* MoQT FORWARD */
  __u8 priority_lo, priority_hi; /* PRIORITY_FILTER, both inclusive; 0..255 = none */
  __u32 delivery_timeout_ms;     /* 0 = nothing may be dropped by a strategy */
};
FB_ASSERT_SIZE(struct fb_subscription, 24);

/* ---- subscriber ----------------------------------------------------------------- */

enum fb_subscriber_state {
  FB_SUB_FREE = 0,
  FB_SUB_JOINING = 1, /* everything is deferred and recorded */
  FB_SUB_ACTIVE = 2,
  FB_SUB_CLOSING = 3, /* nothing is copied any more */
};

/* As with the upstream: the same layout with and without the lock. */
#define FB_SUBSCRIBER_BODY                                                                         \
  __u32 gen;   /* connection generation, 1..2^24-1 */                                              \
  __u8 state;  /* enum fb_subscriber_state */                                                      \
  __u8 family; /* 4 or 6 */                                                                        \
  __u8 dcid_len;                                                                                   \
  __u8 protection;  /* enum fb_protection */                                                       \
  __u8 spin, phase; /* bits of the short header */                                                 \
  __u8 pad[2];                                                                                     \
  __u32 ifindex;      /* where copies leave */                                                     \
  __u32 key_slot;     /* fb_key_down() of keys.h */                                                \
  __u16 max_payload;  /* largest UDP payload: path MTU and max_udp_payload_size */                 \
  __u16 max_datagram; /* peer's max_datagram_frame_size, frame header included */                  \
  __u8 dst_mac[6], src_mac[6];                                                                     \
  __u8 dst_addr[16], src_addr[16];                                                                 \
  __u16 dst_port, src_port;                                                                        \
  __u8 dcid[FB_MAX_CID];                                                                           \
  __u32 flow_label;                                                                                \
  __u64 initial_max_stream_data;
struct fb_subscriber {
  fb_lock lock;
  FB_SUBSCRIBER_BODY
};
struct fb_subscriber_copy {
  __u32 lock_word;
  FB_SUBSCRIBER_BODY
};
FB_ASSERT_SIZE(struct fb_subscriber, 112);
FB_ASSERT_SIZE(struct fb_subscriber_copy, 112);

/* ---- streams -------------------------------------------------------------------- */

/* What holds a stream slot. A slot is taken over by a newer stream of the same
 * upstream, by any stream once its holder is finished, or once the holder's
 * connection is gone; never by a stream of an upstream that had the slot, or another
 * one as new, before: a late resend of its header is no new stream. */
enum fb_stream_use {
  FB_STREAM_FREE = 0,
  FB_STREAM_OPEN = 1,
  FB_STREAM_FIN = 2,  /* the frame with FIN was admitted: frontier = final size */
  FB_STREAM_SLOW = 3, /* user space's alone, for the reason in `slow` */
  /* Frames above offset 0 came before the header. They go the slow way; `frontier` is
   * their largest end, so that a resend of them is not copied once the header is there.
   * `slow`: 1 = one of them had the FIN. */
  FB_STREAM_EARLY = 4,
};

/* An upstream stream that the datapath follows; its slot is fb_stream_slot() (one table
 * for all upstreams, keyed by what is in it). Written
 * by the datapath alone; user space marks a stream as its own with the program
 * `take_stream` (struct fb_take).
 * past_next, of the upstream's connection past_gen: ordinals below it have had the slot,
 * or were taken by user space while another upstream's stream had it. */
struct fb_stream {
  fb_lock lock;
  __u32 upstream, upstream_gen;
  __u32 claim;    /* 1..65535, counts the slot's owners; 0 = never used */
  __u64 ordinal;  /* stream ID / 4 */
  __u64 frontier; /* largest end offset seen */
  __u64 group, subgroup;
  __u32 track, out_alias;
  __u16 header_len;
  __u8 priority;
  __u8 used;  /* enum fb_stream_use */
  __u32 slow; /* enum fb_decision of all its frames, if FB_STREAM_SLOW */
  __u32 past_gen[FB_MAX_UPSTREAMS];
  __u64 past_next[FB_MAX_UPSTREAMS];
};
FB_ASSERT_SIZE(struct fb_stream, 64 + 12 * FB_MAX_UPSTREAMS);

/* Streams of one upstream lie in the order of their ordinals, each upstream's from
 * another place on: two publishers that begin at the same time do not meet. */
static inline __attribute__((always_inline)) __u32 fb_stream_slot(__u32 upstream, __u64 ordinal,
                                                                  __u32 slots) {
  return (__u32)((ordinal + (__u64)upstream * (slots / FB_MAX_UPSTREAMS)) % slots);
}

/* A stream as one subscriber sees it: array slot stream_slot * FB_MAX_SUBSCRIBERS +
 * subscriber, mmapable, only atomics. Every word carries the claim of the stream
 * slot in its upper 16 bits; a word with another claim is not set.
 *   id       claim << 48 | downstream ordinal (48 bits)
 *   charged  claim << 48 | largest end offset charged to flow control
 *   limit    claim << 48 | MAX_STREAM_DATA, once it was raised over the initial one
 * id holds FB_DOWN_SKIPPED instead of an ordinal if the subscriber was not entitled
 * to the subgroup when its header came: a skipped subgroup stays skipped. User space
 * writes `limit`, raises `charged` and may turn an ordinal into FB_DOWN_SKIPPED (after
 * it reset the stream), each by compare-and-exchange. */
struct fb_down {
  __u64 id, charged, limit, pad;
};
FB_ASSERT_SIZE(struct fb_down, 32);
#define FB_CLAIM_SHIFT  48
#define FB_CLAIM_MAX    0xffffu
#define FB_DOWN_MASK    ((1ull << FB_CLAIM_SHIFT) - 1)
#define FB_DOWN_SKIPPED FB_DOWN_MASK

/* The last object of a stream whose header user space has read, for strategies that go by age:
 * array slot = stream slot, mmapable, only atomics. Bytes of the stream below `end` (claim << 48 |
 * offset) belong to it, or to one before it that the datapath has seen the end of; the last byte of
 * its header was read at since_ns, on the clock of port_now_ns(). User space sets `end` to 0, then
 * since_ns, then `end`: who finds another `end` after since_ns than before knows nothing. The
 * datapath sets `end` to 0 when a stream begins whose claim it carries. */
struct fb_object {
  __u64 end, since_ns;
};
FB_ASSERT_SIZE(struct fb_object, 16);

enum fb_take_result {
  FB_TAKE_FOLLOWED = 0, /* the datapath follows it: the record of its header is in a ring */
  FB_TAKE_OURS = 1,     /* the datapath will never claim it */
};

/* Argument of the program `take_stream`: from now on the datapath copies nothing of
 * this stream; its frames carry the decision no-header. User space runs it before it
 * opens a stream downstream that came without a record of its header, so that a
 * resent header is not taken for a new stream.
 * A stream that the datapath follows it keeps, but bytes below `frontier` are user space's, and the
 * end if `fin` is 1: they came without a record (on a path not yet validated, or when
 * the ring was full), and a resend of them is not to be copied. */
struct fb_take {
  __u32 upstream, upstream_gen;
  __u64 ordinal; /* stream ID / 4 */
  __u32 result;  /* out: enum fb_take_result */
  __u32 fin;
  __u64 frontier;
};
FB_ASSERT_SIZE(struct fb_take, 32);

/* ---- the whole ------------------------------------------------------------------- */

struct fb_config {
  __u32 on;
  __u16 port; /* host order: the relay's UDP port */
  __u16 pad;
  __u32 subscribers; /* slots in use: [0, subscribers) */
  __u32 pad2;
};
FB_ASSERT_SIZE(struct fb_config, 16);

#endif
