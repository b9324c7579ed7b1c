#include "bench/t/peer_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- plans ------------------------------------------------------------------------ */

static void write_file(const char *dir, const char *name, const void *bytes, size_t len) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  assert_int_equal(fwrite(bytes, 1, len, to), len);
  fclose(to);
}

struct plan *rig_plan(const char *yaml, const char *name, const void *bytes, size_t len,
                      char dir[64]) {
  struct plan_error err = {0};
  char path[256];
  strcpy(dir, "/tmp/peer-test-XXXXXX");
  assert_non_null(mkdtemp(dir));
  write_file(dir, "scenario.yaml", yaml, strlen(yaml));
  if (name && bytes)
    write_file(dir, name, bytes, len);
  snprintf(path, sizeof path, "%s/scenario.yaml", dir);
  struct plan *plan = plan_load(path, NULL, 0, &err);
  if (!plan)
    plan_error_print(stderr, &err);
  assert_non_null(plan);
  return plan;
}

void rig_plan_free(struct plan *plan, const char *dir) {
  char path[256];
  for (size_t i = 0; i < plan->n_tracks; i++) {
    if (plan->tracks[i].file)
      unlink(plan->tracks[i].file);
    if (plan->tracks[i].trace_path)
      unlink(plan->tracks[i].trace_path);
  }
  snprintf(path, sizeof path, "%s/scenario.yaml", dir);
  unlink(path);
  rmdir(dir);
  plan_free(plan);
}

/* ---- around the endpoint --------------------------------------------------------------- */

void rig_random(void *arg, uint8_t *dest, size_t len) {
  struct rig *rig = arg;
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)memnet_random(&rig->net);
}

static void peer_told(void *arg, const struct peer_event *event) {
  struct rig *rig = arg;
  assert_true(rig->n_events < 256);
  rig->events[rig->n_events++] = *event;
  if (event->kind == PEER_FAILED)
    snprintf(rig->failure, sizeof rig->failure, "%s", event->text);
}

static void peer_wrote(void *arg, const char *line, size_t len) {
  struct rig *rig = arg;
  if (rig->journal_len + len + 1 > rig->journal_room) {
    rig->journal_room = 2 * rig->journal_room + len + 1;
    rig->journal = realloc(rig->journal, rig->journal_room);
    assert_non_null(rig->journal);
  }
  memcpy(rig->journal + rig->journal_len, line, len);
  rig->journal_len += len;
  rig->journal[rig->journal_len] = '\0';
}

static void peer_received(void *arg, const struct plan_track *track, uint64_t offset,
                          const uint8_t *data, size_t len) {
  struct rig *rig = arg;
  (void)track;
  assert_true(offset + len <= sizeof rig->received);
  memcpy(rig->received + offset, data, len);
  if (offset + len > rig->received_len)
    rig->received_len = offset + len;
}

static const uint8_t *peer_file(void *arg, const struct plan_track *track, size_t *len) {
  struct rig *rig = arg;
  FILE *from = fopen(track->file, "r");
  assert_non_null(from);
  rig->file = malloc(1 << 20);
  assert_non_null(rig->file);
  *len = rig->file_len = fread(rig->file, 1, 1 << 20, from);
  fclose(from);
  return rig->file;
}

static size_t nothing_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room,
                          uint64_t now_ns) {
  (void)arg;
  (void)path;
  (void)buf;
  (void)room;
  (void)now_ns;
  return 0;
}

static uint64_t no_deadline(void *arg) {
  (void)arg;
  return UINT64_MAX;
}

static int peer_moved(void *arg, enum peer_move how, struct qc_addr *local) {
  struct rig *rig = arg;
  if (how == PEER_MOVE_SAME_PORT)
    *local = rig->net.nodes[rig->peer_node].addr;
  else
    *local = memnet_addr(1, rig->next_port++);
  if (how == PEER_MOVE_BESIDE) {
    struct memnet_node beside = rig->net.nodes[rig->peer_node];
    beside.out = nothing_out;
    beside.deadline = no_deadline;
    memnet_add(&rig->net, &beside);
  }
  rig->net.nodes[rig->peer_node].addr = *local;
  return 0;
}

static void peer_node_in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
                         uint64_t now_ns) {
  peer_in(((struct rig *)arg)->peer, path, data, len, now_ns);
}
static size_t peer_node_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room,
                            uint64_t now_ns) {
  return peer_out(((struct rig *)arg)->peer, path, buf, room, now_ns);
}
static uint64_t peer_node_deadline(void *arg) {
  return peer_deadline(((struct rig *)arg)->peer);
}
static void peer_node_expire(void *arg, uint64_t now_ns) {
  peer_expire(((struct rig *)arg)->peer, now_ns);
}

/* ---- life ------------------------------------------------------------------------------------- */

