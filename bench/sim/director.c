/* The runner of a live run (bench/run/stage.c), on virtual time: the same phases, the
 * same bounds, the same words. It decides when something told it something, and when
 * time has passed; its orders travel over control channels. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/timeline_sim.h"
#include "bench/sim/world.h"

#define MS                   UINT64_C(1000000)
#define S                    UINT64_C(1000000000)
#define RELAYS_BOUND_NS      (60 * S)
#define PUBLISHERS_BOUND_NS  (30 * S)
#define SUBSCRIBERS_BOUND_NS (30 * S)
#define PUBLISHED_GRACE_NS   (10 * S)
#define STOP_BOUND_NS        (15 * S)
#define ARRIVE_BOUND_NS      (5 * S)
#define LEAD_NS              (100 * MS)
#define POLL_NS              (50 * MS)
/* See QUIET_POLLS of bench/run/stage.c. */
#define QUIET_POLLS 6

typedef bool node_test(const struct node *node);

static bool lives(const struct node *node) {
  return node->process != NULL && !node->process->exited;
}

static bool is_ready(const struct node *node) {
  return node->ready;
}

static enum plan_role part(const struct node *node) {
  return plan_part(node->world->plan, node->index);
}

static bool has_announced(const struct node *node) {
  return part(node) != PLAN_PUBLISHER || node->announced;
}

/* A subscriber without a subscription at 0 s has nothing to be answered. */
static bool has_answers(const struct node *node) {
  const struct plan *plan = node->world->plan;
  if (node->plan->role != PLAN_SUBSCRIBER || node->answered)
    return true;
  for (size_t i = 0; i < plan->n_subscriptions; i++)
    if (plan->subscriptions[i].who == node->index && plan->subscriptions[i].at_ns == 0)
      return false;
  return node->ready;
}

/* See cast_lost_relay() of bench/run/cast.h. */
static bool lost_relay(const struct node *node) {
  const struct sim_process *its =
      node->plan->relay >= 0 ? node->world->nodes[node->plan->relay].process : NULL;
  return its != NULL && its->doomed;
}

static bool has_published(const struct node *node) {
  return node->plan->role != PLAN_PUBLISHER || node->process->doomed || node->process->published ||
         lost_relay(node);
}

/* The first one from *from on, which then is its index; so that 1,000 nodes that get there
 * one after the other are not looked at 1,000 times each. */
static const struct node *next_lagging(const struct world *world, node_test *test, size_t *from) {
  for (; *from < world->plan->n_nodes; ++*from)
    if (lives(&world->nodes[*from]) && !test(&world->nodes[*from]))
      return &world->nodes[*from];
  return NULL;
}

static const struct node *first_lagging(const struct world *world, node_test *test) {
  size_t from = 0;
  return next_lagging(world, test, &from);
}

static void say(const struct world *world, const char *phase) {
  if (world->config->phase != NULL)
    world->config->phase(world->config->arg, phase);
}

/* A process that ended though nobody asked it to ends the run. */
static void look_for_the_dead(struct world *world) {
  if (world->ends_seen == world->ends)
    return;
  world->ends_seen = world->ends;
  for (size_t i = 0; i < world->n_processes; i++) {
    const struct sim_process *p = world->processes[i];
    if (p->exited && !p->doomed && !p->stopping)
      world_end(world, "%s ended: exit code %d", world->plan->nodes[p->node].name, p->exit_code);
  }
}

static void turn(struct world *world, uint64_t until_ns) {
  world_play(world, until_ns);
  look_for_the_dead(world);
}

static int wait_for(struct world *world, node_test *test, uint64_t bound_ns, const char *what) {
  const uint64_t until = world->now_ns + bound_ns;
  const struct node *lagging;
  size_t from = 0;
  while (world->ended[0] == '\0' && ((lagging = next_lagging(world, test, &from)) != NULL ||
                                     (lagging = first_lagging(world, test)) != NULL)) {
    if (world->now_ns >= until) {
      world->timed_out = true;
      world_end(world, "waited %" PRIu64 " s for %s, and %s is not there yet", bound_ns / S, what,
                lagging->plan->name);
      break;
    }
    turn(world, until);
  }
  return world->ended[0] == '\0' ? 0 : -1;
}

/* ---- before publishing ------------------------------------------------------------------ */

/* Of relays those of one level, see plan_relay_level(). */
static bool is_of(const struct node *node, enum plan_role role, unsigned level) {
  return part(node) == role &&
         (role != PLAN_RELAY || plan_relay_level(node->world->plan, node->index) == level);
}

