/* What happens while it runs. */
#include <stdlib.h>

#include "bench/explore/generate_parts.h"
#include "bench/scenario/memory.h"

static struct plan_event *add_event(struct plan *plan, uint64_t at_ns, enum plan_event_kind kind) {
  plan->events = plan_grow(plan->events, plan->n_events, sizeof *plan->events);
  struct plan_event *e = &plan->events[plan->n_events++];
  *e = (struct plan_event){
      .at_ns = at_ns, .kind = kind, .node = -1, .link = -1, .priority_limit = -1};
  return e;
}

static struct plan_event *add_node_event(struct plan *plan, uint64_t at_ns,
                                         enum plan_event_kind kind, int node) {
  struct plan_event *e = add_event(plan, at_ns, kind);
  e->node = node;
  return e;
}

/* A time before the end that leaves room for what comes after it. */
static uint64_t draw_later(struct dice *d, const struct plan *plan, uint64_t at_ns) {
  const uint64_t later = at_ns + GENERATE_MS * DICE_PICK(d, 20, 50, 100, 200);
  return later < plan->duration_ns ? later : plan->duration_ns;
}

static void stall(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  add_node_event(plan, at_ns, PLAN_EV_STALL, node)->for_ns =
      GENERATE_MS * DICE_PICK(d, 10, 30, 100, 200);
}

static void restart(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  add_node_event(plan, at_ns, PLAN_EV_KILL, node);
  add_node_event(plan, draw_later(d, plan, at_ns), PLAN_EV_RESTART, node);
}

static void reconnect(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  add_node_event(plan, at_ns, PLAN_EV_RECONNECT, node)->same_port = dice_says(d, 60);
}

/* Away from one of its tracks, and back. */
static void leave_and_return(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    const struct plan_subscription *s = &plan->subscriptions[i];
    if (s->who != node || s->at_ns + 50 * GENERATE_MS > at_ns)
      continue;
    const int track = s->tracks[dice_below(d, s->n_tracks)];
    struct plan_event *e = add_node_event(plan, at_ns, PLAN_EV_UNSUBSCRIBE, node);
    e->tracks = plan_copy_bytes(&track, sizeof track);
    e->n_tracks = 1;
    const uint64_t back_ns = draw_later(d, plan, at_ns);
    if (back_ns == plan->duration_ns)
      return;
    e = add_node_event(plan, back_ns, PLAN_EV_SUBSCRIBE, node);
    e->tracks = plan_copy_bytes(&track, sizeof track);
    e->n_tracks = 1;
    return;
  }
}

static void to_subscriber(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  switch (dice_below(d, 14)) {
  case 0:
  case 1:
  case 2:
    reconnect(d, plan, at_ns, node);
    return;
  case 3:
    add_node_event(plan, at_ns, PLAN_EV_MIGRATE, node);
    return;
  case 4:
    add_node_event(plan, at_ns, PLAN_EV_REBIND, node);
    return;
  case 5:
    add_node_event(plan, at_ns, PLAN_EV_ROTATE_CID, node);
    return;
  case 6:
    stall(d, plan, at_ns, node);
    return;
  case 7:
    restart(d, plan, at_ns, node);
    return;
  case 8:
    add_node_event(plan, at_ns, dice_says(d, 50) ? PLAN_EV_DIE : PLAN_EV_VANISH, node);
    return;
  case 9:
    leave_and_return(d, plan, at_ns, node);
    return;
  default:
    add_node_event(plan, at_ns, PLAN_EV_PRIORITY_LIMIT, node)->priority_limit =
        dice_says(d, 20) ? -1 : (int)DICE_PICK(d, 0, 1, 2, 3, 5, 100);
  }
}

static void to_publisher(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  switch (dice_below(d, 7)) {
  case 0:
    reconnect(d, plan, at_ns, node);
    return;
  case 1:
    restart(d, plan, at_ns, node);
    return;
  case 2:
    stall(d, plan, at_ns, node);
    return;
  case 3:
  case 4:
    add_node_event(plan, at_ns, PLAN_EV_MIGRATE, node);
    return;
  case 5:
    add_node_event(plan, at_ns, PLAN_EV_REBIND, node);
    return;
  default:
    add_node_event(plan, at_ns, PLAN_EV_ROTATE_CID, node);
  }
}

static void to_relay(struct dice *d, struct plan *plan, uint64_t at_ns, int node) {
  if (dice_says(d, 60))
    stall(d, plan, at_ns, node);
  else
    restart(d, plan, at_ns, node);
}

static void to_link(struct dice *d, struct plan *plan, uint64_t at_ns, int link) {
  const struct plan_link *l = &plan->links[link];
  if (dice_says(d, 40)) {
    add_event(plan, at_ns, PLAN_EV_LINK_DOWN)->link = link;
    add_event(plan, draw_later(d, plan, at_ns), PLAN_EV_LINK_UP)->link = link;
    return;
  }
  struct plan_event *e = add_event(plan, at_ns, PLAN_EV_LINK_SET);
  e->link = link;
  generate_impair(d, plan, &e->set, generate_load_bps(plan), false);
  e->set.rate_bps = l->forward.rate_bps;
  e->set.queue_bytes = l->forward.queue_bytes;
  e->set_backward = l->backward;
}

