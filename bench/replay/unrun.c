#include "bench/replay/unrun.h"

#include <stdlib.h>
#include <string.h>

/* What changed is compared, then taken back. */
struct taking {
  struct executor *const *executors;
  struct compare *compare;
  const uint8_t *saved; /* of the array */
};

void unrun_add(struct unrun *unrun, const void *frame, size_t len, uint64_t now_ns) {
  script_add(&unrun->frames, &(struct script_step){.access = now_ns, .len = len}, frame);
}

bool unrun_waits(const struct unrun *unrun) {
  return unrun->frames.n > 0;
}

void unrun_free(struct unrun *unrun) {
  script_free(&unrun->frames);
  for (size_t id = 0; id < JOURNAL_ARRAYS; id++)
    free(unrun->saved[id]);
  for (size_t i = 0; i < UNRUN_EXECUTORS; i++)
    outcome_free(&unrun->outcomes[i]);
}

/* All that runs write, as the first executor has it. False: no memory. */
static bool save(struct unrun *unrun, struct executor *first, const struct compare *c) {
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++) {
    const struct journal_array *a = &c->arrays[id];
    const size_t len = a->n * a->each;
    if (!a->by_runs || len == 0)
      continue;
    if (unrun->saved[id] == NULL && (unrun->saved[id] = malloc(len)) == NULL)
      return false;
    memcpy(unrun->saved[id], first->get(first, id, 0, len), len);
  }
  return true;
}

static void take_back(void *arg, uint32_t array, size_t offset, size_t len) {
  const struct taking *t = arg;
  struct executor *a = t->executors[0], *b = t->executors[1];
  compare_bytes(t->compare, array, offset, len, a->name, a->get(a, array, offset, len), b->name,
                b->get(b, array, offset, len));
  for (size_t i = 0; i < UNRUN_EXECUTORS; i++)
    t->executors[i]->set(t->executors[i], array, offset, t->saved + offset, len);
}

/* What the second one alone changed shows when the next run is done, or at the end. */
static void take_all_back(const struct unrun *unrun, struct executor *const executors[],
                          struct compare *c) {
  for (uint32_t id = 0; id < JOURNAL_ARRAYS; id++) {
    struct taking t = {executors, c, unrun->saved[id]};
    struct journal_array now = c->arrays[id];
    if (!now.by_runs || now.n == 0)
      continue;
    now.at = (uint8_t *)(uintptr_t)executors[0]->get(executors[0], id, 0, now.n * now.each);
    journal_compare(&now, id, t.saved, take_back, &t);
  }
}

static void try_one(struct unrun *unrun, const struct script_step *frame,
                    struct executor *const executors[], struct compare *c) {
  struct outcome *outcomes = unrun->outcomes;
  const uint64_t ns = c->ns;
  c->ns = frame->access;
  c->unrun = true;
  for (size_t i = 0; i < UNRUN_EXECUTORS; i++)
    executors[i]->run(executors[i], unrun->frames.bytes + frame->at, frame->len, frame->access,
                      NULL, &outcomes[i]);
  compare_outcome(c, executors[0]->name, &outcomes[0], executors[1]->name, &outcomes[1]);
  compare_records(c, executors[0]->name, &outcomes[0], executors[1]->name, &outcomes[1]);
  take_all_back(unrun, executors, c);
  c->ns = ns;
  c->unrun = false;
}

size_t unrun_try(struct unrun *unrun, struct executor *const executors[UNRUN_EXECUTORS],
                 struct compare *c) {
  size_t n = 0;
  if (save(unrun, executors[0], c))
    for (; n < unrun->frames.n; n++)
      try_one(unrun, &unrun->frames.steps[n], executors, c);
  script_cut(&unrun->frames, 0);
  return n;
}
