/* The datapath: a QUIC packet in, decisions and copies out.
 *
 * dp_packet() is given a UDP payload and its path. It parses, admits, chooses,
 * numbers, records, rewrites, seals and emits; L2 to L4, maps, atomics, clock
 * and the sending itself are the port's (bpf/port/). The same code runs in the
 * kernel and natively.
 *
 * The steps, one file each, in the packet's order:
 *   parse    connection ID, upstream, path; open (number, authenticity); window (duplicates)
 *   walk     all frames: which are fan-out material, the others are blanked
 *   admit    each frame: is it new, whose track, which group and priority
 *   choose   each (frame, subscriber): one decision; charge (flow control)
 *   number   joint number, the copy record
 *   rewrite  header, stream IDs and padding of one copy
 *   seal     packet protection of one copy (bpf/crypt)
 *   emit     handing it to the port
 *
 * A step is a function on struct dp_scratch. In the kernel it is verified by itself,
 * so it trusts no index that lies in the scratch. Functions that return enum
 * fb_packet_reason return FB_PKT_FANNED to go on. */
#ifndef FANBENCH_BPF_DP_DP_H
#define FANBENCH_BPF_DP_DP_H

#include "bpf/abi/counters.h"
#include "bpf/abi/defects.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/record.h"
#include "bpf/crypt/buf.h"
#include "bpf/port/port.h"
#include "bpf/wire/frame.h"

/* Where the UDP payload begins in a packet buffer; headers lie in front of it. All
 * positions below are places in a packet buffer. */
#define DP_PAYLOAD FB_MAX_HEADERS

/* Batches of one packet: record.batch is one byte. */
#define DP_MAX_BATCHES 256

/* Where a fan-out frame lies; record.frames[i] says what it is. */
struct dp_place {
  __u16 at, end; /* of the frame, type byte included */
  __u16 id_at;   /* STREAM: the stream ID varint */
  __u16 data_at;
  __u16 alias_at; /* track alias vi64 */
  __u8 alias_len; /* 0 = none in this frame */
  __u8 id_len;
};

/* What decides for one subscriber before any frame is looked at. */
struct dp_gate {
  __u8 first;  /* enum fb_decision: SEND, or a refusal by state, hold, numbers, credit */
  __u8 second; /* SEND, or a refusal by size, family, key; asked behind the frame's own */
  __u8 pad[6];
};

/* All state of one packet; a per-CPU map value in the kernel. Each buffer may be read
 * and written in words of 8 bytes, also a little behind its end. */
struct dp_scratch {
  __u8 raw[FB_BUF_LEN]; /* the packet as it came */
  /* opened: the plaintext that all copies have in common. The header, frames that stay
   * on this hop and the tag are zero, track aliases are the relay's. */
  __u8 clear[FB_BUF_LEN];
  __u8 copy[FB_BUF_LEN];   /* one copy, in the clear */
  __u8 sealed[FB_BUF_LEN]; /* and as it leaves, if it is protected */
  struct fb_path path;     /* of the packet */
  __u32 slots;             /* subscriber slots in use when the packet came */
  __u32 len;               /* UDP payload */
  __u32 upstream, upstream_gen;
  __u64 pn;
  __u8 pn_len;
  __u8 cid_len;
  __u8 partial_csum; /* CHECKSUM_PARTIAL: copies carry the pseudo-header sum */
  __u8 emitted;      /* a copy overwrote the packet: it must be restored */
  __u8 copy_ready;   /* `copy` holds plaintext; copy_frames says which frames */
  __u8 copy_frames;  /* bit f: fan-out frame f is in `copy` */
  __u16 head_end;    /* first byte behind the packet number */
  __u32 frames_end;  /* the tag begins */
  __u32 walk_at;
  __u8 kinds[2]; /* fan-out frames seen of each enum fb_frame_kind */
  __u8 pad[2];
  __u32 stream_slots[FB_MAX_FRAMES]; /* of frames that have a claim */
  __u32 age_ms[FB_MAX_FRAMES];       /* of the object it begins with, see policy.h */
  struct dp_place places[FB_MAX_FRAMES];
  __u32 copy_head;   /* first byte behind the number in `copy` */
  __u32 copy_pn_len; /* bytes of that number */
  struct crypt_work crypt;
  struct dp_gate gate;
  struct wire_frame frame; /* the one being walked */
  struct fb_upstream_copy up;
  struct fb_record record;
  struct fb_subscriber_copy subs[FB_BATCH]; /* snapshots, as in record.subs */
  __u8 sends[FB_BATCH];                     /* bit f: frame f goes to record.subs[n] */
  struct fb_failed failed;
};

/* Handles the packet in s->raw (path, len and partial_csum set; the rest is whatever an
 * earlier packet left). */
PORT_GLOBAL int dp_packet(port_t *p, struct dp_scratch *s);

/* One batch of FB_BATCH slots; used by dp_packet() alone. Returns 1 if a record was written. */
PORT_GLOBAL int dp_batch(port_t *p, struct dp_scratch *s, __u32 batch, __u64 time_ns);

#endif
