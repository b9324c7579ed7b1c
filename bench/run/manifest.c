#include "bench/run/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <wolfssl/options.h>

#include <ngtcp2/version.h>
#include <wolfssl/version.h>

#include "bench/run/clock.h"
#include "bench/scenario/ways.h"
#include "version.h"

#define FORMAT 1

static json_t *integer(uint64_t n) {
  return json_integer((json_int_t)n);
}

static json_t *node_name(const struct plan *plan, int node) {
  return node >= 0 ? json_string(plan->nodes[node].name) : json_null();
}

static json_t *addresses(const struct plan *plan, const struct topology *net, int node) {
  json_t *list = json_array();
  uint32_t host = plan->nodes[node].host;
  for (size_t k = 0; net != NULL && k < net->n_links; k++) {
    const struct topology_link *link = &net->links[k];
    if (link->host_a == host)
      json_array_append_new(list, json_string(link->pair.a.address));
    else if (link->host_b == host)
      json_array_append_new(list, json_string(link->pair.b.address));
  }
  return list;
}

/* The links between a node and the relay it dials, in order; forward: from a to b. */
static json_t *route(const struct plan *plan, struct plan_ways *ways,
                     const struct plan_node *node) {
  json_t *list = json_array();
  const uint32_t relay = plan->nodes[node->relay].host;
  const int ip = plan_ways_ip(ways, node->host, relay);
  for (uint32_t at = node->host; ip != 0 && at != relay;) {
    const int link = plan_ways_next(ways, at, relay, ip);
    const bool forward = plan->nodes[plan->links[link].a].host == at;
    json_array_append_new(list, json_pack("{s:i, s:b}", "link", link, "forward", (int)forward));
    at = plan_ways_far(ways, link, at);
  }
  return list;
}

static json_t *nodes(const struct manifest *m) {
  const struct plan *plan = m->plan;
  json_t *list = json_array();
  struct plan_ways *ways = plan_ways_new(plan);
  for (size_t i = 0; i < plan->n_nodes; i++) {
    const struct plan_node *node = &plan->nodes[i];
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:s, s:o, s:I}", "name", node->name, "file", node->file_name,
        "role", plan_role_name(node->role), "host", (json_int_t)node->host, "relay",
        node_name(plan, node->relay), "protection", plan_protection_name(node->protection),
        "address", addresses(plan, m->net, (int)i), "port", (json_int_t)command_port(plan, (int)i));
    /* endpoints: bench/peer takes ngtcp2's NewReno */
    const enum plan_congestion congestion =
        node->role == PLAN_RELAY ? node->congestion : PLAN_NEWRENO;
    json_object_set_new(o, "congestion", json_string(plan_congestion_name(congestion)));
    if (node->role == PLAN_RELAY) {
      json_object_set_new(o, "datapath", json_string(plan_datapath_name(node->datapath)));
      json_object_set_new(o, "cipher", json_string(plan_cipher_name(node->cipher)));
    }
    if (node->relay >= 0)
      json_object_set_new(o, "route", route(plan, ways, node));
    json_array_append_new(list, o);
  }
  plan_ways_free(ways);
  return list;
}

static json_t *links(const struct manifest *m) {
  json_t *list = json_array();
  for (size_t k = 0; m->net != NULL && k < m->net->n_links; k++) {
    const struct plan_link *link = &m->plan->links[k];
    const struct veth_pair *pair = &m->net->links[k].pair;
    json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:s, s:s, s:I, s:b, s:I, s:I}", "a",
                                          node_name(m->plan, link->a), "b",
                                          node_name(m->plan, link->b), "ip", link->ip, "a_address",
                                          pair->a.address, "b_address", pair->b.address, "mtu",
                                          (json_int_t)link->mtu, "plain", (int)link->plain,
                                          "delay_ns", (json_int_t)link->forward.delay_ns,
                                          "delay_back_ns", (json_int_t)link->backward.delay_ns));
  }
  return list;
}

