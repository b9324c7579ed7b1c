/* Routes through routers: which ones a plan needs, and as root that packets take
 * them, how far, and that the relay finds next hop and MTU in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/net/topology.h"
#include "bench/t/scenario_text.h"
#include "relay/host/neighbour.h"

/* pub -0- relay -1- hop[0] -2- hop[1] -3- sub[0], -4- sub[1]; the relay's ways are narrower
 * than its link, those of sub[1] alone start narrow. */
#define NET(ip)                                                                                    \
  TOP "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"                             \
      "  hop: { role: router, count: 2 }\n  sub: { role: subscriber, count: 2 }\nlinks:\n"         \
      "  - { between: [pub, relay], ip: " ip                                                       \
      " }\n"                                                                                       \
      "  - { between: [relay, \"hop[0]\"], ip: " ip                                                \
      " }\n"                                                                                       \
      "  - { between: [\"hop[0]\", \"hop[1]\"], ip: " ip                                           \
      ", mtu: 1400 }\n"                                                                            \
      "  - { between: [\"hop[1]\", \"sub[0]\"], ip: " ip                                           \
      " }\n"                                                                                       \
      "  - { between: [\"hop[1]\", \"sub[1]\"], ip: " ip ", mtu: 1300 }\n"

struct map {
  struct plan *plan;
  struct topology net;
};

static struct map map_plan(const char *text) {
  struct map m = {.plan = text_plan(text)};
  char err[256] = "";
  if (topology_plan(m.plan, &m.net, err, sizeof err) != 0)
    fail_msg("%s", err);
  return m;
}

static void map_free(struct map *m) {
  topology_free(&m->net);
  plan_free(m->plan);
}

static uint32_t host(const struct map *m, const char *name) {
  return m->plan->nodes[plan_node_find(m->plan, name)].host;
}

static const struct net_route *route_of(const struct map *m, const char *name, const char *to) {
  const struct netns *ns = &m->net.hosts[host(m, name)];
  for (size_t i = 0; i < m->net.n_routes; i++) {
    const struct net_route *r = &m->net.routes[i];
    if (r->ns == ns && (to == NULL ? r->to == NULL : r->to != NULL && strcmp(r->to, to) == 0))
      return r;
  }
  return NULL;
}

static void routes_of_a_plan(void **state) {
  (void)state;
  struct map m = map_plan(NET("4"));
  const struct net_route *r = route_of(&m, "relay", "10.0.4.2");
  assert_non_null(r);
  assert_string_equal(r->via, "10.0.1.2");
  assert_int_equal(r->ifindex, m.net.links[1].pair.a.ifindex);
  assert_int_equal(r->mtu, 1300);
  r = route_of(&m, "relay", "10.0.3.2");
  assert_non_null(r);
  assert_int_equal(r->mtu, 1400);
  /* its only neighbour is a router; what is narrower than its link it has to know */
  r = route_of(&m, "sub[0]", NULL);
  assert_non_null(r);
  assert_string_equal(r->via, "10.0.3.1");
  assert_int_equal(r->mtu, 0);
  r = route_of(&m, "sub[0]", "10.0.1.1");
  assert_non_null(r);
  assert_int_equal(r->mtu, 1400);
  r = route_of(&m, "hop[0]", "10.0.3.2");
  assert_non_null(r);
  assert_string_equal(r->via, "10.0.2.2");
  assert_int_equal(r->mtu, 0);
  assert_non_null(route_of(&m, "sub[1]", NULL));
  assert_null(route_of(&m, "sub[1]", "10.0.1.1")); /* its own link is the narrowest */
  assert_null(route_of(&m, "pub", NULL));          /* a relay forwards nothing */
  assert_null(route_of(&m, "pub", "10.0.3.2"));
  assert_null(route_of(&m, "relay", "10.0.1.2")); /* on the link itself */
  map_free(&m);
}

static void two_hosts_know_each_other_by_their_way(void **state) {
  (void)state;
  struct map m = map_plan(NET("6"));
  struct topology_way way;
  assert_true(topology_way(&m.net, m.plan, host(&m, "sub[1]"), host(&m, "relay"), &way));
  assert_ptr_equal(way.here, &m.net.links[4].pair.b);
  assert_ptr_equal(way.there, &m.net.links[1].pair.a);
  assert_int_equal(way.family, AF_INET6);
  assert_false(topology_way(&m.net, m.plan, host(&m, "sub[1]"), host(&m, "pub"), &way));
  map_free(&m);
}

