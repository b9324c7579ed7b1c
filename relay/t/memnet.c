#include "relay/t/memnet.h"

#include <stdlib.h>
#include <string.h>

struct memnet_packet {
  struct memnet_packet *next;
  uint64_t at_ns;
  struct qc_path path; /* as the sender sees it */
  size_t len;
  uint8_t data[];
};

void memnet_init(struct memnet *net, uint64_t seed) {
  *net = (struct memnet){.now_ns = 1000000000, .delay_ns = 1000000, .random = seed};
}

void memnet_free(struct memnet *net) {
  while (net->head) {
    struct memnet_packet *packet = net->head;
    net->head = packet->next;
    free(packet);
  }
}

void memnet_add(struct memnet *net, const struct memnet_node *node) {
  if (net->n_nodes == MEMNET_NODES)
    abort();
  net->nodes[net->n_nodes++] = *node;
}

struct qc_addr memnet_addr(uint8_t host, uint16_t port) {
  struct qc_addr addr = {.len = sizeof(struct sockaddr_in)};
  addr.in.sin_family = AF_INET;
  addr.in.sin_port = htons(port);
  addr.in.sin_addr.s_addr = htonl(0x0a000000u | host);
  return addr;
}

/* splitmix64 */
uint64_t memnet_random(struct memnet *net) {
  uint64_t z = (net->random += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static bool same(const struct qc_addr *a, const struct qc_addr *b) {
  return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr && a->in.sin_port == b->in.sin_port;
}

static struct memnet_bottleneck *bottleneck_of(struct memnet *net, const struct qc_addr *to) {
  for (size_t i = 0; i < net->n_nodes; i++)
    if (same(&net->nodes[i].addr, to))
      return &net->bottlenecks[net->nodes[i].bottleneck];
  return &net->bottlenecks[0];
}

/* Time in front of and in a bottleneck; UINT64_MAX: its queue is full. */
static uint64_t queueing_ns(struct memnet *net, struct memnet_bottleneck *b, size_t len) {
  uint64_t waits, bytes_ns;

  if (b->bytes_per_s == 0)
    return 0;
  waits = b->free_ns > net->now_ns ? b->free_ns - net->now_ns : 0;
  bytes_ns = len * UINT64_C(1000000000) / b->bytes_per_s;
  if (waits / 1000 * b->bytes_per_s / 1000000 + len > b->queue_bytes) {
    b->dropped++;
    return UINT64_MAX;
  }
  b->free_ns = net->now_ns + waits + bytes_ns;
  return waits + bytes_ns;
}

/* In order of arrival; of those that arrive together the first sent comes first. */
static void insert(struct memnet *net, struct memnet_packet *packet) {
  struct memnet_packet **at = &net->head;

  if (net->head && net->tail->at_ns <= packet->at_ns) {
    net->tail->next = packet;
    net->tail = packet;
    return;
  }
  while (*at && (*at)->at_ns <= packet->at_ns)
    at = &(*at)->next;
  packet->next = *at;
  *at = packet;
  if (!packet->next)
    net->tail = packet;
}

static void send_out(struct memnet *net, const struct qc_path *path, uint8_t *data, size_t len) {
  struct memnet_packet *packet;
  uint64_t queued_ns;

  net->sent++;
  if (net->tap && !net->tap(net->tap_arg, path, data, len))
    return;
  if (memnet_random(net) % 1000000 < net->loss_ppm) {
    net->lost++;
    return;
  }
  queued_ns = queueing_ns(net, bottleneck_of(net, &path->remote), len);
  if (queued_ns == UINT64_MAX)
    return;
  packet = malloc(sizeof(*packet) + len);
  if (!packet)
    abort();
  packet->next = NULL;
  packet->at_ns = net->now_ns + queued_ns + net->delay_ns;
  packet->path = *path;
  packet->len = len;
  memcpy(packet->data, data, len);
  insert(net, packet);
}

static bool flush(struct memnet *net) {
  bool any = false;

  for (size_t i = 0; i < net->n_nodes; i++) {
    struct memnet_node *node = &net->nodes[i];
    struct qc_path path;
    uint8_t buf[2048];
    size_t len;
    while ((len = node->out(node->arg, &path, buf, sizeof(buf), net->now_ns)) > 0) {
      any = true;
      send_out(net, &path, buf, len);
    }
  }
  return any;
}

static void deliver(struct memnet *net) {
  struct memnet_packet *packet = net->head;

  net->head = packet->next;
  for (size_t i = 0; i < net->n_nodes; i++) {
    const struct memnet_node *node = &net->nodes[i];
    struct qc_path path = {.local = packet->path.remote, .remote = packet->path.local};
    if (same(&node->addr, &path.local))
      node->in(node->arg, &path, packet->data, packet->len, net->now_ns);
  }
  free(packet);
}

bool memnet_run(struct memnet *net, uint64_t for_ns, bool (*stop)(void *arg), void *arg) {
  const uint64_t end = net->now_ns + for_ns;

  for (;;) {
    uint64_t next = end;
    flush(net);
    if (stop && stop(arg))
      return true;
    if (net->head && net->head->at_ns < next)
      next = net->head->at_ns;
    for (size_t i = 0; i < net->n_nodes; i++) {
      const uint64_t deadline = net->nodes[i].deadline(net->nodes[i].arg);
      if (deadline < next)
        next = deadline;
    }
    if (next >= end) {
      net->now_ns = end;
      return stop && stop(arg);
    }
    if (next > net->now_ns)
      net->now_ns = next;
    for (size_t i = 0; i < net->n_nodes; i++)
      if (net->nodes[i].deadline(net->nodes[i].arg) <= net->now_ns)
        net->nodes[i].expire(net->nodes[i].arg, net->now_ns);
    while (net->head && net->head->at_ns <= net->now_ns)
      deliver(net);
  }
}
