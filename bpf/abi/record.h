/* Copy record: what the datapath wrote about one packet and one batch of up to
 * 64 subscribers, in this CPU's ring, before the first copy left.
 *
 * Only the slots that are not FREE appear, `n_subs` of them. The record ends
 * behind subs[n_subs - 1]; FB_RECORD_LEN gives its length. */
#ifndef FANBENCH_BPF_ABI_RECORD_H
#define FANBENCH_BPF_ABI_RECORD_H

#include "bpf/abi/decision.h"
#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

#define FB_RECORD_COPY   0x46424350u /* "FBCP" */
#define FB_RECORD_FAILED 0x46424641u /* "FBFA" */

enum fb_frame_kind { FB_FRAME_STREAM = 0, FB_FRAME_DATAGRAM = 1 };

/* A fan-out frame of the packet. */
struct fb_frame {
  __u8 kind; /* enum fb_frame_kind */
  __u8 fin;
  __u8 admit;     /* enum fb_decision: SEND, or why nobody gets it on the fast path */
  __u8 header;    /* 1: a stream's first bytes, MoQT header whole in the frame */
  __u16 len;      /* data bytes */
  __u16 index;    /* of the frame among the packet's fan-out frames of this kind */
  __u32 track;    /* FB_NO_TRACK if not known */
  __u32 claim;    /* stream slot's claim; 0 = none */
  __u64 stream;   /* upstream stream ID; 0 for DATAGRAM */
  __u64 offset;   /* stream offset; 0 for DATAGRAM */
  __u64 group;    /* valid if track is known */
  __u64 subgroup; /* STREAM: subgroup ID or FB_SUBGROUP_BY_OBJECT; DATAGRAM: object ID */
  __u8 priority;
  __u8 header_len; /* of the MoQT header, valid if `header`: an object begins behind it */
  __u8 pad[6];
};
FB_ASSERT_SIZE(struct fb_frame, 56);
#define FB_NO_TRACK 0xffffffffu
/* The subgroup's ID is that of its first object: it stands behind the MoQT header,
 * which is all the datapath reads. */
#define FB_SUBGROUP_BY_OBJECT (~0ull)

/* One subscriber of the batch. */
struct fb_record_sub {
  __u32 slot;
  __u32 gen;
  __u64 pn; /* joint number, valid if `sent` */
  __u8 sent;
  __u8 n_taken;                 /* downstream ordinals taken in this record */
  __u8 decision[FB_MAX_FRAMES]; /* enum fb_decision */
  /* bit f: the frame's bytes are charged to flow control (also if not sent) */
  __u8 charged;
  __u8 pad[5];
  /* downstream ordinal of frame f's stream + 1; 0 = none. Taken ones stay taken
   * whatever the decision is. */
  __u32 down[FB_MAX_FRAMES];
};
FB_ASSERT_SIZE(struct fb_record_sub, 64);

struct fb_record {
  __u32 magic; /* FB_RECORD_COPY */
  __u32 cpu;
  __u32 upstream, upstream_gen;
  __u64 pn; /* of the packet, expanded */
  __u64 time_ns;
  __u16 payload_len; /* UDP payload of the packet (= of every copy) */
  __u8 n_frames;
  __u8 batch; /* subscribers [batch * FB_BATCH, ...) */
  __u32 n_subs;
  struct fb_frame frames[FB_MAX_FRAMES];
  struct fb_record_sub subs[FB_BATCH];
};
FB_ASSERT_AT(struct fb_record, frames, 40);
FB_ASSERT_SIZE(struct fb_record, 40 + 56 * FB_MAX_FRAMES + 64 * FB_BATCH);
#define FB_RECORD_LEN(n_subs)                                                                      \
  (__builtin_offsetof(struct fb_record, subs) + (n_subs) * sizeof(struct fb_record_sub))

/* A copy that got a number and a record but could not be emitted: lost. */
struct fb_failed {
  __u32 magic; /* FB_RECORD_FAILED */
  __u32 slot;
  __u32 gen;
  __u32 error; /* -errno of the emit */
  __u64 pn;
};
FB_ASSERT_SIZE(struct fb_failed, 24);

#endif
