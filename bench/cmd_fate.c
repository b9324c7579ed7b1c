/* fanbench fate: what a link does to packet N, asked of the functions that decide it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/fate/fate.h"
#include "bench/fate/from_plan.h"
#include "bench/scenario/plan.h"
#include "bench/scenario/unit.h"

#define MAX_SETS 64
/* UDP payload of a full QUIC packet where nothing is known about the path. */
#define PAYLOAD_BYTES 1200

const char cmd_fate_help[] =
    "usage: fanbench fate FILE LINK INDEX [OPTION]...\n"
    "Says what a link of a scenario does to packet INDEX. LINK is A>B, one direction. INDEX is\n"
    "N or A..B; the packets of a direction count from 0. A run in any mode does the same.\n"
    "\n"
    "  --at TIME         with what the timeline has set by TIME [0s]\n"
    "  --seed N          instead of the scenario's seed\n"
    "  --set PATH=VALUE  sets one value of the scenario, repeatable\n"
    "  --payload BYTES   of the UDP payload, where a bit is corrupted [1200]\n"
    "  --json            one JSON object a packet\n"
    "\n"
    "Rate, queue and faults by frame depend on what is sent, so they are left out; links.jsonl\n"
    "of a run tells what they did.\n"
    "\n"
    "examples:\n"
    "  fanbench fate my.yaml 'relay>sub[0]' 40\n"
    "  fanbench fate my.yaml 'relay>sub[0]' 0..99 --at 1s --json\n";

enum { OPT_AT = 1000, OPT_SEED, OPT_SET, OPT_PAYLOAD, OPT_JSON };
static const struct option options[] = {
    {"at", required_argument, NULL, OPT_AT},   {"seed", required_argument, NULL, OPT_SEED},
    {"set", required_argument, NULL, OPT_SET}, {"payload", required_argument, NULL, OPT_PAYLOAD},
    {"json", no_argument, NULL, OPT_JSON},     {NULL, 0, NULL, 0},
};

struct question {
  const char *file, *link;
  uint64_t first, last; /* inclusive */
  uint64_t at_ns, seed;
  bool has_seed, json;
  uint32_t payload_len;
  struct plan_override sets[MAX_SETS];
  size_t n_sets;
};

/* One direction of a link of the plan. */
struct direction {
  int link;
  bool backward;
  char name[128];
};

static void name_direction(const struct plan *plan, struct direction *d) {
  const struct plan_link *link = &plan->links[d->link];
  const char *a = plan->nodes[link->a].name, *b = plan->nodes[link->b].name;
  snprintf(d->name, sizeof d->name, "%s>%s", d->backward ? b : a, d->backward ? a : b);
}

/* "A>B" by any node of the two hosts. */
static bool find_direction(const struct plan *plan, const char *text, struct direction *d) {
  const char *arrow = strchr(text, '>');
  char from_name[64];
  if (arrow == NULL || (size_t)(arrow - text) >= sizeof from_name)
    return false;
  snprintf(from_name, sizeof from_name, "%.*s", (int)(arrow - text), text);
  int from = plan_node_find(plan, from_name), to = plan_node_find(plan, arrow + 1);
  if (from < 0 || to < 0)
    return false;
  uint32_t from_host = plan->nodes[from].host, to_host = plan->nodes[to].host;
  for (size_t i = 0; i < plan->n_links; i++) {
    uint32_t a = plan->nodes[plan->links[i].a].host, b = plan->nodes[plan->links[i].b].host;
    if ((a == from_host && b == to_host) || (b == from_host && a == to_host)) {
      *d = (struct direction){.link = (int)i, .backward = a != from_host};
      name_direction(plan, d);
      return true;
    }
  }
  return false;
}

static int unknown_link(const struct plan *plan, const char *text) {
  fprintf(stderr, "fanbench fate: expected a link of %s, A>B, found \"%s\"; it has\n", plan->name,
          text);
  for (size_t i = 0; i < 2 * plan->n_links; i++) {
    struct direction d = {.link = (int)(i / 2), .backward = i % 2 == 1};
    name_direction(plan, &d);
    fprintf(stderr, "  %s\n", d.name);
  }
  return CMD_BAD_INPUT;
}

