/* Section `nodes`: roles, counts, hosts, and who dials whom. */
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <string.h>

#define ROLE(r)   (1u << (r))
#define ENDPOINTS (ROLE(PLAN_PUBLISHER) | ROLE(PLAN_SUBSCRIBER) | ROLE(PLAN_ROGUE))

/* Keys that only some roles have; the others belong to every node. */
static const struct {
  const char *key;
  unsigned roles;
  const char *whose;
} role_keys[] = {
    {"per_host", ENDPOINTS, "an endpoint"},
    {"relay", ENDPOINTS, "an endpoint (a relay has 'upstream')"},
    {"datapath", ROLE(PLAN_RELAY), "a relay"},
    {"protection", ROLE(PLAN_RELAY), "a relay; endpoints do as theirs does"},
    {"cipher", ROLE(PLAN_RELAY), "a relay; endpoints do as theirs does"},
    {"congestion", ROLE(PLAN_RELAY), "a relay"},
    {"policy", ROLE(PLAN_RELAY), "a relay"},
    {"upstream", ROLE(PLAN_RELAY), "a relay (an endpoint has 'relay')"},
    {"cache", ROLE(PLAN_RELAY), "a relay"},
    {"window", ENDPOINTS, "an endpoint"},
    {"streams", ENDPOINTS, "an endpoint"},
    {"cid_len", ENDPOINTS, "an endpoint"},
    {"ack_delay", ENDPOINTS, "an endpoint"},
    {"does", ROLE(PLAN_ROGUE), "a rogue"},
};

bool plan_read_name(struct plan_build *b, const struct plan_tree *key, const char *of,
                    bool digit_first) {
  const char *c = key->text;
  bool first = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
               (digit_first && *c >= '0' && *c <= '9');
  size_t len = strlen(c);
  size_t good = strspn(c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
  if (first && good == len && len <= PLAN_MAX_NAME_BYTES)
    return true;
  return plan_refuse(b->err, key,
                     "expected the name of %s (a letter%s, then letters, digits, '-', '_'; at most "
                     "%d), found %s",
                     of, digit_first ? " or digit" : "", PLAN_MAX_NAME_BYTES, plan_quote(c).text);
}

/* What one entry of `nodes` says about each of its instances. */
struct entry {
  struct plan_node node; /* without texts */
  uint32_t count, per_host;
  const char *policy; /* static, or NULL */
};

static bool read_relay(struct plan_take from, struct entry *entry) {
  struct plan_node *node = &entry->node;
  int datapath = PLAN_DP_KERNEL, protection = PLAN_PROT_TLS, cipher = PLAN_CHACHA20;
  int congestion = PLAN_NEWRENO, policy = 0;
  node->cache_bytes = 16u << 20;
  if (!plan_take_word(from, "datapath", plan_words_datapath, &datapath) ||
      !plan_take_word(from, "protection", plan_words_protection, &protection) ||
      !plan_take_word(from, "cipher", plan_words_cipher, &cipher) ||
      !plan_take_word(from, "congestion", plan_words_congestion, &congestion) ||
      !plan_take_word(from, "policy", plan_words_policy, &policy) ||
      !plan_take_size(from, "cache", 0, PLAN_MAX_CACHE_BYTES, &node->cache_bytes))
    return false;
  node->datapath = (enum plan_datapath)datapath;
  node->protection = (enum plan_protection)protection;
  node->cipher = (enum plan_cipher)cipher;
  node->congestion = (enum plan_congestion)congestion;
  entry->policy = plan_words_policy[policy];
  return true;
}

/* One, or a list of them. */
static bool read_deeds(struct plan_error *err, const struct plan_tree *does, uint32_t *set) {
  const bool one = does->kind == PLAN_TREE_SCALAR;
  if (!one && does->n == 0)
    return plan_refuse(err, does, "expected one deed at least, found an empty list");
  for (size_t i = 0; i < (one ? 1 : does->n); i++) {
    const struct plan_tree *word = one ? does : does->items[i];
    int deed = 0;
    if (!plan_word_of(err, word, plan_words_deed, &deed))
      return false;
    if (*set >> deed & 1)
      return plan_refuse(err, word, "expected each deed once, found '%s' again", word->text);
    *set |= 1u << deed;
  }
  return true;
}

static bool read_endpoint(struct plan_take from, struct entry *entry) {
  struct plan_node *node = &entry->node;
  node->window_bytes = 1u << 20;
  node->max_streams = 100;
  node->cid_len = 8;
  node->ack_delay_ns = 25000000;
  if (!plan_take_size(from, "window", 1, PLAN_MAX_WINDOW_BYTES, &node->window_bytes) ||
      !plan_take_count(from, "streams", 1, PLAN_MAX_STREAMS, &node->max_streams) ||
      !plan_take_count32(from, "cid_len", 0, PLAN_MAX_CID_BYTES, &node->cid_len) ||
      !plan_take_time(from, "ack_delay", 0, PLAN_MAX_ACK_DELAY_NS, &node->ack_delay_ns))
    return false;
  if (node->role != PLAN_ROGUE)
    return true;
  return plan_take_must(from, "does", "what this rogue does wrong") &&
         read_deeds(from.err, plan_tree_get(from.map, "does"), &node->does);
}

static bool read_entry(struct plan_build *b, const struct plan_tree *map, struct entry *entry) {
  struct plan_take from = {b->err, map};
  int role = 0;
  *entry = (struct entry){.count = 1, .per_host = 1};
  if (!plan_take_must(from, "role", "publisher, subscriber, relay, router or rogue") ||
      !plan_take_word(from, "role", plan_words_role, &role))
    return false;
  for (size_t i = 0; i < sizeof role_keys / sizeof *role_keys; i++) {
    char why[120];
    snprintf(why, sizeof why, "it belongs to %s, and this is a %s", role_keys[i].whose,
             plan_words_role[role]);
    if (!(role_keys[i].roles & ROLE(role)) && !plan_take_not(from, role_keys[i].key, why))
      return false;
  }
  entry->node.role = (enum plan_role)role;
  entry->node.relay = -1;
  if (!plan_take_count32(from, "count", 1, PLAN_MAX_NODES, &entry->count) ||
      !plan_take_count32(from, "per_host", 1, PLAN_MAX_NODES, &entry->per_host))
    return false;
  if (role == PLAN_RELAY)
    return read_relay(from, entry);
  return role == PLAN_ROUTER || read_endpoint(from, entry);
}

static void instantiate(struct plan *plan, const char *key, const struct entry *entry) {
  char text[PLAN_MAX_NAME_BYTES + 16];
  for (uint32_t i = 0; i < entry->count; i++) {
    plan->nodes = plan_grow(plan->nodes, plan->n_nodes, sizeof *plan->nodes);
    struct plan_node *node = &plan->nodes[plan->n_nodes++];
    *node = entry->node;
    node->index = i;
    node->group = plan_copy_text(key);
    node->policy = entry->policy ? plan_copy_text(entry->policy) : NULL;
    if (i && i % entry->per_host == 0)
      plan->n_hosts++;
    node->host = plan->n_hosts;
    snprintf(text, sizeof text, entry->count > 1 ? "%s[%u]" : "%s", key, i);
    node->name = plan_copy_text(text);
    snprintf(text, sizeof text, entry->count > 1 ? "%s.%u" : "%s", key, i);
    node->file_name = plan_copy_text(text);
  }
  plan->n_hosts++;
}

/* All instances of a key, or n = 0. */
static int find_group(const struct plan *plan, const char *group, size_t len, int *n) {
  int first = -1;
  *n = 0;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    const char *g = plan->nodes[i].group;
    if (strncmp(g, group, len) != 0 || g[len]) {
      if (first >= 0)
        break; /* instances of one key stand together */
      continue;
    }
    if (first < 0)
      first = (int)i;
    ++*n;
  }
  return first;
}

