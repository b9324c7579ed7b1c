#include "bench/run/explore.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/explore/generate.h"
#include "bench/report/report.h"
#include "bench/run/interrupt.h"
#include "bench/run/clock.h"
#include "bench/run/live.h"
#include "bench/run/progress.h"
#include "bench/run/rundir.h"
#include "pcap-tools/judge.h"
#include "version.h"

#define EXIT_INTERRUPTED 130
#define SHOWN            20 /* failures with a line of their own; more are told by their checks */

/* A scenario that is being run. */
struct slot {
  bool running;
  uint64_t seed;
  char *text; /* of its scenario, for people */
  char *dir;
  struct plan *plan;
  struct live_run run;
};

struct failure {
  uint64_t seed;
  char *unmet; /* names of checks */
};

struct exploring {
  const struct explore_request *request;
  struct slot *slots;
  uint64_t next; /* seed to begin with next */
  bool exhausted;
  uint64_t started_ns;
  size_t done;
  struct failure *failures; /* by seed at the end */
  size_t n_failures;
  int code; /* of something that ends it; 0 = nothing */
};

static void give_up(struct exploring *e, int code, const char *why) {
  progress_clear();
  fprintf(stderr, "fanbench: explore: %s\n", why);
  e->code = code;
}

static void tell_progress(const struct exploring *e) {
  const struct explore_request *r = e->request;
  const uint64_t spent_ns = clock_now() - e->started_ns;
  char text[120], left[48] = "";
  if (r->for_ns)
    snprintf(left, sizeof left, ", %" PRIu64 " s left",
             spent_ns < r->for_ns ? (r->for_ns - spent_ns) / 1000000000 : 0);
  else if (e->done)
    snprintf(left, sizeof left, ", about %" PRIu64 " s left",
             (uint64_t)((double)spent_ns / 1e9 / (double)e->done *
                        (double)(r->last - r->first + 1 - e->done)));
  snprintf(text, sizeof text, "%zu done, %zu failed%s", e->done, e->n_failures, left);
  progress_say("explore", text);
}

/* ---- one run -------------------------------------------------------------------------------- */

static void slot_clear(struct slot *slot) {
  if (slot->plan) {
    /* the command line's defects are not the plan's */
    slot->plan->defects = NULL;
    slot->plan->n_defects = 0;
    plan_free(slot->plan);
  }
  free(slot->text);
  free(slot->dir);
  *slot = (struct slot){0};
}

/* The scenario of a seed, as text and as the plan that the text means. */
static int make_scenario(struct exploring *e, struct slot *slot) {
  char name[40], about[160];
  struct plan_error error = {0};
  struct model *model = generate(slot->seed);
  size_t len = 0;
  snprintf(name, sizeof name, "explored-%" PRIu64, slot->seed);
  snprintf(about, sizeof about,
           "Made by chance: fanbench explore --seeds %" PRIu64 "..%" PRIu64 ".", slot->seed,
           slot->seed);
  slot->text = model_text(model, name, about, &len);
  model_free(model);
  if (!slot->text) {
    give_up(e, 3, "no memory");
    return -1;
  }
  snprintf(name, sizeof name, "explored-%" PRIu64 ".yaml", slot->seed);
  slot->plan = plan_parse(slot->text, len, name, NULL, 0, &error);
  if (!slot->plan) { /* a mistake of generate() */
    progress_clear();
    fputs(slot->text, stderr);
    plan_error_print(stderr, &error);
    plan_error_free(&error);
    give_up(e, 3, "a scenario that was made by chance is none: please report this");
    return -1;
  }
  slot->plan->defects = (struct plan_defect *)e->request->defects;
  slot->plan->n_defects = e->request->n_defects;
  return 0;
}

static void begin(struct exploring *e, struct slot *slot, uint64_t seed) {
  char err[512];
  *slot = (struct slot){.seed = seed};
  if (make_scenario(e, slot))
    return;
  if (asprintf(&slot->dir, "%s/seed-%" PRIu64, e->request->out, seed) < 0) {
    slot->dir = NULL;
    give_up(e, 3, "no memory");
    return;
  }
  const struct live_options options = {
      .dir = slot->dir, .bindir = e->request->bindir, .virtual_time = true};
  const int rc = live_start(&slot->run, slot->plan, &options, err, sizeof err);
  slot->running = rc == 0;
  if (rc)
    give_up(e, rc, err);
}

