#include "bench/run/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/run/channel.h"

static bool watches(const struct plan_node *node) {
  return node->role == PLAN_RELAY || node->role == PLAN_ROUTER;
}

static int add_point(struct capture_set *set, const struct plan *plan, int node, int peer,
                     const struct veth_end *end) {
  const struct plan_node *at = &plan->nodes[node], *to = &plan->nodes[peer];
  struct capture_point *point = &set->points[set->n];
  *point = (struct capture_point){
      .node = node, .peer = peer, .ns = end->ns, .ifname = end->ifname, .raw_fd = -1};
  if (asprintf(&point->file, "capture/%s-%s.pcapng", at->file_name, to->file_name) < 0) {
    point->file = NULL;
    return -1;
  }
  set->n++;
  return 0;
}

int capture_plan(struct capture_set *set, const struct plan *plan, const struct topology *net,
                 char *err, size_t err_len) {
  *set = (struct capture_set){.points = calloc(2 * plan->n_links + 1, sizeof *set->points)};
  bool ok = set->points != NULL;
  for (size_t k = 0; ok && k < plan->n_links; k++) {
    const struct plan_link *link = &plan->links[k];
    const struct veth_pair *pair = &net->links[k].pair;
    if (!link->plain || watches(&plan->nodes[link->a]))
      ok = add_point(set, plan, link->a, link->b, &pair->a) == 0;
    if (ok && (!link->plain || watches(&plan->nodes[link->b])))
      ok = add_point(set, plan, link->b, link->a, &pair->b) == 0;
  }
  if (ok)
    return 0;
  snprintf(err, err_len, "no memory for the list of captures");
  capture_free(set);
  return -1;
}

int capture_open(struct capture_set *set, const char *dir, char *err, size_t err_len) {
  for (size_t i = 0; i < set->n; i++) {
    char *path = NULL;
    if (asprintf(&path, "%s/capture/.raw.XXXXXX", dir) < 0) {
      snprintf(err, err_len, "no memory for a path");
      return -1;
    }
    set->points[i].raw_fd = mkostemp(path, O_CLOEXEC);
    if (set->points[i].raw_fd < 0) {
      snprintf(err, err_len, "cannot make %s: %s", path, strerror(errno));
      free(path);
      return -1;
    }
    unlink(path);
    free(path);
  }
  return 0;
}

void capture_count(struct capture_set *set, const json_t *captured) {
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(captured, "points"), i, entry) {
    json_int_t point = channel_int(entry, "point", -1);
    if (point < 0 || (size_t)point >= set->n)
      continue;
    set->points[point].packets = (uint64_t)channel_int(entry, "packets", 0);
    set->points[point].dropped = (uint64_t)channel_int(entry, "dropped", 0);
  }
}

void capture_free(struct capture_set *set) {
  for (size_t i = 0; i < set->n; i++) {
    if (set->points[i].raw_fd >= 0)
      close(set->points[i].raw_fd);
    free(set->points[i].file);
  }
  free(set->points);
  *set = (struct capture_set){0};
}
