/* Routes beyond a host's own links: what makes a namespace send through a router.
 *
 * routes_plan() is pure; route_add() acts in a namespace whose interfaces are
 * configured (net/veth.h). A route ends with its namespace.
 * Errors: 0, or -1 with a sentence in err. */
#ifndef FANBENCH_NET_ROUTE_H
#define FANBENCH_NET_ROUTE_H

#include "bench/net/veth.h"
#include "bench/scenario/plan.h"

struct topology;

struct net_route {
  const struct netns *ns;
  int family;     /* AF_INET or AF_INET6 */
  const char *to; /* one address; NULL: everything. The topology's, as `via` */
  const char *via;
  int ifindex;
  uint32_t mtu; /* least of the way where that is not its first link's; 0: it is */
};

/* The routes of all hosts of a plan; *routes is new, and the caller's. A host with one
 * link sends everything to the router there; others have a route to each address they
 * can reach through routers. Where a way is narrower than its first link, the route to
 * the address says so. */
int routes_plan(const struct plan *plan, const struct topology *net, struct net_route **routes,
                size_t *n, char *err, size_t err_len);

int route_add(const struct net_route *route, char *err, size_t err_len);

#endif