static json_t *captures(const struct manifest *m) {
  json_t *list = json_array();
  for (size_t i = 0; m->captures != NULL && i < m->captures->n; i++) {
    const struct capture_point *point = &m->captures->points[i];
    json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:I, s:I}", "file", point->file, "node",
                                          node_name(m->plan, point->node), "peer",
                                          node_name(m->plan, point->peer), "packets",
                                          (json_int_t)point->packets, "dropped",
                                          (json_int_t)point->dropped));
  }
  return list;
}

/* A trace or file is cut by its publisher; a synthetic source is arithmetic. */
int64_t manifest_objects_planned(const struct plan *plan, const struct plan_track *track) {
  if (track->trace != NULL || track->file != NULL || track->layers > 1 || track->every_ns == 0)
    return -1;
  uint64_t n = (plan->duration_ns + track->every_ns - 1) / track->every_ns;
  return (int64_t)(track->objects != 0 && track->objects < n ? track->objects : n);
}

static json_t *tracks(const struct plan *plan) {
  static const char *const subgroup[] = {[PLAN_SUBGROUP_GROUP] = "group",
                                         [PLAN_SUBGROUP_OBJECT] = "object",
                                         [PLAN_SUBGROUP_LAYER] = "layer"};
  json_t *list = json_array();
  for (size_t i = 0; i < plan->n_tracks; i++) {
    const struct plan_track *track = &plan->tracks[i];
    int64_t planned = manifest_objects_planned(plan, track);
    json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s, s:i, s:o}", "name", track->name,
                                          "from", node_name(plan, track->from), "as",
                                          track->as == PLAN_DATAGRAMS ? "datagrams" : "subgroups",
                                          "subgroup", subgroup[track->subgroup], "priority",
                                          (int)track->priority, "objects_planned",
                                          planned >= 0 ? json_integer(planned) : json_null()));
  }
  return list;
}

static json_t *track_names(const struct plan *plan, const int *indexes, size_t n) {
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(list, json_string(plan->tracks[indexes[i]].name));
  return list;
}

static json_t *subscriptions(const struct plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    const struct plan_subscription *s = &plan->subscriptions[i];
    json_array_append_new(
        list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "who", node_name(plan, s->who), "tracks",
                        track_names(plan, s->tracks, s->n_tracks), "at_ns", integer(s->at_ns),
                        "priority_limit",
                        s->priority_limit >= 0 ? json_integer(s->priority_limit) : json_null(),
                        "delivery_timeout_ns", integer(s->delivery_timeout_ns)));
  }
  return list;
}

static json_t *events(const struct plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->n_events; i++)
    json_array_append_new(list,
                          json_pack("{s:o, s:s, s:o}", "at_ns", integer(plan->events[i].at_ns),
                                    "kind", plan_event_name(plan->events[i].kind), "node",
                                    node_name(plan, plan->events[i].node)));
  return list;
}

/* What `expect` says about latency; NULL: nothing. */
static json_t *latency_budget(const struct plan *plan) {
  for (size_t i = 0; i < plan->n_expects; i++) {
    const struct plan_expect *e = &plan->expects[i];
    if (strcmp(e->check, "latency") == 0 && !e->skip)
      return json_pack("{s:o, s:o, s:o}", "p50_ns", integer(e->p50_ns), "p99_ns",
                       integer(e->p99_ns), "max_ns", integer(e->max_ns));
  }
  return NULL;
}

static json_t *defects(const struct plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->n_defects; i++)
    json_array_append_new(list, json_string(plan->defects[i].name));
  return list;
}

/* What close-clean is to expect. */
static json_t *closes(const struct plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->n_closes; i++)
    json_array_append_new(list,
                          json_pack("{s:s, s:s}", "node", plan->nodes[plan->closes[i].node].name,
                                    "error", plan->closes[i].error));
  return list;
}

