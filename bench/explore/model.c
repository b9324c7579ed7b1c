#include "bench/explore/model.h"

#include <stdlib.h>

#include "bench/scenario/memory.h"

struct model *model_of(struct plan *plan) {
  struct model *model = plan_new(1, sizeof *model);
  *model = (struct model){.plan = plan,
                          .no_node = plan_new(plan->n_nodes + 1, sizeof(bool)),
                          .no_link = plan_new(plan->n_links + 1, sizeof(bool)),
                          .no_track = plan_new(plan->n_tracks + 1, sizeof(bool)),
                          .no_subscription = plan_new(plan->n_subscriptions + 1, sizeof(bool)),
                          .no_event = plan_new(plan->n_events + 1, sizeof(bool))};
  return model;
}

void model_free(struct model *model) {
  if (!model)
    return;
  plan_free(model->plan);
  free(model->no_node);
  free(model->no_link);
  free(model->no_track);
  free(model->no_subscription);
  free(model->no_event);
  free(model);
}

/* Upstreams form no circle, so this ends. */
bool model_has_node(const struct model *model, int node) {
  const int relay = model->plan->nodes[node].relay;
  return !model->no_node[node] && (relay < 0 || model_has_node(model, relay));
}

bool model_has_link(const struct model *model, size_t link) {
  const struct plan_link *l = &model->plan->links[link];
  return !model->no_link[link] && model_has_node(model, l->a) && model_has_node(model, l->b);
}

bool model_has_track(const struct model *model, int track) {
  return !model->no_track[track] && model_has_node(model, model->plan->tracks[track].from);
}

static bool has_any_track(const struct model *model, const int *tracks, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (model_has_track(model, tracks[i]))
      return true;
  return false;
}

bool model_has_subscription(const struct model *model, size_t subscription) {
  const struct plan_subscription *s = &model->plan->subscriptions[subscription];
  return !model->no_subscription[subscription] && model_has_node(model, s->who) &&
         has_any_track(model, s->tracks, s->n_tracks);
}

bool model_has_event(const struct model *model, size_t event) {
  const struct plan_event *e = &model->plan->events[event];
  if (model->no_event[event])
    return false;
  if (e->link >= 0)
    return model_has_link(model, (size_t)e->link);
  return model_has_node(model, e->node) &&
         (e->n_tracks == 0 || has_any_track(model, e->tracks, e->n_tracks));
}
