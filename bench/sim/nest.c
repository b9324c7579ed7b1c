#include "bench/sim/nest_run.h"

#include <stdlib.h>
#include <string.h>

/* The datapath's scratch is on the heap; its deepest call takes some 2 KiB. */
#define STACK_BYTES (256u << 10)

void nest_list_free(struct nest_list *list) {
  free(list->steps);
  *list = (struct nest_list){0};
}

void nest_list_add(struct nest_list *list, const struct nest_step *step) {
  if (list->n == list->room) {
    const size_t room = list->room * 2 + 64;
    struct nest_step *bigger = realloc(list->steps, room * sizeof *bigger);
    if (bigger == NULL) {
      list->failed = true;
      return;
    }
    list->steps = bigger;
    list->room = room;
  }
  list->steps[list->n++] = *step;
}

int nest_open(struct nest *nest, const struct nest_config *config, const struct nest_ops *ops,
              void *arg, int node, uint32_t life, struct draw draw) {
  *nest = (struct nest){.ops = ops, .arg = arg, .node = node, .life = life, .draw = draw};
  if (config->one_in == 0 && config->replay == NULL)
    return 0;
  nest->config = config;
  nest->stack = malloc(STACK_BYTES);
  return nest->stack != NULL ? 0 : -1;
}

void nest_close(struct nest *nest) {
  free(nest->stack);
  *nest = (struct nest){0};
}

/* ---- the datapath's own stack -------------------------------------------------------------- */

/* makecontext() passes ints only. */
static struct nest *nest_from(unsigned high, unsigned low) {
  return (struct nest *)((uintptr_t)high << 32 | low);
}

static void away(unsigned high, unsigned low) {
  struct nest *nest = nest_from(high, low);
  nest->datapaths++;
  nest->ops->run(nest->arg, NEST_DATAPATH, 0);
  nest->datapaths--;
  nest->away_runs = false;
}

static void resume(struct nest *nest) {
  swapcontext(&nest->home, &nest->away);
}

void nest_datapath(struct nest *nest) {
  if (nest->config == NULL) {
    nest->ops->run(nest->arg, NEST_DATAPATH, 0);
    return;
  }
  const uintptr_t self = (uintptr_t)nest;
  getcontext(&nest->away);
  nest->away.uc_stack.ss_sp = nest->stack;
  nest->away.uc_stack.ss_size = STACK_BYTES;
  nest->away.uc_link = &nest->home;
  makecontext(&nest->away, (void (*)(void))away, 2, (unsigned)(self >> 32), (unsigned)self);
  nest->away_runs = true;
  resume(nest);
  while (nest->away_runs) { /* it stopped for the relay's step */
    nest->wants_relay = false;
    nest->relay = true;
    nest->ops->run(nest->arg, NEST_RELAY, 0);
    nest->relay = false;
    nest->depth--;
    if (nest->away_runs)
      resume(nest);
  }
}

void nest_barrier(struct nest *nest) {
  if (nest->config == NULL || !nest->away_runs)
    return;
  nest->barrier = true;
  resume(nest);
  nest->barrier = false;
}

void nest_relay_begins(struct nest *nest) {
  nest->relay = true;
}

void nest_relay_ends(struct nest *nest) {
  nest->relay = false;
}

/* ---- at an access ---------------------------------------------------------------------------- */

static bool may(const struct nest *nest, enum nest_actor actor) {
  if (actor == NEST_RELAY && (nest->relay || nest->depth > 0 || nest->datapaths == 0))
    return false;
  return nest->ops->pending(nest->arg, actor);
}

/* The next one of this relay; NULL: there is none. */
static const struct nest_step *next_step(struct nest *nest) {
  const struct nest_list *list = nest->config->replay;
  const struct nest_step *step;
  for (; nest->replayed < list->n; nest->replayed++) {
    step = &list->steps[nest->replayed];
    if (step->node == nest->node && step->life == nest->life)
      return step;
  }
  return NULL;
}

static bool choose_as_listed(struct nest *nest, uint64_t access, enum nest_actor *ran) {
  const struct nest_step *step = next_step(nest);
  if (step == NULL || step->access != access)
    return false;
  *ran = step->ran;
  nest->replayed++;
  return may(nest, *ran);
}

/* True and who, if something is to run here. */
static bool choose(struct nest *nest, uint64_t access, enum nest_actor *ran) {
  const struct nest_config *config = nest->config;
  if (config->replay != NULL)
    return choose_as_listed(nest, access, ran);
  if (draw_below(&nest->draw, config->one_in) != 0)
    return false;
  *ran = draw_below(&nest->draw, 2) == 0 ? NEST_DATAPATH : NEST_RELAY;
  if (!may(nest, *ran))
    *ran = *ran == NEST_DATAPATH ? NEST_RELAY : NEST_DATAPATH;
  return may(nest, *ran);
}

static void run(struct nest *nest, enum nest_actor actor) {
  nest->nested++;
  nest->depth++;
  if (actor == NEST_RELAY) {
    nest->wants_relay = true; /* nest_datapath() runs it, and takes the depth back */
    swapcontext(&nest->away, &nest->home);
    return;
  }
  const unsigned cpu = nest->datapaths++;
  nest->ops->run(nest->arg, NEST_DATAPATH, cpu);
  nest->datapaths--;
  nest->depth--;
}

void nest_access(struct nest *nest, enum nest_actor actor) {
  if (nest->config == NULL)
    return;
  const uint64_t access = nest->accesses++;
  struct nest_step step = {
      .node = nest->node, .life = nest->life, .access = access, .within = actor};
  if (nest->barrier || nest->depth >= NEST_DEPTH || !choose(nest, access, &step.ran))
    return;
  if (nest->config->record != NULL)
    nest_list_add(nest->config->record, &step);
  if (actor == NEST_DATAPATH)
    nest->ops->stops(nest->arg);
  run(nest, step.ran);
  if (actor == NEST_DATAPATH)
    nest->ops->goes_on(nest->arg);
}
