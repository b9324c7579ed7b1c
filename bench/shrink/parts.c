/* Nodes, tracks, subscriptions, events: what can be left out. */
#include "bench/shrink/steps.h"

static void leave_out(struct edits *edits, bool *flag) {
  const bool yes = true;
  edit_put(edits_add(edits), flag, &yes, sizeof yes);
}

static void nodes(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct edits edits = {0};
  for (size_t i = 0; i < m->plan->n_nodes; i++)
    if (model_has_node(m, (int)i))
      leave_out(&edits, &m->no_node[i]);
  reduction_most(r, &edits);
}

static void links(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct edits edits = {0};
  for (size_t i = 0; i < m->plan->n_links; i++)
    if (model_has_link(m, i))
      leave_out(&edits, &m->no_link[i]);
  reduction_most(r, &edits);
}

static void tracks(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct edits edits = {0};
  for (size_t i = 0; i < m->plan->n_tracks; i++)
    if (model_has_track(m, (int)i))
      leave_out(&edits, &m->no_track[i]);
  reduction_most(r, &edits);
}

static void subscriptions(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct edits edits = {0};
  for (size_t i = 0; i < m->plan->n_subscriptions; i++)
    if (model_has_subscription(m, i))
      leave_out(&edits, &m->no_subscription[i]);
  reduction_most(r, &edits);
}

static void events(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct edits edits = {0};
  for (size_t i = 0; i < m->plan->n_events; i++)
    if (model_has_event(m, i))
      leave_out(&edits, &m->no_event[i]);
  reduction_most(r, &edits);
}

void steps_leave_out(struct reduction *r) {
  events(r);
  nodes(r);
  tracks(r);
  subscriptions(r);
  links(r);
}
