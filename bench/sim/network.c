/* Links and hosts: frames go out of one end and come in at the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fate/from_plan.h"
#include "bench/scenario/ways.h"
#include "bench/sim/world.h"

/* Where the system takes ports from that nobody chose. */
#define FIRST_FREE_PORT 40000
#define LAST_FREE_PORT  59999

/* One direction of a link. */
struct way {
  struct network *network;
  size_t link;
  int end; /* where frames come in */
  bool tap_out, tap_in;
  bool plain; /* nothing ever happens to a packet: nobody is asked */
  struct fate_way fate;
};

/* Whose an address is. */
struct address {
  uint8_t addr[16]; /* IPv4: the last 4 bytes, the rest is 0 */
  size_t link;
  int end;
};

struct host {
  struct node **nodes; /* into network.by_host */
  size_t n;
};

struct network {
  struct world *world;
  struct way *ways; /* [2 * n_links]: out of end 0, out of end 1 */
  struct address *addresses;
  size_t n_addresses;
  struct plan_ways *plan_ways;
  struct host *hosts;
  struct node **by_host;
  uint16_t free_port;
  uint64_t backlog; /* bytes on impaired links */
  FILE *log;
};

/* ---- routes ------------------------------------------------------------------------------- */

static void key_of(const struct qc_addr *addr, uint8_t key[16]) {
  memset(key, 0, 16);
  if (addr->sa.sa_family == AF_INET6)
    memcpy(key, &addr->in6.sin6_addr, 16);
  else
    memcpy(key + 12, &addr->in.sin_addr, 4);
}

static int compare_addresses(const void *a, const void *b) {
  return memcmp(((const struct address *)a)->addr, ((const struct address *)b)->addr, 16);
}

static const struct address *find_address(const struct network *network,
                                          const struct qc_addr *addr) {
  struct address key = {0};
  key_of(addr, key.addr);
  return bsearch(&key, network->addresses, network->n_addresses, sizeof key, compare_addresses);
}

static uint32_t host_at(const struct network *network, size_t link, int end) {
  return network->world->config->wires[link].end[end].host;
}

static int ip_of(const struct qc_addr *addr) {
  return addr->sa.sa_family == AF_INET6 ? 6 : 4;
}

bool network_route(const struct network *network, uint32_t host, const struct qc_addr *to,
                   size_t *link, int *end) {
  const struct address *found = find_address(network, to);
  if (found == NULL)
    return false;
  *link = found->link;
  if (host_at(network, *link, !found->end) != host) { /* no neighbour on that link */
    const uint32_t far = host_at(network, found->link, found->end);
    const int next = plan_ways_next(network->plan_ways, host, far, ip_of(to));
    if (next < 0)
      return false;
    *link = (size_t)next;
  }
  *end = host_at(network, *link, 0) == host ? 0 : 1;
  return true;
}

uint32_t network_mtu(const struct network *network, uint32_t host, const struct qc_addr *to) {
  const struct address *found = find_address(network, to);
  if (found == NULL)
    return 0;
  if (host_at(network, found->link, !found->end) == host)
    return network->world->plan->links[found->link].mtu;
  return plan_ways_mtu(network->plan_ways, host, host_at(network, found->link, found->end),
                       ip_of(to));
}

bool network_way(const struct network *network, uint32_t from, uint32_t to, struct qc_addr *here,
                 struct qc_addr *there) {
  const int ip = plan_ways_ip(network->plan_ways, from, to);
  int last = -1;
  for (uint32_t at = from; ip != 0 && at != to; at = plan_ways_far(network->plan_ways, last, at)) {
    const bool first = last < 0;
    last = plan_ways_next(network->plan_ways, at, to, ip);
    const struct sim_wire *wire = &network->world->config->wires[last];
    if (first)
      *here = wire->end[wire->end[0].host == from ? 0 : 1].addr;
    if (wire->end[0].host == to || wire->end[1].host == to)
      *there = wire->end[wire->end[0].host == to ? 0 : 1].addr;
  }
  return last >= 0;
}

/* ---- making --------------------------------------------------------------------------------- */

static bool watches(const struct plan_node *node) {
  return node->role == PLAN_RELAY || node->role == PLAN_ROUTER;
}

/* What happens to packets of this direction. -1: the plan's values cannot be. */
static int open_fate(struct way *way, const struct plan *plan, bool forward) {
  const struct plan_link *link = &plan->links[way->link];
  const struct plan_node *from = &plan->nodes[forward ? link->a : link->b];
  const struct plan_node *to = &plan->nodes[forward ? link->b : link->a];
  const size_t n = forward ? link->n_forward_faults : link->n_backward_faults;
  const struct plan_fault *faults = forward ? link->forward_faults : link->backward_faults;
  const struct fate_params params = FATE_PARAMS_OF(forward ? &link->forward : &link->backward);
  struct fate_fault *converted = calloc(n + 1, sizeof *converted);
  if (converted == NULL)
    return -1;
  for (size_t i = 0; i < n; i++)
    converted[i] = FATE_FAULT_OF(&faults[i]);
  const char *why =
      fate_way_open(&way->fate, plan->seed, from->name, to->name, &params, converted, n);
  way->fate.ids = FATE_WAY_IDS_OF(to);
  if (why != NULL)
    world_end(way->network->world, "link %s>%s: %s", from->name, to->name, why);
  return why == NULL ? 0 : -1;
}

