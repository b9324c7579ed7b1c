/* Section `timeline`: what happens when, one plan event an occurrence. */
#include "bench/scenario/impairs.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <stdlib.h>
#include <string.h>

#define ROLE(r)   (1u << (r))
#define ENDPOINTS (ROLE(PLAN_PUBLISHER) | ROLE(PLAN_SUBSCRIBER) | ROLE(PLAN_ROGUE))
#define RECEIVERS (ROLE(PLAN_SUBSCRIBER) | ROLE(PLAN_ROGUE))
#define PROCESSES (ENDPOINTS | ROLE(PLAN_RELAY))

static const char *const link_does[] = {"down", "up", NULL};
static const char *const node_does[] = {
    "reconnect",  "die",    "vanish",  "kill",      "restart",     "stall", "rotate-cid",
    "update-key", "rebind", "migrate", "subscribe", "unsubscribe", NULL};
/* In the order of node_does. */
static const struct {
  enum plan_event_kind kind;
  unsigned roles;
  const char *whose;
} node_kinds[] = {
    {PLAN_EV_RECONNECT, ENDPOINTS, "an endpoint"},
    {PLAN_EV_DIE, PROCESSES, "an endpoint or a relay"},
    {PLAN_EV_VANISH, PROCESSES, "an endpoint or a relay"},
    {PLAN_EV_KILL, PROCESSES, "an endpoint or a relay"},
    {PLAN_EV_RESTART, PROCESSES, "an endpoint or a relay"},
    {PLAN_EV_STALL, PROCESSES, "an endpoint or a relay"},
    {PLAN_EV_ROTATE_CID, ENDPOINTS, "an endpoint"},
    {PLAN_EV_UPDATE_KEY, PROCESSES, "an endpoint or a relay"},
    {PLAN_EV_REBIND, ENDPOINTS, "an endpoint"},
    {PLAN_EV_MIGRATE, ENDPOINTS, "an endpoint"},
    {PLAN_EV_SUBSCRIBE, RECEIVERS, "a subscriber or a rogue"},
    {PLAN_EV_UNSUBSCRIBE, RECEIVERS, "a subscriber or a rogue"},
};

/* One occurrence with what is needed to finish it once all are in order. */
struct occurrence {
  struct plan_event event;
  const struct plan_tree *set; /* LINK_SET */
  size_t place;                /* order in the file */
};

struct timeline {
  struct plan_build *b;
  struct occurrence *list;
  size_t n;
  int *links; /* those of the event at hand */
  bool *reverse;
  size_t n_links;
};

/* Nodes or links of one event of the file. */
struct target {
  const struct plan_tree *name;
  int first, n;
};

static bool append(struct timeline *t, const struct plan_tree *map,
                   const struct plan_event *model) {
  if (t->n == PLAN_MAX_EVENTS)
    return plan_refuse(t->b->err, map, "expected at most %d events in all, found more",
                       PLAN_MAX_EVENTS);
  t->b->n_subscribed += model->n_tracks;
  if (t->b->n_subscribed > PLAN_MAX_PAIRS)
    return plan_refuse(t->b->err, map, "expected at most %d subscriptions in all, found more",
                       PLAN_MAX_PAIRS);
  t->list = plan_grow(t->list, t->n, sizeof *t->list);
  t->list[t->n] =
      (struct occurrence){.event = *model, .set = plan_tree_get(map, "set"), .place = t->n};
  struct plan_event *event = &t->list[t->n++].event;
  event->tracks = model->n_tracks
                      ? plan_copy_bytes(model->tracks, model->n_tracks * sizeof *model->tracks)
                      : NULL;
  return true;
}

