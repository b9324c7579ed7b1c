/* The network of a plan: names and addresses without privilege; as root also
 * the real thing, in namespaces that end with this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/net/offload.h"
#include "bench/net/topology.h"

#define MAX_HOSTS 70

/* A star: node 0 in the middle, nodes 1.. around it. */
struct star {
  struct plan plan;
  struct plan_node nodes[MAX_HOSTS];
  struct plan_link links[MAX_HOSTS];
  char names[MAX_HOSTS][24];
};

static struct star *star_make(uint32_t leaves, int ip, const char *leaf_name) {
  struct star *s = calloc(1, sizeof *s);
  assert_non_null(s);
  for (uint32_t i = 0; i <= leaves; i++) {
    snprintf(s->names[i], sizeof s->names[i], i == 0 ? "relay" : "%s.%u", leaf_name, i - 1);
    s->nodes[i] = (struct plan_node){.name = s->names[i], .file_name = s->names[i], .host = i};
    if (i > 0)
      s->links[i - 1] =
          (struct plan_link){.a = 0, .b = (int)i, .ip = ip, .mtu = 1400, .plain = true};
  }
  s->plan = (struct plan){.nodes = s->nodes,
                          .n_nodes = leaves + 1,
                          .n_hosts = leaves + 1,
                          .links = s->links,
                          .n_links = leaves};
  return s;
}

static void addresses_follow_the_scheme(void **state) {
  (void)state;
  char err[256];
  struct topology net;
  struct topology_way way;
  struct star *s = star_make(3, 4, "sub");
  s->links[2].ip = 6;
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  assert_string_equal(net.links[1].pair.a.address, "10.0.1.1");
  assert_string_equal(net.links[1].pair.b.address, "10.0.1.2");
  assert_string_equal(net.links[2].pair.a.address, "fd00:0:0:2::1");
  assert_string_equal(net.links[2].pair.b.address, "fd00:0:0:2::2");
  assert_int_equal(net.links[2].pair.prefix_len, 64);
  assert_string_equal(net.links[1].pair.a.ifname, "sub.1");
  assert_string_equal(net.links[1].pair.b.ifname, "relay");
  assert_true(topology_way(&net, &s->plan, 0, 2, &way));
  assert_ptr_equal(way.here, &net.links[1].pair.a);
  assert_ptr_equal(way.there, &net.links[1].pair.b);
  assert_false(topology_way(&net, &s->plan, 1, 2, &way)); /* the middle forwards nothing */
  assert_int_equal(net.n_routes, 0);
  assert_null(net.wire);
  topology_free(&net);
  free(s);
}

static void long_and_equal_names_get_another(void **state) {
  (void)state;
  char err[256];
  struct topology net;
  struct star *s = star_make(2, 4, "a-rather-long-name");
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  assert_string_equal(net.links[1].pair.a.ifname, "link1");
  topology_free(&net);
  strcpy(s->names[1], "twin");
  strcpy(s->names[2], "twin");
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  assert_string_equal(net.links[0].pair.a.ifname, "twin");
  assert_string_equal(net.links[1].pair.a.ifname, "link1");
  topology_free(&net);
  free(s);
}

static void names_of_the_kernel_get_another(void **state) {
  static const char *const kept[] = {"lo", "all", "default"};
  (void)state;
  char err[256];
  struct topology net;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    struct star *s = star_make(1, 4, "sub");
    strcpy(s->names[1], kept[i]);
    assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
    assert_string_equal(net.links[0].pair.a.ifname, "link0");
    assert_string_equal(net.links[0].pair.b.ifname, "relay");
    topology_free(&net);
    free(s);
  }
}

static void skip_without_root(void) {
  if (geteuid() != 0) {
    print_message("needs root\n");
    skip();
  }
}

static int udp_bound(const struct netns *ns, int family, const char *address,
                     struct sockaddr_storage *at, socklen_t *len) {
  int home_fd = -1;
  FILE *f = fopen("/proc/self/ns/net", "r");
  assert_non_null(f);
  home_fd = fileno(f);
  assert_int_equal(netns_enter(ns), 0);
  int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  memset(at, 0, sizeof *at);
  if (family == AF_INET) {
    struct sockaddr_in *in = (struct sockaddr_in *)at;
    *len = sizeof *in;
    in->sin_family = AF_INET;
    in->sin_port = htons(4433);
    assert_int_equal(inet_pton(AF_INET, address, &in->sin_addr), 1);
  } else {
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)at;
    *len = sizeof *in;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(4433);
    assert_int_equal(inet_pton(AF_INET6, address, &in->sin6_addr), 1);
  }
  assert_int_equal(bind(fd, (struct sockaddr *)at, *len), 0);
  assert_int_equal(setns(home_fd, CLONE_NEWNET), 0);
  fclose(f);
  return fd;
}

/* A datagram each way, sent the moment the network is built: no ARP, no
 * duplicate address detection may be in the way. */
static void carries_at_once(int ip) {
  skip_without_root();
  char err[256] = "";
  struct topology net;
  struct star *s = star_make(2, ip, "sub");
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  if (topology_build(&net, err, sizeof err) != 0)
    fail_msg("%s", err);
  const struct veth_pair *pair = &net.links[1].pair;
  struct sockaddr_storage at_a, at_b;
  socklen_t len_a, len_b;
  int a = udp_bound(pair->a.ns, pair->family, pair->a.address, &at_a, &len_a);
  int b = udp_bound(pair->b.ns, pair->family, pair->b.address, &at_b, &len_b);
  char buf[8];
  assert_int_equal(sendto(a, "ping", 4, 0, (struct sockaddr *)&at_b, len_b), 4);
  struct pollfd wait_b = {.fd = b, .events = POLLIN};
  assert_int_equal(poll(&wait_b, 1, 5000), 1);
  assert_int_equal(recv(b, buf, sizeof buf, 0), 4);
  assert_int_equal(sendto(b, "pong!", 5, 0, (struct sockaddr *)&at_a, len_a), 5);
  struct pollfd wait_a = {.fd = a, .events = POLLIN};
  assert_int_equal(poll(&wait_a, 1, 5000), 1);
  assert_int_equal(recv(a, buf, sizeof buf, 0), 5);
  close(a);
  close(b);
  assert_int_equal(topology_take_down(&net, err, sizeof err), 0);
  topology_free(&net);
  free(s);
}

