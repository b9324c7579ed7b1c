/* Section `subscriptions`: who wants which tracks, from when, under which filter. */
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"
#include "bench/scenario/words.h"

#include <stdlib.h>
#include <string.h>

static bool find_track(struct plan_build *b, const struct plan_tree *name, int *track) {
  *track = plan_track_find(b->plan, name->text);
  if (*track >= 0)
    return true;
  struct plan_guess guess;
  plan_guess_start(&guess, name->text);
  for (size_t i = 0; i < b->plan->n_tracks; i++)
    plan_guess_offer(&guess, b->plan->tracks[i].name);
  return plan_refuse(b->err, name, "expected the name of a track, found %s%s",
                     *name->text ? plan_quote(name->text).text : "nothing",
                     plan_guess_text(&guess));
}

/* A subscriber's relay gets what is published at it or at one of its upstreams. */
static bool check_way(struct plan_build *b, const struct plan_tree *name, int track, int node) {
  const struct plan *plan = b->plan;
  int published_at = plan->nodes[plan->tracks[track].from].relay;
  int at = plan->nodes[node].relay;
  while (at >= 0 && at != published_at)
    at = plan->nodes[at].relay;
  return at >= 0 || plan_refuse(b->err, name,
                                "expected a track that reaches '%s' over its relay '%s' and that "
                                "one's upstreams, found '%s', published at '%s'",
                                plan->nodes[node].name, plan->nodes[plan->nodes[node].relay].name,
                                plan->tracks[track].name, plan->nodes[published_at].name);
}

static bool read_track_name(struct plan_build *b, const struct plan_tree *name, int first, int n,
                            int *tracks, size_t n_tracks) {
  int track;
  if (!find_track(b, name, &track))
    return false;
  for (size_t i = 0; i < n_tracks; i++) {
    if (tracks[i] == track)
      return plan_refuse(b->err, name, "expected each track once, found %s again",
                         plan_quote(name->text).text);
  }
  for (int i = 0; i < n; i++) {
    if (!check_way(b, name, track, first + i))
      return false;
  }
  tracks[n_tracks] = track;
  return true;
}

bool plan_read_track_list(struct plan_build *b, const struct plan_tree *list, int first, int n,
                          int **tracks, size_t *n_tracks) {
  if (list->n == 0)
    return plan_refuse(b->err, list, "expected at least one track, found none");
  if (list->n > PLAN_MAX_TRACKS)
    return plan_refuse(b->err, list, "expected at most %d tracks, found %zu", PLAN_MAX_TRACKS,
                       list->n);
  b->n_subscribed += list->n * (size_t)n;
  if (b->n_subscribed > PLAN_MAX_PAIRS)
    return plan_refuse(b->err, list, "expected at most %d subscriptions in all, found more",
                       PLAN_MAX_PAIRS);
  *tracks = plan_new(list->n, sizeof **tracks);
  *n_tracks = 0;
  for (size_t i = 0; i < list->n; i++) {
    if (!read_track_name(b, list->items[i], first, n, *tracks, *n_tracks)) {
      free(*tracks);
      *tracks = NULL;
      return false;
    }
    ++*n_tracks;
  }
  return true;
}

bool plan_read_priority_limit(struct plan_error *err, const struct plan_tree *at, int *limit) {
  uint64_t value;
  if (strcmp(at->text, "none") == 0) {
    *limit = -1;
    return true;
  }
  if (!plan_count_of(err, at, 0, 255, &value))
    return false;
  *limit = (int)value;
  return true;
}

/* Two requests for one track by one node would share its copies. */
static bool check_once(struct plan_build *b, const struct plan_tree *list, bool *taken,
                       const struct plan_subscription *sub) {
  for (size_t i = 0; i < sub->n_tracks; i++) {
    bool *mark = &taken[(size_t)sub->who * b->plan->n_tracks + (size_t)sub->tracks[i]];
    if (*mark)
      return plan_refuse(b->err, list->items[i],
                         "expected one subscription of '%s' to '%s', found a second (use the "
                         "timeline to subscribe again)",
                         b->plan->nodes[sub->who].name, b->plan->tracks[sub->tracks[i]].name);
    *mark = true;
  }
  return true;
}

static bool add(struct plan_build *b, const struct plan_tree *list, bool *taken,
                const struct plan_subscription *model) {
  struct plan *plan = b->plan;
  plan->subscriptions =
      plan_grow(plan->subscriptions, plan->n_subscriptions, sizeof *plan->subscriptions);
  struct plan_subscription *sub = &plan->subscriptions[plan->n_subscriptions++];
  *sub = *model;
  sub->tracks = plan_copy_bytes(model->tracks, model->n_tracks * sizeof *model->tracks);
  return check_once(b, list, taken, sub);
}

static bool read_subscription(struct plan_build *b, const struct plan_tree *map, bool *taken) {
  struct plan_take from = {b->err, map};
  struct plan_subscription model = {.priority_limit = -1};
  const struct plan_tree *who = plan_tree_get(map, "who");
  const struct plan_tree *list = plan_tree_get(map, "tracks");
  const struct plan_tree *limit = plan_tree_get(map, "priority_limit");
  int first, n, start = PLAN_START_NEXT_GROUP;
  if (!plan_take_must(from, "who", "the subscriber") || !plan_resolve(b, who, &first, &n))
    return false;
  enum plan_role role = b->plan->nodes[first].role;
  if (role != PLAN_SUBSCRIBER && role != PLAN_ROGUE)
    return plan_refuse(b->err, who, "expected a subscriber or a rogue, found %s, a %s",
                       plan_quote(who->text).text, plan_words_role[role]);
  for (int i = first; i < first + n; i++)
    if (plan_part(b->plan, i) == PLAN_PUBLISHER)
      return plan_refuse(b->err, who,
                         "expected a rogue that either publishes or subscribes, found '%s', which "
                         "a track is from",
                         b->plan->nodes[i].name);
  if (!plan_take_time(from, "at", 0, b->plan->duration_ns, &model.at_ns) ||
      !plan_take_word(from, "start", plan_words_start, &start) ||
      (limit && !plan_read_priority_limit(b->err, limit, &model.priority_limit)) ||
      !plan_take_time(from, "delivery_timeout", 0, PLAN_MAX_DURATION_NS,
                      &model.delivery_timeout_ns) ||
      !plan_take_must(from, "tracks", "what it wants") ||
      !plan_read_track_list(b, list, first, n, &model.tracks, &model.n_tracks))
    return false;
  model.start = (enum plan_start)start;
  bool ok = true;
  for (int i = 0; i < n && ok; i++) {
    model.who = first + i;
    ok = add(b, list, taken, &model);
  }
  free(model.tracks);
  return ok;
}

bool plan_read_subscriptions(struct plan_build *b) {
  const struct plan_tree *list = plan_tree_get(b->root, "subscriptions");
  bool *taken = plan_new(b->plan->n_nodes * b->plan->n_tracks, sizeof *taken);
  bool ok = true;
  for (size_t i = 0; list && ok && i < list->n; i++)
    ok = read_subscription(b, list->items[i], taken);
  free(taken);
  return ok;
}
