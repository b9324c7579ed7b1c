/* An endpoint on virtual time: the core of bench/peer and what its process shell
 * does: sockets are ports of its host, files are the real ones. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer/peer.h"
#include "bench/peer/peer_files.h"
#include "bench/sim/world.h"

#define SOCKETS 4
#define PACKET  1500 /* room that peer_out() asks for */
struct peer_node {
  struct node *node;
  struct peer *peer;
  struct peer_files *files;
  struct qc_addr local[SOCKETS]; /* the last one is in use */
  size_t n_local;
  struct qc_addr remote;
  bool told_error;
};

static struct peer_node *of(const struct node *node) {
  return node->core;
}

/* ---- what the core asks for ------------------------------------------------------------- */

static void on_random(void *arg, uint8_t *dest, size_t len) {
  draw_bytes(&((struct peer_node *)arg)->node->random, dest, len);
}

static void on_event(void *arg, const struct peer_event *event) {
  struct peer_node *p = arg;
  struct node *node = p->node;
  struct sim_process *process = node->process;
  switch (event->kind) {
  case PEER_ANNOUNCED:
    node->announced = true;
    break;
  case PEER_ANSWERED:
    node->answered = true;
    break;
  case PEER_PUBLISHED:
    process->published = true;
    process->objects_published = event->objects;
    process->objects_planned = event->planned;
    process->late_p99_ns = event->late_p99_ns;
    process->late_max_ns = event->late_max_ns;
    break;
  case PEER_STATE:
    node->states++;
    node->objects = event->objects;
    break;
  case PEER_DID:
    node->did_ok[node->did++ % NODE_ANSWERS] = event->done;
    break;
  case PEER_FAILED:
    if (!p->told_error)
      world_end(node->world, "%s ended: exit code 1: %s", node->plan->name, event->text);
    p->told_error = true;
    break;
  case PEER_BYE:
    return;
  }
  node_told(node);
}

static int on_move(void *arg, enum peer_move how, struct qc_addr *local) {
  struct peer_node *p = arg;
  *local = p->local[p->n_local - 1];
  if (how != PEER_MOVE_SAME_PORT)
    *frame_port_of(local) = htons(network_free_port(p->node->world->network));
  if (how != PEER_MOVE_BESIDE)
    p->n_local = 0;
  if (p->n_local == SOCKETS)
    memmove(p->local, p->local + 1, --p->n_local * sizeof *p->local);
  p->local[p->n_local++] = *local;
  return 0;
}

static void on_keylog(void *arg, const char *line) {
  peer_files_keylog(((struct peer_node *)arg)->files, line);
}

static void on_qlog(void *arg, uint32_t connection, const void *data, size_t len) {
  const sig_atomic_t outer = parts_enter(SIM_PART_WRITING);
  peer_files_qlog(((struct peer_node *)arg)->files, connection, data, len);
  parts_leave(outer);
}

static void on_received(void *arg, const struct plan_track *track, uint64_t offset,
                        const uint8_t *data, size_t len) {
  const sig_atomic_t outer = parts_enter(SIM_PART_WRITING);
  peer_files_received(((struct peer_node *)arg)->files, track, offset, data, len);
  parts_leave(outer);
}

static void on_journal(void *arg, const char *line, size_t len) {
  const sig_atomic_t outer = parts_enter(SIM_PART_WRITING);
  peer_files_journal(arg, line, len);
  parts_leave(outer);
}

