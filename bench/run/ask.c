#include "bench/run/ask.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/run/clock.h"
#include "bench/run/interrupt.h"
#include "bench/shrink/reduce.h"

#define PATIENCE   20      /* times the longest run so far ... */
#define PATIENCE_S CLOCK_S /* ... and this */

struct ask_slot {
  bool running, done, fails;
  struct plan *plan; /* of a text */
  char dir[600];
  uint64_t started_ns;
  struct live_run run;
};

int ask_open(struct ask *ask, char *err, size_t err_len) {
  const char *tmp = getenv("TMPDIR");
  const int n =
      snprintf(ask->dir, sizeof ask->dir, "%s/fanbench-shrink.XXXXXX", tmp && *tmp ? tmp : "/tmp");
  ask->slots = calloc(ask->at_a_time, sizeof *ask->slots);
  if (ask->slots && n > 0 && (size_t)n < sizeof ask->dir && mkdtemp(ask->dir)) {
    interrupt_watch();
    return 0;
  }
  snprintf(err, err_len, "cannot write below %s: %s; what to do: set TMPDIR to a folder with room",
           tmp && *tmp ? tmp : "/tmp", strerror(errno));
  ask->dir[0] = '\0';
  return -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st, (void)type, (void)at;
  return remove(path);
}

/* All of it: who was killed leaves files that are no run directory's, and the next run would refuse
 * a directory that holds them alone. */
