/* The target, as the datapath sees it. Everything that differs between the kernel and
 * a process is behind these names, so that bpf/dp has no #ifdef:
 *
 *   port_t                      context of one packet; handed to every function
 *   port_config, port_cid, port_alias, port_upstream_state, port_track_state,
 *   port_counters, port_stream, port_down, port_object, port_key, port_ghash,
 *   port_keystream
 *                               elements of the maps, or NULL
 *   port_get_upstream, port_get_subscriber, port_get_subscription
 *                               copies of an entry, taken under its lock; 0 = none
 *   port_lock, port_unlock      around a change of a struct fb_stream; in between
 *                               only plain accesses, no other function of the port
 *   port_load, port_store, port_add, port_cas
 *                               shared 64-bit words; sequentially consistent; add
 *                               returns the old value, cas 1 on success
 *   port_count                  a statistic: atomic, in no order
 *   port_now_ns, port_cpu_id
 *   port_ring_room, port_ring_write    this CPU's ring
 *   port_own_aead(p)            does the process seal by itself? then port_own_seal,
 *                               port_own_open, port_own_mask do (struct dp_native_aead)
 *   port_load_payload           the packet's payload as it came
 *   port_emit, port_restore     send a copy; make the packet whole again
 *   port_zero, port_copy        [at, end) of a buffer
 *   port_max_subscribers, port_max_tracks, port_stream_slots    sizes of the arrays
 *   port_keystreams_down, port_keystreams_up       keystreams of each, 0 = none
 *   port_defect(p, name), port_policy(p)
 *   port_protects(p, x), port_protects_any(p)
 *                               may the run meet this enum fb_protection; one but `none`?
 *   port_copy_index             the one counter of the defect global-counter
 *
 * and what target.h has. */
#ifndef FANBENCH_BPF_PORT_PORT_H
#define FANBENCH_BPF_PORT_PORT_H

#ifdef __bpf__
#include "bpf/port/kernel.h"
#else
#include "bpf/port/native_run.h"
#endif

#endif
