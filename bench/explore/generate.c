/* Who is there, and what is sent. */
#include "bench/explore/generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/explore/generate_parts.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/words.h"

#define MAX_OBJECTS 2500    /* (object, subscriber) of one track: about what a run can be made of */
#define MAX_BYTES   1000000 /* of one track */

/* ---- nodes -------------------------------------------------------------------------------- */

static struct plan_node *add_node(struct plan *plan, enum plan_role role, const char *name,
                                  int relay) {
  plan->nodes = plan_grow(plan->nodes, plan->n_nodes, sizeof *plan->nodes);
  struct plan_node *node = &plan->nodes[plan->n_nodes];
  *node = (struct plan_node){.name = plan_copy_text(name),
                             .file_name = plan_copy_text(name),
                             .group = plan_copy_text(name),
                             .role = role,
                             .host = plan->n_hosts++,
                             .relay = relay,
                             .policy = plan_copy_text("none"),
                             .cache_bytes = 16u << 20,
                             .window_bytes = 1u << 20,
                             .max_streams = 100,
                             .cid_len = 8,
                             .ack_delay_ns = 25 * GENERATE_MS};
  plan->n_nodes++;
  return node;
}

static void add_relay(struct dice *d, struct plan *plan, const char *name, int upstream) {
  struct plan_node *relay = add_node(plan, PLAN_RELAY, name, upstream);
  relay->datapath = (enum plan_datapath)DICE_PICK(d, PLAN_DP_KERNEL, PLAN_DP_KERNEL, PLAN_DP_KERNEL,
                                                  PLAN_DP_KERNEL, PLAN_DP_USER, PLAN_DP_STOCK);
  if (upstream >= 0) {
    relay->protection = plan->nodes[upstream].protection;
    relay->cipher = plan->nodes[upstream].cipher;
  } else if (dice_says(d, 25)) {
    relay->protection = PLAN_PROT_TLS;
    relay->cipher = dice_says(d, 50) ? PLAN_CHACHA20 : PLAN_AES128GCM;
  }
  if (dice_says(d, 25))
    relay->congestion = PLAN_CUBIC;
  if (dice_says(d, 30)) {
    const uint64_t policy = dice_below(d, 4);
    free(relay->policy);
    relay->policy = plan_copy_text(plan_words_policy[policy]);
  }
}

/* IDs of one or two bytes by chance would be the same. Without any, packets of an older
 * connection reach the next one on that port, which only real protection tells apart. */
static void vary_endpoint(struct dice *d, const struct plan *plan, struct plan_node *node) {
  if (dice_says(d, 30))
    node->cid_len = (uint32_t)DICE_PICK(d, 0, 4, 5, 12, 17, 18, 20);
  if (node->cid_len == 0 && plan->nodes[0].protection == PLAN_PROT_NONE)
    node->cid_len = 8;
  if (dice_says(d, 20))
    node->ack_delay_ns = GENERATE_MS * DICE_PICK(d, 1, 5, 60, 100);
  if (node->role != PLAN_SUBSCRIBER)
    return;
  if (dice_says(d, 35))
    node->window_bytes = DICE_PICK(d, 16, 16, 24, 48, 64, 256) << 10;
  if (dice_says(d, 35))
    node->max_streams = DICE_PICK(d, 4, 8, 20, 1000);
}

static void draw_nodes(struct dice *d, struct plan *plan) {
  static const char *const publishers[] = {"ann", "bob"};
  char name[24];
  add_relay(d, plan, "relay", -1);
  const bool tree = dice_says(d, 20);
  if (tree)
    add_relay(d, plan, "lower", 0);
  for (uint64_t i = 0, n = dice_says(d, 35) ? 2 : 1; i < n; i++)
    vary_endpoint(d, plan, add_node(plan, PLAN_PUBLISHER, publishers[i], 0));
  const uint64_t n = DICE_PICK(d, 1, 2, 2, 3, 3, 4, 5, 6);
  for (uint64_t i = 0; i < n; i++) {
    snprintf(name, sizeof name, "sub%u", (unsigned)i);
    vary_endpoint(d, plan, add_node(plan, PLAN_SUBSCRIBER, name, tree && dice_says(d, 60)));
  }
  if (dice_says(d, 15))
    add_node(plan, PLAN_ROUTER, "hop", -1);
}

/* ---- tracks ------------------------------------------------------------------------------- */

static int any_node(struct dice *d, const struct plan *plan, enum plan_role role) {
  for (;;) { /* there is always one */
    const int node = (int)dice_below(d, plan->n_nodes);
    if (plan->nodes[node].role == role)
      return node;
  }
}