static void ipv4_carries_at_once(void **state) {
  (void)state;
  carries_at_once(4);
}

static void ipv6_carries_at_once(void **state) {
  (void)state;
  carries_at_once(6);
}

/* Two pairs that meet in the wire's namespace: nobody carries frames from one to the
 * other here, so nothing arrives, and the inner ends have no addresses and no offloads. */
static void a_wired_link_ends_in_the_wire(void **state) {
  (void)state;
  skip_without_root();
  char err[256] = "";
  struct topology net;
  struct star *s = star_make(2, 6, "sub");
  s->links[1].plain = false;
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  assert_false(net.links[0].wired);
  assert_true(net.links[1].wired);
  if (topology_build(&net, err, sizeof err) != 0)
    fail_msg("%s", err);
  const struct veth_pair *pair = &net.links[1].pair;
  const struct veth_end *inner = &net.links[1].inner_b;
  assert_ptr_equal(inner->ns, net.wire);
  assert_string_equal(inner->ifname, "1b");
  assert_int_equal(offload_is_on(net.wire->ioctl_fd, "1a", "rx-gro"), 0);
  assert_int_equal(offload_is_on(net.wire->ioctl_fd, "1b", "tx-checksum-ip-generic"), 0);
  assert_int_equal(offload_is_on(net.wire->ioctl_fd, "0a", "rx-gro"), -1);
  struct sockaddr_storage at_a, at_b;
  socklen_t len_a, len_b;
  int a = udp_bound(pair->a.ns, pair->family, pair->a.address, &at_a, &len_a);
  int b = udp_bound(pair->b.ns, pair->family, pair->b.address, &at_b, &len_b);
  assert_int_equal(sendto(a, "ping", 4, 0, (struct sockaddr *)&at_b, len_b), 4);
  struct pollfd wait_b = {.fd = b, .events = POLLIN};
  assert_int_equal(poll(&wait_b, 1, 100), 0);
  close(a);
  close(b);
  assert_int_equal(topology_take_down(&net, err, sizeof err), 0);
  assert_int_equal(offload_is_on(net.wire->ioctl_fd, "1b", "rx-gro"), -1);
  topology_free(&net);
  free(s);
}

static void offloads_are_off(void **state) {
  (void)state;
  skip_without_root();
  char err[256] = "";
  struct topology net;
  struct star *s = star_make(1, 4, "sub");
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  if (topology_build(&net, err, sizeof err) != 0)
    fail_msg("%s", err);
  const struct veth_end *end = &net.links[0].pair.b;
  assert_int_equal(offload_is_on(end->ns->ioctl_fd, end->ifname, "tx-udp-segmentation"), 0);
  assert_int_equal(offload_is_on(end->ns->ioctl_fd, end->ifname, "rx-gro"), 0);
  assert_int_equal(offload_is_on(end->ns->ioctl_fd, end->ifname, "tx-checksum-ip-generic"), 0);
  /* the reader tells on from off: this one nobody turns off */
  assert_int_equal(offload_is_on(end->ns->ioctl_fd, end->ifname, "tx-vlan-hw-insert"), 1);
  assert_int_equal(offload_is_on(end->ns->ioctl_fd, end->ifname, "no-such-feature"), -1);
  topology_free(&net);
  free(s);
}

/* The size of the issue: 64 hosts. How long it takes is printed, not judged. */
static void sixty_four_hosts_come_up(void **state) {
  (void)state;
  skip_without_root();
  char err[256] = "";
  struct topology net;
  struct star *s = star_make(63, 4, "sub");
  struct timespec from, to;
  assert_int_equal(topology_plan(&s->plan, &net, err, sizeof err), 0);
  clock_gettime(CLOCK_MONOTONIC, &from);
  if (topology_build(&net, err, sizeof err) != 0)
    fail_msg("%s", err);
  clock_gettime(CLOCK_MONOTONIC, &to);
  print_message("64 hosts are up in %ld ms\n",
                (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
  for (uint32_t h = 0; h < net.n_hosts; h++)
    for (uint32_t g = 0; g < h; g++)
      assert_int_not_equal(net.hosts[h].name.inode, net.hosts[g].name.inode);
  const struct veth_end *last = &net.links[62].pair.b;
  assert_int_equal(offload_is_on(last->ns->ioctl_fd, last->ifname, "rx-gro"), 0);
  assert_int_equal(topology_take_down(&net, err, sizeof err), 0);
  assert_int_equal(offload_is_on(last->ns->ioctl_fd, last->ifname, "rx-gro"), -1);
  topology_free(&net);
  free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_follow_the_scheme),
      cmocka_unit_test(long_and_equal_names_get_another),
      cmocka_unit_test(names_of_the_kernel_get_another),
      cmocka_unit_test(ipv4_carries_at_once),
      cmocka_unit_test(ipv6_carries_at_once),
      cmocka_unit_test(a_wired_link_ends_in_the_wire),
      cmocka_unit_test(offloads_are_off),
      cmocka_unit_test(sixty_four_hosts_come_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
