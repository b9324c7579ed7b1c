#include "bench/scenario/schema.h"

#include "bench/scenario/refuse.h"

#include <stdio.h>
#include <string.h>

#define END                                                                                        \
  { NULL, NULL }
#define MAP(keys_, what_)                                                                          \
  { .kind = PLAN_TREE_MAP, .what = (what_), .keys = (keys_) }
#define LIST(item_, what_)                                                                         \
  { .kind = PLAN_TREE_LIST, .what = (what_), .item = &(item_) }
#define NAMED(item_, what_)                                                                        \
  { .kind = PLAN_TREE_MAP, .what = (what_), .item = &(item_) }

static const struct plan_schema scalar = {.kind = PLAN_TREE_SCALAR, .what = "a single value"};
static const struct plan_schema names = LIST(scalar, "a list of names");

static const struct plan_schema deeds = {.kind = PLAN_TREE_LIST,
                                         .scalar_too = true,
                                         .what = "a deed or a list of deeds",
                                         .item = &scalar};

static const struct plan_schema_key node_keys[] = {
    {"role", &scalar},
    {"count", &scalar},
    {"per_host", &scalar},
    {"relay", &scalar},
    {"datapath", &scalar},
    {"protection", &scalar},
    {"cipher", &scalar},
    {"congestion", &scalar},
    {"policy", &scalar},
    {"upstream", &scalar},
    {"cache", &scalar},
    {"window", &scalar},
    {"streams", &scalar},
    {"cid_len", &scalar},
    {"ack_delay", &scalar},
    {"does", &deeds},
    END,
};
static const struct plan_schema node = MAP(node_keys, "a node");
static const struct plan_schema nodes = NAMED(node, "a mapping of nodes");

static const struct plan_schema_key burst_keys[] = {
    {"enter", &scalar}, {"leave", &scalar}, {"loss", &scalar}, END};
static const struct plan_schema burst = {
    .kind = PLAN_TREE_MAP, .scalar_too = true, .what = "a burst", .keys = burst_keys};
static const struct plan_schema_key reorder_keys[] = {{"share", &scalar}, {"by", &scalar}, END};
static const struct plan_schema reorder = {
    .kind = PLAN_TREE_MAP, .scalar_too = true, .what = "a reordering", .keys = reorder_keys};
static const struct plan_schema_key fault_keys[] = {{"do", &scalar},  {"frame", &scalar},
                                                    {"nth", &scalar}, {"index", &scalar},
                                                    {"by", &scalar},  END};
static const struct plan_schema fault = MAP(fault_keys, "a fault");
static const struct plan_schema faults = LIST(fault, "a list of faults");

#define IMPAIRMENTS                                                                                \
  {"delay", &scalar}, {"jitter", &scalar}, {"loss", &scalar}, {"duplicate", &scalar},              \
      {"corrupt", &scalar}, {"rate", &scalar}, {"queue", &scalar}, {"burst", &burst}, {            \
    "reorder", &reorder                                                                            \
  }

static const struct plan_schema_key direction_keys[] = {IMPAIRMENTS, {"faults", &faults}, END};
static const struct plan_schema direction = MAP(direction_keys, "one direction of a link");

static const struct plan_schema_key link_keys[] = {
    {"between", &names}, {"ip", &scalar},         {"mtu", &scalar},         IMPAIRMENTS,
    {"faults", &faults}, {"forward", &direction}, {"backward", &direction}, END,
};
static const struct plan_schema link = MAP(link_keys, "a link");
static const struct plan_schema links = LIST(link, "a list of links");

static const struct plan_schema_key track_keys[] = {
    {"from", &scalar},     {"as", &scalar},     {"subgroup", &scalar}, {"every", &scalar},
    {"trace", &scalar},    {"file", &scalar},   {"size", &scalar},     {"group", &scalar},
    {"priority", &scalar}, {"layers", &scalar}, {"objects", &scalar},  END,
};
static const struct plan_schema track = MAP(track_keys, "a track");
static const struct plan_schema tracks = NAMED(track, "a mapping of tracks");

static const struct plan_schema_key subscription_keys[] = {
    {"who", &scalar},
    {"tracks", &names},
    {"at", &scalar},
    {"start", &scalar},
    {"priority_limit", &scalar},
    {"delivery_timeout", &scalar},
    END,
};
static const struct plan_schema subscription = MAP(subscription_keys, "a subscription");
static const struct plan_schema subscriptions = LIST(subscription, "a list of subscriptions");

static const struct plan_schema_key set_direction_keys[] = {IMPAIRMENTS, END};
static const struct plan_schema set_direction = MAP(set_direction_keys, "one direction of a link");
static const struct plan_schema_key set_keys[] = {{"priority_limit", &scalar},
                                                  IMPAIRMENTS,
                                                  {"forward", &set_direction},
                                                  {"backward", &set_direction},
                                                  END};