/* What the timeline has made of the direction by q->at_ns, events of that very
 * time included. Says on stderr if it goes on changing. */
static struct fate_params params_at(const struct plan *plan, const struct direction *d,
                                    const struct question *q, bool *down) {
  const struct plan_link *link = &plan->links[d->link];
  struct fate_params params = FATE_PARAMS_OF(d->backward ? &link->backward : &link->forward);
  *down = false;
  for (size_t i = 0; i < plan->n_events; i++) {
    const struct plan_event *event = &plan->events[i];
    if (event->link != d->link)
      continue;
    if (event->at_ns > q->at_ns) {
      fprintf(stderr, "fanbench fate: the timeline changes the link at %s; --at asks for then\n",
              plan_unit_time_text(event->at_ns).text);
      break;
    }
    if (event->kind == PLAN_EV_LINK_SET)
      params = FATE_PARAMS_OF(d->backward ? &event->set_backward : &event->set);
    else
      *down = event->kind == PLAN_EV_LINK_DOWN;
  }
  return params;
}

/* Faults of the direction as new memory, of *n. */
static struct fate_fault *faults_of(const struct plan *plan, const struct direction *d, size_t *n) {
  const struct plan_link *link = &plan->links[d->link];
  const struct plan_fault *from = d->backward ? link->backward_faults : link->forward_faults;
  *n = d->backward ? link->n_backward_faults : link->n_forward_faults;
  struct fate_fault *faults = calloc(*n + 1, sizeof *faults);
  if (faults == NULL)
    return NULL;
  for (size_t i = 0; i < *n; i++)
    faults[i] = FATE_FAULT_OF(&from[i]);
  return faults;
}

static void put_text(const char *name, const struct fate *fate) {
  printf("%s %" PRIu64 ": ", name, fate->index);
  if (fate->copies == 0) {
    printf("dropped by %s\n", fate_drop_name(fate->drop));
    return;
  }
  printf("passes, delayed %s%s", plan_unit_time_text(fate->deliver_at_ns[0]).text,
         fate->reordered ? " (reordered)" : "");
  if (fate->copies == 2)
    printf(", duplicated, the copy delayed %s", plan_unit_time_text(fate->deliver_at_ns[1]).text);
  if (fate->corrupt)
    printf(", bit %u of byte %u corrupted", fate->corrupt_bit & 7, fate->corrupt_bit / 8);
  putchar('\n');
}

static void put_json(const char *name, const struct fate *fate) {
  /* Names hold no character that JSON escapes. */
  printf("{\"link\":\"%s\",\"index\":%" PRIu64 ",\"drop\":", name, fate->index);
  if (fate->copies == 0)
    printf("\"%s\"", fate_drop_name(fate->drop));
  else
    printf("null");
  printf(",\"copies\":%d,\"delay_ns\":[", fate->copies);
  for (int i = 0; i < fate->copies; i++)
    printf("%s%" PRIu64, i > 0 ? "," : "", fate->deliver_at_ns[i]);
  printf("],\"reordered\":%s,\"corrupt_bit\":", fate->reordered ? "true" : "false");
  if (fate->corrupt)
    printf("%u}\n", fate->corrupt_bit);
  else
    printf("null}\n");
}

/* Times start at 0, so that the time of delivery is the delay. */
static void answer(const struct question *q, const char *name, struct fate_link *link) {
  const struct fate_packet packet = {.payload_len = q->payload_len};
  link->index = q->first;
  for (uint64_t left = q->last - q->first;; left--) {
    struct fate fate = fate_decide(link, &packet, 0);
    if (q->json)
      put_json(name, &fate);
    else
      put_text(name, &fate);
    if (left == 0 || ferror(stdout))
      return;
  }
}

