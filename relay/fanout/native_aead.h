/* wolfSSL as the cipher of a native instance (struct dp_native_aead): it has the processor's
 * AES and vector instructions, which bpf/crypt does without. Datapath `user` seals by it, so
 * that the baseline is as fast as user space can be.
 *
 * A cipher's state is made at the first packet of a key and remembered while the key's
 * generation lasts: some 2 KiB each. One thread, as the instance's. */
#ifndef FANBENCH_RELAY_FANOUT_NATIVE_AEAD_H
#define FANBENCH_RELAY_FANOUT_NATIVE_AEAD_H

#include "bpf/port/native.h"

struct native_aead;

/* Takes over sealing and opening of the instance, which must outlive it and have protection.
 * NULL: no memory, nothing has changed. */
struct native_aead *native_aead_new(struct dp_native *dp);
/* Gives it back; what it knew of keys is zeroed. NULL is fine. */
void native_aead_free(struct native_aead *aead);

#endif
