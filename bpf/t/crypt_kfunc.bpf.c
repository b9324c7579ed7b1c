/* The other way to AES in BPF: the kernel's own cipher behind bpf_crypto_encrypt(). For
 * figures alone; an object of its own, as it loads only where the kernel has it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi/types.h"
#include "bpf/port/target.h"

char LICENSE[] SEC("license")
= "Dual MIT/GPL";

/* As the kernel has them (kernel/bpf/crypto.c); it compares sizes. */
struct bpf_crypto_params {
  char type[14];
  __u8 reserved[2];
  char algo[128];
  __u8 key[256];
  __u32 key_len;
  __u32 authsize;
} __attribute__((aligned(8)));

/* Not a declaration alone: libbpf compares kinds. */
struct bpf_crypto_ctx {
  const void *type;
};
extern struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct bpf_crypto_params *params,
                                                    __u32 params__sz, int *err) __ksym;
extern void bpf_crypto_ctx_release(struct bpf_crypto_ctx *ctx) __ksym;
extern int bpf_crypto_encrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src,
                              const struct bpf_dynptr *dst,
                              const struct bpf_dynptr *siv__nullable) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

struct holder {
  struct bpf_crypto_ctx __kptr *ctx;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct holder);
} contexts SEC(".maps");

#define LONGEST 1472
struct text {
  __u8 in[LONGEST], out[LONGEST];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct text);
} texts SEC(".maps");

__u8 key[16];
__u32 length; /* bytes of a run, a multiple of 16 */
int result;

SEC("syscall")
int make(void *unused) {
  struct bpf_crypto_params p = {.type = "skcipher", .algo = "ecb(aes)", .key_len = 16};
  __u32 zero = 0;
  int err = 0;
  port_unused(unused);
  __builtin_memcpy(p.key, key, 16);
  struct holder *h = bpf_map_lookup_elem(&contexts, &zero);
  struct bpf_crypto_ctx *ctx = bpf_crypto_ctx_create(&p, sizeof(p), &err);
  result = err;
  if (!ctx)
    return 0;
  if (h)
    ctx = bpf_kptr_xchg(&h->ctx, ctx);
  if (ctx)
    bpf_crypto_ctx_release(ctx);
  return 0;
}

SEC("tcx/ingress")
int encrypt(struct __sk_buff *skb) {
  __u32 zero = 0;
  struct bpf_dynptr in, out;
  port_unused(skb);
  struct holder *h = bpf_map_lookup_elem(&contexts, &zero);
  struct text *t = bpf_map_lookup_elem(&texts, &zero);
  if (!h || !t)
    return 0;
  __u32 n = length;
  if (n > LONGEST)
    return 0;
  bpf_dynptr_from_mem(t->in, n, 0, &in);
  bpf_dynptr_from_mem(t->out, n, 0, &out);
  bpf_rcu_read_lock();
  struct bpf_crypto_ctx *ctx = h->ctx;
  if (ctx)
    result = bpf_crypto_encrypt(ctx, &in, &out, 0);
  bpf_rcu_read_unlock();
  return 0;
}
