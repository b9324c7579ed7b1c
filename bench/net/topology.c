#include "bench/net/topology.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/scenario/ways.h"

/* Indexes of the same link on both ends; above lo and anything the kernel makes. */
#define FIRST_IFINDEX 100
/* Inner ends are named after link and end, "7a"; link K has these two indexes. */
#define INNER_IFINDEX(k, e) (FIRST_IFINDEX + 2 * (int)(k) + (int)(e))
#define UP_BOUND_MS         10000

static void set_addresses(struct veth_pair *pair, size_t k, int ip) {
  pair->family = ip == 6 ? AF_INET6 : AF_INET;
  pair->prefix_len = ip == 6 ? 64 : 24;
  struct veth_end *ends[2] = {&pair->a, &pair->b};
  for (unsigned e = 0; e < 2; e++) {
    const uint8_t mac[6] = {0x02, 0xfb, (uint8_t)e, 0, (uint8_t)(k >> 8), (uint8_t)k};
    memcpy(ends[e]->mac, mac, sizeof mac);
    if (ip == 6)
      snprintf(ends[e]->address, sizeof ends[e]->address, "fd00:0:0:%zx::%u", k, e + 1);
    else
      snprintf(ends[e]->address, sizeof ends[e]->address, "10.%zu.%zu.%u", k >> 8, k & 255, e + 1);
  }
}

/* The kernel keeps these for itself: the loopback, and two folders of /proc/sys/net/ipv4/conf. */
static bool is_reserved(const char *name) {
  return !strcmp(name, "lo") || !strcmp(name, "all") || !strcmp(name, "default");
}

/* Ends that have a name, by host and name: open addressing. */
struct names {
  const struct veth_end **at; /* [room], a power of two; NULL = free */
  size_t room;
};

static int names_open(struct names *names, size_t n_ends) {
  names->room = 4;
  while (names->room < 2 * n_ends)
    names->room *= 2;
  names->at = calloc(names->room, sizeof(struct veth_end *));
  return names->at != NULL ? 0 : -1;
}

/* Where an end of that host with that name is, or the free place for it. */
static size_t names_place(const struct names *names, const struct netns *host, const char *name) {
  uint64_t hash = (uintptr_t)host;
  for (const char *c = name; *c != '\0'; c++)
    hash = (hash ^ (uint8_t)*c) * 1099511628211u; /* FNV-1a */
  size_t at = (size_t)(hash ^ hash >> 29) & (names->room - 1);
  while (names->at[at] != NULL &&
         (names->at[at]->ns != host || strcmp(names->at[at]->ifname, name) != 0))
    at = (at + 1) & (names->room - 1);
  return at;
}

/* An interface carries the name of the node it leads to, so that a person who
 * looks inside finds it; "linkK" where that name is too long, reserved or taken. */
static void set_ifname(struct names *names, size_t k, struct veth_end *end, const char *towards) {
  const bool usable = strlen(towards) < IFNAMSIZ && !is_reserved(towards) &&
                      names->at[names_place(names, end->ns, towards)] == NULL;
  if (usable)
    memcpy(end->ifname, towards, strlen(towards) + 1);
  else
    snprintf(end->ifname, sizeof end->ifname, "link%u", (unsigned)k & 0xffff);
  names->at[names_place(names, end->ns, end->ifname)] = end;
}

static void plan_inner_ends(struct topology *net, size_t k) {
  struct topology_link *link = &net->links[k];
  struct veth_end *ends[2] = {&link->inner_a, &link->inner_b};
  for (unsigned e = 0; e < 2; e++) {
    const uint8_t mac[6] = {0x02, 0xfb, (uint8_t)(2 + e), 0, (uint8_t)(k >> 8), (uint8_t)k};
    *ends[e] = (struct veth_end){.ns = net->wire, .ifindex = INNER_IFINDEX(k, e)};
    memcpy(ends[e]->mac, mac, sizeof mac);
    snprintf(ends[e]->ifname, sizeof ends[e]->ifname, "%u%c", (unsigned)k & 0xffff, "ab"[e]);
  }
}

