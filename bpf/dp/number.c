#include "bpf/dp/number.h"

/* What the ring adds to each entry. */
#define DP_RING_HEAD 8

PORT_GLOBAL int dp_number(port_t *p, struct dp_scratch *s, __u32 n) {
  if (!s)
    return 0;
  struct fb_record_sub *r = &s->record.subs[port_index(n, FB_BATCH)];
  struct fb_counters *c = port_counters(p, r->slot);
  if (!c)
    return 0;
  __u64 *word = port_defect(p, two_counters) ? &c->own_pn : &c->next_pn;
  if (port_defect(p, racy_pn)) {
    r->pn = port_load(p, word);
    port_store(p, word, r->pn + 1);
  } else {
    r->pn = port_add(p, word, 1);
  }
  r->sent = 1;
  port_add(p, &c->sent_bytes, s->len);
  return 0;
}

PORT_GLOBAL int dp_record_room(port_t *p, __u32 subscribers) {
  __u64 batches = ((__u64)subscribers + FB_BATCH - 1) / FB_BATCH;
  return port_ring_room(p, batches * (sizeof(struct fb_record) + DP_RING_HEAD) +
                               subscribers * (sizeof(struct fb_failed) + DP_RING_HEAD));
}

PORT_GLOBAL int dp_record_begin(port_t *p, struct dp_scratch *s, __u32 batch, __u64 time_ns) {
  if (!s)
    return 0;
  s->record.magic = FB_RECORD_COPY;
  s->record.cpu = port_cpu_id(p);
  s->record.upstream = s->upstream;
  s->record.upstream_gen = s->upstream_gen;
  s->record.pn = s->pn;
  s->record.time_ns = time_ns;
  s->record.payload_len = (__u16)s->len;
  s->record.batch = (__u8)batch;
  s->record.n_subs = 0;
  return 0;
}

PORT_GLOBAL int dp_record_write(port_t *p, struct dp_scratch *s) {
  if (!s)
    return -1;
  __u64 n = s->record.n_subs;
  if (n == 0 || n > FB_BATCH)
    return -1;
  n = port_index(n - 1, FB_BATCH);
  return (int)port_ring_write(p, &s->record, FB_RECORD_LEN(n + 1));
}