static int start_role(struct world *world, enum plan_role role, unsigned level) {
  uint64_t at = world->now_ns;
  for (size_t i = 0; i < world->plan->n_nodes; i++)
    if (is_of(&world->nodes[i], role, level)) {
      if (node_start(&world->nodes[i], at) != 0)
        return -1;
      at += SIM_SPAWN_NS;
    }
  return 0;
}

static int start_nodes(struct world *world) {
  say(world, "starting the relay");
  for (unsigned level = 0; level <= plan_relay_levels(world->plan); level++)
    if (start_role(world, PLAN_RELAY, level) != 0 ||
        wait_for(world, is_ready, RELAYS_BOUND_NS, "every relay to be ready") != 0)
      return -1;
  say(world, "starting publishers");
  if (start_role(world, PLAN_PUBLISHER, 0) != 0 ||
      wait_for(world, has_announced, PUBLISHERS_BOUND_NS,
               "every publisher's announcement to be accepted") != 0)
    return -1;
  say(world, "starting subscribers");
  if (start_role(world, PLAN_SUBSCRIBER, 0) != 0)
    return -1;
  return wait_for(world, has_answers, SUBSCRIBERS_BOUND_NS,
                  "every subscription of at: 0s to be answered");
}

/* ---- publishing ----------------------------------------------------------------------------- */

static void start_newcomers(struct world *world, uint64_t t0_ns) {
  for (size_t i = 0; i < world->plan->n_nodes; i++) {
    struct node *node = &world->nodes[i];
    const bool may = part(node) == PLAN_PUBLISHER    ? node->announced
                     : part(node) == PLAN_SUBSCRIBER ? node->ready
                                                     : false;
    if (!may || node->started || !lives(node))
      continue;
    node->started = true;
    node_tell(node, &(struct node_command){.order = NODE_START, .t0_ns = t0_ns});
  }
}

static void publish(struct world *world, uint64_t t0_ns) {
  const uint64_t over = t0_ns + world->plan->duration_ns;
  const uint64_t bound = over + world->plan->drain_ns + PUBLISHED_GRACE_NS;
  struct timeline_sim timeline;
  if (timeline_sim_open(&timeline, world, t0_ns) != 0)
    return;
  say(world, "publishing");
  while (world->ended[0] == '\0') {
    start_newcomers(world, t0_ns);
    timeline_sim_turn(&timeline);
    const bool published = first_lagging(world, has_published) == NULL;
    if (world->now_ns >= over && timeline_sim_over(&timeline) && published)
      break;
    if (world->now_ns >= bound) {
      world->timed_out = true;
      world_end(world,
                "waited %" PRIu64
                " s beyond the duration for every publisher to have published "
                "and every event to be answered",
                (bound - over) / S);
      break;
    }
    uint64_t next = timeline_sim_next(&timeline);
    if (world->now_ns < over && over < next)
      next = over;
    turn(world, next < bound ? next : bound);
  }
  timeline_sim_close(&timeline);
}

/* ---- after publishing ------------------------------------------------------------------------ */

static bool takes_part(const struct node *node) {
  return lives(node) && !node->process->doomed &&
         (node->plan->role == PLAN_RELAY || node->plan->role == PLAN_SUBSCRIBER);
}

/* Did all answer? Asked again and again: *from is as in next_lagging(). */
static bool answered(const struct world *world, uint64_t asked, size_t *from) {
  uint64_t answers = 0;
  for (; *from < world->plan->n_nodes; ++*from) {
    const struct node *node = &world->nodes[*from];
    if (node->polled && takes_part(node) && node->states == 0)
      return false;
  }
  for (size_t i = 0; i < world->plan->n_nodes; i++)
    answers += takes_part(&world->nodes[i]) && world->nodes[i].states > 0;
  return answers >= asked;
}

struct picture {
  uint64_t objects, backlog, inflight;
};

/* Asks all and waits for the answers; false if time ran out or the run ended. */
static bool take_picture(struct world *world, uint64_t until_ns, struct picture *picture) {
  uint64_t asked = 0;
  size_t from = 0;
  bool all = false;
  for (size_t i = 0; i < world->plan->n_nodes; i++) {
    world->nodes[i].polled = takes_part(&world->nodes[i]);
    if (world->nodes[i].polled) {
      world->nodes[i].states = 0;
      node_tell(&world->nodes[i], &(struct node_command){.order = NODE_POLL});
      asked++;
    }
  }
  while (world->ended[0] == '\0' && world->now_ns < until_ns &&
         !(all = answered(world, asked, &from)))
    turn(world, until_ns);
  *picture = (struct picture){.backlog = network_backlog(world->network)};
  for (size_t i = 0; i < world->plan->n_nodes; i++) {
    const struct node *node = &world->nodes[i];
    if (!takes_part(node))
      continue;
    picture->objects += node->plan->role == PLAN_SUBSCRIBER ? node->objects : 0;
    picture->backlog += node->plan->role == PLAN_RELAY ? node->backlog : 0;
    picture->inflight += node->plan->role == PLAN_RELAY ? node->inflight : 0;
  }
  return all;
}