static void plan_link_ends(const struct plan *plan, struct topology *net, struct names *names,
                           size_t k) {
  const struct plan_link *from = &plan->links[k];
  struct topology_link *to = &net->links[k];
  const struct plan_node *a = &plan->nodes[from->a], *b = &plan->nodes[from->b];
  to->a = from->a;
  to->b = from->b;
  to->host_a = a->host;
  to->host_b = b->host;
  to->pair.mtu = from->mtu;
  to->pair.a.ns = &net->hosts[a->host];
  to->pair.b.ns = &net->hosts[b->host];
  to->pair.a.ifindex = to->pair.b.ifindex = FIRST_IFINDEX + (int)k;
  set_addresses(&to->pair, k, from->ip);
  set_ifname(names, k, &to->pair.a, b->file_name);
  set_ifname(names, k, &to->pair.b, a->file_name);
  to->wired = !from->plain;
  if (to->wired) {
    net->wire = &net->hosts[plan->n_hosts];
    plan_inner_ends(net, k);
  }
}

int topology_plan(const struct plan *plan, struct topology *net, char *err, size_t err_len) {
  *net = (struct topology){.n_hosts = plan->n_hosts, .n_links = plan->n_links};
  if (plan->n_links > TOPOLOGY_MAX_LINKS) {
    snprintf(err, err_len, "%zu links; the address scheme has room for %d", plan->n_links,
             TOPOLOGY_MAX_LINKS);
    *net = (struct topology){0};
    return -1;
  }
  net->hosts = calloc(plan->n_hosts + 1u, sizeof *net->hosts);
  net->links = calloc(plan->n_links + 1, sizeof *net->links);
  net->is_router = calloc(plan->n_hosts + 1u, sizeof *net->is_router);
  struct names names = {0};
  if (net->hosts == NULL || net->links == NULL || net->is_router == NULL ||
      names_open(&names, 2 * plan->n_links) != 0) {
    snprintf(err, err_len, "no memory for a network of %u hosts", plan->n_hosts);
    topology_free(net);
    return -1;
  }
  for (uint32_t h = 0; h <= plan->n_hosts; h++) /* the last one is the wire's */
    net->hosts[h] = NETNS_NONE;
  for (size_t i = 0; i < plan->n_nodes; i++)
    net->is_router[plan->nodes[i].host] = plan->nodes[i].role == PLAN_ROUTER;
  for (size_t k = 0; k < plan->n_links; k++)
    plan_link_ends(plan, net, &names, k);
  free(names.at);
  if (routes_plan(plan, net, &net->routes, &net->n_routes, err, err_len) == 0)
    return 0;
  topology_free(net);
  return -1;
}

typedef int end_test(const struct veth_end *end, char *err, size_t err_len);

static int wait_for_end(end_test *test, const struct veth_end *end, char *err, size_t err_len) {
  for (int ms = 0; ms < UP_BOUND_MS; ms++) {
    int is = test(end, err, err_len);
    if (is != 0)
      return is > 0 ? 0 : -1;
    poll(NULL, 0, 1);
  }
  snprintf(err, err_len, "interface %s does not work yet after %d s", end->ifname,
           UP_BOUND_MS / 1000);
  return -1;
}

static int wait_for_ends(const struct topology *net, end_test *test, char *err, size_t err_len) {
  for (size_t k = 0; k < net->n_links; k++) {
    const struct veth_pair *pair = &net->links[k].pair;
    if (wait_for_end(test, &pair->a, err, err_len) != 0 ||
        wait_for_end(test, &pair->b, err, err_len) != 0)
      return -1;
  }
  return 0;
}

static int wait_for_inner_ends(const struct topology *net, char *err, size_t err_len) {
  for (size_t k = 0; k < net->n_links; k++)
    if (net->links[k].wired &&
        (wait_for_end(veth_can_send, &net->links[k].inner_a, err, err_len) != 0 ||
         wait_for_end(veth_can_send, &net->links[k].inner_b, err, err_len) != 0))
      return -1;
  return 0;
}