static void remove_all(const char *dir) {
  if (dir[0])
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void ask_close(struct ask *ask) {
  remove_all(ask->dir);
  free(ask->slots);
  ask->dir[0] = '\0';
  ask->slots = NULL;
}

void ask_seen_free(struct ask_seen *seen) {
  if (seen->judged)
    judge_report_free(seen->judged);
  *seen = (struct ask_seen){0};
}

/* ---- what it showed ------------------------------------------------------------------------- */

const struct judge_check *ask_check(const struct ask_seen *seen, const char *name) {
  for (size_t i = 0; seen->judged && i < seen->judged->n_checks; i++)
    if (strcmp(seen->judged->checks[i].name, name) == 0)
      return &seen->judged->checks[i];
  return NULL;
}

static bool failed(const struct ask_seen *seen, const char *name) {
  const struct judge_check *check = ask_check(seen, name);
  return check && check->result == JUDGE_FAIL;
}

const struct judge_finding *ask_finding(const struct ask *ask, const struct ask_seen *seen) {
  const struct judge_check *check = ask_check(seen, ask->check);
  for (size_t i = 0; check && check->result == JUDGE_FAIL && i < check->n_findings; i++) {
    const struct judge_finding *f = &check->findings[i];
    if (!ask->field || (strcmp(f->field, ask->field) == 0 && strcmp(f->layer, ask->layer) == 0))
      return f;
  }
  return NULL;
}

/* A run that could not keep up proves nothing. */
bool ask_matches(const struct ask *ask, const struct ask_seen *seen) {
  if (strcmp(ask->check, ASK_DIED) == 0)
    return seen->died[0] != '\0';
  if ((seen->died[0] && !ask->may_die) ||
      (failed(seen, "load-honest") && strcmp(ask->check, "load-honest") != 0))
    return false;
  return ask->field ? ask_finding(ask, seen) != NULL : failed(seen, ask->check);
}

/* ---- runs ------------------------------------------------------------------------------------- */

static void slot_clear(struct ask_slot *slot) {
  if (slot->running) {
    cage_kill(&slot->run.cage);
    cage_wait(&slot->run.cage);
  }
  live_free(&slot->run);
  remove_all(slot->dir);
  if (slot->plan)
    plan_free(slot->plan);
  *slot = (struct ask_slot){0};
}

static int begin(struct ask *ask, size_t i, const struct plan *plan, char *err, size_t err_len) {
  struct ask_slot *slot = &ask->slots[i];
  snprintf(slot->dir, sizeof slot->dir, "%s/%zu", ask->dir, i);
  const struct live_options options = {
      .dir = slot->dir, .bindir = ask->bindir, .virtual_time = true};
  const int rc = live_start(&slot->run, plan, &options, err, err_len);
  slot->started_ns = clock_now();
  slot->running = rc == 0;
  slot->done = rc != 0;
  return rc;
}

/* 0, or the code of a run that could not be. */
static int finish(struct ask *ask, struct ask_slot *slot, struct ask_seen *seen) {
  char err[512];
  *seen = (struct ask_seen){0};
  live_finish(&slot->run);
  slot->running = false;
  slot->done = true;
  const uint64_t took_ns = clock_now() - slot->started_ns;
  snprintf(seen->died, sizeof seen->died, "%s", slot->run.died);
  if (slot->run.code)
    return slot->run.code;
  if (judge_run_dir(slot->dir, &seen->judged, err, sizeof err)) {
    const size_t len = strlen(seen->died);
    snprintf(seen->died + len, sizeof seen->died - len, "%s%s", len > 0 ? "; " : "", err);
  }
  if (took_ns > ask->longest_ns)
    ask->longest_ns = took_ns;
  return 0;
}

static bool out_of_time(const struct ask *ask) {
  return interrupt_seen() || (ask->until_ns && clock_now() >= ask->until_ns);
}

/* Waits until a run says something, a little at most. */
static void wait_some(struct ask *ask) {
  struct pollfd fds[ask->at_a_time];
  nfds_t n = 0;
  for (size_t i = 0; i < ask->at_a_time; i++)
    if (ask->slots[i].running)
      fds[n++] = (struct pollfd){.fd = ask->slots[i].run.cage.fd, .events = POLLIN};
  if (poll(fds, n, 200) <= 0)
    return;
  for (size_t i = 0; i < ask->at_a_time; i++)
    if (ask->slots[i].running)
      live_follow(&ask->slots[i].run);
}

int ask_play(struct ask *ask, const struct plan *plan, struct ask_seen *seen, char *err,
             size_t err_len) {
  struct ask_slot *slot = &ask->slots[0];
  *seen = (struct ask_seen){0};
  int rc = begin(ask, 0, plan, err, err_len);
  while (!rc && !slot->run.over && !out_of_time(ask))
    wait_some(ask);
  if (!rc && !slot->run.over)
    rc = -1;
  if (!rc && (rc = finish(ask, slot, seen)) != 0)
    snprintf(err, err_len, "%s", seen->died);
  slot_clear(slot);
  return rc;
}

/* ---- questions -------------------------------------------------------------------------------- */

static void begin_text(struct ask *ask, size_t i, const char *text) {
  char err[512];
  struct plan_error why = {0};
  struct ask_slot *slot = &ask->slots[i];
  slot->plan = plan_parse(text, strlen(text), ask->path, NULL, 0, &why);
  slot->done = !slot->plan;
  if (!slot->plan)
    plan_error_free(&why);
  else
    begin(ask, i, slot->plan, err, sizeof err); /* what cannot run does not fail */
}

static void answer(struct ask *ask, struct ask_slot *slot) {
  struct ask_seen seen;
  slot->fails = finish(ask, slot, &seen) == 0 && ask_matches(ask, &seen);
  ask_seen_free(&seen);
}

static void give_up_slow(struct ask *ask, struct ask_slot *slot) {
  if (ask->longest_ns && clock_now() - slot->started_ns > PATIENCE * ask->longest_ns + PATIENCE_S) {
    cage_kill(&slot->run.cage);
    cage_wait(&slot->run.cage);
    slot->running = false;
    slot->done = true;
  }
}

/* The answer if it is known, else REDUCE_STOP. */
static size_t settled(const struct ask *ask, size_t n) {
  size_t i = 0;
  while (i < n && ask->slots[i].done && !ask->slots[i].fails)
    i++;
  return i == n || ask->slots[i].done ? i : REDUCE_STOP;
}

size_t ask_first(void *arg, char *const *texts, size_t n) {
  struct ask *ask = arg;
  size_t answered = REDUCE_STOP;
  for (size_t i = 0; i < n; i++)
    begin_text(ask, i, texts[i]);
  while ((answered = settled(ask, n)) == REDUCE_STOP && !out_of_time(ask)) {
    wait_some(ask);
    for (size_t i = 0; i < n; i++) {
      struct ask_slot *slot = &ask->slots[i];
      if (slot->running && slot->run.over)
        answer(ask, slot);
      else if (slot->running)
        give_up_slow(ask, slot);
    }
  }
  for (size_t i = 0; i < n; i++)
    slot_clear(&ask->slots[i]);
  return answered;
}
