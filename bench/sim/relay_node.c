/* A relay on virtual time: its core, and the datapath: `kernel` at the ingress of its
 * interfaces, `user` on what comes out of the socket. What the daemon's loop does is
 * here a turn: one packet, or, when the socket is empty, timers. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/nest_run.h"
#include "bench/sim/relay_files.h"
#include "bench/sim/relay_plan.h"
#include "bench/sim/relay_tls.h"
#include "bench/sim/world.h"
#include "bpf/port/native.h"
#include "relay/fanout/native_journal.h"
#include "relay/fanout/native_plane.h"
#include "relay/fanout/relay.h"
#include "relay/fanout/feeder.h"
#include "relay/fanout/user_plane.h"

/* Packets between two looks at the timers. */
#define LOOK_EVERY 64

struct relay_node {
  struct node *node;
  struct relay_tls tls;
  struct relay *relay;
  struct dp_native *dp;           /* datapath kernel; else NULL */
  struct native_journal *journal; /* of what reaches it; NULL = none is kept */
  struct native_plane plane;
  struct user_plane *user; /* datapath user; else NULL */
  struct feeder *feeder;   /* datapath kernel with packet protection; else NULL */
  struct relay_files files;
  struct plane_ops plane_ops; /* the native ones, with a barrier that knows of nested runs */
  const struct plane_ops *native_ops;
  struct nest nest;
  struct frame *ingress, **last_ingress; /* arrived, and not yet seen by the datapath */
  uint32_t out;                          /* packets sent in this turn */
  uint32_t copies;                       /* made in this run of the datapath */
  uint32_t in;                           /* packets since the timers were looked at */
  uint64_t flushed_ns;                   /* what user space let out has left then */
  uint64_t copied_ns;                    /* the datapath's last copy leaves then */
  bool drained;
  bool vanished; /* hears and says nothing any more */
};

static struct relay_node *of(struct node *node) {
  return node->core;
}

/* NULL: datapath stock. */
static const struct native_plane *native_of(const struct relay_node *r) {
  return r->dp != NULL ? &r->plane : r->user != NULL ? user_plane_native(r->user) : NULL;
}

/* ---- what the core asks for ------------------------------------------------------------- */

static int on_send(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  struct relay_node *r = arg;
  r->out++;
  node_send(r->node, path, data, len, r->node->at_ns + r->out * SIM_PACKET_OUT_NS);
  return 0;
}

/* The call ends when all have left: what the datapath does after it leaves later. */
static void on_flush(void *arg) {
  struct relay_node *r = arg;
  r->flushed_ns = r->node->at_ns + r->out * SIM_PACKET_OUT_NS;
}

static void on_rand(void *arg, uint8_t *dest, size_t len) {
  draw_bytes(&((struct relay_node *)arg)->node->random, dest, len);
}

static int on_resolve(void *arg, const struct qc_path *path, uint32_t *ifindex, uint8_t src_mac[6],
                      uint8_t dst_mac[6]) {
  const struct node *node = ((struct relay_node *)arg)->node;
  size_t link;
  int end;
  if (!network_route(node->world->network, node->plan->host, &path->remote, &link, &end))
    return -1;
  const struct sim_wire *wire = &node->world->config->wires[link];
  *ifindex = node->world->config->first_ifindex + (uint32_t)link;
  memcpy(src_mac, wire->end[end].mac, 6);
  memcpy(dst_mac, wire->end[!end].mac, 6);
  return 0;
}

static uint32_t on_mtu(void *arg, const struct qc_path *path) {
  const struct node *node = ((struct relay_node *)arg)->node;
  return network_mtu(node->world->network, node->plan->host, &path->remote);
}

static void on_log(void *arg, const char *line) {
  fprintf(((struct relay_node *)arg)->files.log, "fanbench-relay: %s\n", line);
}

static const struct relay_ops relay_ops = {.send = on_send,
                                           .flush = on_flush,
                                           .rand = on_rand,
                                           .resolve = on_resolve,
                                           .mtu = on_mtu,
                                           .log = on_log};

/* ---- the datapath at ingress ----------------------------------------------------------------- */

