/* A model as a scenario file that says no more than it must. */
#include <stdlib.h>
#include <string.h>

#include "bench/explore/model.h"
#include "bench/scenario/impairs.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"
#include "bench/scenario/write.h"

#define TIME(ns)    plan_unit_time_text(ns).text
#define RATE(bps)   plan_unit_rate_text(bps).text
#define SIZE(bytes) plan_unit_size_text(bytes).text
#define SHARE(ppm)  plan_unit_share_text(ppm).text

typedef unsigned long long ull;

/* The keys of one flow mapping: "a: 1, b: 2". */
struct keys {
  FILE *to;
  bool any;
};

static FILE *key(struct keys *k, const char *name) {
  fprintf(k->to, "%s%s: ", k->any ? ", " : "", name);
  k->any = true;
  return k->to;
}

/* "sub[1]" -> "sub-1" */
struct name {
  char text[64];
};
static struct name name_of(const struct model *m, int node) {
  const char *from = m->plan->nodes[node].name;
  struct name name = {{0}};
  for (size_t i = 0; *from && i + 1 < sizeof name.text; from++)
    if (*from != ']')
      name.text[i++] = *from == '[' ? '-' : *from;
  return name;
}
#define NAME(node) name_of(m, node).text

/* As a person reads it: what is not ASCII stays, a control character becomes a blank. */
static void put_quoted(FILE *to, const char *text) {
  fputc('"', to);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      fputc('\\', to);
    fputc((unsigned char)*text < 0x20 ? ' ' : *text, to);
  }
  fputc('"', to);
}

static size_t count_relays(const struct model *m) {
  size_t n = 0;
  for (size_t i = 0; i < m->plan->n_nodes; i++)
    n += m->plan->nodes[i].role == PLAN_RELAY && model_has_node(m, (int)i);
  return n;
}

static void put_relay(const struct model *m, const struct plan_node *node, struct keys *k) {
  fputs(plan_words_datapath[node->datapath], key(k, "datapath"));
  fputs(plan_words_protection[node->protection], key(k, "protection"));
  if (node->protection == PLAN_PROT_TLS)
    fputs(plan_words_cipher[node->cipher], key(k, "cipher"));
  if (node->congestion != PLAN_NEWRENO)
    fputs(plan_words_congestion[node->congestion], key(k, "congestion"));
  if (strcmp(node->policy, "none") != 0)
    fputs(node->policy, key(k, "policy"));
  if (node->cache_bytes != 16u << 20)
    fputs(SIZE(node->cache_bytes), key(k, "cache"));
  if (node->relay >= 0)
    fputs(NAME(node->relay), key(k, "upstream"));
}

static void put_endpoint(const struct model *m, const struct plan_node *node, struct keys *k) {
  if (count_relays(m) > 1)
    fputs(NAME(node->relay), key(k, "relay"));
  if (node->window_bytes != 1u << 20)
    fputs(SIZE(node->window_bytes), key(k, "window"));
  if (node->max_streams != 100)
    fprintf(key(k, "streams"), "%llu", (ull)node->max_streams);
  if (node->cid_len != 8)
    fprintf(key(k, "cid_len"), "%u", node->cid_len);
  if (node->ack_delay_ns != 25000000)
    fputs(TIME(node->ack_delay_ns), key(k, "ack_delay"));
  if (node->does)
    plan_write_deeds(key(k, "does"), node->does);
}

static void put_nodes(FILE *to, const struct model *m) {
  fputs("nodes:\n", to);
  for (size_t i = 0; i < m->plan->n_nodes; i++) {
    const struct plan_node *node = &m->plan->nodes[i];
    if (!model_has_node(m, (int)i))
      continue;
    fprintf(to, "  %s: { role: %s", NAME((int)i), plan_words_role[node->role]);
    struct keys k = {to, true};
    if (node->role == PLAN_RELAY)
      put_relay(m, node, &k);
    else if (node->role != PLAN_ROUTER)
      put_endpoint(m, node, &k);
    fputs(" }\n", to);
  }
}

/* What differs from `from`. */
static void put_impair(struct keys *k, const struct plan_impair *i,
                       const struct plan_impair *from) {
  if (i->delay_ns != from->delay_ns)
    fputs(TIME(i->delay_ns), key(k, "delay"));
  if (i->jitter_ns != from->jitter_ns)
    fputs(TIME(i->jitter_ns), key(k, "jitter"));
  if (i->loss_ppm != from->loss_ppm)
    fputs(SHARE(i->loss_ppm), key(k, "loss"));
  if (i->duplicate_ppm != from->duplicate_ppm)
    fputs(SHARE(i->duplicate_ppm), key(k, "duplicate"));
  if (i->corrupt_ppm != from->corrupt_ppm)
    fputs(SHARE(i->corrupt_ppm), key(k, "corrupt"));
  if (i->rate_bps != from->rate_bps)
    fputs(RATE(i->rate_bps), key(k, "rate"));
  if (i->queue_bytes != from->queue_bytes)
    fputs(SIZE(i->queue_bytes), key(k, "queue"));
  if (i->reorder_ppm != from->reorder_ppm || i->reorder_by_ns != from->reorder_by_ns)
    fprintf(key(k, "reorder"), "{ share: %s, by: %s }", SHARE(i->reorder_ppm),
            TIME(i->reorder_by_ns));
  if (i->burst)
    fprintf(key(k, "burst"), "{ enter: %s, leave: %s, loss: %s }", SHARE(i->burst_enter_ppm),
            SHARE(i->burst_leave_ppm), SHARE(i->burst_loss_ppm));
  else if (from->burst)
    fputs("off", key(k, "burst"));
}

