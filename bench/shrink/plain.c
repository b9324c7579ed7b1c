/* Keys back to what they are if nobody writes them: README "Scenario files" has the defaults. Protection
 * comes down to none, where each packet can be read. */
#include <string.h>

#include "bench/scenario/memory.h"
#include "bench/shrink/steps.h"

#define DEFAULT_GROUP    25
#define DEFAULT_PRIORITY 128

/* An edit that sets a field, if it is something else now. */
#define SET(edits, field, value)                                                                   \
  do {                                                                                             \
    __typeof__(field) plain_ = (value);                                                            \
    if (memcmp(&(field), &plain_, sizeof plain_) != 0)                                             \
      edit_put(edits_add(edits), &(field), &plain_, sizeof plain_);                                \
  } while (0)

static void of_node(struct edits *edits, struct plan_node *node) {
  if (node->role == PLAN_RELAY) {
    SET(edits, node->datapath, PLAN_DP_KERNEL);
    SET(edits, node->protection, PLAN_PROT_NONE);
    SET(edits, node->cipher, PLAN_CHACHA20);
    SET(edits, node->congestion, PLAN_NEWRENO);
    SET(edits, node->cache_bytes, 16u << 20);
    if (strcmp(node->policy, "none") != 0)
      SET(edits, node->policy, (char *)"none"); /* taken back before the plan is freed */
  } else if (node->role != PLAN_ROUTER) {
    SET(edits, node->window_bytes, 1u << 20);
    SET(edits, node->max_streams, 100);
    SET(edits, node->cid_len, 8);
    SET(edits, node->ack_delay_ns, 25000000);
  }
}

/* `from`: what it is without the keys. */
static void of_impair(struct edits *edits, struct plan_impair *i, const struct plan_impair *from) {
  SET(edits, i->jitter_ns, from->jitter_ns);
  SET(edits, i->delay_ns, from->delay_ns);
  SET(edits, i->loss_ppm, from->loss_ppm);
  SET(edits, i->duplicate_ppm, from->duplicate_ppm);
  SET(edits, i->corrupt_ppm, from->corrupt_ppm);
  SET(edits, i->rate_bps, from->rate_bps);
  SET(edits, i->queue_bytes, from->queue_bytes);
  if (i->burst && !from->burst) { /* one key, three figures */
    struct edit *burst = edits_add(edits);
    edit_put(burst, &i->burst, &from->burst, sizeof i->burst);
    edit_put(burst, &i->burst_enter_ppm, &from->burst_enter_ppm, sizeof i->burst_enter_ppm);
    edit_put(burst, &i->burst_leave_ppm, &from->burst_leave_ppm, sizeof i->burst_leave_ppm);
    edit_put(burst, &i->burst_loss_ppm, &from->burst_loss_ppm, sizeof i->burst_loss_ppm);
  }
  if (i->reorder_ppm == from->reorder_ppm && i->reorder_by_ns == from->reorder_by_ns)
    return;
  struct edit *reorder = edits_add(edits); /* one key */
  edit_put(reorder, &i->reorder_ppm, &from->reorder_ppm, sizeof i->reorder_ppm);
  edit_put(reorder, &i->reorder_by_ns, &from->reorder_by_ns, sizeof i->reorder_by_ns);
}

static void of_link(struct edits *edits, struct plan_link *link) {
  static const struct plan_impair wire;
  SET(edits, link->ip, 4);
  SET(edits, link->mtu, 1500);
  of_impair(edits, &link->forward, &wire);
  of_impair(edits, &link->backward, &wire);
}

/* Objects of one size, one every now and then, instead of those of a trace. */
static void without_trace(struct edits *edits, struct plan_track *t) {
  const struct {
    uint64_t every_ns, size;
    uint32_t group;
    uint8_t priority;
  } plain = {40000000, 1000, DEFAULT_GROUP, DEFAULT_PRIORITY};
  struct edit *edit = edits_add(edits);
  edit_put(edit, &t->trace_path, &(char *){NULL}, sizeof t->trace_path);
  edit_put(edit, &t->every_ns, &plain.every_ns, sizeof t->every_ns);
  edit_put(edit, &t->size_min, &plain.size, sizeof t->size_min);
  edit_put(edit, &t->size_max, &plain.size, sizeof t->size_max);
  edit_put(edit, &t->group_objects, &plain.group, sizeof t->group_objects);
  edit_put(edit, &t->priority, &plain.priority, sizeof t->priority);
}

static void of_track(struct edits *edits, struct plan_track *t) {
  if (t->trace_path) {
    without_trace(edits, t);
  } else {
    SET(edits, t->size_max, t->size_min);
    SET(edits, t->size_min, t->size_max);
    SET(edits, t->group_objects, DEFAULT_GROUP);
    SET(edits, t->priority, DEFAULT_PRIORITY);
  }
  SET(edits, t->file, NULL);
  SET(edits, t->objects, 0);
  if (t->as != PLAN_SUBGROUPS)
    return;
  SET(edits, t->subgroup, PLAN_SUBGROUP_GROUP);
  if (t->subgroup == PLAN_SUBGROUP_LAYER)
    SET(edits, t->layers, 1);
}

static void of_event(struct edits *edits, struct plan *plan, struct plan_event *e) {
  if (e->kind == PLAN_EV_RECONNECT)
    SET(edits, e->same_port, false);
  if (e->kind != PLAN_EV_LINK_SET)
    return;
  of_impair(edits, &e->set, &plan->links[e->link].forward);
  of_impair(edits, &e->set_backward, &plan->links[e->link].backward);
}

void steps_plain(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct plan *plan = m->plan;
  struct edits edits = {0};
  SET(&edits, plan->interleave, 0);
  SET(&edits, plan->drain_ns, 5000000000);
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (model_has_node(m, (int)i))
      of_node(&edits, &plan->nodes[i]);
  for (size_t i = 0; i < plan->n_links; i++)
    if (model_has_link(m, i))
      of_link(&edits, &plan->links[i]);
  for (size_t i = 0; i < plan->n_tracks; i++)
    if (model_has_track(m, (int)i))
      of_track(&edits, &plan->tracks[i]);
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    struct plan_subscription *s = &plan->subscriptions[i];
    if (!model_has_subscription(m, i))
      continue;
    SET(&edits, s->at_ns, 0);
    SET(&edits, s->priority_limit, -1);
    SET(&edits, s->delivery_timeout_ns, 0);
  }
  for (size_t i = 0; i < plan->n_events; i++)
    if (model_has_event(m, i))
      of_event(&edits, plan, &plan->events[i]);
  reduction_most(r, &edits);
}
