#include "pcap-tools/read/manifest.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where we are, for messages; the first error stays. */
struct reader {
  const char *path;
  char *err;
  size_t err_len;
  bool bad;
};

static void wrong(struct reader *r, const char *key, const char *expected, const json_t *v) {
  static const char *const types[] = {"an object",  "an array", "a string", "an integer",
                                      "a fraction", "true",     "false",    "null"};
  if (r->bad)
    return;
  r->bad = true;
  snprintf(r->err, r->err_len, "%s: member \"%s\": expected %s, found %s", r->path, key, expected,
           types[json_typeof(v)]);
}

static json_t *member(const json_t *o, const char *key) {
  json_t *v = json_object_get(o, key);
  return json_is_null(v) ? NULL : v;
}

static char *text(struct reader *r, const json_t *o, const char *key) {
  json_t *v = member(o, key);
  if (v && !json_is_string(v))
    wrong(r, key, "a string", v);
  return strdup(json_is_string(v) ? json_string_value(v) : "");
}

static long long whole(struct reader *r, const json_t *o, const char *key) {
  json_t *v = member(o, key);
  if (v && !json_is_integer(v))
    wrong(r, key, "an integer", v);
  return json_integer_value(v);
}

static uint64_t count(struct reader *r, const json_t *o, const char *key) {
  long long v = whole(r, o, key);
  return v < 0 ? 0 : (uint64_t)v;
}

static bool flag(struct reader *r, const json_t *o, const char *key) {
  json_t *v = member(o, key);
  if (v && !json_is_boolean(v))
    wrong(r, key, "true or false", v);
  return json_is_true(v);
}

/* The array of that name and its length; NULL and 0 if absent. */
static json_t *list(struct reader *r, const json_t *o, const char *key, size_t *n) {
  json_t *v = member(o, key);
  if (v && !json_is_array(v))
    wrong(r, key, "an array", v);
  *n = json_array_size(v);
  return *n ? v : NULL;
}

static void *room(size_t n, size_t size) {
  return calloc(n ? n : 1, size);
}

static char **texts(struct reader *r, const json_t *o, const char *key, size_t *n) {
  json_t *a = list(r, o, key, n);
  char **out = room(*n, sizeof *out);
  for (size_t i = 0; i < *n; i++) {
    json_t *v = json_array_get(a, i);
    if (!json_is_string(v))
      wrong(r, key, "strings", v);
    out[i] = strdup(json_is_string(v) ? json_string_value(v) : "");
  }
  return out;
}

static void read_route(struct reader *r, const json_t *o, struct qp_node *n) {
  json_t *a = list(r, o, "route", &n->n_route);
  n->route = room(n->n_route, sizeof *n->route);
  for (size_t i = 0; i < n->n_route; i++) {
    const json_t *hop = json_array_get(a, i);
    n->route[i] = (struct qp_hop){.link = (uint32_t)count(r, hop, "link"),
                                  .forward = flag(r, hop, "forward")};
  }
}

static void read_nodes(struct reader *r, const json_t *root, struct qp_manifest *m) {
  json_t *a = list(r, root, "nodes", &m->n_nodes);
  m->nodes = room(m->n_nodes, sizeof *m->nodes);
  for (size_t i = 0; i < m->n_nodes; i++) {
    json_t *o = json_array_get(a, i);
    struct qp_node *n = &m->nodes[i];
    n->name = text(r, o, "name");
    n->file = text(r, o, "file");
    n->role = text(r, o, "role");
    n->relay = text(r, o, "relay");
    n->protection = text(r, o, "protection");
    n->datapath = text(r, o, "datapath");
    n->congestion = text(r, o, "congestion");
    char **addresses = texts(r, o, "address", &n->n_addresses);
    n->addresses = room(n->n_addresses, sizeof *n->addresses);
    for (size_t k = 0; k < n->n_addresses; k++) {
      if (!qp_addr_parse(addresses[k], &n->addresses[k]) && !r->bad) {
        r->bad = true;
        snprintf(r->err, r->err_len, "%s: node \"%s\": expected an IP address, found \"%s\"",
                 r->path, n->name, addresses[k]);
      }
      n->addresses[k].port = (uint16_t)count(r, o, "port");
      qp_owners_add(&m->owners, &n->addresses[k], (uint32_t)i);
      free(addresses[k]);
    }
    free(addresses);
    read_route(r, o, n);
  }
}

static void read_links(struct reader *r, const json_t *root, struct qp_manifest *m) {
  json_t *a = list(r, root, "links", &m->n_links);
  m->links = room(m->n_links, sizeof *m->links);
  for (size_t i = 0; i < m->n_links; i++) {
    json_t *o = json_array_get(a, i);
    m->links[i] = (struct qp_link){.a = text(r, o, "a"),
                                   .b = text(r, o, "b"),
                                   .plain = flag(r, o, "plain"),
                                   .delay_ns = count(r, o, "delay_ns"),
                                   .delay_back_ns = count(r, o, "delay_back_ns")};
  }
}

