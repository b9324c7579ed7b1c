#include "relay/host/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

struct request {
  struct nlmsghdr nlh;
  uint8_t body[256];
};

static void put_attr(struct request *req, uint16_t type, const void *data, size_t len) {
  struct rtattr *attr = (struct rtattr *)((uint8_t *)req + NLMSG_ALIGN(req->nlh.nlmsg_len));
  attr->rta_type = type;
  attr->rta_len = (uint16_t)RTA_LENGTH(len);
  memcpy(RTA_DATA(attr), data, len);
  req->nlh.nlmsg_len = NLMSG_ALIGN(req->nlh.nlmsg_len) + (uint32_t)RTA_ALIGN(attr->rta_len);
}

/* Sends one request, reads one answer of the wanted type. Returns its length or -1. */
static ssize_t ask(struct request *req, uint16_t want, uint8_t *buf, size_t room) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0)
    return -1;
  struct timeval limit = {.tv_sec = 1};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ssize_t n = -1;
  if (send(fd, req, req->nlh.nlmsg_len, 0) >= 0)
    n = recv(fd, buf, room, 0);
  close(fd);
  const struct nlmsghdr *answer = (const struct nlmsghdr *)buf;
  if (n < (ssize_t)sizeof *answer || answer->nlmsg_type != want)
    return -1;
  return n;
}

static const struct rtattr *find_attr_in(const uint8_t *at, size_t len, uint16_t type) {
  const uint8_t *end = at + len;
  while (at + sizeof(struct rtattr) <= end) {
    const struct rtattr *attr = (const struct rtattr *)at;
    if (attr->rta_len < sizeof *attr || at + attr->rta_len > end)
      return NULL;
    if (attr->rta_type == type)
      return attr;
    at += RTA_ALIGN(attr->rta_len);
  }
  return NULL;
}

static const struct rtattr *find_any(const struct nlmsghdr *answer, size_t hdr, uint16_t type) {
  return find_attr_in((const uint8_t *)answer + NLMSG_LENGTH(hdr),
                      answer->nlmsg_len - NLMSG_LENGTH(hdr), type);
}

static const void *find_attr(const struct nlmsghdr *answer, size_t hdr, uint16_t type, size_t len) {
  const struct rtattr *attr = find_any(answer, hdr, type);
  return attr && attr->rta_len >= RTA_LENGTH(len) ? RTA_DATA(attr) : NULL;
}

static const void *addr_of(const struct qc_addr *addr, size_t *len) {
  if (addr->sa.sa_family == AF_INET6) {
    *len = 16;
    return &addr->in6.sin6_addr;
  }
  *len = 4;
  return &addr->in.sin_addr;
}

struct route {
  uint32_t ifindex;
  uint8_t hop[16]; /* the gateway, or the address itself */
  uint32_t mtu;    /* 0: it says none */
};

/* RTAX_MTU among the metrics (rtnetlink(7)). */
static uint32_t metric_mtu(const struct nlmsghdr *answer) {
  const struct rtattr *metrics = find_any(answer, sizeof(struct rtmsg), RTA_METRICS);
  uint32_t mtu = 0;
  if (!metrics)
    return 0;
  const struct rtattr *found = find_attr_in(RTA_DATA(metrics), RTA_PAYLOAD(metrics), RTAX_MTU);
  if (found && RTA_PAYLOAD(found) >= sizeof mtu)
    memcpy(&mtu, RTA_DATA(found), sizeof mtu);
  return mtu;
}

static int find_route(const struct qc_path *path, struct route *out) {
  size_t len;
  const void *dst = addr_of(&path->remote, &len);
  struct request req = {.nlh = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
                                .nlmsg_type = RTM_GETROUTE,
                                .nlmsg_flags = NLM_F_REQUEST}};
  struct rtmsg rt = {.rtm_family = (uint8_t)path->remote.sa.sa_family,
                     .rtm_dst_len = (uint8_t)(8 * len)};
  memcpy(req.body, &rt, sizeof rt);
  put_attr(&req, RTA_DST, dst, len);
  uint8_t buf[4096];
  if (ask(&req, RTM_NEWROUTE, buf, sizeof buf) < 0)
    return -1;
  const struct nlmsghdr *answer = (const struct nlmsghdr *)buf;
  const void *oif = find_attr(answer, sizeof rt, RTA_OIF, 4);
  if (!oif)
    return -1;
  *out = (struct route){.mtu = metric_mtu(answer)};
  memcpy(&out->ifindex, oif, 4);
  const void *gateway = find_attr(answer, sizeof rt, RTA_GATEWAY, len);
  memcpy(out->hop, gateway ? gateway : dst, len);
  return 0;
}

static int next_hop(int family, uint32_t ifindex, const uint8_t hop[16], uint8_t mac[6]) {
  struct request req = {.nlh = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
                                .nlmsg_type = RTM_GETNEIGH,
                                .nlmsg_flags = NLM_F_REQUEST}};
  struct ndmsg nd = {.ndm_family = (uint8_t)family, .ndm_ifindex = (int)ifindex};
  memcpy(req.body, &nd, sizeof nd);
  put_attr(&req, NDA_DST, hop, family == AF_INET6 ? 16 : 4);
  uint8_t buf[4096];
  if (ask(&req, RTM_NEWNEIGH, buf, sizeof buf) < 0)
    return -1;
  const void *found = find_attr((const struct nlmsghdr *)buf, sizeof nd, NDA_LLADDR, 6);
  if (!found)
    return -1;
  memcpy(mac, found, 6);
  return 0;
}

/* One question about an interface; returns 0 with *ifr filled in. */
static int ask_interface(uint32_t ifindex, unsigned long question, struct ifreq *ifr) {
  memset(ifr, 0, sizeof *ifr);
  if (!if_indextoname(ifindex, ifr->ifr_name))
    return -1;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  int failed = ioctl(fd, question, ifr);
  close(fd);
  return failed ? -1 : 0;
}

static int own_mac(uint32_t ifindex, uint8_t mac[6]) {
  struct ifreq ifr;
  if (ask_interface(ifindex, SIOCGIFHWADDR, &ifr) || ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
    return -1;
  memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
  return 0;
}

uint32_t neighbour_mtu(const struct qc_path *path) {
  struct route route;
  struct ifreq ifr;
  if (find_route(path, &route))
    return 0;
  if (route.mtu)
    return route.mtu;
  if (ask_interface(route.ifindex, SIOCGIFMTU, &ifr) || ifr.ifr_mtu < 0)
    return 0;
  return (uint32_t)ifr.ifr_mtu;
}

int neighbour_resolve(const struct qc_path *path, uint32_t *ifindex, uint8_t src_mac[6],
                      uint8_t dst_mac[6]) {
  struct route route;
  if (find_route(path, &route) || own_mac(route.ifindex, src_mac))
    return -1;
  *ifindex = route.ifindex;
  return next_hop(path->remote.sa.sa_family, route.ifindex, route.hop, dst_mac);
}
