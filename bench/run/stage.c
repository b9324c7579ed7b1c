#include "bench/run/stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/net/topology.h"
#include "bench/run/capture.h"
#include "bench/run/cast.h"
#include "bench/run/channel.h"
#include "bench/run/clock.h"
#include "bench/run/manifest.h"
#include "bench/run/residue.h"
#include "bench/run/timeline.h"

/* Bounds of waits. The verifier takes about a second for the datapath; the rest
 * is for machines that do something else as well. */
#define CAPTURES_BOUND_NS    (20 * CLOCK_S)
#define WIRE_BOUND_NS        (20 * CLOCK_S)
#define RELAYS_BOUND_NS      (60 * CLOCK_S)
#define PUBLISHERS_BOUND_NS  (30 * CLOCK_S)
#define SUBSCRIBERS_BOUND_NS (30 * CLOCK_S)
#define PUBLISHED_GRACE_NS   (10 * CLOCK_S)
#define STOP_BOUND_NS        (15 * CLOCK_S)
#define ARRIVE_BOUND_NS      (5 * CLOCK_S)
/* From "everybody is there" to the first object, so that each hears of it before. */
#define LEAD_NS (100 * CLOCK_MS)
#define POLL_NS (50 * CLOCK_MS)
/* So many polls in a row without a change are quiet: a little more than two
 * probe time-outs (about 100 ms each on a plain wire) of a lost last packet. */
#define QUIET_POLLS 6
#define RUN_NICE    (-10)
#define PHASES_MAX  16

struct stage {
  const struct stage_order *order;
  const struct plan *plan;
  int up;
  struct topology net;
  struct capture_set captures;
  struct cast cast;
  struct residue seen;
  struct manifest manifest;
  struct phase phases[PHASES_MAX];
  char err[512];
};

static void say(struct stage *s, const char *phase) {
  if (s->manifest.n_phases < PHASES_MAX)
    s->phases[s->manifest.n_phases++] = (struct phase){phase, clock_now()};
  channel_send(s->up, json_pack("{s:s, s:s}", "ev", "phase", "text", phase));
}

static bool has_role(const struct cast *cast, const struct process *p, enum plan_role role) {
  return p->node >= 0 && plan_part(cast->plan, p->node) == role;
}

static bool is_relay(const struct cast *cast, const struct process *p) {
  return has_role(cast, p, PLAN_RELAY);
}

static bool is_relay_of_level(const struct cast *cast, const struct process *p) {
  return is_relay(cast, p) && plan_relay_level(cast->plan, p->node) == cast->level;
}

static bool is_publisher(const struct cast *cast, const struct process *p) {
  return has_role(cast, p, PLAN_PUBLISHER);
}

static bool is_subscriber(const struct cast *cast, const struct process *p) {
  return has_role(cast, p, PLAN_SUBSCRIBER);
}

/* Nobody waits for what a rogue has to say. */
static bool is_rogue(const struct cast *cast, const struct process *p) {
  return p->node >= 0 && cast->plan->nodes[p->node].role == PLAN_ROGUE;
}

static bool is_capture(const struct cast *cast, const struct process *p) {
  return p->node < 0 && p != cast->wire;
}

static bool is_wire(const struct cast *cast, const struct process *p) {
  return p == cast->wire;
}

static bool is_ready(const struct cast *cast, const struct process *p) {
  (void)cast;
  return p->ready;
}

static bool has_announced(const struct cast *cast, const struct process *p) {
  return !is_publisher(cast, p) || p->announced;
}

/* A subscriber without a subscription at 0 s has nothing to be answered. */
static bool has_answers(const struct cast *cast, const struct process *p) {
  if (!is_subscriber(cast, p) || is_rogue(cast, p) || p->answered)
    return true;
  for (size_t i = 0; i < cast->plan->n_subscriptions; i++)
    if (cast->plan->subscriptions[i].who == p->node && cast->plan->subscriptions[i].at_ns == 0)
      return false;
  return p->ready;
}

