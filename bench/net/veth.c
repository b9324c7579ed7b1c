#include "bench/net/veth.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>

#include "bench/net/offload.h"

/* All of them are in one group, by which veth_delete_all() finds them; lo is in 0. */
#define VETH_GROUP 1

static int fail_nl(const char *what, const struct veth_end *end, int rc, char *err,
                   size_t err_len) {
  snprintf(err, err_len, "interface %s: cannot %s: %s", end->ifname, what, nl_geterror(rc));
  return -1;
}

static struct nl_addr *mac_addr(const uint8_t mac[6]) {
  return nl_addr_build(AF_LLC, mac, 6);
}

static int describe(struct rtnl_link *link, const struct veth_end *end, uint32_t mtu) {
  struct nl_addr *mac = mac_addr(end->mac);
  if (mac == NULL)
    return -NLE_NOMEM;
  rtnl_link_set_name(link, end->ifname);
  rtnl_link_set_ifindex(link, end->ifindex);
  rtnl_link_set_addr(link, mac);
  rtnl_link_set_mtu(link, mtu);
  rtnl_link_set_ns_fd(link, end->ns->fd);
  rtnl_link_set_group(link, VETH_GROUP);
  nl_addr_put(mac);
  return 0;
}

static int create(const struct veth_pair *pair, char *err, size_t err_len) {
  int rc = -NLE_NOMEM;
  struct rtnl_link *link = rtnl_link_veth_alloc();
  if (link != NULL) {
    struct rtnl_link *peer = rtnl_link_veth_get_peer(link);
    rc = describe(link, &pair->a, pair->mtu);
    if (rc == 0)
      rc = describe(peer, &pair->b, pair->mtu);
    if (rc == 0)
      rc = rtnl_link_add(pair->a.ns->nl, link, NLM_F_CREATE | NLM_F_EXCL);
    rtnl_link_put(peer);
    rtnl_link_veth_release(link);
  }
  return rc == 0 ? 0 : fail_nl("create the veth pair", &pair->a, rc, err, err_len);
}

static int bring_up(const struct veth_end *end, char *err, size_t err_len) {
  struct rtnl_link *link = rtnl_link_alloc(), *up = rtnl_link_alloc();
  int rc = -NLE_NOMEM;
  if (link != NULL && up != NULL) {
    rtnl_link_set_ifindex(link, end->ifindex);
    rtnl_link_set_flags(up, IFF_UP);
    rc = rtnl_link_change(end->ns->nl, link, up, 0);
  }
  rtnl_link_put(link);
  rtnl_link_put(up);
  return rc == 0 ? 0 : fail_nl("bring it up", end, rc, err, err_len);
}

static int add_address(const struct veth_end *end, int family, int prefix_len, char *err,
                       size_t err_len) {
  struct rtnl_addr *addr = rtnl_addr_alloc();
  struct nl_addr *local = NULL;
  int rc = -NLE_NOMEM;
  if (addr != NULL && (rc = nl_addr_parse(end->address, family, &local)) == 0) {
    nl_addr_set_prefixlen(local, prefix_len);
    rtnl_addr_set_ifindex(addr, end->ifindex);
    rtnl_addr_set_family(addr, family);
    rc = rtnl_addr_set_local(addr, local);
    if (family == AF_INET6)
      rtnl_addr_set_flags(addr, IFA_F_NODAD);
    if (rc == 0)
      rc = rtnl_addr_add(end->ns->nl, addr, 0);
  }
  nl_addr_put(local);
  rtnl_addr_put(addr);
  return rc == 0 ? 0 : fail_nl("give it its address", end, rc, err, err_len);
}

