/* stream: what a stream slot says to an arriving frame, and how the slot changes.
 *
 * Pure functions on a slot that the caller has locked: no call into the port. */
#ifndef FANBENCH_BPF_DP_STREAM_H
#define FANBENCH_BPF_DP_STREAM_H

#include "bpf/dp/dp.h"

/* A STREAM frame that asks for a slot. */
struct dp_arrival {
  __u32 upstream, upstream_gen;
  __u64 ordinal;
  __u64 offset, end;
  __u32 fin;
  __u32 unfiltered; /* defect slow-agent: what was seen before is copied again */
  /* The holder of the slot that was seen before, with whom it may be taken from another
   * upstream: its connection is gone. 0 = nobody. */
  __u32 gone_upstream, gone_gen;
  /* At offset 0: SEND if a new stream can be followed, else why it is the slow path's. */
  __u32 header;
  struct fb_stream begin; /* what a new stream starts with, if header is SEND */
};

PORT_INLINE int dp_stream_is(const struct fb_stream *st, const struct dp_arrival *a) {
  return st->used != FB_STREAM_FREE && st->ordinal == a->ordinal && st->upstream == a->upstream &&
         st->upstream_gen == a->upstream_gen;
}

#define DP_PAST(a) port_index((a)->upstream, FB_MAX_UPSTREAMS)

/* Has it had the slot before, or may it not have it any more? */
PORT_INLINE int dp_stream_is_past(const struct fb_stream *st, const struct dp_arrival *a) {
  return st->past_gen[DP_PAST(a)] == a->upstream_gen && a->ordinal < st->past_next[DP_PAST(a)];
}

PORT_INLINE void dp_stream_set_past(struct fb_stream *st, const struct dp_arrival *a) {
  if (dp_stream_is_past(st, a))
    return;
  st->past_gen[DP_PAST(a)] = a->upstream_gen;
  st->past_next[DP_PAST(a)] = a->ordinal + 1;
}

/* May a stream that begins now take the slot? See enum fb_stream_use. */
PORT_INLINE int dp_stream_free_for(const struct fb_stream *st, const struct dp_arrival *a) {
  if (dp_stream_is_past(st, a))
    return 0;
  if (st->used == FB_STREAM_FREE)
    return 1;
  if (st->upstream == a->upstream)
    return st->upstream_gen != a->upstream_gen || st->ordinal < a->ordinal;
  if (a->gone_gen && st->upstream == a->gone_upstream && st->upstream_gen == a->gone_gen)
    return 1;
  return st->used == FB_STREAM_FIN;
}

/* Gives the slot a new owner; the claim number says that it has one. */
PORT_INLINE void dp_stream_begin(struct fb_stream *st, const struct dp_arrival *a, __u8 used) {
  st->claim = st->claim >= FB_CLAIM_MAX ? 1 : st->claim + 1;
  st->upstream = a->upstream;
  st->upstream_gen = a->upstream_gen;
  st->ordinal = a->ordinal;
  dp_stream_set_past(st, a);
  st->frontier = 0;
  st->group = a->begin.group;
  st->subgroup = a->begin.subgroup;
  st->track = a->begin.track;
  st->out_alias = a->begin.out_alias;
  st->header_len = a->begin.header_len;
  st->priority = a->begin.priority;
  st->slow = a->header;
  st->used = used;
}

/* The frontier rule: only what lies wholly at or above the largest end seen is copied, and user space
 * has the rest, so that no resend of it, however cut, is copied later. An empty frame counts if it
 * brings the FIN; that is copied once. */
PORT_INLINE __u32 dp_stream_advance(struct fb_stream *st, const struct dp_arrival *a) {
  if (a->unfiltered && a->end <= st->frontier)
    return FB_DEC_SEND;
  if (st->used == FB_STREAM_FIN)
    return FB_DEC_BELOW_FRONTIER; /* all is known, or the peer errs */
  __u64 seen = st->frontier;
  if ((a->end <= seen || a->offset == a->end) && !a->fin)
    return FB_DEC_BELOW_FRONTIER;
  if (a->end > seen)
    st->frontier = a->end;
  if (a->fin)
    st->used = FB_STREAM_FIN;
  return a->offset < seen ? FB_DEC_PARTIAL : FB_DEC_SEND;
}

/* A frame whose stream's header has not come: user space's, but remembered. */
PORT_INLINE __u32 dp_stream_early(struct fb_stream *st, const struct dp_arrival *a) {
  if (a->end > st->frontier)
    st->frontier = a->end;
  st->slow |= a->fin;
  return FB_DEC_NO_HEADER;
}

/* The header comes behind frames of its stream: it is copied, they are not. */
PORT_INLINE __u32 dp_stream_late_header(struct fb_stream *st, const struct dp_arrival *a,
                                        __u32 *began) {
  __u64 seen = st->frontier;
  __u32 fin = st->slow | a->fin, claim = st->claim;
  if (a->header != FB_DEC_SEND) {
    st->used = FB_STREAM_SLOW;
    st->slow = a->header;
    return a->header;
  }
  dp_stream_begin(st, a, fin ? FB_STREAM_FIN : FB_STREAM_OPEN);
  st->claim = claim;
  st->frontier = a->end > seen ? a->end : seen;
  *began = 1;
  return FB_DEC_SEND;
}

/* Handles the frame: SEND, or why nobody gets it on the fast path. *began = 1 if it
 * claimed the slot; the frame's stream is then new. */
PORT_INLINE __u32 dp_stream_arrive(struct fb_stream *st, const struct dp_arrival *a, __u32 *began) {
  *began = 0;
  if (!dp_stream_is(st, a)) {
    if (!dp_stream_free_for(st, a))
      return FB_DEC_NO_HEADER;
    if (a->offset != 0) {
      dp_stream_begin(st, a, FB_STREAM_EARLY);
      st->track = FB_NO_TRACK;
      st->slow = 0;
      return dp_stream_early(st, a);
    }
    if (a->header != FB_DEC_SEND) {
      dp_stream_begin(st, a, FB_STREAM_SLOW);
      return a->header;
    }
    dp_stream_begin(st, a, FB_STREAM_OPEN);
    *began = 1;
  }
  if (!*began && st->used == FB_STREAM_EARLY)
    return a->offset ? dp_stream_early(st, a) : dp_stream_late_header(st, a, began);
  return st->used == FB_STREAM_SLOW ? st->slow : dp_stream_advance(st, a);
}

#endif
