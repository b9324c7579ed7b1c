#include "bench/run/timeline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run/clock.h"
#include "bench/scenario/words.h"

/* How long a process killed for a restart may take to end. */
#define RESTART_BOUND_NS (5 * CLOCK_S)

struct timeline_open {
  const struct plan_event *event;
  const struct process *process;
  uint32_t number; /* of the event at its process, from 0 */
  uint64_t t_ns;
  uint64_t until_ns; /* STALL: when the process goes on */
};

static void write_line(struct timeline *tl, json_t *line) {
  json_dumpf(line, tl->faults, JSON_COMPACT);
  fputc('\n', tl->faults);
  fflush(tl->faults);
  json_decref(line);
}

/* What a rogue does it does from the start; whoever judges has to know. */
static void record_rogues(struct timeline *tl) {
  const struct plan *plan = tl->cast->plan;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    json_t *does = json_array();
    for (int deed = 0; plan_words_deed[deed] != NULL; deed++)
      if (plan->nodes[i].does >> deed & 1)
        json_array_append_new(does, json_string(plan_words_deed[deed]));
    if (json_array_size(does) > 0)
      write_line(tl, json_pack("{s:I, s:s, s:s, s:O, s:b}", "t", (json_int_t)tl->t0_ns, "node",
                               plan->nodes[i].name, "kind", "rogue", "does", does, "ok", 1));
    json_decref(does);
  }
}

int timeline_open(struct timeline *tl, struct cast *cast, uint64_t t0_ns, char *err,
                  size_t err_len) {
  char *path = NULL;
  *tl = (struct timeline){.cast = cast, .t0_ns = t0_ns};
  tl->open = calloc(cast->plan->n_events + 1, sizeof *tl->open);
  if (tl->open != NULL && asprintf(&path, "%s/faults.jsonl", cast->at.dir) >= 0) {
    tl->faults = fopen(path, "we");
    free(path);
  }
  if (tl->faults != NULL) {
    record_rogues(tl);
    return 0;
  }
  snprintf(err, err_len, "cannot write %s/faults.jsonl: %s", cast->at.dir, strerror(errno));
  free(tl->open);
  *tl = (struct timeline){0};
  return -1;
}

/* The members that say what exactly is done; the same for process and file. */
static json_t *describe(const struct plan *plan, const struct plan_event *event) {
  json_t *o = json_pack("{s:s}", "kind", plan_event_name(event->kind));
  if (event->kind == PLAN_EV_PRIORITY_LIMIT)
    json_object_set_new(
        o, "value", event->priority_limit >= 0 ? json_integer(event->priority_limit) : json_null());
  if (event->kind == PLAN_EV_RECONNECT)
    json_object_set_new(o, "same_port", json_boolean(event->same_port));
  if (event->kind == PLAN_EV_STALL)
    json_object_set_new(o, "for_ns", json_integer((json_int_t)event->for_ns));
  if (event->n_tracks > 0) {
    json_t *tracks = json_array();
    for (size_t i = 0; i < event->n_tracks; i++)
      json_array_append_new(tracks, json_string(plan->tracks[event->tracks[i]].name));
    json_object_set_new(o, "tracks", tracks);
  }
  return o;
}

static bool is_link(const struct plan_event *event) {
  return event->kind == PLAN_EV_LINK_SET || event->kind == PLAN_EV_LINK_DOWN ||
         event->kind == PLAN_EV_LINK_UP;
}

/* "sub[0]", or "relay>sub[0]" in the link's own sense. */
static void name_target(const struct plan *plan, const struct plan_event *event, char *text,
                        size_t len) {
  if (is_link(event)) {
    const struct plan_link *link = &plan->links[event->link];
    snprintf(text, len, "%s>%s", plan->nodes[link->a].name, plan->nodes[link->b].name);
  } else
    snprintf(text, len, "%s", event->node >= 0 ? plan->nodes[event->node].name : "");
}

static void record(struct timeline *tl, const struct plan_event *event, uint64_t t_ns, bool ok) {
  const struct plan *plan = tl->cast->plan;
  json_t *line = json_pack("{s:I}", "t", (json_int_t)t_ns);
  char whom[128];
  name_target(plan, event, whom, sizeof whom);
  json_object_set_new(line, is_link(event) ? "link" : "node", json_string(whom));
  json_t *what = describe(plan, event);
  json_object_update(line, what);
  json_object_set_new(line, "ok", json_boolean(ok));
  json_decref(what);
  write_line(tl, line);
  if (!ok)
    cast_end(tl->cast, "event %s of %s %s at line %u of the timeline could not be done",
             plan_event_name(event->kind), is_link(event) ? "link" : "node", whom, event->line);
}

static bool kill_now(struct cast *cast, struct process *p) {
  if (p == NULL || p->exited)
    return false;
  p->doomed = true;
  kill(p->pid, SIGKILL);
  uint64_t until = clock_now() + RESTART_BOUND_NS;
  while (!p->exited && clock_now() < until)
    cast_turn(cast, until);
  return p->exited;
}

/* *t_ns: when nothing of the old process is left, and the new one is not yet begun. */
static bool restart(struct cast *cast, int node, uint64_t *t_ns) {
  char err[512];
  struct process *old = cast_of(cast, node);
  if (old != NULL && !old->exited && !kill_now(cast, old))
    return false;
  *t_ns = clock_now();
  if (cast_start_node(cast, node, err, sizeof err) != NULL)
    return true;
  cast_end(cast, "%s", err);
  return false;
}

/* ---- stalls -------------------------------------------------------------------------- */

static bool is_stall(const struct timeline_open *open) {
  return open->event->kind == PLAN_EV_STALL;
}

