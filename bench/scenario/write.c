/* A plan as a scenario file: everything is spelled out, so that the file means
 * the same whatever the defaults of tomorrow are. */
#include "bench/scenario/write.h"

#include "bench/scenario/impairs.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/runs.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIME(ns)    plan_unit_time_text(ns).text
#define RATE(bps)   plan_unit_rate_text(bps).text
#define SIZE(bytes) plan_unit_size_text(bytes).text
#define SHARE(ppm)  plan_unit_share_text(ppm).text

typedef unsigned long long ull;

/* One UTF-8 character; an incomplete one is taken byte by byte. */
static uint32_t next_char(const unsigned char **at) {
  const unsigned char *c = *at;
  int more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : *c >= 0xc0 ? 1 : 0;
  uint32_t code = more ? *c & (0x3fu >> more) : *c;
  for (int i = 1; i <= more; i++) {
    if ((c[i] & 0xc0) != 0x80) {
      ++*at;
      return *c;
    }
    code = code << 6 | (c[i] & 0x3f);
  }
  *at += more + 1;
  return code;
}

/* Double-quoted; whatever is not plain ASCII is escaped. */
static void put_text(FILE *to, const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  fputc('"', to);
  while (*at) {
    uint32_t c = next_char(&at);
    if (c == '"' || c == '\\')
      fprintf(to, "\\%c", (int)c);
    else if (c >= 0x20 && c < 0x7f)
      fputc((int)c, to);
    else if (c <= 0xff)
      fprintf(to, "\\x%02x", c);
    else if (c <= 0xffff)
      fprintf(to, "\\u%04x", c);
    else
      fprintf(to, "\\U%08x", c);
  }
  fputc('"', to);
}

void plan_write_deeds(FILE *to, uint32_t does) {
  const char *between = "[";
  for (int deed = 0; plan_words_deed[deed]; deed++) {
    if (!(does >> deed & 1))
      continue;
    fprintf(to, "%s%s", between, plan_words_deed[deed]);
    between = ", ";
  }
  fputc(']', to);
}

static void put_node(FILE *to, const struct plan *plan, size_t first, size_t n) {
  const struct plan_node *node = &plan->nodes[first];
  size_t per_host = 1;
  while (per_host < n && plan->nodes[first + per_host].host == node->host)
    per_host++;
  fprintf(to, "  %s: { role: %s, count: %zu", node->group, plan_words_role[node->role], n);
  if (node->role == PLAN_RELAY) {
    fprintf(to, ", datapath: %s, protection: %s, cipher: %s, congestion: %s",
            plan_words_datapath[node->datapath], plan_words_protection[node->protection],
            plan_words_cipher[node->cipher], plan_words_congestion[node->congestion]);
    fprintf(to, ", policy: %s, cache: %s", node->policy, SIZE(node->cache_bytes));
    if (node->relay >= 0)
      fprintf(to, ", upstream: \"%s\"", plan->nodes[node->relay].name);
  } else if (node->role != PLAN_ROUTER) {
    fprintf(to, ", per_host: %zu, relay: \"%s\"", per_host, plan->nodes[node->relay].name);
    fprintf(to, ", window: %s, streams: %llu, cid_len: %u, ack_delay: %s", SIZE(node->window_bytes),
            (ull)node->max_streams, node->cid_len, TIME(node->ack_delay_ns));
    if (node->does) {
      fputs(", does: ", to);
      plan_write_deeds(to, node->does);
    }
  }
  fputs(" }\n", to);
}

static void put_nodes(FILE *to, const struct plan *plan) {
  fputs("nodes:\n", to);
  for (size_t i = 0, n; i < plan->n_nodes; i += n) {
    for (n = 1; i + n < plan->n_nodes && plan->nodes[i + n].index != 0;)
      n++;
    put_node(to, plan, i, n);
  }
}

