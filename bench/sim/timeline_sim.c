#include "bench/sim/timeline_sim.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/words.h"

struct timeline_sim_open {
  const struct plan_event *event;
  const struct node *node;
  const struct sim_process *process;
  uint32_t life, number; /* of the event at its process, from 0 */
  uint64_t t_ns;
  uint64_t until_ns; /* STALL: when the process goes on */
};

/* As bench/run/timeline.c writes them. */
static void record_rogues(const struct timeline_sim *tl) {
  const struct plan *plan = tl->world->plan;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    const char *between = "";
    if (plan->nodes[i].does == 0)
      continue;
    fprintf(tl->faults, "{\"t\":%" PRIu64 ",\"node\":\"%s\",\"kind\":\"rogue\",\"does\":[",
            tl->t0_ns, plan->nodes[i].name);
    for (int deed = 0; plan_words_deed[deed] != NULL; deed++)
      if (plan->nodes[i].does >> deed & 1) {
        fprintf(tl->faults, "%s\"%s\"", between, plan_words_deed[deed]);
        between = ",";
      }
    fputs("],\"ok\":true}\n", tl->faults);
  }
}

int timeline_sim_open(struct timeline_sim *tl, struct world *world, uint64_t t0_ns) {
  char *path = NULL;
  *tl = (struct timeline_sim){.world = world, .t0_ns = t0_ns};
  tl->open = calloc(world->plan->n_events + 1, sizeof *tl->open);
  if (tl->open != NULL && asprintf(&path, "%s/faults.jsonl", world->config->dir) >= 0) {
    tl->faults = fopen(path, "we");
    free(path);
  }
  if (tl->faults != NULL) {
    record_rogues(tl);
    return 0;
  }
  world_end(world, "cannot write faults.jsonl: %s", strerror(errno));
  free(tl->open);
  return -1;
}

/* ---- one line ----------------------------------------------------------------------------- */

/* The members that bench/run/timeline.c writes, in its order. */
static void record(struct timeline_sim *tl, const struct plan_event *event, uint64_t t_ns,
                   bool ok) {
  const struct plan *plan = tl->world->plan;
  FILE *to = tl->faults;
  fprintf(to, "{\"t\":%" PRIu64 ",\"node\":\"%s\",\"kind\":\"%s\"", t_ns,
          event->node >= 0 ? plan->nodes[event->node].name : "", plan_event_name(event->kind));
  if (event->kind == PLAN_EV_PRIORITY_LIMIT) {
    if (event->priority_limit >= 0)
      fprintf(to, ",\"value\":%d", event->priority_limit);
    else
      fputs(",\"value\":null", to);
  }
  if (event->kind == PLAN_EV_RECONNECT)
    fprintf(to, ",\"same_port\":%s", event->same_port ? "true" : "false");
  if (event->kind == PLAN_EV_STALL)
    fprintf(to, ",\"for_ns\":%" PRIu64, event->for_ns);
  for (size_t i = 0; i < event->n_tracks; i++)
    fprintf(to, "%s\"%s\"", i == 0 ? ",\"tracks\":[" : ",", plan->tracks[event->tracks[i]].name);
  if (event->n_tracks > 0)
    fputc(']', to);
  if (event->link >= 0)
    fprintf(to, ",\"link\":\"%s>%s\"", plan->nodes[plan->links[event->link].a].name,
            plan->nodes[plan->links[event->link].b].name);
  fprintf(to, ",\"ok\":%s}\n", ok ? "true" : "false");
  if (!ok)
    world_end(tl->world, "event %s of node %s at line %u of the timeline could not be done",
              plan_event_name(event->kind), event->node >= 0 ? plan->nodes[event->node].name : "-",
              event->line);
}

/* ---- doing --------------------------------------------------------------------------------- */

static bool kill_now(struct node *node) {
  if (node->process == NULL || node->process->exited)
    return false;
  node->process->doomed = true;
  node->at_ns = node->world->now_ns; /* also in the middle of a stall */
  node_exit(node, 0, SIGKILL);
  return true;
}

static bool restart(struct node *node) {
  if (node->process != NULL && !node->process->exited)
    kill_now(node);
  return node_start(node, node->world->now_ns) == 0;
}

static bool is_stall(const struct timeline_sim_open *open) {
  return open->event->kind == PLAN_EV_STALL;
}

static void stall(struct timeline_sim *tl, const struct plan_event *event) {
  struct node *node = &tl->world->nodes[event->node];
  const uint64_t now = tl->world->now_ns;
  const bool ok = node->process != NULL && !node->process->exited;
  record(tl, event, now, ok);
  if (!ok)
    return;
  node_stall(node, now + event->for_ns);
  tl->open[tl->n_open++] = (struct timeline_sim_open){.event = event,
                                                      .node = node,
                                                      .process = node->process,
                                                      .life = node->life,
                                                      .t_ns = now,
                                                      .until_ns = now + event->for_ns};
}

