#include "bench/scenario/runs.h"

#include "bench/scenario/impairs.h"

#include <string.h>

/* Instances of the group that node `first` begins; 0 if it begins none or is
 * alone. */
static size_t group_size(const struct plan *plan, int first) {
  size_t n = 1, at = (size_t)first;
  if (plan->nodes[first].index != 0)
    return 0;
  while (at + n < plan->n_nodes && plan->nodes[at + n].index != 0)
    n++;
  return n > 1 ? n : 0;
}

/* Links from `first` on whose one end stays and whose other goes through the
 * hosts of a whole group: how many, or 0. */
static size_t fan(const struct plan *plan, size_t first, bool b_moves) {
  const struct plan_link *links = plan->links + first;
  int start = b_moves ? links->b : links->a, stays = b_moves ? links->a : links->b;
  size_t n = 0, size = group_size(plan, start);
  for (size_t i = 0; i < size; i++) {
    int node = start + (int)i;
    if (i > 0 && plan->nodes[node].host == plan->nodes[node - 1].host)
      continue; /* one link a host, named by its first node */
    if (first + n >= plan->n_links || (b_moves ? links[n].b : links[n].a) != node ||
        (b_moves ? links[n].a : links[n].b) != stays)
      return 0;
    n++;
  }
  return n;
}

static size_t fan_of_either(const struct plan *plan, size_t first, const char **name_a,
                            const char **name_b) {
  const struct plan_node *a = &plan->nodes[plan->links[first].a];
  const struct plan_node *b = &plan->nodes[plan->links[first].b];
  size_t n = fan(plan, first, true);
  *name_a = a->name;
  *name_b = n ? b->group : b->name;
  if (n)
    return n;
  n = fan(plan, first, false);
  *name_a = n ? a->group : a->name;
  return n;
}

static void name_ends(const struct plan *plan, size_t link, const char **name_a,
                      const char **name_b) {
  *name_a = plan->nodes[plan->links[link].a].name;
  *name_b = plan->nodes[plan->links[link].b].name;
}

static bool same_link(const struct plan_link *a, const struct plan_link *b) {
  return a->ip == b->ip && a->mtu == b->mtu && plan_impair_equal(&a->forward, &b->forward) &&
         plan_impair_equal(&a->backward, &b->backward) &&
         plan_faults_equal(a->forward_faults, a->n_forward_faults, b->forward_faults,
                           b->n_forward_faults) &&
         plan_faults_equal(a->backward_faults, a->n_backward_faults, b->backward_faults,
                           b->n_backward_faults);
}

size_t plan_run_of_links(const struct plan *plan, size_t first, const char **name_a,
                         const char **name_b) {
  size_t n = fan_of_either(plan, first, name_a, name_b);
  bool same = n > 0;
  for (size_t i = 1; i < n && same; i++)
    same = same_link(&plan->links[first], &plan->links[first + i]);
  if (same)
    return n;
  name_ends(plan, first, name_a, name_b);
  return 1;
}

static bool same_tracks(const int *a, size_t n_a, const int *b, size_t n_b) {
  return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

static bool same_subscription(const struct plan_subscription *a,
                              const struct plan_subscription *b) {
  return a->at_ns == b->at_ns && a->start == b->start && a->priority_limit == b->priority_limit &&
         a->delivery_timeout_ns == b->delivery_timeout_ns &&
         same_tracks(a->tracks, a->n_tracks, b->tracks, b->n_tracks);
}

size_t plan_run_of_subscriptions(const struct plan *plan, size_t first, const char **name) {
  const struct plan_subscription *subs = plan->subscriptions + first;
  size_t n = group_size(plan, subs->who);
  bool same = n > 0 && first + n <= plan->n_subscriptions;
  for (size_t i = 1; i < n && same; i++)
    same = subs[i].who == subs->who + (int)i && same_subscription(subs, &subs[i]);
  *name = same ? plan->nodes[subs->who].group : plan->nodes[subs->who].name;
  return same ? n : 1;
}

static bool same_event(const struct plan_event *a, const struct plan_event *b) {
  return a->at_ns == b->at_ns && a->kind == b->kind && a->reverse == b->reverse &&
         plan_impair_equal(&a->set, &b->set) &&
         plan_impair_equal(&a->set_backward, &b->set_backward) &&
         a->priority_limit == b->priority_limit && a->same_port == b->same_port &&
         a->for_ns == b->for_ns && same_tracks(a->tracks, a->n_tracks, b->tracks, b->n_tracks);
}

/* Do the n events from `first` on say the same of n neighbours? */
static bool same_events(const struct plan *plan, size_t first, size_t n) {
  const struct plan_event *events = plan->events + first;
  bool same = n > 0 && first + n <= plan->n_events;
  for (size_t i = 1; i < n && same; i++) {
    bool next = events->link >= 0 ? events[i].link == events->link + (int)i
                                  : events[i].link < 0 && events[i].node == events->node + (int)i;
    same = next && same_event(events, &events[i]);
  }
  return same;
}

size_t plan_run_of_events(const struct plan *plan, size_t first, const char **name_a,
                          const char **name_b) {
  const struct plan_event *event = &plan->events[first];
  if (event->link < 0) {
    const struct plan_node *node = &plan->nodes[event->node];
    size_t n = group_size(plan, event->node);
    bool all = same_events(plan, first, n);
    *name_a = all ? node->group : node->name;
    *name_b = NULL;
    return all ? n : 1;
  }
  size_t link = (size_t)event->link, n = fan_of_either(plan, link, name_a, name_b);
  if (!same_events(plan, first, n)) {
    name_ends(plan, link, name_a, name_b);
    n = 1;
  }
  if (event->reverse) {
    const char *a = *name_a;
    *name_a = *name_b;
    *name_b = a;
  }
  return n;
}
