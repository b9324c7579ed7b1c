/* seal: packet protection of one copy. One file each kind of protection; this one only
 * chooses. The twin for arriving packets is open.h. */
#ifndef FANBENCH_BPF_DP_SEAL_H
#define FANBENCH_BPF_DP_SEAL_H

#include "bpf/dp/dp.h"

/* Seals the plaintext in s->copy for record.subs[n], in place; whoever overwrites the
 * plaintext clears s->copy_ready. 0, or a negative error: the copy is lost. */
PORT_GLOBAL int dp_seal(port_t *p, struct dp_scratch *s, __u32 n);

/* The null AEAD of `protection: none`. */
PORT_GLOBAL int dp_seal_none(port_t *p, struct dp_scratch *s, __u32 n);

#endif
