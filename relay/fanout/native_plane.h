/* The datapath compiled natively, as a plane: for tests, for virtual time, for
 * datapath `user`. One thread: nothing runs while user space looks, so the
 * barrier is empty. */
#ifndef FANBENCH_RELAY_FANOUT_NATIVE_PLANE_H
#define FANBENCH_RELAY_FANOUT_NATIVE_PLANE_H

#include <stdio.h>

#include "bpf/port/native.h"
#include "relay/fanout/plane.h"

struct native_plane {
  struct plane plane;
  struct dp_native *dp; /* not owned */
};

/* Fills in *native for an instance made with FB_MAX_TRACKS tracks, FB_STREAM_SLOTS
 * streams and FB_MAX_UPSTREAMS upstreams. */
void native_plane_init(struct native_plane *native, struct dp_native *dp);

/* Entries in use: what connections left if there is none. */
struct native_left {
  size_t subscribers, upstreams, ids, aliases;
};
void native_plane_left(const struct native_plane *native, struct native_left *out);

/* Two lines for a person: packets by reason, frames by decision. */
void native_plane_print(const struct native_plane *native, FILE *to);

#endif