static json_t *processes(const struct cast *cast) {
  json_t *list = json_array();
  for (size_t i = 0; i < cast->n; i++) {
    const struct process *p = cast->all[i];
    json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:b}", "node", p->name, "exit",
                                          p->exit_code, "signal", p->signal, "expected",
                                          (int)(p->exited && process_end_expected(p))));
  }
  return list;
}

/* The publisher's own number, else the sum over its tracks if all are known. */
static json_t *planned_by(const struct plan *plan, const struct process *p) {
  if (p->knows_planned)
    return integer(p->objects_planned);
  int64_t sum = 0;
  for (size_t i = 0; i < plan->n_tracks; i++) {
    if (plan->tracks[i].from != p->node)
      continue;
    int64_t n = manifest_objects_planned(plan, &plan->tracks[i]);
    if (n < 0)
      return p->published ? integer(p->objects_published) : json_null();
    sum += n;
  }
  return json_integer(sum);
}

static json_t *publishers(const struct plan *plan, const struct cast *cast) {
  json_t *list = json_array();
  for (size_t i = 0; i < cast->n; i++) {
    const struct process *p = cast->all[i];
    if (p->node < 0 || plan->nodes[p->node].role != PLAN_PUBLISHER) /* no rogue promises a load */
      continue;
    if (!p->published && (p->doomed || cast_lost_relay(cast, p)))
      continue; /* the timeline ended it, or its relay: the load was never to be whole */
    json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "node", p->name,
                                          "objects_planned", planned_by(plan, p),
                                          "objects_published", integer(p->objects_published),
                                          "late_max_ns", integer(p->late_max_ns), "late_p99_ns",
                                          integer(p->late_p99_ns)));
  }
  return list;
}

static json_t *run(const struct manifest *m) {
  json_t *o =
      json_pack("{s:o, s:o, s:b}", "start_ns", integer(m->start_ns), "end_ns", integer(m->end_ns),
                "timed_out", m->cast != NULL ? (int)m->cast->timed_out : 0);
  if (m->cast != NULL) {
    json_object_set_new(o, "ended_early",
                        m->cast->ended[0] != '\0' ? json_string(m->cast->ended) : json_null());
    json_object_set_new(o, "processes", processes(m->cast));
    json_object_set_new(o, "publishers", publishers(m->plan, m->cast));
    if (m->cast->wire != NULL && m->cast->wire->wires != NULL)
      json_object_set(o, "wires", m->cast->wire->wires);
  }
  if (m->residue != NULL)
    json_object_set(o, "residue", m->residue);
  return o;
}

/* How long each took; the last one is still going on. */
static json_t *phases(const struct manifest *m) {
  json_t *list = json_array();
  for (size_t i = 0; i < m->n_phases; i++) {
    const uint64_t until_ns = i + 1 < m->n_phases ? m->phases[i + 1].from_ns : clock_now();
    json_array_append_new(list, json_pack("{s:s, s:I}", "phase", m->phases[i].what, "ns",
                                          (json_int_t)(until_ns - m->phases[i].from_ns)));
  }
  return list;
}

/* The processor time by parts, as far as it was sampled. */
static json_t *simulation(const struct manifest *m) {
  json_t *o = json_pack("{s:I, s:I, s:I}", "wall_ns", (json_int_t)m->sim_wall_ns, "cpu_ns",
                        (json_int_t)m->sim_cpu_ns, "peak_bytes", (json_int_t)m->sim_peak_bytes);
  json_t *parts = json_object();
  uint64_t all = 0;
  for (int i = 0; i < SIM_PARTS; i++)
    all += m->sim_parts.samples[i];
  for (int i = 0; all > 0 && i < SIM_PARTS; i++)
    json_object_set_new(parts, sim_part_names[i],
                        integer(m->sim_cpu_ns / all * m->sim_parts.samples[i]));
  json_object_set_new(o, "parts_ns", parts);
  return o;
}

