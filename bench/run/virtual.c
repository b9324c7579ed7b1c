#include "bench/run/virtual.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/net/topology.h"
#include "bench/run/capture.h"
#include "bench/run/capture_file.h"
#include "bench/run/cast.h"
#include "bench/run/channel.h"
#include "bench/run/clock.h"
#include "bench/run/interleavings.h"
#include "bench/run/manifest.h"
#include "bench/run/pages.h"
#include "bench/run/virtual_net.h"
#include "bench/sim/costs.h"
#include "bench/sim/sim.h"

/* What a node takes of the heap at most, its other end included, as far as anybody saw. */
#define HEAP_EACH (size_t)(512 << 10)

struct virtual {
  const struct stage_order *order;
  const struct plan *plan;
  int up;
  struct topology net;
  struct capture_set captures;
  struct capture_file **files; /* [captures.n] */
  int *point;                  /* [2 * n_links]: index of the capture at a link's end, or -1 */
  struct virtual_net ends;
  struct sim_outcome outcome;
  struct cast cast;
  struct manifest manifest;
  char err[512];
};

static void on_phase(void *arg, const char *text) {
  const struct virtual *v = arg;
  channel_send(v->up, json_pack("{s:s, s:s}", "ev", "phase", "text", text));
}

static int lay_out(struct virtual *v) {
  const struct plan *plan = v->plan;
  if (topology_plan(plan, &v->net, v->err, sizeof v->err) != 0 ||
      capture_plan(&v->captures, plan, &v->net, v->err, sizeof v->err) != 0)
    return -1;
  v->point = calloc(2 * plan->n_links + 1, sizeof *v->point);
  v->files = calloc(v->captures.n + 1, sizeof *v->files);
  if (virtual_net_open(&v->ends, plan, &v->net) != 0 || v->point == NULL || v->files == NULL) {
    snprintf(v->err, sizeof v->err, "no memory for the network");
    return -1;
  }
  return 0;
}

/* ---- captures -------------------------------------------------------------------------------- */

/* Names of interfaces are the very strings of the topology; captures stand in the order
 * of links and their ends. */
static void find_points(struct virtual *v) {
  size_t next = 0;
  for (size_t end = 0; end < 2 * v->plan->n_links; end++) {
    const struct veth_pair *pair = &v->net.links[end / 2].pair;
    const char *ifname = end % 2 == 0 ? pair->a.ifname : pair->b.ifname;
    const bool captured = next < v->captures.n && v->captures.points[next].ifname == ifname;
    v->point[end] = captured ? (int)next++ : -1;
  }
}

static int failed_capture(struct virtual *v, size_t i) {
  snprintf(v->err, sizeof v->err, "cannot write %s/%s: %s", v->order->dir,
           v->captures.points[i].file, strerror(errno));
  return -1;
}

static int open_captures(struct virtual *v) {
  for (size_t i = 0; i < v->captures.n; i++) {
    const struct capture_point *point = &v->captures.points[i];
    char *path = NULL;
    if (asprintf(&path, "%s/%s", v->order->dir, point->file) >= 0)
      v->files[i] = capture_file_open(path, point->ifname);
    free(path);
    if (v->files[i] == NULL)
      return failed_capture(v, i);
  }
  find_points(v);
  return 0;
}

static void on_frame(void *arg, size_t link, int end, uint64_t now_ns, const uint8_t *frame,
                     size_t len) {
  struct virtual *v = arg;
  const int point = v->point[2 * link + (size_t)end];
  if (point >= 0)
    capture_file_packet(v->files[point], now_ns + SIM_REALTIME_MINUS_MONOTONIC_NS, frame,
                        (uint32_t)len, (uint32_t)len);
}

static int close_captures(struct virtual *v) {
  struct keylog keys;
  int rc = keylog_load(&keys, v->order->dir, v->err, sizeof v->err);
  for (size_t i = 0; rc == 0 && i < v->captures.n; i++) {
    v->captures.points[i].packets = capture_file_packets(v->files[i]);
    if (capture_file_close(v->files[i], &keys, 0) != 0)
      rc = failed_capture(v, i);
    v->files[i] = NULL;
  }
  keylog_free(&keys);
  return rc;
}

/* ---- what the manifest says of processes ------------------------------------------------------ */

static int fill_cast(struct virtual *v) {
  const struct sim_outcome *from = &v->outcome;
  struct cast *cast = &v->cast;
  cast->timed_out = from->timed_out;
  memcpy(cast->ended, from->ended, sizeof cast->ended);
  cast->all = calloc(from->n_processes + 1, sizeof(struct process *));
  for (size_t i = 0; cast->all != NULL && i < from->n_processes; i++) {
    const struct sim_process *it = &from->processes[i];
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL)
      return -1;
    cast->all[cast->n++] = p;
    *p = (struct process){.name = strdup(v->plan->nodes[it->node].name),
                          .node = it->node,
                          .pidfd = -1,
                          .control = -1,
                          .log_in = -1,
                          .log_out = -1,
                          .stopping = it->stopping,
                          .doomed = it->doomed,
                          .overdue = it->overdue,
                          .exited = it->exited,
                          .exit_code = it->exit_code,
                          .signal = it->signal,
                          .published = it->published,
                          .knows_planned = it->published,
                          .objects_planned = it->objects_planned,
                          .objects_published = it->objects_published,
                          .late_p99_ns = it->late_p99_ns,
                          .late_max_ns = it->late_max_ns};
    if (p->name == NULL)
      return -1;
  }
  return cast->all != NULL ? 0 : -1;
}