static void stall(struct timeline *tl, const struct plan_event *event, uint64_t now_ns) {
  struct process *p = cast_of(tl->cast, event->node);
  const bool ok = p != NULL && !p->exited && kill(p->pid, SIGSTOP) == 0;
  record(tl, event, now_ns, ok);
  if (ok)
    tl->open[tl->n_open++] = (struct timeline_open){
        .event = event, .process = p, .t_ns = now_ns, .until_ns = now_ns + event->for_ns};
}

/* Overlapping stalls of one process are one that lasts to the end of the last. */
static void resume(struct timeline *tl, const struct timeline_open *over) {
  for (size_t i = 0; i < tl->n_open; i++)
    if (&tl->open[i] != over && is_stall(&tl->open[i]) && tl->open[i].process == over->process &&
        tl->open[i].until_ns > over->until_ns)
      return;
  if (over->process->exited || kill(over->process->pid, SIGCONT) != 0)
    return;
  write_line(tl, json_pack("{s:I, s:s, s:s, s:b}", "t", (json_int_t)clock_now(), "node",
                           over->process->name, "kind", "resume", "ok", 1));
}

/* ---- what the process does itself ---------------------------------------------------- */

/* Tells the process; its answer is waited for in turns. */
static void tell(struct timeline *tl, const struct plan_event *event, uint64_t now_ns) {
  struct process *p = cast_of(tl->cast, event->node);
  if (p == NULL || p->exited || p->asked - p->did >= PROCESS_EVENTS) {
    record(tl, event, now_ns, false);
    return;
  }
  if (event->kind == PLAN_EV_DIE || event->kind == PLAN_EV_VANISH)
    p->doomed = true;
  json_t *message = describe(tl->cast->plan, event);
  json_object_set_new(message, "do", json_string("event"));
  tl->open[tl->n_open++] =
      (struct timeline_open){.event = event, .process = p, .number = p->asked++, .t_ns = now_ns};
  cast_tell(tl->cast, p, message);
}

/* The wire process keeps the timeline of links itself; here its answer is awaited. */
static void await(struct timeline *tl, const struct plan_event *event, uint64_t now_ns) {
  struct process *wire = tl->cast->wire;
  if (wire == NULL || wire->exited) {
    record(tl, event, now_ns, false);
    return;
  }
  tl->open[tl->n_open++] = (struct timeline_open){
      .event = event, .process = wire, .number = wire->asked++, .t_ns = tl->t0_ns + event->at_ns};
}

static void begin(struct timeline *tl, const struct plan_event *event, uint64_t now_ns) {
  if (is_link(event))
    await(tl, event, now_ns);
  else if (event->kind == PLAN_EV_KILL)
    record(tl, event, now_ns, kill_now(tl->cast, cast_of(tl->cast, event->node)));
  else if (event->kind == PLAN_EV_RESTART) {
    const bool ok = restart(tl->cast, event->node, &now_ns);
    record(tl, event, now_ns, ok);
  } else if (event->kind == PLAN_EV_STALL)
    stall(tl, event, now_ns);
  else
    tell(tl, event, now_ns);
}

/* Whether an open event is decided, and how. */
static bool decided(const struct timeline_open *open, bool *ok) {
  const struct process *p = open->process;
  if (p->did > open->number) {
    *ok = p->did_ok[open->number % PROCESS_EVENTS];
    return true;
  }
  /* a process told to die or vanish needs not answer: its end is the answer */
  *ok = open->event->kind == PLAN_EV_DIE || open->event->kind == PLAN_EV_VANISH;
  return p->exited;
}

static void settle(struct timeline *tl, uint64_t now_ns) {
  size_t kept = 0;
  for (size_t i = 0; i < tl->n_open; i++)
    if (is_stall(&tl->open[i]) && tl->open[i].until_ns <= now_ns)
      resume(tl, &tl->open[i]);
  for (size_t i = 0; i < tl->n_open; i++) {
    const bool stalled = is_stall(&tl->open[i]);
    bool ok;
    if (stalled && (tl->open[i].until_ns <= now_ns || tl->open[i].process->exited))
      continue;
    if (!stalled && decided(&tl->open[i], &ok))
      record(tl, tl->open[i].event, tl->open[i].t_ns, ok);
    else
      tl->open[kept++] = tl->open[i];
  }
  tl->n_open = kept;
}

static uint64_t next_event(const struct timeline *tl) {
  const struct plan *plan = tl->cast->plan;
  return tl->next < plan->n_events ? tl->t0_ns + plan->events[tl->next].at_ns : UINT64_MAX;
}

void timeline_turn(struct timeline *tl, uint64_t now_ns) {
  const struct plan *plan = tl->cast->plan;
  while (next_event(tl) <= now_ns && tl->next < plan->n_events && tl->cast->ended[0] == '\0')
    begin(tl, &plan->events[tl->next++], clock_now());
  settle(tl, clock_now());
}

uint64_t timeline_next(const struct timeline *tl) {
  uint64_t next = next_event(tl);
  for (size_t i = 0; i < tl->n_open; i++)
    if (is_stall(&tl->open[i]) && tl->open[i].until_ns < next)
      next = tl->open[i].until_ns;
  return next;
}

bool timeline_over(const struct timeline *tl) {
  return tl->next == tl->cast->plan->n_events && tl->n_open == 0;
}

void timeline_close(struct timeline *tl) {
  if (tl->faults == NULL)
    return;
  settle(tl, UINT64_MAX); /* nobody stays stopped */
  for (size_t i = 0; i < tl->n_open; i++)
    record(tl, tl->open[i].event, tl->open[i].t_ns, false);
  fclose(tl->faults);
  free(tl->open);
  *tl = (struct timeline){0};
}
