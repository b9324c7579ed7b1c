/* Elements of lists within a part, and nodes that only pass things on. */
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/memory.h"
#include "bench/shrink/steps.h"

/* An array of *n elements of `size` bytes. */
struct array {
  void *first;
  size_t *n, size;
};

/* Without its elements [from, from + gone). */
static void without(struct edit *edit, const struct array *a, size_t from, size_t gone) {
  const size_t left = *a->n - gone;
  unsigned char *bytes = plan_copy_bytes(a->first, *a->n * a->size);
  memmove(bytes + from * a->size, bytes + (from + gone) * a->size, (left - from) * a->size);
  /* those that go stand behind the others: taken back, all are there again */
  memcpy(bytes + left * a->size, (unsigned char *)a->first + from * a->size, gone * a->size);
  edit_put(edit, a->first, bytes, *a->n * a->size);
  edit_put(edit, a->n, &left, sizeof left);
  free(bytes);
}

static void thin_out(struct reduction *r, const struct array *a, size_t least) {
  for (size_t chunk = *a->n; chunk > 0; chunk /= 2) {
    size_t at = 0;
    while (at < *a->n) {
      struct edits edits = {0};
      for (size_t i = at; i < *a->n; i += chunk) {
        const size_t gone = chunk < *a->n - i ? chunk : *a->n - i;
        if (*a->n - gone >= least)
          without(edits_add(&edits), a, i, gone);
      }
      const size_t hit = reduction_first(r, &edits);
      const bool none = hit == edits.n;
      edits_free(&edits);
      if (none)
        break;
      at += hit * chunk;
    }
  }
}

/* A rogue needs one deed. */
static void deeds(struct reduction *r, struct plan_node *node) {
  struct edits edits = {0};
  for (uint32_t bit = 1; bit && bit <= node->does; bit <<= 1) {
    const uint32_t rest = node->does & ~bit;
    if (rest && rest != node->does)
      edit_put(edits_add(&edits), &node->does, &rest, sizeof rest);
  }
  while (edits.n && reduction_first(r, &edits) < edits.n) {
    edits_free(&edits);
    for (uint32_t bit = 1; bit && bit <= node->does; bit <<= 1) {
      const uint32_t rest = node->does & ~bit;
      if (rest && rest != node->does)
        edit_put(edits_add(&edits), &node->does, &rest, sizeof rest);
    }
  }
  edits_free(&edits);
}

void steps_lists(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct plan *plan = m->plan;
  for (size_t i = 0; i < plan->n_links; i++) {
    struct plan_link *l = &plan->links[i];
    if (!model_has_link(m, i))
      continue;
    thin_out(r, &(struct array){l->forward_faults, &l->n_forward_faults, sizeof(struct plan_fault)},
             0);
    thin_out(r,
             &(struct array){l->backward_faults, &l->n_backward_faults, sizeof(struct plan_fault)},
             0);
  }
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    struct plan_subscription *s = &plan->subscriptions[i];
    if (model_has_subscription(m, i))
      thin_out(r, &(struct array){s->tracks, &s->n_tracks, sizeof(int)}, 1);
  }
  for (size_t i = 0; i < plan->n_events; i++) {
    struct plan_event *e = &plan->events[i];
    if (model_has_event(m, i) && e->n_tracks)
      thin_out(r, &(struct array){e->tracks, &e->n_tracks, sizeof(int)}, 1);
  }
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (model_has_node(m, (int)i))
      deeds(r, &plan->nodes[i]);
}

/* ---- nodes that only pass things on ----------------------------------------------------------- */

static void move_end(struct edit *edit, int *end, int from, int to) {
  if (*end == from)
    edit_put(edit, end, &to, sizeof to);
}

/* Node `gone` goes, and `stays` has its neighbours, clients and upstream. */
static void merge(struct edit *edit, const struct model *m, int gone, int stays) {
  struct plan *plan = m->plan;
  const bool yes = true;
  edit_put(edit, &m->no_node[gone], &yes, sizeof yes);
  for (size_t i = 0; i < plan->n_nodes; i++) {
    int *relay = &plan->nodes[i].relay;
    const int next = (int)i == stays ? plan->nodes[gone].relay : stays;
    if (*relay == gone)
      edit_put(edit, relay, &next, sizeof next);
  }
  for (size_t i = 0; i < plan->n_links; i++) {
    struct plan_link *l = &plan->links[i];
    if ((l->a == gone && l->b == stays) || (l->a == stays && l->b == gone)) {
      edit_put(edit, &m->no_link[i], &yes, sizeof yes);
      continue;
    }
    move_end(edit, &l->a, gone, stays);
    move_end(edit, &l->b, gone, stays);
  }
}

static bool mergeable(const struct plan *plan, int gone, int stays) {
  const enum plan_role role = plan->nodes[gone].role;
  return role == PLAN_ROUTER || (role == PLAN_RELAY && plan->nodes[stays].role == PLAN_RELAY);
}

void steps_merge(struct reduction *r) {
  const struct model *m = reduction_model(r);
  size_t hit, n;
  do {
    struct edits edits = {0};
    for (size_t i = 0; i < m->plan->n_links; i++) {
      const struct plan_link *l = &m->plan->links[i];
      if (!model_has_link(m, i))
        continue;
      if (mergeable(m->plan, l->a, l->b))
        merge(edits_add(&edits), m, l->a, l->b);
      if (mergeable(m->plan, l->b, l->a))
        merge(edits_add(&edits), m, l->b, l->a);
    }
    hit = reduction_first(r, &edits);
    n = edits.n;
    edits_free(&edits);
  } while (hit < n);
}