static const struct plan_impair plain;

static void put_direction(struct keys *of_link, const char *name, const struct plan_impair *impair,
                          const struct plan_fault *faults, size_t n_faults) {
  struct keys k = {of_link->to, false};
  if (plan_impair_equal(impair, &plain) && !n_faults)
    return;
  fputs("{ ", key(of_link, name));
  put_impair(&k, impair, &plain);
  if (n_faults)
    plan_write_faults(key(&k, "faults"), faults, n_faults);
  fputs(" }", of_link->to);
}

/* One line for each pair of nodes: a link is between hosts, and several nodes may have
 * shared one. */
static void put_link(FILE *to, const struct model *m, const struct plan_link *l, int a, int b) {
  struct keys k = {to, true};
  bool same = plan_impair_equal(&l->forward, &l->backward);
  fprintf(to, "  - { between: [%s, %s]", NAME(a), NAME(b));
  if (l->ip != 4)
    fprintf(key(&k, "ip"), "%d", l->ip);
  if (l->mtu != 1500)
    fprintf(key(&k, "mtu"), "%u", l->mtu);
  if (same)
    put_impair(&k, &l->forward, &plain);
  put_direction(&k, "forward", same ? &plain : &l->forward, l->forward_faults, l->n_forward_faults);
  put_direction(&k, "backward", same ? &plain : &l->backward, l->backward_faults,
                l->n_backward_faults);
  fputs(" }\n", to);
}

static void put_links(FILE *to, const struct model *m) {
  fputs("links:\n", to);
  for (size_t i = 0; i < m->plan->n_links; i++) {
    const struct plan_link *l = &m->plan->links[i];
    const uint32_t host_a = m->plan->nodes[l->a].host, host_b = m->plan->nodes[l->b].host;
    if (m->no_link[i])
      continue;
    for (size_t a = 0; a < m->plan->n_nodes; a++)
      for (size_t b = 0; m->plan->nodes[a].host == host_a && b < m->plan->n_nodes; b++)
        if (m->plan->nodes[b].host == host_b && model_has_node(m, (int)a) &&
            model_has_node(m, (int)b))
          put_link(to, m, l, (int)a, (int)b);
  }
}

static void put_source(const struct plan_track *t, struct keys *k) {
  if (t->trace_path) {
    put_quoted(key(k, "trace"), t->trace_path);
    return;
  }
  fputs(TIME(t->every_ns), key(k, "every"));
  fprintf(key(k, "size"), "%llu", (ull)t->size_min);
  if (t->size_max != t->size_min)
    fprintf(k->to, "..%llu", (ull)t->size_max);
  if (t->group_objects != 25)
    fprintf(key(k, "group"), "%u", t->group_objects);
  if (t->priority != 128)
    fprintf(key(k, "priority"), "%u", t->priority);
  if (t->file)
    put_quoted(key(k, "file"), t->file);
}

static void put_tracks(FILE *to, const struct model *m) {
  fputs("tracks:\n", to);
  for (size_t i = 0; i < m->plan->n_tracks; i++) {
    const struct plan_track *t = &m->plan->tracks[i];
    struct keys k = {to, true};
    if (!model_has_track(m, (int)i))
      continue;
    fprintf(to, "  %s: { from: %s, as: %s", t->name, NAME(t->from), plan_words_as[t->as]);
    if (t->as == PLAN_SUBGROUPS && t->subgroup != PLAN_SUBGROUP_GROUP)
      fputs(plan_words_subgroup[t->subgroup], key(&k, "subgroup"));
    if (t->as == PLAN_SUBGROUPS && t->subgroup == PLAN_SUBGROUP_LAYER)
      fprintf(key(&k, "layers"), "%u", t->layers);
    put_source(t, &k);
    if (t->objects)
      fprintf(key(&k, "objects"), "%llu", (ull)t->objects);
    fputs(" }\n", to);
  }
}

static void put_track_list(FILE *to, const struct model *m, const int *tracks, size_t n) {
  const char *between = "[";
  for (size_t i = 0; i < n; i++) {
    if (!model_has_track(m, tracks[i]))
      continue;
    fprintf(to, "%s%s", between, m->plan->tracks[tracks[i]].name);
    between = ", ";
  }
  fputc(']', to);
}