/* Two pairs from the hosts into the wire's namespace. */
static int make_wired(const struct topology_link *link, char *err, size_t err_len) {
  struct veth_pair half = link->pair;
  half.b = link->inner_a;
  if (veth_make(&half, err, err_len) != 0)
    return -1;
  half.a = link->pair.b;
  half.b = link->inner_b;
  return veth_make(&half, err, err_len);
}

static int make_links(const struct topology *net, char *err, size_t err_len) {
  for (size_t k = 0; k < net->n_links; k++) {
    const struct topology_link *link = &net->links[k];
    if ((link->wired ? make_wired(link, err, err_len) : veth_make(&link->pair, err, err_len)) != 0)
      return -1;
  }
  return 0;
}

static int make_routes(const struct topology *net, char *err, size_t err_len) {
  for (uint32_t h = 0; h < net->n_hosts; h++)
    if (net->is_router[h] && netns_forward(&net->hosts[h], err, err_len) != 0)
      return -1;
  for (size_t i = 0; i < net->n_routes; i++)
    if (route_add(&net->routes[i], err, err_len) != 0)
      return -1;
  return 0;
}

int topology_build(struct topology *net, char *err, size_t err_len) {
  for (uint32_t h = 0; h < net->n_hosts; h++)
    if (netns_make(&net->hosts[h], err, err_len) != 0)
      return -1;
  if (net->wire != NULL && netns_make(net->wire, err, err_len) != 0)
    return -1;
  if (make_links(net, err, err_len) != 0 || wait_for_ends(net, veth_can_send, err, err_len) != 0 ||
      wait_for_inner_ends(net, err, err_len) != 0)
    return -1;
  for (size_t k = 0; k < net->n_links; k++)
    if (veth_configure(&net->links[k].pair, err, err_len) != 0)
      return -1;
  if (wait_for_ends(net, veth_can_receive, err, err_len) != 0)
    return -1;
  return make_routes(net, err, err_len);
}

/* The wire's end takes the host's with it: all of them in one go where there is a wire. */
int topology_take_down(struct topology *net, char *err, size_t err_len) {
  if (net->wire != NULL && net->wire->nl != NULL && veth_delete_all(net->wire, err, err_len) != 0)
    return -1;
  for (uint32_t h = 0; h < net->n_hosts; h++)
    if (net->hosts[h].nl != NULL && veth_delete_all(&net->hosts[h], err, err_len) != 0)
      return -1;
  return 0;
}

void topology_free(struct topology *net) {
  for (uint32_t h = 0; net->hosts != NULL && h < net->n_hosts; h++)
    netns_close(&net->hosts[h]);
  if (net->wire != NULL)
    netns_close(net->wire);
  free(net->hosts);
  free(net->is_router);
  free(net->links);
  free(net->routes);
  *net = (struct topology){0};
}

static const struct veth_end *end_at(const struct topology *net, int link, uint32_t host) {
  const struct topology_link *it = &net->links[link];
  return it->host_a == host ? &it->pair.a : &it->pair.b;
}

bool topology_way(const struct topology *net, const struct plan *plan, uint32_t from, uint32_t to,
                  struct topology_way *way) {
  struct plan_ways *ways = plan_ways_new(plan);
  const int ip = plan_ways_ip(ways, from, to);
  int last = -1;
  *way = (struct topology_way){.family = ip == 6 ? AF_INET6 : AF_INET};
  for (uint32_t at = from; ip != 0 && at != to; at = plan_ways_far(ways, last, at)) {
    last = plan_ways_next(ways, at, to, ip);
    if (way->here == NULL)
      way->here = end_at(net, last, from);
  }
  if (last >= 0)
    way->there = end_at(net, last, to);
  plan_ways_free(ways);
  return last >= 0;
}