static int make_fates(struct network *network) {
  const struct plan *plan = network->world->plan;
  for (size_t w = 0; w < 2 * plan->n_links; w++)
    if (!network->ways[w].plain && open_fate(&network->ways[w], plan, w % 2 == 0) != 0)
      return -1;
  return 0;
}

static void make_ways(struct network *network) {
  const struct plan *plan = network->world->plan;
  for (size_t k = 0; k < plan->n_links; k++) {
    const struct plan_link *link = &plan->links[k];
    const int nodes[2] = {link->a, link->b};
    for (int end = 0; end < 2; end++) {
      struct address *address = &network->addresses[network->n_addresses++];
      key_of(&network->world->config->wires[k].end[end].addr, address->addr);
      address->link = k;
      address->end = end;
      network->ways[2 * k + (size_t)end] = (struct way){
          .network = network,
          .link = k,
          .end = !end,
          .tap_out = !link->plain || watches(&plan->nodes[nodes[end]]),
          .plain = link->plain,
          .tap_in = !link->plain || watches(&plan->nodes[nodes[!end]]),
      };
    }
  }
  qsort(network->addresses, network->n_addresses, sizeof *network->addresses, compare_addresses);
}

/* by_host: the nodes of host 0, then of host 1, ...; each in order of the plan. */
static void make_hosts(struct network *network) {
  struct world *world = network->world;
  struct node **at = network->by_host;
  for (size_t i = 0; i < world->plan->n_nodes; i++)
    network->hosts[world->plan->nodes[i].host].n++;
  for (uint32_t h = 0; h < world->plan->n_hosts; at += network->hosts[h++].n)
    network->hosts[h].nodes = at;
  for (uint32_t h = 0; h < world->plan->n_hosts; h++)
    network->hosts[h].n = 0;
  for (size_t i = 0; i < world->plan->n_nodes; i++) {
    struct host *host = &network->hosts[world->plan->nodes[i].host];
    host->nodes[host->n++] = &world->nodes[i];
  }
}

struct network *network_new(struct world *world) {
  const struct plan *plan = world->plan;
  struct network *network = calloc(1, sizeof *network);
  if (network == NULL)
    return NULL;
  network->world = world;
  network->ways = calloc(2 * plan->n_links + 1, sizeof *network->ways);
  network->addresses = calloc(2 * plan->n_links + 1, sizeof *network->addresses);
  network->plan_ways = plan_ways_new(plan);
  network->hosts = calloc(plan->n_hosts + 1u, sizeof *network->hosts);
  network->by_host = calloc(plan->n_nodes + 1, sizeof(struct node *));
  if (network->ways == NULL || network->addresses == NULL || network->hosts == NULL ||
      network->by_host == NULL) {
    network_free(network);
    return NULL;
  }
  make_ways(network);
  make_hosts(network);
  if (make_fates(network) == 0)
    return network;
  network_free(network);
  return NULL;
}

void network_free(struct network *network) {
  if (network == NULL)
    return;
  if (network->log != NULL)
    fclose(network->log);
  for (size_t w = 0; network->ways != NULL && w < 2 * network->world->plan->n_links; w++)
    fate_way_free(&network->ways[w].fate);
  free(network->ways);
  free(network->addresses);
  plan_ways_free(network->plan_ways);
  free(network->hosts);
  free(network->by_host);
  free(network);
}

/* ---- frames ------------------------------------------------------------------------------------ */

static void tap(struct network *network, size_t link, int end, const struct frame *frame) {
  const struct sim_config *config = network->world->config;
  const sig_atomic_t outer = parts_enter(SIM_PART_WRITING);
  if (config->tap != NULL && !network->world->closing)
    config->tap(config->arg, link, end, network->world->now_ns, frame->bytes, frame->len);
  parts_leave(outer);
}

/* At a router: on, or its way ends here. */
static void forward(struct network *network, uint32_t host, struct frame *frame) {
  struct world *world = network->world;
  struct qc_addr to;
  size_t link;
  int end;
  if (frame_destination(frame, &to) && network_route(network, host, &to, &link, &end) &&
      frame_ip_len(frame) <= world->plan->links[link].mtu) {
    const struct sim_end *ends = world->config->wires[link].end;
    if (frame_forward(frame, ends[end].mac, ends[!end].mac)) {
      world_leave(world, link, end, frame, world->now_ns + SIM_FORWARD_NS);
      return;
    }
  }
  frame_give(&world->frames, frame);
}

