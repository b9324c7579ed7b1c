/* The steps of packet protection alone, asked with BPF_PROG_TEST_RUN. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/t/crypt_io.h"

#include "bpf/crypt/aes.c"
#include "bpf/crypt/chacha20.c"
#include "bpf/crypt/gcm.c"
#include "bpf/crypt/poly1305.c"

char LICENSE[] SEC("license")
= "Dual MIT/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct crypt_io);
} io SEC(".maps");

SEC("tcx/ingress")
int step(struct __sk_buff *skb) {
  __u32 zero = 0;
  struct crypt_io *q = bpf_map_lookup_elem(&io, &zero);
  port_unused(skb);
  if (!q)
    return 0;
  __u64 which = q->which;
  if (q->spread)
    q->which = (__u32)which + 1;
  __asm__ volatile("%0 &= %1" : "+r"(which) : "i"(CRYPT_KEYS - 1));
  q->result = (__u32)crypt_io_run(q, &q->keystreams[which], &q->tables[which]);
  return 0;
}