static void put_impair(FILE *to, const struct plan_impair *i) {
  fprintf(to, "delay: %s, jitter: %s, ", TIME(i->delay_ns), TIME(i->jitter_ns));
  fprintf(to, "loss: %s, duplicate: %s, corrupt: %s, ", SHARE(i->loss_ppm), SHARE(i->duplicate_ppm),
          SHARE(i->corrupt_ppm));
  fprintf(to, "rate: %s, queue: %s, ", RATE(i->rate_bps), SIZE(i->queue_bytes));
  fprintf(to, "reorder: { share: %s, by: %s }, ", SHARE(i->reorder_ppm), TIME(i->reorder_by_ns));
  if (i->burst)
    fprintf(to, "burst: { enter: %s, leave: %s, loss: %s }", SHARE(i->burst_enter_ppm),
            SHARE(i->burst_leave_ppm), SHARE(i->burst_loss_ppm));
  else
    fputs("burst: off", to);
}

void plan_write_faults(FILE *to, const struct plan_fault *faults, size_t n) {
  fputc('[', to);
  for (size_t i = 0; i < n; i++) {
    const struct plan_fault *f = &faults[i];
    fprintf(to, "%s{ do: %s", i ? ", " : "", plan_words_fault[f->what]);
    if (f->frame)
      fprintf(to, ", frame: %s", f->frame);
    if (f->nth)
      fprintf(to, ", nth: %llu", (ull)f->nth);
    if (f->index_lo <= f->index_hi)
      fprintf(to, ", index: %llu..%llu", (ull)f->index_lo, (ull)f->index_hi);
    if (f->what == PLAN_FAULT_DELAY)
      fprintf(to, ", by: %s", TIME(f->by_ns));
    fputs(" }", to);
  }
  fputc(']', to);
}

static void put_direction(FILE *to, const char *key, const struct plan_impair *impair,
                          const struct plan_fault *faults, size_t n_faults) {
  if (plan_impair_is_plain(impair) && !n_faults)
    return;
  fprintf(to, "    %s: { ", key);
  put_impair(to, impair);
  if (n_faults) {
    fputs(", faults: ", to);
    plan_write_faults(to, faults, n_faults);
  }
  fputs(" }\n", to);
}

static void put_links(FILE *to, const struct plan *plan) {
  if (plan->n_links)
    fputs("links:\n", to);
  for (size_t i = 0, n; i < plan->n_links; i += n) {
    const struct plan_link *link = &plan->links[i];
    const char *a, *b;
    n = plan_run_of_links(plan, i, &a, &b);
    fprintf(to, "  - between: [\"%s\", \"%s\"]\n    ip: %d\n    mtu: %u\n", a, b, link->ip,
            link->mtu);
    put_direction(to, "forward", &link->forward, link->forward_faults, link->n_forward_faults);
    put_direction(to, "backward", &link->backward, link->backward_faults, link->n_backward_faults);
  }
}

static void put_tracks(FILE *to, const struct plan *plan) {
  if (plan->n_tracks)
    fputs("tracks:\n", to);
  for (size_t i = 0; i < plan->n_tracks; i++) {
    const struct plan_track *track = &plan->tracks[i];
    fprintf(to, "  %s: { from: \"%s\", as: %s, objects: %llu", track->name,
            plan->nodes[track->from].name, plan_words_as[track->as], (ull)track->objects);
    if (track->as == PLAN_SUBGROUPS)
      fprintf(to, ", subgroup: %s", plan_words_subgroup[track->subgroup]);
    if (track->as == PLAN_SUBGROUPS && track->subgroup == PLAN_SUBGROUP_LAYER)
      fprintf(to, ", layers: %u", track->layers);
    if (track->trace_path) {
      fputs(", trace: ", to);
      put_text(to, track->trace_path);
    } else {
      fprintf(to, ", every: %s, size: %llu..%llu, group: %u, priority: %u", TIME(track->every_ns),
              (ull)track->size_min, (ull)track->size_max, track->group_objects, track->priority);
    }
    if (track->file) {
      fputs(", file: ", to);
      put_text(to, track->file);
    }
    fputs(" }\n", to);
  }
}