/* Nobody waits for who was ended, or has nobody to publish to any more. */
static bool has_published(const struct cast *cast, const struct process *p) {
  return !is_publisher(cast, p) || is_rogue(cast, p) || p->doomed || p->published ||
         cast_lost_relay(cast, p);
}

/* The first publisher that has not published everything; NULL: all have. */
static const struct process *still_publishing(const struct cast *cast) {
  for (size_t i = 0; i < cast->n; i++)
    if (!cast->all[i]->exited && !has_published(cast, cast->all[i]))
      return cast->all[i];
  return NULL;
}

/* --- before publishing --------------------------------------------------- */

static json_t *pack_name(struct netns_name name) {
  return json_pack("[I,I]", (json_int_t)name.inode, (json_int_t)name.cookie);
}

static void tell_namespaces(const struct stage *s) {
  json_t *names = json_array();
  for (uint32_t h = 0; h < s->net.n_hosts; h++)
    json_array_append_new(names, pack_name(s->net.hosts[h].name));
  if (s->net.wire != NULL)
    json_array_append_new(names, pack_name(s->net.wire->name));
  channel_send(s->up, json_pack("{s:s, s:o}", "ev", "namespaces", "names", names));
}

/* 0, or -1 with s->err: the machine could not do it. */
static int build(struct stage *s) {
  say(s, "building the network");
  if (topology_plan(s->plan, &s->net, s->err, sizeof s->err) != 0 ||
      topology_build(&s->net, s->err, sizeof s->err) != 0)
    return -1;
  tell_namespaces(s);
  if (capture_plan(&s->captures, s->plan, &s->net, s->err, sizeof s->err) != 0)
    return -1;
  return capture_open(&s->captures, s->order->dir, s->err, sizeof s->err);
}

static int start_captures(struct stage *s) {
  say(s, "starting captures");
  if (cast_start_capture(&s->cast, "captures", s->net.hosts[0].fd, capture_inside, &s->captures,
                         s->err, sizeof s->err) == NULL)
    return -1;
  return cast_wait(&s->cast, is_ready, CAPTURES_BOUND_NS, "the captures to begin");
}

static int start_one(struct stage *s, size_t node) {
  if (cast_start_node(&s->cast, (int)node, s->err, sizeof s->err) != NULL)
    return 0;
  cast_end(&s->cast, "%s", s->err);
  return -1;
}

static int start_role(struct stage *s, enum plan_role role) {
  for (size_t i = 0; i < s->plan->n_nodes; i++)
    if (plan_part(s->plan, (int)i) == role && start_one(s, i) != 0)
      return -1;
  return 0;
}

/* Whom a relay dials listens before it. */
static int start_relays(struct stage *s) {
  for (unsigned level = 0; level <= plan_relay_levels(s->plan); level++) {
    for (size_t i = 0; i < s->plan->n_nodes; i++)
      if (s->plan->nodes[i].role == PLAN_RELAY && plan_relay_level(s->plan, (int)i) == level &&
          start_one(s, i) != 0)
        return -1;
    if (cast_wait(&s->cast, is_ready, RELAYS_BOUND_NS, "every relay to be ready") != 0)
      return -1;
  }
  return 0;
}

static void note_relays(struct stage *s) {
  for (size_t i = 0; i < s->cast.n; i++)
    if (is_relay(&s->cast, s->cast.all[i]) && !s->cast.all[i]->exited)
      residue_note(&s->seen, s->cast.all[i]->pid);
}

