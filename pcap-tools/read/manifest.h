/* manifest.json of a run directory: what was planned and what the runner saw.
 * Only what the judge uses. Absent members keep their zero value; a member of
 * the wrong type is an error that names it. Ownership: the manifest owns all. */
#ifndef FANBENCH_PCAP_READ_MANIFEST_H
#define FANBENCH_PCAP_READ_MANIFEST_H

#include <stdbool.h>

#include "pcap-tools/read/owners.h"

struct qp_node {
  char *name, *file, *role, *relay, *protection, *datapath;
  char *congestion;         /* "newreno" "cubic"; "": not said */
  struct qp_end *addresses; /* port: the node's */
  size_t n_addresses;
  struct qp_hop {
    uint32_t link; /* index in `links` */
    bool forward;  /* from a to b */
  } * route;       /* to the relay it dials, routers included */
  size_t n_route;
};

struct qp_link {
  char *a, *b;
  bool plain;
  uint64_t delay_ns, delay_back_ns; /* a to b, b to a */
};

struct qp_capture_info {
  char *file, *node, *peer;
  uint64_t packets, dropped;
};

struct qp_track_info {
  char *name, *from;
  bool datagrams;
  bool has_planned;
  uint64_t objects_planned;
};

struct qp_closes_info {
  char *node, *error; /* whose peer closes; name of the error, or its number */
};

struct qp_subscription_info {
  char *who;
  char **tracks;
  size_t n_tracks;
  int priority_limit; /* -1: none */
  uint64_t delivery_timeout_ns;
};

struct qp_event_info {
  uint64_t at_ns; /* after run.start_ns */
  char *kind, *node;
};

struct qp_process_info {
  char *node;
  long long exit, signal;
  bool expected;
};

struct qp_publisher_info {
  char *node;
  bool has_planned;
  uint64_t planned, published, late_max_ns, late_p99_ns;
};

/* What the wire process said of one direction of an impaired link. */
struct qp_wire_info {
  char *link; /* "relay>sub[0]" */
  uint64_t packets, overflow, late_p99_ns, late_max_ns;
};

struct qp_manifest {
  char *scenario, *mode, *commit;
  uint64_t seed, duration_ns, drain_ns;
  struct qp_node *nodes;
  size_t n_nodes;
  struct qp_owners owners; /* of the nodes' addresses */
  struct qp_link *links;
  size_t n_links;
  struct qp_capture_info *captures;
  size_t n_captures;
  struct qp_track_info *tracks;
  size_t n_tracks;
  struct qp_subscription_info *subscriptions;
  size_t n_subscriptions;
  uint64_t budget_p50_ns, budget_p99_ns, budget_max_ns; /* of latency; 0: none */
  struct qp_closes_info *closes; /* what the scenario expects of close-clean */
  size_t n_closes;
  struct qp_event_info *events;
  size_t n_events;
  bool has_run;              /* the runner got as far as writing `run` */
  uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
  bool timed_out;
  struct qp_process_info *processes;
  size_t n_processes;
  struct qp_publisher_info *publishers;
  size_t n_publishers;
  struct qp_wire_info *wires; /* none in sim */
  size_t n_wires;
  char **examined; /* run.residue */
  size_t n_examined;
  char **left;
  size_t n_left;
  long long realtime_minus_monotonic_ns;
};

/* Reads DIR/manifest.json. Returns 0, or -1 with a message. */
int qp_manifest_load(const char *dir, struct qp_manifest **out, char *err, size_t err_len);
void qp_manifest_free(struct qp_manifest *manifest);

/* The node of that name, or NULL. */
const struct qp_node *qp_manifest_node(const struct qp_manifest *m, const char *name);
/* The configured delay of the way between a node and the relay it dials, in either
 * direction. */
uint64_t qp_manifest_delay(const struct qp_manifest *m, const struct qp_node *node,
                           bool towards_relay);
/* The node that owns this address and port; NULL if none does. */
const struct qp_node *qp_manifest_owner(const struct qp_manifest *m, const struct qp_end *end);
/* The same; if none does, the one node with this address, whatever the port: who moves keeps that.
 * NULL if several share it. */
const struct qp_node *qp_manifest_whose(const struct qp_manifest *m, const struct qp_end *end);

#endif
