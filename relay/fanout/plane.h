/* One datapath instance as user space sees it: the kernel's maps, or the
 * native instance of bpf/port/native.h.
 *
 * The arrays are shared memory; every access to them goes through the
 * port_load / port_add / port_cas functions below (sequentially consistent).
 * Entries are written whole, under their lock. */
#ifndef FANBENCH_RELAY_FANOUT_PLANE_H
#define FANBENCH_RELAY_FANOUT_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi/counters.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/record.h"

/* What a drained ring yields; exactly one pointer is not NULL. Valid during the call. */
typedef void plane_sink(void *arg, const struct fb_record *copy, const struct fb_failed *failed);

struct plane_ops {
  /* All return 0, or -errno. */
  int (*put_config)(void *ctx, const struct fb_config *config);
  int (*put_upstream)(void *ctx, uint32_t slot, const struct fb_upstream *value);
  int (*put_subscriber)(void *ctx, uint32_t slot, const struct fb_subscriber *value);
  int (*put_subscription)(void *ctx, uint32_t slot, uint32_t track,
                          const struct fb_subscription *value);
  int (*add_cid)(void *ctx, const struct fb_cid_key *key, const struct fb_cid_value *value);
  int (*del_cid)(void *ctx, const struct fb_cid_key *key);
  int (*add_alias)(void *ctx, const struct fb_alias_key *key, const struct fb_alias_value *value);
  int (*del_alias)(void *ctx, const struct fb_alias_key *key);
  /* Makes a stream user space's own; see struct fb_take. */
  int (*take_stream)(void *ctx, struct fb_take *take);
  /* Returns when every program run that was in flight at the call has ended. */
  void (*quiesce)(void *ctx);
  /* Hands over everything finished in all rings. */
  void (*drain)(void *ctx, plane_sink *sink, void *arg);
};

struct plane {
  const struct plane_ops *ops;
  void *ctx;
  uint32_t max_subscribers; /* entry slots */
  struct fb_counters *counters;           /* [max_subscribers] */
  struct fb_upstream_state *upstream_state; /* [FB_MAX_UPSTREAMS] */
  struct fb_down *downs; /* [FB_STREAM_SLOTS * max_subscribers] */
};

#endif