static char *replay_line(const struct exploring *e, const struct slot *slot) {
  const struct explore_request *r = e->request;
  const char **args = calloc(5 + 2 * r->n_defects, sizeof *args);
  char **made = calloc(r->n_defects + 2, sizeof *made);
  char *line = NULL;
  size_t n = 0, n_made = 0;
  bool ok = args && made && asprintf(&made[n_made++], "%s/scenario.yaml", slot->dir) >= 0 &&
            asprintf(&made[n_made++], "%" PRIu64, slot->seed) >= 0;
  if (ok) {
    args[n++] = made[0];
    args[n++] = "--mode";
    args[n++] = "sim";
    args[n++] = "--seed";
    args[n++] = made[1];
  }
  for (size_t i = 0; ok && i < r->n_defects; i++) {
    const struct plan_defect *d = &r->defects[i];
    ok = asprintf(&made[n_made++], "%s%s%s", d->name, d->value ? "=" : "",
                  d->value ? d->value : "") >= 0;
    args[n++] = "--defect";
    args[n++] = made[n_made - 1];
  }
  if (ok)
    line = report_replay_line(args, n);
  while (n_made > 0)
    free(made[--n_made]);
  free(made);
  free(args);
  return line;
}

static int write_text(const char *dir, const char *name, const char *text) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", dir, name) < 0)
    return -1;
  FILE *to = fopen(path, "w");
  int rc = to && fputs(text, to) >= 0 ? 0 : -1;
  if (to && fclose(to))
    rc = -1;
  free(path);
  return rc;
}

/* Its reports, the scenario that a person can read, and the command. */
static void keep(struct exploring *e, const struct slot *slot, const struct judge_report *judged,
                 struct report_run *run) {
  char err[512];
  struct report_outcome outcome;
  char *replay = replay_line(e, slot), *line = NULL;
  run->replay = replay;
  run->kept = replay;
  if (report_write(slot->dir, slot->plan, judged, run, &outcome, err, sizeof err))
    fprintf(stderr, "fanbench: %s\n", err);
  if (write_text(slot->dir, "scenario.yaml", slot->text) ||
      asprintf(&line, "%s\n", replay ? replay : "") < 0 ||
      write_text(slot->dir, "replay.txt", line))
    give_up(e, 3, strerror(errno));
  free(line);
  struct failure *grown = realloc(e->failures, (e->n_failures + 1) * sizeof *grown);
  if (grown) {
    e->failures = grown;
    e->failures[e->n_failures++] =
        (struct failure){.seed = slot->seed, .unmet = report_unmet(judged, run, &outcome)};
    progress_clear();
    fprintf(stderr, "fanbench: seed %" PRIu64 " fails: %s\n  replay: %s\n", slot->seed,
            e->failures[e->n_failures - 1].unmet, replay ? replay : "");
  } else {
    give_up(e, 3, "no memory");
  }
  report_outcome_free(&outcome);
  free(replay);
}

static void put_json(const struct exploring *e, const struct slot *slot,
                     const struct report_outcome *outcome, const char *unmet) {
  if (!e->request->json)
    return;
  json_t *o = json_pack("{s:I, s:s, s:s?}", "seed", (json_int_t)slot->seed, "verdict",
                        report_verdict_name(outcome->verdict), "unmet", unmet);
  json_dumpf(o, e->request->results, JSON_COMPACT);
  fputc('\n', e->request->results);
  fflush(e->request->results);
  json_decref(o);
}

static void judge(struct exploring *e, struct slot *slot) {
  char err[512], died[1024];
  struct judge_report *judged = NULL;
  struct report_outcome outcome = {0};
  snprintf(died, sizeof died, "%s", slot->run.died);
  if (judge_run_dir(slot->dir, &judged, err, sizeof err)) {
    const size_t len = strlen(died);
    snprintf(died + len, sizeof died - len, "%s%s", len > 0 ? "; " : "", err);
  }
  struct report_run run = {.mode = "sim",
                           .out_dir = slot->dir,
                           .tries = 1,
                           .twin = REPORT_SINGLE,
                           .died = died[0] ? died : NULL};
  if (report_outcome_make(slot->plan, judged, REPORT_SINGLE, run.died, &outcome))
    give_up(e, 3, "no memory");
  /* Virtual time has no noise: what makes a run inconclusive is a finding, too. */
  const bool failed = outcome.verdict != REPORT_PASS;
  if (failed)
    keep(e, slot, judged, &run);
  put_json(e, slot, &outcome,
           failed && e->n_failures ? e->failures[e->n_failures - 1].unmet : NULL);
  if (!failed)
    rundir_remove(slot->dir, e->request->out);
  report_outcome_free(&outcome);
  if (judged)
    judge_report_free(judged);
}