static void arrive(struct way *way, struct frame *frame) {
  struct network *network = way->network;
  struct world *world = network->world;
  const uint32_t at = host_at(network, way->link, way->end);
  const struct host *host = &network->hosts[at];
  if (!way->plain)
    network->backlog -= frame->len;
  if (way->tap_in)
    tap(network, way->link, way->end, frame);
  if (plan_ways_is_router(network->plan_ways, at)) {
    forward(network, at, frame);
    return;
  }
  for (size_t i = 0; i < host->n; i++)
    if (host->nodes[i]->orphan != NULL && host->nodes[i]->ops->listens(host->nodes[i], frame))
      host->nodes[i]->ops->outlived(host->nodes[i], frame);
  for (size_t i = 0; i < host->n; i++)
    if (host->nodes[i]->core != NULL && host->nodes[i]->ops->listens(host->nodes[i], frame)) {
      host->nodes[i]->ops->packet(host->nodes[i], frame, way->link);
      return;
    }
  frame_give(&world->frames, frame); /* nobody listens on that port */
}

static void on_arrival(void *self, void *data, uint64_t now_ns) {
  const sig_atomic_t outer = parts_enter(SIM_PART_LINKS);
  (void)now_ns;
  arrive(self, data);
  parts_leave(outer);
}

static void turn_bit(struct frame *frame, uint32_t bit) {
  const size_t at = frame_payload_at(frame) + bit / 8;
  frame->bytes[at] ^= (uint8_t)(1u << (bit & 7));
}

/* An impaired link: the packet meets its fate, and each copy arrives by itself. */
static void send_impaired(struct way *way, struct frame *frame) {
  struct world *world = way->network->world;
  const size_t at = frame_payload_at(frame);
  const struct fate fate =
      fate_way_packet(&way->fate, way->network->log, (uint32_t)frame_ip_len(frame),
                      frame->bytes + at, frame->len - at, world->now_ns);
  if (fate.corrupt && fate.copies > 0)
    turn_bit(frame, fate.corrupt_bit);
  for (int i = 0; i < fate.copies; i++) {
    struct frame *copy = i + 1 < fate.copies ? frame_new(&world->frames) : frame;
    if (copy == NULL) {
      world_end(world, "no memory for a frame");
      return;
    }
    if (copy != frame) {
      copy->len = frame->len;
      memcpy(copy->bytes, frame->bytes, frame->len);
    }
    way->network->backlog += copy->len;
    events_put(&world->events, fate.deliver_at_ns[i] + SIM_WIRE_NS, on_arrival, way, copy);
  }
  if (fate.copies == 0)
    frame_give(&world->frames, frame);
}

void network_send(struct network *network, size_t link, int end, struct frame *frame) {
  struct way *way = &network->ways[2 * link + (size_t)end];
  struct world *world = network->world;
  if (world->closing) { /* the last lines of the log are written */
    frame_give(&world->frames, frame);
    return;
  }
  if (way->tap_out)
    tap(network, link, end, frame);
  if (way->plain)
    events_put(&world->events, world->now_ns + SIM_WIRE_NS, on_arrival, way, frame);
  else
    send_impaired(way, frame);
}

static bool change(struct way *way, const struct plan_event *event,
                   const struct plan_impair *impair) {
  const uint64_t now = way->network->world->now_ns;
  FILE *log = way->network->log;
  if (event->kind == PLAN_EV_LINK_DOWN)
    fate_way_down(&way->fate, log, now);
  else if (event->kind == PLAN_EV_LINK_UP)
    fate_way_up(&way->fate, log, now);
  else
    return fate_way_set(&way->fate, log, &FATE_PARAMS_OF(impair), now) == NULL;
  return true;
}

bool network_event(struct network *network, const struct plan_event *event) {
  struct way *ways = &network->ways[2 * (size_t)event->link];
  return change(&ways[0], event, &event->set) && change(&ways[1], event, &event->set_backward);
}

uint64_t network_backlog(const struct network *network) {
  return network->backlog;
}

uint16_t network_free_port(struct network *network) {
  if (network->free_port < FIRST_FREE_PORT || network->free_port > LAST_FREE_PORT)
    network->free_port = FIRST_FREE_PORT;
  return network->free_port++;
}

/* ---- log ------------------------------------------------------------------------------------------ */

int network_open_log(struct network *network, const char *dir) {
  char *path = NULL;
  if (asprintf(&path, "%s/links.jsonl", dir) < 0)
    return -1;
  network->log = fopen(path, "we");
  free(path);
  return network->log != NULL ? 0 : -1;
}

void network_log_up(struct network *network) {
  const struct plan *plan = network->world->plan;
  char name[512];
  for (size_t w = 0; w < 2 * plan->n_links; w++) {
    const char *a = plan->nodes[plan->links[w / 2].a].name;
    const char *b = plan->nodes[plan->links[w / 2].b].name;
    snprintf(name, sizeof name, "%s>%s", w % 2 == 0 ? a : b, w % 2 == 0 ? b : a);
    journal_link(network->log, name, "up", network->world->now_ns);
  }
}

void network_log_totals(struct network *network) {
  for (size_t w = 0; w < 2 * network->world->plan->n_links; w++)
    if (!network->ways[w].plain)
      fate_way_close(&network->ways[w].fate, network->log, &(struct fate_late){0},
                     network->world->now_ns);
}
