#include "bench/t/scenario_equal.h"

#include <string.h>

#define SAME(field)                                                                                \
  do {                                                                                             \
    if (a->field != b->field)                                                                      \
      return #field;                                                                               \
  } while (0)
#define SAME_TEXT(field)                                                                           \
  do {                                                                                             \
    if (!same_text(a->field, b->field))                                                            \
      return #field;                                                                               \
  } while (0)
#define SAME_EACH(list, n, differ)                                                                 \
  do {                                                                                             \
    SAME(n);                                                                                       \
    for (size_t i = 0; i < a->n; i++) {                                                            \
      const char *differs = differ(&a->list[i], &b->list[i]);                                      \
      if (differs)                                                                                 \
        return differs;                                                                            \
    }                                                                                              \
  } while (0)

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static const char *nodes_differ(const struct plan_node *a, const struct plan_node *b) {
  SAME_TEXT(name);
  SAME_TEXT(file_name);
  SAME_TEXT(group);
  SAME(index);
  SAME(role);
  SAME(host);
  SAME(relay);
  SAME(datapath);
  SAME(protection);
  SAME(cipher);
  SAME(congestion);
  SAME_TEXT(policy);
  SAME(cache_bytes);
  SAME(window_bytes);
  SAME(max_streams);
  SAME(cid_len);
  SAME(ack_delay_ns);
  SAME(does);
  return NULL;
}

static const char *impairs_differ(const struct plan_impair *a, const struct plan_impair *b) {
  SAME(delay_ns);
  SAME(jitter_ns);
  SAME(loss_ppm);
  SAME(duplicate_ppm);
  SAME(corrupt_ppm);
  SAME(reorder_ppm);
  SAME(reorder_by_ns);
  SAME(rate_bps);
  SAME(queue_bytes);
  SAME(burst);
  SAME(burst_enter_ppm);
  SAME(burst_leave_ppm);
  SAME(burst_loss_ppm);
  return NULL;
}

static const char *faults_differ(const struct plan_fault *a, const struct plan_fault *b) {
  SAME(what);
  SAME_TEXT(frame);
  SAME(nth);
  SAME(index_lo);
  SAME(index_hi);
  SAME(by_ns);
  return NULL;
}

static const char *links_differ(const struct plan_link *a, const struct plan_link *b) {
  const char *field;
  SAME(a);
  SAME(b);
  SAME(ip);
  SAME(mtu);
  SAME(plain);
  if ((field = impairs_differ(&a->forward, &b->forward)) != NULL)
    return field;
  if ((field = impairs_differ(&a->backward, &b->backward)) != NULL)
    return field;
  SAME_EACH(forward_faults, n_forward_faults, faults_differ);
  SAME_EACH(backward_faults, n_backward_faults, faults_differ);
  return NULL;
}

static const char *rows_differ(const struct plan_trace_row *a, const struct plan_trace_row *b) {
  SAME(time_ns);
  SAME(size);
  SAME(type);
  SAME(group);
  SAME(priority);
  return NULL;
}

static const char *tracks_differ(const struct plan_track *a, const struct plan_track *b) {
  SAME_TEXT(name);
  SAME(from);
  SAME(as);
  SAME(subgroup);
  SAME(every_ns);
  SAME(size_min);
  SAME(size_max);
  SAME(group_objects);
  SAME(priority);
  SAME(layers);
  SAME(objects);
  SAME_EACH(trace, n_trace, rows_differ);
  SAME_TEXT(trace_path);
  SAME_TEXT(file);
  return NULL;
}

static const char *indexes_differ(const int *a, const int *b) {
  return *a == *b ? NULL : "tracks";
}

static const char *subscriptions_differ(const struct plan_subscription *a,
                                        const struct plan_subscription *b) {
  SAME(who);
  SAME_EACH(tracks, n_tracks, indexes_differ);
  SAME(at_ns);
  SAME(start);
  SAME(priority_limit);
  SAME(delivery_timeout_ns);
  return NULL;
}

static const char *events_differ(const struct plan_event *a, const struct plan_event *b) {
  const char *field;
  SAME(at_ns);
  SAME(kind);
  SAME(node);
  SAME(link);
  SAME(reverse);
  if ((field = impairs_differ(&a->set, &b->set)) != NULL)
    return field;
  if ((field = impairs_differ(&a->set_backward, &b->set_backward)) != NULL)
    return field;
  SAME(priority_limit);
  SAME(same_port);
  SAME(for_ns);
  SAME_EACH(tracks, n_tracks, indexes_differ);
  return NULL;
}

static const char *defects_differ(const struct plan_defect *a, const struct plan_defect *b) {
  SAME_TEXT(name);
  SAME_TEXT(value);
  return NULL;
}

static const char *expects_differ(const struct plan_expect *a, const struct plan_expect *b) {
  SAME_TEXT(check);
  SAME(skip);
  SAME_TEXT(skip_reason);
  SAME(p50_ns);
  SAME(p99_ns);
  SAME(max_ns);
  return NULL;
}

static const char *closes_differ(const struct plan_closes *a, const struct plan_closes *b) {
  SAME(node);
  SAME_TEXT(error);
  return NULL;
}

static const char *examined_differ(const struct plan_examined *a, const struct plan_examined *b) {
  SAME_TEXT(check);
  SAME(at_least);
  return NULL;
}

static const char *figures_differ(const struct plan_figures *a, const struct plan_figures *b) {
  SAME(node);
  SAME(fast_path_lo_ppm);
  SAME(fast_path_hi_ppm);
  SAME(sendings);
  return NULL;
}

static const char *names_differ(char *const *a, char *const *b) {
  return same_text(*a, *b) ? NULL : "a name";
}

const char *plans_differ(const struct plan *a, const struct plan *b) {
  SAME_TEXT(name);
  SAME_TEXT(about);
  SAME(seed);
  SAME(duration_ns);
  SAME(drain_ns);
  SAME(interleave);
  SAME(mode_live);
  SAME(mode_sim);
  SAME(n_hosts);
  SAME_EACH(nodes, n_nodes, nodes_differ);
  SAME_EACH(links, n_links, links_differ);
  SAME_EACH(tracks, n_tracks, tracks_differ);
  SAME_EACH(subscriptions, n_subscriptions, subscriptions_differ);
  SAME_EACH(events, n_events, events_differ);
  SAME_EACH(defects, n_defects, defects_differ);
  SAME_EACH(expects, n_expects, expects_differ);
  SAME_EACH(convict, n_convict, names_differ);
  SAME_EACH(also, n_also, names_differ);
  SAME_EACH(closes, n_closes, closes_differ);
  SAME_EACH(examined, n_examined, examined_differ);
  SAME_EACH(figures, n_figures, figures_differ);
  return NULL;
}