static void open_peer(struct rig *rig, const char *node) {
  const struct peer_outside outside = {
      .arg = rig,
      .random = rig_random,
      .event = peer_told,
      .received = peer_received,
      .file = peer_file,
      .move = peer_moved,
      .journal = {.arg = rig, .write = peer_wrote},
  };
  const char *why = "";
  rig->peer = peer_new(rig->plan, plan_node_find(rig->plan, node), &outside, &why);
  assert_non_null(rig->peer);
  rig->peer_node = rig->net.n_nodes;
  memnet_add(&rig->net, &(struct memnet_node){.addr = rig->path.local,
                                              .arg = rig,
                                              .in = peer_node_in,
                                              .out = peer_node_out,
                                              .deadline = peer_node_deadline,
                                              .expire = peer_node_expire});
  assert_int_equal(peer_connect(rig->peer, &rig->path, "10.0.0.2:4433", rig->net.now_ns), 0);
}

static bool is_set_up(void *arg) {
  const struct rig *rig = arg;
  return rig->session && moqt_peer_setup(rig->session);
}

static bool is_let_through(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct rig *rig = arg;
  (void)data;
  (void)len;
  if (rig->swallow == 0 || !qc_addr_equal(&path->remote, &rig->path.remote))
    return true;
  rig->swallow--;
  return false;
}

struct rig *rig_open(const struct rig_shape *shape) {
  struct rig *rig = calloc(1, sizeof *rig);
  assert_non_null(rig);
  rig->plan = rig_plan(shape->yaml, NULL, NULL, 0, rig->dir);
  memnet_init(&rig->net, 5);
  rig->net.loss_ppm = shape->loss_ppm;
  rig->net.tap = is_let_through;
  rig->net.tap_arg = rig;
  rig->swallow = shape->swallow;
  rig->path = (struct qc_path){.local = memnet_addr(1, 20000), .remote = memnet_addr(2, 4433)};
  rig->next_port = 30000;
  rig->max_streams_uni = shape->streams ? shape->streams : 1000;
  rig->accept_names = true;
  rig->subscribed_req = -1;
  rig_server_open(rig);
  open_peer(rig, shape->node);
  assert_true(memnet_run(&rig->net, 60 * RIG_S, is_set_up, rig));
  return rig;
}

void rig_close(struct rig *rig) {
  peer_free(rig->peer);
  rig_server_close(rig);
  memnet_free(&rig->net);
  free(rig->journal);
  free(rig->file);
  rig_plan_free(rig->plan, rig->dir);
  free(rig);
}

void rig_run(struct rig *rig, uint64_t for_ns) {
  memnet_run(&rig->net, for_ns, NULL, NULL);
}

struct awaited {
  const struct rig *rig;
  enum peer_event_kind kind;
  size_t count;
};

size_t rig_count(const struct rig *rig, enum peer_event_kind kind) {
  size_t n = 0;
  for (size_t i = 0; i < rig->n_events; i++)
    n += rig->events[i].kind == kind;
  return n;
}

static bool has_come(void *arg) {
  const struct awaited *awaited = arg;
  return rig_count(awaited->rig, awaited->kind) >= awaited->count;
}

const struct peer_event *rig_await(struct rig *rig, enum peer_event_kind kind, size_t count) {
  struct awaited awaited = {rig, kind, count};
  if (!memnet_run(&rig->net, 60 * RIG_S, has_come, &awaited))
    fail_msg("event %d did not come; failure: %s", (int)kind, rig->failure);
  for (size_t i = rig->n_events; i > 0; i--)
    if (rig->events[i - 1].kind == kind)
      return &rig->events[i - 1];
  return NULL;
}

void rig_do(struct rig *rig, const struct peer_command *command) {
  peer_command(rig->peer, command, rig->net.now_ns);
}

void rig_start(struct rig *rig, uint64_t in_ns) {
  rig_do(rig, &(struct peer_command){.what = PEER_DO_START, .t0_ns = rig->net.now_ns + in_ns});
}

/* ---- the journal ------------------------------------------------------------------------------------ */

json_t *rig_all(const struct rig *rig, const char *ev) {
  json_t *all = json_array();
  const char *at = rig->journal;
  const char *end = at ? at + rig->journal_len : NULL;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    assert_non_null(newline);
    json_t *line = json_loadb(at, (size_t)(newline - at), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line); /* every line is one JSON object */
    if (strcmp(json_string_value(json_object_get(line, "ev")), ev) == 0)
      json_array_append(all, line);
    json_decref(line);
    at = newline + 1;
  }
  return all;
}

size_t rig_lines(const struct rig *rig, const char *ev) {
  json_t *all = rig_all(rig, ev);
  const size_t n = json_array_size(all);
  json_decref(all);
  return n;
}

json_t *rig_line(const struct rig *rig, const char *ev, size_t index) {
  json_t *all = rig_all(rig, ev);
  json_t *line = json_incref(json_array_get(all, index));
  assert_non_null(line);
  json_decref(all);
  return line;
}

json_int_t rig_line_int(json_t *line, const char *key) {
  const json_t *value = json_object_get(line, key);
  assert_true(json_is_integer(value));
  const json_int_t v = json_integer_value(value);
  json_decref(line);
  return v;
}