static void put_track_list(FILE *to, const struct plan *plan, const int *tracks, size_t n) {
  fputs(", tracks: [", to);
  for (size_t i = 0; i < n; i++)
    fprintf(to, "%s%s", i ? ", " : "", plan->tracks[tracks[i]].name);
  fputs("]", to);
}

static void put_limit(FILE *to, int limit) {
  if (limit < 0)
    fputs("priority_limit: none", to);
  else
    fprintf(to, "priority_limit: %d", limit);
}

static void put_subscriptions(FILE *to, const struct plan *plan) {
  if (plan->n_subscriptions)
    fputs("subscriptions:\n", to);
  for (size_t i = 0, n; i < plan->n_subscriptions; i += n) {
    const struct plan_subscription *sub = &plan->subscriptions[i];
    const char *who;
    n = plan_run_of_subscriptions(plan, i, &who);
    fprintf(to, "  - { who: \"%s\", at: %s, start: %s, delivery_timeout: %s, ", who,
            TIME(sub->at_ns), plan_words_start[sub->start], TIME(sub->delivery_timeout_ns));
    put_limit(to, sub->priority_limit);
    put_track_list(to, plan, sub->tracks, sub->n_tracks);
    fputs(" }\n", to);
  }
}

static void put_link_event(FILE *to, const char *a, const char *b, const struct plan_event *event) {
  fprintf(to, ", link: [\"%s\", \"%s\"]", a, b);
  if (event->kind != PLAN_EV_LINK_SET) {
    fprintf(to, ", do: %s", plan_event_name(event->kind));
    return;
  }
  fputs(", set: { forward: { ", to);
  put_impair(to, event->reverse ? &event->set_backward : &event->set);
  fputs(" }, backward: { ", to);
  put_impair(to, event->reverse ? &event->set : &event->set_backward);
  fputs(" } }", to);
}

static void put_node_event(FILE *to, const struct plan *plan, const char *name,
                           const struct plan_event *event) {
  fprintf(to, ", node: \"%s\", ", name);
  if (event->kind == PLAN_EV_PRIORITY_LIMIT) {
    fputs("set: { ", to);
    put_limit(to, event->priority_limit);
    fputs(" }", to);
    return;
  }
  fprintf(to, "do: %s", plan_event_name(event->kind));
  if (event->kind == PLAN_EV_RECONNECT)
    fprintf(to, ", same_port: %s", plan_words_flag[event->same_port]);
  if (event->kind == PLAN_EV_STALL)
    fprintf(to, ", for: %s", TIME(event->for_ns));
  if (event->n_tracks)
    put_track_list(to, plan, event->tracks, event->n_tracks);
}

static void put_timeline(FILE *to, const struct plan *plan) {
  if (plan->n_events)
    fputs("timeline:\n", to);
  for (size_t i = 0, n; i < plan->n_events; i += n) {
    const struct plan_event *event = &plan->events[i];
    const char *a, *b;
    n = plan_run_of_events(plan, i, &a, &b);
    fprintf(to, "  - { at: %s", TIME(event->at_ns));
    if (event->link >= 0)
      put_link_event(to, a, b, event);
    else
      put_node_event(to, plan, a, event);
    fputs(" }\n", to);
  }
}

static void put_defects(FILE *to, const struct plan *plan) {
  if (plan->n_defects)
    fputs("defects:\n", to);
  for (size_t i = 0; i < plan->n_defects; i++) {
    const struct plan_defect *defect = &plan->defects[i];
    fprintf(to, "  - %s", defect->name);
    if (defect->value)
      fprintf(to, ": %s", defect->value);
    fputs("\n", to);
  }
}

