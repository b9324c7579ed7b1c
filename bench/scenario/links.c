/* Section `links`: one plan link per pair of hosts. */
#include "bench/scenario/impairs.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"

#include <stdlib.h>
#include <string.h>

/* Links by their two hosts: an open table at most a quarter full. */
#define N_SLOTS (4 * PLAN_MAX_LINKS)
struct plan_pairs {
  uint64_t key[N_SLOTS]; /* lower host << 32 | higher host, plus 1; 0 = free */
  int link[N_SLOTS];
};

static size_t slot_of(const struct plan_pairs *pairs, uint32_t host_a, uint32_t host_b,
                      uint64_t *key) {
  uint32_t low = host_a < host_b ? host_a : host_b, high = host_a < host_b ? host_b : host_a;
  *key = ((uint64_t)low << 32 | high) + 1;
  size_t slot = (size_t)((*key * 0x9e3779b97f4a7c15u) >> 32) % N_SLOTS;
  while (pairs->key[slot] && pairs->key[slot] != *key)
    slot = (slot + 1) % N_SLOTS;
  return slot;
}

static int link_between_hosts(const struct plan_build *b, uint32_t host_a, uint32_t host_b) {
  uint64_t key;
  size_t slot = slot_of(b->pairs, host_a, host_b, &key);
  return b->pairs->key[slot] ? b->pairs->link[slot] : -1;
}

int plan_link_between(const struct plan_build *b, int node_a, int node_b) {
  return link_between_hosts(b, b->plan->nodes[node_a].host, b->plan->nodes[node_b].host);
}

void plan_pairs_free(struct plan_pairs *pairs) {
  free(pairs);
}

static int first_of_host(const struct plan *plan, int node) {
  while (node > 0 && plan->nodes[node - 1].host == plan->nodes[node].host)
    node--;
  return node;
}

static bool add_link(struct plan_build *b, const struct plan_tree *between, size_t entry,
                     const struct plan_link *model, size_t *entry_of) {
  struct plan *plan = b->plan;
  const char *name_a = plan->nodes[model->a].name, *name_b = plan->nodes[model->b].name;
  uint32_t host_a = plan->nodes[model->a].host, host_b = plan->nodes[model->b].host;
  if (host_a == host_b)
    return plan_refuse(b->err, between, "expected a link between two hosts, found '%s' and '%s'%s",
                       name_a, name_b, model->a == model->b ? "" : " on the same one");
  uint64_t key;
  size_t slot = slot_of(b->pairs, host_a, host_b, &key);
  if (b->pairs->key[slot]) {
    size_t first = entry_of[b->pairs->link[slot]];
    if (first == entry)
      return true; /* nodes of one host, by NAME for all of them */
    const struct plan_tree *links = plan_tree_get(b->root, "links");
    return plan_refuse(b->err, between,
                       "expected one link between two hosts, found a second for '%s' and '%s' "
                       "(first at %u:%u)",
                       name_a, name_b, links->items[first]->line, links->items[first]->column);
  }
  if (plan->n_links >= PLAN_MAX_LINKS)
    return plan_refuse(b->err, between, "expected at most %d links in all, found more",
                       PLAN_MAX_LINKS);
  b->pairs->key[slot] = key;
  b->pairs->link[slot] = (int)plan->n_links;
  entry_of[plan->n_links] = entry;
  plan->links = plan_grow(plan->links, plan->n_links, sizeof *plan->links);
  struct plan_link *link = &plan->links[plan->n_links++];
  *link = *model;
  link->a = first_of_host(plan, model->a);
  link->b = first_of_host(plan, model->b);
  link->forward_faults = plan_faults_copy(model->forward_faults, model->n_forward_faults);
  link->backward_faults = plan_faults_copy(model->backward_faults, model->n_backward_faults);
  return true;
}

static bool read_faults(struct plan_build *b, const struct plan_tree *map, const char *direction,
                        struct plan_fault **faults, size_t *n) {
  const struct plan_tree *own = plan_tree_get(map, direction);
  const struct plan_tree *list = own ? plan_tree_get(own, "faults") : NULL;
  if (!list)
    list = plan_tree_get(map, "faults");
  return !list || plan_faults_read(b->err, list, faults, n);
}

