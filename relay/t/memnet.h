/* A network in memory on virtual time, for tests of the sans-IO cores: nodes
 * with addresses, one delay, seeded loss, bottlenecks in front of nodes. */
#ifndef FANBENCH_RELAY_T_MEMNET_H
#define FANBENCH_RELAY_T_MEMNET_H

#include "relay/quic/conn.h"

#define MEMNET_NODES       8
#define MEMNET_BOTTLENECKS 8

/* What goes to a node may have to pass one; nodes may share it. Tail drop. */
struct memnet_bottleneck {
  uint64_t bytes_per_s; /* UDP payload; 0 = there is none */
  uint64_t queue_bytes;
  uint64_t free_ns; /* the last byte queued leaves then */
  uint64_t dropped;
};

struct memnet_node {
  struct qc_addr addr;
  void *arg;
  void (*in)(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
             uint64_t now_ns);
  size_t (*out)(void *arg, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns);
  uint64_t (*deadline)(void *arg);
  void (*expire)(void *arg, uint64_t now_ns);
  unsigned bottleneck; /* index of memnet.bottlenecks */
};

struct memnet_packet;
struct memnet {
  uint64_t now_ns, delay_ns, random;
  uint32_t loss_ppm;
  uint64_t sent, lost;
  struct memnet_node nodes[MEMNET_NODES];
  size_t n_nodes;
  struct memnet_bottleneck bottlenecks[MEMNET_BOTTLENECKS];
  struct memnet_packet *head, *tail; /* in order of arrival */
  /* sees every packet before loss; may change it, false drops it */
  bool (*tap)(void *arg, const struct qc_path *path, uint8_t *data, size_t len);
  void *tap_arg;
};

void memnet_init(struct memnet *net, uint64_t seed);
void memnet_free(struct memnet *net);
void memnet_add(struct memnet *net, const struct memnet_node *node);
struct qc_addr memnet_addr(uint8_t host, uint16_t port); /* 10.0.0.HOST:PORT */
uint64_t memnet_random(struct memnet *net);

/* Runs until stop() says so or the time is over. Returns true if stopped. */
bool memnet_run(struct memnet *net, uint64_t for_ns, bool (*stop)(void *arg), void *arg);

#endif