static json_t *machine(const struct manifest *m) {
  struct utsname name = {0};
  uname(&name);
  char kernel[200], wall[40] = "";
  snprintf(kernel, sizeof kernel, "%s %s", name.sysname, name.release);
  time_t seconds = (time_t)(m->wall_ns / CLOCK_S);
  struct tm utc;
  if (gmtime_r(&seconds, &utc) != NULL)
    strftime(wall, sizeof wall, "%Y-%m-%dT%H:%M:%SZ", &utc);
  json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "kernel", kernel, "host", name.nodename,
                        "compiler", __VERSION__, "wall_time", wall, "cpus",
                        (int)sysconf(_SC_NPROCESSORS_ONLN), "realtime_minus_monotonic_ns",
                        (json_int_t)m->realtime_minus_monotonic_ns);
  if (m->n_phases > 0)
    json_object_set_new(o, "phases", phases(m));
  if (m->sim_wall_ns != 0)
    json_object_set_new(o, "simulation", simulation(m));
  return o;
}

static json_t *make(const struct manifest *m) {
  const struct plan *plan = m->plan;
  json_t *o =
      json_pack("{s:i, s:s, s:s, s:s, s:o, s:s, s:{s:s, s:s, s:s}, s:o, s:o}", "format", FORMAT,
                "scenario", plan->name, "about", plan->about, "mode", m->mode, "seed",
                integer(plan->seed), "commit", FANBENCH_COMMIT, "versions", "fanbench",
                FANBENCH_VERSION, "ngtcp2", NGTCP2_VERSION, "wolfssl", LIBWOLFSSL_VERSION_STRING,
                "duration_ns", integer(plan->duration_ns), "drain_ns", integer(plan->drain_ns));
  if (o == NULL)
    return NULL;
  json_object_set_new(o, "nodes", nodes(m));
  json_object_set_new(o, "links", links(m));
  json_object_set_new(o, "captures", captures(m));
  json_object_set_new(o, "tracks", tracks(plan));
  json_object_set_new(o, "subscriptions", subscriptions(plan));
  json_object_set_new(o, "events", events(plan));
  json_object_set_new(o, "defects", defects(plan));
  if (plan->n_closes != 0)
    json_object_set_new(o, "closes", closes(plan));
  json_t *budget = latency_budget(plan);
  if (budget != NULL)
    json_object_set_new(o, "latency_budget", budget);
  if (m->end_ns != 0) /* absent: nothing came to an end yet */
    json_object_set_new(o, "run", run(m));
  json_object_set_new(o, "machine", machine(m));
  return o;
}

static int save(const char *dir, const json_t *manifest, char *err, size_t err_len) {
  char *path = NULL, *fresh = NULL;
  int rc = -1;
  if (manifest == NULL || asprintf(&path, "%s/manifest.json", dir) < 0 ||
      asprintf(&fresh, "%s.new", path) < 0)
    errno = ENOMEM;
  else if (json_dump_file(manifest, fresh, JSON_INDENT(1)) == 0 && rename(fresh, path) == 0)
    rc = 0;
  if (rc != 0)
    snprintf(err, err_len, "cannot write %s/manifest.json: %s", dir, strerror(errno));
  free(fresh);
  free(path);
  return rc;
}

int manifest_write(const char *dir, const struct manifest *m, char *err, size_t err_len) {
  json_t *o = make(m);
  int rc = save(dir, o, err, err_len);
  json_decref(o);
  return rc;
}

int manifest_change(const char *dir, void (*change)(json_t *manifest, void *arg), void *arg,
                    char *err, size_t err_len) {
  char *path = NULL;
  json_error_t where = {.text = "no memory"};
  json_t *o = NULL;
  if (asprintf(&path, "%s/manifest.json", dir) >= 0) {
    o = json_load_file(path, 0, &where);
    free(path);
  }
  if (!json_is_object(o)) {
    snprintf(err, err_len, "cannot read %s/manifest.json: %s", dir, where.text);
    json_decref(o);
    return -1;
  }
  change(o, arg);
  int rc = save(dir, o, err, err_len);
  json_decref(o);
  return rc;
}