static const uint8_t *on_file(void *arg, const struct plan_track *track, size_t *len) {
  return peer_files_map(((struct peer_node *)arg)->files, track, len);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Where it stands, and whom it dials. */
static bool find_way(struct peer_node *p) {
  const struct world *world = p->node->world;
  p->n_local = 1;
  return network_way(world->network, p->node->plan->host,
                     world->plan->nodes[p->node->plan->relay].host, &p->local[0], &p->remote);
}

static int dial(struct peer_node *p) {
  const struct world *world = p->node->world;
  char authority[80];
  *frame_port_of(&p->local[0]) = htons(world->config->ports[p->node->index]);
  *frame_port_of(&p->remote) = htons(world->config->ports[p->node->plan->relay]);
  frame_authority(&p->remote, authority, sizeof authority);
  const struct qc_path path = {.local = p->local[0], .remote = p->remote};
  return peer_connect(p->peer, &path, authority, p->node->at_ns);
}

static int free_node(struct peer_node *p, char *err, size_t err_len) {
  peer_free(p->peer);
  const int rc = peer_files_close(p->files, err, err_len);
  free(p);
  return rc;
}

static int open_core(struct peer_node *p, char *err, size_t err_len) {
  const struct world *world = p->node->world;
  const struct peer_outside outside = {
      .arg = p,
      .random = on_random,
      .event = on_event,
      .keylog = on_keylog,
      .qlog = world->config->no_qlog ? NULL : on_qlog,
      .received = on_received,
      .file = on_file,
      .move = on_move,
      .journal = {.arg = p->files, .write = on_journal},
  };
  const char *why = "";
  p->peer = peer_new(world->plan, p->node->index, &outside, &why);
  if (p->peer != NULL && find_way(p) && dial(p) == 0)
    return 0;
  snprintf(err, err_len, "%s", p->peer == NULL ? why : "it cannot dial its relay");
  return -1;
}

static void sleep_or_go_on(struct peer_node *p, bool more);

static int peer_open(struct node *node, char *err, size_t err_len) {
  struct peer_node *p = calloc(1, sizeof *p);
  if (p == NULL) {
    snprintf(err, err_len, "no memory for the endpoint");
    return -1;
  }
  p->node = node;
  p->files =
      peer_files_open(node->world->plan, node->index, node->world->config->dir, err, err_len);
  if (p->files == NULL || open_core(p, err, err_len) != 0) {
    free_node(p, NULL, 0);
    return -1;
  }
  node->core = p;
  node->ready = true;
  node_told(node);
  sleep_or_go_on(p, true);
  return 0;
}

static void peer_close(struct node *node) {
  char err[512];
  if (free_node(of(node), err, sizeof err) != 0)
    world_end(node->world, "%s: %s", node->plan->name, err);
}

/* ---- packets ---------------------------------------------------------------------------------- */

static bool same_addr(const struct qc_addr *a, const struct qc_addr *b) {
  return a->len == b->len && memcmp(&a->in6, &b->in6, a->len) == 0;
}

static bool peer_listens(const struct node *node, const struct frame *frame) {
  struct peer_node *p = of(node);
  const uint16_t port = frame_port(frame);
  for (size_t i = 0; i < p->n_local; i++)
    if (*frame_port_of(&p->local[i]) == port)
      return true;
  return false;
}

static void peer_packet(struct node *node, struct frame *frame, size_t link) {
  (void)link;
  node_queue(node, frame);
}

static void receive(struct peer_node *p) {
  struct node *node = p->node;
  struct frame *frame;
  for (int i = 0; i < SIM_BATCH_IN && peer_wants_input(p->peer); i++) {
    if ((frame = node_next(node)) == NULL)
      return;
    struct frame_view view;
    node->at_ns += SIM_PACKET_IN_NS;
    /* Only its relay speaks to an endpoint. */
    if (frame_open(frame, &view) && same_addr(&view.path.remote, &p->remote))
      peer_in(p->peer, &view.path, view.payload, view.len, node->at_ns);
    frame_give(&node->world->frames, frame);
  }
}

/* False if there may be more to send. */
static bool send_all(struct peer_node *p) {
  struct node *node = p->node;
  uint8_t buf[PACKET];
  struct qc_path path;
  for (int i = 0; i < SIM_BATCH_OUT; i++) {
    const size_t len = peer_out(p->peer, &path, buf, sizeof buf, node->at_ns);
    if (len == 0)
      return true;
    node->at_ns += SIM_PACKET_OUT_NS;
    node_send(node, &path, buf, len, node->at_ns);
  }
  return false;
}

/* ---- turns --------------------------------------------------------------------------------------- */

static void sleep_or_go_on(struct peer_node *p, bool more) {
  struct node *node = p->node;
  if (more || (node->first != NULL && peer_wants_input(p->peer)))
    node_wake(node, node->at_ns);
  else
    node_sleep(node, peer_deadline(p->peer));
}

static void peer_turn(struct node *node) {
  struct peer_node *p = of(node);
  node->at_ns += SIM_TURN_NS;
  receive(p);
  if (peer_deadline(p->peer) <= node->at_ns)
    peer_expire(p->peer, node->at_ns);
  const bool all = send_all(p);
  const enum peer_state state = peer_state(p->peer);
  if (state == PEER_RUNNING)
    sleep_or_go_on(p, !all);
  else
    node_exit(node, state == PEER_BROKEN || p->told_error ? 1 : 0, 0);
}

static void peer_command_in(struct node *node, const struct node_command *command) {
  static const enum peer_do what[] = {[NODE_START] = PEER_DO_START,
                                      [NODE_POLL] = PEER_DO_POLL,
                                      [NODE_STOP] = PEER_DO_STOP,
                                      [NODE_EVENT] = PEER_DO_EVENT};
  struct peer_command c = {
      .what = what[command->order], .t0_ns = command->t0_ns, .again = node->life > 1};
  const struct plan_event *event = command->event;
  if (command->order == NODE_EVENT) {
    c.event = event->kind;
    c.priority_limit = event->priority_limit;
    c.same_port = event->same_port;
    c.tracks = event->tracks;
    c.n_tracks = event->n_tracks;
  }
  peer_command(of(node)->peer, &c, node->at_ns);
}

const struct node_ops peer_node_ops = {
    .open = peer_open,
    .listens = peer_listens,
    .packet = peer_packet,
    .turn = peer_turn,
    .command = peer_command_in,
    .close = peer_close,
};
