#include "bench/sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim/world.h"
#include "relay/quic/seed.h"

/* wolfSSL asks for the seed of a new generator: whoever's code runs gets its own. */
static void fill_seed(void *arg, uint8_t *dest, size_t len) {
  struct world *world = arg;
  draw_bytes(world->current != NULL ? &world->current->tls : &world->tls, dest, len);
}

/* Dates of certificates are looked at by a clock that stands still. */
static time_t frozen_time(time_t *out) {
  const time_t now = (time_t)(SIM_REALTIME_MINUS_MONOTONIC_NS / 1000000000u);
  if (out != NULL)
    *out = now;
  return now;
}

static int open_keylog(struct world *world) {
  char *path = NULL;
  if (asprintf(&path, "%s/keys.log", world->config->dir) < 0)
    return -1;
  world->keylog = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  free(path);
  return world->keylog < 0 ? -1 : 0;
}

static void open_nodes(struct world *world) {
  const struct plan *plan = world->plan;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    struct node *node = &world->nodes[i];
    const struct plan_node *from = &plan->nodes[i];
    node->world = world;
    node->index = (int)i;
    node->plan = from;
    node->ops = from->role == PLAN_RELAY ? &relay_node_ops : &peer_node_ops;
    node->wake = draw_open(plan->seed, "wake", from->name);
    node->random = draw_open(plan->seed, "random", from->name);
    node->tls = draw_open(plan->seed, "tls", from->name);
    node->wake_ns = UINT64_MAX;
    node->alarm = (struct alarm){.call = node_on_wake, .self = node};
    node->last = &node->first;
    node->last_command = &node->commands;
  }
}

static const char *open_world(struct world *world) {
  world->nodes = calloc(world->plan->n_nodes + 1, sizeof *world->nodes);
  if (world->nodes == NULL)
    return "no memory for the nodes";
  open_nodes(world);
  world->network = network_new(world);
  if (world->network == NULL)
    return world->ended[0] != '\0' ? world->ended : "no memory for the network";
  if (network_open_log(world->network, world->config->dir) != 0 || open_keylog(world) != 0)
    return strerror(errno);
  if (qc_seed_from(fill_seed, world) != 0 || qc_time_from(frozen_time) != 0)
    return "the TLS library takes no seeds (it must be built with WC_RNG_SEED_CB)";
  return NULL;
}

/* Every node ends, then what is still to happen happens to nobody: that gives frames
 * and commands back. */
static void close_world(struct world *world) {
  for (size_t i = 0; world->network != NULL && i < world->plan->n_nodes; i++) {
    const struct node *node = &world->nodes[i];
    if (node->process != NULL && !node->process->exited)
      remains_left(&world->remains, "process of %s", node->plan->name);
    node_exit(&world->nodes[i], 0, 0);
    if (world->nodes[i].orphan != NULL)
      world->nodes[i].ops->outlived(&world->nodes[i], NULL);
  }
  world->closing = true;
  while (events_next(&world->events) != UINT64_MAX) {
    const struct event event = events_take(&world->events);
    event.call(event.self, event.data, event.at_ns);
  }
  if (world->keylog >= 0)
    close(world->keylog);
  network_free(world->network);
  events_free(&world->events);
  frame_pool_free(&world->frames);
  free(world->nodes);
  for (size_t i = 0; i < world->n_processes; i++)
    free(world->processes[i]);
  free(world->processes);
  remains_end(&world->remains, world->frames.out, world->commands);
  qc_seed_from_system();
  qc_time_from(NULL);
}

static int copy_outcome(const struct world *world, struct sim_outcome *outcome) {
  outcome->timed_out = world->timed_out;
  memcpy(outcome->ended, world->ended, sizeof outcome->ended);
  outcome->events = world->played;
  outcome->nested = world->nested;
  outcome->processes = calloc(world->n_processes + 1, sizeof *outcome->processes);
  if (outcome->processes == NULL)
    return -1;
  for (size_t i = 0; i < world->n_processes; i++)
    outcome->processes[outcome->n_processes++] = *world->processes[i];
  return 0;
}

int sim_run(const struct sim_config *config, struct sim_outcome *outcome, char *err,
            size_t err_len) {
  struct world world = {.config = config,
                        .plan = config->plan,
                        .now_ns = SIM_EPOCH_NS,
                        .keylog = -1,
                        .tls = draw_open(config->plan->seed, "tls", "")};
  int rc = -1;
  *outcome = (struct sim_outcome){0};
  parts_begin();
  remains_begin(&world.remains);
  const char *why = open_world(&world);
  if (why != NULL)
    snprintf(err, err_len, "%s", why);
  else {
    network_log_up(world.network);
    director_run(&world, outcome);
    network_log_totals(world.network);
    rc = copy_outcome(&world, outcome);
    if (rc != 0)
      snprintf(err, err_len, "no memory for the outcome");
  }
  close_world(&world);
  parts_end(&outcome->parts);
  outcome->remains = world.remains;
  return rc;
}

void sim_outcome_free(struct sim_outcome *outcome) {
  free(outcome->processes);
  remains_free(&outcome->remains);
  *outcome = (struct sim_outcome){0};
}