static bool refuse_name(struct plan_build *b, const struct plan_tree *name) {
  struct plan_guess guess;
  plan_guess_start(&guess, name->text);
  for (size_t i = 0; i < b->plan->n_nodes; i++) {
    if (b->plan->nodes[i].index == 0)
      plan_guess_offer(&guess, b->plan->nodes[i].group);
  }
  return plan_refuse(b->err, name, "expected the name of a node, found %s%s",
                     *name->text ? plan_quote(name->text).text : "nothing",
                     plan_guess_text(&guess));
}

bool plan_resolve(struct plan_build *b, const struct plan_tree *name, int *first, int *n) {
  const char *bracket = strchr(name->text, '[');
  size_t len = bracket ? (size_t)(bracket - name->text) : strlen(name->text);
  *first = find_group(b->plan, name->text, len, n);
  if (!*n)
    return refuse_name(b, name);
  if (!bracket)
    return true;
  char digits[12];
  size_t n_digits = strspn(bracket + 1, "0123456789");
  uint64_t index;
  if (n_digits == 0 || n_digits >= sizeof digits || strcmp(bracket + 1 + n_digits, "]") != 0)
    return refuse_name(b, name);
  memcpy(digits, bracket + 1, n_digits);
  digits[n_digits] = 0;
  if (plan_unit_count(digits, &index) || index >= (uint64_t)*n)
    return plan_refuse(b->err, name, "expected %.*s[0] to %.*s[%d], found %s", (int)len, name->text,
                       (int)len, name->text, *n - 1, plan_quote(name->text).text);
  *first += (int)index;
  *n = 1;
  return true;
}

bool plan_resolve_one(struct plan_build *b, const struct plan_tree *name, int *node) {
  int n;
  if (!plan_resolve(b, name, node, &n))
    return false;
  if (n == 1)
    return true;
  return plan_refuse(b->err, name, "expected one node, found %s, which is %d; write \"%s[0]\"",
                     plan_quote(name->text).text, n, name->text);
}