static json_t *residue(const struct remains *remains) {
  json_t *examined = json_array(), *left = json_array();
  for (size_t i = 0; remains_kinds[i] != NULL; i++)
    json_array_append_new(examined, json_string(remains_kinds[i]));
  for (size_t i = 0; i < remains->n; i++)
    json_array_append_new(left, json_string(remains->left[i]));
  if (remains->failed)
    json_array_append_new(left, json_string("something that found no memory to be named"));
  return json_pack("{s:o, s:o}", "examined", examined, "left", left);
}

/* ---- the run ------------------------------------------------------------------------------------ */

static void note_cost(struct virtual *v, uint64_t wall_ns, uint64_t cpu_ns) {
  struct rusage usage;
  v->manifest.sim_wall_ns = clock_now() - wall_ns;
  v->manifest.sim_parts = v->outcome.parts;
  v->manifest.sim_cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    v->manifest.sim_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
}

/* What interrupted what, by chance or as it was asked for. */
static int keep_interleavings(struct virtual *v, const struct nest_list *happened) {
  const struct nest_list *asked = v->order->interleavings;
  if (asked == NULL && v->plan->interleave == 0)
    return 0;
  if (asked != NULL && happened->n < asked->n)
    fprintf(stderr,
            "fanbench: of %zu interleavings only %zu could be replayed: the list is of another "
            "commit, scenario or seed\n",
            asked->n, happened->n);
  return interleavings_write(v->order->dir, v->plan, happened, v->err, sizeof v->err);
}

static int play(struct virtual *v) {
  struct nest_list happened = {0};
  const struct sim_config config = {
      .plan = v->plan,
      .dir = v->order->dir,
      .wires = v->ends.wires,
      .first_ifindex = v->ends.first_ifindex,
      .ports = v->ends.ports,
      .arg = v,
      .tap = on_frame,
      .phase = on_phase,
      .journal = v->order->journal,
      .journal_size = v->order->journal_size,
      .nest = {.one_in = v->plan->interleave,
               .replay = v->order->interleavings,
               .record = &happened},
  };
  const uint64_t wall = clock_now(), cpu = clock_read(CLOCK_PROCESS_CPUTIME_ID);
  const bool ran = sim_run(&config, &v->outcome, v->err, sizeof v->err) == 0 &&
                   keep_interleavings(v, &happened) == 0;
  nest_list_free(&happened);
  if (!ran)
    return -1;
  note_cost(v, wall, cpu);
  on_phase(v, "writing captures and manifest");
  if (close_captures(v) != 0)
    return -1;
  if (fill_cast(v) != 0) {
    snprintf(v->err, sizeof v->err, "no memory for the manifest");
    return -1;
  }
  v->manifest.start_ns = v->outcome.start_ns;
  v->manifest.end_ns = v->outcome.end_ns;
  v->manifest.residue = residue(&v->outcome.remains);
  return manifest_write(v->order->dir, &v->manifest, v->err, sizeof v->err);
}

static void clear(struct virtual *v) {
  for (size_t i = 0; v->files != NULL && i < v->captures.n; i++)
    capture_file_discard(v->files[i]);
  json_decref(v->manifest.residue);
  cast_free(&v->cast);
  capture_free(&v->captures);
  sim_outcome_free(&v->outcome);
  topology_free(&v->net);
  free(v->files);
  free(v->point);
  virtual_net_free(&v->ends);
}

int virtual_inside(void *arg, int up) {
  const struct stage_order *order = arg;
  struct virtual v = {.order = order, .plan = order->plan, .up = up};
  v.cast = (struct cast){.plan = order->plan, .net = &v.net, .up = up};
  v.manifest = (struct manifest){.plan = order->plan,
                                 .mode = "sim",
                                 .net = &v.net,
                                 .captures = &v.captures,
                                 .cast = &v.cast,
                                 .realtime_minus_monotonic_ns = SIM_REALTIME_MINUS_MONOTONIC_NS,
                                 .wall_ns = clock_read(CLOCK_REALTIME)};
  stage_raise_descriptor_limit();
  pages_prepare(HEAP_EACH * (order->plan->n_nodes + 16));
  const bool ran = lay_out(&v) == 0 && open_captures(&v) == 0 && play(&v) == 0;
  channel_send(up, json_pack("{s:s, s:i, s:s}", "ev", "end", "code", ran ? 0 : 3, "text",
                             ran ? v.cast.ended : v.err));
  clear(&v);
  return ran ? 0 : 3;
}