/* Room in a frame for where it leaves, behind the largest copy. */
_Static_assert(FB_MAX_HEADERS + FB_MAX_PAYLOAD <= FRAME_ROOM - 16, "copies fit a frame");

/* A copy leaves by the interface that its entry names. */
static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct relay_node *r = user;
  struct world *world = r->node->world;
  const size_t link = copy->ifindex - world->config->first_ifindex;
  if (copy->frame == NULL || link >= world->plan->n_links)
    return -ENODEV;
  struct frame *frame = frame_new(&world->frames);
  if (frame == NULL)
    return -ENOMEM;
  r->copies++;
  memcpy(frame->bytes, copy->frame, copy->frame_len);
  frame->len = copy->frame_len;
  const int end = world->config->wires[link].end[0].host == r->node->plan->host ? 0 : 1;
  const uint64_t from_ns = r->flushed_ns > world->now_ns ? r->flushed_ns : world->now_ns;
  r->copied_ns = from_ns + SIM_DATAPATH_NS + r->copies * SIM_COPY_NS;
  world_leave(world, link, end, frame, r->copied_ns);
  return 0;
}

/* What goes up: to the socket, when the datapath is through with it. */
static void on_up(void *self, void *data, uint64_t now_ns) {
  struct node *node = self;
  (void)now_ns;
  if (node->core != NULL)
    node_queue(node, data);
  else
    frame_give(&node->world->frames, data);
}

static bool relay_listens(const struct node *node, const struct frame *frame) {
  return frame_port(frame) == htons(node->world->config->ports[node->index]);
}

/* One run of the datapath: on the frame that is first at the ingress. */
static void run_datapath(struct relay_node *r, unsigned cpu) {
  struct world *world = r->node->world;
  struct frame *frame = r->ingress;
  const uint32_t outer = r->copies; /* it may be a run within another */
  const sig_atomic_t part = parts_enter(SIM_PART_DATAPATH);
  r->ingress = frame->next;
  if (r->ingress == NULL)
    r->last_ingress = &r->ingress;
  r->copies = 0;
  native_journal_frame(r->journal, r->dp, frame->bytes, frame->len, world->now_ns, cpu);
  events_put(&world->events, world->now_ns + SIM_DATAPATH_NS + r->copies * SIM_COPY_NS, on_up,
             r->node, frame);
  r->copies = outer;
  parts_leave(part);
}

/* A run that was due; what ran earlier, within another, is not there any more. */
static void on_ingress(void *self, void *data, uint64_t now_ns) {
  struct node *node = self;
  struct relay_node *r = of(node);
  (void)data;
  (void)now_ns;
  if (r != NULL && r->ingress != NULL)
    nest_datapath(&r->nest);
}

static void relay_packet_in(struct node *node, struct frame *frame, size_t link) {
  struct relay_node *r = of(node);
  struct world *world = node->world;
  (void)link;
  if (r->dp == NULL) {
    node_queue(node, frame);
    return;
  }
  frame->next = NULL;
  *r->last_ingress = frame;
  r->last_ingress = &frame->next;
  if (r->nest.config == NULL)
    run_datapath(r, 0);
  else /* frames gather for a moment, so that there is something to interleave */
    events_put(&world->events, world->now_ns + SIM_NEST_WINDOW_NS, on_ingress, node, NULL);
}

/* ---- interleavings -------------------------------------------------------------------------- */

static bool is_pending(void *arg, enum nest_actor actor) {
  const struct relay_node *r = arg;
  const struct node *node = r->node;
  if (actor == NEST_DATAPATH)
    return r->ingress != NULL;
  return node->first != NULL && node->at_ns <= node->world->now_ns;
}

static void relay_turn(struct node *node);

static void run_nested(void *arg, enum nest_actor actor, unsigned cpu) {
  struct relay_node *r = arg;
  struct node *node = r->node;
  if (actor == NEST_DATAPATH) {
    run_datapath(r, cpu);
    return;
  }
  node->at_ns = node->world->now_ns;
  node_awake(node);
  relay_turn(node);
}

static void on_stop(void *arg) {
  native_journal_stop(((struct relay_node *)arg)->journal);
}

static void on_go(void *arg) {
  native_journal_go(((struct relay_node *)arg)->journal);
}