static void read_captures(struct reader *r, const json_t *root, struct qp_manifest *m) {
  json_t *a = list(r, root, "captures", &m->n_captures);
  m->captures = room(m->n_captures, sizeof *m->captures);
  for (size_t i = 0; i < m->n_captures; i++) {
    json_t *o = json_array_get(a, i);
    m->captures[i] = (struct qp_capture_info){.file = text(r, o, "file"),
                                              .node = text(r, o, "node"),
                                              .peer = text(r, o, "peer"),
                                              .packets = count(r, o, "packets"),
                                              .dropped = count(r, o, "dropped")};
  }
}

static void read_media(struct reader *r, const json_t *root, struct qp_manifest *m) {
  json_t *a = list(r, root, "tracks", &m->n_tracks);
  m->tracks = room(m->n_tracks, sizeof *m->tracks);
  for (size_t i = 0; i < m->n_tracks; i++) {
    json_t *o = json_array_get(a, i);
    char *as = text(r, o, "as");
    m->tracks[i] = (struct qp_track_info){.name = text(r, o, "name"),
                                          .from = text(r, o, "from"),
                                          .datagrams = !strcmp(as, "datagrams"),
                                          .has_planned = member(o, "objects_planned") != NULL,
                                          .objects_planned = count(r, o, "objects_planned")};
    free(as);
  }
  a = list(r, root, "subscriptions", &m->n_subscriptions);
  m->subscriptions = room(m->n_subscriptions, sizeof *m->subscriptions);
  for (size_t i = 0; i < m->n_subscriptions; i++) {
    json_t *o = json_array_get(a, i);
    struct qp_subscription_info *s = &m->subscriptions[i];
    s->who = text(r, o, "who");
    s->tracks = texts(r, o, "tracks", &s->n_tracks);
    s->priority_limit = member(o, "priority_limit") ? (int)count(r, o, "priority_limit") : -1;
    s->delivery_timeout_ns = count(r, o, "delivery_timeout_ns");
  }
  a = list(r, root, "closes", &m->n_closes);
  m->closes = room(m->n_closes, sizeof *m->closes);
  for (size_t i = 0; i < m->n_closes; i++) {
    json_t *o = json_array_get(a, i);
    m->closes[i] =
        (struct qp_closes_info){.node = text(r, o, "node"), .error = text(r, o, "error")};
  }
  json_t *budget = member(root, "latency_budget");
  m->budget_p50_ns = count(r, budget, "p50_ns");
  m->budget_p99_ns = count(r, budget, "p99_ns");
  m->budget_max_ns = count(r, budget, "max_ns");
  a = list(r, root, "events", &m->n_events);
  m->events = room(m->n_events, sizeof *m->events);
  for (size_t i = 0; i < m->n_events; i++) {
    json_t *o = json_array_get(a, i);
    m->events[i] = (struct qp_event_info){
        .at_ns = count(r, o, "at_ns"), .kind = text(r, o, "kind"), .node = text(r, o, "node")};
  }
}

static void read_run(struct reader *r, const json_t *root, struct qp_manifest *m) {
  json_t *run = member(root, "run");
  m->has_run = run != NULL;
  m->start_ns = count(r, run, "start_ns");
  m->end_ns = count(r, run, "end_ns");
  m->timed_out = flag(r, run, "timed_out");
  json_t *a = list(r, run, "processes", &m->n_processes);
  m->processes = room(m->n_processes, sizeof *m->processes);
  for (size_t i = 0; i < m->n_processes; i++) {
    json_t *o = json_array_get(a, i);
    m->processes[i] = (struct qp_process_info){.node = text(r, o, "node"),
                                               .exit = whole(r, o, "exit"),
                                               .signal = whole(r, o, "signal"),
                                               .expected = flag(r, o, "expected")};
  }
  a = list(r, run, "publishers", &m->n_publishers);
  m->publishers = room(m->n_publishers, sizeof *m->publishers);
  for (size_t i = 0; i < m->n_publishers; i++) {
    json_t *o = json_array_get(a, i);
    m->publishers[i] =
        (struct qp_publisher_info){.node = text(r, o, "node"),
                                   .has_planned = member(o, "objects_planned") != NULL,
                                   .planned = count(r, o, "objects_planned"),
                                   .published = count(r, o, "objects_published"),
                                   .late_max_ns = count(r, o, "late_max_ns"),
                                   .late_p99_ns = count(r, o, "late_p99_ns")};
  }
  a = list(r, run, "wires", &m->n_wires);
  m->wires = room(m->n_wires, sizeof *m->wires);
  for (size_t i = 0; i < m->n_wires; i++) {
    json_t *o = json_array_get(a, i);
    m->wires[i] = (struct qp_wire_info){.link = text(r, o, "link"),
                                        .packets = count(r, o, "packets"),
                                        .overflow = count(r, o, "overflow"),
                                        .late_p99_ns = count(r, o, "late_p99_ns"),
                                        .late_max_ns = count(r, o, "late_max_ns")};
  }
  json_t *residue = member(run, "residue");
  m->examined = texts(r, residue, "examined", &m->n_examined);
  m->left = texts(r, residue, "left", &m->n_left);
  m->realtime_minus_monotonic_ns = whole(r, member(root, "machine"), "realtime_minus_monotonic_ns");
}

