/* Has every node a way to the relay it dials: a link, or links that lead
 * through routers and are all of one IP version? */
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"

#include <stdlib.h>
#include <string.h>

/* Links by host: those of host h are edges[start[h]] to edges[start[h + 1]]. */
struct reach {
  const struct plan *plan;
  size_t *start;
  struct edge {
    uint32_t to;
    int ip;
  } * edges;
  bool *is_router; /* by host */
  uint32_t *queue; /* hosts */
};

static void count_edge(struct reach *r, uint32_t host) {
  r->start[host + 1]++;
}

static void put_edge(struct reach *r, size_t *fill, uint32_t host, uint32_t to, int ip) {
  r->edges[fill[host]++] = (struct edge){to, ip};
}

static void reach_init(struct reach *r, const struct plan *plan) {
  *r = (struct reach){.plan = plan};
  r->start = plan_new((size_t)plan->n_hosts + 1, sizeof *r->start);
  r->edges = plan_new(2 * plan->n_links, sizeof *r->edges);
  r->is_router = plan_new(plan->n_hosts, sizeof *r->is_router);
  r->queue = plan_new(plan->n_hosts, sizeof *r->queue);
  for (size_t i = 0; i < plan->n_nodes; i++)
    r->is_router[plan->nodes[i].host] = plan->nodes[i].role == PLAN_ROUTER;
  for (size_t i = 0; i < plan->n_links; i++) {
    count_edge(r, plan->nodes[plan->links[i].a].host);
    count_edge(r, plan->nodes[plan->links[i].b].host);
  }
  for (uint32_t h = 0; h < plan->n_hosts; h++)
    r->start[h + 1] += r->start[h];
  size_t *fill = plan_copy_bytes(r->start, plan->n_hosts * sizeof *fill);
  for (size_t i = 0; i < plan->n_links; i++) {
    const struct plan_link *link = &plan->links[i];
    uint32_t a = plan->nodes[link->a].host, b = plan->nodes[link->b].host;
    put_edge(r, fill, a, b, link->ip);
    put_edge(r, fill, b, a, link->ip);
  }
  free(fill);
}

static void reach_release(struct reach *r) {
  free(r->queue);
  free(r->is_router);
  free(r->edges);
  free(r->start);
}

/* Marks all hosts with a way to `from` over links of one IP version. */
static void spread(struct reach *r, uint32_t from, int ip, bool *reached) {
  size_t head = 0, tail = 0;
  bool *seen = plan_new(r->plan->n_hosts, sizeof *seen);
  r->queue[tail++] = from;
  seen[from] = true;
  while (head < tail) {
    uint32_t at = r->queue[head++];
    reached[at] = true;
    if (at != from && !r->is_router[at])
      continue; /* an endpoint forwards nothing */
    for (size_t e = r->start[at]; e < r->start[at + 1]; e++) {
      uint32_t to = r->edges[e].to;
      if (r->edges[e].ip == ip && !seen[to]) {
        seen[to] = true;
        r->queue[tail++] = to;
      }
    }
  }
  free(seen);
}

/* The first node that dials `relay` and has no way to it, or -1. */
static int find_cut_off(const struct plan_build *b, struct reach *r, int relay) {
  const struct plan *plan = b->plan;
  bool *reached = NULL; /* most relays are dialled over a link: look no further then */
  int cut_off = -1;
  for (size_t i = 0; i < plan->n_nodes && cut_off < 0; i++) {
    if (plan->nodes[i].relay != relay || plan_link_between(b, (int)i, relay) >= 0)
      continue;
    if (!reached) {
      reached = plan_new(plan->n_hosts, sizeof *reached);
      spread(r, plan->nodes[relay].host, 4, reached);
      spread(r, plan->nodes[relay].host, 6, reached);
    }
    if (!reached[plan->nodes[i].host])
      cut_off = (int)i;
  }
  free(reached);
  return cut_off;
}

bool plan_check_reach(struct plan_build *b) {
  const struct plan *plan = b->plan;
  struct reach r;
  int cut_off = -1;
  reach_init(&r, plan);
  for (size_t i = 0; i < plan->n_nodes && cut_off < 0; i++) {
    if (plan->nodes[i].role == PLAN_RELAY)
      cut_off = find_cut_off(b, &r, (int)i);
  }
  reach_release(&r);
  if (cut_off < 0)
    return true;
  const struct plan_node *node = &plan->nodes[cut_off];
  const struct plan_tree *links = plan_tree_key(b->root, "links");
  return plan_refuse(b->err, links ? links : b->root,
                     "expected a link between '%s' and '%s', whom it dials, or a way through "
                     "routers of one IP version, found none",
                     node->name, plan->nodes[node->relay].name);
}
