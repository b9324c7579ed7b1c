#include "bench/scenario/ways.h"

#include <stdlib.h>

#include "bench/scenario/memory.h"

/* Links by host: those of host h are edges[start[h]] to edges[start[h + 1]], in the
 * plan's order. */
struct plan_ways {
  const struct plan *plan;
  size_t *start;
  int *edges;
  bool *is_router; /* by host */
  /* For each host and IP version, once asked for: the link by which each host sends
   * towards it, or -1. */
  int **trees; /* [2 * n_hosts] */
  uint32_t *queue;
};

static uint32_t host_of(const struct plan *plan, int node) {
  return plan->nodes[node].host;
}

static void index_links(struct plan_ways *ways) {
  const struct plan *plan = ways->plan;
  for (size_t k = 0; k < plan->n_links; k++) {
    ways->start[host_of(plan, plan->links[k].a) + 1]++;
    ways->start[host_of(plan, plan->links[k].b) + 1]++;
  }
  for (uint32_t h = 0; h < plan->n_hosts; h++)
    ways->start[h + 1] += ways->start[h];
  size_t *fill = plan_copy_bytes(ways->start, plan->n_hosts * sizeof *fill);
  for (size_t k = 0; k < plan->n_links; k++) {
    ways->edges[fill[host_of(plan, plan->links[k].a)]++] = (int)k;
    ways->edges[fill[host_of(plan, plan->links[k].b)]++] = (int)k;
  }
  free(fill);
}

struct plan_ways *plan_ways_new(const struct plan *plan) {
  struct plan_ways *ways = plan_new(1, sizeof *ways);
  ways->plan = plan;
  ways->start = plan_new((size_t)plan->n_hosts + 1, sizeof *ways->start);
  ways->edges = plan_new(2 * plan->n_links, sizeof *ways->edges);
  ways->is_router = plan_new(plan->n_hosts, sizeof *ways->is_router);
  ways->trees = plan_new(2 * (size_t)plan->n_hosts, sizeof(int *));
  ways->queue = plan_new(plan->n_hosts, sizeof *ways->queue);
  for (size_t i = 0; i < plan->n_nodes; i++)
    ways->is_router[plan->nodes[i].host] = plan->nodes[i].role == PLAN_ROUTER;
  index_links(ways);
  return ways;
}

void plan_ways_free(struct plan_ways *ways) {
  if (!ways)
    return;
  for (uint32_t h = 0; h < ways->plan->n_hosts; h++)
    plan_ways_forget(ways, h);
  free(ways->queue);
  free(ways->trees);
  free(ways->is_router);
  free(ways->edges);
  free(ways->start);
  free(ways);
}

static int **tree_of(const struct plan_ways *ways, uint32_t to, int ip) {
  return &ways->trees[2 * (size_t)to + (ip == 6)];
}

void plan_ways_forget(struct plan_ways *ways, uint32_t to) {
  for (int ip = 4; ip <= 6; ip += 2) {
    free(*tree_of(ways, to, ip));
    *tree_of(ways, to, ip) = NULL;
  }
}

uint32_t plan_ways_far(const struct plan_ways *ways, int link, uint32_t host) {
  const struct plan_link *it = &ways->plan->links[link];
  const uint32_t a = host_of(ways->plan, it->a), b = host_of(ways->plan, it->b);
  return a == host ? b : a;
}

bool plan_ways_is_router(const struct plan_ways *ways, uint32_t host) {
  return ways->is_router[host];
}

/* From the destination outwards, breadth first. */
static int *grow_tree(struct plan_ways *ways, uint32_t to, int ip) {
  const struct plan *plan = ways->plan;
  int *tree = plan_new(plan->n_hosts, sizeof *tree);
  size_t head = 0, tail = 0;
  for (uint32_t h = 0; h < plan->n_hosts; h++)
    tree[h] = -1;
  ways->queue[tail++] = to;
  while (head < tail) {
    const uint32_t at = ways->queue[head++];
    if (at != to && !ways->is_router[at])
      continue; /* an endpoint forwards nothing */
    for (size_t e = ways->start[at]; e < ways->start[at + 1]; e++) {
      const int link = ways->edges[e];
      const uint32_t far = plan_ways_far(ways, link, at);
      if (plan->links[link].ip != ip || far == to || tree[far] >= 0)
        continue;
      tree[far] = link;
      ways->queue[tail++] = far;
    }
  }
  return tree;
}

/* The one link between two hosts, or -1. */
static int direct(const struct plan_ways *ways, uint32_t from, uint32_t to) {
  for (size_t e = ways->start[from]; e < ways->start[from + 1]; e++)
    if (plan_ways_far(ways, ways->edges[e], from) == to)
      return ways->edges[e];
  return -1;
}

int plan_ways_next(struct plan_ways *ways, uint32_t from, uint32_t to, int ip) {
  int **tree = tree_of(ways, to, ip);
  if (from == to)
    return -1;
  if (!*tree) { /* most ways are one link: look no further then */
    const int link = direct(ways, from, to);
    if (link >= 0 && ways->plan->links[link].ip == ip)
      return link;
    *tree = grow_tree(ways, to, ip);
  }
  return (*tree)[from];
}

size_t plan_ways_links(struct plan_ways *ways, uint32_t from, uint32_t to, int ip, int *links,
                       size_t room) {
  size_t n = 0;
  for (int link; from != to; from = plan_ways_far(ways, link, from)) {
    link = plan_ways_next(ways, from, to, ip);
    if (link < 0)
      return 0;
    if (n < room)
      links[n] = link;
    n++;
  }
  return n;
}

int plan_ways_ip(struct plan_ways *ways, uint32_t from, uint32_t to) {
  const int link = direct(ways, from, to);
  if (link >= 0)
    return ways->plan->links[link].ip;
  const size_t four = plan_ways_links(ways, from, to, 4, NULL, 0);
  const size_t six = plan_ways_links(ways, from, to, 6, NULL, 0);
  if (four == 0)
    return six > 0 ? 6 : 0;
  return six > 0 && six < four ? 6 : 4;
}

uint32_t plan_ways_mtu(struct plan_ways *ways, uint32_t from, uint32_t to, int ip) {
  uint32_t least = 0;
  for (int link; from != to; from = plan_ways_far(ways, link, from)) {
    link = plan_ways_next(ways, from, to, ip);
    if (link < 0)
      return 0;
    const uint32_t mtu = ways->plan->links[link].mtu;
    least = least == 0 || mtu < least ? mtu : least;
  }
  return least;
}