static void put_subscriptions(FILE *to, const struct model *m) {
  const char *title = "subscriptions:\n";
  for (size_t i = 0; i < m->plan->n_subscriptions; i++) {
    const struct plan_subscription *s = &m->plan->subscriptions[i];
    struct keys k = {to, true};
    if (!model_has_subscription(m, i))
      continue;
    fprintf(to, "%s  - { who: %s", title, NAME(s->who));
    put_track_list(key(&k, "tracks"), m, s->tracks, s->n_tracks);
    if (s->at_ns)
      fputs(TIME(s->at_ns), key(&k, "at"));
    if (s->priority_limit >= 0)
      fprintf(key(&k, "priority_limit"), "%d", s->priority_limit);
    if (s->delivery_timeout_ns)
      fputs(TIME(s->delivery_timeout_ns), key(&k, "delivery_timeout"));
    fputs(" }\n", to);
    title = "";
  }
}

/* What it sets, against all that this link was before in the file: keys of earlier
 * events must be taken back, too. */
static void put_set(FILE *to, const char *name, const struct plan_impair *now,
                    const struct plan_impair *before, struct keys *of) {
  struct keys k = {to, false};
  if (plan_impair_equal(now, before))
    return;
  fputs("{ ", key(of, name));
  put_impair(&k, now, before);
  fputs(" }", to);
}

static void put_link_event(FILE *to, const struct model *m, size_t at) {
  const struct plan_event *e = &m->plan->events[at];
  const struct plan_link *l = &m->plan->links[e->link];
  struct plan_impair there = l->forward, back = l->backward;
  fprintf(to, ", link: [%s, %s]", NAME(l->a), NAME(l->b));
  if (e->kind != PLAN_EV_LINK_SET) {
    fprintf(to, ", do: %s", plan_event_name(e->kind));
    return;
  }
  for (size_t i = 0; i < at; i++) {
    const struct plan_event *earlier = &m->plan->events[i];
    if (earlier->kind == PLAN_EV_LINK_SET && earlier->link == e->link && model_has_event(m, i)) {
      there = earlier->set;
      back = earlier->set_backward;
    }
  }
  struct keys k = {to, false};
  fputs(", set: { ", to);
  put_set(to, "forward", &e->set, &there, &k);
  put_set(to, "backward", &e->set_backward, &back, &k);
  if (!k.any) /* it sets what is there already */
    fprintf(to, "forward: { delay: %s }", TIME(e->set.delay_ns));
  fputs(" }", to);
}

static void put_node_event(FILE *to, const struct model *m, const struct plan_event *e) {
  fprintf(to, ", node: %s, ", NAME(e->node));
  if (e->kind == PLAN_EV_PRIORITY_LIMIT) {
    if (e->priority_limit < 0)
      fputs("set: { priority_limit: none }", to);
    else
      fprintf(to, "set: { priority_limit: %d }", e->priority_limit);
    return;
  }
  struct keys k = {to, true};
  fprintf(to, "do: %s", plan_event_name(e->kind));
  if (e->kind == PLAN_EV_RECONNECT && e->same_port)
    fputs(plan_words_flag[true], key(&k, "same_port"));
  if (e->kind == PLAN_EV_STALL)
    fputs(TIME(e->for_ns), key(&k, "for"));
  if (e->n_tracks)
    put_track_list(key(&k, "tracks"), m, e->tracks, e->n_tracks);
}

static void put_timeline(FILE *to, const struct model *m) {
  const char *title = "timeline:\n";
  for (size_t i = 0; i < m->plan->n_events; i++) {
    const struct plan_event *e = &m->plan->events[i];
    if (!model_has_event(m, i))
      continue;
    fprintf(to, "%s  - { at: %s", title, TIME(e->at_ns));
    if (e->link >= 0)
      put_link_event(to, m, i);
    else
      put_node_event(to, m, e);
    fputs(" }\n", to);
    title = "";
  }
}

static void put_defects(FILE *to, const struct plan *plan) {
  struct keys k = {to, false};
  if (plan->n_defects)
    fputs("defects: [", to);
  for (size_t i = 0; i < plan->n_defects; i++) {
    const struct plan_defect *d = &plan->defects[i];
    if (d->value)
      fputs(d->value, key(&k, d->name));
    else
      fprintf(to, "%s%s", k.any ? ", " : "", d->name);
    k.any = true;
  }
  if (plan->n_defects)
    fputs("]\n", to);
}

char *model_text(const struct model *m, const char *name, const char *about, size_t *len) {
  const struct plan *plan = m->plan;
  char *text = NULL;
  FILE *to = open_memstream(&text, len);
  if (!to)
    return NULL;
  fprintf(to, "scenario: %s\nabout: ", name);
  put_quoted(to, about);
  fprintf(to, "\nseed: %llu\nduration: %s\n", (ull)plan->seed, TIME(plan->duration_ns));
  if (plan->drain_ns != 5000000000)
    fprintf(to, "drain: %s\n", TIME(plan->drain_ns));
  if (plan->interleave)
    fprintf(to, "interleave: %u\n", plan->interleave);
  put_nodes(to, m);
  put_links(to, m);
  put_tracks(to, m);
  put_subscriptions(to, m);
  put_timeline(to, m);
  put_defects(to, plan);
  bool failed = ferror(to) != 0;
  failed = fclose(to) != 0 || failed;
  if (!failed)
    return text;
  free(text);
  return NULL;
}