static void draw_event(struct dice *d, struct plan *plan, uint64_t at_ns) {
  if (dice_says(d, 20)) {
    to_link(d, plan, at_ns, (int)dice_below(d, plan->n_links));
    return;
  }
  const int node = (int)dice_below(d, plan->n_nodes);
  if (plan->nodes[0].protection == PLAN_PROT_TLS && plan->nodes[node].role != PLAN_ROUTER &&
      dice_says(d, 15)) {
    add_node_event(plan, at_ns, PLAN_EV_UPDATE_KEY, node);
    return;
  }
  switch (plan->nodes[node].role) {
  case PLAN_SUBSCRIBER:
    to_subscriber(d, plan, at_ns, node);
    return;
  case PLAN_PUBLISHER:
    to_publisher(d, plan, at_ns, node);
    return;
  case PLAN_RELAY:
    to_relay(d, plan, at_ns, node);
    return;
  case PLAN_ROUTER:
  case PLAN_ROGUE:
    return;
  }
}

static bool ends_a_node(const struct plan_event *e) {
  return e->kind == PLAN_EV_DIE || e->kind == PLAN_EV_VANISH || e->kind == PLAN_EV_KILL ||
         e->kind == PLAN_EV_RESTART;
}

/* A handshake begins. */
static bool shakes_hands(const struct plan_event *e) {
  return e->kind == PLAN_EV_RECONNECT || e->kind == PLAN_EV_RESTART;
}

/* No client may change its path before the handshake is confirmed (RFC 9000 9), and one that is
 * begun with a relay and ended with the next is neither's. */
static bool needs_a_connection(const struct plan *plan, const struct plan_event *e) {
  return e->kind == PLAN_EV_MIGRATE || e->kind == PLAN_EV_REBIND || e->kind == PLAN_EV_ROTATE_CID ||
         (e->kind == PLAN_EV_KILL && plan->nodes[e->node].role == PLAN_RELAY);
}

static bool is_too_soon(const struct plan *plan, const struct plan_event *hand,
                        const struct plan_event *other) {
  const uint64_t near_ns = 500 * GENERATE_MS;
  const bool any = plan->nodes[hand->node].role == PLAN_RELAY ||
                   (other->kind == PLAN_EV_KILL && hand->node != other->node);
  return shakes_hands(hand) && needs_a_connection(plan, other) &&
         (any || hand->node == other->node) && hand->at_ns < other->at_ns + near_ns &&
         other->at_ns < hand->at_ns + near_ns &&
         !(other->kind == PLAN_EV_KILL && hand->node == other->node);
}

/* Whether one of the events from `first` on comes while a handshake goes on. */
static bool is_in_a_handshake(const struct plan *plan, size_t first) {
  for (size_t i = 0; i < first; i++)
    for (size_t k = first; k < plan->n_events; k++)
      if (plan->events[i].node >= 0 && plan->events[k].node >= 0 &&
          (is_too_soon(plan, &plan->events[i], &plan->events[k]) ||
           is_too_soon(plan, &plan->events[k], &plan->events[i])))
        return true;
  return false;
}

/* Whether the events from `first` on are of a node that is not there then, or end one that has
 * others: nothing happens to who is gone. */
static bool is_of_one_gone(const struct plan *plan, size_t first) {
  for (size_t i = 0; i < first; i++)
    if (plan->events[i].node >= 0 && plan->events[i].node == plan->events[first].node &&
        (ends_a_node(&plan->events[i]) || ends_a_node(&plan->events[first])))
      return true;
  return false;
}

/* When who leaves with event i is back. The return, if there is one, stands behind it. */
static uint64_t back_at(const struct plan *plan, size_t i) {
  const bool returns = i + 1 < plan->n_events && plan->events[i + 1].kind == PLAN_EV_SUBSCRIBE;
  return returns ? plan->events[i + 1].at_ns : UINT64_MAX;
}

/* Whether event `first` is a leave of one who is away at some time until its return. */
static bool is_away_already(const struct plan *plan, size_t first) {
  const struct plan_event *leave = &plan->events[first];
  if (leave->kind != PLAN_EV_UNSUBSCRIBE)
    return false;
  for (size_t i = 0; i < first; i++) {
    const struct plan_event *other = &plan->events[i];
    if (other->kind == PLAN_EV_UNSUBSCRIBE && other->node == leave->node &&
        leave->at_ns <= back_at(plan, i) && other->at_ns <= back_at(plan, first))
      return true;
  }
  return false;
}

static void by_time(struct plan *plan) {
  for (size_t i = 1; i < plan->n_events; i++)
    for (size_t k = i; k > 0 && plan->events[k].at_ns < plan->events[k - 1].at_ns; k--) {
      const struct plan_event e = plan->events[k];
      plan->events[k] = plan->events[k - 1];
      plan->events[k - 1] = e;
    }
}

void generate_events(struct dice *d, struct plan *plan) {
  const uint64_t last = plan->duration_ns * 9 / 10;
  uint64_t at_ns = 0;
  for (uint64_t n = DICE_PICK(d, 0, 0, 1, 1, 2, 3, 4, 6); n > 0; n--) {
    const size_t had = plan->n_events;
    if (at_ns == 0 || !dice_says(d, 20)) /* else at the same moment */
      at_ns = dice_between(d, 50 * GENERATE_MS, last, 10 * GENERATE_MS);
    draw_event(d, plan, at_ns);
    if (plan->n_events > had &&
        (is_of_one_gone(plan, had) || is_in_a_handshake(plan, had) || is_away_already(plan, had)))
      while (plan->n_events > had)
        free(plan->events[--plan->n_events].tracks);
  }
  by_time(plan);
}
