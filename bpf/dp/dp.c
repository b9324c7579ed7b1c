#include "bpf/dp/dp.h"

#include "bpf/dp/admit.h"
#include "bpf/dp/choose.h"
#include "bpf/dp/emit.h"
#include "bpf/dp/number.h"
#include "bpf/dp/parse.h"
#include "bpf/dp/walk.h"

/* Subscriber slots in use. */
PORT_INLINE __u32 dp_slots(port_t *p) {
  const struct fb_config *config = port_config(p);
  __u32 n = config ? config->subscribers : 0;
  return n < port_max_subscribers(p) ? n : port_max_subscribers(p);
}

/* One batch of up to FB_BATCH slots; returns 1 if a record was written. */
PORT_GLOBAL int dp_batch(port_t *p, struct dp_scratch *s, __u32 batch, __u64 time_ns) {
  if (!s)
    return 0;
  __u32 slots = s->slots;
  dp_record_begin(p, s, batch, time_ns);
  PORT_NO_UNROLL
  for (__u32 i = 0; i < FB_BATCH; i++) {
    __u32 slot = batch * FB_BATCH + i;
    if (port_defect(p, global_counter))
      slot = (__u32)port_add(p, port_copy_index(p), 1);
    if (slot >= slots)
      break;
    dp_choose(p, s, slot);
  }
  if (s->record.n_subs == 0 || dp_record_write(p, s))
    return 0;
  PORT_NO_UNROLL
  for (__u32 n = 0; n < FB_BATCH; n++) {
    if (n >= s->record.n_subs)
      break;
    dp_emit(p, s, n);
  }
  return 1;
}

PORT_GLOBAL int dp_packet(port_t *p, struct dp_scratch *s) {
  if (!s)
    return FB_PKT_LENGTH;
  int reason = dp_parse(p, s);
  if (reason == FB_PKT_FANNED)
    reason = dp_walk(p, s);
  if (reason != FB_PKT_FANNED)
    return reason;
  __u32 slots = s->slots = dp_slots(p), batches = (slots + FB_BATCH - 1) / FB_BATCH;
  if (!dp_record_room(p, slots))
    return FB_PKT_RING_FULL;
  dp_admit(p, s);
  s->emitted = 0;
  s->copy_ready = 0;
  if (port_defect(p, global_counter))
    port_store(p, port_copy_index(p), 0);
  __u64 now = port_now_ns(p);
  int records = 0;
  PORT_NO_UNROLL
  for (__u32 batch = 0; batch < DP_MAX_BATCHES; batch++) {
    if (batch >= batches)
      break;
    records |= dp_batch(p, s, batch, now);
  }
  if (s->emitted && !port_restore(p, s->raw, s->path.family, s->len))
    return FB_PKT_RESTORE_FAILED;
  return records ? FB_PKT_FANNED : FB_PKT_NO_FANOUT;
}