/* Overlapping stalls of one process are one that lasts to the end of the last. */
static void resume(struct timeline_sim *tl, const struct timeline_sim_open *over) {
  for (size_t i = 0; i < tl->n_open; i++)
    if (&tl->open[i] != over && is_stall(&tl->open[i]) && tl->open[i].process == over->process &&
        tl->open[i].until_ns > over->until_ns)
      return;
  if (!over->process->exited)
    fprintf(tl->faults, "{\"t\":%" PRIu64 ",\"node\":\"%s\",\"kind\":\"resume\",\"ok\":true}\n",
            over->until_ns, over->node->plan->name);
}

/* Tells the process; its answer is waited for in turns. */
static void tell(struct timeline_sim *tl, const struct plan_event *event) {
  struct node *node = &tl->world->nodes[event->node];
  const uint64_t now = tl->world->now_ns;
  if (node->process == NULL || node->process->exited || node->asked - node->did >= NODE_ANSWERS) {
    record(tl, event, now, false);
    return;
  }
  if (event->kind == PLAN_EV_DIE || event->kind == PLAN_EV_VANISH)
    node->process->doomed = true;
  tl->open[tl->n_open++] = (struct timeline_sim_open){.event = event,
                                                      .node = node,
                                                      .process = node->process,
                                                      .life = node->life,
                                                      .number = node->asked++,
                                                      .t_ns = now};
  node_tell(node, &(struct node_command){.order = NODE_EVENT, .event = event});
}

static void begin(struct timeline_sim *tl, const struct plan_event *event) {
  struct world *world = tl->world;
  if (event->link >= 0)
    record(tl, event, world->now_ns, network_event(world->network, event));
  else if (event->kind == PLAN_EV_KILL)
    record(tl, event, world->now_ns, kill_now(&world->nodes[event->node]));
  else if (event->kind == PLAN_EV_RESTART)
    record(tl, event, world->now_ns, restart(&world->nodes[event->node]));
  else if (event->kind == PLAN_EV_STALL)
    stall(tl, event);
  else
    tell(tl, event);
}

/* Whether an open event is decided, and how. */
static bool decided(const struct timeline_sim_open *open, bool *ok) {
  const struct node *node = open->node;
  if (node->life == open->life && node->did > open->number) {
    *ok = node->did_ok[open->number % NODE_ANSWERS];
    return true;
  }
  /* a process told to die or vanish needs not answer: its end is the answer */
  *ok = open->event->kind == PLAN_EV_DIE || open->event->kind == PLAN_EV_VANISH;
  return open->process->exited;
}

static void settle(struct timeline_sim *tl) {
  const uint64_t now = tl->world->now_ns;
  size_t kept = 0;
  for (size_t i = 0; i < tl->n_open; i++)
    if (is_stall(&tl->open[i]) && tl->open[i].until_ns <= now)
      resume(tl, &tl->open[i]);
  for (size_t i = 0; i < tl->n_open; i++) {
    const bool stalled = is_stall(&tl->open[i]);
    bool ok;
    if (stalled && (tl->open[i].until_ns <= now || tl->open[i].process->exited))
      continue;
    if (!stalled && decided(&tl->open[i], &ok))
      record(tl, tl->open[i].event, tl->open[i].t_ns, ok);
    else
      tl->open[kept++] = tl->open[i];
  }
  tl->n_open = kept;
}

static uint64_t next_event(const struct timeline_sim *tl) {
  const struct plan *plan = tl->world->plan;
  return tl->next < plan->n_events ? tl->t0_ns + plan->events[tl->next].at_ns : UINT64_MAX;
}

void timeline_sim_turn(struct timeline_sim *tl) {
  const struct plan *plan = tl->world->plan;
  while (next_event(tl) <= tl->world->now_ns && tl->next < plan->n_events &&
         tl->world->ended[0] == '\0')
    begin(tl, &plan->events[tl->next++]);
  settle(tl);
}

uint64_t timeline_sim_next(const struct timeline_sim *tl) {
  uint64_t next = next_event(tl);
  for (size_t i = 0; i < tl->n_open; i++)
    if (is_stall(&tl->open[i]) && tl->open[i].until_ns < next)
      next = tl->open[i].until_ns;
  return next;
}

bool timeline_sim_over(const struct timeline_sim *tl) {
  return tl->next == tl->world->plan->n_events && tl->n_open == 0;
}

void timeline_sim_close(struct timeline_sim *tl) {
  settle(tl);
  for (size_t i = 0; i < tl->n_open; i++)
    if (!is_stall(&tl->open[i]))
      record(tl, tl->open[i].event, tl->open[i].t_ns, false);
  fclose(tl->faults);
  free(tl->open);
}