static bool resolve_relay(struct plan_build *b, const struct plan_tree *name, int *relay) {
  if (!plan_resolve_one(b, name, relay))
    return false;
  enum plan_role role = b->plan->nodes[*relay].role;
  return role == PLAN_RELAY || plan_refuse(b->err, name, "expected a relay, found %s, a %s",
                                           plan_quote(name->text).text, plan_words_role[role]);
}

static bool read_upstream(struct plan_build *b, const struct plan_tree *name,
                          struct plan_node *node) {
  if (!name)
    return true;
  if (!resolve_relay(b, name, &node->relay))
    return false;
  enum plan_protection theirs = b->plan->nodes[node->relay].protection;
  return node->protection == theirs ||
         plan_refuse(b->err, name, "expected an upstream with protection %s, found %s with %s",
                     plan_words_protection[node->protection], plan_quote(name->text).text,
                     plan_words_protection[theirs]);
}

/* The one relay of the plan, or what there is instead. */
enum { NO_RELAY = -1, SEVERAL_RELAYS = -2 };

/* Whom an endpoint dials. key, map: its entry in the file. */
static bool read_dialled(struct plan_build *b, const struct plan_tree *key,
                         const struct plan_tree *map, int only, struct plan_node *node) {
  const struct plan_tree *name = plan_tree_get(map, "relay");
  if (name && !resolve_relay(b, name, &node->relay))
    return false;
  if (!name && only == NO_RELAY)
    return plan_refuse(b->err, key, "expected a node of role relay for %s to dial, found none",
                       plan_quote(key->text).text);
  if (!name && only == SEVERAL_RELAYS)
    return plan_refuse(b->err, map,
                       "expected the key 'relay' (whom it dials, as there are several), found "
                       "none");
  if (!name)
    node->relay = only;
  const struct plan_node *relay = &b->plan->nodes[node->relay];
  node->protection = relay->protection;
  node->cipher = relay->cipher;
  node->congestion = relay->congestion;
  return true;
}

/* A relay that reaches itself by its upstreams would dial in a circle. */
static bool check_circle(struct plan_build *b, const struct plan_tree *name, int start) {
  int at = start;
  for (size_t steps = 0; name && at >= 0; steps++) {
    at = b->plan->nodes[at].relay;
    if (at == start || steps > b->plan->n_nodes)
      return plan_refuse(b->err, name, "expected upstreams that end, found a circle through %s",
                         plan_quote(b->plan->nodes[start].name).text);
  }
  return true;
}

static int only_relay(const struct plan *plan) {
  int only = NO_RELAY;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    if (plan->nodes[i].role == PLAN_RELAY)
      only = only == NO_RELAY ? (int)i : SEVERAL_RELAYS;
  }
  return only;
}

static bool read_all_dialled(struct plan_build *b) {
  const struct plan_tree *nodes = plan_tree_get(b->root, "nodes");
  struct plan *plan = b->plan;
  int only = only_relay(plan);
  size_t entry = 0;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    struct plan_node *node = &plan->nodes[i];
    entry += i > 0 && node->index == 0;
    const struct plan_tree *map = nodes->items[entry];
    bool ok = node->role == PLAN_ROUTER  ? true
              : node->role == PLAN_RELAY ? read_upstream(b, plan_tree_get(map, "upstream"), node)
                                         : read_dialled(b, nodes->keys[entry], map, only, node);
    if (!ok)
      return false;
  }
  entry = 0;
  for (size_t i = 0; i < plan->n_nodes; i++) { /* now that all upstreams are known */
    entry += i > 0 && plan->nodes[i].index == 0;
    if (plan->nodes[i].role == PLAN_RELAY &&
        !check_circle(b, plan_tree_get(nodes->items[entry], "upstream"), (int)i))
      return false;
  }
  return true;
}

bool plan_read_nodes(struct plan_build *b) {
  const struct plan_tree *nodes = plan_tree_get(b->root, "nodes");
  if (!plan_take_must((struct plan_take){b->err, b->root}, "nodes", "who takes part"))
    return false;
  if (nodes->n == 0)
    return plan_refuse(b->err, nodes, "expected at least one node, found none");
  for (size_t i = 0; i < nodes->n; i++) {
    struct entry entry;
    if (!plan_read_name(b, nodes->keys[i], "a node", false) ||
        !read_entry(b, nodes->items[i], &entry))
      return false;
    if (b->plan->n_nodes + entry.count > PLAN_MAX_NODES)
      return plan_refuse(b->err, nodes->keys[i], "expected at most %d nodes in all, found %zu",
                         PLAN_MAX_NODES, b->plan->n_nodes + entry.count);
    instantiate(b->plan, nodes->keys[i]->text, &entry);
  }
  return read_all_dialled(b);
}