static const struct plan_schema set = MAP(set_keys, "what an event sets");
static const struct plan_schema_key event_keys[] = {
    {"at", &scalar},
    {"every", &scalar},
    {"times", &scalar},
    {"link", &names},
    {"node", &scalar},
    {"set", &set},
    {"do", &scalar},
    {"same_port", &scalar},
    {"for", &scalar},
    {"tracks", &names},
    END,
};
static const struct plan_schema event = MAP(event_keys, "an event");
static const struct plan_schema timeline = LIST(event, "a list of events");

static const struct plan_schema defect = {.kind = PLAN_TREE_MAP,
                                          .scalar_too = true,
                                          .what = "a defect (NAME or NAME: VALUE)",
                                          .item = &scalar};
static const struct plan_schema defects = LIST(defect, "a list of defects");

static const struct plan_schema_key judged_keys[] = {
    {"skip", &scalar}, {"p50", &scalar}, {"p99", &scalar}, {"max", &scalar}, END};
static const struct plan_schema judged = {
    .kind = PLAN_TREE_MAP, .grows = true, .what = "what a check is given", .keys = judged_keys};
static const struct plan_schema closes = {
    .kind = PLAN_TREE_MAP, .grows = true, .what = "a mapping of NODE: ERROR", .item = &scalar};
static const struct plan_schema examined = {
    .kind = PLAN_TREE_MAP, .grows = true, .what = "a mapping of CHECK: at least", .item = &scalar};
static const struct plan_schema_key figure_keys[] = {
    {"fast_path", &scalar}, {"sendings", &scalar}, END};
static const struct plan_schema figures = MAP(figure_keys, "the figures of a subscriber");
static const struct plan_schema subscribers = {
    .kind = PLAN_TREE_MAP, .grows = true, .what = "a mapping of subscribers", .item = &figures};
static const struct plan_schema_key expect_keys[] = {
    {"convict", &names},           {"also", &names},
    {"closes", &closes},           {"examined", &examined},
    {"subscribers", &subscribers}, END};
static const struct plan_schema expect = {.kind = PLAN_TREE_MAP,
                                          .grows = true,
                                          .what = "what is expected",
                                          .keys = expect_keys,
                                          .item = &judged};

static const struct plan_schema_key scenario_keys[] = {
    {"scenario", &scalar},
    {"about", &scalar},
    {"seed", &scalar},
    {"duration", &scalar},
    {"drain", &scalar},
    {"modes", &names},
    {"interleave", &scalar},
    {"nodes", &nodes},
    {"links", &links},
    {"tracks", &tracks},
    {"subscriptions", &subscriptions},
    {"timeline", &timeline},
    {"defects", &defects},
    {"expect", &expect},
    END,
};
const struct plan_schema plan_schema_scenario = MAP(scenario_keys, "a scenario");

const struct plan_schema *plan_schema_of_key(const struct plan_schema *schema, const char *key) {
  for (const struct plan_schema_key *k = schema->keys; k && k->name; k++) {
    if (strcmp(k->name, key) == 0)
      return k->schema;
  }
  return schema->item;
}

const char *plan_schema_guess(const struct plan_schema *schema, const char *key, char (*text)[96]) {
  struct plan_guess guess;
  plan_guess_start(&guess, key);
  for (const struct plan_schema_key *k = schema->keys; k && k->name; k++)
    plan_guess_offer(&guess, k->name);
  memcpy(*text, plan_guess_text(&guess), sizeof *text);
  return *text;
}

static bool refuse_key(const struct plan_schema *schema, const struct plan_tree *key,
                       struct plan_error *err) {
  char list[260] = "", guess[96];
  size_t used = 0;
  for (const struct plan_schema_key *k = schema->keys; k && k->name; k++)
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", k->name);
  plan_schema_guess(schema, key->text, &guess);
  return plan_refuse(err, key, "expected a key of %s (%s), found %s%s", schema->what, list,
                     plan_quote(key->text).text, guess);
}

static bool refuse_kind(const struct plan_schema *schema, const struct plan_tree *tree,
                        struct plan_error *err) {
  const char *found = plan_tree_kind_name(tree->kind);
  struct plan_quoted quoted;
  if (tree->kind == PLAN_TREE_SCALAR) {
    quoted = plan_quote(tree->text);
    found = *tree->text ? quoted.text : "nothing";
  }
  if (schema->kind == PLAN_TREE_SCALAR)
    return plan_refuse(err, tree, "expected a single value, found %s", found);
  if (schema->keys)
    return plan_refuse(err, tree, "expected a mapping (%s), found %s", schema->what, found);
  return plan_refuse(err, tree, "expected %s, found %s", schema->what, found);
}

bool plan_schema_check(const struct plan_schema *schema, const struct plan_tree *tree,
                       struct plan_error *err) {
  if (tree->kind == PLAN_TREE_SCALAR && schema->scalar_too)
    return true;
  if (tree->kind != schema->kind)
    return refuse_kind(schema, tree, err);
  for (size_t i = 0; i < tree->n; i++) {
    const struct plan_schema *inner = schema->item;
    if (tree->kind == PLAN_TREE_MAP) {
      inner = plan_schema_of_key(schema, tree->keys[i]->text);
      if (!inner)
        return refuse_key(schema, tree->keys[i], err);
    }
    if (!plan_schema_check(inner, tree->items[i], err))
      return false;
  }
  return true;
}
