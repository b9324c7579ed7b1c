#include "bench/sim/world.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_end(struct world *world, const char *fmt, ...) {
  if (world->ended[0] != '\0')
    return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(world->ended, sizeof world->ended, fmt, ap);
  va_end(ap);
}

void world_play(struct world *world, uint64_t until_ns) {
  world->changed = false;
  while (!world->changed && world->ended[0] == '\0' && events_next(&world->events) <= until_ns) {
    const struct event event = events_take(&world->events);
    world->now_ns = event.at_ns;
    world->played++;
    event.call(event.self, event.data, event.at_ns);
    if (world->events.failed)
      world_end(world, "no memory for what happens next");
  }
  if (!world->changed && world->ended[0] == '\0' && until_ns != UINT64_MAX &&
      world->now_ns < until_ns)
    world->now_ns = until_ns;
}

/* ---- waking and sleeping ------------------------------------------------------------------- */

/* Its oldest command, or NULL. */
static struct node_command *next_command(struct node *node) {
  struct node_command *command = node->commands;
  if (command == NULL)
    return NULL;
  node->commands = command->next;
  if (node->commands == NULL)
    node->last_command = &node->commands;
  return command;
}

static void free_command(const struct node *node, struct node_command *command) {
  node->world->commands--;
  free(command);
}

static enum sim_part part_of(const struct node *node) {
  return node->plan->role == PLAN_RELAY ? SIM_PART_RELAY : SIM_PART_ENDPOINTS;
}

void node_on_wake(void *self, void *data, uint64_t now_ns) {
  struct node *node = self;
  (void)data;
  node->wake_ns = UINT64_MAX;
  if (node->core == NULL)
    return;
  const sig_atomic_t outer = parts_enter(part_of(node));
  node->at_ns = now_ns;
  node->world->current = node;
  struct node_command *command;
  while (node->core != NULL && (command = next_command(node)) != NULL) {
    node->ops->command(node, command);
    free_command(node, command);
  }
  if (node->core != NULL)
    node->ops->turn(node);
  parts_leave(outer);
}

void node_wake(struct node *node, uint64_t at_ns) {
  if (at_ns < node->at_ns)
    at_ns = node->at_ns;
  if (at_ns >= node->wake_ns)
    return;
  node->wake_ns = at_ns;
  events_set_alarm(&node->world->events, &node->alarm, at_ns);
}

void node_awake(struct node *node) {
  node->wake_ns = UINT64_MAX;
  events_clear_alarm(&node->world->events, &node->alarm);
}

void node_stall(struct node *node, uint64_t until_ns) {
  if (until_ns > node->at_ns)
    node->at_ns = until_ns;
  if (node->wake_ns >= node->at_ns)
    return; /* it sleeps longer than that */
  node_awake(node);
  node_wake(node, node->at_ns);
}

static uint64_t wake_delay(struct node *node) {
  return SIM_WAKE_NS + draw_below(&node->wake, SIM_WAKE_JITTER_NS);
}

void node_sleep(struct node *node, uint64_t deadline_ns) {
  if (deadline_ns != UINT64_MAX)
    node_wake(node, (deadline_ns > node->at_ns ? deadline_ns : node->at_ns) + wake_delay(node));
}

/* ---- the socket ------------------------------------------------------------------------------ */

void node_queue(struct node *node, struct frame *frame) {
  if (node->waiting_bytes + frame->len > SIM_SOCKET_BYTES) {
    node->overflowed++;
    frame_give(&node->world->frames, frame);
    return;
  }
  frame->next = NULL;
  *node->last = frame;
  node->last = &frame->next;
  node->waiting_bytes += frame->len;
  /* who is about to wake, or is at work, comes to it in its turn */
  if (node->wake_ns > node->world->now_ns + SIM_WAKE_NS)
    node_wake(node, node->world->now_ns + wake_delay(node));
}

struct frame *node_next(struct node *node) {
  struct frame *frame = node->first;
  if (frame == NULL)
    return NULL;
  node->first = frame->next;
  if (node->first == NULL)
    node->last = &node->first;
  node->waiting_bytes -= frame->len;
  return frame;
}

/* Where a frame leaves: kept in the last bytes of its own room. */
struct leaving {
  size_t link;
  int end;
};

static void on_leave(void *self, void *data, uint64_t now_ns) {
  struct world *world = self;
  struct frame *frame = data;
  struct leaving leaving;
  (void)now_ns;
  const sig_atomic_t outer = parts_enter(SIM_PART_LINKS);
  memcpy(&leaving, frame->bytes + FRAME_ROOM - sizeof leaving, sizeof leaving);
  network_send(world->network, leaving.link, leaving.end, frame);
  parts_leave(outer);
}

