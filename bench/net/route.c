#include "bench/net/route.h"

#include <stdio.h>
#include <stdlib.h>

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "bench/net/topology.h"
#include "bench/scenario/ways.h"

/* ---- which routes ------------------------------------------------------------------------- */

struct list {
  const struct plan *plan;
  const struct topology *net;
  struct plan_ways *ways;
  const int *degree; /* links of each host */
  struct net_route *routes;
  size_t n, room;
  bool failed;
};

static void put(struct list *l, const struct net_route *route) {
  if (l->n == l->room) {
    const size_t room = l->room * 2 + 64;
    struct net_route *bigger = realloc(l->routes, room * sizeof *bigger);
    if (bigger == NULL) {
      l->failed = true;
      return;
    }
    l->routes = bigger;
    l->room = room;
  }
  l->routes[l->n++] = *route;
}

/* What `host` needs to reach one address of another host, `to`. */
static void add_one(struct list *l, uint32_t host, uint32_t to, int ip, const char *address) {
  const int link = plan_ways_next(l->ways, host, to, ip);
  if (link < 0)
    return;
  const struct topology_link *through = &l->net->links[link];
  const bool forward = through->host_a == host;
  const uint32_t least = plan_ways_mtu(l->ways, host, to, ip), first = l->plan->links[link].mtu;
  if (l->degree[host] == 1 && least == first)
    return; /* its default route says the same */
  put(l, &(struct net_route){
             .ns = &l->net->hosts[host],
             .family = ip == 6 ? AF_INET6 : AF_INET,
             .to = address,
             .via = forward ? through->pair.b.address : through->pair.a.address,
             .ifindex = forward ? through->pair.a.ifindex : through->pair.b.ifindex,
             .mtu = least < first ? least : 0,
         });
}

/* Routes of every host to the end of link k that lies at host `to`. Those on the link
 * itself have the kernel's. */
static void add_towards(struct list *l, size_t k, uint32_t to, const char *address) {
  const struct topology_link *link = &l->net->links[k];
  const int ip = link->pair.family == AF_INET6 ? 6 : 4;
  for (uint32_t h = 0; h < l->plan->n_hosts; h++)
    if (h != link->host_a && h != link->host_b)
      add_one(l, h, to, ip, address);
}

/* A host with one link needs to know no more than the router there. */
static void add_default(struct list *l, size_t k, bool forward) {
  const struct topology_link *link = &l->net->links[k];
  const uint32_t host = forward ? link->host_a : link->host_b;
  const uint32_t router = forward ? link->host_b : link->host_a;
  if (l->degree[host] != 1 || !plan_ways_is_router(l->ways, router))
    return;
  put(l, &(struct net_route){.ns = &l->net->hosts[host],
                             .family = link->pair.family,
                             .via = forward ? link->pair.b.address : link->pair.a.address,
                             .ifindex = forward ? link->pair.a.ifindex : link->pair.b.ifindex});
}

static bool any_router(const struct plan *plan) {
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (plan->nodes[i].role == PLAN_ROUTER)
      return true;
  return false;
}

static void plan_all(struct list *l) {
  for (size_t k = 0; k < l->plan->n_links; k++) {
    const struct topology_link *link = &l->net->links[k];
    add_default(l, k, true);
    add_default(l, k, false);
    add_towards(l, k, link->host_a, link->pair.a.address);
    plan_ways_forget(l->ways, link->host_a);
    add_towards(l, k, link->host_b, link->pair.b.address);
    plan_ways_forget(l->ways, link->host_b);
  }
}

int routes_plan(const struct plan *plan, const struct topology *net, struct net_route **routes,
                size_t *n, char *err, size_t err_len) {
  *routes = NULL;
  *n = 0;
  if (!any_router(plan))
    return 0;
  int *degree = calloc(plan->n_hosts + 1u, sizeof *degree);
  struct list l = {.plan = plan, .net = net, .degree = degree, .failed = degree == NULL};
  for (size_t k = 0; !l.failed && k < plan->n_links; k++) {
    degree[net->links[k].host_a]++;
    degree[net->links[k].host_b]++;
  }
  if (!l.failed) {
    l.ways = plan_ways_new(plan);
    plan_all(&l);
    plan_ways_free(l.ways);
  }
  free(degree);
  if (l.failed) {
    free(l.routes);
    snprintf(err, err_len, "no memory for the routes of a network of %u hosts", plan->n_hosts);
    return -1;
  }
  *routes = l.routes;
  *n = l.n;
  return 0;
}

/* ---- in the kernel -------------------------------------------------------------------------- */

static int fill(struct rtnl_route *route, const struct net_route *from, struct nl_addr *to,
                struct nl_addr *via) {
  struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
  if (hop == NULL)
    return -NLE_NOMEM;
  rtnl_route_nh_set_ifindex(hop, from->ifindex);
  rtnl_route_nh_set_gateway(hop, via);
  rtnl_route_add_nexthop(route, hop); /* takes it */
  rtnl_route_set_table(route, RT_TABLE_MAIN);
  rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
  rtnl_route_set_protocol(route, RTPROT_STATIC);
  if (from->mtu > 0)
    rtnl_route_set_metric(route, RTAX_MTU, from->mtu);
  return rtnl_route_set_dst(route, to);
}

int route_add(const struct net_route *from, char *err, size_t err_len) {
  struct rtnl_route *route = rtnl_route_alloc();
  struct nl_addr *to = NULL, *via = NULL;
  int rc = -NLE_NOMEM;
  if (route != NULL && (rc = nl_addr_parse(from->via, from->family, &via)) == 0 &&
      (rc = nl_addr_parse(from->to != NULL ? from->to : "default", from->family, &to)) == 0 &&
      (rc = fill(route, from, to, via)) == 0)
    rc = rtnl_route_add(from->ns->nl, route, NLM_F_EXCL);
  nl_addr_put(to);
  nl_addr_put(via);
  rtnl_route_put(route);
  if (rc == 0)
    return 0;
  snprintf(err, err_len, "cannot route %s over %s: %s", from->to != NULL ? from->to : "all",
           from->via, nl_geterror(rc));
  return -1;
}