/* Times: `at`, or `times` of them `every` so often. */
static bool read_times(struct plan_build *b, const struct plan_tree *map, uint64_t *at,
                       uint64_t *every, uint64_t *times) {
  struct plan_take from = {b->err, map};
  uint64_t end = b->plan->duration_ns + b->plan->drain_ns;
  *every = 0;
  *times = 1;
  if (!plan_take_must(from, "at", "when, from the start of publishing") ||
      !plan_take_time(from, "at", 0, UINT64_MAX, at) ||
      !plan_take_time(from, "every", 1, end, every) ||
      !plan_take_count(from, "times", 1, PLAN_MAX_EVENTS, times))
    return false;
  if (*at > end)
    return plan_refuse(b->err, plan_tree_get(map, "at"),
                       "expected a time of at most %s, the end of duration and drain, found %s",
                       plan_unit_time_text(end).text,
                       plan_quote(plan_tree_get(map, "at")->text).text);
  const struct plan_tree *key = plan_tree_get(map, "times");
  if (key && !plan_take_must(from, "every", "the time between the 'times'"))
    return false;
  if (*every && !plan_take_must(from, "times", "how often, with 'every'"))
    return false;
  if ((*times - 1) * (unsigned __int128)*every > end - *at)
    return plan_refuse(b->err, key,
                       "expected the last of them at %s at most, the end of duration and drain, "
                       "found it later",
                       plan_unit_time_text(end).text);
  return true;
}

/* ---- events of links ---- */

