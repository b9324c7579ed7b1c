/* The kernel target's part of abi/journal.h. Without FB_KEEPS_JOURNAL all of it is nothing.
 *
 *   port_journal_begin(p)           0: the packet goes up, nothing was touched
 *   port_journal_record, _copy      what was done, in its order
 *   port_journal_end(p, reason)     the next run may begin */
#ifndef FANBENCH_BPF_PORT_KERNEL_JOURNAL_H
#define FANBENCH_BPF_PORT_KERNEL_JOURNAL_H

#include "bpf/abi/journal.h"

#ifndef FB_KEEPS_JOURNAL

#define port_journal_begin(p)                             1
#define port_journal_record(data, len)                    ((void)0)
#define port_journal_copy(buf, sub, slot, pn, len, error) ((void)0)
#define port_journal_end(p, reason)                       ((void)0)

#else

static long port_journal_try(__u64 look, void *got) {
  (void)look;
  if (*(volatile __u64 *)&fb_words.journal.lock != FB_JOURNAL_FREE ||
      __sync_val_compare_and_swap(&fb_words.journal.lock, FB_JOURNAL_FREE, FB_JOURNAL_RUN) !=
          FB_JOURNAL_FREE)
    return 0;
  *(__u64 *)got = 1;
  return 1;
}

PORT_INLINE int port_journal_lock(void) {
  __u64 got = 0;
  bpf_loop(FB_JOURNAL_LOOKS, port_journal_try, &got, 0);
  return got != 0;
}

PORT_INLINE void port_journal_unlock(void) {
  (void)__sync_lock_test_and_set(&fb_words.journal.lock, FB_JOURNAL_FREE);
}

/* Room for all that one run can say: each entry behind 8 bytes. */
PORT_INLINE int port_journal_room(void) {
  __u32 zero = 0;
  const struct fb_config *c = bpf_map_lookup_elem(&config, &zero);
  if (!c)
    return 0;
  __u64 copies = c->subscribers;
  __u64 most = copies * (sizeof(struct fb_journal_copy) + sizeof(struct fb_failed) + 16) +
               (copies / FB_BATCH + 1) * (sizeof(struct fb_record) + 8) +
               sizeof(struct fb_journal_frame) + sizeof(struct fb_journal_end) + 16;
  return bpf_ringbuf_query(&journal, BPF_RB_AVAIL_DATA) + most <=
         bpf_ringbuf_query(&journal, BPF_RB_RING_SIZE);
}

PORT_INLINE void port_journal_lost(int lost) {
  if (lost)
    __sync_fetch_and_add(&fb_words.journal.lost, 1);
}

PORT_INLINE void port_journal_frame(port_t *p, __u32 magic, __u64 run, __u64 now_ns) {
  struct fb_journal_frame *e = bpf_ringbuf_reserve(&journal, sizeof(*e), 0);
  if (!e) {
    port_journal_lost(1);
    return;
  }
  __u64 len = p->len < FB_BUF_LEN ? p->len : FB_BUF_LEN;
  e->magic = magic;
  e->len = p->len;
  e->run = run;
  e->now_ns = now_ns;
  __asm__ volatile("" : "+r"(len));
  if (len >= 1 && len <= FB_BUF_LEN)
    port_journal_lost(bpf_skb_load_bytes(p, 0, e->bytes, (__u32)len) != 0);
  bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* Who does not run must leave room to who runs. */
PORT_INLINE void port_journal_unrun(port_t *p) {
  __sync_fetch_and_add(&fb_words.journal.declined, 1);
  if (bpf_ringbuf_query(&journal, BPF_RB_AVAIL_DATA) + sizeof(struct fb_journal_frame) + 8 <=
      bpf_ringbuf_query(&journal, BPF_RB_RING_SIZE) / 2)
    port_journal_frame(p, FB_JOURNAL_UNRUN, 0, bpf_ktime_get_ns());
}

PORT_GLOBAL int port_journal_begin(port_t *p) {
  if (!port_journal_lock()) {
    port_journal_unrun(p);
    return 0;
  }
  if (!port_journal_room()) {
    port_journal_unlock();
    port_journal_unrun(p);
    return 0;
  }
  fb_words.journal.runs++;
  fb_words.clock_ns = bpf_ktime_get_ns();
  port_journal_frame(p, FB_JOURNAL_FRAME, fb_words.journal.runs, fb_words.clock_ns);
  return 1;
}

PORT_INLINE void port_journal_record(const void *data, __u64 len) {
  port_journal_lost(bpf_ringbuf_output(&journal, (void *)data, len, BPF_RB_NO_WAKEUP) != 0);
}

PORT_INLINE void port_journal_copy(const __u8 *buf, const struct fb_subscriber_copy *sub,
                                   __u32 slot, __u64 pn, __u32 payload_len, long error) {
  struct fb_journal_copy *e = bpf_ringbuf_reserve(&journal, sizeof(*e), 0);
  if (!e) {
    port_journal_lost(1);
    return;
  }
  e->magic = FB_JOURNAL_COPY;
  port_put_emitted(&e->copy, buf, sub, slot, pn, payload_len, error);
  bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

PORT_INLINE void port_journal_end(port_t *p, __u32 reason) {
  struct fb_journal_end e = {
      .magic = FB_JOURNAL_END, .reason = reason, .run = fb_words.journal.runs};
  port_unused(p);
  port_journal_lost(bpf_ringbuf_output(&journal, &e, sizeof(e), BPF_RB_NO_WAKEUP) != 0);
  port_journal_unlock();
}

#endif
#endif