static const struct nest_ops nest_ops = {
    .pending = is_pending, .run = run_nested, .stops = on_stop, .goes_on = on_go};

static void on_datapath_access(void *user, const volatile void *word) {
  (void)word;
  nest_access(&((struct relay_node *)user)->nest, NEST_DATAPATH);
}

static void on_relay_access(void *arg, const void *word) {
  struct relay_node *r = arg;
  (void)word;
  if (r->nest.relay) /* opening and closing are no steps */
    nest_access(&r->nest, NEST_RELAY);
}

static struct relay_node *of_plane(void *ctx) {
  return (struct relay_node *)(void *)((char *)ctx - offsetof(struct relay_node, plane));
}

/* The run of a packet with many copies takes its time: until the last has left, the caller waits. */
static void quiesce(void *ctx) {
  struct relay_node *r = of_plane(ctx);
  const uint64_t here_ns = r->node->at_ns + r->out * SIM_PACKET_OUT_NS;
  if (r->copied_ns > here_ns)
    r->node->at_ns += r->copied_ns - here_ns;
  nest_barrier(&r->nest);
  r->native_ops->quiesce(ctx);
}

_Static_assert(NEST_DEPTH + 1 <= JOURNAL_OPEN_RUNS,
               "a journal can tell all runs within each other");