/* Until nothing moves any more, at most the plan's drain. */
static void drain(struct world *world) {
  struct picture last = {0}, now;
  const uint64_t until = world->now_ns + world->plan->drain_ns;
  int quiet = 0;
  say(world, "draining");
  while (world->ended[0] == '\0' && quiet < QUIET_POLLS && world->now_ns < until) {
    if (!take_picture(world, until, &now))
      break;
    const bool still = now.objects == last.objects && now.backlog == 0 && now.inflight == 0;
    quiet = still ? quiet + 1 : 0;
    last = now;
    const uint64_t next = world->now_ns + POLL_NS;
    while (world->ended[0] == '\0' && world->now_ns < next)
      turn(world, next);
  }
}

/* Why a run has ended, put aside while it is played on. */
struct aside {
  char ended[sizeof((struct world *)NULL)->ended];
};

/* The first reason stays. */
static void put_aside(struct world *world, struct aside *aside) {
  if (aside->ended[0] == '\0')
    memcpy(aside->ended, world->ended, sizeof aside->ended);
  world->ended[0] = '\0';
}

static void put_back(struct world *world, const struct aside *aside) {
  if (aside->ended[0] != '\0')
    memcpy(world->ended, aside->ended, sizeof world->ended);
}

/* What those who left said last is on its way as long as a link holds frames. Works on
 * a run that has ended, too. */
static void let_arrive(struct world *world) {
  struct aside aside = {0};
  const uint64_t until = world->now_ns + ARRIVE_BOUND_NS;
  put_aside(world, &aside);
  while (network_backlog(world->network) > 0 && world->now_ns < until && !world->events.failed) {
    world_play(world, world->now_ns + POLL_NS);
    put_aside(world, &aside);
  }
  put_back(world, &aside);
}

/* *from is as in next_lagging(): who has left does not come back. */
static bool any_left(const struct world *world, enum plan_role role, unsigned level, size_t *from) {
  for (; *from < world->plan->n_nodes; ++*from)
    if (is_of(&world->nodes[*from], role, level) && lives(&world->nodes[*from]))
      return true;
  return false;
}

/* Works on a run that has ended, too: its end is put aside meanwhile. */
static void stop_role(struct world *world, enum plan_role role, unsigned level) {
  struct aside aside = {0};
  put_aside(world, &aside);
  for (size_t i = 0; i < world->plan->n_nodes; i++) {
    struct node *node = &world->nodes[i];
    if (!is_of(node, role, level) || !lives(node))
      continue;
    node->process->stopping = true;
    node_tell(node, &(struct node_command){.order = NODE_STOP});
  }
  const uint64_t until = world->now_ns + STOP_BOUND_NS;
  size_t from = 0;
  while (any_left(world, role, level, &from) && world->now_ns < until && !world->events.failed) {
    world_play(world, until);
    put_aside(world, &aside);
  }
  for (size_t i = 0; i < world->plan->n_nodes; i++) {
    struct node *node = &world->nodes[i];
    if (!is_of(node, role, level) || !lives(node))
      continue;
    node->process->overdue = world->timed_out = true;
    world_end(world, "%s did not stop when told to, and was killed", node->plan->name);
    node_exit(node, 0, SIGKILL);
  }
  put_back(world, &aside);
}

void director_run(struct world *world, struct sim_outcome *outcome) {
  if (start_nodes(world) == 0) {
    outcome->start_ns = world->now_ns + LEAD_NS;
    parts_started();
    publish(world, outcome->start_ns);
    drain(world);
  }
  say(world, "stopping");
  stop_role(world, PLAN_PUBLISHER, 0);
  let_arrive(world);
  stop_role(world, PLAN_SUBSCRIBER, 0);
  let_arrive(world);
  for (unsigned level = plan_relay_levels(world->plan) + 1; level-- > 0;) {
    stop_role(world, PLAN_RELAY, level);
    if (level > 0)
      let_arrive(world);
  }
  /* what is on the wires still arrives */
  const uint64_t until = world->now_ns + S;
  while (world->ended[0] == '\0' && world->now_ns < until)
    world_play(world, until);
  outcome->end_ns = world->now_ns;
}
