/* The datapath in the kernel: loads the linked-in BPF object, attaches it to
 * interfaces by tcx links and feeds its maps. Nothing is pinned: everything
 * goes with the process. */
#ifndef FANBENCH_RELAY_HOST_KERNEL_PLANE_H
#define FANBENCH_RELAY_HOST_KERNEL_PLANE_H

#include <stdio.h>

#include "bpf/abi/defects.h"
#include "relay/fanout/plane.h"

struct kernel_plane;

/* max_subscribers: entry slots, at most FB_MAX_SUBSCRIBERS; defects may be NULL; policy: enum
 * dp_policy. NULL with a message in err: what is missing, and what to do. */
struct kernel_plane *kernel_plane_open(uint32_t max_subscribers, const struct fb_defects *defects,
                                       uint32_t policy, const struct plane_protection *protection,
                                       char *err, size_t err_len);
void kernel_plane_close(struct kernel_plane *plane);

/* Returns 0, or -1 with a message in err. */
int kernel_plane_attach(struct kernel_plane *plane, const char *ifname, char *err, size_t err_len);

/* Defect orphan: a child process holds the links too, so that the program outlives this process;
 * the child ends with its PID namespace, or after a minute. After the last attach. */
void kernel_plane_orphan(struct kernel_plane *plane);

struct plane *kernel_plane_interface(struct kernel_plane *plane);

/* Packets by reason and decisions by name, for a person. */
void kernel_plane_print(struct kernel_plane *plane, FILE *to);

#endif