static void finish(struct exploring *e, struct slot *slot) {
  live_finish(&slot->run);
  slot->running = false;
  if (slot->run.code)
    give_up(e, slot->run.code, slot->run.died);
  else
    judge(e, slot);
  e->done++;
  live_free(&slot->run);
  slot_clear(slot);
  tell_progress(e);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static bool goes_on(const struct exploring *e) {
  const struct explore_request *r = e->request;
  return !e->code && !interrupt_seen() && !e->exhausted &&
         (!r->for_ns || clock_now() - e->started_ns < r->for_ns) &&
         (!r->most_failures || e->n_failures < r->most_failures);
}

static size_t fill_slots(struct exploring *e) {
  size_t running = 0;
  for (size_t i = 0; i < e->request->at_a_time; i++) {
    struct slot *slot = &e->slots[i];
    if (!slot->running && goes_on(e)) {
      const uint64_t seed = e->next++;
      e->exhausted = seed == e->request->last;
      begin(e, slot, seed);
      if (!slot->running)
        slot_clear(slot);
    }
    running += slot->running;
  }
  return running;
}

static void follow(struct exploring *e, struct pollfd *fds) {
  nfds_t n = 0;
  for (size_t i = 0; i < e->request->at_a_time; i++)
    if (e->slots[i].running)
      fds[n++] = (struct pollfd){.fd = e->slots[i].run.cage.fd, .events = POLLIN};
  if (poll(fds, n, -1) <= 0)
    return;
  for (size_t i = 0; i < e->request->at_a_time; i++) {
    struct slot *slot = &e->slots[i];
    if (!slot->running)
      continue;
    live_follow(&slot->run);
    if (slot->run.over)
      finish(e, slot);
  }
}

static void kill_all(struct exploring *e) {
  for (size_t i = 0; i < e->request->at_a_time; i++) {
    struct slot *slot = &e->slots[i];
    if (!slot->running)
      continue;
    cage_kill(&slot->run.cage);
    cage_wait(&slot->run.cage);
    live_free(&slot->run);
    rundir_remove(slot->dir, e->request->out);
    slot_clear(slot);
  }
}

static int by_seed(const void *x, const void *y) {
  const struct failure *a = x, *b = y;
  return (a->seed > b->seed) - (a->seed < b->seed);
}

static const char *unmet_of(const struct failure *f) {
  return f->unmet ? f->unmet : "";
}

/* Many: one line for each way to fail, in the order of their first seeds, as one cause often fails
 * many seeds. */
static void put_ways(const struct exploring *e, FILE *to) {
  for (size_t i = 0; i < e->n_failures; i++) {
    const char *way = unmet_of(&e->failures[i]);
    size_t n = 0, k = 0;
    while (k < i && strcmp(unmet_of(&e->failures[k]), way) != 0)
      k++;
    if (k < i)
      continue;
    for (k = i; k < e->n_failures; k++)
      n += strcmp(unmet_of(&e->failures[k]), way) == 0;
    fprintf(to, "  %4zux seed %-8" PRIu64 " %s\n", n, e->failures[i].seed, way);
  }
}

static void put_failures(const struct exploring *e, FILE *to) {
  if (e->n_failures > SHOWN) {
    put_ways(e, to);
    return;
  }
  for (size_t i = 0; i < e->n_failures; i++)
    fprintf(to, "  seed %-8" PRIu64 " %s\n", e->failures[i].seed, unmet_of(&e->failures[i]));
}

static void conclude(const struct exploring *e) {
  const struct explore_request *r = e->request;
  FILE *to = r->json ? stderr : r->results;
  qsort(e->failures, e->n_failures, sizeof *e->failures, by_seed);
  fprintf(to, "EXPLORE  %zu scenarios from seed %" PRIu64 " on (sim, commit %s", e->done, r->first,
          FANBENCH_COMMIT);
  for (size_t i = 0; i < r->n_defects; i++)
    fprintf(to, ", defect %s", r->defects[i].name);
  fprintf(to, ")\n%zu failed\n", e->n_failures);
  put_failures(e, to);
  if (!e->n_failures)
    return;
  struct slot first = {.seed = e->failures[0].seed};
  if (asprintf(&first.dir, "%s/seed-%" PRIu64, r->out, first.seed) < 0)
    return;
  char *replay = replay_line(e, &first);
  fprintf(to, "first: %s\nshrink: fanbench shrink %s\n", replay ? replay : "", first.dir);
  free(replay);
  free(first.dir);
}

int explore_play(const struct explore_request *request) {
  struct exploring e = {.request = request, .next = request->first, .started_ns = clock_now()};
  struct pollfd *fds = calloc(request->at_a_time + 1, sizeof *fds);
  e.slots = calloc(request->at_a_time, sizeof *e.slots);
  if (!fds || !e.slots) {
    give_up(&e, 3, "no memory");
  } else if (rundir_mkdirs(request->out)) {
    fprintf(stderr, "fanbench: cannot make %s: %s\n", request->out, strerror(errno));
    e.code = 2;
  } else {
    interrupt_watch();
    tell_progress(&e);
    while (fill_slots(&e) > 0) {
      follow(&e, fds);
      if (interrupt_seen())
        kill_all(&e);
    }
    progress_clear();
    conclude(&e);
  }
  for (size_t i = 0; i < e.n_failures; i++)
    free(e.failures[i].unmet);
  free(e.failures);
  free(e.slots);
  free(fds);
  if (e.code)
    return e.code;
  return interrupt_seen() ? EXIT_INTERRUPTED : e.n_failures ? 1 : 0;
}
