#include "bpf/dp/emit.h"

#include "bpf/dp/rewrite.h"
#include "bpf/dp/seal.h"

PORT_INLINE void dp_note_failed(port_t *p, struct dp_scratch *s, const struct fb_record_sub *r,
                                long error) {
  s->failed.magic = FB_RECORD_FAILED;
  s->failed.slot = r->slot;
  s->failed.gen = r->gen;
  s->failed.error = (__u32)error;
  s->failed.pn = r->pn;
  port_ring_write(p, &s->failed, sizeof(s->failed));
}

/* Where the copy for record.subs[n] goes: what the subscriber's entry says. */
PORT_INLINE const struct fb_subscriber_copy *dp_addressee(port_t *p, struct dp_scratch *s,
                                                          __u32 n) {
  struct fb_subscriber_copy *sub = &s->subs[port_index(n, FB_BATCH)];
  if (port_defect(p, any_address)) /* the address that the publisher dialled */
    __builtin_memcpy(sub->src_addr, s->path.local_addr, sizeof(sub->src_addr));
  return port_defect(p, one_address) ? &s->subs[0] : sub;
}

/* The copy as it is to leave. */
PORT_INLINE __u8 *dp_ready(port_t *p, struct dp_scratch *s, __u32 n) {
  __u8 protection = s->subs[port_index(n, FB_BATCH)].protection;
  return port_protects_any(p) && protection != FB_PROTECT_NONE ? s->sealed : s->copy;
}

PORT_GLOBAL int dp_send(port_t *p, struct dp_scratch *s, __u32 n) {
  if (!s)
    return -1;
  const struct fb_record_sub *r = &s->record.subs[port_index(n, FB_BATCH)];
  const struct fb_subscriber_copy *to = dp_addressee(p, s, n);
  s->emitted = 1;
  return (int)port_emit(p, dp_ready(p, s, n), to, r->slot, r->pn, s->len, s->partial_csum);
}

PORT_GLOBAL int dp_emit(port_t *p, struct dp_scratch *s, __u32 n) {
  if (!s)
    return 0;
  const struct fb_record_sub *r = &s->record.subs[port_index(n, FB_BATCH)];
  struct fb_counters *c = port_counters(p, r->slot);
  if (!r->sent || !c)
    return 0;
  dp_rewrite(p, s, n);
  int err = dp_seal(p, s, n);
  if (!err)
    err = dp_send(p, s, n);
  port_count(p, err ? &c->emit_failed : &c->copies, 1);
  if (err)
    dp_note_failed(p, s, r, err < 0 ? -err : err);
  return 0;
}
