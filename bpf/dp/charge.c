#include "bpf/dp/charge.h"

PORT_GLOBAL int dp_charge(port_t *p, struct dp_scratch *s, __u32 n, __u32 f) {
  if (!s)
    return FB_DEC_FLOW_CONTROL;
  const struct fb_frame *fr = &s->record.frames[port_index(f, FB_MAX_FRAMES)];
  __u32 slot = s->record.subs[port_index(n, FB_BATCH)].slot, claim = fr->claim;
  __u64 initial_limit = s->subs[port_index(n, FB_BATCH)].initial_max_stream_data;
  __u64 end = fr->offset + fr->len;
  struct fb_counters *c = port_counters(p, slot);
  struct fb_down *down = port_down(p, s->stream_slots[port_index(f, FB_MAX_FRAMES)], slot);
  if (!c || !down)
    return FB_DEC_FLOW_CONTROL;
  __u64 limit = dp_claimed(port_load(p, &down->limit), claim);
  if (end > (limit > initial_limit ? limit : initial_limit) && !port_defect(p, ignore_limits))
    return FB_DEC_FLOW_CONTROL;
  __u64 charged = (__u64)claim << FB_CLAIM_SHIFT | end;
  PORT_NO_UNROLL
  for (int i = 0; i < FB_CAS_TRIES; i++) {
    __u64 old = port_load(p, &down->charged);
    __u64 had = dp_claimed(old, claim);
    if (had >= end)
      return FB_DEC_SEND;
    __u64 growth = end - had;
    /* Connection first: it can be given back, an offset that another CPU has built
     * upon can not. */
    if (port_add(p, &c->data_used, growth) + growth > port_load(p, &c->max_data) &&
        !port_defect(p, ignore_limits)) {
      port_add(p, &c->data_used, 0 - growth);
      return FB_DEC_FLOW_CONTROL;
    }
    if (port_cas(p, &down->charged, old, charged))
      return FB_DEC_SEND;
    port_add(p, &c->data_used, 0 - growth);
  }
  return FB_DEC_CONTENDED;
}
