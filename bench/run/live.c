#include "bench/run/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench/run/channel.h"
#include "bench/run/manifest.h"
#include "bench/run/residue.h"
#include "bench/run/rundir.h"
#include "bench/run/stage.h"
#include "bench/run/virtual.h"

int live_start(struct live_run *run, const struct plan *plan, const struct live_options *options,
               char *err, size_t err_len) {
  *run = (struct live_run){.cage = {.fd = -1}};
  run->dir = strdup(options->dir);
  if (run->dir == NULL) {
    snprintf(err, err_len, "no memory for a path");
    return 3;
  }
  if (rundir_make(run->dir, err, err_len) != 0 ||
      rundir_write_plan(run->dir, plan, err, err_len) != 0) {
    live_free(run);
    return 2;
  }
  /* read by the child at once, from its copy of this memory */
  struct stage_order order = {.plan = plan,
                              .dir = run->dir,
                              .bindir = options->bindir,
                              .hold = options->hold,
                              .interleavings = options->interleavings,
                              .journal = options->journal,
                              .journal_size = options->journal_size};
  run->virtual_time = options->virtual_time;
  int rc = options->virtual_time ? cage_start_open(&run->cage, virtual_inside, &order, err, err_len)
                                 : cage_start(&run->cage, stage_inside, &order, err, err_len);
  if (rc != 0) {
    live_free(run);
    return 3;
  }
  return 0;
}

/* names: [inode, cookie]... */
static void heard_namespaces(struct live_run *run, const json_t *names) {
  size_t n = json_array_size(names);
  free(run->namespaces);
  run->namespaces = calloc(n + 1, sizeof *run->namespaces);
  run->n_namespaces = run->namespaces != NULL ? n : 0;
  for (size_t i = 0; i < run->n_namespaces; i++)
    run->namespaces[i] = (struct netns_name){
        .inode = (uint64_t)json_integer_value(json_array_get(json_array_get(names, i), 0)),
        .cookie = (uint64_t)json_integer_value(json_array_get(json_array_get(names, i), 1))};
}

static void heard(struct live_run *run, const json_t *message) {
  const char *ev = channel_text(message, "ev");
  if (strcmp(ev, "phase") == 0)
    snprintf(run->phase, sizeof run->phase, "%s", channel_text(message, "text"));
  else if (strcmp(ev, "namespaces") == 0)
    heard_namespaces(run, json_object_get(message, "names"));
  else if (strcmp(ev, "holding") == 0) {
    run->holding = true;
    json_decref(run->held);
    run->held = json_deep_copy(json_object_get(message, "nodes"));
  } else if (strcmp(ev, "end") == 0) {
    run->told_end = true;
    run->code = (int)channel_int(message, "code", 3);
    snprintf(run->died, sizeof run->died, "%s", channel_text(message, "text"));
  }
}

void live_follow(struct live_run *run) {
  json_t *message;
  for (;;) {
    enum channel_result got = channel_recv(run->cage.fd, &message);
    if (got == CHANNEL_NOTHING)
      return;
    if (got == CHANNEL_CLOSED) {
      run->over = true;
      return;
    }
    heard(run, message);
    json_decref(message);
  }
}

void live_release(struct live_run *run) {
  if (run->holding)
    channel_send(run->cage.fd, json_pack("{s:s}", "do", "release"));
  run->holding = false;
}

struct completion {
  const struct live_run *run;
  int status;
};

static void complete(json_t *manifest, void *arg) {
  const struct completion *with = arg;
  const struct live_run *run = with->run;
  json_t *section = json_object_get(manifest, "run");
  if (section == NULL) {
    section = json_object();
    json_object_set_new(manifest, "run", section);
  }
  json_t *found = json_object_get(section, "residue");
  if (found == NULL) { /* the cage was killed before it could look */
    found = json_pack("{s:[], s:[]}", "examined", "left");
    json_object_set_new(section, "residue", found);
  }
  if (!run->virtual_time)
    residue_outside(found, run->namespaces, run->n_namespaces);
  if (run->told_end)
    return;
  json_t *processes = json_object_get(section, "processes");
  if (processes == NULL) {
    processes = json_array();
    json_object_set_new(section, "processes", processes);
  }
  json_array_append_new(
      processes, json_pack("{s:s, s:i, s:i, s:b}", "node", "runner", "exit",
                           WIFEXITED(with->status) ? WEXITSTATUS(with->status) : 0, "signal",
                           WIFSIGNALED(with->status) ? WTERMSIG(with->status) : 0, "expected", 0));
  json_object_set_new(section, "ended_early", json_string(run->died));
}

void live_finish(struct live_run *run) {
  char err[512];
  int status = cage_wait(&run->cage);
  if (!run->told_end) {
    run->code = 0;
    snprintf(run->died, sizeof run->died,
             "the process that holds the run ended during \"%s\": %s %d", run->phase,
             WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  struct completion with = {.run = run, .status = status};
  if (run->code == 0 && manifest_change(run->dir, complete, &with, err, sizeof err) != 0 &&
      run->died[0] == '\0')
    snprintf(run->died, sizeof run->died, "%s", err);
}

void live_free(struct live_run *run) {
  json_decref(run->held);
  free(run->namespaces);
  free(run->dir);
  *run = (struct live_run){.cage = {.fd = -1}};
}