static void put_names(FILE *to, const char *key, char *const *names, size_t n) {
  if (!n)
    return;
  fprintf(to, "  %s: [", key);
  for (size_t i = 0; i < n; i++)
    fprintf(to, "%s%s", i ? ", " : "", names[i]);
  fputs("]\n", to);
}

static void put_judged(FILE *to, const struct plan_expect *expect) {
  const char *comma = "";
  fprintf(to, "  %s: {", expect->check);
  if (expect->skip) {
    fputs(" skip: ", to);
    put_text(to, expect->skip_reason);
  }
  const struct {
    const char *name;
    uint64_t ns;
  } budgets[] = {{"p50", expect->p50_ns}, {"p99", expect->p99_ns}, {"max", expect->max_ns}};
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
    if (!budgets[i].ns)
      continue;
    fprintf(to, "%s %s: %s", comma, budgets[i].name, TIME(budgets[i].ns));
    comma = ",";
  }
  fputs(" }\n", to);
}

static void put_figures(FILE *to, const struct plan *plan) {
  if (plan->n_figures)
    fputs("  subscribers:\n", to);
  for (size_t i = 0; i < plan->n_figures; i++) {
    const struct plan_figures *f = &plan->figures[i];
    fprintf(to, "    \"%s\": { fast_path: %s..%s", plan->nodes[f->node].name,
            SHARE(f->fast_path_lo_ppm), SHARE(f->fast_path_hi_ppm));
    if (f->sendings)
      fprintf(to, ", sendings: %llu", (ull)f->sendings);
    fputs(" }\n", to);
  }
}

static void put_expect(FILE *to, const struct plan *plan) {
  if (!(plan->n_expects || plan->n_convict || plan->n_also || plan->n_closes || plan->n_examined ||
        plan->n_figures))
    return;
  fputs("expect:\n", to);
  for (size_t i = 0; i < plan->n_expects; i++)
    put_judged(to, &plan->expects[i]);
  put_names(to, "convict", plan->convict, plan->n_convict);
  put_names(to, "also", plan->also, plan->n_also);
  if (plan->n_closes)
    fputs("  closes:\n", to);
  for (size_t i = 0; i < plan->n_closes; i++)
    fprintf(to, "    \"%s\": %s\n", plan->nodes[plan->closes[i].node].name, plan->closes[i].error);
  if (plan->n_examined)
    fputs("  examined:\n", to);
  for (size_t i = 0; i < plan->n_examined; i++)
    fprintf(to, "    %s: %llu\n", plan->examined[i].check, (ull)plan->examined[i].at_least);
  put_figures(to, plan);
}

static void put_plan(FILE *to, const struct plan *plan) {
  fprintf(to, "scenario: %s\nabout: ", plan->name);
  put_text(to, plan->about);
  fprintf(to, "\nseed: %llu\nduration: %s\n", (ull)plan->seed, TIME(plan->duration_ns));
  fprintf(to, "drain: %s\nmodes: [%s%s%s]\n", TIME(plan->drain_ns), plan->mode_live ? "live" : "",
          plan->mode_live && plan->mode_sim ? ", " : "", plan->mode_sim ? "sim" : "");
  fprintf(to, "interleave: %u\n", plan->interleave);
  put_nodes(to, plan);
  put_links(to, plan);
  put_tracks(to, plan);
  put_subscriptions(to, plan);
  put_timeline(to, plan);
  put_defects(to, plan);
  put_expect(to, plan);
}

int plan_write(const struct plan *plan, FILE *to) {
  char *text = NULL;
  size_t len = 0;
  int rc = -1;
  FILE *memory = open_memstream(&text, &len);
  if (!memory)
    return -1;
  put_plan(memory, plan);
  if (fclose(memory) != 0)
    goto out;
  errno = EFBIG;
  if (len <= PLAN_MAX_FILE_BYTES) {
    errno = EIO; /* unless stdio knows better */
    rc = fwrite(text, 1, len, to) == len && fflush(to) == 0 ? 0 : -1;
  }
out:
  free(text);
  return rc;
}
