/* The network of a plan: a namespace for each host, a veth pair for each link.
 *
 * Order: topology_plan() computes names and addresses (no privilege needed),
 * topology_build() makes them real, topology_free() gives memory and file
 * descriptors back; with them the network ends.
 *
 * Addresses: link k has 10.(k>>8).(k&255).1 and .2 /24, or fd00:0:0:K::1 and
 * ::2 /64 with K = k in hex. End a is the link's first host.
 * MAC 02:fb:0E:00:KK:KK with E = 0 for end a and 1 for end b.
 *
 * Hosts of role router forward; ways through them are routes (net/route.h).
 *
 * A link that is impaired, now or by the timeline, is two veth pairs. Their inner ends
 * meet in one more namespace, net.wire, where the wire process carries frames from one
 * to the other; they have no addresses. Ends a and b know each other as on a plain link. */
#ifndef FANBENCH_NET_TOPOLOGY_H
#define FANBENCH_NET_TOPOLOGY_H

#include "bench/net/netns.h"
#include "bench/net/route.h"
#include "bench/net/veth.h"
#include "bench/scenario/plan.h"

#define TOPOLOGY_MAX_LINKS 65536

struct topology_link {
  struct veth_pair pair;
  bool wired;                       /* through the wire process */
  struct veth_end inner_a, inner_b; /* only then: what a and b are plugged into */
  int a, b;                         /* node indexes, as in the plan */
  uint32_t host_a, host_b;
};

struct topology {
  struct netns *hosts; /* [n_hosts], index = plan_node.host */
  uint32_t n_hosts;
  bool *is_router;          /* [n_hosts] */
  struct net_route *routes; /* beyond own links; none without a router */
  size_t n_routes;
  struct netns *wire;          /* NULL: no link is wired */
  struct topology_link *links; /* [n_links], index = that of the plan */
  size_t n_links;
};

/* Names, addresses and routes. 0, or -1 with a sentence in err and *net empty. */
int topology_plan(const struct plan *plan, struct topology *net, char *err, size_t err_len);

/* Namespaces and interfaces. On -1 what was built stays until topology_free(). */
int topology_build(struct topology *net, char *err, size_t err_len);

/* Deletes every interface, so that what is left can be counted. */
int topology_take_down(struct topology *net, char *err, size_t err_len);

void topology_free(struct topology *net);

/* What two hosts know each other by: the end of the way from `from` to `to` at each of
 * them. False: there is no way. */
struct topology_way {
  const struct veth_end *here, *there;
  int family;
};
bool topology_way(const struct topology *net, const struct plan *plan, uint32_t from, uint32_t to,
                  struct topology_way *way);

#endif