void world_leave(struct world *world, size_t link, int end, struct frame *frame, uint64_t at_ns) {
  const struct leaving leaving = {link, end};
  memcpy(frame->bytes + FRAME_ROOM - sizeof leaving, &leaving, sizeof leaving);
  events_put(&world->events, at_ns, on_leave, world, frame);
}

void node_send(struct node *node, const struct qc_path *path, const uint8_t *data, size_t len,
               uint64_t at_ns) {
  struct world *world = node->world;
  size_t link;
  int end;
  if (!network_route(world->network, node->plan->host, &path->remote, &link, &end))
    return; /* as EHOSTUNREACH */
  const struct sim_wire *wire = &world->config->wires[link];
  struct frame *frame = frame_new(&world->frames);
  if (frame == NULL) {
    world_end(world, "no memory for a frame");
    return;
  }
  if (!frame_wrap(frame, path, wire->end[end].mac, wire->end[!end].mac, data, len) ||
      frame_ip_len(frame) > world->plan->links[link].mtu) {
    frame_give(&world->frames, frame); /* as EMSGSIZE */
    return;
  }
  world_leave(world, link, end, frame, at_ns);
}

/* ---- life ---------------------------------------------------------------------------------------- */

static struct sim_process *new_process(struct world *world, int node) {
  if (world->n_processes == world->room_processes) {
    const size_t room = world->room_processes * 2 + 16;
    struct sim_process **bigger = realloc(world->processes, room * sizeof *bigger);
    if (bigger == NULL)
      return NULL;
    world->processes = bigger;
    world->room_processes = room;
  }
  struct sim_process *process = calloc(1, sizeof *process);
  if (process == NULL)
    return NULL;
  process->node = node;
  world->processes[world->n_processes++] = process;
  return process;
}

static void on_boot(void *self, void *data, uint64_t now_ns) {
  struct node *node = self;
  char err[512];
  if (node->process != data || node->process->exited)
    return; /* killed before it ran */
  node->at_ns = now_ns;
  node->world->current = node;
  if (node->ops->open(node, err, sizeof err) == 0)
    return;
  node_exit(node, 1, 0);
  world_end(node->world, "%s ended during start: exit code 1: %s", node->plan->name, err);
}

int node_start(struct node *node, uint64_t at_ns) {
  struct world *world = node->world;
  node->process = new_process(world, node->index);
  if (node->process == NULL) {
    world_end(world, "no memory for process %s", node->plan->name);
    return -1;
  }
  node->life++;
  node->ready = node->announced = node->answered = node->started = false;
  node->asked = node->did = node->states = 0;
  node->last = &node->first;
  node->last_command = &node->commands;
  node_awake(node);
  events_put(&world->events, at_ns + SIM_BOOT_NS, on_boot, node, node->process);
  return 0;
}

void node_exit(struct node *node, int exit_code, int signal) {
  struct frame *frame;
  if (node->process == NULL || node->process->exited)
    return;
  if (node->core != NULL)
    node->ops->close(node);
  node->core = NULL;
  while ((frame = node_next(node)) != NULL)
    frame_give(&node->world->frames, frame);
  struct node_command *command;
  while ((command = next_command(node)) != NULL)
    free_command(node, command);
  node->process->exited = true;
  node->world->ends++;
  node->process->exit_code = exit_code;
  node->process->signal = signal;
  node_told(node);
}

/* ---- control channel --------------------------------------------------------------------------- */

static void on_command(void *self, void *data, uint64_t now_ns) {
  struct node *node = self;
  struct node_command *command = data;
  if (node->core == NULL || node->life != command->life) {
    free_command(node, command);
    return;
  }
  *node->last_command = command;
  node->last_command = &command->next;
  node_wake(node, now_ns);
}

void node_tell(struct node *node, const struct node_command *command) {
  struct node_command *copy = malloc(sizeof *copy);
  if (copy == NULL) {
    world_end(node->world, "no memory for a command");
    return;
  }
  node->world->commands++;
  *copy = *command;
  copy->next = NULL;
  copy->life = node->life;
  events_put(&node->world->events, node->world->now_ns + SIM_CONTROL_NS, on_command, node, copy);
}

static void on_told(void *self, void *data, uint64_t now_ns) {
  (void)data;
  (void)now_ns;
  ((struct world *)self)->changed = true;
}

void node_told(struct node *node) {
  const uint64_t now = node->at_ns > node->world->now_ns ? node->at_ns : node->world->now_ns;
  events_put(&node->world->events, now + SIM_CONTROL_NS, on_told, node->world, NULL);
}