/* A frame can only be chosen where it can be read. */
static bool check_frames(struct plan_build *b, const struct plan_tree *map,
                         const struct plan_link *link) {
  const struct plan_node *a = &b->plan->nodes[link->a], *z = &b->plan->nodes[link->b];
  bool sealed = false, frames = false;
  if (a->role == PLAN_RELAY || z->role == PLAN_RELAY) {
    sealed = (a->role == PLAN_RELAY && a->protection != PLAN_PROT_NONE) ||
             (z->role == PLAN_RELAY && z->protection != PLAN_PROT_NONE);
  } else { /* between routers anything may pass */
    for (size_t i = 0; i < b->plan->n_nodes; i++)
      sealed |= b->plan->nodes[i].protection != PLAN_PROT_NONE;
  }
  for (size_t i = 0; i < link->n_forward_faults; i++)
    frames |= link->forward_faults[i].frame != NULL;
  for (size_t i = 0; i < link->n_backward_faults; i++)
    frames |= link->backward_faults[i].frame != NULL;
  return !(sealed && frames) ||
         plan_refuse(b->err, map,
                     "expected faults by 'index' where the relay's protection is tls, found a "
                     "fault by 'frame', which nobody can read there");
}

static bool read_ends(struct plan_build *b, const struct plan_tree *map, int first[2], int n[2]) {
  const struct plan_tree *between = plan_tree_get(map, "between");
  if (!plan_take_must((struct plan_take){b->err, map}, "between", "its two ends, [A, B]"))
    return false;
  if (between->n != 2)
    return plan_refuse(b->err, between, "expected two names, [A, B], found %zu", between->n);
  return plan_resolve(b, between->items[0], &first[0], &n[0]) &&
         plan_resolve(b, between->items[1], &first[1], &n[1]);
}

static bool expand(struct plan_build *b, size_t entry, const struct plan_tree *map,
                   struct plan_link *model, size_t *entry_of) {
  const struct plan_tree *between = plan_tree_get(map, "between");
  int first[2] = {0}, n[2] = {0};
  if (!read_ends(b, map, first, n))
    return false;
  for (int i = 0; i < n[0]; i++) {
    for (int j = 0; j < n[1]; j++) {
      model->a = first[0] + i;
      model->b = first[1] + j;
      size_t before = b->plan->n_links;
      if (!add_link(b, between, entry, model, entry_of) ||
          (b->plan->n_links > before && !check_frames(b, map, model)))
        return false;
    }
  }
  return true;
}

static bool read_link(struct plan_build *b, size_t entry, const struct plan_tree *map,
                      size_t *entry_of) {
  struct plan_take from = {b->err, map};
  struct plan_link model = {.mtu = 1500};
  uint32_t ip = 4;
  const struct plan_tree *version = plan_tree_get(map, "ip");
  if (!plan_take_count32(from, "ip", 0, UINT32_MAX, &ip) ||
      !plan_take_count32(from, "mtu", PLAN_MIN_MTU, PLAN_MAX_MTU, &model.mtu))
    return false;
  if (ip != 4 && ip != 6)
    return plan_refuse(b->err, version, "expected 4 or 6, found %s",
                       plan_quote(version->text).text);
  model.ip = (int)ip;
  bool ok = plan_impairs_read(b->err, map, false, &model.forward, &model.backward) &&
            read_faults(b, map, "forward", &model.forward_faults, &model.n_forward_faults) &&
            read_faults(b, map, "backward", &model.backward_faults, &model.n_backward_faults) &&
            expand(b, entry, map, &model, entry_of);
  plan_faults_free(model.forward_faults, model.n_forward_faults);
  plan_faults_free(model.backward_faults, model.n_backward_faults);
  return ok;
}

bool plan_read_links(struct plan_build *b) {
  const struct plan_tree *links = plan_tree_get(b->root, "links");
  size_t *entry_of = plan_new(PLAN_MAX_LINKS, sizeof *entry_of);
  bool ok = true;
  b->pairs = plan_new(1, sizeof *b->pairs);
  for (size_t i = 0; links && ok && i < links->n; i++)
    ok = read_link(b, i, links->items[i], entry_of);
  free(entry_of);
  return ok && plan_check_reach(b);
}