static int by_link(const void *a, const void *b) {
  const int *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static bool collect_links(struct timeline *t, const struct plan_tree *ends, struct target a,
                          struct target z) {
  struct plan_build *b = t->b;
  bool *known = plan_new(b->plan->n_links, sizeof *known);
  bool ok = true;
  t->n_links = 0;
  for (int i = 0; i < a.n && ok; i++) {
    for (int j = 0; j < z.n && ok; j++) {
      int link = plan_link_between(b, a.first + i, z.first + j);
      if (link < 0) {
        ok = plan_refuse(b->err, ends,
                         "expected the two ends of a link, found '%s' and '%s', "
                         "which have none",
                         b->plan->nodes[a.first + i].name, b->plan->nodes[z.first + j].name);
      } else if (!known[link]) {
        known[link] = true;
        t->links[t->n_links++] = link;
      }
    }
  }
  free(known);
  qsort(t->links, t->n_links, sizeof *t->links, by_link);
  for (size_t i = 0; i < t->n_links && ok; i++) {
    const struct plan_link *link = &b->plan->links[t->links[i]];
    t->reverse[i] = false;
    for (int j = 0; j < z.n; j++)
      t->reverse[i] |= b->plan->nodes[z.first + j].host == b->plan->nodes[link->a].host;
  }
  return ok;
}

static bool read_link_event(struct timeline *t, const struct plan_tree *map,
                            struct plan_event *model) {
  struct plan_build *b = t->b;
  struct plan_take from = {b->err, map};
  const struct plan_tree *ends = plan_tree_get(map, "link");
  const struct plan_tree *set = plan_tree_get(map, "set");
  struct target a = {0}, z = {0};
  int what = 0;
  if (ends->n != 2)
    return plan_refuse(b->err, ends, "expected two names, [A, B], found %zu", ends->n);
  if (!plan_resolve(b, ends->items[0], &a.first, &a.n) ||
      !plan_resolve(b, ends->items[1], &z.first, &z.n) || !collect_links(t, ends, a, z))
    return false;
  if (!plan_take_not(from, "same_port", "only 'do: reconnect' has it") ||
      !plan_take_not(from, "for", "only 'do: stall' has it") ||
      !plan_take_not(from, "tracks", "only 'do: subscribe' and 'unsubscribe' have them"))
    return false;
  model->kind = PLAN_EV_LINK_SET;
  if (set)
    return (set->n || plan_refuse(b->err, set,
                                  "expected what changes, such as loss: 20%%, found "
                                  "nothing")) &&
           plan_take_not((struct plan_take){b->err, set}, "priority_limit",
                         "it belongs to 'node', and this is a 'link'");
  if (!plan_take_word(from, "do", link_does, &what))
    return false;
  model->kind = what == 0 ? PLAN_EV_LINK_DOWN : PLAN_EV_LINK_UP;
  return true;
}

/* ---- events of nodes ---- */

static bool read_node_set(struct plan_build *b, const struct plan_tree *set, enum plan_role role,
                          struct plan_event *model) {
  const struct plan_tree *limit = plan_tree_get(set, "priority_limit");
  for (size_t i = 0; i < set->n; i++) {
    if (strcmp(set->keys[i]->text, "priority_limit") != 0)
      return plan_refuse(b->err, set->keys[i],
                         "expected 'priority_limit', all that a node can be set to; %s belongs to "
                         "'link'",
                         plan_quote(set->keys[i]->text).text);
  }
  if (!limit)
    return plan_refuse(b->err, set, "expected priority_limit: N, found nothing");
  if (!(RECEIVERS & ROLE(role)))
    return plan_refuse(b->err, limit, "expected a subscriber or a rogue for it, found a %s",
                       plan_words_role[role]);
  model->kind = PLAN_EV_PRIORITY_LIMIT;
  return plan_read_priority_limit(b->err, limit, &model->priority_limit);
}

/* Keys that belong to one kind of event. */
static bool read_details(struct plan_build *b, const struct plan_tree *map, struct target who,
                         struct plan_event *model) {
  struct plan_take from = {b->err, map};
  bool wants_tracks = model->kind == PLAN_EV_SUBSCRIBE || model->kind == PLAN_EV_UNSUBSCRIBE;
  int same_port = 0;
  if (model->kind != PLAN_EV_RECONNECT &&
      !plan_take_not(from, "same_port", "only 'do: reconnect' has it"))
    return false;
  if (model->kind != PLAN_EV_STALL && !plan_take_not(from, "for", "only 'do: stall' has it"))
    return false;
  if (!wants_tracks &&
      !plan_take_not(from, "tracks", "only 'do: subscribe' and 'unsubscribe' have them"))
    return false;
  if (model->kind == PLAN_EV_STALL && !plan_take_must(from, "for", "how long it stands still"))
    return false;
  if (!plan_take_word(from, "same_port", plan_words_flag, &same_port) ||
      !plan_take_time(from, "for", 1, PLAN_MAX_DURATION_NS, &model->for_ns))
    return false;
  model->same_port = same_port != 0;
  return !wants_tracks || (plan_take_must(from, "tracks", "which ones") &&
                           plan_read_track_list(b, plan_tree_get(map, "tracks"), who.first, who.n,
                                                &model->tracks, &model->n_tracks));
}

static bool read_node_event(struct plan_build *b, const struct plan_tree *map, struct target *who,
                            struct plan_event *model) {
  const struct plan_tree *set = plan_tree_get(map, "set");
  who->name = plan_tree_get(map, "node");
  if (!plan_resolve(b, who->name, &who->first, &who->n))
    return false;
  enum plan_role role = b->plan->nodes[who->first].role;
  if (set) {
    model->kind = PLAN_EV_PRIORITY_LIMIT;
    return read_node_set(b, set, role, model) && read_details(b, map, *who, model);
  }
  int what = 0;
  if (!plan_take_word((struct plan_take){b->err, map}, "do", node_does, &what))
    return false;
  model->kind = node_kinds[what].kind;
  if (!(node_kinds[what].roles & ROLE(role)))
    return plan_refuse(b->err, who->name, "expected %s to %s, found %s, a %s",
                       node_kinds[what].whose, node_does[what], plan_quote(who->name->text).text,
                       plan_words_role[role]);
  return read_details(b, map, *who, model);
}

/* ---- both ---- */

static bool exactly_one(struct plan_build *b, const struct plan_tree *map, const char *one,
                        const char *other, const char *what) {
  bool has_one = plan_tree_get(map, one), has_other = plan_tree_get(map, other);
  if (has_one != has_other)
    return true;
  const struct plan_tree *at = has_one ? plan_tree_key(map, other) : map;
  return plan_refuse(b->err, at, "expected one of '%s' and '%s' (%s), found %s", one, other, what,
                     has_one ? "both" : "neither");
}

static bool append_all(struct timeline *t, const struct plan_tree *map, struct target who,
                       struct plan_event *model) {
  size_t n = t->n_links ? t->n_links : (size_t)who.n;
  for (size_t i = 0; i < n; i++) {
    model->node = t->n_links ? -1 : who.first + (int)i;
    model->link = t->n_links ? t->links[i] : -1;
    model->reverse = t->n_links ? t->reverse[i] : false;
    if (!append(t, map, model))
      return false;
  }
  return true;
}

static bool read_event(struct timeline *t, const struct plan_tree *map) {
  struct plan_build *b = t->b;
  struct plan_event model = {.priority_limit = -1, .line = map->line};
  struct target who = {0};
  uint64_t every, times;
  t->n_links = 0;
  if (!exactly_one(b, map, "link", "node", "what it happens to") ||
      !exactly_one(b, map, "set", "do", "what happens") ||
      !read_times(b, map, &model.at_ns, &every, &times))
    return false;
  bool ok = plan_tree_get(map, "link") ? read_link_event(t, map, &model)
                                       : read_node_event(b, map, &who, &model);
  for (uint64_t i = 0; i < times && ok; i++) {
    ok = append_all(t, map, who, &model);
    model.at_ns += every;
  }
  free(model.tracks);
  return ok;
}

static int by_time(const void *a, const void *b) {
  const struct occurrence *x = a, *y = b;
  if (x->event.at_ns != y->event.at_ns)
    return x->event.at_ns < y->event.at_ns ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* An event changes some keys; the plan says what a link is after it. */
static bool settle_links(struct timeline *t) {
  struct plan *plan = t->b->plan;
  struct plan_impair *now = plan_new(2 * plan->n_links, sizeof *now);
  bool ok = true;
  for (size_t i = 0; i < plan->n_links; i++) {
    now[2 * i] = plan->links[i].forward;
    now[2 * i + 1] = plan->links[i].backward;
  }
  for (size_t i = 0; i < t->n && ok; i++) {
    struct plan_event *event = &t->list[i].event;
    if (event->kind != PLAN_EV_LINK_SET)
      continue;
    struct plan_impair *link = now + 2 * event->link;
    ok = plan_impairs_read(t->b->err, t->list[i].set, event->reverse, &link[0], &link[1]);
    event->set = link[0];
    event->set_backward = link[1];
  }
  free(now);
  return ok;
}

static void mark_plain(struct plan *plan) {
  for (size_t i = 0; i < plan->n_links; i++) {
    struct plan_link *link = &plan->links[i];
    link->plain = plan_impair_is_plain(&link->forward) && plan_impair_is_plain(&link->backward) &&
                  !link->n_forward_faults && !link->n_backward_faults;
  }
  for (size_t i = 0; i < plan->n_events; i++) {
    if (plan->events[i].link >= 0)
      plan->links[plan->events[i].link].plain = false;
  }
}

bool plan_read_events(struct plan_build *b) {
  const struct plan_tree *timeline = plan_tree_get(b->root, "timeline");
  struct plan *plan = b->plan;
  struct timeline t = {.b = b,
                       .links = plan_new(plan->n_links, sizeof(int)),
                       .reverse = plan_new(plan->n_links, sizeof(bool))};
  bool ok = true;
  for (size_t i = 0; timeline && ok && i < timeline->n; i++)
    ok = read_event(&t, timeline->items[i]);
  if (ok && t.n)
    qsort(t.list, t.n, sizeof *t.list, by_time);
  ok = ok && settle_links(&t);
  plan->events = plan_new(t.n, sizeof *plan->events);
  plan->n_events = t.n;
  for (size_t i = 0; i < t.n; i++)
    plan->events[i] = t.list[i].event;
  mark_plain(plan);
  free(t.list);
  free(t.reverse);
  free(t.links);
  return ok;
}