static int add_neighbour(const struct veth_end *end, const struct veth_end *other, int family,
                         char *err, size_t err_len) {
  struct rtnl_neigh *neigh = rtnl_neigh_alloc();
  struct nl_addr *dst = NULL, *mac = mac_addr(other->mac);
  int rc = -NLE_NOMEM;
  if (neigh != NULL && mac != NULL && (rc = nl_addr_parse(other->address, family, &dst)) == 0) {
    rtnl_neigh_set_ifindex(neigh, end->ifindex);
    rtnl_neigh_set_family(neigh, family);
    rtnl_neigh_set_state(neigh, NUD_PERMANENT);
    rtnl_neigh_set_lladdr(neigh, mac);
    rc = rtnl_neigh_set_dst(neigh, dst);
    if (rc == 0)
      rc = rtnl_neigh_add(end->ns->nl, neigh, NLM_F_CREATE | NLM_F_REPLACE);
  }
  nl_addr_put(dst);
  nl_addr_put(mac);
  rtnl_neigh_put(neigh);
  return rc == 0 ? 0 : fail_nl("set its neighbour", end, rc, err, err_len);
}

static int configure_end(const struct veth_end *end, const struct veth_end *other,
                         const struct veth_pair *pair, char *err, size_t err_len) {
  if (add_address(end, pair->family, pair->prefix_len, err, err_len) != 0)
    return -1;
  return add_neighbour(end, other, pair->family, err, err_len);
}

/* An end without an address shall stay silent. */
static int turn_ipv6_on(const struct veth_end *end, char *err, size_t err_len) {
  return end->address[0] != '\0' ? netns_ipv6_on(end->ns, end->ifname, err, err_len) : 0;
}

int veth_make(const struct veth_pair *pair, char *err, size_t err_len) {
  const struct veth_end *a = &pair->a, *b = &pair->b;
  if (create(pair, err, err_len) != 0 ||
      offload_all_off(a->ns->ioctl_fd, a->ifname, err, err_len) != 0 ||
      offload_all_off(b->ns->ioctl_fd, b->ifname, err, err_len) != 0)
    return -1;
  if (pair->family == AF_INET6 &&
      (turn_ipv6_on(a, err, err_len) != 0 || turn_ipv6_on(b, err, err_len) != 0))
    return -1;
  if (bring_up(a, err, err_len) != 0)
    return -1;
  return bring_up(b, err, err_len);
}

int veth_configure(const struct veth_pair *pair, char *err, size_t err_len) {
  if (configure_end(&pair->a, &pair->b, pair, err, err_len) != 0)
    return -1;
  return configure_end(&pair->b, &pair->a, pair, err, err_len);
}

int veth_can_send(const struct veth_end *end, char *err, size_t err_len) {
  struct rtnl_link *link = NULL;
  int rc = rtnl_link_get_kernel(end->ns->nl, end->ifindex, NULL, &link);
  if (rc != 0)
    return fail_nl("ask for its state", end, rc, err, err_len);
  int up = rtnl_link_get_operstate(link) == IF_OPER_UP;
  rtnl_link_put(link);
  return up;
}

int veth_can_receive(const struct veth_end *end, char *err, size_t err_len) {
  struct nl_addr *address = NULL;
  struct rtnl_route *route = NULL;
  int rc = nl_addr_parse(end->address, AF_UNSPEC, &address);
  if (rc == 0)
    rc = rtnl_route_lookup(end->ns->nl, address, &route);
  nl_addr_put(address);
  if (rc != 0)
    return fail_nl("look its address up", end, rc, err, err_len);
  int local = rtnl_route_get_type(route) == RTN_LOCAL;
  rtnl_route_put(route);
  return local;
}

int veth_delete_all(const struct netns *ns, char *err, size_t err_len) {
  const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
  struct nl_msg *msg = nlmsg_alloc_simple(RTM_DELLINK, 0);
  if (msg == NULL || nlmsg_append(msg, (void *)&any, sizeof any, NLMSG_ALIGNTO) != 0 ||
      nla_put_u32(msg, IFLA_GROUP, VETH_GROUP) != 0) {
    nlmsg_free(msg);
    snprintf(err, err_len, "no memory for a netlink message");
    return -1;
  }
  int rc = nl_send_sync(ns->nl, msg); /* frees msg */
  if (rc == 0 || rc == -NLE_NODEV || rc == -NLE_OBJ_NOTFOUND)
    return 0;
  snprintf(err, err_len, "cannot delete the interfaces of a host: %s", nl_geterror(rc));
  return -1;
}