/* ---- as root ------------------------------------------------------------------------------ */

static void enter(const struct map *m, const char *name) {
  assert_int_equal(netns_enter(&m->net.hosts[host(m, name)]), 0);
}

static struct qc_addr addr_of(const char *text, int family) {
  struct qc_addr a = {0};
  if (family == AF_INET6) {
    a.in6.sin6_family = AF_INET6;
    a.in6.sin6_port = htons(4433);
    a.len = sizeof a.in6;
    assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
  } else {
    a.in.sin_family = AF_INET;
    a.in.sin_port = htons(4433);
    a.len = sizeof a.in;
    assert_int_equal(inet_pton(AF_INET, text, &a.in.sin_addr), 1);
  }
  return a;
}

static int bound_in(const struct map *m, const char *name, const struct qc_addr *at) {
  const int on = 1;
  enter(m, name);
  const int fd = socket(at->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, &at->sa, at->len), 0);
  if (at->sa.sa_family == AF_INET6)
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on), 0);
  else
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
  return fd;
}

/* Sends from one to the other; returns the TTL it came with. */
static int ttl_between(int from, int to, const struct qc_addr *addr) {
  char data[8];
  _Alignas(struct cmsghdr) char control[64];
  struct iovec iov = {data, sizeof data};
  struct msghdr msg = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int ttl = -1;
  assert_int_equal(sendto(from, "ping", 4, 0, &addr->sa, addr->len), 4);
  struct pollfd wait = {.fd = to, .events = POLLIN};
  assert_int_equal(poll(&wait, 1, 5000), 1);
  assert_int_equal(recvmsg(to, &msg, 0), 4);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
    memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
  return ttl;
}

/* Both ways over two routers, the moment the network is built. */
static void packets_take_them(const char *text, const char *relay_address, const char *sub_address,
                              int family) {
  if (geteuid() != 0) {
    print_message("needs root\n");
    skip();
  }
  char err[256] = "";
  struct map m = map_plan(text);
  const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (topology_build(&m.net, err, sizeof err) != 0)
    fail_msg("%s", err);
  const struct qc_addr relay = addr_of(relay_address, family), sub = addr_of(sub_address, family);
  const int a = bound_in(&m, "relay", &relay), b = bound_in(&m, "sub[1]", &sub);
  assert_int_equal(ttl_between(a, b, &sub), 62);
  assert_int_equal(ttl_between(b, a, &relay), 62);
  /* what the datapath writes in front of a copy: the router's MAC, not the subscriber's */
  const struct qc_path path = {.local = relay, .remote = sub};
  const struct veth_pair *pair = &m.net.links[1].pair;
  uint32_t ifindex = 0;
  uint8_t src[6], dst[6];
  enter(&m, "relay");
  assert_int_equal(neighbour_resolve(&path, &ifindex, src, dst), 0);
  assert_int_equal(ifindex, pair->a.ifindex);
  assert_memory_equal(src, pair->a.mac, 6);
  assert_memory_equal(dst, pair->b.mac, 6);
  assert_int_equal(neighbour_mtu(&path), 1300);
  assert_int_equal(setns(home, CLONE_NEWNET), 0);
  close(a);
  close(b);
  close(home);
  assert_int_equal(topology_take_down(&m.net, err, sizeof err), 0);
  map_free(&m);
}

static void ipv4_packets_take_them(void **state) {
  (void)state;
  packets_take_them(NET("4"), "10.0.1.1", "10.0.4.2", AF_INET);
}

static void ipv6_packets_take_them(void **state) {
  (void)state;
  packets_take_them(NET("6"), "fd00:0:0:1::1", "fd00:0:0:4::2", AF_INET6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(routes_of_a_plan),
      cmocka_unit_test(two_hosts_know_each_other_by_their_way),
      cmocka_unit_test(ipv4_packets_take_them),
      cmocka_unit_test(ipv6_packets_take_them),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