/* links.jsonl: every direction is up; what happens later the wire process appends. */
static void write_links(const struct stage *s) {
  char *path = NULL;
  if (asprintf(&path, "%s/links.jsonl", s->order->dir) < 0)
    return;
  FILE *to = fopen(path, "we");
  free(path);
  const unsigned long long now_ns = clock_now();
  for (size_t k = 0; to != NULL && k < s->plan->n_links; k++) {
    const char *a = s->plan->nodes[s->plan->links[k].a].name;
    const char *b = s->plan->nodes[s->plan->links[k].b].name;
    const char *ends[2][2] = {{a, b}, {b, a}};
    for (int way = 0; way < 2; way++)
      fprintf(to, "{\"ev\":\"link\",\"t\":%llu,\"link\":\"%s>%s\",\"what\":\"up\"}\n", now_ns,
              ends[way][0], ends[way][1]);
  }
  if (to != NULL)
    fclose(to);
}

static int start_wire(struct stage *s) {
  write_links(s);
  if (s->net.wire == NULL)
    return 0;
  say(s, "starting the wire");
  if (cast_start_wire(&s->cast, s->err, sizeof s->err) == NULL)
    return -1;
  return cast_wait(&s->cast, is_ready, WIRE_BOUND_NS, "the wire process to be ready");
}

static int start_nodes(struct stage *s) {
  say(s, "starting the relay");
  if (start_relays(s) != 0)
    return -1;
  note_relays(s);
  say(s, "starting publishers");
  if (start_role(s, PLAN_PUBLISHER) != 0 ||
      cast_wait(&s->cast, has_announced, PUBLISHERS_BOUND_NS,
                "every publisher's announcement to be accepted") != 0)
    return -1;
  say(s, "starting subscribers");
  if (start_role(s, PLAN_SUBSCRIBER) != 0)
    return -1;
  return cast_wait(&s->cast, has_answers, SUBSCRIBERS_BOUND_NS,
                   "every subscription of at: 0s to be answered");
}

/* --- publishing ---------------------------------------------------------- */

/* The timeline has started its node again: an earlier process is there, too. */
static bool came_back(const struct cast *cast, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (cast->all[k]->node == cast->all[i]->node)
      return true;
  return false;
}

/* Tells t0 to whoever may start and was not told yet: everybody at first, later
 * those that the timeline started again. */
static void start_newcomers(struct stage *s) {
  for (size_t i = 0; i < s->cast.n; i++) {
    struct process *p = s->cast.all[i];
    bool may = is_publisher(&s->cast, p)
                   ? p->announced
                   : p->ready && !is_relay(&s->cast, p) && !is_capture(&s->cast, p);
    if (p->started || p->exited || !may)
      continue;
    p->started = true;
    cast_tell(&s->cast, p,
              json_pack("{s:s, s:I, s:i}", "do", "start", "t0", (json_int_t)s->manifest.start_ns,
                        "again", came_back(&s->cast, i)));
  }
}

static void publish(struct stage *s) {
  struct timeline tl;
  struct cast *cast = &s->cast;
  s->manifest.start_ns = clock_now() + LEAD_NS;
  uint64_t over = s->manifest.start_ns + s->plan->duration_ns;
  uint64_t bound = over + s->plan->drain_ns + PUBLISHED_GRACE_NS;
  if (timeline_open(&tl, cast, s->manifest.start_ns, s->err, sizeof s->err) != 0) {
    cast_end(cast, "%s", s->err);
    return;
  }
  say(s, "publishing");
  cast->doing = "publishing";
  for (;;) {
    uint64_t now = clock_now();
    start_newcomers(s);
    timeline_turn(&tl, now);
    if (cast->ended[0] != '\0' ||
        (now >= over && timeline_over(&tl) && still_publishing(cast) == NULL))
      break;
    if (now >= bound) {
      cast->timed_out = true;
      const struct process *late = still_publishing(cast);
      cast_end(cast, "waited %llu s beyond the duration for %s%s",
               (unsigned long long)((bound - over) / CLOCK_S),
               late != NULL ? late->name : "the timeline",
               late != NULL ? " to have all its objects acknowledged by the relay"
                            : "'s last event to be answered");
      break;
    }
    uint64_t next = timeline_next(&tl);
    if (now < over && over < next)
      next = over;
    cast_turn(cast, next < bound ? next : bound);
  }
  note_relays(s); /* also those that the timeline started again */
  timeline_close(&tl);
}