int qp_manifest_load(const char *dir, struct qp_manifest **out, char *err, size_t err_len) {
  char path[4096];
  json_error_t why;
  snprintf(path, sizeof path, "%s/manifest.json", dir);
  json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
  if (!json_is_object(root)) {
    if (root)
      snprintf(err, err_len, "%s: expected a JSON object", path);
    else if (why.line > 0)
      snprintf(err, err_len, "%s:%d:%d: %s", path, why.line, why.column, why.text);
    else
      snprintf(err, err_len, "%s", why.text);
    json_decref(root);
    return -1;
  }
  struct reader r = {.path = path, .err = err, .err_len = err_len};
  struct qp_manifest *m = calloc(1, sizeof *m);
  m->scenario = text(&r, root, "scenario");
  m->mode = text(&r, root, "mode");
  m->commit = text(&r, root, "commit");
  m->seed = count(&r, root, "seed");
  m->duration_ns = count(&r, root, "duration_ns");
  m->drain_ns = count(&r, root, "drain_ns");
  read_nodes(&r, root, m);
  read_links(&r, root, m);
  read_captures(&r, root, m);
  read_media(&r, root, m);
  read_run(&r, root, m);
  json_decref(root);
  qp_owners_sort(&m->owners);
  if (r.bad) {
    qp_manifest_free(m);
    return -1;
  }
  *out = m;
  return 0;
}

static void free_texts(char **t, size_t n) {
  for (size_t i = 0; i < n; i++)
    free(t[i]);
  free(t);
}

static void free_plan(struct qp_manifest *m) {
  for (size_t i = 0; i < m->n_nodes; i++) {
    struct qp_node *n = &m->nodes[i];
    free(n->name), free(n->file), free(n->role), free(n->relay);
    free(n->protection), free(n->datapath), free(n->congestion), free(n->addresses);
    free(n->route);
  }
  for (size_t i = 0; i < m->n_links; i++)
    free(m->links[i].a), free(m->links[i].b);
  for (size_t i = 0; i < m->n_captures; i++)
    free(m->captures[i].file), free(m->captures[i].node), free(m->captures[i].peer);
  for (size_t i = 0; i < m->n_tracks; i++)
    free(m->tracks[i].name), free(m->tracks[i].from);
  for (size_t i = 0; i < m->n_subscriptions; i++) {
    free(m->subscriptions[i].who);
    free_texts(m->subscriptions[i].tracks, m->subscriptions[i].n_tracks);
  }
  for (size_t i = 0; i < m->n_events; i++)
    free(m->events[i].kind), free(m->events[i].node);
  for (size_t i = 0; i < m->n_closes; i++)
    free(m->closes[i].node), free(m->closes[i].error);
}

void qp_manifest_free(struct qp_manifest *m) {
  if (!m)
    return;
  free_plan(m);
  for (size_t i = 0; i < m->n_processes; i++)
    free(m->processes[i].node);
  for (size_t i = 0; i < m->n_publishers; i++)
    free(m->publishers[i].node);
  for (size_t i = 0; i < m->n_wires; i++)
    free(m->wires[i].link);
  free_texts(m->examined, m->n_examined);
  free_texts(m->left, m->n_left);
  qp_owners_clear(&m->owners);
  free(m->nodes), free(m->links), free(m->captures), free(m->tracks), free(m->subscriptions);
  free(m->events), free(m->closes), free(m->processes), free(m->publishers), free(m->wires);
  free(m->scenario), free(m->mode), free(m->commit);
  free(m);
}

const struct qp_node *qp_manifest_node(const struct qp_manifest *m, const char *name) {
  for (size_t i = 0; i < m->n_nodes; i++)
    if (!strcmp(m->nodes[i].name, name))
      return &m->nodes[i];
  return NULL;
}

uint64_t qp_manifest_delay(const struct qp_manifest *m, const struct qp_node *node,
                           bool towards_relay) {
  uint64_t sum = 0;
  for (size_t i = 0; i < node->n_route; i++) {
    const struct qp_hop *hop = &node->route[i];
    if (hop->link >= m->n_links)
      continue;
    const struct qp_link *l = &m->links[hop->link];
    sum += hop->forward == towards_relay ? l->delay_ns : l->delay_back_ns;
  }
  return sum;
}

static const struct qp_node *node_at(const struct qp_manifest *m, uint32_t i) {
  return i == QP_NOBODY ? NULL : &m->nodes[i];
}

const struct qp_node *qp_manifest_owner(const struct qp_manifest *m, const struct qp_end *end) {
  return node_at(m, qp_owners_find(&m->owners, end));
}

const struct qp_node *qp_manifest_whose(const struct qp_manifest *m, const struct qp_end *end) {
  const struct qp_node *owner = qp_manifest_owner(m, end);
  return owner ? owner : node_at(m, qp_owners_alone(&m->owners, end));
}