static void draw_sizes(struct dice *d, struct plan_track *t) {
  if (t->as == PLAN_DATAGRAMS) {
    t->size_min = dice_between(d, 20, 400, 20);
    t->size_max = dice_says(d, 50) ? t->size_min : t->size_min + dice_between(d, 20, 600, 20);
    return;
  }
  t->size_min = DICE_PICK(d, 40, 150, 500, 1200, 1500, 4000, 9000, 30000);
  t->size_max = dice_says(d, 40) ? t->size_min : t->size_min * DICE_PICK(d, 2, 3);
}

/* So rare that there are not too many and not too large ones. */
static void draw_rhythm(struct dice *d, const struct plan *plan, struct plan_track *t) {
  uint64_t ms = DICE_PICK(d, 1, 1, 2, 5, 5, 10, 10, 20, 20, 40);
  while (plan->duration_ns / (ms * GENERATE_MS) * t->size_max > MAX_BYTES ||
         plan->duration_ns / (ms * GENERATE_MS) * plan->n_nodes > MAX_OBJECTS)
    ms *= 2;
  t->every_ns = ms * GENERATE_MS;
  t->group_objects = (uint32_t)DICE_PICK(d, 1, 4, 10, 25, 25, 50, 100);
}

static void draw_tracks(struct dice *d, struct plan *plan) {
  char name[8];
  for (uint64_t i = 0, n = DICE_PICK(d, 1, 2, 2, 3, 4); i < n; i++) {
    plan->tracks = plan_grow(plan->tracks, plan->n_tracks, sizeof *plan->tracks);
    struct plan_track *t = &plan->tracks[plan->n_tracks++];
    snprintf(name, sizeof name, "t%u", (unsigned)i);
    t->name = plan_copy_text(name);
    t->from = any_node(d, plan, PLAN_PUBLISHER);
    t->as = dice_says(d, 40) ? PLAN_DATAGRAMS : PLAN_SUBGROUPS;
    t->subgroup = dice_says(d, 65) ? PLAN_SUBGROUP_OBJECT : PLAN_SUBGROUP_GROUP;
    t->priority = (uint8_t)DICE_PICK(d, 0, 1, 2, 3, 5, 5, 7, 128);
    draw_sizes(d, t);
    draw_rhythm(d, plan, t);
  }
}

uint64_t generate_load_bps(const struct plan *plan) {
  uint64_t bps = 0;
  for (size_t i = 0; i < plan->n_tracks; i++) {
    const struct plan_track *t = &plan->tracks[i];
    bps += 8 * (t->size_min / 2 + t->size_max / 2 + 60) * (1000 * GENERATE_MS / t->every_ns);
  }
  return bps;
}

/* ---- subscriptions ------------------------------------------------------------------------- */

static void subscribe(struct dice *d, struct plan *plan, int who) {
  const uint64_t wanted = dice_between(d, 1, (1u << plan->n_tracks) - 1, 1);
  const bool most = dice_says(d, 50);
  plan->subscriptions =
      plan_grow(plan->subscriptions, plan->n_subscriptions, sizeof *plan->subscriptions);
  struct plan_subscription *s = &plan->subscriptions[plan->n_subscriptions++];
  *s = (struct plan_subscription){.who = who, .priority_limit = -1};
  for (size_t t = 0; t < plan->n_tracks; t++) {
    if (!most && !(wanted >> t & 1))
      continue;
    s->tracks = plan_grow(s->tracks, s->n_tracks, sizeof *s->tracks);
    s->tracks[s->n_tracks++] = (int)t;
  }
  if (dice_says(d, 30))
    s->at_ns = dice_between(d, 50 * GENERATE_MS, plan->duration_ns * 7 / 10, 10 * GENERATE_MS);
  if (dice_says(d, 30))
    s->priority_limit = (int)DICE_PICK(d, 0, 1, 2, 3, 5, 100);
  if (dice_says(d, 12))
    s->delivery_timeout_ns = GENERATE_MS * DICE_PICK(d, 100, 200, 500);
}

static void draw_subscriptions(struct dice *d, struct plan *plan) {
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (plan->nodes[i].role == PLAN_SUBSCRIBER)
      subscribe(d, plan, (int)i);
}

/* ---- all of it ------------------------------------------------------------------------------ */

struct model *generate(uint64_t seed) {
  struct dice dice = dice_of(seed);
  struct plan *plan = plan_new(1, sizeof *plan);
  plan->seed = seed;
  plan->duration_ns = dice_between(&dice, 400, 1500, 100) * GENERATE_MS;
  /* Until it is quiet. A window that shrinks with each reordered packet takes minutes to empty a
   * queue of megabytes; they cost nothing. */
  plan->drain_ns = 300000 * GENERATE_MS;
  if (dice_says(&dice, 25))
    plan->interleave = (uint32_t)DICE_PICK(&dice, 24, 60, 200);
  draw_nodes(&dice, plan);
  draw_tracks(&dice, plan);
  draw_subscriptions(&dice, plan);
  generate_links(&dice, plan);
  generate_events(&dice, plan);
  return model_of(plan);
}
