/* The inside of a simulation: clock, events, hosts. Private to bench/sim.
 *
 * A node is a process of a live run: it sleeps until a packet, a timer or a command
 * wakes it, then works; its own time runs on while it works, and what it sends leaves
 * at that time. */
#ifndef FANBENCH_SIM_WORLD_H
#define FANBENCH_SIM_WORLD_H

#include "bench/sim/costs.h"
#include "bench/sim/draw.h"
#include "bench/sim/events.h"
#include "bench/sim/frame.h"
#include "bench/sim/parts.h"
#include "bench/sim/sim.h"

struct world;
struct node;
struct network;

/* Events one process may have unanswered at a time. */
#define NODE_ANSWERS 64

enum node_order { NODE_START, NODE_POLL, NODE_STOP, NODE_EVENT };

struct node_command {
  struct node_command *next;
  enum node_order order;
  uint32_t life;                  /* whom it is for: node.life when it was sent */
  uint64_t t0_ns;                 /* START */
  const struct plan_event *event; /* EVENT */
};

/* What a role does; node->at_ns is the time. */
struct node_ops {
  /* From nothing to running. 0, or -1 with a sentence in err. */
  int (*open)(struct node *node, char *err, size_t err_len);
  /* Whether a frame that reached its host is for its socket. */
  bool (*listens)(const struct node *node, const struct frame *frame);
  /* Takes the frame. */
  void (*packet)(struct node *node, struct frame *frame, size_t link);
  void (*turn)(struct node *node);
  void (*command)(struct node *node, const struct node_command *command);
  /* Gives everything back; nothing more leaves the node. */
  void (*close)(struct node *node);
  /* What outlived its process (node->orphan) sees a frame too, which stays the caller's;
   * NULL: its end has come. */
  void (*outlived)(struct node *node, const struct frame *frame);
};

struct node {
  struct world *world;
  int index; /* in the plan */
  const struct plan_node *plan;
  const struct node_ops *ops;
  void *core;                  /* of the role; NULL while it does not live */
  void *orphan;                /* defect orphan: of an earlier life; else NULL */
  uint32_t life;               /* how many times it was started */
  struct sim_process *process; /* of this life */
  uint64_t at_ns;              /* its own time; busy, or stalled, until then */
  uint64_t wake_ns;            /* UINT64_MAX: it sleeps for good */
  struct alarm alarm;          /* rings at wake_ns */
  struct draw wake, random, tls;
  struct frame *first, **last; /* the socket */
  size_t waiting_bytes;
  struct node_command *commands, **last_command;
  uint64_t overflowed; /* frames that found the socket full */

  /* what it told the runner */
  bool ready, announced, answered, started;
  bool polled; /* asked for its state */
  uint32_t states, asked, did;
  uint64_t objects, backlog, inflight;
  bool did_ok[NODE_ANSWERS]; /* answer to event number e, at e % NODE_ANSWERS */
};

struct world {
  const struct sim_config *config;
  const struct plan *plan;
  uint64_t now_ns;
  struct events events;
  struct frame_pool frames;
  struct network *network;
  struct node *nodes;   /* [plan->n_nodes] */
  struct node *current; /* whose code runs: the owner of wolfSSL's next seed */
  struct draw tls;      /* seeds asked for by nobody */
  int keylog;           /* keys.log; the relays' lines */
  long commands;        /* on their way or waiting */
  struct remains remains;
  struct sim_process **processes;
  size_t n_processes, room_processes;
  size_t ends, ends_seen; /* of processes; of these, those that the director looked at */
  bool changed;           /* a node told something since this was last cleared */
  bool closing;           /* what still happens is of no account */
  bool timed_out;
  char ended[512];
  uint64_t played, nested;
};

/* Ends the run with a reason; the first one stays. */
__attribute__((format(printf, 2, 3))) void world_end(struct world *world, const char *fmt, ...);

/* Plays events until one of: `until` has passed, world->changed, the run ended. */
void world_play(struct world *world, uint64_t until_ns);

/* ---- nodes ---------------------------------------------------------------------------------- */

extern const struct node_ops relay_node_ops, peer_node_ops;

/* A new process for the node, running from at_ns on. 0, or -1: the run ended. */
int node_start(struct node *node, uint64_t at_ns);
/* Its process stands still until then: it works no more, what comes for it waits. */
void node_stall(struct node *node, uint64_t until_ns);
/* Sends a command over the control channel. */
void node_tell(struct node *node, const struct node_command *command);
/* Its process ends now. */
void node_exit(struct node *node, int exit_code, int signal);

void node_on_wake(void *self, void *data, uint64_t now_ns); /* node->alarm */

/* For the roles. */
void node_wake(struct node *node, uint64_t at_ns); /* a turn at at_ns, or earlier */
void node_awake(struct node *node);                /* it is at work: no turn is due */
void node_sleep(struct node *node, uint64_t deadline_ns);
void node_queue(struct node *node, struct frame *frame); /* and wakes */
struct frame *node_next(struct node *node); /* NULL: the socket is empty; the caller owns it */
/* One UDP payload, leaving at at_ns. */
void node_send(struct node *node, const struct qc_path *path, const uint8_t *data, size_t len,
               uint64_t at_ns);
/* A frame that leaves by an end of a link at at_ns. Takes it; its last 16 bytes are used. */
void world_leave(struct world *world, size_t link, int end, struct frame *frame, uint64_t at_ns);
/* The runner hears of it a moment later. */
void node_told(struct node *node);

/* ---- network ---------------------------------------------------------------------------------- */

struct network *network_new(struct world *world); /* NULL: no memory */
void network_free(struct network *network);

/* Sends a frame out of one end of a link; takes it. */
void network_send(struct network *network, size_t link, int end, struct frame *frame);
/* Bytes on their way on impaired links. */
uint64_t network_backlog(const struct network *network);
/* A port, host order, that nobody chose. */
uint16_t network_free_port(struct network *network);
/* The link, and its end at the host, by which packets leave it for an address; false: none. */
bool network_route(const struct network *network, uint32_t host, const struct qc_addr *to,
                   size_t *link, int *end);
/* The largest IP packet that gets from the host to an address; 0: none does. */
uint32_t network_mtu(const struct network *network, uint32_t host, const struct qc_addr *to);
/* The ends by which two hosts know each other; false: there is no way. */
bool network_way(const struct network *network, uint32_t from, uint32_t to, struct qc_addr *here,
                 struct qc_addr *there);
/* An event of the timeline: LINK_SET, LINK_DOWN, LINK_UP. False: it cannot be done. */
bool network_event(struct network *network, const struct plan_event *event);
/* links.jsonl: to be opened first. */
int network_open_log(struct network *network, const char *dir);
/* Every direction is up; what became of the packets of each, at the end. */
void network_log_up(struct network *network);
void network_log_totals(struct network *network);

/* ---- director ----------------------------------------------------------------------------------- */

/* The runner of a live run: who is started when, timeline, drain, stop. */
void director_run(struct world *world, struct sim_outcome *outcome);

#endif