static int open_nest(struct relay_node *r) {
  const struct world *world = r->node->world;
  if (nest_open(&r->nest, &world->config->nest, &nest_ops, r, r->node->index, r->node->life,
                draw_open(world->plan->seed, "nest", r->node->plan->name)) != 0)
    return -1;
  r->native_ops = r->plane.plane.ops;
  r->plane_ops = *r->native_ops;
  r->plane_ops.quiesce = quiesce;
  r->plane.plane.ops = &r->plane_ops;
  if (r->nest.config == NULL)
    return 0;
  dp_native_on_access(r->dp, on_datapath_access, r);
  r->plane.plane.access = on_relay_access;
  r->plane.plane.access_arg = r;
  return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool open_journal(struct relay_node *r) {
  char *path = NULL;
  bool good = false;
  if (!r->node->world->config->journal)
    return true;
  if (asprintf(&path, "%s/%s-%" PRIu32 ".journal", r->node->world->config->dir,
               r->node->plan->file_name, r->node->life) < 0)
    return false;
  const struct journal_place place = {path, r->node->world->config->journal_size};
  if (r->user != NULL)
    good = user_plane_keep_journal(r->user, &place);
  else {
    r->journal =
        native_journal_open(&place, r->dp, &r->plane.plane, JOURNAL_BY_SIM, r->nest.config != NULL);
    good = r->journal != NULL;
  }
  free(path);
  return good;
}

static int open_datapath(struct relay_node *r) {
  const struct plan *plan = r->node->world->plan;
  const struct fb_defects defects = relay_plan_defects(plan);
  const struct plane_protection protection =
      relay_protection(relay_plan_protection(r->node->plan), relay_plan_cipher(r->node->plan),
                       relay_plan_clients(plan), r->node->plan->datapath == PLAN_DP_KERNEL);
  if (r->node->plan->datapath == PLAN_DP_STOCK)
    return 0;
  if (r->node->plan->datapath == PLAN_DP_USER) {
    r->user = user_plane_open(relay_plan_clients(plan), &defects, relay_plan_policy(r->node->plan),
                              &protection, on_send, r);
    return r->user != NULL && open_journal(r) ? 0 : -1;
  }
  const struct dp_native_sizes sizes = {.subscribers = relay_plan_clients(plan),
                                        .cpus = 1 + NEST_DEPTH,
                                        .protect = protection.protect,
                                        .keystreams_down = protection.keystreams_down,
                                        .keystreams_up = protection.keystreams_up};
  r->dp = dp_native_new(&sizes);
  if (r->dp == NULL)
    return -1;
  r->dp->defects = defects;
  r->dp->policy = relay_plan_policy(r->node->plan);
  dp_native_on_emit(r->dp, on_emit, r);
  native_plane_init(&r->plane, r->dp);
  if (protection.protect && (r->feeder = feeder_new(&r->plane.plane)) == NULL)
    return -1;
  if (open_nest(r) != 0)
    return -1;
  return open_journal(r) ? 0 : -1;
}

static int open_core(struct relay_node *r) {
  const struct plan_node *plan = r->node->plan;
  struct relay_config config = {
      .ops = &relay_ops,
      .ops_arg = r,
      .trace = &trace_lines_ops,
      .trace_arg = &r->files.trace,
      .plane = r->dp != NULL     ? &r->plane.plane
               : r->user != NULL ? user_plane_interface(r->user)
                                 : NULL,
      .feeder = r->feeder,
      .protection = relay_plan_protection(plan),
      .cubic = plan->congestion == PLAN_CUBIC,
      .policy = relay_plan_policy(plan),
      .cache_bytes = plan->cache_bytes,
      .max_clients = relay_plan_clients(r->node->world->plan),
      .port = r->node->world->config->ports[r->node->index],
      .defects = relay_plan_defects(r->node->world->plan),
  };
  if (relay_tls_open(&r->tls, r->node, &config.upstream) != 0)
    return -1;
  config.tls = r->tls.server;
  r->relay = relay_new(&config);
  return r->relay != NULL ? 0 : -1;
}

static void free_node(struct relay_node *r) {
  if (r->relay != NULL && native_of(r) != NULL)
    native_plane_print(native_of(r), r->files.log); /* as the daemon does at its end */
  relay_free(r->relay);
  feeder_free(r->feeder);
  r->node->world->nested += r->nest.nested;
  nest_close(&r->nest);
  while (r->ingress != NULL) {
    struct frame *frame = r->ingress;
    r->ingress = frame->next;
    frame_give(&r->node->world->frames, frame);
  }
  bool kept = native_journal_close(r->journal);
  kept = user_plane_close(r->user) && kept;
  if (!kept)
    world_end(r->node->world, "cannot write the journal of %s", r->node->plan->name);
  dp_native_free(r->dp);
  relay_tls_close(&r->tls);
  if (relay_files_close(&r->files) != 0)
    world_end(r->node->world, "cannot write the files of %s: %s", r->node->plan->name,
              strerror(errno));
  free(r);
}

static int relay_open(struct node *node, char *err, size_t err_len) {
  struct relay_node *r = calloc(1, sizeof *r);
  const char *what = "no memory for the relay";
  if (r == NULL)
    goto failed;
  r->node = node;
  r->drained = true;
  r->last_ingress = &r->ingress;
  if (relay_files_open(&r->files, node) != 0)
    what = "cannot create its files";
  else if (open_datapath(r) == 0 && open_core(r) == 0) {
    node->core = r;
    node->ready = true;
    node_told(node);
    relay_dial(r->relay, node->at_ns);
    node_sleep(node, relay_deadline(r->relay));
    return 0;
  }
  free_node(r);
failed:
  snprintf(err, err_len, "%s", what);
  return -1;
}

/* Defect orphan: killed, it leaves its datapath behind, with the entries as they are. */
static void relay_close(struct node *node) {
  struct relay_node *r = of(node);
  if (r->dp == NULL || !r->dp->defects.orphan || !node->process->doomed || node->orphan != NULL) {
    free_node(r);
    return;
  }
  /* The dead write nothing; the next life goes on with these files. */
  if (relay_files_mute(&r->files) != 0)
    world_end(node->world, "cannot close the files of %s", node->plan->name);
  node->orphan = r;
}

static void relay_outlived(struct node *node, const struct frame *frame) {
  struct relay_node *r = node->orphan;
  if (frame == NULL) {
    node->orphan = NULL;
    free_node(r);
    return;
  }
  r->copies = 0;
  native_journal_frame(r->journal, r->dp, frame->bytes, frame->len, node->world->now_ns, 0);
}

/* ---- turns --------------------------------------------------------------------------------------- */

static void take_packet(struct relay_node *r, struct frame *frame) {
  struct node *node = r->node;
  struct frame_view view;
  if (frame_open(frame, &view)) {
    if (r->user != NULL) {
      const sig_atomic_t part = parts_enter(SIM_PART_DATAPATH);
      user_plane_packet(r->user, &view.path, view.payload, view.len, node->at_ns);
      parts_leave(part);
      node->at_ns += SIM_DATAPATH_NS;
    }
    relay_packet(r->relay, &view.path, view.payload, view.len, node->at_ns);
    relay_batch_end(r->relay, node->at_ns);
    node->at_ns += SIM_PACKET_IN_NS;
    r->drained = false;
    r->in++;
  }
  frame_give(&node->world->frames, frame);
}

/* The timers. Returns the next one's time; the core asks every client for it, so it is
 * asked once. */
static uint64_t look(struct relay_node *r) {
  struct node *node = r->node;
  r->in = 0;
  node->at_ns += SIM_TURN_NS;
  while (r->feeder != NULL && feeder_step(r->feeder, UINT32_MAX) != 0)
    continue;
  const uint64_t deadline = relay_deadline(r->relay);
  if (deadline > node->at_ns)
    return deadline;
  relay_expiry(r->relay, node->at_ns);
  return relay_deadline(r->relay);
}

/* What reaches it is lost: nobody reads the socket. */
static void waste_input(struct node *node) {
  struct frame *frame;
  while ((frame = node_next(node)) != NULL)
    frame_give(&node->world->frames, frame);
}

static void relay_turn(struct node *node) {
  struct relay_node *r = of(node);
  if (r->vanished) {
    waste_input(node);
    return;
  }
  struct frame *frame = r->in < LOOK_EVERY ? node_next(node) : NULL;
  uint64_t deadline = UINT64_MAX; /* known when the socket is empty */
  const bool outermost = !r->nest.relay;
  r->out = 0;
  if (outermost)
    nest_relay_begins(&r->nest);
  if (frame != NULL)
    take_packet(r, frame);
  else {
    if (node->first == NULL && !r->drained) {
      r->drained = !relay_input_drained(r->relay, node->at_ns);
    }
    deadline = look(r);
  }
  if (outermost)
    nest_relay_ends(&r->nest);
  node->at_ns += r->out * SIM_PACKET_OUT_NS;
  if (node->first != NULL || !r->drained)
    node_wake(node, node->at_ns);
  else
    node_sleep(node, deadline);
}

static bool do_event(struct relay_node *r, enum plan_event_kind kind) {
  r->out = 0;
  switch (kind) {
  case PLAN_EV_VANISH:
    relay_vanish(r->relay);
    r->vanished = true;
    return true;
  case PLAN_EV_UPDATE_KEY:
    return relay_update_keys(r->relay, r->node->at_ns);
  default:
    return false;
  }
}

static void look_at_remains(const struct relay_node *r) {
  struct native_left left = {0};
  if (native_of(r) != NULL)
    native_plane_left(native_of(r), &left);
  if (left.subscribers + left.upstreams + left.ids + left.aliases > 0)
    remains_left(&r->node->world->remains,
                 "%zu subscribers, %zu upstreams, %zu IDs, %zu aliases in the datapath of %s",
                 left.subscribers, left.upstreams, left.ids, left.aliases, r->node->plan->name);
}

static void relay_command(struct node *node, const struct node_command *command) {
  struct relay_node *r = of(node);
  struct relay_state state;
  switch (command->order) {
  case NODE_POLL:
    relay_state(r->relay, &state);
    node->backlog = state.backlog_bytes;
    node->inflight = state.inflight;
    node->states++;
    node_told(node);
    break;
  case NODE_STOP:
    r->out = 0;
    if (!r->vanished)
      relay_stop(r->relay, node->at_ns);
    relay_finish(r->relay, node->at_ns);
    if (!r->vanished)
      look_at_remains(r);
    node_exit(node, 0, 0);
    break;
  case NODE_EVENT:
    if (command->event->kind == PLAN_EV_DIE) {
      node_exit(node, 0, 0);
      break;
    }
    node->did_ok[node->did++ % NODE_ANSWERS] = do_event(r, command->event->kind);
    node_told(node);
    break;
  case NODE_START:
    break;
  }
}

const struct node_ops relay_node_ops = {
    .open = relay_open,
    .listens = relay_listens,
    .packet = relay_packet_in,
    .turn = relay_turn,
    .command = relay_command,
    .close = relay_close,
    .outlived = relay_outlived,
};
