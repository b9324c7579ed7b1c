/* Ways of packets: from host to host over the links of a plan, and through its
 * routers. Pure: routes of the kernel, the virtual network, path MTUs and the check
 * of a scenario all ask here, so that a run takes the same ways live and in sim.
 *
 * A way has the fewest links there are, all of one IP version; only routers pass packets
 * on. Of equally short ways the plan's order of links decides. A way back may be
 * another one.
 *
 * Ownership: a plan_ways points into its plan and lives no longer. What it found it
 * keeps, up to plan_ways_forget(). Memory as in memory.h: never NULL. */
#ifndef FANBENCH_SCENARIO_WAYS_H
#define FANBENCH_SCENARIO_WAYS_H

#include "bench/scenario/plan.h"

struct plan_ways;

/* The plan needs nodes and links, no more. */
struct plan_ways *plan_ways_new(const struct plan *plan);
void plan_ways_free(struct plan_ways *ways); /* NULL is fine */

/* The link by which packets leave `from` for host `to`; -1: no way, or the same host.
 * ip: 4 or 6. */
int plan_ways_next(struct plan_ways *ways, uint32_t from, uint32_t to, int ip);

/* The IP version that `from` dials `to` with: that of the link between them, else that
 * of the shorter way, else 4. 0: there is no way. */
int plan_ways_ip(struct plan_ways *ways, uint32_t from, uint32_t to);

/* The other end of a link. */
uint32_t plan_ways_far(const struct plan_ways *ways, int link, uint32_t host);

/* All links of the way in order, at most `room` of them written. Returns how many
 * there are; 0: no way, or the same host. */
size_t plan_ways_links(struct plan_ways *ways, uint32_t from, uint32_t to, int ip, int *links,
                       size_t room);

/* Least MTU of the way; 0: no way, or the same host. */
uint32_t plan_ways_mtu(struct plan_ways *ways, uint32_t from, uint32_t to, int ip);

bool plan_ways_is_router(const struct plan_ways *ways, uint32_t host);

/* Gives back what was kept about ways to this host. */
void plan_ways_forget(struct plan_ways *ways, uint32_t to);

#endif