/* --- after publishing ---------------------------------------------------- */

struct picture {
  uint64_t objects, backlog, inflight;
};

static bool takes_part(const struct cast *cast, const struct process *p) {
  return !p->exited && !p->doomed &&
         (is_relay(cast, p) || is_subscriber(cast, p) || is_wire(cast, p));
}

/* Asks all and waits for the answers; false if time ran out or the run ended. */
static bool take_picture(struct cast *cast, uint64_t until, struct picture *now) {
  uint64_t *before = calloc(cast->n + 1, sizeof *before);
  if (before == NULL)
    return false;
  for (size_t i = 0; i < cast->n; i++) {
    before[i] = cast->all[i]->states;
    if (takes_part(cast, cast->all[i]))
      cast_tell(cast, cast->all[i], json_pack("{s:s}", "do", "poll"));
  }
  bool complete = false;
  while (!complete && cast->ended[0] == '\0' && clock_now() < until) {
    complete = true;
    for (size_t i = 0; i < cast->n; i++)
      complete = complete && (!takes_part(cast, cast->all[i]) || cast->all[i]->states > before[i]);
    if (!complete)
      cast_turn(cast, until);
  }
  free(before);
  *now = (struct picture){0};
  for (size_t i = 0; i < cast->n; i++) {
    const struct process *p = cast->all[i];
    if (!takes_part(cast, p))
      continue;
    now->objects += is_subscriber(cast, p) && !is_rogue(cast, p) ? p->objects : 0;
    now->backlog += is_relay(cast, p) || is_wire(cast, p) ? p->backlog : 0;
    now->inflight += is_relay(cast, p) ? p->inflight : 0;
  }
  return complete;
}

/* Until nothing moves any more, at most the plan's drain. Reaching the bound
 * is no error: the judge says what is missing. */
static void drain(struct stage *s) {
  struct cast *cast = &s->cast;
  struct picture last = {0}, now;
  uint64_t until = clock_now() + s->plan->drain_ns;
  int quiet = 0;
  say(s, "draining");
  cast->doing = "drain";
  while (cast->ended[0] == '\0' && quiet < QUIET_POLLS && clock_now() < until) {
    if (!take_picture(cast, until, &now))
      break;
    bool still = now.objects == last.objects && now.backlog == 0 && now.inflight == 0;
    quiet = still ? quiet + 1 : 0;
    last = now;
    uint64_t next = clock_now() + POLL_NS;
    while (cast->ended[0] == '\0' && clock_now() < next)
      cast_turn(cast, next);
  }
}

static void hold(struct stage *s) {
  json_t *nodes = json_array();
  for (size_t i = 0; i < s->plan->n_nodes; i++)
    json_array_append_new(nodes, json_pack("{s:s, s:i}", "name", s->plan->nodes[i].name, "fd",
                                           s->net.hosts[s->plan->nodes[i].host].fd));
  channel_send(s->up, json_pack("{s:s, s:o}", "ev", "holding", "nodes", nodes));
  while (!s->cast.released)
    cast_turn(&s->cast, clock_now() + CLOCK_S);
}

/* What those who left said last is on its way as long as the wire holds frames. */
static void let_arrive(struct stage *s) {
  struct process *wire = s->cast.wire;
  const uint64_t until = clock_now() + ARRIVE_BOUND_NS;
  bool empty = wire == NULL;
  while (!empty && !wire->exited && clock_now() < until) {
    const uint64_t before = wire->states, answer = clock_now() + POLL_NS;
    cast_tell(&s->cast, wire, json_pack("{s:s}", "do", "poll"));
    while (wire->states == before && !wire->exited && clock_now() < answer)
      cast_turn(&s->cast, answer);
    empty = wire->states > before && wire->backlog == 0;
  }
}

