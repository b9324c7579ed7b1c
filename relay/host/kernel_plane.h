/* The datapath in the kernel: loads the linked-in BPF object, attaches it to
 * interfaces by tcx links and feeds its maps. Nothing is pinned: everything
 * goes with the process. */
#ifndef FANBENCH_RELAY_HOST_KERNEL_PLANE_H
#define FANBENCH_RELAY_HOST_KERNEL_PLANE_H

#include <stdbool.h>
#include <stdio.h>

#include "bpf/abi/defects.h"
#include "relay/host/kernel_journal.h"
#include "relay/fanout/plane.h"

struct kernel_plane;

/* max_subscribers: entry slots, at most FB_MAX_SUBSCRIBERS; defects may be NULL; policy: enum
 * dp_policy; journal: the place for one (kernel_journal.h), or NULL. NULL with a message in err: what is
 * missing, and what to do. */
struct kernel_plane *kernel_plane_open(uint32_t max_subscribers, const struct fb_defects *defects,
                                       uint32_t policy, const struct plane_protection *protection,
                                       const struct journal_place *journal, char *err,
                                       size_t err_len);
/* False: the journal could not be written. NULL is fine. */
bool kernel_plane_close(struct kernel_plane *plane);

/* NULL: none is kept. It ends with kernel_plane_close(), or here: then NULL from then on. */
struct kernel_journal *kernel_plane_journal(struct kernel_plane *plane);
bool kernel_plane_end_journal(struct kernel_plane *plane);

/* Returns 0, or -1 with a message in err. */
int kernel_plane_attach(struct kernel_plane *plane, const char *ifname, char *err, size_t err_len);

/* Defect orphan: a child process holds the links too, so that the program outlives this process;
 * the child ends with its PID namespace, or after a minute. After the last attach. */
void kernel_plane_orphan(struct kernel_plane *plane);

struct plane *kernel_plane_interface(struct kernel_plane *plane);

/* Packets by reason and decisions by name, for a person. */
void kernel_plane_print(struct kernel_plane *plane, FILE *to);

#endif