static int ask(const struct question *q, const struct plan *plan, const struct direction *d) {
  struct fate_link link;
  size_t n_faults;
  bool down;
  struct fate_params params = params_at(plan, d, q, &down);
  struct fate_fault *faults = faults_of(plan, d, &n_faults);
  if (faults == NULL) {
    fprintf(stderr, "fanbench fate: out of memory\n");
    return CMD_LACKING;
  }
  if (params.rate_bps > 0)
    fprintf(stderr, "fanbench fate: rate and queue depend on what is sent and are left out\n");
  params.rate_bps = params.queue_bytes = 0;
  const char *from = plan->nodes[plan->links[d->link].a].name;
  const char *to = plan->nodes[plan->links[d->link].b].name;
  const char *wrong =
      fate_link_open(&link, q->has_seed ? q->seed : plan->seed, d->backward ? to : from,
                     d->backward ? from : to, &params, faults, n_faults);
  if (wrong == NULL) {
    if (link.asked != 0)
      fprintf(stderr, "fanbench fate: faults by frame depend on what is sent and are left out\n");
    if (down)
      fate_link_down(&link);
    answer(q, d->name, &link);
  } else
    fprintf(stderr, "fanbench fate: %s: %s\n", d->name, wrong);
  free(faults);
  return wrong == NULL ? CMD_OK : CMD_BAD_INPUT;
}

static int read_set(char *text, struct question *q) {
  char *equals = strchr(text, '=');
  if (equals == NULL || equals == text)
    return cmd_usage("fate", "--set: expected PATH=VALUE, found \"%s\"", text);
  if (q->n_sets == MAX_SETS)
    return cmd_usage("fate", "--set: expected at most %d of them", MAX_SETS);
  *equals = '\0';
  q->sets[q->n_sets++] = (struct plan_override){.path = text, .value = equals + 1};
  return CMD_OK;
}

static int read_option(int opt, struct question *q) {
  const char *expected;
  uint64_t payload_len = 0;
  switch (opt) {
  case OPT_AT:
    expected = plan_unit_time(optarg, &q->at_ns);
    return expected ? cmd_usage("fate", "--at: expected %s, found \"%s\"", expected, optarg) : 0;
  case OPT_SEED:
    expected = plan_unit_count(optarg, &q->seed);
    q->has_seed = true;
    return expected ? cmd_usage("fate", "--seed: expected %s, found \"%s\"", expected, optarg) : 0;
  case OPT_SET:
    return read_set(optarg, q);
  case OPT_PAYLOAD:
    if (plan_unit_size(optarg, &payload_len) || payload_len == 0 || payload_len > UINT16_MAX)
      return cmd_usage("fate", "--payload: expected 1 to 65535 bytes, found \"%s\"", optarg);
    q->payload_len = (uint32_t)payload_len;
    return CMD_OK;
  case OPT_JSON:
    q->json = true;
    return CMD_OK;
  default:
    return CMD_BAD_INPUT;
  }
}

int cmd_fate(int argc, char **argv) {
  struct question q = {.payload_len = PAYLOAD_BYTES};
  struct plan_error why = {0};
  struct direction d;
  int opt;
  while ((opt = cmd_getopt(argc, argv, ":", options)) != -1)
    if (read_option(opt, &q) != CMD_OK)
      return CMD_BAD_INPUT;
  if (argc - optind != 3)
    return cmd_usage("fate", "expected FILE LINK INDEX, found %d arguments", argc - optind);
  q.file = argv[optind];
  q.link = argv[optind + 1];
  const char *expected = plan_unit_range(argv[optind + 2], plan_unit_count, &q.first, &q.last);
  if (expected)
    return cmd_usage("fate", "INDEX: expected %s, found \"%s\"", expected, argv[optind + 2]);
  struct plan *plan = plan_load(q.file, q.sets, q.n_sets, &why);
  if (plan == NULL) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return CMD_BAD_INPUT;
  }
  int rc = find_direction(plan, q.link, &d) ? ask(&q, plan, &d) : unknown_link(plan, q.link);
  plan_free(plan);
  return rc;
}