static void stop(struct stage *s) {
  say(s, "stopping publishers");
  note_relays(s);
  cast_stop(&s->cast, is_publisher, STOP_BOUND_NS);
  let_arrive(s);
  say(s, "stopping subscribers");
  cast_stop(&s->cast, is_subscriber, STOP_BOUND_NS);
  let_arrive(s);
  say(s, "stopping relays");
  for (s->cast.level = plan_relay_levels(s->plan) + 1; s->cast.level-- > 0;) {
    cast_stop(&s->cast, is_relay_of_level, STOP_BOUND_NS);
    let_arrive(s);
  }
  cast_stop(&s->cast, is_wire, STOP_BOUND_NS);
  s->manifest.end_ns = clock_now();
  say(s, "stopping captures");
  cast_stop(&s->cast, is_capture, STOP_BOUND_NS);
  for (size_t i = 0; i < s->cast.n; i++)
    capture_count(&s->captures, s->cast.all[i]->captured);
}

/* Everything that is written when nothing runs any more. */
static void conclude(struct stage *s) {
  say(s, "writing captures and manifest");
  if (topology_take_down(&s->net, s->err, sizeof s->err) != 0)
    cast_end(&s->cast, "%s", s->err);
  s->manifest.residue = residue_look(&s->seen, &s->net);
  if (capture_assemble(&s->captures, s->order->dir, s->err, sizeof s->err) != 0)
    cast_end(&s->cast, "%s", s->err);
}

static void read_clocks(struct manifest *m) {
  /* the middle of two monotonic readings around the real one */
  uint64_t before = clock_now();
  m->wall_ns = clock_read(CLOCK_REALTIME);
  uint64_t after = clock_now();
  m->realtime_minus_monotonic_ns = (int64_t)(m->wall_ns - (before + (after - before) / 2));
}

static int finish(struct stage *s, int code, const char *text) {
  channel_send(s->up, json_pack("{s:s, s:i, s:s}", "ev", "end", "code", code, "text", text));
  json_decref(s->manifest.residue);
  cast_free(&s->cast);
  capture_free(&s->captures);
  residue_free(&s->seen);
  topology_free(&s->net);
  return code;
}

/* About nine descriptors a host: the usual soft limit of 1,024 ends at 100 hosts. */
void stage_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/* Every process of the run, all alike, goes in front of what else the machine does: a
 * compiler in another window shall not make a run inconclusive. With autogroups a
 * session competes as one, so that its own value counts as well; the file is absent where
 * they are not built in. */
static void step_forward(void) {
  setpriority(PRIO_PROCESS, 0, RUN_NICE);
  int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  dprintf(fd, "%d\n", RUN_NICE);
  close(fd);
}

int stage_inside(void *arg, int up) {
  const struct stage_order *order = arg;
  stage_raise_descriptor_limit();
  step_forward();
  struct stage s = {.order = order, .plan = order->plan, .up = up};
  s.cast = (struct cast){.plan = order->plan,
                         .net = &s.net,
                         .at = {.bindir = order->bindir,
                                .dir = order->dir,
                                .journal = order->journal,
                                .journal_size = order->journal_size},
                         .up = up};
  s.manifest = (struct manifest){.plan = order->plan,
                                 .mode = "live",
                                 .net = &s.net,
                                 .captures = &s.captures,
                                 .cast = &s.cast,
                                 .phases = s.phases};
  read_clocks(&s.manifest);
  if (build(&s) != 0 || manifest_write(order->dir, &s.manifest, s.err, sizeof s.err) != 0)
    return finish(&s, 3, s.err);
  if (start_captures(&s) == 0 && start_wire(&s) == 0 && start_nodes(&s) == 0) {
    publish(&s);
    drain(&s);
  } else if (s.cast.ended[0] == '\0')
    cast_end(&s.cast, "%s", s.err);
  if (order->hold)
    hold(&s);
  stop(&s);
  conclude(&s);
  if (manifest_write(order->dir, &s.manifest, s.err, sizeof s.err) != 0)
    return finish(&s, 3, s.err);
  return finish(&s, 0, s.cast.ended);
}
