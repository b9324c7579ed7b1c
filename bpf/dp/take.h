/* take: who may have a stream slot, asked from outside a packet too. */
#ifndef FANBENCH_BPF_DP_TAKE_H
#define FANBENCH_BPF_DP_TAKE_H

#include "bpf/dp/stream.h"

/* Looks whether the slot is held by a connection that is gone, so that it may be taken. */
PORT_INLINE void dp_find_gone(port_t *p, struct fb_stream *st, struct dp_arrival *a) {
  struct fb_upstream_copy holder;
  port_lock(p, &st->lock);
  a->gone_upstream = st->upstream;
  a->gone_gen = st->upstream_gen;
  port_unlock(p, &st->lock);
  if (a->gone_upstream == a->upstream || !port_get_upstream(p, a->gone_upstream, &holder) ||
      holder.gen == a->gone_gen)
    a->gone_gen = 0;
}

/* Marks a stream as user space's, or, if the datapath follows it, a part: see struct fb_take. */
PORT_INLINE int dp_take_stream(port_t *p, struct fb_take *take) {
  struct dp_arrival a = {.upstream = take->upstream,
                         .upstream_gen = take->upstream_gen,
                         .ordinal = take->ordinal,
                         .header = FB_DEC_NO_HEADER,
                         .begin = {.track = FB_NO_TRACK}};
  struct fb_stream *st =
      port_stream(p, fb_stream_slot(a.upstream, a.ordinal, port_stream_slots(p)));
  take->result = FB_TAKE_OURS;
  if (!st)
    return 0;
  dp_find_gone(p, st, &a);
  __u32 result = FB_TAKE_OURS;
  port_lock(p, &st->lock);
  if (dp_stream_is(st, &a)) {
    if (st->used == FB_STREAM_EARLY) {
      st->used = FB_STREAM_SLOW;
      st->slow = FB_DEC_NO_HEADER;
    }
    result = st->used == FB_STREAM_SLOW ? FB_TAKE_OURS : FB_TAKE_FOLLOWED;
    if (take->frontier > st->frontier && take->frontier <= FB_MAX_OFFSET)
      st->frontier = take->frontier;
    if (take->fin && st->used == FB_STREAM_OPEN)
      st->used = FB_STREAM_FIN;
  } else if (dp_stream_free_for(st, &a)) {
    dp_stream_begin(st, &a, FB_STREAM_SLOW);
  } else {
    dp_stream_set_past(st, &a); /* whoever holds it: this one never gets it */
  }
  port_unlock(p, &st->lock);
  take->result = result;
  return 0;
}

#endif
